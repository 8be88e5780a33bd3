// SPDX-License-Identifier: MIT
// The exponential function. Included by activations.h, which says what the includer supplies.
#ifndef FFWD_ACTIVATIONS_EXP_H
#define FFWD_ACTIVATIONS_EXP_H

/* z, but not below the place where exp is 0, nor above the one where it is infinite. */
static inline REAL ffwd_exp_range(REAL z) {
    const REAL x = WHEN_GT(z, K(FFWD_EXP_INFINITE), K(FFWD_EXP_INFINITE), z);
    return WHEN_GT(K(FFWD_EXP_ZERO), x, K(FFWD_EXP_ZERO), x);
}

/*
 * exp(z) = 2^n (1 - g), g = 1 - exp(-r), r = n ln(2) - z. The part of r that is exact comes into g
 * last, so the rounding errors of r and of g do not add up. 2^n may leave the range of normal
 * numbers; it is scaled towards 1 until the last product. Largest error 0.864 ulp in float32, at
 * -5.89074373; 0.862 ulp in float64, at 0x1.4a7753580e538p+9 (660.9).
 */
static inline REAL ffwd_exp(REAL z) {
    const REAL x = ffwd_exp_range(z);
    const REAL t = FMA(x, K(FFWD_LOG2E), K(FFWD_ROUNDER));
    const REAL n = t - K(FFWD_ROUNDER);
    const REAL h = FMA(n, K(FFWD_LN2_HIGH), K(0) - x);
    const REAL r = FMA(n, K(FFWD_LN2_LOW), h);
    const REAL g = h + FMA(r * r, ffwd_exp_curve(r), n * K(FFWD_LN2_LOW));

    const REAL inverse = WHEN_GT(x, K(0), K(FFWD_EXP_SCALE_INV), K(FFWD_EXP_SCALE));
    const REAL scale = WHEN_GT(x, K(0), K(FFWD_EXP_SCALE), K(FFWD_EXP_SCALE_INV));
    const REAL s = AS_REAL((AS_BITS(t) << FFWD_EXPONENT_SHIFT) + AS_BITS(inverse));
    return FMA(K(0) - s, g, s) * scale;
}

#endif
