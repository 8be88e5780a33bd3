// SPDX-License-Identifier: MIT
// What the operations on whole rows share: one step along a row x[0 .. n), all rows of a vector
// together, over the names of activations.h.
//
//     softmax       y[i] = exp(d[i]) / s       d[i] = x[i] - m, m the largest x
//     log_softmax   y[i] = d[i] - log(s)       s = exp(d[0]) + exp(d[1]) + .. + exp(d[n - 1])
//     argmax        y[0] = the index of the first NaN, else of the first of the largest
//
// The sum is in this order. GREATER(x[i], m) is the step that finds m: a NaN that does not reach m
// reaches s. So one NaN or +inf in x, or nothing but -inf, makes all y of a softmax NaN.
#ifndef FFWD_ROW_OPERATIONS_H
#define FFWD_ROW_OPERATIONS_H

#include "activations.h"

/* Of a softmax, or of its logarithm: what is kept of x[i] until s is known, .. */
static inline REAL ffwd_softmax_term(int logarithm, REAL d, REAL exp_d) {
    return logarithm ? d : exp_d;
}

/* .. what then is made of s, .. */
static inline REAL ffwd_softmax_scale(int logarithm, REAL s) {
    return logarithm ? ffwd_log(s) : s;
}

/* .. and of both. */
static inline REAL ffwd_softmax_finish(int logarithm, REAL term, REAL scale) {
    return logarithm ? term - scale : term / scale;
}

/* 1 where z is NaN, else 0. */
static inline REAL ffwd_is_nan(REAL z) {
    return WHEN_GT(z, K(0), K(0), WHEN_GT(K(1), z, K(0), K(1)));
}

/* Above 0 where x takes the place of the largest value before it. */
static inline REAL ffwd_beats(REAL x, REAL largest) {
    return WHEN_GT(x, largest, K(1), ffwd_is_nan(x) - ffwd_is_nan(largest));
}

#endif
