// SPDX-License-Identifier: MIT
// What a device with its own memory could do with a run at best: its copy rate, its multiply-add
// rate, and the rows' way there and back. See limit.cl.
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"
#include "opencl/program.h"

/** Launches of each measurement, of which the best counts. */
enum { LAUNCHES = 5 };
/** Items a compute unit, enough to fill any; chains and steps of each, see limit.cl. */
enum { UNIT_ITEMS = 2048, CHAINS = 16, STEPS = 4096 };
/** Bytes of an element of the stream kernel. */
enum { STREAM_ELEMENT = 16 };

/** A kernel to be timed. */
typedef struct timed_kernel {
    ffwd_opencl_device *device;
    cl_command_queue queue;
    cl_kernel kernel;
    const char *name;
    size_t items, group;
} timed_kernel;

static ffwd_status time_launch(const timed_kernel *trial, uint64_t *ns, ffwd_error *err) {
    const ffwd_opencl_api *cl = trial->device->cl;
    uint64_t start = ffwd_now_ns();
    cl_event event = NULL;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_check(trial->device,
                                       cl->clEnqueueNDRangeKernel(trial->queue, trial->kernel, 1,
                                                                  NULL, &trial->items,
                                                                  &trial->group, 0, NULL, &event),
                                       "clEnqueueNDRangeKernel", trial->name, err));
    FFWD_TRY(status, ffwd_opencl_check(trial->device, cl->clFinish(trial->queue), "clFinish",
                                       trial->name, err));
    *ns = ffwd_now_ns() - start;
    const uint64_t device_ns = ffwd_opencl_command_ns(trial->device, event);
    if (device_ns != 0) {
        *ns = device_ns;
    }
cleanup:
    ffwd_opencl_release_event(trial->device, event);
    return status;
}

static ffwd_status best_launch(const timed_kernel *trial, uint64_t *best_ns, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    *best_ns = UINT64_MAX;
    for (int i = 0; i < LAUNCHES; i++) {
        uint64_t ns = 0;
        FFWD_TRY(status, time_launch(trial, &ns, err));
        *best_ns = ffwd_max(ffwd_min(*best_ns, ns), 1);
    }
cleanup:
    return status;
}

/** A kernel of limit.cl, ready but for its arguments. */
static ffwd_status start_trial(const ffwd_opencl_placement *placement, const char *name,
                               timed_kernel *trial, ffwd_error *err) {
    ffwd_opencl_device *device = placement->plan->device;
    const bool f64 = placement->plan->model->dtype == FFWD_F64;
    char definitions[96];
    cl_program program = NULL;
    (void)snprintf(definitions, sizeof definitions, "-D KERNEL=fma_rate_%s -D CHAINS=%d%s",
                   f64 ? "f64" : "f32", CHAINS, f64 ? " -D REAL_IS_F64" : "");
    *trial = (timed_kernel){.device = device, .queue = placement->queue, .name = name};
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_build(device, "limit.cl", definitions, &program, err));
    FFWD_TRY(status, ffwd_opencl_kernel(device, program, name, &trial->kernel, err));
    FFWD_TRY(status, ffwd_opencl_group_items(device, trial->kernel, name, &trial->group, err));
    trial->group = (size_t)ffwd_min(trial->group, device->group_items);
    trial->items =
        (size_t)ffwd_round_up(ffwd_max(device->compute_units, 1) * UNIT_ITEMS, trial->group);
cleanup:
    return status;
}

static ffwd_status measure_fma(const ffwd_opencl_placement *placement, double *gflops,
                               ffwd_error *err) {
    const bool f64 = placement->plan->model->dtype == FFWD_F64;
    const size_t value_bytes = placement->plan->value_bytes;
    const cl_double factor64 = 0.75;
    const cl_double addend64 = 0.5;
    const cl_float factor32 = 0.75f;
    const cl_float addend32 = 0.5f;
    const cl_uint steps = STEPS;
    cl_mem results = NULL;
    uint64_t ns = 0;
    timed_kernel trial = {.device = placement->plan->device};
    ffwd_status status;
    FFWD_TRY(status, start_trial(placement, f64 ? "fma_rate_f64" : "fma_rate_f32", &trial, err));
    FFWD_TRY(status, ffwd_opencl_buffer(trial.device, CL_MEM_WRITE_ONLY, trial.items * value_bytes,
                                        NULL, &results, err));
    const ffwd_opencl_argument arguments[] = {
        {sizeof(cl_mem), &results},
        {value_bytes, f64 ? (const void *)&factor64 : &factor32},
        {value_bytes, f64 ? (const void *)&addend64 : &addend32},
        {sizeof steps, &steps},
    };
    FFWD_TRY(status,
             ffwd_opencl_set_arguments(trial.device, trial.kernel, trial.name, arguments, 4, err));
    FFWD_TRY(status, best_launch(&trial, &ns, err));
    *gflops = 2.0 * CHAINS * STEPS * (double)trial.items / (double)ns;
cleanup:
    ffwd_opencl_release_buffer(trial.device, results);
    ffwd_opencl_release_kernel(trial.device, trial.kernel);
    return status;
}

/** Nanoseconds for a pass that reads and writes these bytes, at most a buffer's each. */
static ffwd_status measure_stream(const ffwd_opencl_placement *placement, uint64_t read_bytes,
                                  uint64_t write_bytes, uint64_t *ns, ffwd_error *err) {
    const cl_ulong reads = (read_bytes + STREAM_ELEMENT - 1) / STREAM_ELEMENT;
    const cl_ulong writes = (write_bytes + STREAM_ELEMENT - 1) / STREAM_ELEMENT;
    const uint64_t from_bytes = reads * STREAM_ELEMENT;
    const cl_uchar zero = 0;
    cl_mem from = NULL;
    cl_mem to = NULL;
    timed_kernel trial = {.device = placement->plan->device};
    ffwd_status status;
    FFWD_TRY(status, start_trial(placement, "stream", &trial, err));
    FFWD_TRY(status,
             ffwd_opencl_buffer(trial.device, CL_MEM_READ_ONLY, from_bytes, NULL, &from, err));
    FFWD_TRY(status, ffwd_opencl_buffer(trial.device, CL_MEM_WRITE_ONLY, writes * STREAM_ELEMENT,
                                        NULL, &to, err));
    FFWD_TRY(status, ffwd_opencl_check(trial.device,
                                       trial.device->cl->clEnqueueFillBuffer(
                                           trial.queue, from, &zero, sizeof zero, 0,
                                           (size_t)from_bytes, 0, NULL, NULL),
                                       "clEnqueueFillBuffer", trial.name, err));
    const ffwd_opencl_argument arguments[] = {{sizeof(cl_mem), &from},
                                              {sizeof reads, &reads},
                                              {sizeof(cl_mem), &to},
                                              {sizeof writes, &writes}};
    FFWD_TRY(status,
             ffwd_opencl_set_arguments(trial.device, trial.kernel, trial.name, arguments, 4, err));
    FFWD_TRY(status, best_launch(&trial, ns, err));
cleanup:
    ffwd_opencl_release_buffer(trial.device, to);
    ffwd_opencl_release_buffer(trial.device, from);
    ffwd_opencl_release_kernel(trial.device, trial.kernel);
    return status;
}

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
    for (int i = 0; i < LAUNCHES; i++) {
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
    uint64_t ns = 0;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_device_check(plan->device, err));
    FFWD_TRY(status, measure_fma(placement, &limit->fma_gflops, err));
    limit->isa_fma_gflops = 0;
    limit->transfer_ns = 0;
    limit->stream_ns = 0;
    limit->stream_bytes =
        ffwd_rows_bytes(x) + ffwd_model_weight_bytes(plan->model) + ffwd_rows_bytes(y);
    if (rows == 0) {
        return FFWD_OK;
    }
    FFWD_TRY(status, measure_stream(placement, read_bytes, write_bytes, &ns, err));
    limit->stream_ns = scale(ns, limit->stream_bytes, read_bytes + write_bytes);
    if (plan->device->pipelined) {
        const uint64_t sent = rows * plan->model->inputs * plan->value_bytes;
        const uint64_t received = rows * plan->model->outputs * plan->value_bytes;
        FFWD_TRY(status, measure_transfer(placement, sent, received, &ns, err));
        limit->transfer_ns = scale(ns, x->rows, rows);
    }
cleanup:
    return status;
}
