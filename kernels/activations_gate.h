// SPDX-License-Identifier: MIT
// The activations that are z times a gate between 0 and 1, which opens as z grows. Included by
// activations.h, which says what the includer supplies.
//
// The gate is a pair, so that the product is rounded about once. From FFWD_GATE_OPEN on it is 1 in
// any precision. Where z and the gate are 0 or vanish, the sign is that of z.
#ifndef FFWD_ACTIVATIONS_GATE_H
#define FFWD_ACTIVATIONS_GATE_H

#define FFWD_GATE_OPEN 45

/* z gate inverse, inverse a power of 2; z where the gate is open. */
static inline REAL ffwd_gated(REAL z, REAL x, ffwd_pair gate, REAL inverse) {
    return WHEN_GT(z, K(FFWD_GATE_OPEN), z, ffwd_signed_as(x, ffwd_product(x, gate) * inverse));
}

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
    REAL x = WHEN_GT(z, K(FFWD_GATE_OPEN), K(FFWD_GATE_OPEN), z);
    x = GREATER(K(FFWD_SILU_ZERO), x);
    return ffwd_gated(z, x, ffwd_logistic(x, K(0)), K(FFWD_GATE_INVERSE));
}

/*
 * z between(0, (z + 3) / 6, 1). The sum comes with its error, and so does its product with 1/6,
 * whose own error needs no constant: it is what six times the product lacks.
 */
static inline REAL ffwd_hard_swish(REAL z) {
    const REAL x = GREATER(K(-3), z);
    const REAL sum = K(3) + x;
    const REAL low = x - (sum - K(3));
    ffwd_pair gate;
    gate.high = sum * K(FFWD_SIXTH);
    gate.low = (FMA(K(-6), gate.high, sum) + low) * K(FFWD_SIXTH);
    return WHEN_GT(z, K(3), z, ffwd_signed_as(x, ffwd_product(x, gate)));
}

/* z / (1 + |z|); from FFWD_LARGE on it is 1 in any precision. */
static inline REAL ffwd_softsign(REAL z) {
    const REAL a = ffwd_abs(z);
    const REAL x = WHEN_GT(a, K(FFWD_LARGE), K(FFWD_LARGE), a);
    return ffwd_signed_as(z, ffwd_product(x, ffwd_inverse(ffwd_sum(K(1), x))));
}

#endif
