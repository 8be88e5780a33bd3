// SPDX-License-Identifier: MIT
// Weights in the order in which the row-block code uses them.
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

static ffwd_status pack_layer(const ffwd_operation *dense, uint32_t width, size_t element,
                              ffwd_block_layer *layer, ffwd_error *err) {
    uint64_t bytes = dense->inputs * dense->neurons * element;
    unsigned char *weights = ffwd_alloc(bytes);
    if (weights == NULL) {
        return ffwd_fail_memory(err, bytes, "packed weights");
    }
    pack_weights(dense, width, element, weights);
    layer->weights = weights;

    void *bias = ffwd_alloc_zero(dense->neurons * element);
    if (bias == NULL) {
        return ffwd_fail_memory(err, dense->neurons * element, "a bias");
    }
    if (dense->bias != NULL) {
        memcpy(bias, dense->bias, (size_t)(dense->neurons * element));
    }
    layer->bias = bias;
    layer->inputs = dense->inputs;
    layer->neurons = dense->neurons;
    layer->activation = dense->activation;
    return FFWD_OK;
}

ffwd_status ffwd_cpu_weights_create(const ffwd_model *model, const ffwd_rowblock *code,
                                    ffwd_cpu_weights **out, ffwd_error *err) {
    const size_t element = ffwd_dtype_size(model->dtype);
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
        const ffwd_operation *dense = &model->operations[i];
        FFWD_TRY(status, pack_layer(dense, code->tile_neurons, element, &weights->layers[i], err));
        weights->bytes += (dense->inputs + 1) * dense->neurons * element;
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
    }
    ffwd_free(weights->table.entries);
    ffwd_free(weights->layers);
    ffwd_free(weights);
}
