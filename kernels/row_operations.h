// SPDX-License-Identifier: MIT
// What the operations on whole rows share: one step along a row x[0 .. n), all rows of a vector
// together, over the names of activations.h.
//
//     argmax        y[0] = the index of the first NaN, else of the first of the largest
#ifndef FFWD_ROW_OPERATIONS_H
#define FFWD_ROW_OPERATIONS_H

#include "activations.h"

/* 1 where z is NaN, else 0. */
static inline REAL ffwd_is_nan(REAL z) {
    return WHEN_GT(z, K(0), K(0), WHEN_GT(K(1), z, K(0), K(1)));
}

/* Above 0 where x takes the place of the largest value before it. */
static inline REAL ffwd_beats(REAL x, REAL largest) {
    return WHEN_GT(x, largest, K(1), ffwd_is_nan(x) - ffwd_is_nan(largest));
}

#endif
