// SPDX-License-Identifier: MIT
// The natural logarithm. Included by activations.h, which says what the includer supplies.
#ifndef FFWD_ACTIVATIONS_LOG_H
#define FFWD_ACTIVATIONS_LOG_H

/*
 * log(z) of z >= 0, and of NaN: z = 2^k (1 + f), f from -1/4 to 1/2. k ln(2) + f is
 * rounded once, with its error beside it. Nothing is said of z < 0. Largest error 0.900 ulp in
 * float32, at 1.48767483; 0.853 ulp in float64, at 0x1.7d690858de212p+0 (1.49).
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

/*
 * log(1 + exp(z)) = max(z, 0) + log(1 + e), e = exp(-|z|). From e = 1/2 on, log(1 + e) =
 * ln(2) + log(1 + f), f = (e - 1) / 2; below, f = e. What is large is summed with its errors, and
 * ln(2) is taken as near as can be: else the steps from one z near 0 to the next were lost in what
 * is rounded beside it. To the errors comes that of e, times about the derivative. e is scaled, so
 * that it is normal until then. 0.934 ulp, at -0.845204115; 0.900 ulp.
 */
static inline REAL ffwd_softplus(REAL z) {
    const REAL small = K(FFWD_SMALL), middle = K(0.5f);
    const REAL x = GREATER(K(FFWD_EXP_ZERO), K(0) - ffwd_abs(z));
    const ffwd_power power = ffwd_exp_power(x, K(0));
    const ffwd_pair scaled = ffwd_power_value(power, ffwd_power_scale(power, K(FFWD_LARGE)));
    const REAL e = scaled.high * small;
    const REAL error = scaled.low * small * FMA(K(0) - middle, e, K(1));

    const REAL f = WHEN_GT(e, middle, FMA(middle, e, K(0) - middle), e);
    const REAL low = WHEN_GT(e, middle, K(FFWD_LN2_REST), K(0));
    const ffwd_pair first = ffwd_sum(GREATER(K(0), z), WHEN_GT(e, middle, K(FFWD_LN2), K(0)));
    const ffwd_pair second = ffwd_sum(first.high, f);
    const REAL rest = FMA(f * f, ffwd_log_curve(f), error + low);
    return WHEN_GT(z, K(FFWD_FAR), z, second.high + (first.low + second.low + rest));
}

#endif
