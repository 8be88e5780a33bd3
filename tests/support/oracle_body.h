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

static REAL clip(REAL z, REAL low, REAL high) {
    const REAL raised = z < low ? low : z;
    return raised > high ? high : raised;
}

/** What is exact is written out again; the others are the kernels' own. */
static REAL activate(const ffwd_operation *operation, uint64_t neuron, REAL z) {
    const REAL alpha = (REAL)operation->alpha, beta = (REAL)operation->beta;
    switch (operation->activation) {
    case FFWD_STEP:
        return z > alpha ? 1 : 0;
    case FFWD_STEP_GE:
        return z >= alpha ? 1 : 0;
    case FFWD_RELU:
        return z < 0 ? 0 : z;
    case FFWD_LEAKY_RELU:
        return z < 0 ? alpha * z : z;
    case FFWD_PRELU:
        return z < 0 ? ((const REAL *)operation->slopes)[neuron] * z : z;
    case FFWD_THRESHOLDED_RELU:
        return isnan(z) || z > alpha ? z : 0;
    case FFWD_HARD_SIGMOID:
        return clip(FUSED(alpha, z, beta), 0, 1);
    case FFWD_CLIP:
        return clip(z, alpha, beta);
    case FFWD_SIGMOID:
        return ffwd_sigmoid(z);
    case FFWD_TANH:
        return ffwd_tanh(z);
    case FFWD_EXP:
        return ffwd_exp(z);
    case FFWD_ELU:
        return ffwd_elu(z, alpha);
    case FFWD_SELU:
        return ffwd_selu(z, alpha, beta);
    case FFWD_CELU:
        return ffwd_celu(z, alpha);
    case FFWD_SOFTPLUS:
        return ffwd_softplus(z);
    case FFWD_MISH:
        return ffwd_mish(z);
    case FFWD_SOFTSIGN:
        return ffwd_softsign(z);
    case FFWD_GELU:
        return ffwd_gelu(z);
    case FFWD_GELU_TANH:
        return ffwd_gelu_tanh(z);
    case FFWD_SILU:
        return ffwd_silu(z);
    case FFWD_HARD_SWISH:
        return ffwd_hard_swish(z);
    case FFWD_SIGN:
        return isnan(z) ? z : (REAL)((z > 0) - (z < 0));
    case FFWD_ABS:
        return isnan(z) ? z : z < 0 ? -z : z + 0;
    default:
        return z;
    }
}

static REAL canonical(REAL z) {
    return isnan(z) ? as_real(QUIET_NAN) : z;
}

static void dense_row(const ffwd_operation *layer, const REAL *x, REAL *z) {
    const REAL *weights = layer->weights, *bias = layer->bias;
    for (uint64_t o = 0; o < layer->neurons; o++) {
        z[o] = bias != NULL ? bias[o] : 0;
        for (uint64_t k = 0; k < layer->inputs; k++) {
            z[o] = FUSED(weights[o * layer->inputs + k], x[k], z[o]);
        }
    }
}

static void affine_row(const ffwd_operation *layer, const REAL *x, REAL *z) {
    const REAL *scale = layer->weights, *shift = layer->bias;
    for (uint64_t i = 0; i < layer->inputs; i++) {
        const REAL product = scale != NULL ? x[i] * scale[i] : x[i];
        z[i] = shift == NULL   ? product
               : scale != NULL ? FUSED(x[i], scale[i], shift[i])
                               : x[i] + shift[i];
    }
}

static void argmax_row(const ffwd_operation *layer, const REAL *x, REAL *z) {
    uint64_t largest = 0;
    for (uint64_t i = 0; i < layer->inputs && !isnan(x[largest]); i++) {
        largest = isnan(x[i]) || x[i] > x[largest] ? i : largest;
    }
    z[0] = (REAL)largest;
}

/** By the words of docs/arithmetic.md; exp and log are the kernels' own. */
static void softmax_row(const ffwd_operation *layer, const REAL *x, REAL *y) {
    REAL largest = x[0], sum = 0;
    for (uint64_t i = 1; i < layer->inputs; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    for (uint64_t i = 0; i < layer->inputs; i++) {
        sum += ffwd_exp(x[i] - largest);
    }
    for (uint64_t i = 0; i < layer->inputs; i++) {
        const REAL d = x[i] - largest;
        y[i] = layer->kind == FFWD_SOFTMAX ? ffwd_exp(d) / sum : d - ffwd_log(sum);
    }
}

static void sum_row(const ffwd_operation *layer, const REAL *x, REAL *z) {
    switch (layer->kind) {
    case FFWD_DENSE:
        dense_row(layer, x, z);
        break;
    case FFWD_AFFINE:
        affine_row(layer, x, z);
        break;
    case FFWD_SOFTMAX:
    case FFWD_LOG_SOFTMAX:
        softmax_row(layer, x, z);
        break;
    default:
        argmax_row(layer, x, z);
        break;
    }
}

static void run_layer(const ffwd_operation *layer, uint64_t rows, const REAL *x, REAL *z, REAL *y) {
    for (uint64_t r = 0; r < rows; r++) {
        REAL *sums = z + r * layer->neurons;
        sum_row(layer, x + r * layer->inputs, sums);
        for (uint64_t o = 0; o < layer->neurons; o++) {
            y[r * layer->neurons + o] = canonical(activate(layer, o, sums[o]));
            sums[o] = canonical(sums[o]);
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
        REAL *z = calloc(1, bytes + 1), *out = calloc(1, bytes + 1);
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
    ffwd_operation operation = {0};
    REAL value;
    if (ffwd_operation_parse(ffwd_activation_name(activation), sizeof operation, &operation,
                             NULL) != FFWD_OK) {
        abort();
    }
    memcpy(&value, z, sizeof value);
    value = canonical(activate(&operation, 0, value));
    memcpy(y, &value, sizeof value);
}
