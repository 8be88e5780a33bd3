// SPDX-License-Identifier: MIT
// The spans of a chunk's commands: the times of their events, brought onto the host's clock.
#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_placement.h"

/** What is added to the device's time to make it the host's. */
typedef struct clock_map {
    uint64_t offset;            /**< modulo 2^64, since either clock may be ahead */
    uint64_t first_ns, last_ns; /**< of the host: no command was at work outside */
} clock_map;

/** A time of an event; 0 where the driver does not say. */
static uint64_t event_ns(const ffwd_opencl_device *device, cl_event event, cl_profiling_info what) {
    cl_ulong ns = 0;
    return device->cl->clGetEventProfilingInfo(event, what, sizeof ns, &ns, NULL) == CL_SUCCESS ? ns
                                                                                                : 0;
}

/**
 * The driver notes the device's time of each command's enqueueing soon after the host noted its
 * own, so that the largest difference of all is the nearest; and no command ended after now. So a
 * map is right to the fastest call's time, some microseconds, and is made anew for each chunk,
 * since clocks drift. (OpenCL 2.1 has a call for this; 1.2 is what there is.)
 */
static clock_map map_clock(const ffwd_opencl_placement *placement, uint64_t start_ns) {
    const ffwd_opencl_device *device = placement->plan->device;
    clock_map map = {.first_ns = start_ns, .last_ns = ffwd_now_ns()};
    bool known = false;
    for (size_t i = 0; i < placement->command_count; i++) {
        const ffwd_opencl_command *command = &placement->commands[i];
        const uint64_t queued = event_ns(device, command->event, CL_PROFILING_COMMAND_QUEUED);
        const uint64_t offset = command->asked_ns - queued;
        if (queued != 0 && (!known || (int64_t)(offset - map.offset) > 0)) {
            map.offset = offset;
            known = true;
        }
    }
    for (size_t i = 0; i < placement->command_count; i++) {
        const uint64_t most =
            map.last_ns - event_ns(device, placement->commands[i].event, CL_PROFILING_COMMAND_END);
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

static void trace_command(const ffwd_opencl_device *device, const ffwd_chunk *chunk,
                          const ffwd_opencl_command *command, const clock_map *map) {
    const uint64_t start = event_ns(device, command->event, CL_PROFILING_COMMAND_START);
    const uint64_t end = event_ns(device, command->event, CL_PROFILING_COMMAND_END);
    ffwd_span span = {.kind = command->kind};
    if (command->stage != NULL) {
        span = ffwd_stage_span(command->stage);
    }
    span.lane = "queue";
    span.bytes = command->bytes;
    span.start_ns = host_ns(map, start);
    span.end_ns = host_ns(map, end);
    if (start != 0 && end >= start) {
        ffwd_chunk_trace(chunk, span);
    }
}

void ffwd_opencl_trace(const ffwd_opencl_placement *placement, const ffwd_chunk *chunk,
                       uint64_t start_ns) {
    const clock_map map = map_clock(placement, start_ns);
    for (size_t i = 0; i < placement->command_count; i++) {
        trace_command(placement->plan->device, chunk, &placement->commands[i], &map);
    }
}
