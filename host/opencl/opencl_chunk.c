// SPDX-License-Identifier: MIT
// How many rows a chunk has: as many as memory and the driver's patience allow, and on a CPU no
// more than keep the rows between layers in its cache.
#include "base/memory.h"
#include "opencl/opencl_lane.h"

/** Buffers of an engine that was given no bound. */
#define DEFAULT_BUDGET (UINT64_C(256) << 20)
/** Display drivers stop kernels after a second or two; a quarter of the shortest seen. */
#define LAUNCH_MS_MAX 250
/** Rates of the tiled kernel that even slow devices of the kind reach, since what they bound is a
 *  promise: a core or two, and an integrated GPU at a tenth of its peak. Most GPUs have a
 *  sixteenth of their float32 units for float64 or fewer; a CPU has half. */
#define CPU_FLOPS_PER_MS   UINT64_C(5000000)
#define FUSED_FLOPS_PER_MS UINT64_C(20000000)
#define OTHER_FLOPS_PER_MS UINT64_C(50000000)
#define OTHER_F64_SHARE    16
/** What an exponential and a value from afar may cost, where no product does more. */
#define VALUE_FLOPS 64
/** A launch costs about 60 us on PoCL 3.1: this many flops of work dwarf it. */
#define LAUNCH_FLOPS_MIN UINT64_C(2000000)
/** X and Y of a chunk whose transfers are to hide behind kernels: many chunks in a run, of which
 *  only the first upload and the last download show, and each long beside what its commands cost
 *  (8 MiB take 0.3 ms at 25 GB/s, a command some 10 us). */
#define PIPELINE_BYTES (UINT64_C(8) << 20)
/** Outputs of a layer that keep a compute unit at work: 8 tiles of 64 x 64. */
#define PIPELINE_OUTPUTS_A_UNIT UINT64_C(32768)
/** What the rows between layers may take of a CPU's caches. */
#define CACHE_SHARE (UINT64_C(4) << 20)
/** Captures that are made apart. */
#define CAPTURE_BYTES (UINT64_C(32) << 20)
/** Larger chunks are whole tiles. */
#define ROWS_MULTIPLE 256

/** Whether a chunk's captures are made some rows at a time: those of all layers at once take far
 * more than the rows themselves, and are seldom asked for. */
static bool captures_apart(const ffwd_opencl_plan *plan) {
    return plan->strategy == FFWD_FUSED;
}

/** How many buffers of a chunk's rows a slot stands for. X and Y of a device with memory of its own
 *  lie there, and in pinned memory of the host, of each chunk under way. */
static uint64_t copies_of(const ffwd_opencl_plan *plan, size_t slot) {
    const bool moves = slot == FFWD_SLOT_X || slot == FFWD_SLOT_Y;
    return moves && plan->pipelined ? 2 * FFWD_OPENCL_LANES : 1;
}

/** Values that one row has in the buffers of all chunks under way together, and in the widest. */
static void count_values(const ffwd_opencl_plan *plan, uint64_t *all, uint64_t *widest) {
    *all = 0;
    *widest = 1;
    for (size_t slot = 0; slot < FFWD_SLOT_COUNT; slot++) {
        if (slot != FFWD_SLOT_SUMS || !captures_apart(plan)) {
            *all += copies_of(plan, slot) * plan->slot_values[slot];
            *widest = ffwd_max(*widest, plan->slot_values[slot]);
        }
    }
}

/** Bytes for rows, of those given to the engine. */
static uint64_t budget_of(const ffwd_opencl_plan *plan, uint64_t given) {
    if (given == 0) {
        return ffwd_min(plan->device->memory_bytes / 4, DEFAULT_BUDGET);
    }
    return given > plan->weight_bytes ? given - plan->weight_bytes : 0;
}

/** Bytes of all captures of a row. */
static uint64_t capture_row_bytes(const ffwd_opencl_plan *plan) {
    return plan->slot_values[FFWD_SLOT_SUMS] * plan->value_bytes;
}

/** What captures may take of a budget that they share with the chunk: a row's at least. */
static uint64_t capture_share(const ffwd_opencl_plan *plan, uint64_t budget) {
    const uint64_t share = ffwd_max(ffwd_min(budget / 4, CAPTURE_BYTES), capture_row_bytes(plan));
    return captures_apart(plan) ? ffwd_min(share, budget) : 0;
}

/** Rows that the bytes given to the engine hold. */
static uint64_t rows_of_memory(const ffwd_opencl_plan *plan, uint64_t given, uint64_t row_bytes) {
    const uint64_t budget = budget_of(plan, given);
    return (budget - capture_share(plan, budget)) / row_bytes;
}

/** Flops a millisecond that may be relied on. */
static uint64_t slow_rate(const ffwd_opencl_plan *plan) {
    if (plan->strategy == FFWD_FUSED) {
        return FUSED_FLOPS_PER_MS;
    }
    if (plan->device->type == FFWD_TYPE_CPU) {
        return CPU_FLOPS_PER_MS;
    }
    return plan->model->dtype == FFWD_F64 ? OTHER_FLOPS_PER_MS / OTHER_F64_SHARE
                                          : OTHER_FLOPS_PER_MS;
}

/** Flops of an operation on a row, or as many as take its time. */
static uint64_t work_of(const ffwd_operation *operation) {
    return operation->kind == FFWD_DENSE ? ffwd_operation_flops(operation)
                                         : VALUE_FLOPS * operation->inputs;
}

/** Rows that the slowest kernel computes in time. */
static uint64_t rows_of_patience(const ffwd_opencl_plan *plan) {
    uint64_t slowest = 1, all = 0;
    for (size_t i = 0; i < plan->model->operation_count; i++) {
        const uint64_t work = work_of(&plan->model->operations[i]);
        slowest = ffwd_max(slowest, work);
        all += work;
    }
    if (plan->strategy == FFWD_FUSED) {
        slowest = ffwd_max(all, 1);
    }
    return slow_rate(plan) * LAUNCH_MS_MAX / slowest;
}

/** Rows whose inner layers stay in cache, unless launches would then outweigh their work. */
static uint64_t rows_of_cache(const ffwd_opencl_plan *plan) {
    uint64_t inner = 1 + plan->slot_values[FFWD_SLOT_EVEN] + plan->slot_values[FFWD_SLOT_ODD];
    if (plan->strategy == FFWD_CHAIN) {
        inner += plan->slot_values[FFWD_SLOT_SUMS];
    }
    return ffwd_max(CACHE_SHARE / (inner * plan->value_bytes),
                    LAUNCH_FLOPS_MIN / ffwd_max(plan->model->flops, 1));
}

/** Rows of which a run has several chunks, so that one's transfers hide behind another's kernels,
 *  and which still fill the device. */
static uint64_t rows_of_pipeline(const ffwd_opencl_plan *plan) {
    const uint64_t row_bytes =
        (plan->slot_values[FFWD_SLOT_X] + plan->slot_values[FFWD_SLOT_Y]) * plan->value_bytes;
    return ffwd_max(PIPELINE_BYTES / ffwd_max(row_bytes, 1), PIPELINE_OUTPUTS_A_UNIT *
                                                                 plan->device->compute_units /
                                                                 ffwd_model_widest(plan->model));
}

static uint64_t choose_rows(const ffwd_opencl_plan *plan, const ffwd_request *request) {
    uint64_t all;
    uint64_t widest;
    count_values(plan, &all, &widest);
    uint64_t rows = ffwd_min(plan->device->buffer_bytes / (widest * plan->value_bytes),
                             UINT32_MAX - ROWS_MULTIPLE);
    if (request->chunk_rows == 0 || request->memory_bytes != 0) {
        rows = ffwd_min(rows, rows_of_memory(plan, request->memory_bytes, all * plan->value_bytes));
    }
    rows = ffwd_min(rows, rows_of_patience(plan));
    if (request->chunk_rows != 0) {
        return ffwd_max(ffwd_min(rows, request->chunk_rows), 1);
    }
    if (plan->pipelined) {
        rows = ffwd_min(rows, rows_of_pipeline(plan));
    }
    if (plan->device->type == FFWD_TYPE_CPU && plan->strategy != FFWD_FUSED) {
        rows = ffwd_min(rows, rows_of_cache(plan));
    }
    if (rows > ROWS_MULTIPLE) {
        rows -= rows % ROWS_MULTIPLE;
    }
    if (request->expected_rows != 0) {
        rows = ffwd_min(rows, ffwd_max(request->expected_rows, FFWD_LEAST_CHUNK_ROWS));
    }
    return ffwd_max(rows, 1);
}

uint64_t ffwd_opencl_chunk_bytes(const ffwd_opencl_plan *plan, uint64_t rows) {
    uint64_t all;
    uint64_t widest;
    count_values(plan, &all, &widest);
    const uint64_t captured = captures_apart(plan) ? ffwd_min(plan->capture_rows, rows) : 0;
    return plan->weight_bytes + rows * all * plan->value_bytes + captured * capture_row_bytes(plan);
}

void ffwd_opencl_size_chunk(ffwd_opencl_plan *plan, const ffwd_request *request) {
    plan->expected_rows = request->expected_rows;
    plan->chunk_rows = choose_rows(plan, request);
    plan->capture_rows = plan->chunk_rows;
    if (captures_apart(plan)) {
        const uint64_t share = capture_share(plan, budget_of(plan, request->memory_bytes));
        plan->capture_rows =
            ffwd_max(ffwd_min(plan->chunk_rows, share / ffwd_max(capture_row_bytes(plan), 1)), 1);
    }
}
