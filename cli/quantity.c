// SPDX-License-Identifier: MIT
// Parsing of whole numbers and byte counts.
#include "quantity.h"

#include <stddef.h>
#include <string.h>

static uint64_t saturated_multiply_add(uint64_t a, uint64_t b, uint64_t c) {
    uint64_t result;
    if (__builtin_mul_overflow(a, b, &result) || __builtin_add_overflow(result, c, &result)) {
        return UINT64_MAX;
    }
    return result;
}

/** Reads the digits at the head of text and returns what follows them, NULL where there are none.
 */
static const char *read_digits(const char *text, uint64_t *value) {
    const char *end = text;
    *value = 0;
    for (; *end >= '0' && *end <= '9'; end++) {
        *value = saturated_multiply_add(*value, 10, (uint64_t)(*end - '0'));
    }
    return end > text ? end : NULL;
}

bool quantity_parse(const char *text, uint64_t least, uint64_t most, uint64_t *value) {
    const char *end = read_digits(text, value);
    return end != NULL && *end == '\0' && *value >= least && *value <= most;
}

bool quantity_parse_bytes(const char *text, uint64_t *bytes) {
    static const char units[] = "KkMmGg";
    const char *end = read_digits(text, bytes);
    if (end == NULL || *end == '\0') {
        return end != NULL;
    }
    const char *unit = strchr(units, *end);
    if (unit == NULL || end[1] != '\0') {
        return false;
    }
    *bytes = saturated_multiply_add(*bytes, UINT64_C(1024) << 10 * ((unit - units) / 2), 0);
    return true;
}
