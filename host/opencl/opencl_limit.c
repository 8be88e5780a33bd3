// SPDX-License-Identifier: MIT
// What a device with its own memory could do with a run at best: its copy rate, its multiply-add
// rate, and the rows' way there and back.
#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"
#include "opencl/opencl_trial.h"

/** Transfers of each measurement, of which the best counts. */
enum { TRANSFERS = 5 };

/** Enqueues a transfer between pinned memory and the device, in the lane that has both. */
static ffwd_status enqueue_transfer(const ffwd_opencl_lane *lane, ffwd_opencl_slot slot,
                                    uint64_t bytes, ffwd_error *err) {
    const ffwd_opencl_api *cl = lane->device->cl;
    void *pinned = lane->pinned[slot].rows;
    const bool up = slot == FFWD_SLOT_X;
    const cl_int code = up ? cl->clEnqueueWriteBuffer(lane->queue, lane->rows[slot], CL_FALSE, 0,
                                                      (size_t)bytes, pinned, 0, NULL, NULL)
                           : cl->clEnqueueReadBuffer(lane->queue, lane->rows[slot], CL_FALSE, 0,
                                                     (size_t)bytes, pinned, 0, NULL, NULL);
    return ffwd_opencl_check(lane->device, code,
                             up ? "clEnqueueWriteBuffer" : "clEnqueueReadBuffer", "limit", err);
}

static ffwd_status wait_for(const ffwd_opencl_lane *lane, ffwd_error *err) {
    return ffwd_opencl_check(lane->device, lane->device->cl->clFinish(lane->queue), "clFinish",
                             NULL, err);
}

/** Nanoseconds to move X of a chunk to the device and, at the same time, Y of another back. */
static ffwd_status measure_transfer(ffwd_opencl_placement *placement, uint64_t x_bytes,
                                    uint64_t y_bytes, uint64_t *ns, ffwd_error *err) {
    const ffwd_opencl_lane *up = &placement->lanes[0], *down = &placement->lanes[1];
    ffwd_status status = FFWD_OK;
    *ns = UINT64_MAX;
    for (uint64_t number = FFWD_OPENCL_LANES; number-- > 0;) {
        FFWD_TRY(status, ffwd_opencl_placement_use(placement, number, err));
        FFWD_TRY(status, ffwd_opencl_placement_slots(placement, err));
    }
    for (int i = 0; i < TRANSFERS; i++) {
        const uint64_t start = ffwd_now_ns();
        FFWD_TRY(status, enqueue_transfer(up, FFWD_SLOT_X, x_bytes, err));
        FFWD_TRY(status, enqueue_transfer(down, FFWD_SLOT_Y, y_bytes, err));
        FFWD_TRY(status, wait_for(up, err));
        FFWD_TRY(status, wait_for(down, err));
        *ns = ffwd_min(*ns, ffwd_now_ns() - start);
    }
cleanup:
    return status;
}

/** One chunk's time as the whole run's. */
static uint64_t scale(uint64_t ns, uint64_t bytes, uint64_t measured_bytes) {
    return (uint64_t)((double)ns * ((double)bytes / (double)ffwd_max(measured_bytes, 1)));
}

ffwd_status ffwd_opencl_limit(ffwd_placement *base, const ffwd_rows *x, const ffwd_rows *y,
                              ffwd_limit *limit, ffwd_error *err) {
    ffwd_opencl_placement *placement = (ffwd_opencl_placement *)base;
    const ffwd_opencl_plan *plan = placement->plan;
    const uint64_t rows = ffwd_min(x->rows, base->chunk_rows);
    const uint64_t most = plan->device->buffer_bytes;
    const ffwd_rows chunk_x = ffwd_rows_slice(x, 0, rows), chunk_y = ffwd_rows_slice(y, 0, rows);
    const uint64_t read_bytes = ffwd_min(ffwd_rows_bytes(&chunk_x), most);
    const uint64_t write_bytes = ffwd_min(ffwd_rows_bytes(&chunk_y), most);
    const ffwd_opencl_bench bench = {plan->device, placement->queue, plan->model->dtype};
    uint64_t ns = 0;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_device_check(plan->device, err));
    FFWD_TRY(status, ffwd_opencl_time_fma(&bench, &limit->fma_gflops, err));
    limit->isa_fma_gflops = 0;
    limit->transfer_ns = 0;
    limit->stream_ns = 0;
    limit->stream_bytes =
        ffwd_rows_bytes(x) + ffwd_model_weight_bytes(plan->model) + ffwd_rows_bytes(y);
    if (rows == 0) {
        return FFWD_OK;
    }
    FFWD_TRY(status, ffwd_opencl_time_stream(&bench, read_bytes, write_bytes, &ns, err));
    limit->stream_ns = scale(ns, limit->stream_bytes, read_bytes + write_bytes);
    if (plan->pipelined) {
        const uint64_t sent = rows * plan->model->inputs * plan->value_bytes;
        const uint64_t received = rows * plan->model->outputs * plan->value_bytes;
        FFWD_TRY(status, measure_transfer(placement, sent, received, &ns, err));
        limit->transfer_ns = scale(ns, x->rows, rows);
    }
cleanup:
    return status;
}
