// SPDX-License-Identifier: MIT
// What a run over rows on the device came to, once it has ended: launches, and the times of a queue
// that keeps them.
#include "device/device_rows.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"

/** Nanoseconds on the device's clock. */
static ffwd_status ask_time(ffwd_opencl_device *device, cl_event event, cl_profiling_info what,
                            cl_ulong *ns, ffwd_error *err) {
    cl_int code = device->cl->clGetEventProfilingInfo(event, what, sizeof *ns, ns, NULL);
    return ffwd_opencl_check(device, code, "clGetEventProfilingInfo", NULL, err);
}

/** Counts the launches of all stages, and their times where the queue keeps them. */
static ffwd_status count_times(ffwd_opencl_placement *placement, ffwd_resident_times *times,
                               ffwd_error *err) {
    const ffwd_opencl_resident *run = &placement->resident;
    const ffwd_placement *base = &placement->base;
    const size_t kernels = run->rows > 0 ? run->launched_count : 0;
    cl_ulong begin = 0, start = 0, end = 0;
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < base->stage_count + base->gather_count; i++) {
        base->stages[i].ns = 0;
        base->stages[i].launches = 0;
    }
    for (size_t i = 0; i < kernels; i++) {
        ffwd_plan_stage *stage = &base->stages[run->launched[i].stage];
        cl_event event = run->launched[i].event;
        stage->launches++;
        if (!run->profiled) {
            continue;
        }
        FFWD_TRY(status,
                 ask_time(placement->plan->device, event, CL_PROFILING_COMMAND_START, &start, err));
        FFWD_TRY(status,
                 ask_time(placement->plan->device, event, CL_PROFILING_COMMAND_END, &end, err));
        begin = i == 0 ? start : begin;
        stage->ns += end - start;
        times->kernel_ns += end - start;
        times->total_ns = end - begin;
    }
cleanup:
    return status;
}

ffwd_status ffwd_opencl_collect(ffwd_placement *base, ffwd_resident_times *times, ffwd_error *err) {
    ffwd_opencl_placement *placement = (ffwd_opencl_placement *)base;
    const ffwd_opencl_resident *run = &placement->resident;
    ffwd_opencl_device *device = placement->plan->device;
    cl_int state = CL_QUEUED;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_device_check(device, err));
    if (run->launched_count == 0) {
        return ffwd_fail(err, FFWD_ESTATE, "no run over rows on the device was enqueued");
    }
    cl_int code =
        device->cl->clGetEventInfo(run->launched[run->launched_count - 1].event,
                                   CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
    FFWD_TRY(status, ffwd_opencl_check(device, code, "clGetEventInfo", NULL, err));
    if (state > CL_COMPLETE) {
        return ffwd_fail(err, FFWD_ESTATE, "the run that was enqueued last has not ended");
    }
    FFWD_TRY(status, ffwd_opencl_check(device, state, "command", NULL, err));
    times->rows = run->rows;
    times->chunks = run->chunks;
    times->chunks_halved = run->chunks_halved;
    times->row_bytes = run->row_bytes;
    status = count_times(placement, times, err);
cleanup:
    return status;
}
