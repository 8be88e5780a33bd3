// SPDX-License-Identifier: MIT
// Operations that are no products, as passes over a block in place. Included by rowblock_body.h,
// which says what the includer supplies.
#ifndef FFWD_CPU_PASS_BODY_H
#define FFWD_CPU_PASS_BODY_H

#include <math.h>

#include "kernels/row_operations.h"

/** x[i] = fma(x[i], scale[i], shift[i]) for all groups. */
static void scale_and_shift(const ffwd_block_layer *layer, uint64_t groups, SCALAR *values) {
    const SCALAR *scale = layer->weights, *shift = layer->bias;
    if (scale == NULL) {
        return;
    }
    for (uint64_t g = 0; g < groups; g++) {
        for (uint64_t i = 0; i < layer->inputs; i++) {
            const REAL a = K(scale[i]), b = K(shift[i]);
            for (uint64_t v = 0; v < VECTORS; v++, values += LANES) {
                STORE(values, FMA(LOAD(values), a, b));
            }
        }
    }
}

/** One group of a softmax, or of its logarithm, in place; which is a constant. */
INLINE void softmax(bool logarithm, uint64_t inputs, SCALAR *x) {
    REAL largest[VECTORS], sum[VECTORS];
    for (uint64_t v = 0; v < VECTORS; v++) {
        largest[v] = LOAD(x + v * LANES);
        sum[v] = K(0);
    }
    for (uint64_t i = 1; i < inputs; i++) {
        for (uint64_t v = 0; v < VECTORS; v++) {
            largest[v] = GREATER(LOAD(x + i * GROUP + v * LANES), largest[v]);
        }
    }
    for (uint64_t i = 0; i < inputs; i++) {
        for (uint64_t v = 0; v < VECTORS; v++) {
            SCALAR *at = x + i * GROUP + v * LANES;
            const REAL d = LOAD(at) - largest[v], e = ffwd_exp(d);
            sum[v] = sum[v] + e;
            STORE(at, ffwd_softmax_term(logarithm, d, e));
        }
    }
    for (uint64_t v = 0; v < VECTORS; v++) {
        sum[v] = ffwd_softmax_scale(logarithm, sum[v]);
    }
    for (uint64_t i = 0; i < inputs; i++) {
        for (uint64_t v = 0; v < VECTORS; v++) {
            SCALAR *at = x + i * GROUP + v * LANES;
            STORE(at, ffwd_softmax_finish(logarithm, LOAD(at), sum[v]));
        }
    }
}

/** One group of argmax, into one feature. */
static void argmax(uint64_t inputs, const SCALAR *x, SCALAR *y) {
    REAL largest[VECTORS], index[VECTORS];
    for (uint64_t v = 0; v < VECTORS; v++) {
        largest[v] = LOAD(x + v * LANES);
        index[v] = K(0);
    }
    for (uint64_t i = 1; i < inputs; i++) {
        for (uint64_t v = 0; v < VECTORS; v++) {
            const REAL here = LOAD(x + i * GROUP + v * LANES);
            const REAL taken = ffwd_beats(here, largest[v]);
            largest[v] = WHEN_GT(taken, K(0), here, largest[v]);
            index[v] = WHEN_GT(taken, K(0), K((SCALAR)i), index[v]);
        }
    }
    for (uint64_t v = 0; v < VECTORS; v++) {
        STORE(y + v * LANES, index[v]);
    }
}

/** Any operation but a dense one, up to its activation. */
static void run_pass(const ffwd_block_layer *layer, uint64_t groups, SCALAR *values) {
    const uint64_t stride = layer->inputs * GROUP;
    switch (layer->kind) {
    case FFWD_SOFTMAX:
        for (uint64_t g = 0; g < groups; g++) {
            softmax(false, layer->inputs, values + g * stride);
        }
        break;
    case FFWD_LOG_SOFTMAX:
        for (uint64_t g = 0; g < groups; g++) {
            softmax(true, layer->inputs, values + g * stride);
        }
        break;
    case FFWD_ARGMAX: // an index overwrites what has been read
        for (uint64_t g = 0; g < groups; g++) {
            argmax(layer->inputs, values + g * stride, values + g * GROUP);
        }
        break;
    default:
        scale_and_shift(layer, groups, values);
        break;
    }
}

/** y = fma(x, scale, shift) of one row, whole vectors. */
static void scale_and_shift_row(const ffwd_block_layer *layer, const SCALAR *x, SCALAR *y) {
    const SCALAR *scale = layer->weights, *shift = layer->bias;
    uint64_t i = 0;
    if (scale == NULL) {
        memcpy(y, x, layer->inputs * sizeof(SCALAR));
        return;
    }
    for (; i + LANES <= layer->inputs; i += LANES) {
        STORE(y + i, FMA(LOAD(x + i), LOAD(scale + i), LOAD(shift + i)));
    }
    for (; i < layer->inputs; i++) {
        const REAL z = FMA(K(x[i]), K(scale[i]), K(shift[i]));
        memcpy(y + i, &z, sizeof(SCALAR));
    }
}

/** The softmax of one row, or its logarithm; vectors along the row but for the sum. */
INLINE void softmax_row(bool logarithm, uint64_t inputs, const SCALAR *x, SCALAR *y) {
    SCALAR largest = x[0], e[LANES];
    for (uint64_t i = 1; i < inputs; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    memcpy(y, x, inputs * sizeof(SCALAR)); // what is behind them in a vector counts for nothing
    SCALAR sum = 0;
    for (uint64_t i = 0; i < inputs; i += LANES) {
        const REAL d = LOAD(y + i) - K(largest), exp_d = ffwd_exp(d);
        STORE(e, exp_d);
        STORE(y + i, ffwd_softmax_term(logarithm, d, exp_d));
        for (uint64_t k = 0; k < LANES && i + k < inputs; k++) {
            sum += e[k];
        }
    }
    const REAL scale = ffwd_softmax_scale(logarithm, K(sum));
    for (uint64_t i = 0; i < inputs; i += LANES) {
        STORE(y + i, ffwd_softmax_finish(logarithm, LOAD(y + i), scale));
    }
}

/** The index of the largest value of one row. */
static uint64_t find_index(uint64_t inputs, const SCALAR *x) {
    uint64_t index = 0;
    for (uint64_t i = 1; i < inputs; i++) {
        if (x[i] > x[index] || (isnan(x[i]) && !isnan(x[index]))) {
            index = i;
        }
    }
    return index;
}

/** The same as run_pass for one row, from x into y, which has room for whole vectors. */
static void run_row_pass(const ffwd_block_layer *layer, const SCALAR *x, SCALAR *y) {
    switch (layer->kind) {
    case FFWD_SOFTMAX:
        softmax_row(false, layer->inputs, x, y);
        break;
    case FFWD_LOG_SOFTMAX:
        softmax_row(true, layer->inputs, x, y);
        break;
    case FFWD_ARGMAX:
        y[0] = (SCALAR)find_index(layer->inputs, x);
        break;
    default:
        scale_and_shift_row(layer, x, y);
        break;
    }
}

#endif
