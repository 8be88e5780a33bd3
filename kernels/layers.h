// SPDX-License-Identifier: MIT
// What the kernels of all layers share: an operation on rows that lie feature by feature in an
// item's own memory, x[feature][VECTORS] of LANES rows each. Included behind activation_list.h.
//
// The including file supplies, besides the seven names:
//
//     VECTORS, TILE, CAPTURED   see there
//     WEIGHTS                   the address space of the packed weights
//     UNROLLED                  what stands before a loop along a row: a pragma, or nothing
//
// and, of a dense layer, run_dense; or ROWS_ELSEWHERE, where it has all operations itself. The
// layers are a text of the host's:
//
//     -D LAYERS="LAYER(2,3,1,1,0,0)LAYER(3,1,1,1,0,1)"
//
//     inputs, neurons, ffwd_kind, ffwd_activation, values of parameters, whether the last
#ifndef FFWD_LAYERS_H
#define FFWD_LAYERS_H

#include "row_operations.h"

// Of ffwd_kind and ffwd_activation.
#define DENSE       1
#define AFFINE      2
#define LOG_SOFTMAX 4
#define ARGMAX      5
#define STEP        1
#define PRELU       7

#define INLINE static inline __attribute__((always_inline))

// What every layer takes; all but the pointers and the parameters are constants.
typedef struct layer {
    uint inputs, neurons, activation;
    bool last;
    REAL alpha, beta;
    WEIGHTS const SCALAR *slopes;
} layer;

// y[v] = activation(sums[v]) of one neuron; z as well where captured.
INLINE void finish(const layer *l, const uint neuron, const REAL *sums, REAL *z, REAL *y) {
    const REAL slope = l->activation == PRELU ? K(l->slopes[neuron]) : K(0);
#pragma unroll
    for (uint v = 0; v < VECTORS; v++) {
        const REAL result = ffwd_activate(l->activation, sums[v], l->alpha, l->beta, slope);
        y[v] = (l->last && l->activation != STEP) || CAPTURED ? ffwd_canonical(result) : result;
        if (CAPTURED) {
            z[v] = ffwd_canonical(sums[v]);
        }
    }
}

// Values of weights behind the parameters.
INLINE size_t weights_of(const uint kind, const uint inputs, const uint neurons) {
    const size_t line = FILLED(neurons);
    return kind == DENSE ? line * (inputs + 1) : kind == AFFINE ? 2 * line : 0;
}

#ifndef ROWS_ELSEWHERE // than in an item's own memory

// The weights of a dense layer, with its biases; the includer has their order.
INLINE void run_dense(const layer *l, REAL (*x)[VECTORS], WEIGHTS const SCALAR *w,
                      REAL (*z)[VECTORS], REAL (*y)[VECTORS]);

INLINE void run_affine(const layer *l, REAL (*x)[VECTORS], WEIGHTS const SCALAR *w,
                       REAL (*z)[VECTORS], REAL (*y)[VECTORS]) {
    UNROLLED
    for (uint o = 0; o < l->neurons; o++) {
        const REAL scale = K(w[o]), shift = K(w[FILLED(l->neurons) + o]);
        REAL sums[VECTORS];
#pragma unroll
        for (uint v = 0; v < VECTORS; v++) {
            sums[v] = FMA(x[o][v], scale, shift);
        }
        finish(l, o, sums, z[CAPTURED ? o : 0], y[o]);
    }
}

// y[k][v] = the softmax of x[k][v] along k, or its logarithm.
INLINE void run_softmax(const int logarithm, const uint inputs, REAL (*x)[VECTORS],
                        REAL (*y)[VECTORS]) {
    REAL largest[VECTORS], sums[VECTORS];
#pragma unroll
    for (uint v = 0; v < VECTORS; v++) {
        largest[v] = x[0][v];
        sums[v] = K(0);
    }
    UNROLLED
    for (uint k = 1; k < inputs; k++) {
#pragma unroll
        for (uint v = 0; v < VECTORS; v++) {
            largest[v] = GREATER(x[k][v], largest[v]);
        }
    }
    UNROLLED
    for (uint k = 0; k < inputs; k++) {
#pragma unroll
        for (uint v = 0; v < VECTORS; v++) {
            const REAL d = x[k][v] - largest[v], e = ffwd_exp(d);
            sums[v] = sums[v] + e;
            y[k][v] = ffwd_softmax_term(logarithm, d, e);
        }
    }
#pragma unroll
    for (uint v = 0; v < VECTORS; v++) {
        sums[v] = ffwd_softmax_scale(logarithm, sums[v]);
    }
    UNROLLED
    for (uint k = 0; k < inputs; k++) {
#pragma unroll
        for (uint v = 0; v < VECTORS; v++) {
            y[k][v] = ffwd_softmax_finish(logarithm, y[k][v], sums[v]);
        }
    }
}

// y[0][v] = the index of the largest of x[k][v].
INLINE void run_argmax(const uint inputs, REAL (*x)[VECTORS], REAL (*y)[VECTORS]) {
#pragma unroll
    for (uint v = 0; v < VECTORS; v++) {
        REAL largest = x[0][v], index = K(0);
        UNROLLED
        for (uint k = 1; k < inputs; k++) {
            const REAL taken = ffwd_beats(x[k][v], largest);
            largest = WHEN_GT(taken, K(0), x[k][v], largest);
            index = WHEN_GT(taken, K(0), K((SCALAR)k), index);
        }
        y[0][v] = index;
    }
}

// Any other kind, whose z is its y.
INLINE void run_rows(const uint kind, const layer *l, REAL (*x)[VECTORS], REAL (*z)[VECTORS],
                     REAL (*y)[VECTORS]) {
    if (kind == ARGMAX) {
        run_argmax(l->inputs, x, y);
    } else {
        run_softmax(kind == LOG_SOFTMAX, l->inputs, x, y);
    }
    UNROLLED
    for (uint o = 0; o < l->neurons; o++) {
#pragma unroll
        for (uint v = 0; v < VECTORS; v++) {
            y[o][v] = l->last || CAPTURED ? ffwd_canonical(y[o][v]) : y[o][v];
            if (CAPTURED) {
                z[o][v] = y[o][v];
            }
        }
    }
}

INLINE void run_layer(const uint kind, const layer *l, REAL (*x)[VECTORS], WEIGHTS const SCALAR *w,
                      REAL (*z)[VECTORS], REAL (*y)[VECTORS]) {
    if (kind == DENSE) {
        run_dense(l, x, w, z, y);
    } else if (kind == AFFINE) {
        run_affine(l, x, w, z, y);
    } else {
        run_rows(kind, l, x, z, y);
    }
}

#endif

#endif
