// SPDX-License-Identifier: MIT
// A model of middling width as one kernel for GPUs, rows in local memory; see rowtile.cl.
#include "base/memory.h"
#include "opencl/opencl_fused.h"

/** Rows of an item, values of a line of weights, inputs whose weights are held. */
enum { ITEM_ROWS = 4, LINE = 4, HELD_INPUTS = 8 };

/** Wider rows leave a group of too few of them: at 128, 32 KiB of local memory are 64 rows. */
#define WIDTH_MAX 128
/** Sums of an item: 4 rows of 8 neurons, for which it reads 12 values. */
#define ITEM_NEURONS 8

static uint64_t filled_width(const ffwd_model *model) {
    return ffwd_round_up(ffwd_model_widest(model), LINE);
}

/** See rowtile.cl. */
static uint64_t local_bytes(const ffwd_model *model, size_t rows) {
    const uint64_t values =
        ffwd_model_widest(model) * (rows + 4) + HELD_INPUTS * filled_width(model);
    return values * ffwd_dtype_size(model->dtype);
}

static bool fits(const ffwd_opencl_device *device, const ffwd_model *model) {
    return ffwd_model_widest(model) <= WIDTH_MAX &&
           local_bytes(model, ITEM_ROWS) <= device->local_bytes;
}

/** Items along the neurons: a power of two, so that any work-group is whole. */
static size_t neuron_items(const ffwd_model *model, size_t most) {
    size_t items = 1;
    while (2 * items <= most && items * ITEM_NEURONS < ffwd_model_widest(model)) {
        items *= 2;
    }
    return items;
}

static void shape(const ffwd_opencl_plan *plan, size_t items, ffwd_opencl_stage *stage) {
    const size_t most = ffwd_min(items, plan->device->tiles->rowtile_items);
    const size_t across = neuron_items(plan->model, most);
    size_t along = 1;
    while (2 * along * across <= most &&
           local_bytes(plan->model, 2 * along * ITEM_ROWS) <= plan->device->local_bytes) {
        along *= 2;
    }
    stage->place = FFWD_PLACE_GLOBAL;
    stage->item_rows = ITEM_ROWS;
    stage->group_neurons = along * across;
    stage->block_rows = along * ITEM_ROWS;
}

static size_t define(const ffwd_opencl_plan *plan, const ffwd_opencl_stage *stage,
                     char *definitions, size_t used) {
    const size_t along = stage->block_rows / ITEM_ROWS;
    (void)plan;
    return ffwd_opencl_define(definitions, used, " -D WG_ROWS=%zu -D WG_NEURONS=%zu -D TILE_K=%d",
                              along, stage->group_neurons / along, HELD_INPUTS);
}

/** All of a layer. */
static uint32_t tile_of(const ffwd_opencl_plan *plan) {
    (void)plan;
    return WIDTH_MAX;
}

const ffwd_opencl_form ffwd_opencl_rowtile = {
    .name = "rowtile",
    .source = "rowtile.cl",
    .kind = FFWD_KERNEL_ROWTILE,
    .width_max = WIDTH_MAX,
    .line_fill = LINE,
    .fits = fits,
    .shape = shape,
    .define = define,
    .tile = tile_of,
};
