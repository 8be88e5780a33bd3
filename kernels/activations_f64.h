// SPDX-License-Identifier: MIT
// Sigmoid, tanh and the canonical NaN in float64, and the constants and curves of float64 that the
// other activations are made of. Included by activations.h, which says what the includer supplies.
//
// Largest errors are over 6 * 10^8 random arguments, most of them in the worst intervals, confirmed
// with MPFR, in units in the last place (ulp) of the exact result, 2^-1074 where that is denormal.
// No decrease was seen from one argument to the next.
#ifndef FFWD_ACTIVATIONS_F64_H
#define FFWD_ACTIVATIONS_F64_H

/* NaN becomes the quiet NaN 7ff8000000000000, others stay. |z| > -1 is false for NaN only. */
static inline REAL ffwd_canonical(REAL z) {
    const REAL magnitude = AS_REAL(AS_BITS(z) & 0x7ffffffffffffffful);
    return WHEN_GT(magnitude, K(-1), z, AS_REAL(AS_BITS(K(0)) + 0x7ff8000000000000ul));
}

/*
 * t with n = t - FFWD_ROUNDER the integer nearest to x log2(e). The last bits of t are those of n,
 * so AS_BITS(t) << 52 is n in the exponent's place.
 */
#define FFWD_ROUNDER 0x1.8p+52
#define FFWD_LOG2E   0x1.71547652b82fep+0

/* ln 2: nearest and rest; and so that n times the first part is exact for |n| < 8192. */
#define FFWD_LN2      0x1.62e42fefa39efp-1
#define FFWD_LN2_REST 0x1.abc9e3b39803fp-56
#define FFWD_LN2_HIGH 0x1.62e42fefa4p-1
#define FFWD_LN2_LOW  (-0x1.8432a1b0e2634p-43)

/* The exponent's last bit and what it is of 1; the bits of the sign alone and of infinity. */
#define FFWD_EXPONENT_SHIFT 52
#define FFWD_EXPONENT_BIAS  1023
#define FFWD_SIGN_BIT       0x8000000000000000ul
#define FFWD_INFINITY       0x7ff0000000000000ul

/* The least positive number that is normal. */
#define FFWD_LEAST_NORMAL 0x1p-1022

/* Large enough and small enough, with their product 1. */
#define FFWD_LARGE 0x1p+64
#define FFWD_SMALL 0x1p-64

/* From where on exp is infinite, and up to where it rounds to 0. */
#define FFWD_EXP_INFINITE 710
#define FFWD_EXP_ZERO     (-746)

/* Up to where silu rounds to 0, and what takes 1 + exp(-z) from there into range. */
#define FFWD_SILU_ZERO    (-752)
#define FFWD_GATE_INVERSE 0x1p-64

#define FFWD_SIXTH 0x1.5555555555555p-3

/*
 * 1 - exp(-r) for |r| <= ln(2)/2, as r + r^2 p(r): where one multiply-add takes it into a sum with
 * 2^n, exp(-r) itself is never rounded. Degree 11; a minimax fit with p(0) = -1/2, its coefficients
 * rounded one by one and the rest fitted again; within 2^-57.1 of exp(-r).
 */
static inline REAL ffwd_one_minus_exp(REAL r) {
    REAL p = K(0x1.ac7ffbc530686p-26);
    p = FMA(p, r, K(-0x1.28a01e45e82dp-22));
    p = FMA(p, r, K(0x1.71dfc613078f8p-19));
    p = FMA(p, r, K(-0x1.a019aa9ae32cdp-16));
    p = FMA(p, r, K(0x1.a01a00e3212b7p-13));
    p = FMA(p, r, K(-0x1.6c16c17cf0d5ep-10));
    p = FMA(p, r, K(0x1.111111113496ap-7));
    p = FMA(p, r, K(-0x1.555555555317bp-5));
    p = FMA(p, r, K(0x1.55555555554c9p-3));
    p = FMA(p, r, K(-0.5));
    return FMA(r * r, p, r);
}

/*
 * p(r) in 1 - exp(-r) = r + r^2 p(r) for |r| <= ln(2)/2. Sollya's fpminimax of degree 12, within
 * 2^-61.5 of that difference: one multiply-add more than above, and its error no longer counts.
 */
static inline REAL ffwd_exp_curve(REAL r) {
    REAL p = K(-0x1.1f1a66d75a11dp-29);
    p = FMA(p, r, K(0x1.af5f5eb392d5dp-26));
    p = FMA(p, r, K(-0x1.27e5132ae1756p-22));
    p = FMA(p, r, K(0x1.71ddf7f7e5925p-19));
    p = FMA(p, r, K(-0x1.a01a018e103e1p-16));
    p = FMA(p, r, K(0x1.a01a01b00a5dep-13));
    p = FMA(p, r, K(-0x1.6c16c16c1ab03p-10));
    p = FMA(p, r, K(0x1.111111110f64bp-7));
    p = FMA(p, r, K(-0x1.555555555554dp-5));
    p = FMA(p, r, K(0x1.5555555555559p-3));
    return FMA(p, r, K(-0.5));
}

/* What takes the bits of 3/4 to those of 1. 2^52, whose last bits count. */
#define FFWD_LOG_OFFSET  0x0008000000000000ul
#define FFWD_LOG_COUNTER 0x1p+52

/*
 * p(f) in log(1 + f) = f + f^2 p(f) for f from -1/4 to 1/2. Sollya's fpminimax of degree 22, within
 * 2^-59.3 of the logarithm.
 */
static inline REAL ffwd_log_curve(REAL f) {
    REAL p = K(-0x1.ccb4d8920a556p-8);
    p = FMA(p, f, K(0x1.b1f0a2ef59a94p-6));
    p = FMA(p, f, K(-0x1.8289bf271d209p-5));
    p = FMA(p, f, K(0x1.d02fe79b252e2p-5));
    p = FMA(p, f, K(-0x1.d9d7e514f87fp-5));
    p = FMA(p, f, K(0x1.e2b6c69057e4p-5));
    p = FMA(p, f, K(-0x1.fdd76b8414a8ep-5));
    p = FMA(p, f, K(0x1.10ceab62edceap-4));
    p = FMA(p, f, K(-0x1.249e1e29695b2p-4));
    p = FMA(p, f, K(0x1.3b198d64ece1cp-4));
    p = FMA(p, f, K(-0x1.55554e8d5a61cp-4));
    p = FMA(p, f, K(0x1.745cd77c228c7p-4));
    p = FMA(p, f, K(-0x1.999995c6520b9p-4));
    p = FMA(p, f, K(0x1.c71c73435eef6p-4));
    p = FMA(p, f, K(-0x1.0000001111645p-3));
    p = FMA(p, f, K(0x1.2492492228332p-3));
    p = FMA(p, f, K(-0x1.55555555185f5p-3));
    p = FMA(p, f, K(0x1.999999999d7c9p-3));
    p = FMA(p, f, K(-0x1.00000000002b7p-2));
    p = FMA(p, f, K(0x1.5555555555543p-2));
    return FMA(p, f, K(-0x1.fffffffffffffp-2));
}

/*
 * Up to where gelu and gelu_tanh round to 0. The odds of the normal distribution: with a >= 0,
 * t = (a - 4) / (a + 4), s(t) = FFWD_ODDS + FFWD_ODDS_LOW + t p(t) is (a + 4) exp(a^2 / 2) times
 * the probability of more than a. Sollya's fpminimax of degree 24, within 2^-58.7 of it up to
 * there.
 */
#define FFWD_GELU_ZERO      (-38.7)
#define FFWD_GELU_TANH_ZERO (-21.57)
#define FFWD_ODDS           0x1.82b4bb8c94dcep-1
#define FFWD_ODDS_LOW       (-0x1.a7dc582552d7p-56)
static inline REAL ffwd_odds_curve(REAL t) {
    REAL p = K(0x1.4418bd4cede62p-35);
    p = FMA(p, t, K(-0x1.5593b97b98ddap-31));
    p = FMA(p, t, K(-0x1.5fed065ba7e1dp-29));
    p = FMA(p, t, K(0x1.ad2ca55936eddp-30));
    p = FMA(p, t, K(0x1.4eac86238ed39p-26));
    p = FMA(p, t, K(0x1.d9d7eeb5a9a3dp-27));
    p = FMA(p, t, K(-0x1.6d41488b25713p-24));
    p = FMA(p, t, K(-0x1.4da062b68d563p-23));
    p = FMA(p, t, K(0x1.236d795494c49p-22));
    p = FMA(p, t, K(0x1.12445610ebb11p-20));
    p = FMA(p, t, K(-0x1.51f00f4dd060ap-21));
    p = FMA(p, t, K(-0x1.8d4c6f0147a95p-18));
    p = FMA(p, t, K(0x1.80b57c19a3abp-21));
    p = FMA(p, t, K(0x1.26d0a3a3e6604p-15));
    p = FMA(p, t, K(-0x1.001e85f8216d7p-19));
    p = FMA(p, t, K(-0x1.e4a425cb35c8ep-13));
    p = FMA(p, t, K(0x1.17a4ae5017a94p-13));
    p = FMA(p, t, K(0x1.ab825fc1c80e1p-10));
    p = FMA(p, t, K(-0x1.c81719d57723dp-9));
    p = FMA(p, t, K(-0x1.ee2761047f76fp-8));
    p = FMA(p, t, K(0x1.eec4cc3e4d4b6p-5));
    p = FMA(p, t, K(-0x1.7dff2bff683aap-3));
    p = FMA(p, t, K(0x1.8c6dbf2cfc2b3p-2));
    return FMA(p, t, K(-0x1.373e3a893c28ap-1));
}

/* 2 sqrt(2 / pi), and 0.044715 times that, as pairs. */
#define FFWD_GELU_LINE      0x1.9884533d43651p+0
#define FFWD_GELU_LINE_LOW  (-0x1.cbc0d30ebfd15p-54)
#define FFWD_GELU_CUBIC     0x1.2444f2a4d8b4bp-4
#define FFWD_GELU_CUBIC_LOW (-0x1.6c843a29d1c7p-61)

/*
 * 1 / (1 + exp(-z)), exp(-z) = 2^n (1 - g), g = 1 - exp(-r), r = z + n ln(2). The sum d has its
 * rounding error beside it in e, and a Newton step takes y to 1 / (d + e). All is scaled by 2^-64
 * against overflow until the last product, which alone can be denormal; s and y are negative to
 * save negations. Above 37.5 the result is 1, below -746 it rounds to 0; so n >= -54, where e
 * still makes up for what d loses. Largest error 1.073 ulp, at -0x1.2e36528e7b19ap+5 (-37.8).
 */
static inline REAL ffwd_sigmoid(REAL z) {
    REAL x = LESSER(K(37.5), z);
    x = GREATER(K(-746.0), x);
    const REAL t = FMA(x, K(-FFWD_LOG2E), K(FFWD_ROUNDER));
    const REAL n = t - K(FFWD_ROUNDER);
    const REAL g = ffwd_one_minus_exp(FMA(n, K(FFWD_LN2_LOW), FMA(n, K(FFWD_LN2_HIGH), x)));

    const REAL one = K(0x1p-64);
    const REAL s = AS_REAL((AS_BITS(t) << 52) + 0xbbf0000000000000ul); /* -2^(n - 64) */
    const REAL d = FMA(s, g, one - s);
    const REAL e = FMA(s, g, one - (s + d));
    const REAL y = K(-1) / d;
    const REAL residual = FMA(y, e, FMA(y, d, K(1)));
    return FMA(residual, y, y) * K(-0x1p-64);
}

/*
 * For a = |z| < 0.95, a - a a^2/q(a^2), where q(x) = 3 + 6/5 x + ... is nearly a line: a minimax
 * fit of degree 8, within 2^-61.8 of the result, its coefficients rounded one by one and the rest
 * fitted again. From there on, 1 - 2 / (1 + exp(2a)) with exp(2a) = 2^n (1 - g). Both are
 * limit + limit * ratio with one division; 0.95 balances their errors. Above 19.5 the result is 1.
 * The sign is taken off and put back, so tanh is odd.
 * Largest error 0.954 ulp, at 0x1.e68eeda3744cfp-1 (0.95031).
 */
static inline REAL ffwd_tanh(REAL z) {
    const BITS sign = AS_BITS(z) & 0x8000000000000000ul;
    const REAL magnitude = AS_REAL(AS_BITS(z) & 0x7ffffffffffffffful);
    const REAL a = LESSER(K(19.5), magnitude);

    const REAL u = a * K(-2);
    const REAL t = FMA(u, K(-FFWD_LOG2E), K(FFWD_ROUNDER));
    const REAL n = t - K(FFWD_ROUNDER);
    const REAL g = ffwd_one_minus_exp(FMA(n, K(FFWD_LN2_LOW), FMA(n, K(FFWD_LN2_HIGH), u)));
    const REAL s = AS_REAL((AS_BITS(t) << 52) + 0x3fe0000000000000ul); /* 2^n / 2 */
    const REAL d = FMA(s, g, K(-0.5) - s);

    const REAL aa = a * a;
    REAL q = FMA(aa, K(0x1.022caa8bcb9c6p-34), K(-0x1.8b856f68fcf8ap-30));
    q = FMA(aa, q, K(0x1.fb869b8e5011p-26));
    q = FMA(aa, q, K(-0x1.4173f61587569p-21));
    q = FMA(aa, q, K(0x1.997cae50c1c58p-17));
    q = FMA(aa, q, K(-0x1.0a4e15745d0f5p-12));
    q = FMA(aa, q, K(0x1.767dce432e5f7p-8));
    q = FMA(aa, q, K(-0x1.3333333333321p+0));
    q = FMA(aa, q, K(-3));

    const REAL threshold = K(0.95);
    const REAL limit = WHEN_GT(threshold, a, a, K(1));
    const REAL ratio = WHEN_GT(threshold, a, aa, K(1)) / WHEN_GT(threshold, a, q, d);
    return AS_REAL(AS_BITS(FMA(limit, ratio, limit)) | sign);
}

#endif
