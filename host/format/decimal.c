// SPDX-License-Identifier: MIT
// Up to 19 digits are exact in 64 bits. Few digits and a small power of ten make two exact floats,
// and one operation rounds their product or quotient (W. D. Clinger, "How to read floating point
// numbers accurately", 1990). Other numbers are the product of the digits and 128 bits of a power
// of five (D. Lemire, "Number parsing at a gigabyte per second", 2021), which never errs (N.
// Mushtak, D. Lemire, "Fast number parsing without fallback", 2023). With more digits the number
// lies between two such; where they differ, the C library decides.
#include "format/decimal.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/** The most digits that 64 bits hold. */
#define MAX_DIGITS 19

/** digits * 10^exponent. */
typedef struct decimal {
    uint64_t digits;
    int64_t exponent;
    bool negative;
    bool cut; /**< there were more digits, and not only zeros: below (digits + 1) * 10^exponent */
} decimal;

/* --------------------------------------------------------------------------------------- tables */

/** Below the first, 19 digits make no double but 0; beyond the last, one digit makes infinity. */
#define FIRST_POWER (-342)
#define LAST_POWER  308

/** The 128 leading bits of 5^q. */
typedef struct power {
    uint64_t high, low;
} power;

static power powers[LAST_POWER - FIRST_POWER + 1];
static locale_t c_locale;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/** Of a large whole number, the least significant first. 2^960 / 5^342 still has 166 bits, and two
 *  words that are always 0 stand below. */
enum { WORDS = 2 + 16 };

static power leading_bits(const uint64_t words[WORDS]) {
    int top = WORDS - 1;
    while (words[top] == 0) {
        top--;
    }
    wide upper = (wide)words[top] << 64 | words[top - 1];
    int shift = __builtin_clzll(words[top]);
    upper = shift > 0 ? upper << shift | words[top - 2] >> (64 - shift) : upper;
    return (power){(uint64_t)(upper >> 64), (uint64_t)upper};
}

static void multiply_by_5(uint64_t words[WORDS]) {
    uint64_t carry = 0;
    for (int i = 2; i < WORDS; i++) {
        wide product = (wide)words[i] * 5 + carry;
        words[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
}

static void divide_by_5(uint64_t words[WORDS]) {
    uint64_t rest = 0;
    for (int i = WORDS - 1; i >= 2; i--) {
        wide part = (wide)rest << 64 | words[i];
        words[i] = (uint64_t)(part / 5);
        rest = (uint64_t)(part % 5);
    }
}

/** Rounded down, but up where 5^-q has 64 bits or less and the product with it can be exact. */
static void fill_negative_powers(void) {
    uint64_t words[WORDS] = {0};
    words[WORDS - 1] = 1;
    for (int q = -1; q >= FIRST_POWER; q--) {
        divide_by_5(words);
        power bits = leading_bits(words);
        if (q >= -27) {
            bits.low++;
            bits.high += bits.low == 0;
        }
        powers[q - FIRST_POWER] = bits;
    }
}

static void fill_positive_powers(void) {
    uint64_t words[WORDS] = {0};
    words[2] = 1;
    for (int q = 0; q <= LAST_POWER; q++) {
        powers[q - FIRST_POWER] = leading_bits(words);
        multiply_by_5(words);
    }
}

static void prepare(void) {
    fill_negative_powers();
    fill_positive_powers();
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

ffwd_status ffwd_decimal_prepare(ffwd_error *err) {
    (void)pthread_once(&once, prepare);
    return c_locale != (locale_t)0 ? FFWD_OK : ffwd_fail_memory(err, 0, "the C locale");
}

/* ------------------------------------------------------------------------------------- scanning */

static inline bool is_digit(char c) {
    return (unsigned char)(c - '0') < 10;
}

static inline uint64_t load_8(const char *text) {
    uint64_t bytes;
    memcpy(&bytes, text, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes;
}

static inline bool are_8_digits(uint64_t bytes) {
    const uint64_t high_halves = 0xf0f0f0f0f0f0f0f0;
    return ((bytes & high_halves) | ((bytes + 0x0606060606060606) & high_halves) >> 4) ==
           0x3333333333333333;
}

/** Pairs of digits, then fours, then all eight. */
static inline uint32_t value_of_8(uint64_t bytes) {
    const uint64_t fours = 0x000000ff000000ff;
    bytes -= 0x3030303030303030;
    bytes = bytes * 10 + (bytes >> 8);
    return (uint32_t)(((bytes & fours) * (100 + ((uint64_t)1000000 << 32)) +
                       (bytes >> 16 & fours) * (1 + ((uint64_t)10000 << 32))) >>
                      32);
}

/** Appends the digits at `text` to a number, modulo 2^64. */
static inline const char *take_digits(const char *text, uint64_t *number) {
    uint64_t value = *number;
    for (uint64_t bytes = load_8(text); are_8_digits(bytes); bytes = load_8(text)) {
        value = value * 100000000 + value_of_8(bytes);
        text += 8;
    }
    for (; is_digit(*text); text++) {
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *number = value;
    return text;
}

/** "e-5", or nothing. Cut where no digits could make up for it. */
static const char *take_exponent(const char *text, int64_t *exponent) {
    const char *at = text + 1;
    bool negative = *at == '-';
    int64_t value = 0;
    at += *at == '-' || *at == '+';
    if (!is_digit(*at)) {
        return text;
    }
    for (; is_digit(*at); at++) {
        value = value < (int64_t)1 << 40 ? value * 10 + (*at - '0') : value;
    }
    *exponent += negative ? -value : value;
    return at;
}

/** The digits in [text, end) where they may be too many for 64 bits: the first that count. */
static void cut_digits(const char *text, const char *end, decimal *number) {
    int used = 0;
    bool behind_point = false;
    number->digits = 0;
    number->exponent = 0;
    for (; text < end; text++) {
        if (*text == '.') {
            behind_point = true;
            continue;
        }
        if (used == MAX_DIGITS) {
            number->cut |= *text != '0';
            number->exponent += !behind_point;
            continue;
        }
        number->digits = number->digits * 10 + (uint64_t)(*text - '0');
        number->exponent -= behind_point;
        used += number->digits > 0;
    }
}

/** NULL where no digits follow. */
static inline const char *scan(const char *text, decimal *number) {
    *number = (decimal){.negative = *text == '-'};
    const char *first = text + (*text == '-' || *text == '+');
    const char *end = take_digits(first, &number->digits);
    int64_t count = end - first;
    if (*end == '.') {
        const char *behind_point = end + 1;
        end = take_digits(behind_point, &number->digits);
        number->exponent = behind_point - end;
        count += end - behind_point;
    }
    if (count == 0) {
        return NULL;
    }
    if (count > MAX_DIGITS) {
        cut_digits(first, end, number);
    }
    return *end == 'e' || *end == 'E' ? take_exponent(end, &number->exponent) : end;
}

/** Skips a word in any case; NULL for another text. */
static const char *skip_word(const char *text, const char *word) {
    for (; *word != '\0'; word++, text++) {
        if ((*text | 0x20) != *word) {
            return NULL;
        }
    }
    return text;
}

/** "inf", "infinity", "nan". */
static const char *scan_word(const char *text, double *value) {
    bool negative = *text == '-';
    const char *first = text + (*text == '-' || *text == '+'), *end;
    if ((end = skip_word(first, "nan")) != NULL) {
        *value = (double)NAN;
        return end;
    }
    if ((end = skip_word(first, "infinity")) == NULL) {
        end = skip_word(first, "inf");
    }
    *value = end == NULL ? *value : negative ? -(double)INFINITY : (double)INFINITY;
    return end;
}

/* ------------------------------------------------------------------------------------- rounding */

/** A binary format: what Lemire's method needs to know of it. */
typedef struct binary {
    int fraction_bits;
    int bias;
    int infinity;            /**< the exponent field of infinity */
    int first_tie, last_tie; /**< powers of ten outside of which no number lies half-way */
    uint64_t exact;          /**< up to here whole numbers are exact, */
    int exact_power;         /**< and up to here powers of ten */
    int lowest, beyond;      /**< powers of ten of which the one makes 0, the other infinity */
} binary;

static const binary binary64 = {52, 1023, 0x7ff, -4, 23, (uint64_t)1 << 53, 22, -343, 309};
static const binary binary32 = {23, 127, 0xff, -17, 10, (uint64_t)1 << 24, 10, -65, 39};

/** The leading 128 bits of digits * 5^q, the digits moved up to bit 63; the second half of the
 *  power counts only where the first leaves the bits that are kept in doubt. */
static inline wide approximate(uint64_t digits, int q, int kept_bits) {
    const power *five = &powers[q - FIRST_POWER];
    wide product = (wide)digits * five->high;
    uint64_t doubtful = UINT64_MAX >> kept_bits;
    if (((uint64_t)(product >> 64) & doubtful) == doubtful) {
        product += (wide)digits * five->low >> 64;
    }
    return product;
}

/** Below the normal numbers: fewer bits, one rounding. `significand` has one bit too many. */
static inline uint64_t round_subnormal(uint64_t significand, int field) {
    int shift = 1 - field;
    if (shift >= 63) {
        return 0;
    }
    significand >>= shift;
    return (significand + (significand & 1)) >> 1; // a carry makes it the first normal number
}

/** The bits of the number nearest to digits * 10^exponent, without the sign. */
static inline uint64_t round_product(uint64_t digits, int64_t exponent, const binary *to) {
    if (digits == 0 || exponent <= to->lowest) {
        return 0;
    }
    if (exponent >= to->beyond) {
        return (uint64_t)to->infinity << to->fraction_bits;
    }
    int q = (int)exponent, zeros = __builtin_clzll(digits);
    wide product = approximate(digits << zeros, q, to->fraction_bits + 3);
    uint64_t high = (uint64_t)(product >> 64);
    int upper = (int)(high >> 63), shift = upper + 64 - to->fraction_bits - 3;
    uint64_t significand = high >> shift; // with one bit behind the last
    // floor(log2(10^q)) is (q * 217706) >> 16 in this range.
    int field = ((217706 * q) >> 16) + 63 + upper - zeros + to->bias;
    if (field <= 0) {
        return round_subnormal(significand, field);
    }
    if ((uint64_t)product <= 1 && q >= to->first_tie && q <= to->last_tie &&
        (significand & 3) == 1 && significand << shift == high) {
        significand &= ~(uint64_t)1; // exactly half-way, and even below
    }
    significand = (significand + (significand & 1)) >> 1;
    // The hidden bit adds 1 to the field; so does a carry out of the fraction, which then is 0.
    uint64_t bits = ((uint64_t)(field - 1) << to->fraction_bits) + significand;
    uint64_t most = (uint64_t)to->infinity << to->fraction_bits;
    return bits < most ? bits : most;
}

/** false where the digits that were cut decide. */
static inline bool round_decimal(const decimal *number, const binary *to, uint64_t *bits) {
    *bits = round_product(number->digits, number->exponent, to);
    return !number->cut || round_product(number->digits + 1, number->exponent, to) == *bits;
}

static inline bool is_exact(const decimal *number, const binary *to) {
    return number->digits <= to->exact && !number->cut && number->exponent >= -to->exact_power &&
           number->exponent <= to->exact_power;
}

const char *ffwd_decimal_f32(const char *text, float *value) {
    static const float tens[] = {1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F, 1e8F, 1e9F, 1e10F};
    decimal number;
    uint64_t bits;
    double word;
    const char *end = scan(text, &number);
    if (end == NULL) {
        end = scan_word(text, &word);
        *value = end != NULL ? (float)word : *value;
        return end;
    }
    if (is_exact(&number, &binary32)) {
        float digits = (float)number.digits;
        digits =
            number.exponent < 0 ? digits / tens[-number.exponent] : digits * tens[number.exponent];
        *value = number.negative ? -digits : digits;
        return end;
    }
    if (!round_decimal(&number, &binary32, &bits)) {
        *value = strtof_l(text, NULL, c_locale);
        return end;
    }
    uint32_t with_sign = (uint32_t)bits | (uint32_t)number.negative << 31;
    memcpy(value, &with_sign, sizeof *value);
    return end;
}

const char *ffwd_decimal_f64(const char *text, double *value) {
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    decimal number;
    uint64_t bits;
    const char *end = scan(text, &number);
    if (end == NULL) {
        return scan_word(text, value);
    }
    if (is_exact(&number, &binary64)) {
        double digits = (double)number.digits;
        digits =
            number.exponent < 0 ? digits / tens[-number.exponent] : digits * tens[number.exponent];
        *value = number.negative ? -digits : digits;
        return end;
    }
    if (!round_decimal(&number, &binary64, &bits)) {
        *value = strtod_l(text, NULL, c_locale);
        return end;
    }
    bits |= (uint64_t)number.negative << 63;
    memcpy(value, &bits, sizeof *value);
    return end;
}
