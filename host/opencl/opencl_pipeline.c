// SPDX-License-Identifier: MIT
// Chunks on a device with memory of its own, two under way at once, each in a lane:
//
//     lane 1   upload 0  kernels 0  download 0            upload 2  kernels 2  download 2
//     lane 2             upload 1             kernels 1  download 1            upload 3 ...
//
// Rows pass through pinned memory, into which the host copies those of the next chunk, and out of
// it those of the last, while the device is at work. Nobody waits but for the end of a chunk: the
// queue of a lane keeps the order of its commands, and where the lanes share buffers between
// layers, one event keeps the kernels of a chunk behind those of the last.
#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"

static ffwd_opencl_lane *lane_of(ffwd_opencl_placement *placement, uint64_t number) {
    return &placement->lanes[number % FFWD_OPENCL_LANES];
}

/** Starts X on its way to the device. */
static ffwd_status upload(ffwd_opencl_lane *lane, ffwd_error *err) {
    const ffwd_rows *x = &lane->chunk.x;
    const size_t bytes = ffwd_opencl_bytes_of(lane, x);
    const uint64_t start = ffwd_now_ns();
    ffwd_rows_pack(x, lane->plan->model->dtype, lane->pinned[FFWD_SLOT_X].rows);
    ffwd_opencl_count_copy(lane, FFWD_SPAN_UPLOAD, bytes, start);
    cl_int code = lane->device->cl->clEnqueueWriteBuffer(
        lane->queue, lane->x, CL_FALSE, 0, bytes, lane->pinned[FFWD_SLOT_X].rows, 0, NULL,
        ffwd_opencl_track_transfer(lane, FFWD_SPAN_UPLOAD, bytes));
    return ffwd_opencl_check(lane->device, code, "clEnqueueWriteBuffer", "X", err);
}

/** Lets Y follow the kernels into pinned memory. */
static ffwd_status download(ffwd_opencl_lane *lane, ffwd_error *err) {
    const size_t bytes = ffwd_opencl_bytes_of(lane, &lane->chunk.y);
    cl_int code = lane->device->cl->clEnqueueReadBuffer(
        lane->queue, lane->y, CL_FALSE, 0, bytes, lane->pinned[FFWD_SLOT_Y].rows, 0, NULL,
        ffwd_opencl_track_transfer(lane, FFWD_SPAN_DOWNLOAD, bytes));
    return ffwd_opencl_check(lane->device, code, "clEnqueueReadBuffer", "Y", err);
}

/** The last kernel of the chunk before, where it may still be at work in buffers that the lanes
 *  share; else NULL. */
static cl_event kernel_before(ffwd_opencl_placement *placement, uint64_t number) {
    const bool shared = placement->plan->strategy == FFWD_CHAIN ||
                        placement->plan->slot_values[FFWD_SLOT_EVEN] != 0 ||
                        placement->plan->slot_values[FFWD_SLOT_ODD] != 0;
    if (!shared || number == placement->ended) {
        return NULL;
    }
    const ffwd_opencl_lane *before = lane_of(placement, number - 1);
    cl_event last = NULL;
    for (size_t i = 0; i < before->command_count; i++) {
        last = before->commands[i].stage != NULL ? before->commands[i].event : last;
    }
    return last;
}

/** Keeps what is enqueued next behind an event; NULL: behind none. */
static ffwd_status wait_behind(ffwd_opencl_lane *lane, cl_event event, ffwd_error *err) {
    if (event == NULL) {
        return FFWD_OK;
    }
    cl_int code = lane->device->cl->clEnqueueBarrierWithWaitList(lane->queue, 1, &event, NULL);
    return ffwd_opencl_check(lane->device, code, "clEnqueueBarrierWithWaitList", NULL, err);
}

static ffwd_status begin(ffwd_opencl_placement *placement, uint64_t number, const ffwd_chunk *chunk,
                         ffwd_timing *timing, ffwd_error *err) {
    ffwd_opencl_lane *lane = lane_of(placement, number);
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_placement_use(placement, number, err));
    ffwd_opencl_lane_begin(lane, chunk, timing);
    lane->keeps_times = true;
    FFWD_TRY(status, ffwd_opencl_placement_slots(placement, err));
    lane->x = lane->rows[FFWD_SLOT_X];
    lane->y = lane->rows[FFWD_SLOT_Y];
    FFWD_TRY(status, upload(lane, err));
    FFWD_TRY(status, wait_behind(lane, kernel_before(placement, number), err));
    FFWD_TRY(status, ffwd_opencl_enqueue_kernels(placement, err));
    FFWD_TRY(status, download(lane, err));
    FFWD_TRY(status, ffwd_opencl_check(lane->device, lane->device->cl->clFlush(lane->queue),
                                       "clFlush", NULL, err));
cleanup:
    return status;
}

/** What was under way ends, good or bad, and is worth nothing. */
static void give_up_chunks(ffwd_opencl_placement *placement) {
    bool ending = true;
    for (; placement->ended < placement->begun; placement->ended++) {
        ending = ffwd_opencl_lane_settle(lane_of(placement, placement->ended), ending);
    }
    placement->past.count = 0;
}

/** The end of a call; where it failed, of all chunks under way. */
static ffwd_status conclude(ffwd_opencl_placement *placement, ffwd_status status,
                            ffwd_error *reason, ffwd_error *err) {
    if (status != FFWD_OK) {
        give_up_chunks(placement);
    }
    if (status == FFWD_OK || ffwd_opencl_is_out_of_memory(status, reason)) {
        // Another thread may have lost the device meanwhile, and what it did is worth nothing.
        const ffwd_status present = ffwd_opencl_device_check(placement->plan->device, reason);
        if (present != FFWD_OK) {
            give_up_chunks(placement);
            status = present;
        }
    }
    if (ffwd_opencl_is_out_of_memory(status, reason)) {
        (void)ffwd_opencl_placement_halve(placement);
    }
    return ffwd_fail_with(err, status, reason);
}

ffwd_status ffwd_opencl_begin_chunk(ffwd_placement *base, const ffwd_chunk *chunk,
                                    ffwd_timing *timing, ffwd_error *err) {
    ffwd_opencl_placement *placement = (ffwd_opencl_placement *)base;
    ffwd_error reason = FFWD_ERROR_INIT;
    ffwd_status status = ffwd_opencl_device_check(placement->plan->device, &reason);
    if (status == FFWD_OK) {
        status = begin(placement, placement->begun++, chunk, timing, &reason);
    }
    return conclude(placement, status, &reason, err);
}

/** Counts what this chunk and the one before hid of each other, and remembers its times. */
static void count_hidden(ffwd_opencl_placement *placement, ffwd_opencl_lane *lane) {
    const ffwd_opencl_times past = placement->past;
    ffwd_opencl_count_hidden(lane->timing, &lane->times, &past);
    placement->past = lane->times;
    lane->times = past;
}

static ffwd_status end(ffwd_opencl_placement *placement, ffwd_opencl_lane *lane, ffwd_error *err) {
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_device_check(lane->device, err));
    FFWD_TRY(status, ffwd_opencl_lane_finish(lane, err));
    const uint64_t start = ffwd_now_ns();
    ffwd_rows_unpack(&lane->chunk.y, lane->plan->model->dtype, lane->pinned[FFWD_SLOT_Y].rows);
    ffwd_opencl_count_copy(lane, FFWD_SPAN_DOWNLOAD, ffwd_opencl_bytes_of(lane, &lane->chunk.y),
                           start);
    count_hidden(placement, lane);
    placement->ended++;
cleanup:
    return status;
}

ffwd_status ffwd_opencl_end_chunk(ffwd_placement *base, ffwd_error *err) {
    ffwd_opencl_placement *placement = (ffwd_opencl_placement *)base;
    ffwd_error reason = FFWD_ERROR_INIT;
    const ffwd_status status = end(placement, lane_of(placement, placement->ended), &reason);
    return conclude(placement, status, &reason, err);
}

ffwd_status ffwd_opencl_run_chunk(ffwd_placement *base, const ffwd_chunk *chunk,
                                  ffwd_timing *timing, ffwd_error *err) {
    ffwd_opencl_placement *placement = (ffwd_opencl_placement *)base;
    ffwd_error reason = FFWD_ERROR_INIT;
    ffwd_status status = ffwd_opencl_device_check(placement->plan->device, err);
    if (status != FFWD_OK || chunk->x.rows == 0) {
        return status;
    }
    if (base->depth > 1 && !ffwd_chunk_captured(chunk)) {
        status = ffwd_opencl_begin_chunk(base, chunk, timing, err);
        return status != FFWD_OK ? status : ffwd_opencl_end_chunk(base, err);
    }
    status = ffwd_opencl_run_alone(placement, chunk, timing, &reason);
    return conclude(placement, status, &reason, err);
}
