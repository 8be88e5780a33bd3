// SPDX-License-Identifier: MIT
// Random numbers: Random123's own known answers, literal vectors that pin every later build,
// independence of how a stream is cut.
#include <Random123/philox.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>

#include "support/nets.h"
#include "support/suite.h"

static void fill(uint64_t seed, uint32_t stream, uint64_t first, uint64_t count, uint32_t dtype,
                 void *values) {
    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(ffwd_random_fill(seed, stream, first, count, dtype, values, &err), &err);
}

static float f32_of(uint32_t word) {
    return (float)((double)(word >> 8) / 0x1p23 - 1);
}

static double f64_of(uint32_t low, uint32_t high) {
    const uint64_t word = (uint64_t)high << 32 | low;
    return (double)((long double)(word >> 11) / 0x1p52L - 1);
}

/** The first of the kat_vectors that Random123 publishes for philox4x32-10: key and counter 0. */
START_TEST(the_published_known_answer) {
    const float f32[4] = {f32_of(0x6627e8d5), f32_of(0xe169c58d), f32_of(0xbc57ac4c),
                          f32_of(0x9b00dbd8)};
    const double f64[2] = {f64_of(0x6627e8d5, 0xe169c58d), f64_of(0xbc57ac4c, 0x9b00dbd8)};
    float got_f32[4];
    double got_f64[2];
    fill(0, 0, 0, 4, FFWD_F32, got_f32);
    fill(0, 0, 0, 2, FFWD_F64, got_f64);
    net_check_bits(got_f32, f32, 4, 1, FFWD_F32, "f32");
    net_check_bits(got_f64, f64, 2, 1, FFWD_F64, "f64");
}
END_TEST

/** Words of the block that holds an element, for a counter made as the header says. */
static philox4x32_ctr_t block_of(uint64_t seed, uint32_t stream, uint64_t block) {
    const philox4x32_ctr_t counter = {{(uint32_t)block, (uint32_t)(block >> 32), stream, 0}};
    const philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    return philox4x32(counter, key);
}

START_TEST(every_element_has_its_counter) {
    static const uint64_t seeds[] = {1, 0x123456789abcdef0, UINT64_MAX};
    static const uint64_t firsts[] = {0, 5, 1ull << 32, (1ull << 34) - 3, 1ull << 61};
    for (size_t s = 0; s < 3; s++) {
        for (size_t f = 0; f < 5; f++) {
            const uint32_t stream = (uint32_t)(s * 0x40000001u + f);
            float f32[13];
            double f64[13];
            fill(seeds[s], stream, firsts[f], 13, FFWD_F32, f32);
            fill(seeds[s], stream, firsts[f], 13, FFWD_F64, f64);
            for (uint64_t i = 0; i < 13; i++) {
                const uint64_t e = firsts[f] + i;
                const philox4x32_ctr_t quad = block_of(seeds[s], stream, e / 4);
                const philox4x32_ctr_t pair = block_of(seeds[s], stream, e / 2);
                ck_assert(f32[i] == f32_of(quad.v[e % 4]));
                ck_assert(f64[i] == f64_of(pair.v[e % 2 * 2], pair.v[e % 2 * 2 + 1]));
            }
        }
    }
}
END_TEST

/** Seed 1, stream 0, as they were in the first release. */
START_TEST(results_never_drift) {
    static const float f32[] = {0x1.8fa018p-1f, 0x1.942838p-1f, 0x1.5f222p-3f,
                                0x1.b0ad5p-2f,  0x1.6040ap-2f,  0x1.7f173p-1f};
    static const double f64[] = {0x1.94283af38fap-1,   0x1.b0ad513caf91p-2, 0x1.7f1732fab0204p-1,
                                 0x1.3fb3049bce03cp-2, 0x1.ced993a7eab6p-4, 0x1.afb4d9dada3eap-1};
    float got_f32[6];
    double got_f64[6];
    fill(1, 0, 0, 6, FFWD_F32, got_f32);
    fill(1, 0, 0, 6, FFWD_F64, got_f64);
    net_check_bits(got_f32, f32, 6, 1, FFWD_F32, "f32");
    net_check_bits(got_f64, f64, 6, 1, FFWD_F64, "f64");
}
END_TEST

START_TEST(a_stream_can_be_cut_anywhere) {
    enum { COUNT = 1000 };
    static const uint32_t dtypes[] = {FFWD_F32, FFWD_F64};
    for (size_t d = 0; d < 2; d++) {
        const size_t element = ffwd_dtype_size(dtypes[d]);
        unsigned char *whole = net_alloc(COUNT * element), *pieces = net_alloc(COUNT * element);
        fill(7, 3, 0, COUNT, dtypes[d], whole);
        for (uint64_t size = 1; size < 40; size++) {
            for (uint64_t first = 0; first < COUNT; first += size) {
                const uint64_t count = COUNT - first < size ? COUNT - first : size;
                fill(7, 3, first, count, dtypes[d], pieces + first * element);
            }
            net_check_bits(pieces, whole, COUNT, 1, dtypes[d], "pieces");
        }
        free(whole);
        free(pieces);
    }
}
END_TEST

START_TEST(rounding_of_the_caller_has_no_say) {
    enum { COUNT = 100000 };
    static const int modes[] = {FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    static const uint32_t dtypes[] = {FFWD_F32, FFWD_F64};
    double *nearest = net_alloc(COUNT * sizeof *nearest), *other = net_alloc(COUNT * sizeof *other);
    for (size_t i = 0; i < 6; i++) {
        fill(5, 0, 0, COUNT, dtypes[i % 2], nearest);
        ck_assert_int_eq(fesetround(modes[i / 2]), 0);
        fill(5, 0, 0, COUNT, dtypes[i % 2], other);
        ck_assert_int_eq(fesetround(FE_TONEAREST), 0);
        net_check_bits(other, nearest, COUNT, 1, dtypes[i % 2], "in another rounding mode");
    }
    free(nearest);
    free(other);
}
END_TEST

/** 2^24 steps: zero is among the numbers, where its sign could go wrong. */
START_TEST(zero_is_positive_whatever_the_rounding) {
    enum { COUNT = 1 << 16 };
    float *values = net_alloc(COUNT * sizeof *values);
    size_t zeros = 0, negative = 0;
    ck_assert_int_eq(fesetround(FE_DOWNWARD), 0);
    for (uint64_t first = 0; zeros == 0; first += COUNT) {
        fill(1, 0, first, COUNT, FFWD_F32, values);
        for (size_t i = 0; i < COUNT; i++) {
            zeros += values[i] == 0;
            negative += values[i] == 0 && signbit(values[i]);
        }
    }
    ck_assert_int_eq(fesetround(FE_TONEAREST), 0);
    ck_assert_uint_eq(negative, 0);
    free(values);
}
END_TEST

START_TEST(numbers_are_in_range_and_exact) {
    enum { COUNT = 200000 };
    float *f32 = net_alloc(COUNT * sizeof *f32);
    double *f64 = net_alloc(COUNT * sizeof *f64), sum = 0;
    size_t outside = 0, inexact = 0;
    fill(42, 0, 0, COUNT, FFWD_F32, f32);
    fill(42, 0, 0, COUNT, FFWD_F64, f64);
    for (size_t i = 0; i < COUNT; i++) {
        outside += !(f32[i] >= -1 && f32[i] < 1 && f64[i] >= -1 && f64[i] < 1);
        inexact += (double)f32[i] * 0x1p23 != rint((double)f32[i] * 0x1p23);
        inexact += f64[i] * 0x1p52 != rint(f64[i] * 0x1p52);
        sum += f64[i];
    }
    ck_assert_uint_eq(outside, 0);
    ck_assert_uint_eq(inexact, 0);
    /* The mean's deviation is 1/sqrt(3 COUNT) = 0.0013; five of them. */
    ck_assert_double_lt(sum / COUNT, 0.0065);
    ck_assert_double_gt(sum / COUNT, -0.0065);
    free(f32);
    free(f64);
}
END_TEST

START_TEST(other_dtypes_are_refused) {
    unsigned char values[8];
    ffwd_error err = FFWD_ERROR_INIT;
    expect_failure(ffwd_random_fill(1, 0, 0, 8, FFWD_U8, values, &err), &err, FFWD_EARGUMENT,
                   "random numbers are f32 or f64, not dtype 3");
    expect_ok(ffwd_random_fill(1, 0, 0, 0, FFWD_F32, NULL, &err), &err);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("random");
    TCase *tcase = tcase_create("random");
    tcase_add_test(tcase, the_published_known_answer);
    tcase_add_test(tcase, every_element_has_its_counter);
    tcase_add_test(tcase, results_never_drift);
    tcase_add_test(tcase, a_stream_can_be_cut_anywhere);
    tcase_add_test(tcase, rounding_of_the_caller_has_no_say);
    tcase_add_test(tcase, zero_is_positive_whatever_the_rounding);
    tcase_add_test(tcase, numbers_are_in_range_and_exact);
    tcase_add_test(tcase, other_dtypes_are_refused);
    suite_add_tcase(suite, tcase);
    return suite_main(suite);
}
