// SPDX-License-Identifier: MIT
// Launching the kernel of a stage: its arguments and its range, as the kernel files say.
#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"
#include "opencl/program.h"

/** Items for each compute unit of which a rowblock makes its rows: a slow unit leaves its share to
 * the others. */
#define ITEMS_A_UNIT 16
/** Groups for each compute unit where all of them are at work at once: those of 64 items of which a
 *  unit holds 2048, and as many again for the units that are sooner done. */
#define GROUPS_A_UNIT 64

/** A kernel about to be launched. */
typedef struct launch {
    const ffwd_opencl_placement *placement;
    const ffwd_opencl_operands *operands;
    cl_kernel kernel;
    const char *name;
} launch;

static launch launch_of(const ffwd_opencl_placement *placement, size_t stage_index,
                        const ffwd_opencl_operands *operands) {
    return (launch){placement, operands, placement->kernels[stage_index],
                    placement->plan->stages[stage_index].kernel};
}

static ffwd_status enqueue(const launch *l, cl_uint dimensions, const size_t *items,
                           const size_t *group, cl_event *event, ffwd_error *err) {
    ffwd_opencl_device *device = l->placement->plan->device;
    cl_int code = device->cl->clEnqueueNDRangeKernel(l->operands->queue, l->kernel, dimensions,
                                                     NULL, items, group, l->operands->wait_count,
                                                     l->operands->wait_list, event);
    return ffwd_opencl_check(device, code, "clEnqueueNDRangeKernel", l->name, err);
}

static ffwd_status set_arguments(const launch *l, const ffwd_opencl_argument *arguments,
                                 size_t count, ffwd_error *err) {
    return ffwd_opencl_set_arguments(l->placement->plan->device, l->kernel, l->name, arguments,
                                     count, err);
}

static ffwd_status launch_matmul(const ffwd_opencl_placement *placement, size_t stage_index,
                                 const ffwd_opencl_operands *operands, cl_event *event,
                                 ffwd_error *err) {
    const ffwd_opencl_stage *stage = &placement->plan->stages[stage_index];
    const ffwd_opencl_layer *layer = operands->layer;
    const size_t value_bytes = placement->plan->value_bytes;
    const ffwd_opencl_argument arguments[] = {
        {sizeof(cl_mem), &operands->x},
        {sizeof(cl_mem), &layer->weights},
        {sizeof(cl_mem), &layer->bias},
        {sizeof(cl_mem), &layer->slopes},
        {sizeof(cl_mem), &operands->sums},
        {sizeof(cl_mem), &operands->y},
        {sizeof operands->rows, &operands->rows},
        {sizeof layer->inputs, &layer->inputs},
        {sizeof layer->neurons, &layer->neurons},
        {value_bytes, &layer->alpha},
        {value_bytes, &layer->beta},
        {sizeof operands->x_offset, &operands->x_offset},
        {sizeof operands->y_offset, &operands->y_offset},
    };
    const size_t tile_rows = stage->group_rows * stage->item_rows;
    const size_t tile_neurons = stage->group_neurons * stage->item_neurons;
    // Groups count row tiles first, items neurons first; see matmul.cl.
    const size_t group[] = {stage->group_neurons, stage->group_rows};
    const size_t items[] = {
        (size_t)ffwd_round_up(operands->rows, tile_rows) / tile_rows * group[0],
        (size_t)ffwd_round_up(layer->neurons, tile_neurons) / tile_neurons * group[1],
    };
    const launch l = launch_of(placement, stage_index, operands);
    ffwd_status status = set_arguments(&l, arguments, sizeof arguments / sizeof arguments[0], err);
    return status != FFWD_OK ? status : enqueue(&l, 2, items, group, event, err);
}

/** Enqueues `count` items in groups as large as the stage's. */
static ffwd_status enqueue_items(const launch *l, const ffwd_opencl_stage *stage, uint64_t count,
                                 cl_event *event, ffwd_error *err) {
    const size_t group = stage->group_rows * stage->group_neurons;
    const size_t items = (size_t)ffwd_round_up(count, group);
    return enqueue(l, 1, &items, &group, event, err);
}

static ffwd_status launch_activation(const ffwd_opencl_placement *placement, size_t stage_index,
                                     const ffwd_opencl_operands *operands, cl_event *event,
                                     ffwd_error *err) {
    const ffwd_opencl_stage *stage = &placement->plan->stages[stage_index];
    const ffwd_opencl_layer *layer = operands->layer;
    const size_t value_bytes = placement->plan->value_bytes;
    const cl_ulong columns = layer->neurons, count = operands->rows * columns;
    const ffwd_opencl_argument arguments[] = {
        {sizeof(cl_mem), &operands->x},
        {sizeof(cl_mem), &layer->weights},
        {sizeof(cl_mem), &layer->bias},
        {sizeof(cl_mem), &layer->slopes},
        {sizeof(cl_mem), &operands->sums},
        {sizeof(cl_mem), &operands->y},
        {sizeof count, &count},
        {sizeof columns, &columns},
        {value_bytes, &layer->alpha},
        {value_bytes, &layer->beta},
        {sizeof operands->x_offset, &operands->x_offset},
        {sizeof operands->y_offset, &operands->y_offset},
    };
    const launch l = launch_of(placement, stage_index, operands);
    ffwd_status status = set_arguments(&l, arguments, sizeof arguments / sizeof arguments[0], err);
    return status != FFWD_OK ? status : enqueue_items(&l, stage, count, event, err);
}

static ffwd_status launch_row_operation(const ffwd_opencl_placement *placement, size_t stage_index,
                                        const ffwd_opencl_operands *operands, cl_event *event,
                                        ffwd_error *err) {
    const ffwd_opencl_stage *stage = &placement->plan->stages[stage_index];
    const cl_ulong rows = operands->rows;
    const ffwd_opencl_argument arguments[] = {
        {sizeof(cl_mem), &operands->x},
        {sizeof(cl_mem), &operands->y},
        {sizeof rows, &rows},
        {sizeof operands->layer->inputs, &operands->layer->inputs},
        {sizeof operands->x_offset, &operands->x_offset},
        {sizeof operands->y_offset, &operands->y_offset},
    };
    const launch l = launch_of(placement, stage_index, operands);
    ffwd_status status = set_arguments(&l, arguments, sizeof arguments / sizeof arguments[0], err);
    return status != FFWD_OK ? status : enqueue_items(&l, stage, rows, event, err);
}

/** Of a kernel of all layers, or where there are captures to make, of the one that makes them. */
static launch launch_of_all(const ffwd_opencl_placement *placement,
                            const ffwd_opencl_operands *operands, const ffwd_opencl_stage **stage) {
    const bool captured = operands->sums != NULL;
    *stage = captured ? &placement->capturing_stage : &placement->plan->stages[0];
    return (launch){placement, operands, captured ? placement->capturing : placement->kernels[0],
                    (*stage)->kernel};
}

static ffwd_status launch_rowblock(const ffwd_opencl_placement *placement,
                                   const ffwd_opencl_operands *operands, cl_event *event,
                                   ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    const ffwd_opencl_stage *stage;
    const launch l = launch_of_all(placement, operands, &stage);
    const uint64_t most_items = (uint64_t)ffwd_max(plan->device->compute_units, 1) * ITEMS_A_UNIT;
    const cl_ulong begin = operands->first, end = begin + operands->rows;
    const cl_ulong item_rows = ffwd_round_up(operands->rows / most_items + 1, stage->block_rows);
    const ffwd_opencl_argument arguments[] = {
        {sizeof(cl_mem), &operands->x},
        {sizeof(cl_mem), &plan->packed},
        {sizeof(cl_mem), &operands->y},
        {sizeof(cl_mem), &operands->sums},
        {sizeof begin, &begin},
        {sizeof end, &end},
        {sizeof item_rows, &item_rows},
        {sizeof operands->x_offset, &operands->x_offset},
        {sizeof operands->y_offset, &operands->y_offset},
    };
    const size_t group = 1, items = (size_t)((operands->rows - 1) / item_rows + 1);
    ffwd_status status = set_arguments(&l, arguments, sizeof arguments / sizeof arguments[0], err);
    return status != FFWD_OK ? status : enqueue(&l, 1, &items, &group, event, err);
}

/** Groups that take so many rows: where each first fetches the weights, few that go on and on. */
static size_t groups_for(const ffwd_opencl_plan *plan, const ffwd_opencl_stage *stage,
                         uint64_t rows) {
    const uint64_t tiles = (rows - 1) / stage->block_rows + 1;
    const uint64_t most = (uint64_t)ffwd_max(plan->device->compute_units, 1) * GROUPS_A_UNIT;
    return (size_t)(stage->place == FFWD_PLACE_LOCAL ? ffwd_min(tiles, most) : tiles);
}

static ffwd_status launch_tiles(const ffwd_opencl_placement *placement,
                                const ffwd_opencl_operands *operands, cl_event *event,
                                ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    const ffwd_opencl_stage *stage;
    const launch l = launch_of_all(placement, operands, &stage);
    const cl_ulong begin = operands->first, end = begin + operands->rows;
    const ffwd_opencl_argument arguments[] = {
        {sizeof(cl_mem), &operands->x},
        {sizeof(cl_mem), &plan->packed},
        {sizeof(cl_mem), &operands->y},
        {sizeof(cl_mem), &operands->sums},
        {sizeof begin, &begin},
        {sizeof end, &end},
        {sizeof operands->x_offset, &operands->x_offset},
        {sizeof operands->y_offset, &operands->y_offset},
    };
    const size_t group = stage->group_neurons;
    const size_t items = groups_for(plan, stage, operands->rows) * group;
    ffwd_status status = set_arguments(&l, arguments, sizeof arguments / sizeof arguments[0], err);
    return status != FFWD_OK ? status : enqueue(&l, 1, &items, &group, event, err);
}

ffwd_status ffwd_opencl_launch(const ffwd_opencl_placement *placement, size_t stage_index,
                               const ffwd_opencl_operands *operands, cl_event *event,
                               ffwd_error *err) {
    switch (placement->plan->stages[stage_index].kind) {
    case FFWD_KERNEL_MATMUL:
        return launch_matmul(placement, stage_index, operands, event, err);
    case FFWD_KERNEL_ACTIVATION:
    case FFWD_KERNEL_AFFINE:
        return launch_activation(placement, stage_index, operands, event, err);
    case FFWD_KERNEL_ROW_OPERATION:
        return launch_row_operation(placement, stage_index, operands, event, err);
    case FFWD_KERNEL_REGISTERS:
    case FFWD_KERNEL_ROWTILE:
        return launch_tiles(placement, operands, event, err);
    case FFWD_KERNEL_ROWBLOCK:
    default:
        return launch_rowblock(placement, operands, event, err);
    }
}
