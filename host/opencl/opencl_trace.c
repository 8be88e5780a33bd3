// SPDX-License-Identifier: MIT
// When a chunk's commands were at work: the times of their events, brought onto the host's clock;
// their spans, and what of the transfers was hidden behind kernels.
#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_lane.h"

/** What is added to the device's time to make it the host's. */
typedef struct clock_map {
    uint64_t offset;            /**< modulo 2^64, since either clock may be ahead */
    uint64_t first_ns, last_ns; /**< of the host: no command was at work outside */
} clock_map;

/**
 * The driver notes the device's time of each command's enqueueing soon after the host noted its
 * own, so that the largest difference of all is the nearest; and no command ended after now. So a
 * map is right to the fastest call's time, some microseconds, and is made anew for each chunk,
 * since clocks drift. (OpenCL 2.1 has a call for this; 1.2 is what there is.)
 */
static clock_map map_clock(const ffwd_opencl_lane *lane) {
    clock_map map = {.first_ns = lane->start_ns, .last_ns = ffwd_now_ns()};
    bool known = false;
    for (size_t i = 0; i < lane->command_count; i++) {
        const ffwd_opencl_command *command = &lane->commands[i];
        const uint64_t queued =
            ffwd_opencl_event_ns(lane->device, command->event, CL_PROFILING_COMMAND_QUEUED);
        const uint64_t offset = command->asked_ns - queued;
        if (queued != 0 && (!known || (int64_t)(offset - map.offset) > 0)) {
            map.offset = offset;
            known = true;
        }
    }
    for (size_t i = 0; i < lane->command_count; i++) {
        const uint64_t end =
            ffwd_opencl_event_ns(lane->device, lane->commands[i].event, CL_PROFILING_COMMAND_END);
        const uint64_t most = map.last_ns - end;
        if (!known || (int64_t)(map.offset - most) > 0) {
            map.offset = most;
            known = true;
        }
    }
    return map;
}

static uint64_t host_ns(const clock_map *map, uint64_t device_ns) {
    return ffwd_max(ffwd_min(device_ns + map->offset, map->last_ns), map->first_ns);
}

static void trace_command(const ffwd_opencl_lane *lane, const ffwd_opencl_command *command,
                          const ffwd_opencl_interval *at) {
    ffwd_span span = {.kind = command->kind};
    if (command->stage != NULL) {
        span = ffwd_stage_span(command->stage);
    }
    span.lane = lane->name;
    span.bytes = command->bytes;
    span.start_ns = at->start_ns;
    span.end_ns = at->end_ns;
    ffwd_chunk_trace(&lane->chunk, span);
}

void ffwd_opencl_lane_trace(ffwd_opencl_lane *lane) {
    if (lane->chunk.tracer == NULL && !lane->keeps_times) {
        return;
    }
    const clock_map map = map_clock(lane);
    for (size_t i = 0; i < lane->command_count; i++) {
        const ffwd_opencl_command *command = &lane->commands[i];
        const uint64_t start =
            ffwd_opencl_event_ns(lane->device, command->event, CL_PROFILING_COMMAND_START);
        const uint64_t end =
            ffwd_opencl_event_ns(lane->device, command->event, CL_PROFILING_COMMAND_END);
        const ffwd_opencl_interval at = {host_ns(&map, start), host_ns(&map, end),
                                         .is_kernel = command->stage != NULL};
        if (start == 0 || end < start) {
            continue;
        }
        if (lane->keeps_times) {
            lane->times.items[lane->times.count++] = at;
        }
        if (lane->chunk.tracer != NULL) {
            trace_command(lane, command, &at);
        }
    }
}

/** How long both were at work. */
static uint64_t common_ns(const ffwd_opencl_interval *a, const ffwd_opencl_interval *b) {
    const uint64_t start = ffwd_max(a->start_ns, b->start_ns);
    const uint64_t end = ffwd_min(a->end_ns, b->end_ns);
    return end > start ? end - start : 0;
}

void ffwd_opencl_count_hidden(ffwd_timing *timing, const ffwd_opencl_times *one,
                              const ffwd_opencl_times *other) {
    for (size_t i = 0; i < one->count; i++) {
        for (size_t k = 0; k < other->count; k++) {
            const ffwd_opencl_interval *a = &one->items[i], *b = &other->items[k];
            timing->hidden_ns += a->is_kernel != b->is_kernel ? common_ns(a, b) : 0;
        }
    }
}
