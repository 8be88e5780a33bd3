// SPDX-License-Identifier: MIT
// Numbers as the sum of two, for the few places where one would be rounded too early. Included by
// activations.h, which says what the includer supplies.
#ifndef FFWD_PAIRS_H
#define FFWD_PAIRS_H

/* high + low, where low is at most a few units in the last place of high. */
typedef struct ffwd_pair {
    REAL high, low;
} ffwd_pair;

static inline ffwd_pair ffwd_pair_of(REAL high, REAL low) {
    ffwd_pair pair;
    pair.high = high;
    pair.low = low;
    return pair;
}

/* a + b exactly (Knuth's TwoSum). */
static inline ffwd_pair ffwd_sum(REAL a, REAL b) {
    ffwd_pair sum;
    sum.high = a + b;
    const REAL added = sum.high - a;
    sum.low = (a - (sum.high - added)) + (b - added);
    return sum;
}

/* 1 / z: one division, and a Newton step from it. */
static inline ffwd_pair ffwd_inverse(ffwd_pair z) {
    ffwd_pair y;
    y.high = K(1) / z.high;
    const REAL negative = K(0) - y.high;
    y.low = y.high * FMA(negative, z.low, FMA(negative, z.high, K(1)));
    return y;
}

/* a b, all but what is far below the last place of low. */
static inline ffwd_pair ffwd_pair_product(ffwd_pair a, ffwd_pair b) {
    ffwd_pair y;
    y.high = a.high * b.high;
    const REAL rest = FMA(a.high, b.high, K(0) - y.high);
    y.low = FMA(a.low, b.high, FMA(a.high, b.low, rest));
    return y;
}

/* z y, rounded about once. */
static inline REAL ffwd_product(REAL z, ffwd_pair y) {
    return FMA(z, y.high, z * y.low);
}

/* |z| */
static inline REAL ffwd_abs(REAL z) {
    return AS_REAL(AS_BITS(z) & (FFWD_SIGN_BIT - 1));
}

/* A y of no sign, or already that of z, with the sign of z. */
static inline REAL ffwd_signed_as(REAL z, REAL y) {
    return AS_REAL(AS_BITS(y) | (AS_BITS(z) & FFWD_SIGN_BIT));
}

#endif
