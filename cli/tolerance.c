// SPDX-License-Identifier: MIT
// Parses tolerances and compares numbers within them.
#include "tolerance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ffwd/ffwd.h>

#include "quantity.h"

/** A finite number >= 0 in digits, and behind it `end`. The command runs in the C locale. */
static bool parse_bound(const char *text, char end, double *bound, const char **rest) {
    char *stop;
    bool digits = (text[0] >= '0' && text[0] <= '9') || text[0] == '.';
    *bound = strtod(text, &stop);
    *rest = *stop != '\0' ? stop + 1 : stop;
    return digits && stop > text && *stop == end && isfinite(*bound);
}

static bool parse_ulp(const char *text, tolerance *out) {
    static const char unit[] = "ulp";
    char digits[32];
    size_t length = strlen(text), tail = strlen(unit);
    if (length <= tail || length - tail >= sizeof digits ||
        strcmp(text + length - tail, unit) != 0) {
        return false;
    }
    memcpy(digits, text, length - tail);
    digits[length - tail] = '\0';
    out->kind = TOLERANCE_ULP;
    return quantity_parse(digits, 0, ULP_NAN - 1, &out->ulp);
}

static bool parse_bounds(const char *text, tolerance *out) {
    const char *rest;
    bool both = strchr(text, ',') != NULL;
    out->kind = TOLERANCE_BOUND;
    return parse_bound(text, both ? ',' : '\0', &out->absolute, &rest) &&
           (!both || parse_bound(rest, '\0', &out->relative, &rest));
}

bool tolerance_parse(const char *text, tolerance *out) {
    *out = (tolerance){.text = text};
    return parse_ulp(text, out) || parse_bounds(text, out);
}

/** The bits of a number below its sign are its place among those of the sign. */
static int64_t place_of(uint64_t magnitude, bool negative) {
    return negative ? -(int64_t)magnitude : (int64_t)magnitude;
}

placed_number placed_at(const void *values, uint64_t index, uint32_t dtype) {
    placed_number out;
    if (dtype == FFWD_F32) {
        uint32_t bits;
        float number;
        memcpy(&bits, (const char *)values + index * sizeof bits, sizeof bits);
        memcpy(&number, &bits, sizeof number);
        out.number = number;
        out.place = place_of(bits & INT32_MAX, bits >> 31 != 0);
    } else {
        uint64_t bits;
        memcpy(&bits, (const char *)values + index * sizeof bits, sizeof bits);
        memcpy(&out.number, &bits, sizeof out.number);
        out.place = place_of(bits & INT64_MAX, bits >> 63 != 0);
    }
    return out;
}

uint64_t placed_ulp(const placed_number *value, const placed_number *expected) {
    bool nan = isnan(value->number) != 0, wanted = isnan(expected->number) != 0;
    if (nan || wanted) {
        return nan == wanted ? 0 : ULP_NAN;
    }
    return value->place > expected->place ? (uint64_t)value->place - (uint64_t)expected->place
                                          : (uint64_t)expected->place - (uint64_t)value->place;
}

static bool is_within(const tolerance *bound, double value, double expected) {
    return value == expected ||
           (isfinite(value) && isfinite(expected) &&
            fabs(value - expected) <= bound->absolute + bound->relative * fabs(expected));
}

bool tolerance_allows(const tolerance *allowed, const placed_number *value,
                      const placed_number *expected) {
    uint64_t ulp = placed_ulp(value, expected);
    switch (allowed->kind) {
    case TOLERANCE_BITS:
        return ulp == 0 &&
               (isnan(value->number) || !signbit(value->number) == !signbit(expected->number));
    case TOLERANCE_ULP:
        return ulp <= allowed->ulp;
    case TOLERANCE_BOUND:
        break;
    }
    return isnan(value->number) ? ulp == 0 : is_within(allowed, value->number, expected->number);
}
