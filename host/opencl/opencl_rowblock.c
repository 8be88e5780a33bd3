// SPDX-License-Identifier: MIT
// All layers of a model as one kernel for devices of type CPU, specialised on its widths; see
// rowblock.cl.
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_plan.h"
#include "opencl/program.h"

/** Rows wider than this do not stay near a core while they go through all layers: 3 vectors of 16
 *  rows, twice, are 384 KiB. */
#define WIDTH_MAX 1024
/** Each layer is code of its own, and a part of the program's definitions. */
#define LAYERS_MAX 32

/** Vectors of rows in a block. */
#define VECTORS 3

/** The most lanes that the device computes at once and the kernel knows. */
static uint32_t lanes_of(const ffwd_opencl_device *device, uint32_t dtype) {
    const uint32_t native = device->lanes[dtype == FFWD_F64];
    const uint32_t most = dtype == FFWD_F64 ? 8 : 16;
    return native >= most ? most : native >= 8 ? 8 : 4;
}

/** Neurons of a tile: 8 x 3 sums fill 32 registers of 64 bytes, 4 x 3 fill 16 smaller ones. */
static uint32_t tile_of(const ffwd_opencl_plan *plan) {
    const uint32_t lanes = lanes_of(plan->device, plan->model->dtype);
    return lanes * plan->value_bytes == 64 ? 8 : 4;
}

static bool fits(const ffwd_model *model) {
    return ffwd_model_widest(model) <= WIDTH_MAX && model->operation_count <= LAYERS_MAX;
}

bool ffwd_opencl_rowblock_suits(const ffwd_opencl_device *device, const ffwd_model *model) {
    return device->type == FFWD_TYPE_CPU && fits(model);
}

static ffwd_status check_fits(const ffwd_opencl_plan *plan, ffwd_error *err) {
    if (!fits(plan->model)) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED,
                         "%s: fused takes up to %d layers and %d values a row, not %zu and %llu",
                         plan->device->name, LAYERS_MAX, WIDTH_MAX, plan->model->operation_count,
                         (unsigned long long)ffwd_model_widest(plan->model));
    }
    return FFWD_OK;
}

/** Values in front of an operation's weights: slopes, or alpha and beta. */
static uint64_t parameter_count(const ffwd_operation *operation) {
    if (operation->slopes != NULL) {
        return operation->neurons;
    }
    return ffwd_activation_parameters(operation->activation)->count > 0 ? 2 : 0;
}

/** Appends to definitions, which are long enough for LAYERS_MAX layers of WIDTH_MAX neurons. */
static size_t define(char *definitions, size_t used, const char *format, unsigned a, unsigned b,
                     unsigned c, unsigned d) {
    return used +
           (size_t)snprintf(definitions + used, FFWD_OPENCL_DEFINITIONS - used, format, a, b, c, d);
}

static size_t define_layer(char *definitions, size_t used, const ffwd_operation *operation,
                           bool last) {
    used = define(definitions, used, "LAYER(%u,%u,%u,%u,", (unsigned)operation->inputs,
                  (unsigned)operation->neurons, operation->kind, operation->activation);
    return define(definitions, used, "%u,%u)", (unsigned)parameter_count(operation), last, 0, 0);
}

ffwd_status ffwd_opencl_rowblock_build(const ffwd_opencl_plan *plan, bool captured, cl_program *out,
                                       ffwd_error *err) {
    const ffwd_model *model = plan->model;
    char definitions[FFWD_OPENCL_DEFINITIONS];
    unsigned used_activations = 0;
    size_t used = (size_t)snprintf(
        definitions, sizeof definitions, "-D KERNEL=%s%s%s", plan->stages[0].kernel,
        model->dtype == FFWD_F64 ? " -D REAL_IS_F64" : "", captured ? " -D CAPTURED=1" : "");
    used = define(definitions, used, " -D LANES=%u -D VECTORS=%u -D TILE=%u -D WIDEST=%u",
                  lanes_of(plan->device, model->dtype), VECTORS, tile_of(plan),
                  (unsigned)ffwd_model_widest(model));
    used =
        define(definitions, used, " -D INPUTS=%u -D OUTPUTS=%u -D LAYERS=", (unsigned)model->inputs,
               (unsigned)model->outputs, 0, 0);
    for (size_t i = 0; i < model->operation_count; i++) {
        used_activations |= 1u << model->operations[i].activation;
        used =
            define_layer(definitions, used, &model->operations[i], i + 1 == model->operation_count);
    }
    (void)define(definitions, used, " -D USED=%uu", used_activations, 0, 0, 0);
    return ffwd_opencl_build(plan->device, "rowblock.cl", definitions, out, err);
}

/** A dense layer's tiles: the biases of each, then a line an input; see rowblock.cl. */
static unsigned char *pack_dense(const ffwd_operation *dense, uint32_t tile, size_t element,
                                 unsigned char *packed) {
    const unsigned char *weights = dense->weights, *bias = dense->bias;
    for (uint64_t first = 0; first < dense->neurons; first += tile) {
        const uint64_t neurons = ffwd_min(tile, dense->neurons - first);
        if (bias != NULL) {
            memcpy(packed, bias + first * element, neurons * element);
        } else {
            memset(packed, 0, neurons * element);
        }
        packed += neurons * element;
        for (uint64_t k = 0; k < dense->inputs; k++) {
            for (uint64_t o = first; o < first + neurons; o++) {
                memcpy(packed, weights + (o * dense->inputs + k) * element, element);
                packed += element;
            }
        }
    }
    return packed;
}

static unsigned char *pack_value(double value, size_t element, unsigned char *packed) {
    const float narrow = (float)value;
    memcpy(packed, element == sizeof value ? (const void *)&value : (const void *)&narrow, element);
    return packed + element;
}

/** values[0 .. count), or as many times `absent` where there are none. */
static unsigned char *pack_values(const void *values, double absent, uint64_t count, size_t element,
                                  unsigned char *packed) {
    if (values != NULL) {
        memcpy(packed, values, count * element);
        return packed + count * element;
    }
    for (uint64_t i = 0; i < count; i++) {
        packed = pack_value(absent, element, packed);
    }
    return packed;
}

static unsigned char *pack_operation(const ffwd_operation *operation, uint32_t tile, size_t element,
                                     unsigned char *packed) {
    if (operation->slopes != NULL) {
        packed = pack_values(operation->slopes, 0, operation->neurons, element, packed);
    } else if (parameter_count(operation) > 0) {
        packed = pack_value(operation->alpha, element, packed);
        packed = pack_value(operation->beta, element, packed);
    }
    if (operation->kind == FFWD_DENSE) {
        return pack_dense(operation, tile, element, packed);
    }
    if (operation->kind == FFWD_AFFINE) {
        packed = pack_values(operation->weights, 1, operation->inputs, element, packed);
        packed = pack_values(operation->bias, -0.0, operation->inputs, element, packed);
    }
    return packed;
}

/** At least one value: there is no buffer of none. */
static uint64_t packed_bytes(const ffwd_model *model) {
    uint64_t values = 0;
    for (size_t i = 0; i < model->operation_count; i++) {
        const ffwd_operation *operation = &model->operations[i];
        values += parameter_count(operation);
        values += operation->kind == FFWD_DENSE    ? (operation->inputs + 1) * operation->neurons
                  : operation->kind == FFWD_AFFINE ? 2 * operation->inputs
                                                   : 0;
    }
    return ffwd_max(values, 1) * ffwd_dtype_size(model->dtype);
}

static ffwd_status place_weights(ffwd_opencl_plan *plan, ffwd_error *err) {
    ffwd_opencl_device *device = plan->device;
    const uint64_t bytes = packed_bytes(plan->model);
    cl_command_queue queue = NULL;
    unsigned char *packed = ffwd_alloc_zero(bytes);
    ffwd_status status;
    if (packed == NULL) {
        return ffwd_fail_memory(err, bytes, "packed weights");
    }
    unsigned char *at = packed;
    for (size_t i = 0; i < plan->model->operation_count; i++) {
        at = pack_operation(&plan->model->operations[i], tile_of(plan), plan->value_bytes, at);
    }
    FFWD_TRY(status, ffwd_opencl_queue(device, &queue, err));
    FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_READ_ONLY, bytes, NULL, &plan->packed, err));
    plan->weight_bytes = bytes;
    FFWD_TRY(status, ffwd_opencl_check(device,
                                       device->cl->clEnqueueWriteBuffer(queue, plan->packed,
                                                                        CL_TRUE, 0, (size_t)bytes,
                                                                        packed, 0, NULL, NULL),
                                       "clEnqueueWriteBuffer", "weights", err));
cleanup:
    ffwd_opencl_release_queue(device, queue);
    ffwd_free(packed);
    return status;
}

ffwd_status ffwd_opencl_rowblock_plan(ffwd_opencl_plan *plan, ffwd_error *err) {
    ffwd_opencl_stage *stage = &plan->stages[0];
    ffwd_status status = check_fits(plan, err);
    if (status != FFWD_OK) {
        return status;
    }
    stage->kind = FFWD_KERNEL_ROWBLOCK;
    stage->layer_count = plan->model->operation_count;
    stage->block_rows = (size_t)VECTORS * lanes_of(plan->device, plan->model->dtype);
    (void)snprintf(stage->kernel, sizeof stage->kernel, "rowblock_%s",
                   ffwd_dtype_name(plan->model->dtype));
    FFWD_TRY(status, ffwd_opencl_rowblock_build(plan, false, &stage->program, err));
    FFWD_TRY(status, place_weights(plan, err));
cleanup:
    return status;
}
