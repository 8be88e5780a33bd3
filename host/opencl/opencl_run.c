// SPDX-License-Identifier: MIT
// Running a chunk: rows to the device or used in place, a kernel for each stage, results back.
#include <stdio.h>
#include <time.h>

#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"

/** A command that has not ended so long after a failure never will: kernels are made to take a
 *  quarter of a second at most. */
enum { COMMAND_MS_MAX = 5000 };

/** One chunk under way. */
typedef struct chunk_run {
    ffwd_opencl_placement *placement;
    const ffwd_opencl_plan *plan;
    ffwd_opencl_device *device;
    const ffwd_chunk *chunk;
    ffwd_timing *timing;
    cl_uint rows;
    uint64_t start_ns;     /**< of the commands under way, where spans are wanted */
    cl_mem lent_x, lent_y; /**< buffers over the caller's memory, for this chunk only */
    cl_mem x, y;           /**< where the kernels find X and put Y */
} chunk_run;

static bool is_traced(const chunk_run *run) {
    return run->chunk->tracer != NULL;
}

/** Room for the next command, which is about to be enqueued. */
static cl_event *track(chunk_run *run, const ffwd_opencl_command *next) {
    ffwd_opencl_command *command = &run->placement->commands[run->placement->command_count++];
    *command = *next;
    command->asked_ns = is_traced(run) ? ffwd_now_ns() : 0;
    return &command->event;
}

/** The same for one that moves rows. */
static cl_event *track_transfer(chunk_run *run, ffwd_span_kind kind, uint64_t bytes) {
    uint64_t *ns = kind == FFWD_SPAN_UPLOAD ? &run->timing->upload_ns : &run->timing->download_ns;
    return track(run, &(ffwd_opencl_command){.ns = ns, .kind = kind, .bytes = bytes});
}

/** The same for the kernel of a stage. */
static cl_event *track_kernel(chunk_run *run, size_t stage_index) {
    ffwd_plan_stage *stage = &run->placement->base.stages[stage_index];
    return track(run, &(ffwd_opencl_command){
                          .ns = &run->timing->kernel_ns, .kind = FFWD_SPAN_KERNEL, .stage = stage});
}

/** Counts what the host did itself for a transfer, and hands out its span. */
static void count_copy(chunk_run *run, ffwd_span_kind kind, uint64_t bytes, uint64_t start_ns) {
    const uint64_t end_ns = ffwd_now_ns();
    *(kind == FFWD_SPAN_UPLOAD ? &run->timing->upload_ns : &run->timing->download_ns) +=
        end_ns - start_ns;
    if (is_traced(run)) {
        ffwd_chunk_trace(run->chunk, (ffwd_span){.kind = FFWD_SPAN_COPY,
                                                 .lane = "host",
                                                 .start_ns = start_ns,
                                                 .end_ns = end_ns,
                                                 .bytes = bytes});
    }
}

static size_t bytes_of(const chunk_run *run, const ffwd_rows *rows) {
    return (size_t)(rows->rows * rows->cols * run->plan->value_bytes);
}

/** Makes bytes of a buffer the host's, to be written for an upload or read for a download. */
static ffwd_status map(chunk_run *run, cl_mem buffer, ffwd_span_kind kind, size_t offset,
                       size_t bytes, void **mapped, ffwd_error *err) {
    const bool up = kind == FFWD_SPAN_UPLOAD;
    cl_int code = CL_SUCCESS;
    *mapped = run->device->cl->clEnqueueMapBuffer(
        run->placement->queue, buffer, CL_TRUE, up ? CL_MAP_WRITE_INVALIDATE_REGION : CL_MAP_READ,
        offset, bytes, 0, NULL, track_transfer(run, kind, up ? 0 : bytes), &code);
    return ffwd_opencl_check(run->device, code, "clEnqueueMapBuffer", NULL, err);
}

static ffwd_status unmap(chunk_run *run, cl_mem buffer, void *mapped, ffwd_span_kind kind,
                         size_t bytes, ffwd_error *err) {
    cl_int code = run->device->cl->clEnqueueUnmapMemObject(run->placement->queue, buffer, mapped, 0,
                                                           NULL, track_transfer(run, kind, bytes));
    return ffwd_opencl_check(run->device, code, "clEnqueueUnmapMemObject", NULL, err);
}

/** Packs a view into a buffer. */
static ffwd_status pack(chunk_run *run, const ffwd_rows *from, cl_mem buffer, ffwd_error *err) {
    const size_t bytes = bytes_of(run, from);
    void *mapped = NULL;
    ffwd_status status = map(run, buffer, FFWD_SPAN_UPLOAD, 0, bytes, &mapped, err);
    if (status != FFWD_OK) {
        return status;
    }
    uint64_t start = ffwd_now_ns();
    ffwd_rows_pack(from, run->plan->model->dtype, mapped);
    count_copy(run, FFWD_SPAN_UPLOAD, bytes, start);
    return unmap(run, buffer, mapped, FFWD_SPAN_UPLOAD, bytes, err);
}

/** Unpacks a buffer, from an offset in bytes on, into a view. */
static ffwd_status unpack(chunk_run *run, cl_mem buffer, size_t offset, const ffwd_rows *to,
                          ffwd_error *err) {
    const size_t bytes = bytes_of(run, to);
    void *mapped = NULL;
    ffwd_status status = map(run, buffer, FFWD_SPAN_DOWNLOAD, offset, bytes, &mapped, err);
    if (status != FFWD_OK) {
        return status;
    }
    uint64_t start = ffwd_now_ns();
    ffwd_rows_unpack(to, run->plan->model->dtype, mapped);
    count_copy(run, FFWD_SPAN_DOWNLOAD, bytes, start);
    return unmap(run, buffer, mapped, FFWD_SPAN_DOWNLOAD, 0, err);
}

/** Whether the kernels can work in the caller's rows themselves. */
static bool usable_in_place(const chunk_run *run, const ffwd_rows *rows) {
    return ffwd_rows_dense(rows, run->plan->model->dtype) &&
           ffwd_opencl_in_place(run->device, rows->data);
}

/** Makes X readable by the kernels. */
static ffwd_status take_x(chunk_run *run, ffwd_error *err) {
    const ffwd_rows *x = &run->chunk->x;
    ffwd_status status;
    if (usable_in_place(run, x)) {
        status = ffwd_opencl_buffer(run->device, CL_MEM_READ_ONLY, bytes_of(run, x), x->data,
                                    &run->lent_x, err);
        run->x = run->lent_x;
        return status;
    }
    status = ffwd_opencl_placement_need(run->placement, FFWD_SLOT_X, err);
    if (status != FFWD_OK) {
        return status;
    }
    run->x = run->placement->slots[FFWD_SLOT_X];
    if (!ffwd_rows_dense(x, run->plan->model->dtype)) {
        return pack(run, x, run->x, err);
    }
    const size_t bytes = bytes_of(run, x);
    cl_int code = run->device->cl->clEnqueueWriteBuffer(
        run->placement->queue, run->x, CL_TRUE, 0, bytes, x->data, 0, NULL,
        track_transfer(run, FFWD_SPAN_UPLOAD, bytes));
    return ffwd_opencl_check(run->device, code, "clEnqueueWriteBuffer", "X", err);
}

/** Makes a place for Y that the kernels can write. */
static ffwd_status offer_y(chunk_run *run, ffwd_error *err) {
    const ffwd_rows *y = &run->chunk->y;
    ffwd_status status;
    if (usable_in_place(run, y)) {
        status = ffwd_opencl_buffer(run->device, CL_MEM_READ_WRITE, bytes_of(run, y), y->data,
                                    &run->lent_y, err);
        run->y = run->lent_y;
        return status;
    }
    status = ffwd_opencl_placement_need(run->placement, FFWD_SLOT_Y, err);
    run->y = run->placement->slots[FFWD_SLOT_Y];
    return status;
}

/** Brings Y to the caller. */
static ffwd_status deliver_y(chunk_run *run, ffwd_error *err) {
    const ffwd_rows *y = &run->chunk->y;
    const size_t bytes = bytes_of(run, y);
    if (run->lent_y != NULL) {
        void *mapped = NULL;
        ffwd_status status = map(run, run->y, FFWD_SPAN_DOWNLOAD, 0, bytes, &mapped, err);
        return status != FFWD_OK ? status : unmap(run, run->y, mapped, FFWD_SPAN_DOWNLOAD, 0, err);
    }
    if (!ffwd_rows_dense(y, run->plan->model->dtype)) {
        return unpack(run, run->y, 0, y, err);
    }
    cl_int code = run->device->cl->clEnqueueReadBuffer(
        run->placement->queue, run->y, CL_TRUE, 0, bytes, y->data, 0, NULL,
        track_transfer(run, FFWD_SPAN_DOWNLOAD, bytes));
    return ffwd_opencl_check(run->device, code, "clEnqueueReadBuffer", "Y", err);
}

/** Enqueues the kernel of a stage over this chunk. */
static ffwd_status launch(chunk_run *run, size_t stage_index, cl_mem x, cl_mem sums, cl_mem y,
                          ffwd_error *err) {
    const ffwd_opencl_operands operands = {
        .x = x,
        .y = y,
        .layer = &run->plan->layers[run->plan->stages[stage_index].layer],
        .sums = sums,
        .rows = run->rows,
    };
    return ffwd_opencl_launch(run->placement, stage_index, &operands,
                              track_kernel(run, stage_index), err);
}

/** The capture of a layer, or NULL where it is not wanted. */
static const ffwd_rows *wanted(const ffwd_rows *captures, size_t layer) {
    return captures != NULL && captures[layer].data != NULL ? &captures[layer] : NULL;
}

/** The kernels of one operation, from x into y; z goes into *z, where it is wanted and its own. */
static ffwd_status launch_layer(chunk_run *run, size_t layer, cl_mem x, cl_mem y, cl_mem z,
                                ffwd_error *err) {
    const size_t first = run->plan->layers[layer].first_stage;
    ffwd_status status;
    if (run->plan->stages[first].kind != FFWD_KERNEL_MATMUL || run->plan->strategy != FFWD_CHAIN) {
        return launch(run, first, x, z, y, err);
    }
    z = run->placement->slots[FFWD_SLOT_SUMS];
    FFWD_TRY(status, launch(run, first, x, NULL, z, err));
    FFWD_TRY(status, launch(run, first + 1, z, NULL, y, err));
cleanup:
    return status;
}

/** One operation, and what is captured of it. */
static ffwd_status run_layer(chunk_run *run, size_t layer, cl_mem x, cl_mem y, ffwd_error *err) {
    const ffwd_rows *sums = wanted(run->chunk->sums, layer);
    const ffwd_rows *outputs = wanted(run->chunk->outputs, layer);
    const bool apart = !ffwd_needs_row(run->plan->model->operations[layer].kind);
    cl_mem *z = &run->placement->slots[FFWD_SLOT_SUMS];
    ffwd_status status = FFWD_OK;
    if (sums != NULL && apart) {
        FFWD_TRY(status, ffwd_opencl_placement_need(run->placement, FFWD_SLOT_SUMS, err));
    }
    FFWD_TRY(status, launch_layer(run, layer, x, y, sums != NULL ? *z : NULL, err));
    if (sums != NULL) {
        FFWD_TRY(status, unpack(run, apart ? *z : y, 0, sums, err));
    }
    if (outputs != NULL) {
        FFWD_TRY(status, unpack(run, y, 0, outputs, err));
    }
cleanup:
    return status;
}

static ffwd_status run_layers(chunk_run *run, ffwd_error *err) {
    const size_t last = run->plan->model->operation_count - 1;
    cl_mem x = run->x;
    ffwd_status status = FFWD_OK;
    for (size_t layer = 0; layer <= last; layer++) {
        cl_mem y = layer == last ? run->y : run->placement->slots[run->plan->layers[layer].slot];
        FFWD_TRY(status, run_layer(run, layer, x, y, err));
        x = y;
    }
cleanup:
    return status;
}

/** Nanoseconds a finished command took; 0 where the driver does not say. */
static uint64_t time_of(const chunk_run *run, cl_event event) {
    cl_ulong start = 0;
    cl_ulong end = 0;
    if (run->device->cl->clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start,
                                                 &start, NULL) != CL_SUCCESS ||
        run->device->cl->clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end,
                                                 NULL) != CL_SUCCESS) {
        return 0;
    }
    return end > start ? end - start : 0;
}

static void count_times(const chunk_run *run) {
    for (size_t i = 0; i < run->placement->command_count; i++) {
        const ffwd_opencl_command *command = &run->placement->commands[i];
        const uint64_t ns = time_of(run, command->event);
        *command->ns += ns;
        if (command->stage != NULL) {
            command->stage->ns += ns;
            command->stage->launches++;
        }
    }
}

static void forget_commands(const chunk_run *run) {
    for (size_t i = 0; i < run->placement->command_count; i++) {
        ffwd_opencl_release_event(run->device, run->placement->commands[i].event);
    }
    run->placement->command_count = 0;
}

/** How far a command is: CL_COMPLETE, more where it has not ended, less where it failed. */
static cl_int ask_state(const chunk_run *run, cl_event event, cl_int *state) {
    return run->device->cl->clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof *state,
                                           state, NULL);
}

/** Whether all commands came to a good end, which a driver may tell of each command alone. */
static ffwd_status check_ends(const chunk_run *run, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < run->placement->command_count && status == FFWD_OK; i++) {
        const ffwd_opencl_command *command = &run->placement->commands[i];
        cl_int state = CL_COMPLETE;
        status = ffwd_opencl_check(run->device, ask_state(run, command->event, &state),
                                   "clGetEventInfo", NULL, err);
        if (status == FFWD_OK && state < CL_COMPLETE) {
            status = ffwd_opencl_check(run->device, state, "command",
                                       command->stage != NULL ? command->stage->kernel : NULL, err);
        }
    }
    return status;
}

/** Waits until all commands have ended, and counts their times. */
static ffwd_status finish_commands(chunk_run *run, ffwd_error *err) {
    ffwd_status status = ffwd_opencl_check(
        run->device, run->device->cl->clFinish(run->placement->queue), "clFinish", NULL, err);
    if (status == FFWD_OK) {
        status = check_ends(run, err);
    }
    if (status == FFWD_OK) {
        count_times(run);
        if (is_traced(run)) {
            ffwd_opencl_trace(run->placement, run->chunk, run->start_ns);
            run->start_ns = ffwd_now_ns();
        }
        forget_commands(run);
    }
    return status;
}

/** Enqueues the one kernel of all layers over some rows; captures NULL: none. */
static ffwd_status launch_fused(chunk_run *run, cl_uint first, cl_uint rows, cl_mem captures,
                                ffwd_error *err) {
    const ffwd_opencl_operands operands = {
        .x = run->x, .y = run->y, .sums = captures, .first = first, .rows = rows};
    return ffwd_opencl_launch(run->placement, 0, &operands, track_kernel(run, 0), err);
}

/** A capture's rows [first, first + rows), from an offset in the buffer of all captures; moves the
 *  offset behind them. */
static ffwd_status deliver_capture(chunk_run *run, const ffwd_rows *captures, size_t layer,
                                   cl_uint first, cl_uint rows, size_t *offset, ffwd_error *err) {
    const ffwd_rows *all = wanted(captures, layer);
    const size_t at = *offset;
    *offset += (size_t)rows * run->plan->layers[layer].neurons * run->plan->value_bytes;
    if (all == NULL) {
        return FFWD_OK;
    }
    const ffwd_rows part = ffwd_rows_slice(all, first, rows);
    return unpack(run, run->placement->slots[FFWD_SLOT_SUMS], at, &part, err);
}

/** All layers over some rows, with everything captured that is wanted. */
static ffwd_status run_captured(chunk_run *run, cl_uint first, cl_uint rows, ffwd_error *err) {
    size_t offset = 0;
    ffwd_status status;
    FFWD_TRY(status, launch_fused(run, first, rows, run->placement->slots[FFWD_SLOT_SUMS], err));
    for (size_t i = 0; i < run->plan->model->operation_count; i++) {
        FFWD_TRY(status, deliver_capture(run, run->chunk->sums, i, first, rows, &offset, err));
        FFWD_TRY(status, deliver_capture(run, run->chunk->outputs, i, first, rows, &offset, err));
    }
    FFWD_TRY(status, finish_commands(run, err));
cleanup:
    return status;
}

/** All layers in one kernel. */
static ffwd_status run_fused(chunk_run *run, ffwd_error *err) {
    ffwd_opencl_placement *placement = run->placement;
    ffwd_status status = FFWD_OK;
    if (!ffwd_chunk_captured(run->chunk)) {
        return launch_fused(run, 0, run->rows, NULL, err);
    }
    FFWD_TRY(status, ffwd_opencl_placement_capture(placement, err));
    FFWD_TRY(status, ffwd_opencl_placement_need(placement, FFWD_SLOT_SUMS, err));
    for (cl_uint first = 0; first < run->rows;) {
        const cl_uint rows =
            (cl_uint)ffwd_min(ffwd_opencl_placement_capture_rows(placement), run->rows - first);
        FFWD_TRY(status, run_captured(run, first, rows, err));
        first += rows;
    }
cleanup:
    return status;
}

/** Waits for the end of a command, good or bad; false, and the device lost, where there is none.
 * The state is asked for again and again: a driver that broke down may never return from waiting.
 */
static bool await_end(const chunk_run *run, cl_event event) {
    const uint64_t deadline = ffwd_now_ns() + COMMAND_MS_MAX * UINT64_C(1000000);
    const struct timespec pause = {0, 100000};
    char reason[96];
    cl_int state = CL_QUEUED;
    cl_int code = ask_state(run, event, &state);
    while (code == CL_SUCCESS && state > CL_COMPLETE && ffwd_now_ns() < deadline) {
        (void)nanosleep(&pause, NULL);
        code = ask_state(run, event, &state);
    }
    if (code == CL_SUCCESS && state <= CL_COMPLETE) {
        (void)ffwd_opencl_check(run->device, state, "command", NULL, NULL);
        return true;
    }
    if (code != CL_SUCCESS) {
        (void)snprintf(reason, sizeof reason, "clGetEventInfo: %s (%d)",
                       ffwd_opencl_code_name(code), (int)code);
    } else {
        (void)snprintf(reason, sizeof reason, "a command did not end in %d ms", COMMAND_MS_MAX);
    }
    ffwd_opencl_device_lose(run->device, code, reason);
    return false;
}

/** After a failure, lets the commands that were enqueued end, since they use the caller's rows, and
 * a command that failed stops no other. Also of a device that a call has just lost, the states are
 *  asked for until one says that it is in vain. */
static void settle(const chunk_run *run) {
    bool ending = true;
    if (ffwd_opencl_device_reachable(run->device)) {
        (void)run->device->cl->clFlush(run->placement->queue);
    }
    for (size_t i = 0; i < run->placement->command_count && ending; i++) {
        const ffwd_opencl_command *command = &run->placement->commands[i];
        ending = command->event == NULL || await_end(run, command->event);
    }
}

/** Lets go what a chunk made, done or not. */
static void end_chunk(const chunk_run *run, ffwd_status status) {
    if (status != FFWD_OK && run->placement->command_count > 0) {
        settle(run);
    }
    forget_commands(run);
    ffwd_opencl_release_buffer(run->device, run->lent_x);
    ffwd_opencl_release_buffer(run->device, run->lent_y);
}

static ffwd_status run_rows(ffwd_opencl_placement *placement, const ffwd_chunk *chunk,
                            ffwd_timing *timing, ffwd_error *err) {
    chunk_run run = {
        .placement = placement,
        .plan = placement->plan,
        .device = placement->plan->device,
        .chunk = chunk,
        .timing = timing,
        .rows = (cl_uint)chunk->x.rows,
        .start_ns = chunk->tracer != NULL ? ffwd_now_ns() : 0,
    };
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_placement_slots(placement, err));
    FFWD_TRY(status, take_x(&run, err));
    FFWD_TRY(status, offer_y(&run, err));
    FFWD_TRY(status,
             run.plan->strategy == FFWD_FUSED ? run_fused(&run, err) : run_layers(&run, err));
    FFWD_TRY(status, deliver_y(&run, err));
    FFWD_TRY(status, finish_commands(&run, err));
cleanup:
    end_chunk(&run, status);
    return status;
}

ffwd_status ffwd_opencl_run_chunk(ffwd_placement *base, const ffwd_chunk *chunk,
                                  ffwd_timing *timing, ffwd_error *err) {
    ffwd_opencl_placement *placement = (ffwd_opencl_placement *)base;
    ffwd_error reason = FFWD_ERROR_INIT;
    ffwd_status status = ffwd_opencl_device_check(placement->plan->device, err);
    if (status != FFWD_OK || chunk->x.rows == 0) {
        return status;
    }
    status = run_rows(placement, chunk, timing, &reason);
    if (status == FFWD_OK || ffwd_opencl_is_out_of_memory(status, &reason)) {
        // Another thread may have lost the device meanwhile, and what it did is worth nothing.
        const ffwd_status present = ffwd_opencl_device_check(placement->plan->device, &reason);
        status = present != FFWD_OK ? present : status;
    }
    if (ffwd_opencl_is_out_of_memory(status, &reason)) {
        (void)ffwd_opencl_placement_halve(placement);
    }
    return ffwd_fail_with(err, status, &reason);
}
