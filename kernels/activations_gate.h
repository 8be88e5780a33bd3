// SPDX-License-Identifier: MIT
// The activations that are z times a gate between 0 and 1, which opens as z grows. Included by
// activations.h, which says what the includer supplies.
//
// The gate is a pair, so that the product is rounded about once. x is z within bounds: above the
// upper one the gate is 1 in either precision, below the lower one the product is 0. The sign is
// that of z.
#ifndef FFWD_ACTIVATIONS_GATE_H
#define FFWD_ACTIVATIONS_GATE_H

/* z, but not below least, and then not above most. */
static inline REAL ffwd_bounded(REAL z, REAL least, REAL most) {
    const REAL y = GREATER(least, z);
    return LESSER(most, y);
}

/* x gate scale, scale a power of 2; z where that is above x. */
static inline REAL ffwd_gated(REAL z, REAL x, ffwd_pair gate, REAL scale) {
    return WHEN_GT(z, x, z, ffwd_signed_as(x, ffwd_product(x, gate) * scale));
}

/* From here on exp(-2 z) is nothing beside 1, and exp(2 z) is not too large. */
#define FFWD_MISH_OPEN 20

/* 1 / (1 + exp(-x - low)), times FFWD_GATE_SCALE, which keeps the smallest of interest normal. */
static inline ffwd_pair ffwd_logistic(REAL x, REAL low) {
    const REAL one = K(FFWD_GATE_INVERSE);
    const ffwd_power power = ffwd_exp_power(K(0) - x, K(0) - low);
    const ffwd_pair e = ffwd_power_value(power, ffwd_power_scale(power, one));
    ffwd_pair sum = ffwd_sum(one, e.high);
    sum.low = sum.low + e.low;
    return ffwd_inverse(sum);
}

/* z / (1 + exp(-z)). */
static inline REAL ffwd_silu(REAL z) {
    const REAL x = ffwd_bounded(z, K(FFWD_SILU_ZERO), K(FFWD_FAR));
    return ffwd_gated(z, x, ffwd_logistic(x, K(0)), K(FFWD_GATE_INVERSE));
}

/*
 * z tanh(log(1 + exp(z))) = z m / (m + 2), m = e (e + 2), e = exp(z). e and m are scaled, so that
 * they stay normal where the product does.
 */
static inline REAL ffwd_mish(REAL z) {
    const REAL small = K(FFWD_SMALL);
    const REAL x = ffwd_bounded(z, K(FFWD_SILU_ZERO), K(FFWD_MISH_OPEN));
    const ffwd_power power = ffwd_exp_power(x, K(0));
    const ffwd_pair e = ffwd_power_value(power, ffwd_power_scale(power, K(FFWD_LARGE)));
    ffwd_pair sum = ffwd_sum(e.high * small, K(2));
    sum.low = FMA(e.low, small, sum.low);
    const ffwd_pair m = ffwd_pair_product(e, sum);
    sum = ffwd_sum(m.high * small, K(2));
    sum.low = FMA(m.low, small, sum.low);
    return ffwd_gated(z, x, ffwd_pair_product(m, ffwd_inverse(sum)), small);
}

/* The probability of more than a >= 0 in the normal distribution, times FFWD_LARGE. */
static inline ffwd_pair ffwd_odds(REAL a) {
    const REAL square = a * a;
    const REAL rest = FMA(a, a, K(0) - square);
    const ffwd_power power = ffwd_exp_power(square * K(-0.5f), rest * K(-0.5f));
    const ffwd_pair e = ffwd_power_value(power, ffwd_power_scale(power, K(FFWD_LARGE)));

    const ffwd_pair inverse = ffwd_inverse(ffwd_sum(a, K(4)));
    const ffwd_pair t = ffwd_sum(K(1), K(-8) * inverse.high);
    const REAL p = ffwd_odds_curve(t.high);
    const REAL slope = p * FMA(K(-0.75f), t.high, K(1)); /* about that of s */
    ffwd_pair s;
    s.high = FMA(t.high, p, K(FFWD_ODDS));
    s.low = FMA(t.high, p, K(FFWD_ODDS) - s.high) + K(FFWD_ODDS_LOW);
    s.low = FMA(FMA(K(-8), inverse.low, t.low), slope, s.low);
    return ffwd_pair_product(e, ffwd_pair_product(s, inverse));
}

/* z times the probability of less than z in the normal distribution, z (1 + erf(z / sqrt(2))) / 2.
 */
static inline REAL ffwd_gelu(REAL z) {
    const REAL x = ffwd_bounded(z, K(FFWD_GELU_ZERO), K(0) - K(FFWD_GELU_ZERO));
    const ffwd_pair odds = ffwd_odds(ffwd_abs(x));
    const REAL sign = WHEN_GT(x, K(0), K(-1), K(1));
    ffwd_pair gate = ffwd_sum(WHEN_GT(x, K(0), K(FFWD_LARGE), K(0)), sign * odds.high);
    gate.low = FMA(sign, odds.low, gate.low);
    return ffwd_gated(z, x, gate, K(FFWD_SMALL));
}

/* From here on exp(-u) of gelu_tanh is nothing beside 1. */
#define FFWD_GELU_TANH_OPEN 8

/*
 * z (1 + tanh(u / 2)) / 2 = z / (1 + exp(-u)), u = 2 sqrt(2 / pi) (z + 0.044715 z^3). u is large
 * where the result is small, so it is a pair.
 */
static inline REAL ffwd_gelu_tanh(REAL z) {
    const REAL x = ffwd_bounded(z, K(FFWD_GELU_TANH_ZERO), K(FFWD_GELU_TANH_OPEN));
    const ffwd_pair one = ffwd_pair_of(x, K(0));
    const ffwd_pair cubic = ffwd_pair_of(K(FFWD_GELU_CUBIC), K(FFWD_GELU_CUBIC_LOW));
    const ffwd_pair curved = ffwd_pair_product(cubic, ffwd_pair_product(one, one));
    ffwd_pair slope = ffwd_sum(K(FFWD_GELU_LINE), curved.high);
    slope.low += curved.low + K(FFWD_GELU_LINE_LOW);
    const ffwd_pair u = ffwd_pair_product(one, slope);
    return ffwd_gated(z, x, ffwd_logistic(u.high, u.low), K(FFWD_GATE_INVERSE));
}

/*
 * z between(0, (z + 3) / 6, 1). The sum comes with its error, and so does its product with 1/6,
 * whose own error needs no constant: it is what six times the product lacks.
 */
static inline REAL ffwd_hard_swish(REAL z) {
    const REAL x = ffwd_bounded(z, K(-3), K(3));
    const REAL sum = K(3) + x;
    const REAL low = x - (sum - K(3));
    ffwd_pair gate;
    gate.high = sum * K(FFWD_SIXTH);
    gate.low = (FMA(K(-6), gate.high, sum) + low) * K(FFWD_SIXTH);
    return ffwd_gated(z, x, gate, K(1));
}

/* z / (1 + |z|); from FFWD_LARGE on it is 1 in any precision. */
static inline REAL ffwd_softsign(REAL z) {
    const REAL a = ffwd_abs(z);
    const REAL x = LESSER(K(FFWD_LARGE), a);
    return ffwd_signed_as(z, ffwd_product(x, ffwd_inverse(ffwd_sum(K(1), x))));
}

#endif
