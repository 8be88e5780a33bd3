// SPDX-License-Identifier: MIT
// The natural logarithm. Included by activations.h, which says what the includer supplies.
#ifndef FFWD_ACTIVATIONS_LOG_H
#define FFWD_ACTIVATIONS_LOG_H

/*
 * log(z) of z >= 0, and of NaN: z = 2^k (1 + f), 1 + f from sqrt(1/2) to sqrt(2). k ln(2) + f is
 * rounded once, with its error beside it. Nothing is said of z < 0. Largest error 0.876 ulp in
 * float32, at 1.2743293; 0.820 ulp in float64, at 0x1.6653d384f8f5bp-1 (0.7).
 */
static inline REAL ffwd_log(REAL z) {
    const REAL least = K(FFWD_LEAST_NORMAL);
    const BITS one = AS_BITS(K(1));
    const REAL counter = K(FFWD_LOG_COUNTER);
    const REAL normal = WHEN_GT(least, z, z * counter, z);
    const BITS exponent = (AS_BITS(normal) + FFWD_LOG_OFFSET) >> FFWD_EXPONENT_SHIFT;
    const REAL bias =
        WHEN_GT(least, z, K(FFWD_EXPONENT_BIAS + FFWD_EXPONENT_SHIFT), K(FFWD_EXPONENT_BIAS));
    const REAL k = AS_REAL(exponent + AS_BITS(counter)) - (counter + bias);
    const REAL f = AS_REAL(AS_BITS(normal) - (exponent << FFWD_EXPONENT_SHIFT) + one) - K(1);

    const REAL whole = k * K(FFWD_LN2_HIGH);
    const REAL sum = whole + f;
    const REAL rest = f - (sum - whole);
    const REAL y = sum + (rest + FMA(f * f, ffwd_log_curve(f), k * K(FFWD_LN2_LOW)));
    const REAL infinity = AS_REAL(AS_BITS(K(0)) + FFWD_INFINITY);
    return WHEN_GT(z, K(0), WHEN_GT(infinity, z, y, z), z - infinity);
}

#endif
