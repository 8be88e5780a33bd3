// SPDX-License-Identifier: MIT
// All layers of a model as one kernel for devices of type CPU; see rowblock.cl.
#include "base/memory.h"
#include "opencl/opencl_fused.h"

/** Rows wider than this do not stay near a core while they go through all layers: 3 vectors of 16
 *  rows, twice, are 384 KiB. */
#define WIDTH_MAX 1024

/** Vectors of rows in a block. */
#define VECTORS 3

static bool fits(const ffwd_opencl_device *device, const ffwd_model *model) {
    (void)device;
    return ffwd_model_widest(model) <= WIDTH_MAX;
}

/** The most lanes that the device computes at once and the kernel knows. */
static uint32_t lanes_of(const ffwd_opencl_plan *plan) {
    const uint32_t native = plan->device->lanes[plan->model->dtype == FFWD_F64];
    const uint32_t most = plan->model->dtype == FFWD_F64 ? 8 : 16;
    return native >= most ? most : native >= 8 ? 8 : 4;
}

/** Neurons of a tile: 8 x 3 sums fill 32 registers of 64 bytes, 4 x 3 fill 16 smaller ones. */
static uint32_t tile_of(const ffwd_opencl_plan *plan) {
    return lanes_of(plan) * plan->value_bytes == 64 ? 8 : 4;
}

static void shape(const ffwd_opencl_plan *plan, size_t items, ffwd_opencl_stage *stage) {
    (void)items;
    stage->group_neurons = 1;
    stage->block_rows = (size_t)VECTORS * lanes_of(plan);
}

static size_t define(const ffwd_opencl_plan *plan, const ffwd_opencl_stage *stage,
                     char *definitions, size_t used) {
    (void)stage;
    return ffwd_opencl_define(definitions, used, " -D LANES=%u -D VECTORS=%u -D TILE=%u",
                              lanes_of(plan), VECTORS, tile_of(plan));
}

const ffwd_opencl_form ffwd_opencl_rowblock = {
    .name = "rowblock",
    .source = "rowblock.cl",
    .kind = FFWD_KERNEL_ROWBLOCK,
    .width_max = WIDTH_MAX,
    .line_fill = 1,
    .fits = fits,
    .shape = shape,
    .define = define,
    .tile = tile_of,
};
