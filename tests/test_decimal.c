// SPDX-License-Identifier: MIT
// Decimal text read as floats: the bits of the C library's strtod and strtof, for the numbers that
// are hard and for many at random.
#include <check.h>
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "format/decimal.h"
#include "support/suite.h"

static void prepare(void) {
    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(ffwd_decimal_prepare(&err), &err);
}

static uint64_t random_bits(void) {
    static uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/** By bits, but any NaN for any other. */
static bool same(double a, double b) {
    return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

/** Both dtypes as the C library reads them, all of the text. It is copied to behind nothing and
 *  before what must be readable and is no number. */
static void check_text(const char *text) {
    static char copy[4096 + FFWD_DECIMAL_PADDING];
    size_t length = strlen(text);
    double f64 = 0;
    float f32 = 0;
    memset(copy, '7', sizeof copy);
    (void)snprintf(copy, sizeof copy, "%s\n", text);
    copy[length + 1] = '7';
    const char *end_f64 = ffwd_decimal_f64(copy, &f64), *end_f32 = ffwd_decimal_f32(copy, &f32);
    if (end_f64 != copy + length || end_f32 != copy + length) {
        ck_abort_msg("%s: read to %td and %td of %zu", text, end_f64 != NULL ? end_f64 - copy : -1,
                     end_f32 != NULL ? end_f32 - copy : -1, length);
    }
    if (!same(f64, strtod(text, NULL)) || !same((double)f32, (double)strtof(text, NULL))) {
        ck_abort_msg("%s: read as %a and %a, not %a and %a", text, f64, (double)f32,
                     strtod(text, NULL), (double)strtof(text, NULL));
    }
}

static const char *const spellings[] = {
    "0",
    "-0",
    "+0",
    "1",
    "+1",
    "-1",
    "01",
    "007",
    "1.",
    ".5",
    "-.5",
    "0.5",
    "1e0",
    "1E5",
    "1e+5",
    "1e-5",
    "123456789",
    "12345678",
    "1234567890123456789",
    "12345678901234567890",
    "0.1",
    "0.2",
    "0.3",
    "1e22",
    "1e23",
    "1e-22",
    "1e-23",
    "9007199254740993",
    "9007199254740991",
    "9007199254740992",
    "16777217",
    "16777216",
    "inf",
    "-inf",
    "+inf",
    "INF",
    "Infinity",
    "-infinity",
    "nan",
    "NaN",
    "-nan",
    "1e400",
    "-1e400",
    "1e-400",
    "-1e-400",
    "1e309",
    "1.7976931348623157e308",
    "1.7976931348623158e308",
    "1.7976931348623159e308",
    "4.9e-324",
    "2.5e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "3.4028234e38",
    "3.4028235e38",
    "3.4028236e38",
    "3.4028235677973366e38",
    "3.4028235677973367e38",
    "1e39",
    "1e-45",
    "7e-46",
    "7.006492321624085e-46",
    "7.006492321624086e-46",
    "1.1754943e-38",
    "2.2250738585072011e-308",
    "2.2250738585072012e-308",
    "2.2250738585072014e-308",
    "0e999999999999999999999",
    "0.0e-99999999999999999999",
    "1e99999999999999999999",
    "1e-99999999999999999999",
    "00000000000000000000000001",
    "0.00000000000000000000000001",
    "100000000000000000000000000000000",
    "10000000000000000000.0000000000000000000000000000001",
    "9007199254740993.00000000000000000000000000000000000000000001",
    "1844674407370955161500",
    "18446744073709551615",
    "18446744073709551616",
    "6929495644600919.5",
    "3.7455744005952583e15",
    "1.0000000000000000000000000000000000000000000000000000000000000001",
    "1.00000000000000011102230246251565404236316680908203125",
    "1.00000000000000011102230246251565404236316680908203124",
    "1.00000000000000011102230246251565404236316680908203126",
    "1.000000059604644775390625",
    "1.000000059604644775390624",
    "1.000000059604644775390626",
    "8.589973e9",
    "7.3177701707893310e15",
    "4.1749558e-31",
};

START_TEST(hard_numbers) {
    prepare();
    check_text(spellings[_i]);
}
END_TEST

START_TEST(what_is_no_number) {
    static const char *const none[] = {"",   "+",   "-",   ".",   "e5", "-.", "+-1", "--1",
                                       "in", "na",  "x1",  "$1",  " 1", "_1", "i",   "n",
                                       "-i", "+na", ".e1", "\n1", "e",  ",1"};
    static const struct {
        const char *text;
        size_t length;
    } beginnings[] = {{"1e", 1},    {"1e+", 1},  {"1e-x", 1}, {"1.2.3", 3}, {"0x10", 1},
                      {"1_000", 1}, {"1 2", 1},  {"1,5", 1},  {"nano", 3},  {"infinit", 3},
                      {"1f", 1},    {"1..2", 2}, {"12-3", 2}, {"1ee5", 1},  {"1e5.5", 3}};
    prepare();
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char text[16 + FFWD_DECIMAL_PADDING] = "";
        float f32 = 17;
        double f64 = 17;
        (void)snprintf(text, sizeof text, "%s\n", none[i]);
        ck_assert_msg(ffwd_decimal_f32(text, &f32) == NULL, "%s", none[i]);
        ck_assert_msg(ffwd_decimal_f64(text, &f64) == NULL, "%s", none[i]);
        ck_assert(f32 == 17 && f64 == 17);
    }
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        char text[16 + FFWD_DECIMAL_PADDING] = "";
        double f64;
        (void)snprintf(text, sizeof text, "%s\n", beginnings[i].text);
        const char *end = ffwd_decimal_f64(text, &f64);
        ck_assert_msg(end == text + beginnings[i].length, "%s", text);
    }
}
END_TEST

/** A NaN has the bits that a model's NaN has, whatever its sign. */
START_TEST(canonical_nan) {
    static const uint64_t expected_f64 = 0x7ff8000000000000;
    static const uint32_t expected_f32 = 0x7fc00000;
    double f64;
    float f32;
    prepare();
    ck_assert_ptr_nonnull(ffwd_decimal_f64("-nan\n       ", &f64));
    ck_assert_ptr_nonnull(ffwd_decimal_f32("-nan\n       ", &f32));
    ck_assert_mem_eq(&f64, &expected_f64, sizeof f64);
    ck_assert_mem_eq(&f32, &expected_f32, sizeof f32);
}
END_TEST

static int rounds(void) {
    return getenv("FFWD_LONG") != NULL ? 20000000 : 200000;
}

/** Digits and exponents of every length. */
START_TEST(random_digits) {
    prepare();
    for (int i = 0; i < rounds(); i++) {
        char text[80];
        int digits = 1 + (int)(random_bits() % 25), at = 0;
        int point = (int)(random_bits() % 26);
        at += random_bits() % 2 == 0 ? 0 : (text[at] = '-', 1);
        for (int k = 0; k < digits; k++) {
            if (k == point) {
                text[at++] = '.';
            }
            text[at++] = (char)('0' + random_bits() % 10);
        }
        int range = i % 4 == 0 ? 350 : i % 4 == 1 ? 60 : i % 4 == 2 ? 25 : 0;
        text[at] = 0;
        if (range > 0) {
            (void)snprintf(text + at, sizeof text - (size_t)at, "e%d",
                           (int)(random_bits() % (2 * (uint64_t)range + 1)) - range);
        }
        check_text(text);
    }
}
END_TEST

/** Every number, with the digits that tell it from its neighbours and with fewer or more. */
START_TEST(random_floats) {
    prepare();
    for (int i = 0; i < rounds(); i++) {
        uint64_t bits = random_bits();
        uint32_t narrow = (uint32_t)bits;
        double f64;
        float f32;
        char text[80];
        memcpy(&f64, &bits, sizeof f64);
        memcpy(&f32, &narrow, sizeof f32);
        (void)snprintf(text, sizeof text, "%.*e", 12 + i % 9, f64);
        check_text(text);
        (void)snprintf(text, sizeof text, "%.*e", 5 + i % 6, (double)f32);
        check_text(text);
        (void)snprintf(text, sizeof text, "%.*f", i % 20, (double)(int64_t)bits * 0x1p-63);
        check_text(text);
    }
}
END_TEST

/** The text itself, and the texts closest below and above that have so many digits. */
static void check_around(char *text) {
    size_t last = strlen(text);
    check_text(text);
    text[last] = '1';
    text[last + 1] = 0;
    check_text(text);
    text[last] = 0;
    while (last > 0 && (text[last - 1] == '0' || text[last - 1] == '.')) {
        last--;
    }
    if (last > 0 && text[last - 1] >= '1' && text[last - 1] <= '9') {
        text[last - 1]--;
        check_text(text);
    }
}

/** Exactly between two neighbours, written with all digits: ties go to the even one. */
START_TEST(half_way) {
    static char text[2048];
    prepare();
    for (int i = 0; i < rounds() / 40; i++) {
        uint64_t bits = random_bits() & INT64_MAX;
        uint32_t narrow = (uint32_t)random_bits() & INT32_MAX;
        double f64;
        float f32;
        memcpy(&f64, &bits, sizeof f64);
        memcpy(&f32, &narrow, sizeof f32);
        if (isfinite(f32)) { // the middle is a double
            double middle = ((double)f32 + (double)nextafterf(f32, 0)) / 2;
            (void)snprintf(text, sizeof text, "%.200f", middle);
            check_around(text);
        }
        if (isfinite(f64) && sizeof(long double) > sizeof(double)) {
            long double middle = ((long double)f64 + (long double)nextafter(f64, 0)) / 2;
            (void)snprintf(text, sizeof text, "%.1100Lf", middle);
            check_around(text);
        }
        (void)snprintf(text, sizeof text, "%llu.5", (unsigned long long)(bits >> (11 + i % 10)));
        check_around(text);
    }
}
END_TEST

START_TEST(powers) {
    prepare();
    for (int e = -400; e <= 400; e++) {
        static const char *const digits[] = {"1",
                                             "9",
                                             "9007199254740993",
                                             "17976931348623157",
                                             "9999999999999999999",
                                             "12345678901234567890123"};
        for (size_t i = 0; i < sizeof digits / sizeof *digits; i++) {
            char text[64];
            (void)snprintf(text, sizeof text, "%se%d", digits[i], e);
            check_text(text);
        }
    }
}
END_TEST

/** With a decimal comma, and with other roundings: inside the contract's environment all is as
 * ever. */
START_TEST(foreign_locale_and_rounding) {
    static const char text[] = "1.00000000000000011102230246251565404236316680908203126\n       ";
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};
    double value;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL) {
        printf("note: no locale with a decimal comma is installed; tested in the C locale\n");
    }
    prepare();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        ffwd_fpenv env;
        fesetround(modes[i]);
        ffwd_fpenv_enter(&env);
        ck_assert_ptr_nonnull(ffwd_decimal_f64(text, &value));
        ffwd_fpenv_leave(&env);
        ck_assert(value == 1 + 0x1p-52);
        ck_assert_int_eq(fegetround(), modes[i]);
    }
    fesetround(FE_TONEAREST);
}
END_TEST

static Suite *decimal_suite(void) {
    Suite *suite = suite_create("decimal");
    TCase *numbers = tcase_create("numbers");
    tcase_set_timeout(numbers, 1800);
    tcase_add_loop_test(numbers, hard_numbers, 0, (int)(sizeof spellings / sizeof *spellings));
    tcase_add_test(numbers, what_is_no_number);
    tcase_add_test(numbers, canonical_nan);
    tcase_add_test(numbers, random_digits);
    tcase_add_test(numbers, random_floats);
    tcase_add_test(numbers, half_way);
    tcase_add_test(numbers, powers);
    tcase_add_test(numbers, foreign_locale_and_rounding);
    suite_add_tcase(suite, numbers);
    return suite;
}

int main(void) {
    return suite_main(decimal_suite());
}
