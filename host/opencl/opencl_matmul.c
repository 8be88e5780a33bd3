// SPDX-License-Identifier: MIT
// The tile of one dense layer, for matmul.cl: as large as the table says, as small as the layer and
// the device want.
#include <stdio.h>

#include "base/memory.h"
#include "opencl/opencl_plan.h"

/** Rows of an interleaved tile: with 8 inputs, twice, 17 KiB of local memory in float32. */
#define TILE_ROWS_MAX 256
/** Narrower layers than this take items of 4 neurons, and of one below that: what a tile computes
 *  past the last neuron is lost. */
#define FULL_ITEM_NEURONS 17
#define SOME_ITEM_NEURONS 5
/** Where a device has more units than there are groups, items are given less down to so many sums:
 *  one for each value that they read. */
#define LEAST_SUMS 4

/** The smallest power of `base`, up to `most`, that covers `count` by `size` each. */
static size_t cover(uint64_t count, uint64_t size, size_t most, size_t base) {
    size_t covers = 1;
    while (covers < most && covers * size < count) {
        covers *= base;
    }
    return ffwd_min(covers, most);
}

/** Powers of four, since every shape of a tile is a program to be compiled. */
static void shape_blocked(const ffwd_opencl_matmul_tile *most, uint64_t rows, uint64_t neurons,
                          ffwd_opencl_stage *stage) {
    stage->item_rows = cover(rows, 1, most->item_rows, 4);
    stage->item_neurons = cover(neurons, 1, most->item_neurons, 4);
    stage->group_rows = cover(rows, stage->item_rows, most->group_rows, 4);
    stage->group_neurons = cover(neurons, stage->item_neurons, most->group_neurons, 4);
}

static uint64_t group_count(const ffwd_opencl_stage *stage, uint64_t rows, uint64_t neurons) {
    const uint64_t row_tiles = (rows - 1) / (stage->group_rows * stage->item_rows) + 1;
    const uint64_t neuron_tiles = (neurons - 1) / (stage->group_neurons * stage->item_neurons) + 1;
    return row_tiles * neuron_tiles;
}

/** As wide as the layer, and as long along the rows as makes a full work-group. */
static void shape_interleaved(const ffwd_opencl_matmul_tile *most, uint64_t rows, uint64_t neurons,
                              size_t words, uint32_t units, ffwd_opencl_stage *stage) {
    const size_t items = most->group_rows * most->group_neurons;
    const size_t item_rows = most->item_rows / words, item_neurons = most->item_neurons / words;
    stage->item_neurons = neurons >= FULL_ITEM_NEURONS   ? item_neurons
                          : neurons >= SOME_ITEM_NEURONS ? ffwd_min(4, item_neurons)
                                                         : 1;
    stage->group_neurons = cover(neurons, stage->item_neurons, most->group_neurons, 2);
    stage->group_rows = items / stage->group_neurons;
    stage->item_rows =
        cover(rows, stage->group_rows, ffwd_min(item_rows, TILE_ROWS_MAX / stage->group_rows), 2);
    stage->group_rows = cover(rows, stage->item_rows, stage->group_rows, 2);
    while (stage->item_rows * stage->item_neurons > LEAST_SUMS &&
           group_count(stage, rows, neurons) < units) {
        *(stage->item_rows >= stage->item_neurons ? &stage->item_rows : &stage->item_neurons) /= 2;
    }
}

/** See matmul.cl. */
static uint64_t local_bytes(const ffwd_opencl_stage *stage, size_t value_bytes) {
    const uint64_t lines =
        stage->group_rows * stage->item_rows + stage->group_neurons * stage->item_neurons;
    return 2 * stage->tile_k * (lines + 8) * value_bytes;
}

void ffwd_opencl_halve_group(ffwd_opencl_stage *stage) {
    if (stage->group_rows > stage->group_neurons) {
        stage->group_rows /= 2;
    } else {
        stage->group_neurons = ffwd_max(stage->group_neurons / 2, 1);
    }
}

void ffwd_opencl_matmul_shape(const ffwd_opencl_plan *plan, uint64_t expected_rows,
                              ffwd_opencl_stage *stage) {
    const ffwd_opencl_device *device = plan->device;
    const ffwd_opencl_layer *layer = &plan->layers[stage->layer];
    const ffwd_opencl_matmul_tile *most = &device->tiles->matmul;
    const uint64_t rows = expected_rows != 0 ? expected_rows : UINT32_MAX;
    stage->blocked = most->blocked;
    if (stage->blocked) {
        stage->tile_k = 4 * cover(layer->inputs, 4, most->tile_k / 4, 4);
        shape_blocked(most, rows, layer->neurons, stage);
    } else {
        stage->tile_k = layer->inputs > 4 ? most->tile_k * 4 / plan->value_bytes : 4;
        shape_interleaved(most, rows, layer->neurons, plan->value_bytes / 4, device->compute_units,
                          stage);
    }
    while (stage->group_rows * stage->group_neurons > 1 &&
           (stage->group_rows * stage->group_neurons > device->group_items ||
            local_bytes(stage, plan->value_bytes) > device->local_bytes)) {
        ffwd_opencl_halve_group(stage);
    }
}

int ffwd_opencl_matmul_define(const ffwd_opencl_stage *stage, char *definitions, size_t size) {
    return snprintf(definitions, size,
                    " -D WG_ROWS=%zu -D WG_NEURONS=%zu -D ITEM_ROWS=%zu -D ITEM_NEURONS=%zu"
                    " -D TILE_K=%zu -D BLOCKED=%d",
                    stage->group_rows, stage->group_neurons, stage->item_rows, stage->item_neurons,
                    stage->tile_k, stage->blocked);
}
