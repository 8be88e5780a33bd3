// SPDX-License-Identifier: MIT
// The life of a lane, and the commands of the chunk that it has: counted, waited for, let go.
#include "opencl/opencl_lane.h"

#include <stdio.h>
#include <time.h>

#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_error.h"

/** A command that has not ended so long after a failure never will: kernels are made to take a
 *  quarter of a second at most. */
enum { COMMAND_MS_MAX = 5000 };

/** X and Y may each take two commands, a captured block two; every layer has two blocks. */
static size_t most_commands(const ffwd_opencl_plan *plan) {
    return plan->stage_count + 4 * plan->model->operation_count + 4;
}

/* --------------------------------------------------------------------------------------- life */

ffwd_status ffwd_opencl_times_init(ffwd_opencl_times *times, const ffwd_opencl_plan *plan,
                                   ffwd_error *err) {
    // Beside the commands, what the host copies of X and of Y.
    const uint64_t bytes = (most_commands(plan) + 2) * sizeof *times->items;
    *times = (ffwd_opencl_times){NULL, 0};
    if (!plan->pipelined) {
        return FFWD_OK;
    }
    times->items = ffwd_alloc(bytes);
    return times->items != NULL ? FFWD_OK : ffwd_fail_memory(err, bytes, "the times of a chunk");
}

ffwd_status ffwd_opencl_lane_open(ffwd_opencl_lane *lane, const ffwd_opencl_plan *plan,
                                  ffwd_plan_stage *stages, const char *name, ffwd_error *err) {
    const uint64_t bytes = most_commands(plan) * sizeof *lane->commands;
    ffwd_status status;
    *lane =
        (ffwd_opencl_lane){.plan = plan, .device = plan->device, .stages = stages, .name = name};
    lane->commands = ffwd_alloc(bytes);
    if (lane->commands == NULL) {
        return ffwd_fail_memory(err, bytes, "the commands of a chunk");
    }
    FFWD_TRY(status, ffwd_opencl_times_init(&lane->times, plan, err));
    FFWD_TRY(status, ffwd_opencl_queue(lane->device, &lane->queue, err));
cleanup:
    return status;
}

void ffwd_opencl_lane_close(ffwd_opencl_lane *lane) {
    if (lane->plan != NULL) {
        ffwd_opencl_lane_release_rows(lane);
        ffwd_opencl_release_queue(lane->device, lane->queue);
    }
    ffwd_free(lane->commands);
    ffwd_free(lane->times.items);
    *lane = (ffwd_opencl_lane){0};
}

static uint64_t slot_bytes(const ffwd_opencl_lane *lane, ffwd_opencl_slot slot, uint64_t rows) {
    return rows * lane->plan->slot_values[slot] * lane->plan->value_bytes;
}

ffwd_status ffwd_opencl_lane_need_rows(ffwd_opencl_lane *lane, ffwd_opencl_slot slot, uint64_t rows,
                                       ffwd_error *err) {
    return lane->rows[slot] != NULL
               ? FFWD_OK
               : ffwd_opencl_buffer(lane->device, CL_MEM_READ_WRITE, slot_bytes(lane, slot, rows),
                                    NULL, &lane->rows[slot], err);
}

ffwd_status ffwd_opencl_lane_need_pinned(ffwd_opencl_lane *lane, ffwd_opencl_slot slot,
                                         uint64_t rows, ffwd_error *err) {
    ffwd_opencl_pinned *pinned = &lane->pinned[slot];
    const uint64_t bytes = slot_bytes(lane, slot, rows);
    cl_int code = CL_SUCCESS;
    ffwd_status status = FFWD_OK;
    if (pinned->rows != NULL) {
        return FFWD_OK;
    }
    if (pinned->buffer == NULL) {
        FFWD_TRY(status, ffwd_opencl_buffer(lane->device, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR,
                                            bytes, NULL, &pinned->buffer, err));
    }
    pinned->rows = lane->device->cl->clEnqueueMapBuffer(lane->queue, pinned->buffer, CL_TRUE,
                                                        CL_MAP_READ | CL_MAP_WRITE, 0,
                                                        (size_t)bytes, 0, NULL, NULL, &code);
    status = ffwd_opencl_check(lane->device, code, "clEnqueueMapBuffer", "pinned rows", err);
    if (status != FFWD_OK) {
        pinned->rows = NULL;
    }
cleanup:
    return status;
}

static void release_pinned(const ffwd_opencl_lane *lane, ffwd_opencl_pinned *pinned) {
    if (pinned->rows != NULL && ffwd_opencl_device_reachable(lane->device)) {
        (void)lane->device->cl->clEnqueueUnmapMemObject(lane->queue, pinned->buffer, pinned->rows,
                                                        0, NULL, NULL);
    }
    ffwd_opencl_release_buffer(lane->device, pinned->buffer);
    *pinned = (ffwd_opencl_pinned){NULL, NULL};
}

void ffwd_opencl_lane_release_rows(ffwd_opencl_lane *lane) {
    for (ffwd_opencl_slot slot = FFWD_SLOT_X; slot <= FFWD_SLOT_Y; slot++) {
        release_pinned(lane, &lane->pinned[slot]);
        ffwd_opencl_release_buffer(lane->device, lane->rows[slot]);
        lane->rows[slot] = NULL;
    }
}

/* ----------------------------------------------------------------------------------- commands */

void ffwd_opencl_lane_begin(ffwd_opencl_lane *lane, const ffwd_chunk *chunk, ffwd_timing *timing) {
    lane->chunk = *chunk;
    lane->timing = timing;
    lane->keeps_times = false;
    lane->start_ns = ffwd_now_ns();
    lane->times.count = 0;
}

static cl_event *track(ffwd_opencl_lane *lane, ffwd_opencl_command command) {
    ffwd_opencl_command *tracked = &lane->commands[lane->command_count++];
    *tracked = command;
    tracked->asked_ns = ffwd_now_ns();
    return &tracked->event;
}

static uint64_t *time_of_transfers(const ffwd_opencl_lane *lane, ffwd_span_kind kind) {
    return kind == FFWD_SPAN_UPLOAD ? &lane->timing->upload_ns : &lane->timing->download_ns;
}

cl_event *ffwd_opencl_track_transfer(ffwd_opencl_lane *lane, ffwd_span_kind kind, uint64_t bytes) {
    return track(lane, (ffwd_opencl_command){
                           .ns = time_of_transfers(lane, kind), .kind = kind, .bytes = bytes});
}

cl_event *ffwd_opencl_track_kernel(ffwd_opencl_lane *lane, size_t stage_index) {
    return track(lane, (ffwd_opencl_command){.ns = &lane->timing->kernel_ns,
                                             .kind = FFWD_SPAN_KERNEL,
                                             .stage = &lane->stages[stage_index]});
}

void ffwd_opencl_count_copy(ffwd_opencl_lane *lane, ffwd_span_kind kind, uint64_t bytes,
                            uint64_t start_ns) {
    const uint64_t end_ns = ffwd_now_ns();
    *time_of_transfers(lane, kind) += end_ns - start_ns;
    if (lane->keeps_times) {
        lane->times.items[lane->times.count++] =
            (ffwd_opencl_interval){start_ns, end_ns, .is_kernel = false};
    }
    if (lane->chunk.tracer != NULL) {
        ffwd_chunk_trace(&lane->chunk, (ffwd_span){.kind = FFWD_SPAN_COPY,
                                                   .lane = "host",
                                                   .start_ns = start_ns,
                                                   .end_ns = end_ns,
                                                   .bytes = bytes});
    }
}

static void count_times(const ffwd_opencl_lane *lane) {
    for (size_t i = 0; i < lane->command_count; i++) {
        const ffwd_opencl_command *command = &lane->commands[i];
        const uint64_t ns = ffwd_opencl_command_ns(lane->device, command->event);
        *command->ns += ns;
        if (command->stage != NULL) {
            command->stage->ns += ns;
            command->stage->launches++;
        }
    }
}

static void forget_commands(ffwd_opencl_lane *lane) {
    for (size_t i = 0; i < lane->command_count; i++) {
        ffwd_opencl_release_event(lane->device, lane->commands[i].event);
    }
    lane->command_count = 0;
}

/** How far a command is: CL_COMPLETE, more where it has not ended, less where it failed. */
static cl_int ask_state(const ffwd_opencl_lane *lane, cl_event event, cl_int *state) {
    return lane->device->cl->clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof *state,
                                            state, NULL);
}

/** Whether all commands came to a good end, which a driver may tell of each command alone. */
static ffwd_status check_ends(const ffwd_opencl_lane *lane, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < lane->command_count && status == FFWD_OK; i++) {
        const ffwd_opencl_command *command = &lane->commands[i];
        cl_int state = CL_COMPLETE;
        status = ffwd_opencl_check(lane->device, ask_state(lane, command->event, &state),
                                   "clGetEventInfo", NULL, err);
        if (status == FFWD_OK && state < CL_COMPLETE) {
            status = ffwd_opencl_check(lane->device, state, "command",
                                       command->stage != NULL ? command->stage->kernel : NULL, err);
        }
    }
    return status;
}

ffwd_status ffwd_opencl_lane_finish(ffwd_opencl_lane *lane, ffwd_error *err) {
    ffwd_status status = ffwd_opencl_check(lane->device, lane->device->cl->clFinish(lane->queue),
                                           "clFinish", NULL, err);
    if (status == FFWD_OK) {
        status = check_ends(lane, err);
    }
    if (status == FFWD_OK) {
        count_times(lane);
        ffwd_opencl_lane_trace(lane);
        lane->start_ns = ffwd_now_ns();
        forget_commands(lane);
    }
    return status;
}

/** Waits for the end of a command, good or bad; false, and the device lost, where there is none.
 * The state is asked for again and again: a driver that broke down may never return from waiting.
 */
static bool await_end(const ffwd_opencl_lane *lane, cl_event event) {
    const uint64_t deadline = ffwd_now_ns() + COMMAND_MS_MAX * UINT64_C(1000000);
    const struct timespec pause = {0, 100000};
    char reason[96];
    cl_int state = CL_QUEUED;
    cl_int code = ask_state(lane, event, &state);
    while (code == CL_SUCCESS && state > CL_COMPLETE && ffwd_now_ns() < deadline) {
        (void)nanosleep(&pause, NULL);
        code = ask_state(lane, event, &state);
    }
    if (code == CL_SUCCESS && state <= CL_COMPLETE) {
        (void)ffwd_opencl_check(lane->device, state, "command", NULL, NULL);
        return true;
    }
    if (code != CL_SUCCESS) {
        (void)snprintf(reason, sizeof reason, "clGetEventInfo: %s (%d)",
                       ffwd_opencl_code_name(code), (int)code);
    } else {
        (void)snprintf(reason, sizeof reason, "a command did not end in %d ms", COMMAND_MS_MAX);
    }
    ffwd_opencl_device_lose(lane->device, code, reason);
    return false;
}

/* A command that failed stops no other. Also of a device that a call has just lost, the states are
 * asked for until one says that it is in vain. */
bool ffwd_opencl_lane_settle(ffwd_opencl_lane *lane, bool wait) {
    bool ending = wait;
    if (wait && lane->command_count > 0 && ffwd_opencl_device_reachable(lane->device)) {
        (void)lane->device->cl->clFlush(lane->queue);
    }
    for (size_t i = 0; i < lane->command_count && ending; i++) {
        const ffwd_opencl_command *command = &lane->commands[i];
        ending = command->event == NULL || await_end(lane, command->event);
    }
    forget_commands(lane);
    return ending;
}
