// SPDX-License-Identifier: MIT
// A run of the host's rows as if they lay on the device already, for measurements: buffers that
// hold all of X and Y, filled before the run and read behind it.
#include "base/memory.h"
#include "base/process.h"
#include "device/device_rows.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"

typedef enum hold { HELD_X, HELD_Y } hold;

/** A buffer of so many bytes, that of the last run where it has as many. */
static ffwd_status need(ffwd_opencl_placement *placement, hold which, uint64_t bytes,
                        ffwd_error *err) {
    ffwd_opencl_device *device = placement->plan->device;
    if (placement->held[which] != NULL && placement->held_bytes[which] == bytes) {
        return FFWD_OK;
    }
    ffwd_opencl_release_buffer(device, placement->held[which]);
    placement->held[which] = NULL;
    placement->held_bytes[which] = bytes;
    return ffwd_opencl_buffer(device, CL_MEM_READ_WRITE, bytes, NULL, &placement->held[which], err);
}

/** Brings X, and has Y lose what the last run left in it. */
static ffwd_status bring(ffwd_opencl_placement *placement, const ffwd_rows *x, ffwd_timing *timing,
                         ffwd_error *err) {
    ffwd_opencl_device *device = placement->plan->device;
    const ffwd_opencl_api *cl = device->cl;
    const cl_uchar not_written = 0xff;
    const uint64_t start = ffwd_now_ns();
    ffwd_status status;
    cl_int code = cl->clEnqueueWriteBuffer(placement->queue, placement->held[HELD_X], CL_TRUE, 0,
                                           (size_t)ffwd_rows_bytes(x), x->data, 0, NULL, NULL);
    FFWD_TRY(status, ffwd_opencl_check(device, code, "clEnqueueWriteBuffer", "X", err));
    timing->upload_ns += ffwd_now_ns() - start;
    code = cl->clEnqueueFillBuffer(placement->queue, placement->held[HELD_Y], &not_written,
                                   sizeof not_written, 0, (size_t)placement->held_bytes[HELD_Y], 0,
                                   NULL, NULL);
    FFWD_TRY(status, ffwd_opencl_check(device, code, "clEnqueueFillBuffer", "Y", err));
    status = ffwd_opencl_check(device, cl->clFinish(placement->queue), "clFinish", NULL, err);
cleanup:
    return status;
}

static ffwd_status fetch(ffwd_opencl_placement *placement, const ffwd_rows *y, ffwd_timing *timing,
                         ffwd_error *err) {
    ffwd_opencl_device *device = placement->plan->device;
    const uint64_t start = ffwd_now_ns();
    cl_int code =
        device->cl->clEnqueueReadBuffer(placement->queue, placement->held[HELD_Y], CL_TRUE, 0,
                                        (size_t)ffwd_rows_bytes(y), y->data, 0, NULL, NULL);
    timing->download_ns += ffwd_now_ns() - start;
    return ffwd_opencl_check(device, code, "clEnqueueReadBuffer", "Y", err);
}

static ffwd_opencl_rows held_rows(const ffwd_opencl_placement *placement, hold which,
                                  const ffwd_rows *rows) {
    return (ffwd_opencl_rows){.buffer = placement->held[which],
                              .dtype = rows->dtype,
                              .rows = rows->rows,
                              .cols = rows->cols,
                              .row_stride = (int64_t)rows->cols,
                              .col_stride = 1};
}

ffwd_status ffwd_opencl_run_resident(ffwd_placement *base, const ffwd_rows *x, const ffwd_rows *y,
                                     ffwd_timing *timing, ffwd_resident_times *times,
                                     ffwd_error *err) {
    ffwd_opencl_placement *placement = (ffwd_opencl_placement *)base;
    ffwd_opencl_device *device = placement->plan->device;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_device_check(device, err));
    if (x->rows == 0) {
        return FFWD_OK;
    }
    FFWD_TRY(status, ffwd_opencl_placement_use(placement, 0, err));
    FFWD_TRY(status, need(placement, HELD_X, ffwd_rows_bytes(x), err));
    FFWD_TRY(status, need(placement, HELD_Y, ffwd_rows_bytes(y), err));
    FFWD_TRY(status, bring(placement, x, timing, err));
    const ffwd_opencl_rows x_rows = held_rows(placement, HELD_X, x);
    const ffwd_opencl_rows y_rows = held_rows(placement, HELD_Y, y);
    const ffwd_resident run = {.queue = placement->queue, .x = &x_rows, .y = &y_rows};
    FFWD_TRY(status, ffwd_opencl_enqueue_run(base, &run, err));
    FFWD_TRY(status, ffwd_opencl_check(device, device->cl->clFinish(placement->queue), "clFinish",
                                       NULL, err));
    FFWD_TRY(status, ffwd_opencl_collect(base, times, err));
    status = fetch(placement, y, timing, err);
cleanup:
    return status;
}
