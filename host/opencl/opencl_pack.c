// SPDX-License-Identifier: MIT
// Packing a model's weights for a kernel of all layers; see rowblock.cl and registers.cl.
#include <string.h>

#include "base/memory.h"
#include "opencl/opencl_fused.h"

/** Where the next line goes. */
typedef struct packer {
    unsigned char *at;
    size_t element;
    uint32_t fill;
} packer;

uint64_t ffwd_opencl_parameter_count(const ffwd_operation *operation) {
    if (operation->slopes != NULL) {
        return operation->neurons;
    }
    return ffwd_activation_parameters(operation->activation)->count > 0 ? 2 : 0;
}

/** A line of a dense layer for each bias and input, tile by tile. */
static uint64_t dense_count(const ffwd_operation *dense, uint32_t tile, uint32_t fill) {
    const uint64_t whole = dense->neurons / tile, rest = dense->neurons % tile;
    return (dense->inputs + 1) * (whole * ffwd_round_up(tile, fill) + ffwd_round_up(rest, fill));
}

uint64_t ffwd_opencl_packed_count(const ffwd_model *model, uint32_t tile, uint32_t fill) {
    uint64_t values = 0;
    for (size_t i = 0; i < model->operation_count; i++) {
        const ffwd_operation *operation = &model->operations[i];
        values += ffwd_round_up(ffwd_opencl_parameter_count(operation), fill);
        values += operation->kind == FFWD_DENSE    ? dense_count(operation, tile, fill)
                  : operation->kind == FFWD_AFFINE ? 2 * ffwd_round_up(operation->inputs, fill)
                                                   : 0;
    }
    return ffwd_max(values, fill); // there is no buffer of none
}

/** Goes on behind `count` values and what fills their line. */
static void end_line(packer *p, uint64_t count) {
    p->at += (ffwd_round_up(count, p->fill) - count) * p->element;
}

static void pack_value(packer *p, double value) {
    const float narrow = (float)value;
    memcpy(p->at, p->element == sizeof value ? (const void *)&value : (const void *)&narrow,
           p->element);
    p->at += p->element;
}

/** A line of values[0 .. count), or as many times `absent` where there are none. */
static void pack_line(packer *p, const void *values, double absent, uint64_t count) {
    if (values != NULL) {
        memcpy(p->at, values, count * p->element);
        p->at += count * p->element;
    } else {
        for (uint64_t i = 0; i < count; i++) {
            pack_value(p, absent);
        }
    }
    end_line(p, count);
}

/** Neurons [first, first + count): their biases, then a line an input. */
static void pack_tile(packer *p, const ffwd_operation *dense, uint64_t first, uint64_t count) {
    const unsigned char *weights = dense->weights, *bias = dense->bias;
    pack_line(p, bias != NULL ? bias + first * p->element : NULL, 0, count);
    for (uint64_t k = 0; k < dense->inputs; k++) {
        for (uint64_t o = first; o < first + count; o++) {
            memcpy(p->at, weights + (o * dense->inputs + k) * p->element, p->element);
            p->at += p->element;
        }
        end_line(p, count);
    }
}

static void pack_operation(packer *p, const ffwd_operation *operation, uint32_t tile) {
    if (operation->slopes != NULL) {
        pack_line(p, operation->slopes, 0, operation->neurons);
    } else if (ffwd_opencl_parameter_count(operation) > 0) {
        pack_value(p, operation->alpha);
        pack_value(p, operation->beta);
        end_line(p, 2);
    }
    for (uint64_t o = 0; operation->kind == FFWD_DENSE && o < operation->neurons; o += tile) {
        pack_tile(p, operation, o, ffwd_min(tile, operation->neurons - o));
    }
    if (operation->kind == FFWD_AFFINE) {
        pack_line(p, operation->weights, 1, operation->inputs);
        pack_line(p, operation->bias, -0.0, operation->inputs);
    }
}

void ffwd_opencl_pack(const ffwd_model *model, uint32_t tile, uint32_t fill, void *packed) {
    packer p = {packed, ffwd_dtype_size(model->dtype), fill};
    for (size_t i = 0; i < model->operation_count; i++) {
        pack_operation(&p, &model->operations[i], tile);
    }
}
