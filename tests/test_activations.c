// SPDX-License-Identifier: MIT
// The activations against the C library's long double, within the units of the last place that the
// kernels promise, and on the values that break arithmetic. Of all float32:
// test_activation_table.c.
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/nets.h"
#include "support/oracle.h"
#include "support/smooth.h"
#include "support/suite.h"

static const uint32_t dtypes[] = {FFWD_F32, FFWD_F64};

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

static double error_f32(const smooth_activation *of, float z) {
    const long double right = of->exact((long double)z);
    return error_of((long double)activate_f32(of->activation, z), right, (float)right == INFINITY,
                    24, -126);
}

static double error_f64(const smooth_activation *of, double z) {
    const long double right = of->exact((long double)z);
    return error_of((long double)activate_f64(of->activation, z), right, (double)right == INFINITY,
                    53, -1022);
}

/* ------------------------------------------------------------------------------------- errors */

START_TEST(float32_errors) {
    const smooth_activation *of = &smooth[_i];
    double worst = 0;
    float where = 0;
    for (uint32_t bits = 0; bits < 0x7f800000u; bits += 4999) {
        for (uint32_t sign = 0; sign < 2; sign++) {
            const float z = f32_of(bits | sign << 31);
            const double error = error_f32(of, z);
            if (!(error <= worst)) {
                worst = error;
                where = z;
            }
        }
    }
    ck_assert_msg(worst <= of->f32_ulp, "%s in f32: %.4f ulp at %a",
                  ffwd_activation_name(of->activation), worst, (double)where);
}
END_TEST

/** Where float64 results are neither z itself nor a constant: 2^-60 to 2^10. */
#define F64_FIRST 0x3c30000000000000u
#define F64_LAST  0x4090000000000000u

/** A different 64-bit number for each (SplitMix64). */
static uint64_t mix(uint64_t value) {
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

START_TEST(float64_errors) {
    const smooth_activation *of = &smooth[_i];
    const uint64_t step = (F64_LAST - F64_FIRST) / 400000 | 1;
    double worst = 0, where = 0;
    for (uint64_t bits = F64_FIRST; bits < F64_LAST; bits += step) {
        for (uint64_t sign = 0; sign < 2; sign++) {
            const uint64_t random = bits + mix(bits + sign) % step; // one of each 1/400000
            const double z = f64_of(random | sign << 63);
            const double error = error_f64(of, z);
            if (!(error <= worst)) {
                worst = error;
                where = z;
            }
        }
    }
    ck_assert_msg(worst <= of->f64_ulp, "%s in f64: %.4f ulp at %a",
                  ffwd_activation_name(of->activation), worst, where);
    figure("accuracy", "%s: %.4f ulp at %.17g", ffwd_activation_name(of->activation), worst, where);
}
END_TEST

/* -------------------------------------------------------------------------------------- shape */

START_TEST(they_never_fall) {
    const smooth_activation *of = &smooth[_i];
    uint64_t falls_f32 = 0, falls_f64 = 0;
    float last_f32 = -INFINITY;
    double last_f64 = -INFINITY;
    for (uint32_t i = 0; i < 1000000 && of->rises; i++) {
        const float y = activate_f32(of->activation, -120.0f + (float)i * 0x1p-12f);
        falls_f32 += !(y >= last_f32);
        last_f32 = y;
    }
    for (uint32_t i = 0; i < 1000000 && of->rises; i++) {
        const double y = activate_f64(of->activation, -760 + i * 0x1p-10);
        falls_f64 += !(y >= last_f64);
        last_f64 = y;
    }
    ck_assert_uint_eq(falls_f32, 0);
    ck_assert_uint_eq(falls_f64, 0);
}
END_TEST

START_TEST(some_are_odd) {
    const smooth_activation *of = &smooth[_i];
    for (uint32_t bits = 0; bits < 0x7f800000u && of->odd; bits += 9973) {
        const float z = f32_of(bits), y = activate_f32(of->activation, z);
        const float mirrored = -activate_f32(of->activation, -z);
        net_check_bits(&mirrored, &y, 1, 1, FFWD_F32, "f32");
    }
    const uint64_t step = 0x7ff0000000000000u / 200000;
    for (uint64_t bits = 0; bits < 0x7ff0000000000000u && of->odd; bits += step) {
        const double z = f64_of(bits), y = activate_f64(of->activation, z);
        const double mirrored = -activate_f64(of->activation, -z);
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
        {FFWD_ELU, -0.0, -0.0},
        {FFWD_ELU, -0x1p-149, -0x1p-149},
        {FFWD_ELU, 0x1p-149, 0x1p-149},
        {FFWD_ELU, INFINITY, INFINITY},
        {FFWD_ELU, -0x1p127, -1.0},
        {FFWD_ELU, -INFINITY, -1.0},
        {FFWD_SELU, 0.0, 0.0},
        {FFWD_SELU, -0.0, -0.0},
        {FFWD_SELU, INFINITY, INFINITY},
        {FFWD_CELU, -0.0, -0.0},
        {FFWD_CELU, -0x1p-149, -0x1p-149},
        {FFWD_CELU, INFINITY, INFINITY},
        {FFWD_CELU, -INFINITY, -1.0},
        {FFWD_SOFTPLUS, 0x1p127, 0x1p127},
        {FFWD_SOFTPLUS, INFINITY, INFINITY},
        {FFWD_SOFTPLUS, -0x1p127, 0.0},
        {FFWD_SOFTPLUS, -INFINITY, 0.0},
        {FFWD_MISH, 0.0, 0.0},
        {FFWD_MISH, -0.0, -0.0},
        {FFWD_MISH, 0x1p127, 0x1p127},
        {FFWD_MISH, INFINITY, INFINITY},
        {FFWD_MISH, -0x1p127, -0.0},
        {FFWD_MISH, -INFINITY, -0.0},
        {FFWD_SOFTSIGN, 0.0, 0.0},
        {FFWD_SOFTSIGN, -0.0, -0.0},
        {FFWD_SOFTSIGN, -0x1p-149, -0x1p-149},
        {FFWD_SOFTSIGN, -1.0, -0.5},
        {FFWD_SOFTSIGN, 0x1p127, 1.0},
        {FFWD_SOFTSIGN, INFINITY, 1.0},
        {FFWD_SOFTSIGN, -INFINITY, -1.0},
        {FFWD_GELU, 0.0, 0.0},
        {FFWD_GELU, -0.0, -0.0},
        {FFWD_GELU, -0x1p-148, -0x1p-149},
        {FFWD_GELU, 0x1p127, 0x1p127},
        {FFWD_GELU, INFINITY, INFINITY},
        {FFWD_GELU, -0x1p127, -0.0},
        {FFWD_GELU, -INFINITY, -0.0},
        {FFWD_GELU_TANH, 0.0, 0.0},
        {FFWD_GELU_TANH, -0.0, -0.0},
        {FFWD_GELU_TANH, -0x1p-148, -0x1p-149},
        {FFWD_GELU_TANH, 0x1p127, 0x1p127},
        {FFWD_GELU_TANH, INFINITY, INFINITY},
        {FFWD_GELU_TANH, -0x1p127, -0.0},
        {FFWD_GELU_TANH, -INFINITY, -0.0},
        {FFWD_SILU, 0.0, 0.0},
        {FFWD_SILU, -0.0, -0.0},
        {FFWD_SILU, 0x1p-126, 0x1p-127},
        {FFWD_SILU, -0x1p-148, -0x1p-149},
        {FFWD_SILU, 0x1p127, 0x1p127},
        {FFWD_SILU, INFINITY, INFINITY},
        {FFWD_SILU, -0x1p127, -0.0},
        {FFWD_SILU, -INFINITY, -0.0},
        {FFWD_HARD_SWISH, 0.0, 0.0},
        {FFWD_HARD_SWISH, -0.0, -0.0},
        {FFWD_HARD_SWISH, -0x1p-148, -0x1p-149},
        {FFWD_HARD_SWISH, -3.0, -0.0},
        {FFWD_HARD_SWISH, 3.0, 3.0},
        {FFWD_HARD_SWISH, INFINITY, INFINITY},
        {FFWD_HARD_SWISH, -INFINITY, -0.0},
        {FFWD_SIGN, 0.0, 0.0},
        {FFWD_SIGN, -0.0, 0.0},
        {FFWD_SIGN, 0x1p-149, 1.0},
        {FFWD_SIGN, -0x1p-149, -1.0},
        {FFWD_SIGN, -INFINITY, -1.0},
        {FFWD_ABS, -0.0, 0.0},
        {FFWD_ABS, -0x1p-149, 0x1p-149},
        {FFWD_ABS, -INFINITY, INFINITY},
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
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, float32_errors, 0, (int)smooth_count);
    tcase_add_loop_test(tcase, float64_errors, 0, (int)smooth_count);
    tcase_add_loop_test(tcase, they_never_fall, 0, (int)smooth_count);
    tcase_add_loop_test(tcase, some_are_odd, 0, (int)smooth_count);
    tcase_add_loop_test(tcase, special_arguments, 0, 2);
    tcase_add_test(tcase, every_nan_becomes_the_canonical_one);
    suite_add_tcase(suite, tcase);
    return suite_main(suite);
}
