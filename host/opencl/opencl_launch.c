// SPDX-License-Identifier: MIT
// Launching the kernel of a stage: its arguments and its range, as the kernel files say.
#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"
#include "opencl/program.h"

static ffwd_status enqueue(const ffwd_opencl_placement *placement, size_t stage_index,
                           cl_uint dimensions, const size_t *items, const size_t *group,
                           cl_event *event, ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    cl_int code =
        plan->device->cl->clEnqueueNDRangeKernel(placement->queue, placement->kernels[stage_index],
                                                 dimensions, NULL, items, group, 0, NULL, event);
    return ffwd_opencl_check(plan->device, code, "clEnqueueNDRangeKernel",
                             plan->stages[stage_index].kernel, err);
}

static ffwd_status launch_matmul(const ffwd_opencl_placement *placement, size_t stage_index,
                                 const ffwd_opencl_operands *operands, cl_event *event,
                                 ffwd_error *err) {
    const ffwd_opencl_stage *stage = &placement->plan->stages[stage_index];
    const ffwd_opencl_argument arguments[] = {
        {sizeof(cl_mem), &operands->x},
        {sizeof(cl_mem), &operands->weights},
        {sizeof(cl_mem), &operands->bias},
        {sizeof(cl_mem), &operands->sums},
        {sizeof(cl_mem), &operands->y},
        {sizeof operands->rows, &operands->rows},
        {sizeof operands->inputs, &operands->inputs},
        {sizeof operands->neurons, &operands->neurons},
    };
    const size_t tile_rows = stage->group_rows * stage->item_rows;
    const size_t tile_neurons = stage->group_neurons * stage->item_neurons;
    // Groups count row tiles first, items neurons first; see matmul.cl.
    const size_t group[] = {stage->group_neurons, stage->group_rows};
    const size_t items[] = {
        (size_t)ffwd_round_up(operands->rows, tile_rows) / tile_rows * group[0],
        (size_t)ffwd_round_up(operands->neurons, tile_neurons) / tile_neurons * group[1],
    };
    ffwd_status status = ffwd_opencl_set_arguments(
        placement->plan->device, placement->kernels[stage_index], stage->kernel, arguments,
        sizeof arguments / sizeof arguments[0], err);
    return status != FFWD_OK ? status
                             : enqueue(placement, stage_index, 2, items, group, event, err);
}

static ffwd_status launch_activation(const ffwd_opencl_placement *placement, size_t stage_index,
                                     const ffwd_opencl_operands *operands, cl_event *event,
                                     ffwd_error *err) {
    const ffwd_opencl_stage *stage = &placement->plan->stages[stage_index];
    const cl_ulong count = (cl_ulong)operands->rows * operands->neurons;
    const ffwd_opencl_argument arguments[] = {
        {sizeof(cl_mem), &operands->x}, {sizeof(cl_mem), &operands->y}, {sizeof count, &count}};
    const size_t group = stage->group_rows * stage->group_neurons;
    const size_t items = (size_t)ffwd_round_up(count, group);
    ffwd_status status = ffwd_opencl_set_arguments(
        placement->plan->device, placement->kernels[stage_index], stage->kernel, arguments,
        sizeof arguments / sizeof arguments[0], err);
    return status != FFWD_OK ? status
                             : enqueue(placement, stage_index, 1, &items, &group, event, err);
}

ffwd_status ffwd_opencl_launch(const ffwd_opencl_placement *placement, size_t stage_index,
                               const ffwd_opencl_operands *operands, cl_event *event,
                               ffwd_error *err) {
    return placement->plan->stages[stage_index].matmul
               ? launch_matmul(placement, stage_index, operands, event, err)
               : launch_activation(placement, stage_index, operands, event, err);
}
