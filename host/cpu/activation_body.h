// SPDX-License-Identifier: MIT
// Activations as passes over features that lie in memory. Included by rowblock_body.h, which says
// what the includer supplies.
#ifndef FFWD_CPU_ACTIVATION_BODY_H
#define FFWD_CPU_ACTIVATION_BODY_H

#include "kernels/activation_list.h"

/** values[0 .. count) = y of them, count a multiple of LANES. */
typedef struct parameters {
    REAL alpha, beta, slope;
} parameters;
typedef void activation_pass(const parameters *p, SCALAR *values, uint64_t count);

#define PASS(name, number, y)                                                                      \
    static void pass_##name(const parameters *p, SCALAR *values, uint64_t count) {                 \
        const REAL alpha = p->alpha, beta = p->beta, slope = p->slope;                             \
        (void)alpha, (void)beta, (void)slope;                                                      \
        for (uint64_t i = 0; i < count; i += LANES) {                                              \
            const REAL z = LOAD(values + i);                                                       \
            STORE(values + i, y);                                                                  \
        }                                                                                          \
    }
FFWD_ACTIVATION_CALLS(PASS)
#undef PASS

static void pass_canonical(SCALAR *values, uint64_t count) {
    for (uint64_t i = 0; i < count; i += LANES) {
        STORE(values + i, ffwd_canonical(LOAD(values + i)));
    }
}

/** By ffwd_activation, whose numbers the kernels repeat. */
static activation_pass *const passes[] = {
#define ENTRY(name, number, y) [number] = pass_##name,
    FFWD_ACTIVATION_CALLS(ENTRY)
#undef ENTRY
};
#define SAME(name, number, y)                                                                      \
    _Static_assert(FFWD_##name == (number), "kernels/activation_list.h disagrees with ffwd.h");
FFWD_ACTIVATION_CALLS(SAME)
#undef SAME

INLINE parameters parameters_of(const ffwd_block_layer *layer) {
    return (parameters){K((SCALAR)layer->alpha), K((SCALAR)layer->beta), K(0)};
}

/** values[0 .. count) = activation(values): the layer's neurons over and over, `rows` values each,
 *  a multiple of LANES. */
static void activate(const ffwd_block_layer *layer, uint64_t rows, SCALAR *values, uint64_t count) {
    activation_pass *pass = passes[layer->activation];
    const SCALAR *slopes = layer->slopes;
    parameters p = parameters_of(layer);
    if (layer->activation == FFWD_IDENTITY) {
        return;
    }
    if (slopes == NULL) {
        pass(&p, values, count);
        return;
    }
    for (uint64_t first = 0, o = 0; first < count; first += rows, o = (o + 1) % layer->neurons) {
        p.slope = K(slopes[o]);
        pass(&p, values + first, rows);
    }
}

/** The same of one row, neuron by neuron; count as many as whole vectors hold. */
static void activate_row(const ffwd_block_layer *layer, SCALAR *values, uint64_t count) {
    const SCALAR *slopes = layer->slopes;
    parameters p = parameters_of(layer);
    if (slopes == NULL) {
        activate(layer, count, values, count);
        return;
    }
    for (uint64_t o = 0; o < count; o += LANES) {
        p.slope = LOAD(slopes + o);
        passes[layer->activation](&p, values + o, LANES);
    }
}

#endif
