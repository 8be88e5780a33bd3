// SPDX-License-Identifier: MIT
// Running a chunk alone: rows used in place or copied, a kernel for each stage, captures, results.
#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"

/** Makes bytes of a buffer the host's, to be written for an upload or read for a download. */
static ffwd_status map(ffwd_opencl_lane *lane, cl_mem buffer, ffwd_span_kind kind, size_t offset,
                       size_t bytes, void **mapped, ffwd_error *err) {
    const bool up = kind == FFWD_SPAN_UPLOAD;
    cl_int code = CL_SUCCESS;
    *mapped = lane->device->cl->clEnqueueMapBuffer(
        lane->queue, buffer, CL_TRUE, up ? CL_MAP_WRITE_INVALIDATE_REGION : CL_MAP_READ, offset,
        bytes, 0, NULL, ffwd_opencl_track_transfer(lane, kind, up ? 0 : bytes), &code);
    return ffwd_opencl_check(lane->device, code, "clEnqueueMapBuffer", NULL, err);
}

static ffwd_status unmap(ffwd_opencl_lane *lane, cl_mem buffer, void *mapped, ffwd_span_kind kind,
                         size_t bytes, ffwd_error *err) {
    cl_int code = lane->device->cl->clEnqueueUnmapMemObject(
        lane->queue, buffer, mapped, 0, NULL, ffwd_opencl_track_transfer(lane, kind, bytes));
    return ffwd_opencl_check(lane->device, code, "clEnqueueUnmapMemObject", NULL, err);
}

/** Packs a view into a buffer. */
static ffwd_status pack(ffwd_opencl_lane *lane, const ffwd_rows *from, cl_mem buffer,
                        ffwd_error *err) {
    const size_t bytes = ffwd_opencl_bytes_of(lane, from);
    void *mapped = NULL;
    ffwd_status status = map(lane, buffer, FFWD_SPAN_UPLOAD, 0, bytes, &mapped, err);
    if (status != FFWD_OK) {
        return status;
    }
    const uint64_t start = ffwd_now_ns();
    ffwd_rows_pack(from, lane->plan->model->dtype, mapped);
    ffwd_opencl_count_copy(lane, FFWD_SPAN_UPLOAD, bytes, start);
    return unmap(lane, buffer, mapped, FFWD_SPAN_UPLOAD, bytes, err);
}

/** Unpacks a buffer, from an offset in bytes on, into a view. */
static ffwd_status unpack(ffwd_opencl_lane *lane, cl_mem buffer, size_t offset, const ffwd_rows *to,
                          ffwd_error *err) {
    const size_t bytes = ffwd_opencl_bytes_of(lane, to);
    void *mapped = NULL;
    ffwd_status status = map(lane, buffer, FFWD_SPAN_DOWNLOAD, offset, bytes, &mapped, err);
    if (status != FFWD_OK) {
        return status;
    }
    const uint64_t start = ffwd_now_ns();
    ffwd_rows_unpack(to, lane->plan->model->dtype, mapped);
    ffwd_opencl_count_copy(lane, FFWD_SPAN_DOWNLOAD, bytes, start);
    return unmap(lane, buffer, mapped, FFWD_SPAN_DOWNLOAD, 0, err);
}

/** Whether the kernels can work in the caller's rows themselves. */
static bool usable_in_place(const ffwd_opencl_lane *lane, const ffwd_rows *rows) {
    return ffwd_rows_dense(rows, lane->plan->model->dtype) &&
           ffwd_opencl_in_place(lane->device, rows->data);
}

/** Makes X readable by the kernels. */
static ffwd_status take_x(ffwd_opencl_placement *placement, ffwd_error *err) {
    ffwd_opencl_lane *lane = placement->lane;
    const ffwd_rows *x = &lane->chunk.x;
    ffwd_status status;
    if (usable_in_place(lane, x)) {
        status = ffwd_opencl_buffer(lane->device, CL_MEM_READ_ONLY, ffwd_opencl_bytes_of(lane, x),
                                    x->data, &lane->lent_x, err);
        lane->x = lane->lent_x;
        return status;
    }
    status = ffwd_opencl_placement_need(placement, FFWD_SLOT_X, err);
    lane->x = lane->rows[FFWD_SLOT_X];
    return status != FFWD_OK ? status : pack(lane, x, lane->x, err);
}

/** Makes a place for Y that the kernels can write. */
static ffwd_status offer_y(ffwd_opencl_placement *placement, ffwd_error *err) {
    ffwd_opencl_lane *lane = placement->lane;
    const ffwd_rows *y = &lane->chunk.y;
    ffwd_status status;
    if (usable_in_place(lane, y)) {
        status = ffwd_opencl_buffer(lane->device, CL_MEM_READ_WRITE, ffwd_opencl_bytes_of(lane, y),
                                    y->data, &lane->lent_y, err);
        lane->y = lane->lent_y;
        return status;
    }
    status = ffwd_opencl_placement_need(placement, FFWD_SLOT_Y, err);
    lane->y = lane->rows[FFWD_SLOT_Y];
    return status;
}

/** Brings Y to the caller. */
static ffwd_status deliver_y(ffwd_opencl_lane *lane, ffwd_error *err) {
    const ffwd_rows *y = &lane->chunk.y;
    if (lane->lent_y == NULL) {
        return unpack(lane, lane->y, 0, y, err);
    }
    void *mapped = NULL;
    ffwd_status status =
        map(lane, lane->y, FFWD_SPAN_DOWNLOAD, 0, ffwd_opencl_bytes_of(lane, y), &mapped, err);
    return status != FFWD_OK ? status : unmap(lane, lane->y, mapped, FFWD_SPAN_DOWNLOAD, 0, err);
}

/** Enqueues the kernel of a stage over the lane's chunk. */
static ffwd_status launch(ffwd_opencl_placement *placement, size_t stage_index, cl_mem x,
                          cl_mem sums, cl_mem y, ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    const ffwd_opencl_operands operands = {
        .x = x,
        .y = y,
        .layer = &plan->layers[plan->stages[stage_index].layer],
        .sums = sums,
        .rows = (cl_uint)placement->lane->chunk.x.rows,
        .queue = placement->queue,
    };
    return ffwd_opencl_launch(placement, stage_index, &operands,
                              ffwd_opencl_track_kernel(placement->lane, stage_index), err);
}

/** The capture of a layer, or NULL where it is not wanted. */
static const ffwd_rows *wanted(const ffwd_rows *captures, size_t layer) {
    return captures != NULL && captures[layer].data != NULL ? &captures[layer] : NULL;
}

/** The kernels of one operation, from x into y; z goes into *z, where it is wanted and its own. */
static ffwd_status launch_layer(ffwd_opencl_placement *placement, size_t layer, cl_mem x, cl_mem y,
                                cl_mem z, ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    const size_t first = plan->layers[layer].first_stage;
    ffwd_status status;
    if (plan->stages[first].kind != FFWD_KERNEL_MATMUL || plan->strategy != FFWD_CHAIN) {
        return launch(placement, first, x, z, y, err);
    }
    z = placement->slots[FFWD_SLOT_SUMS];
    FFWD_TRY(status, launch(placement, first, x, NULL, z, err));
    FFWD_TRY(status, launch(placement, first + 1, z, NULL, y, err));
cleanup:
    return status;
}

/** One operation, and what is captured of it. */
static ffwd_status run_layer(ffwd_opencl_placement *placement, size_t layer, cl_mem x, cl_mem y,
                             ffwd_error *err) {
    ffwd_opencl_lane *lane = placement->lane;
    const ffwd_rows *sums = wanted(lane->chunk.sums, layer);
    const ffwd_rows *outputs = wanted(lane->chunk.outputs, layer);
    const bool apart = !ffwd_needs_row(placement->plan->model->operations[layer].kind);
    cl_mem *z = &placement->slots[FFWD_SLOT_SUMS];
    ffwd_status status = FFWD_OK;
    if (sums != NULL && apart) {
        FFWD_TRY(status, ffwd_opencl_placement_need(placement, FFWD_SLOT_SUMS, err));
    }
    FFWD_TRY(status, launch_layer(placement, layer, x, y, sums != NULL ? *z : NULL, err));
    if (sums != NULL) {
        FFWD_TRY(status, unpack(lane, apart ? *z : y, 0, sums, err));
    }
    if (outputs != NULL) {
        FFWD_TRY(status, unpack(lane, y, 0, outputs, err));
    }
cleanup:
    return status;
}

static ffwd_status run_layers(ffwd_opencl_placement *placement, ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    const size_t last = plan->model->operation_count - 1;
    cl_mem x = placement->lane->x;
    ffwd_status status = FFWD_OK;
    for (size_t layer = 0; layer <= last; layer++) {
        cl_mem y = layer == last ? placement->lane->y : placement->slots[plan->layers[layer].slot];
        FFWD_TRY(status, run_layer(placement, layer, x, y, err));
        x = y;
    }
cleanup:
    return status;
}

/** Enqueues the one kernel of all layers over some rows; captures NULL: none. */
static ffwd_status launch_fused(ffwd_opencl_placement *placement, cl_uint first, cl_uint rows,
                                cl_mem captures, ffwd_error *err) {
    ffwd_opencl_lane *lane = placement->lane;
    const ffwd_opencl_operands operands = {.x = lane->x,
                                           .y = lane->y,
                                           .sums = captures,
                                           .first = first,
                                           .rows = rows,
                                           .queue = placement->queue};
    return ffwd_opencl_launch(placement, 0, &operands, ffwd_opencl_track_kernel(lane, 0), err);
}

/** A capture's rows [first, first + rows), from an offset in the buffer of all captures; moves the
 *  offset behind them. */
static ffwd_status deliver_capture(ffwd_opencl_placement *placement, const ffwd_rows *captures,
                                   size_t layer, cl_uint first, cl_uint rows, size_t *offset,
                                   ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    const ffwd_rows *all = wanted(captures, layer);
    const size_t at = *offset;
    *offset += (size_t)rows * plan->layers[layer].neurons * plan->value_bytes;
    if (all == NULL) {
        return FFWD_OK;
    }
    const ffwd_rows part = ffwd_rows_slice(all, first, rows);
    return unpack(placement->lane, placement->slots[FFWD_SLOT_SUMS], at, &part, err);
}

/** All layers over some rows, with everything captured that is wanted. */
static ffwd_status run_captured(ffwd_opencl_placement *placement, cl_uint first, cl_uint rows,
                                ffwd_error *err) {
    const ffwd_chunk *chunk = &placement->lane->chunk;
    size_t offset = 0;
    ffwd_status status;
    FFWD_TRY(status, launch_fused(placement, first, rows, placement->slots[FFWD_SLOT_SUMS], err));
    for (size_t i = 0; i < placement->plan->model->operation_count; i++) {
        FFWD_TRY(status, deliver_capture(placement, chunk->sums, i, first, rows, &offset, err));
        FFWD_TRY(status, deliver_capture(placement, chunk->outputs, i, first, rows, &offset, err));
    }
    FFWD_TRY(status, ffwd_opencl_lane_finish(placement->lane, err));
cleanup:
    return status;
}

/** All layers in one kernel. */
static ffwd_status run_fused(ffwd_opencl_placement *placement, ffwd_error *err) {
    const cl_uint all = (cl_uint)placement->lane->chunk.x.rows;
    ffwd_status status = FFWD_OK;
    if (!ffwd_chunk_captured(&placement->lane->chunk)) {
        return launch_fused(placement, 0, all, NULL, err);
    }
    FFWD_TRY(status, ffwd_opencl_placement_capture(placement, err));
    FFWD_TRY(status, ffwd_opencl_placement_need(placement, FFWD_SLOT_SUMS, err));
    for (cl_uint first = 0; first < all;) {
        const cl_uint rows =
            (cl_uint)ffwd_min(ffwd_opencl_placement_capture_rows(placement), all - first);
        FFWD_TRY(status, run_captured(placement, first, rows, err));
        first += rows;
    }
cleanup:
    return status;
}

ffwd_status ffwd_opencl_enqueue_kernels(ffwd_opencl_placement *placement, ffwd_error *err) {
    return placement->plan->strategy == FFWD_FUSED ? run_fused(placement, err)
                                                   : run_layers(placement, err);
}

ffwd_status ffwd_opencl_run_alone(ffwd_opencl_placement *placement, const ffwd_chunk *chunk,
                                  ffwd_timing *timing, ffwd_error *err) {
    ffwd_opencl_lane *lane = &placement->lanes[0];
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_placement_use(placement, 0, err));
    ffwd_opencl_lane_begin(lane, chunk, timing);
    FFWD_TRY(status, ffwd_opencl_resident_precede(placement, err));
    FFWD_TRY(status, ffwd_opencl_placement_slots(placement, err));
    FFWD_TRY(status, take_x(placement, err));
    FFWD_TRY(status, offer_y(placement, err));
    FFWD_TRY(status, ffwd_opencl_enqueue_kernels(placement, err));
    FFWD_TRY(status, deliver_y(lane, err));
    FFWD_TRY(status, ffwd_opencl_lane_finish(lane, err));
cleanup:
    if (status != FFWD_OK) {
        (void)ffwd_opencl_lane_settle(lane, true);
    }
    ffwd_opencl_release_buffer(lane->device, lane->lent_x);
    ffwd_opencl_release_buffer(lane->device, lane->lent_y);
    lane->lent_x = NULL;
    lane->lent_y = NULL;
    return status;
}
