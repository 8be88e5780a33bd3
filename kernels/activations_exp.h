// SPDX-License-Identifier: MIT
// The exponential function and the activations that bend into one below 0. Included by
// activations.h, which says what the includer supplies. Errors are largest errors in float32, over
// all 2^32 arguments, then in float64, as in activations_f32.h and _f64.h.
#ifndef FFWD_ACTIVATIONS_EXP_H
#define FFWD_ACTIVATIONS_EXP_H

/* exp(-45) is nothing beside 1 in either precision. */
#define FFWD_FAR 45

/* 2^n (1 - high - low); t ends in the bits of n. */
typedef struct ffwd_power {
    REAL t, high, low;
} ffwd_power;

/*
 * exp(x + low), where 1 - high - low = exp(-r), r = n ln(2) - x - low, |r| <= ln(2)/2. The part of
 * r that is exact comes in last, so the rounding errors of r and of exp(-r) do not add up.
 */
static inline ffwd_power ffwd_exp_power(REAL x, REAL low) {
    ffwd_power y;
    y.t = FMA(x, K(FFWD_LOG2E), K(FFWD_ROUNDER));
    const REAL n = y.t - K(FFWD_ROUNDER);
    const REAL h = FMA(n, K(FFWD_LN2_HIGH), K(0) - x);
    const REAL l = FMA(n, K(FFWD_LN2_LOW), K(0) - low);
    const REAL r = h + l;
    const REAL tail = FMA(r * r, ffwd_exp_curve(r), l);
    y.high = h + tail;
    y.low = tail - (y.high - h);
    return y;
}

/* 2^n scale of a power, where that is a normal number; scale is a power of 2. */
static inline REAL ffwd_power_scale(ffwd_power power, REAL scale) {
    return AS_REAL((AS_BITS(power.t) << FFWD_EXPONENT_SHIFT) + AS_BITS(scale));
}

/* The power times scale / 2^n. */
static inline ffwd_pair ffwd_power_value(ffwd_power power, REAL scale) {
    const REAL negative = K(0) - scale;
    ffwd_pair y;
    y.high = FMA(negative, power.high, scale);
    y.low = FMA(negative, power.low, FMA(negative, power.high, scale - y.high));
    return y;
}

/*
 * exp(z). 2^n may leave the range of normal numbers; it is scaled towards 1 until the last product.
 * 0.844 ulp, at 48.1810074; 0.844 ulp.
 */
static inline REAL ffwd_exp(REAL z) {
    REAL x = LESSER(K(FFWD_EXP_INFINITE), z);
    x = GREATER(K(FFWD_EXP_ZERO), x);
    const REAL scale = WHEN_GT(x, K(0), K(FFWD_SMALL), K(FFWD_LARGE));
    const REAL inverse = WHEN_GT(x, K(0), K(FFWD_LARGE), K(FFWD_SMALL));
    const ffwd_power power = ffwd_exp_power(x, K(0));
    return ffwd_power_value(power, ffwd_power_scale(power, scale)).high * inverse;
}

/* exp(z) - 1 of z <= 0. */
static inline ffwd_pair ffwd_expm1(REAL z) {
    const ffwd_power power = ffwd_exp_power(GREATER(K(-FFWD_FAR), z), K(0));
    const REAL scale = ffwd_power_scale(power, K(1));
    const REAL negative = K(0) - scale;
    const REAL whole = scale - K(1);
    ffwd_pair y;
    y.high = FMA(negative, power.high, whole);
    y.low = FMA(negative, power.low, FMA(negative, power.high, whole - y.high));
    return y;
}

/* z < 0 ? alpha (exp(z) - 1) : z. With alpha = 1 0.818 ulp, at -0.286415696; 0.818 ulp. */
static inline REAL ffwd_elu(REAL z, REAL alpha) {
    return WHEN_GT(K(0), z, ffwd_product(alpha, ffwd_expm1(z)), z);
}

/*
 * beta (z < 0 ? alpha (exp(z) - 1) : z), alpha beta finite. With the parameters of ONNX 0.796 ulp,
 * at -0.324509978; 0.796 ulp.
 */
static inline REAL ffwd_selu(REAL z, REAL alpha, REAL beta) {
    const ffwd_pair e = ffwd_expm1(z);
    const REAL high = alpha * beta;
    const REAL low = FMA(alpha, beta, K(0) - high);
    return WHEN_GT(K(0), z, FMA(high, e.high, FMA(high, e.low, low * e.high)), beta * z);
}

/*
 * z < 0 ? alpha (exp(z / alpha) - 1) : z, alpha > 0. What the quotient lacks, rest / alpha, is made
 * up for: alpha (exp(q + rest / alpha) - 1) = alpha (exp(q) - 1) + rest exp(q), nearly. Errors as
 * of elu.
 */
static inline REAL ffwd_celu(REAL z, REAL alpha) {
    const REAL q = z / alpha;
    const REAL rest = WHEN_GT(q, K(-FFWD_FAR), FMA(K(0) - q, alpha, z), K(0));
    const ffwd_pair e = ffwd_expm1(q);
    const REAL low = FMA(alpha, e.low, rest * (K(1) + e.high));
    return WHEN_GT(K(0), z, FMA(alpha, e.high, low), z);
}

#endif
