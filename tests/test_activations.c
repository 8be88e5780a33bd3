// SPDX-License-Identifier: MIT
// The activations against the C library's long double, within the units of the last place that the
// kernels promise, and on the values that break arithmetic. With FFWD_LONG set, over all float32.
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/nets.h"
#include "support/oracle.h"
#include "support/suite.h"

static const uint32_t dtypes[] = {FFWD_F32, FFWD_F64};

/** Errors in ulp, as promised in kernels/activations_*.h to three decimals. */
static const struct {
    uint32_t activation;
    double f32_ulp, f64_ulp;
} smooth[] = {
    {FFWD_SIGMOID, 0.9625, 1.0735}, {FFWD_TANH, 0.9225, 0.9545}, {FFWD_EXP, 0.8645, 0.8625}};

#define SMOOTH_COUNT (sizeof smooth / sizeof *smooth)

/* ------------------------------------------------------------------------------------- values */

static float f32_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double f64_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float activate_f32(uint32_t activation, float z) {
    float y;
    oracle_activate(FFWD_F32, activation, &z, &y);
    return y;
}

static double activate_f64(uint32_t activation, double z) {
    double y;
    oracle_activate(FFWD_F64, activation, &z, &y);
    return y;
}

/** activation(z) of a value that both dtypes hold, in either. */
static double activate(uint32_t dtype, uint32_t activation, double z) {
    return dtype == FFWD_F64 ? activate_f64(activation, z)
                             : (double)activate_f32(activation, (float)z);
}

static long double exact(uint32_t activation, long double z) {
    switch (activation) {
    case FFWD_TANH:
        return tanhl(z);
    case FFWD_EXP:
        return expl(z);
    default:
        return z < 0 ? expl(z) / (1 + expl(z)) : 1 / (1 + expl(-z));
    }
}

/** One unit of the last place at a value: digits - 1 below its exponent, which has a least one. */
static long double ulp(long double value, int digits, int least) {
    int exponent;
    (void)frexpl(value, &exponent);
    exponent = value == 0 || exponent - 1 < least ? least : exponent - 1;
    return ldexpl(1, exponent - digits + 1);
}

/** In ulp; none where both are infinite. */
static double error_of(long double y, long double right, bool infinite, int digits, int least) {
    return infinite && y == INFINITY ? 0 : (double)(fabsl(y - right) / ulp(right, digits, least));
}

static double error_f32(uint32_t activation, float z) {
    const long double right = exact(activation, (long double)z);
    return error_of((long double)activate_f32(activation, z), right, (float)right == INFINITY, 24,
                    -126);
}

static double error_f64(uint32_t activation, double z) {
    const long double right = exact(activation, (long double)z);
    return error_of((long double)activate_f64(activation, z), right, (double)right == INFINITY, 53,
                    -1022);
}

/* ------------------------------------------------------------------------------------- errors */

START_TEST(float32_errors) {
    const uint32_t activation = smooth[_i].activation;
    double worst = 0;
    float where = 0;
    for (uint32_t bits = 0; bits < 0x7f800000u; bits += 4999) {
        for (uint32_t sign = 0; sign < 2; sign++) {
            const float z = f32_of(bits | sign << 31);
            const double error = error_f32(activation, z);
            if (error > worst) {
                worst = error;
                where = z;
            }
        }
    }
    ck_assert_msg(worst <= smooth[_i].f32_ulp, "%s in f32: %.4f ulp at %a",
                  ffwd_activation_name(activation), worst, (double)where);
}
END_TEST

/** Where float64 results are neither z itself nor a constant: 2^-60 to 2^10. */
#define F64_FIRST 0x3c30000000000000u
#define F64_LAST  0x4090000000000000u

START_TEST(float64_errors) {
    const uint32_t activation = smooth[_i].activation;
    const uint64_t step = (F64_LAST - F64_FIRST) / 400000 | 1;
    double worst = 0, where = 0;
    for (uint64_t bits = F64_FIRST; bits < F64_LAST; bits += step) {
        for (uint64_t sign = 0; sign < 2; sign++) {
            const double z = f64_of(bits | sign << 63);
            const double error = error_f64(activation, z);
            if (error > worst) {
                worst = error;
                where = z;
            }
        }
    }
    ck_assert_msg(worst <= smooth[_i].f64_ulp, "%s in f64: %.4f ulp at %a",
                  ffwd_activation_name(activation), worst, where);
    figure("accuracy", "%s, float64, 800,000 arguments from 2^-60 to 2^10: %.4f ulp at %a",
           ffwd_activation_name(activation), worst, where);
}
END_TEST

/** Against double, whose own error is 2^-29 of a float's ulp. */
static double quick_error_f32(uint32_t activation, float z, float y) {
    const double right = activation == FFWD_TANH  ? tanh((double)z)
                         : activation == FFWD_EXP ? exp((double)z)
                         : z < 0                  ? exp((double)z) / (1 + exp((double)z))
                                                  : 1 / (1 + exp(-(double)z));
    uint64_t bits;
    memcpy(&bits, &right, sizeof bits);
    const int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    const double unit = f64_of((uint64_t)((exponent < -126 ? -126 : exponent) - 23 + 1023) << 52);
    return (float)right == y ? 0 : fabs((double)y - right) / unit;
}

START_TEST(float32_over_all_arguments) {
    if (getenv("FFWD_LONG") == NULL) {
        skip("%s of all 2^32 arguments: FFWD_LONG is not set",
             ffwd_activation_name(smooth[_i].activation));
        return;
    }
    const uint32_t activation = smooth[_i].activation;
    double worst = 0;
    float where = 0, last = -INFINITY;
    uint64_t falls = 0;
    for (uint64_t i = 0; i <= UINT32_MAX; i++) {
        /* From -inf to +inf. */
        const float z = f32_of((uint32_t)(i < 1ull << 31 ? UINT32_MAX - i : i - (1ull << 31)));
        if (isnan(z)) {
            continue;
        }
        const float y = activate_f32(activation, z);
        falls += !(y >= last);
        last = y;
        const double error = quick_error_f32(activation, z, y);
        if (error > worst) {
            worst = error;
            where = z;
        }
    }
    ck_assert_double_le(worst, smooth[_i].f32_ulp);
    ck_assert_uint_eq(falls, 0);
    figure("accuracy", "%s, float32, all 2^32 arguments: %.4f ulp at %a, falls nowhere",
           ffwd_activation_name(activation), worst, (double)where);
}
END_TEST

/* -------------------------------------------------------------------------------------- shape */

START_TEST(they_never_fall) {
    const uint32_t activation = smooth[_i].activation;
    uint64_t falls_f32 = 0, falls_f64 = 0;
    float last_f32 = -1;
    for (uint32_t i = 0; i < 1000000; i++) {
        const float y = activate_f32(activation, -100.0f + (float)i * 0x1p-12f);
        falls_f32 += !(y >= last_f32);
        last_f32 = y;
    }
    double last_f64 = -1;
    for (uint32_t i = 0; i < 1000000; i++) {
        const double y = activate_f64(activation, -760 + i * 0x1p-10);
        falls_f64 += !(y >= last_f64);
        last_f64 = y;
    }
    ck_assert_uint_eq(falls_f32, 0);
    ck_assert_uint_eq(falls_f64, 0);
}
END_TEST

START_TEST(tanh_is_odd) {
    for (uint32_t bits = 0; bits < 0x7f800000u; bits += 9973) {
        const float z = f32_of(bits), y = activate_f32(FFWD_TANH, z);
        const float mirrored = -activate_f32(FFWD_TANH, -z);
        net_check_bits(&mirrored, &y, 1, 1, FFWD_F32, "f32");
    }
    for (uint64_t bits = 0; bits < 0x7ff0000000000000u; bits += 0x7ff0000000000000u / 200000) {
        const double z = f64_of(bits), y = activate_f64(FFWD_TANH, z);
        const double mirrored = -activate_f64(FFWD_TANH, -z);
        net_check_bits(&mirrored, &y, 1, 1, FFWD_F64, "f64");
    }
}
END_TEST

/* ----------------------------------------------------------------------------------- specials */

START_TEST(special_arguments) {
    static const struct {
        uint32_t activation;
        double z, y;
    } cases[] = {
        {FFWD_IDENTITY, -0.0, -0.0},
        {FFWD_IDENTITY, -INFINITY, -INFINITY},
        {FFWD_IDENTITY, 0x1p-149, 0x1p-149},
        {FFWD_STEP, -0.0, 0.0},
        {FFWD_STEP, 0.0, 0.0},
        {FFWD_STEP, 0x1p-149, 1.0},
        {FFWD_STEP, -0x1p-149, 0.0},
        {FFWD_STEP, INFINITY, 1.0},
        {FFWD_STEP, -INFINITY, 0.0},
        {FFWD_STEP, NAN, 0.0},
        {FFWD_RELU, -0.0, -0.0},
        {FFWD_RELU, 0.0, 0.0},
        {FFWD_RELU, 0x1p-149, 0x1p-149},
        {FFWD_RELU, -0x1p-149, 0.0},
        {FFWD_RELU, INFINITY, INFINITY},
        {FFWD_RELU, -INFINITY, 0.0},
        {FFWD_SIGMOID, 0.0, 0.5},
        {FFWD_SIGMOID, -0.0, 0.5},
        {FFWD_SIGMOID, 0x1p-149, 0.5},
        {FFWD_SIGMOID, -0x1p-149, 0.5},
        {FFWD_SIGMOID, 0x1p127, 1.0},
        {FFWD_SIGMOID, -0x1p127, 0.0},
        {FFWD_SIGMOID, INFINITY, 1.0},
        {FFWD_SIGMOID, -INFINITY, 0.0},
        {FFWD_TANH, 0.0, 0.0},
        {FFWD_TANH, -0.0, -0.0},
        {FFWD_TANH, 0x1p-149, 0x1p-149},
        {FFWD_TANH, -0x1p-140, -0x1p-140},
        {FFWD_TANH, 0x1p-126, 0x1p-126},
        {FFWD_TANH, 0x1p127, 1.0},
        {FFWD_TANH, INFINITY, 1.0},
        {FFWD_TANH, -INFINITY, -1.0},
        {FFWD_EXP, 0.0, 1.0},
        {FFWD_EXP, -0.0, 1.0},
        {FFWD_EXP, 0x1p-149, 1.0},
        {FFWD_EXP, 0x1p127, INFINITY},
        {FFWD_EXP, -0x1p127, 0.0},
        {FFWD_EXP, INFINITY, INFINITY},
        {FFWD_EXP, -INFINITY, 0.0},
    };
    const uint32_t dtype = dtypes[_i];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double y = activate(dtype, cases[i].activation, cases[i].z);
        char text[64];
        (void)snprintf(text, sizeof text, "%s(%g) in %s", ffwd_activation_name(cases[i].activation),
                       cases[i].z, ffwd_dtype_name(dtype));
        net_check_bits(&y, &cases[i].y, 1, 1, FFWD_F64, text);
    }
}
END_TEST

/** Of either sign, quiet or signalling, with any payload. */
START_TEST(every_nan_becomes_the_canonical_one) {
    static const uint32_t f32[] = {0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001, 0x7fffffff};
    static const uint64_t f64[] = {0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001,
                                   0xfff0000000000001, 0x7fffffffffffffff};
    for (size_t a = 0; a < net_activation_count; a++) {
        const uint32_t activation = net_activations[a];
        if (activation == FFWD_STEP || activation == FFWD_STEP_GE || activation == FFWD_PRELU) {
            continue;
        }
        for (size_t i = 0; i < 5; i++) {
            uint32_t y32;
            uint64_t y64;
            oracle_activate(FFWD_F32, activation, &f32[i], &y32);
            oracle_activate(FFWD_F64, activation, &f64[i], &y64);
            ck_assert_uint_eq(y32, 0x7fc00000);
            ck_assert_uint_eq(y64, 0x7ff8000000000000);
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("activations");
    TCase *tcase = tcase_create("activations");
    tcase_set_timeout(tcase, getenv("FFWD_LONG") != NULL ? 3600 : 60);
    tcase_add_loop_test(tcase, float32_errors, 0, SMOOTH_COUNT);
    tcase_add_loop_test(tcase, float64_errors, 0, SMOOTH_COUNT);
    tcase_add_loop_test(tcase, float32_over_all_arguments, 0, SMOOTH_COUNT);
    tcase_add_loop_test(tcase, they_never_fall, 0, SMOOTH_COUNT);
    tcase_add_test(tcase, tanh_is_odd);
    tcase_add_loop_test(tcase, special_arguments, 0, 2);
    tcase_add_test(tcase, every_nan_becomes_the_canonical_one);
    suite_add_tcase(suite, tcase);
    return suite_main(suite);
}
