// SPDX-License-Identifier: MIT
// The oracle's loops for one dtype; the including file supplies REAL, BITS, fused and a suffix.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ffwd/ffwd.h>

static inline BITS as_bits(REAL x) {
    BITS bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline REAL as_real(BITS bits) {
    REAL x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#define K(c)                ((REAL)(c))
#define FMA(a, b, c)        FUSED((a), (b), (c))
#define WHEN_GT(a, b, x, y) ((a) > (b) ? (x) : (y))
#define AS_BITS(x)          as_bits(x)
#define AS_REAL(x)          as_real(x)
#include "kernels/activations.h"

static REAL activate(uint32_t activation, REAL z) {
    switch (activation) {
    case FFWD_STEP:
        return z > 0 ? 1 : 0;
    case FFWD_RELU:
        return z < 0 ? 0 : z;
    case FFWD_SIGMOID:
        return ffwd_sigmoid(z);
    case FFWD_TANH:
        return ffwd_tanh(z);
    default:
        return z;
    }
}

static REAL canonical(REAL z) {
    return isnan(z) ? as_real(QUIET_NAN) : z;
}

static void run_layer(const ffwd_operation *layer, uint64_t rows, const REAL *x, REAL *z, REAL *y) {
    const REAL *weights = layer->weights, *bias = layer->bias;
    for (uint64_t r = 0; r < rows; r++) {
        for (uint64_t o = 0; o < layer->neurons; o++) {
            REAL sum = bias != NULL ? bias[o] : 0;
            for (uint64_t k = 0; k < layer->inputs; k++) {
                sum = FUSED(weights[o * layer->inputs + k], x[r * layer->inputs + k], sum);
            }
            z[r * layer->neurons + o] = canonical(sum);
            y[r * layer->neurons + o] = canonical(activate(layer->activation, sum));
        }
    }
}

void ORACLE(run)(const ffwd_model *model, uint64_t rows, const void *x, void *y, void *const *sums,
                 void *const *outputs);
void ORACLE(run)(const ffwd_model *model, uint64_t rows, const void *x, void *y, void *const *sums,
                 void *const *outputs) {
    ffwd_operation layer;
    const REAL *in = x;
    REAL *last = NULL;
    uint64_t width = 0;
    for (size_t i = 0; ffwd_model_operation(model, i, sizeof layer, &layer, NULL) == FFWD_OK; i++) {
        width = layer.neurons;
        const size_t bytes = (size_t)(rows * width) * sizeof(REAL);
        REAL *z = malloc(bytes + 1), *out = malloc(bytes + 1);
        if (z == NULL || out == NULL) {
            abort();
        }
        run_layer(&layer, rows, in, z, out);
        if (sums != NULL && sums[i] != NULL) {
            memcpy(sums[i], z, bytes);
        }
        if (outputs != NULL && outputs[i] != NULL) {
            memcpy(outputs[i], out, bytes);
        }
        free(z);
        free(last);
        last = out;
        in = out;
    }
    if (last != NULL) {
        memcpy(y, last, (size_t)(rows * width) * sizeof(REAL));
    }
    free(last);
}

void ORACLE(activate)(uint32_t activation, const void *z, void *y);
void ORACLE(activate)(uint32_t activation, const void *z, void *y) {
    REAL value;
    memcpy(&value, z, sizeof value);
    value = canonical(activate(activation, value));
    memcpy(y, &value, sizeof value);
}
