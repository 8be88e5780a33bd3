// SPDX-License-Identifier: MIT
// The fewest digits by exact integer arithmetic where 128 bits hold it (1e-11 to 1e17, which is
// nearly all of what networks put out), by printf and strtod elsewhere.
#include "format/csv_number.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DIGITS 17

__extension__ typedef unsigned __int128 wide;

/** significand * 2^exponent, of a float or a double. */
typedef struct binary {
    uint64_t significand;
    int exponent;
    bool at_power; /**< the neighbour below is only half as far as the one above */
    bool single;
} binary;

/** digits * 10^exponent. */
typedef struct decimal {
    uint64_t digits;
    int exponent;
} decimal;

/* ---------------------------------------------------------------------------------------- exact */

/** 5^27 is the last power of 5 in 63 bits, and so leaves 128 room for a double's significand. */
#define MAX_SCALE 27

static uint64_t power_of_5(int exponent) {
    uint64_t power = 1;
    while (exponent-- > 0) {
        power *= 5;
    }
    return power;
}

/** floor(log10(2^exponent)) for |exponent| < 100, where 1233 / 4096 is close enough to log10(2). */
static int floor_log10_of_power(int exponent) {
    return (exponent * 1233) >> 12;
}

static int bit_length(uint64_t value) {
    return 64 - __builtin_clzll(value);
}

/** The decimal scale that makes 17 or 18 digits before the point; false outside 0 .. MAX_SCALE. */
static bool choose_scale(const binary *value, int *scale) {
    int top = value->exponent + bit_length(value->significand) - 1;
    if (top < -60 || top > 60) {
        return false;
    }
    *scale = MAX_DIGITS - 1 - floor_log10_of_power(top);
    return *scale >= 0 && *scale <= MAX_SCALE;
}

/** A real number >= 0: its whole part, and what matters of its fraction. */
typedef struct scaled {
    uint64_t whole;
    int against_half; /**< sign of (fraction - 1/2) */
    bool exact;       /**< the fraction is 0 */
} scaled;

/** quarters * factor * 2^shift. */
static scaled scale_up(uint64_t quarters, uint64_t factor, int shift) {
    wide product = (wide)quarters * factor;
    if (shift >= 0) {
        return (scaled){(uint64_t)(product << shift), -1, true};
    }
    wide half = (wide)1 << (-shift - 1);
    wide fraction = product & (2 * half - 1);
    return (scaled){(uint64_t)(product >> -shift), (fraction > half) - (fraction < half),
                    fraction == 0};
}

/** The multiple of `step` nearest to the value, ties to the even one. */
static uint64_t nearest_multiple(const scaled *value, uint64_t step) {
    uint64_t count = value->whole / step, rest = value->whole % step;
    int side = value->against_half;
    if (step > 1) {
        side = rest > step - rest ? 1 : rest < step - rest ? -1 : value->exact ? 0 : 1;
    }
    return (count + (side > 0 || (side == 0 && count % 2 == 1))) * step;
}

/**
 * Of the numbers that round to the value, those between the midpoints to its neighbours, the one
 * with the fewest digits. All are scaled by 10^scale, so that whole numbers are candidates.
 */
static bool shortest_exact(const binary *value, decimal *result) {
    int scale;
    if (!choose_scale(value, &scale)) {
        return false;
    }
    int shift = value->exponent + scale - 2;
    uint64_t quarters = 4 * value->significand, factor = power_of_5(scale);
    scaled middle = scale_up(quarters, factor, shift);
    scaled low = scale_up(quarters - (value->at_power ? 1 : 2), factor, shift);
    scaled high = scale_up(quarters + 2, factor, shift);
    bool closed = value->significand % 2 == 0;
    uint64_t first = low.whole + !(low.exact && closed);
    uint64_t last = high.whole - (high.exact && !closed);
    uint64_t step = 1;
    int zeros = 0;
    while (last / (10 * step) * (10 * step) >= first) {
        step *= 10;
        zeros++;
    }
    uint64_t best = nearest_multiple(&middle, step);
    best += best < first ? step : 0;
    best -= best > last ? step : 0;
    *result = (decimal){best / step, zeros - scale};
    return true;
}

/* -------------------------------------------------------------------------------------- printed */

/** The decimal that "%.*e" printed; its point is the locale's, so every non-digit is skipped. */
static decimal read_printed(const char *text) {
    decimal value = {0, 0};
    int places = -1;
    for (; *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9') {
            value.digits = value.digits * 10 + (uint64_t)(*text - '0');
            places++;
        }
    }
    value.exponent = (int)strtol(text + 1, NULL, 10) - places;
    return value;
}

/** Written without a point, which would be the locale's. */
static bool reads_back(decimal candidate, double wanted, bool single) {
    char text[32];
    (void)snprintf(text, sizeof text, "%llue%d", (unsigned long long)candidate.digits,
                   candidate.exponent);
    return single ? (double)strtof(text, NULL) == wanted : strtod(text, NULL) == wanted;
}

/**
 * Digit counts in turn, each with the decimal nearest to the value; at a power of two, where
 * numbers lie closer below than above, the next decimal may read back where the nearest does not.
 */
static decimal shortest_printed(const binary *value) {
    char text[64];
    double exact = ldexp((double)value->significand, value->exponent);
    decimal result;
    int digits = 0;
    do {
        (void)snprintf(text, sizeof text, "%.*e", digits++, exact);
        result = read_printed(text);
        if (reads_back(result, exact, value->single)) {
            break;
        }
        result.digits += value->at_power ? 1 : 0;
    } while (digits < MAX_DIGITS && !reads_back(result, exact, value->single));
    while (result.digits % 10 == 0) {
        result.digits /= 10;
        result.exponent++;
    }
    return result;
}

/* --------------------------------------------------------------------------------------- layout */

static size_t put_word(char *text, const char *word) {
    size_t length = 0;
    for (; word[length] != 0; length++) {
        text[length] = word[length];
    }
    return length;
}

static size_t put_whole(char *text, uint64_t value) {
    char reversed[20];
    size_t count = 0;
    do {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < count; i++) {
        text[i] = reversed[count - 1 - i];
    }
    return count;
}

static size_t put_zeros(char *text, int count) {
    memset(text, '0', (size_t)count);
    return (size_t)count;
}

/** Moves the last `places` characters one on and sets the point before them. */
static size_t insert_point(char *text, size_t length, size_t places) {
    memmove(text + length - places + 1, text + length - places, places);
    text[length - places] = '.';
    return length + 1;
}

static size_t put_scientific(char *text, size_t count, int power) {
    size_t length = count > 1 ? insert_point(text, count, count - 1) : count;
    text[length++] = 'e';
    if (power < 0) {
        text[length++] = '-';
    }
    return length + put_whole(text + length, (uint64_t)(power < 0 ? -power : power));
}

static size_t put_decimal(char *text, decimal value) {
    char digits[20];
    size_t count = put_whole(digits, value.digits);
    int power = (int)count - 1 + value.exponent; // of the first digit
    if (power < -4 || power >= 16) {
        memcpy(text, digits, count);
        return put_scientific(text, count, power);
    }
    size_t length = power < 0 ? put_zeros(text, -power) : 0;
    memcpy(text + length, digits, count);
    length += count;
    if (value.exponent >= 0) {
        return length + put_zeros(text + length, value.exponent);
    }
    return insert_point(text, length, (size_t)-value.exponent);
}

static size_t put_binary(char *text, const binary *value) {
    decimal shortest;
    if (!shortest_exact(value, &shortest)) {
        shortest = shortest_printed(value);
    }
    return put_decimal(text, shortest);
}

/** What needs no search: NaN, infinities, zeros, and whole numbers below 2^24. */
static bool put_simple(char *text, double value, size_t *length) {
    size_t sign = signbit(value) != 0 ? 1 : 0;
    double magnitude = fabs(value);
    if (isnan(value)) {
        *length = put_word(text, "nan");
        return true;
    }
    text[0] = '-';
    if (isinf(value)) {
        *length = sign + put_word(text + sign, "inf");
        return true;
    }
    if (magnitude < 0x1p24 && magnitude == (double)(uint32_t)magnitude) {
        *length = sign + put_whole(text + sign, (uint32_t)magnitude);
        return true;
    }
    return false;
}

/** From the fields of the binary format; biased: the exponent with significands as integers. */
static binary unpack(uint64_t magnitude, int significand_bits, int bias, bool single) {
    uint64_t hidden = (uint64_t)1 << significand_bits;
    uint64_t fraction = magnitude & (hidden - 1);
    int field = (int)(magnitude >> significand_bits);
    return (binary){field > 0 ? fraction | hidden : fraction, (field > 0 ? field : 1) - bias,
                    fraction == 0 && field > 1, single};
}

size_t ffwd_csv_f32(char text[FFWD_CSV_NUMBER_MAX], float value) {
    size_t length;
    uint32_t bits;
    if (put_simple(text, value, &length)) {
        return length;
    }
    memcpy(&bits, &value, sizeof bits);
    size_t sign = bits >> 31;
    binary parts = unpack(bits & 0x7fffffff, 23, 127 + 23, true);
    return sign + put_binary(text + sign, &parts);
}

size_t ffwd_csv_f64(char text[FFWD_CSV_NUMBER_MAX], double value) {
    size_t length;
    uint64_t bits;
    if (put_simple(text, value, &length)) {
        return length;
    }
    memcpy(&bits, &value, sizeof bits);
    size_t sign = bits >> 63;
    binary parts = unpack(bits & INT64_MAX, 52, 1023 + 52, false);
    return sign + put_binary(text + sign, &parts);
}
