// SPDX-License-Identifier: MIT
// Sigmoid, tanh and the canonical NaN in float32, and the constants and curves of float32 that the
// other activations are made of. Included by activations.h, which says what the includer supplies.
//
// Largest errors are over all 2^32 arguments, in units in the last place (ulp) of
// the exact result, 2^-149 where that is denormal. No function decreases from one argument to the
// next.
#ifndef FFWD_ACTIVATIONS_F32_H
#define FFWD_ACTIVATIONS_F32_H

/* Any NaN becomes the quiet NaN 7fc00000, other values stay. |z| > -1 is false for NaN only. */
static inline REAL ffwd_canonical(REAL z) {
    const REAL magnitude = AS_REAL(AS_BITS(z) & 0x7fffffffu);
    return WHEN_GT(magnitude, K(-1), z, AS_REAL(AS_BITS(K(0)) + 0x7fc00000u));
}

/*
 * t with n = t - FFWD_ROUNDER the integer nearest to x log2(e). The last bits of t are those of n,
 * so AS_BITS(t) << 23 is n in the exponent's place.
 */
#define FFWD_ROUNDER 0x1.8p+23f
#define FFWD_LOG2E   0x1.715476p+0f

/* ln 2: nearest and rest; and so that n times the first part is exact for |n| < 512. */
#define FFWD_LN2      0x1.62e43p-1f
#define FFWD_LN2_REST (-0x1.05c61p-29f)
#define FFWD_LN2_HIGH 0x1.62e4p-1f
#define FFWD_LN2_LOW  0x1.7f7d1cp-20f

/* The exponent's last bit and what it is of 1; the bits of the sign alone and of infinity. */
#define FFWD_EXPONENT_SHIFT 23
#define FFWD_EXPONENT_BIAS  127
#define FFWD_SIGN_BIT       0x80000000u
#define FFWD_INFINITY       0x7f800000u

/* The least positive number that is normal. */
#define FFWD_LEAST_NORMAL 0x1p-126f

/* Large enough and small enough, with their product 1. */
#define FFWD_LARGE 0x1p+64f
#define FFWD_SMALL 0x1p-64f

/* From where on exp is infinite, and up to where it rounds to 0. */
#define FFWD_EXP_INFINITE 89
#define FFWD_EXP_ZERO     (-104.5f)

/* Up to where silu rounds to 0, and what takes 1 + exp(-z) from there into range. */
#define FFWD_SILU_ZERO    (-109)
#define FFWD_GATE_INVERSE 0x1p-32f

#define FFWD_SIXTH 0x1.555556p-3f

/*
 * 1 - exp(-r) for |r| <= ln(2)/2, as r + r^2 p(r): where one multiply-add takes it into a sum with
 * 2^n, exp(-r) itself is never rounded. Degree 6; a minimax fit with p(0) = -1/2, its coefficients
 * then searched nearby for the smallest error of exp; within 2^-26.8 of exp(-r).
 */
static inline REAL ffwd_one_minus_exp(REAL r) {
    REAL p = K(-0x1.690a44p-10f);
    p = FMA(p, r, K(0x1.124794p-7f));
    p = FMA(p, r, K(-0x1.555984p-5f));
    p = FMA(p, r, K(0x1.555488p-3f));
    p = FMA(p, r, K(-0.5f));
    return FMA(r * r, p, r);
}

/*
 * p(r) in 1 - exp(-r) = r + r^2 p(r) for |r| <= ln(2)/2. Sollya's fpminimax of degree 7, within
 * 2^-31.0 of that difference: one multiply-add more than above, and its error no longer counts.
 */
static inline REAL ffwd_exp_curve(REAL r) {
    REAL p = K(0x1.9e0ca4p-13f);
    p = FMA(p, r, K(-0x1.6d4388p-10f));
    p = FMA(p, r, K(0x1.111306p-7f));
    p = FMA(p, r, K(-0x1.5554fp-5f));
    p = FMA(p, r, K(0x1.555554p-3f));
    return FMA(p, r, K(-0.5f));
}

/* What takes the bits of 3/4 to those of 1. 2^23, whose last bits count. */
#define FFWD_LOG_OFFSET  0x00400000u
#define FFWD_LOG_COUNTER 0x1p+23f

/*
 * p(f) in log(1 + f) = f + f^2 p(f) for f from -1/4 to 1/2. Sollya's fpminimax of degree 10, within
 * 2^-27.5 of the logarithm.
 */
static inline REAL ffwd_log_curve(REAL f) {
    REAL p = K(-0x1.721d3ep-5f);
    p = FMA(p, f, K(0x1.ad4188p-4f));
    p = FMA(p, f, K(-0x1.0db586p-3f));
    p = FMA(p, f, K(0x1.28852ep-3f));
    p = FMA(p, f, K(-0x1.54eb54p-3f));
    p = FMA(p, f, K(0x1.9968fp-3f));
    p = FMA(p, f, K(-0x1.00004ep-2f));
    p = FMA(p, f, K(0x1.5555a6p-2f));
    return FMA(p, f, K(-0.5f));
}

/*
 * Up to where gelu and gelu_tanh round to 0. The odds of the normal distribution: with a >= 0,
 * t = (a - 4) / (a + 4), s(t) = FFWD_ODDS + FFWD_ODDS_LOW + t p(t) is (a + 4) exp(a^2 / 2) times
 * the probability of more than a. Sollya's fpminimax of degree 10, within 2^-28.0 of it up to
 * there.
 */
#define FFWD_GELU_ZERO      (-14.5f)
#define FFWD_GELU_TANH_ZERO (-10.85f)
#define FFWD_ODDS           0x1.82b4bcp-1f
#define FFWD_ODDS_LOW       (-0x1.b7d74p-27f)
static inline REAL ffwd_odds_curve(REAL t) {
    REAL p = K(-0x1.55e7e6p-15f);
    p = FMA(p, t, K(-0x1.bdbd3ap-13f));
    p = FMA(p, t, K(0x1.62614ep-13f));
    p = FMA(p, t, K(0x1.aac55ep-10f));
    p = FMA(p, t, K(-0x1.c9b4bp-9f));
    p = FMA(p, t, K(-0x1.ee1f14p-8f));
    p = FMA(p, t, K(0x1.eec8c8p-5f));
    p = FMA(p, t, K(-0x1.7dff44p-3f));
    p = FMA(p, t, K(0x1.8c6db8p-2f));
    return FMA(p, t, K(-0x1.373e3ap-1f));
}

/* 2 sqrt(2 / pi), and 0.044715 times that, as pairs. */
#define FFWD_GELU_LINE      0x1.988454p+0f
#define FFWD_GELU_LINE_LOW  (-0x1.857936p-25f)
#define FFWD_GELU_CUBIC     0x1.2444f2p-4f
#define FFWD_GELU_CUBIC_LOW 0x1.49b16ap-29f

/*
 * 1 / (1 + exp(-z)), exp(-z) = 2^n (1 - g), g = 1 - exp(-r), r = z + n ln(2). The sum d has its
 * rounding error beside it in e, and a Newton step takes y to 1 / (d + e). All is scaled by 2^-32
 * against overflow until the last product, which alone can be denormal; s and y are negative to
 * save negations. Above 17.5 the result is 1, below -104.5 it rounds to 0; so n >= -25, where e
 * still makes up for what d loses. Largest error 0.962 ulp, at -5.19911861.
 */
static inline REAL ffwd_sigmoid(REAL z) {
    REAL x = LESSER(K(17.5f), z);
    x = GREATER(K(-104.5f), x);
    const REAL t = FMA(x, K(-FFWD_LOG2E), K(FFWD_ROUNDER));
    const REAL n = t - K(FFWD_ROUNDER);
    const REAL g = ffwd_one_minus_exp(FMA(n, K(FFWD_LN2_LOW), FMA(n, K(FFWD_LN2_HIGH), x)));

    const REAL one = K(0x1p-32f);
    const REAL s = AS_REAL((AS_BITS(t) << 23) + 0xaf800000u); /* -2^(n - 32) */
    const REAL d = FMA(s, g, one - s);
    const REAL e = FMA(s, g, one - (s + d));
    const REAL y = K(-1) / d;
    const REAL residual = FMA(y, e, FMA(y, d, K(1)));
    return FMA(residual, y, y) * K(-0x1p-32f);
}

/*
 * For a = |z| < 0.95, a - a a^2/q(a^2), where q(x) = 3 + 6/5 x + ... is nearly a line: a minimax
 * fit of degree 3, within 2^-28.7 of the result, its coefficients rounded one by one and the rest
 * fitted again. From there on, 1 - 2 / (1 + exp(2a)) with exp(2a) = 2^n (1 - g). Both are
 * limit + limit * ratio with one division; 0.95 balances their errors. Above 9.5 the result is 1.
 * The sign is taken off and put back, so tanh is odd. Largest error 0.922 ulp, at 0.926393509.
 */
static inline REAL ffwd_tanh(REAL z) {
    const BITS sign = AS_BITS(z) & 0x80000000u;
    const REAL magnitude = AS_REAL(AS_BITS(z) & 0x7fffffffu);
    const REAL a = LESSER(K(9.5f), magnitude);

    const REAL u = a * K(-2);
    const REAL t = FMA(u, K(-FFWD_LOG2E), K(FFWD_ROUNDER));
    const REAL n = t - K(FFWD_ROUNDER);
    const REAL g = ffwd_one_minus_exp(FMA(n, K(FFWD_LN2), u));
    const REAL s = AS_REAL((AS_BITS(t) << 23) + 0x3f000000u); /* 2^n / 2 */
    const REAL d = FMA(s, g, K(-0.5f) - s);

    const REAL aa = a * a;
    REAL q = FMA(aa, K(-0x1.e6d44cp-13f), K(0x1.75a6d8p-8f));
    q = FMA(aa, q, K(-0x1.33330cp+0f));
    q = FMA(aa, q, K(-3));

    const REAL threshold = K(0.95f);
    const REAL limit = WHEN_GT(threshold, a, a, K(1));
    const REAL ratio = WHEN_GT(threshold, a, aa, K(1)) / WHEN_GT(threshold, a, q, d);
    return AS_REAL(AS_BITS(FMA(limit, ratio, limit)) | sign);
}

#endif
