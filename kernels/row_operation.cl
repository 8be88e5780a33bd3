// SPDX-License-Identifier: MIT
// One operation on each row as a whole, see row_operations.h.
//
//   x   [rows][inputs], aligned to one element only
//   y   [rows][1] of an argmax, [rows][inputs] of a softmax, which keeps its terms there meanwhile
//   x_offset, y_offset   elements in front of the rows in x and in y
//
// Launch: at least `rows` items, item r computes row r. No local memory; items past the end do
// nothing.
#include "names_opencl.h"

#include "row_operations.h"

#ifndef KERNEL // softmax_f32, argmax_f64, ...: named by the host
#define KERNEL argmax_f32
#endif
#ifndef KIND // the number of ffwd_kind
#define KIND 5
#endif

#define SOFTMAX 3
#define LOG_SOFTMAX 4
#define ARGMAX 5

static inline void softmax(const int logarithm, global const REAL *restrict x, const uint inputs,
                           global REAL *restrict y) {
    REAL largest = x[0], sum = K(0);
    for (uint i = 1; i < inputs; i++) {
        largest = GREATER(x[i], largest);
    }
    for (uint i = 0; i < inputs; i++) {
        const REAL d = x[i] - largest, e = ffwd_exp(d);
        sum = sum + e;
        y[i] = ffwd_softmax_term(logarithm, d, e);
    }
    const REAL scale = ffwd_softmax_scale(logarithm, sum);
    for (uint i = 0; i < inputs; i++) {
        y[i] = ffwd_canonical(ffwd_softmax_finish(logarithm, y[i], scale));
    }
}

// The index of the largest value of x[0 .. inputs).
static inline REAL argmax(global const REAL *restrict x, const uint inputs) {
    REAL largest = x[0], index = K(0);
    for (uint i = 1; i < inputs; i++) {
        const REAL taken = ffwd_beats(x[i], largest);
        largest = WHEN_GT(taken, K(0), x[i], largest);
        index = WHEN_GT(taken, K(0), K(i), index);
    }
    return index;
}

kernel void KERNEL(global const REAL *restrict x, global REAL *restrict y, const ulong rows,
                   const uint inputs, const ulong x_offset, const ulong y_offset) {
    const size_t r = get_global_id(0);
    if (r < rows) {
        x += x_offset;
        y += y_offset;
#if KIND == SOFTMAX || KIND == LOG_SOFTMAX
        softmax(KIND == LOG_SOFTMAX, x + r * inputs, inputs, y + r * inputs);
#elif KIND == ARGMAX
        y[r] = argmax(x + r * inputs, inputs);
#else
#error "row_operation.cl: unknown kind"
#endif
    }
}
