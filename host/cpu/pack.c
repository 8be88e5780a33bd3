// SPDX-License-Identifier: MIT
// Weights in the order in which the row-block code uses them.
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "cpu/cpu_device.h"

/** packed[tile][k][o] = weights[tile * width + o][k], tiles `width` neurons wide, the last less. */
static void pack_weights(const ffwd_operation *dense, uint32_t width, size_t element,
                         unsigned char *packed) {
    const unsigned char *weights = dense->weights;
    for (uint64_t first = 0; first < dense->neurons; first += width) {
        uint64_t neurons = ffwd_min(width, dense->neurons - first);
        for (uint64_t k = 0; k < dense->inputs; k++) {
            for (uint64_t o = 0; o < neurons; o++) {
                memcpy(packed, weights + ((first + o) * dense->inputs + k) * element, element);
                packed += element;
            }
        }
    }
}

/** A copy of values[0 .. count), or as many times `absent` where there are none; whole vectors may
 *  be read. */
static ffwd_status pack_values(const void *values, double absent, uint64_t count, uint32_t dtype,
                               const void **out, ffwd_error *err) {
    const uint64_t bytes = count * ffwd_dtype_size(dtype);
    void *packed = ffwd_alloc_zero(ffwd_round_up(bytes, FFWD_ALIGNMENT));
    if (packed == NULL) {
        return ffwd_fail_memory(err, bytes, "packed weights");
    }
    *out = packed;
    if (values != NULL) {
        memcpy(packed, values, (size_t)bytes);
    }
    for (uint64_t i = 0; i < count && values == NULL; i++) {
        if (dtype == FFWD_F64) {
            ((double *)packed)[i] = absent;
        } else {
            ((float *)packed)[i] = (float)absent;
        }
    }
    return FFWD_OK;
}

static ffwd_status pack_dense(const ffwd_operation *dense, uint32_t dtype, uint32_t width,
                              ffwd_block_layer *layer, ffwd_error *err) {
    const size_t element = ffwd_dtype_size(dtype);
    uint64_t bytes = dense->inputs * dense->neurons * element;
    unsigned char *weights = ffwd_alloc(bytes);
    if (weights == NULL) {
        return ffwd_fail_memory(err, bytes, "packed weights");
    }
    pack_weights(dense, width, element, weights);
    layer->weights = weights;
    return pack_values(dense->bias, 0, dense->neurons, dtype, &layer->bias, err);
}

/** What is absent changes nothing: x times 1, plus -0. */
static ffwd_status pack_affine(const ffwd_operation *affine, uint32_t dtype,
                               ffwd_block_layer *layer, ffwd_error *err) {
    if (affine->weights == NULL && affine->bias == NULL) {
        return FFWD_OK;
    }
    ffwd_status status =
        pack_values(affine->weights, 1, affine->inputs, dtype, &layer->weights, err);
    return status != FFWD_OK
               ? status
               : pack_values(affine->bias, -0.0, affine->inputs, dtype, &layer->bias, err);
}

/** z > alpha is z >= the next value above alpha: so the products' own step compares with 0 alone.
 */
static void move_threshold(uint32_t dtype, ffwd_block_layer *layer) {
    if (layer->activation == FFWD_STEP && layer->alpha != 0) {
        layer->activation = FFWD_STEP_GE;
        layer->alpha = dtype == FFWD_F64 ? nextafter(layer->alpha, INFINITY)
                                         : (double)nextafterf((float)layer->alpha, INFINITY);
    }
}

static ffwd_status pack_layer(const ffwd_operation *operation, uint32_t dtype, uint32_t width,
                              ffwd_block_layer *layer, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    layer->kind = operation->kind;
    layer->inputs = operation->inputs;
    layer->neurons = operation->neurons;
    layer->activation = operation->activation;
    layer->alpha = operation->alpha;
    layer->beta = operation->beta;
    move_threshold(dtype, layer);
    if (operation->kind == FFWD_DENSE) {
        status = pack_dense(operation, dtype, width, layer, err);
    } else if (operation->kind == FFWD_AFFINE) {
        status = pack_affine(operation, dtype, layer, err);
    }
    if (status == FFWD_OK && operation->slopes != NULL) {
        status = pack_values(operation->slopes, 0, operation->neurons, dtype, &layer->slopes, err);
    }
    return status;
}

/** Bytes of what was packed. */
static uint64_t packed_bytes(const ffwd_block_layer *layer, uint32_t dtype) {
    uint64_t values = 0;
    if (layer->weights != NULL) {
        values = (layer->kind == FFWD_DENSE ? layer->inputs + 1 : 2) * layer->neurons;
    }
    return (values + (layer->slopes != NULL ? layer->neurons : 0)) * ffwd_dtype_size(dtype);
}

ffwd_status ffwd_cpu_weights_create(const ffwd_model *model, const ffwd_rowblock *code,
                                    ffwd_cpu_weights **out, ffwd_error *err) {
    const uint64_t layer_bytes = model->operation_count * sizeof(ffwd_block_layer);
    ffwd_cpu_weights *weights = ffwd_alloc_zero(sizeof *weights);
    if (weights == NULL) {
        return ffwd_fail_memory(err, sizeof *weights, "packed weights");
    }
    ffwd_status status = FFWD_OK;
    atomic_init(&weights->references, 1);
    weights->layers = ffwd_alloc_zero(layer_bytes);
    if (weights->layers == NULL) {
        status = ffwd_fail_memory(err, layer_bytes, "packed layers");
        goto cleanup;
    }
    weights->layer_count = model->operation_count;
    for (size_t i = 0; i < model->operation_count; i++) {
        FFWD_TRY(status, pack_layer(&model->operations[i], model->dtype, code->tile_neurons,
                                    &weights->layers[i], err));
        weights->bytes += packed_bytes(&weights->layers[i], model->dtype);
    }
    *out = weights;
    return FFWD_OK;

cleanup:
    ffwd_cpu_weights_release(weights);
    return status;
}

ffwd_cpu_weights *ffwd_cpu_weights_retain(ffwd_cpu_weights *weights) {
    atomic_fetch_add(&weights->references, 1);
    return weights;
}

void ffwd_cpu_weights_release(ffwd_cpu_weights *weights) {
    if (weights == NULL || atomic_fetch_sub(&weights->references, 1) != 1) {
        return;
    }
    for (size_t i = 0; i < weights->layer_count; i++) {
        ffwd_free(weights->layers[i].weights);
        ffwd_free(weights->layers[i].bias);
        ffwd_free(weights->layers[i].slopes);
    }
    ffwd_free(weights->table.entries);
    ffwd_free(weights->layers);
    ffwd_free(weights);
}
