// SPDX-License-Identifier: MIT
// A narrow model as one kernel for GPUs, activations in registers; see registers.cl.
#include "base/memory.h"
#include "opencl/opencl_fused.h"

/** Values of a line of weights, and neurons whose weights lie together. */
#define LINE 4

/** Words of 4 bytes that a row may have in two layers next to each other: with twice as many, an
 *  item's registers leave room for one wave on a unit of AMD's, and none to wait behind. */
#define WORDS_MAX 64
/** All loops are unrolled: code for so many fma is 16 to 32 KiB, which is what caches of
 *  instructions hold. */
#define CODE_MAX 4096
/** What an exponential and a division take of that. */
#define CURVE_CODE 64
#define PLAIN_CODE 4
/** Wider rows than this go through local memory. */
#define DIRECT_BYTES 16

static uint32_t words_of(const ffwd_model *model) {
    return ffwd_dtype_size(model->dtype) / 4;
}

/** The most values of a row that an operation reads and writes. */
static uint64_t values_of(const ffwd_model *model) {
    uint64_t values = 1;
    for (size_t i = 0; i < model->operation_count; i++) {
        values = ffwd_max(values, model->operations[i].inputs + model->operations[i].neurons);
    }
    return values;
}

/** Whether an activation is a few compares and products. */
static bool is_plain(uint32_t activation) {
    switch (activation) {
    case FFWD_IDENTITY:
    case FFWD_STEP:
    case FFWD_RELU:
    case FFWD_STEP_GE:
    case FFWD_LEAKY_RELU:
    case FFWD_PRELU:
    case FFWD_THRESHOLDED_RELU:
    case FFWD_HARD_SIGMOID:
    case FFWD_CLIP:
        return true;
    default:
        return false;
    }
}

static uint64_t code_of(const ffwd_operation *operation) {
    if (ffwd_needs_row(operation->kind)) {
        return operation->inputs * CURVE_CODE;
    }
    return ffwd_operation_flops(operation) / 2 +
           operation->neurons * (is_plain(operation->activation) ? PLAIN_CODE : CURVE_CODE);
}

static bool fits(const ffwd_opencl_device *device, const ffwd_model *model) {
    uint64_t code = 0;
    (void)device;
    if (values_of(model) * words_of(model) > WORDS_MAX) {
        return false;
    }
    for (size_t i = 0; i < model->operation_count; i++) {
        code += code_of(&model->operations[i]);
    }
    return code <= CODE_MAX;
}

static bool is_staged(const ffwd_opencl_plan *plan) {
    return ffwd_max(plan->model->inputs, plan->model->outputs) * plan->value_bytes > DIRECT_BYTES;
}

static uint64_t packed_values(const ffwd_opencl_plan *plan) {
    return ffwd_opencl_packed_count(plan->model, LINE, LINE);
}

static ffwd_opencl_place place_of(const ffwd_opencl_plan *plan) {
    const ffwd_opencl_registers_tile *tile = &plan->device->tiles->registers;
    const uint64_t bytes = packed_values(plan) * plan->value_bytes;
    return bytes <= tile->constant_bytes ? FFWD_PLACE_CONSTANT
           : bytes <= tile->local_bytes  ? FFWD_PLACE_LOCAL
                                         : FFWD_PLACE_GLOBAL;
}

/** What a group has in local memory; see registers.cl. */
static uint64_t local_bytes(const ffwd_opencl_plan *plan, const ffwd_opencl_stage *stage) {
    const uint64_t line = ffwd_max(plan->model->inputs, plan->model->outputs) | 1;
    const uint64_t staged = is_staged(plan) ? stage->block_rows * line : 0;
    const uint64_t held = stage->place == FFWD_PLACE_LOCAL ? packed_values(plan) : 0;
    return (staged + held) * plan->value_bytes;
}

/** Rows of an item: as many as there are registers for. */
static size_t rows_of_item(const ffwd_opencl_plan *plan) {
    const uint64_t words = values_of(plan->model) * words_of(plan->model);
    const uint64_t rows = plan->device->tiles->registers.words / words;
    return rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
}

static void shape(const ffwd_opencl_plan *plan, size_t items, ffwd_opencl_stage *stage) {
    stage->place = place_of(plan);
    stage->item_rows = rows_of_item(plan);
    stage->group_neurons = plan->device->tiles->registers.items;
    stage->block_rows = stage->group_neurons * stage->item_rows;
    while (stage->group_neurons > 1 &&
           (stage->group_neurons > items || local_bytes(plan, stage) > plan->device->local_bytes)) {
        stage->group_neurons /= 2;
        stage->block_rows /= 2;
    }
    if (local_bytes(plan, stage) > plan->device->local_bytes) {
        stage->place = FFWD_PLACE_GLOBAL;
    }
}

static size_t define(const ffwd_opencl_plan *plan, const ffwd_opencl_stage *stage,
                     char *definitions, size_t used) {
    return ffwd_opencl_define(definitions, used,
                              " -D ITEMS=%zu -D ITEM_ROWS=%zu -D STAGED=%d -D PLACE=%d"
                              " -D PACKED=%llu",
                              stage->group_neurons, stage->item_rows, is_staged(plan), stage->place,
                              (unsigned long long)packed_values(plan));
}

static uint32_t tile_of(const ffwd_opencl_plan *plan) {
    (void)plan;
    return LINE;
}

const ffwd_opencl_form ffwd_opencl_registers = {
    .name = "registers",
    .source = "registers.cl",
    .kind = FFWD_KERNEL_REGISTERS,
    .width_max = WORDS_MAX - 1,
    .line_fill = LINE,
    .fits = fits,
    .shape = shape,
    .define = define,
    .tile = tile_of,
};
