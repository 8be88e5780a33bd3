// SPDX-License-Identifier: MIT
// A run over rows that lie on the device: kernels on the caller's queue, in the caller's buffers,
// one behind the other by the order of the queue or, where it has none, by events. The host waits
// for nothing.
#include <string.h>

#include "base/memory.h"
#include "device/device_rows.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"

/** A run that is being enqueued. */
typedef struct enqueuing {
    ffwd_opencl_placement *placement;
    const ffwd_resident *run;
    ffwd_opencl_resident made;
    bool ordered;        /**< the queue keeps commands one behind the other */
    cl_event *wait_list; /**< of the first kernel: the caller's events, and that of the last run */
    cl_uint wait_count;
    cl_ulong x_offset, y_offset; /**< of the chunk */
    cl_uint rows;
} enqueuing;

/* ------------------------------------------------------------------------------------- checks */

/** A queue of the device and its context; whether it is in order and keeps times. */
static ffwd_status look_at_queue(enqueuing *e, ffwd_error *err) {
    ffwd_opencl_device *device = e->placement->plan->device;
    const ffwd_opencl_api *cl = device->cl;
    cl_command_queue queue = e->run->queue;
    cl_context context = NULL;
    cl_device_id id = NULL;
    cl_command_queue_properties properties = 0;
    cl_int code =
        cl->clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof context, &context, NULL);
    if (code == CL_SUCCESS) {
        code = cl->clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof id, &id, NULL);
    }
    if (code == CL_SUCCESS) {
        code = cl->clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties,
                                         NULL);
    }
    if (code != CL_SUCCESS) {
        return ffwd_opencl_check(device, code, "clGetCommandQueueInfo", NULL, err);
    }
    if (context != device->context || id != device->id) {
        return ffwd_fail(err, FFWD_EARGUMENT, "the queue is of another %s than the engine's %s",
                         context != device->context ? "context" : "device", device->name);
    }
    e->ordered = (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) == 0;
    e->made.profiled = (properties & CL_QUEUE_PROFILING_ENABLE) != 0;
    return FFWD_OK;
}

/** Elements up to the end of the rows; false where they are more than anything holds. */
static bool find_end(const ffwd_opencl_rows *rows, uint64_t *end) {
    uint64_t count;
    return ffwd_multiply(rows->rows, rows->cols, &count) && ffwd_add(rows->offset, count, end);
}

/** Rows within a buffer of the context, which kernels may write where they must. */
static ffwd_status check_buffer(const enqueuing *e, const char *what, const ffwd_opencl_rows *rows,
                                ffwd_error *err) {
    ffwd_opencl_device *device = e->placement->plan->device;
    const ffwd_opencl_api *cl = device->cl;
    cl_context context = NULL;
    size_t bytes = 0;
    cl_mem_flags flags = 0;
    uint64_t end;
    if (rows->rows == 0) {
        return FFWD_OK;
    }
    cl_int code =
        cl->clGetMemObjectInfo(rows->buffer, CL_MEM_CONTEXT, sizeof context, &context, NULL);
    if (code == CL_SUCCESS) {
        code = cl->clGetMemObjectInfo(rows->buffer, CL_MEM_SIZE, sizeof bytes, &bytes, NULL);
    }
    if (code == CL_SUCCESS) {
        code = cl->clGetMemObjectInfo(rows->buffer, CL_MEM_FLAGS, sizeof flags, &flags, NULL);
    }
    if (code != CL_SUCCESS) {
        return ffwd_opencl_check(device, code, "clGetMemObjectInfo", what, err);
    }
    if (context != device->context) {
        return ffwd_fail(err, FFWD_EARGUMENT, "the buffer of %s is of another context", what);
    }
    if ((flags & (what[0] == 'X' ? CL_MEM_WRITE_ONLY : CL_MEM_READ_ONLY)) != 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "the buffer of %s is only for kernels to %s", what,
                         what[0] == 'X' ? "write" : "read");
    }
    const uint64_t held = bytes / e->placement->plan->value_bytes;
    if (!find_end(rows, &end) || end > held) {
        return ffwd_fail(err, FFWD_EARGUMENT,
                         "%s is [%llu][%llu] from element %llu on, but its buffer has %llu", what,
                         (unsigned long long)rows->rows, (unsigned long long)rows->cols,
                         (unsigned long long)rows->offset, (unsigned long long)held);
    }
    return FFWD_OK;
}

/* ------------------------------------------------------------------------------------ enqueuing */

/** The event after which a run has ended; NULL: there is none, or it has. */
static cl_event end_of(const ffwd_opencl_placement *placement) {
    const ffwd_opencl_resident *last = &placement->resident;
    cl_int state = CL_QUEUED;
    if (last->event_count == 0) {
        return NULL;
    }
    cl_event event = last->events[last->event_count - 1];
    cl_int code = placement->plan->device->cl->clGetEventInfo(
        event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
    return code == CL_SUCCESS && state <= CL_COMPLETE ? NULL : event;
}

/** The run before precedes this one: by the order of the queue that both are in, or else by its
 *  event, which may be the only one. */
static ffwd_status make_wait_list(enqueuing *e, ffwd_error *err) {
    ffwd_opencl_device *device = e->placement->plan->device;
    const ffwd_opencl_resident *last = &e->placement->resident;
    cl_event before = e->ordered && last->queue == e->run->queue ? NULL : end_of(e->placement);
    const uint64_t bytes = ((uint64_t)e->run->wait_count + 1) * sizeof(cl_event);
    e->wait_list = ffwd_alloc(bytes);
    if (e->wait_list == NULL) {
        return ffwd_fail_memory(err, bytes, "a wait list");
    }
    for (; e->wait_count < e->run->wait_count; e->wait_count++) {
        e->wait_list[e->wait_count] = e->run->wait_list[e->wait_count];
    }
    if (before == NULL) {
        return FFWD_OK;
    }
    e->wait_list[e->wait_count++] = before;
    return last->queue == e->run->queue
               ? FFWD_OK
               : ffwd_opencl_check(device, device->cl->clFlush(last->queue), "clFlush", NULL, err);
}

/** Room for the events of all kernels, or of an end without any. */
static ffwd_status make_events(enqueuing *e, ffwd_error *err) {
    const uint64_t chunk_rows = e->placement->base.chunk_rows;
    uint64_t count, bytes = UINT64_MAX;
    e->made.rows = e->run->x->rows;
    e->made.chunks = e->made.rows / chunk_rows + (e->made.rows % chunk_rows != 0);
    if (ffwd_multiply(e->made.chunks, e->placement->plan->stage_count, &count) &&
        ffwd_multiply(ffwd_max(count, 1), sizeof(cl_event), &bytes)) {
        e->made.events = ffwd_alloc(bytes);
    }
    return e->made.events != NULL ? FFWD_OK : ffwd_fail_memory(err, bytes, "the events of a run");
}

/** What the next command waits for. */
static const cl_event *next_waits(const enqueuing *e, cl_uint *count) {
    const size_t done = e->made.event_count;
    *count = done == 0 ? e->wait_count : e->ordered ? 0 : 1;
    return *count == 0 ? NULL : done == 0 ? e->wait_list : &e->made.events[done - 1];
}

static ffwd_status launch(enqueuing *e, size_t stage_index, cl_mem x, cl_mem y, ffwd_error *err) {
    const ffwd_opencl_plan *plan = e->placement->plan;
    ffwd_opencl_operands operands = {
        .x = x,
        .y = y,
        .layer = &plan->layers[plan->stages[stage_index].layer],
        .rows = e->rows,
        .x_offset = x == e->run->x->buffer ? e->x_offset : 0,
        .y_offset = y == e->run->y->buffer ? e->y_offset : 0,
        .queue = e->run->queue,
    };
    operands.wait_list = next_waits(e, &operands.wait_count);
    const ffwd_status status = ffwd_opencl_launch(e->placement, stage_index, &operands,
                                                  &e->made.events[e->made.event_count], err);
    e->made.event_count += status == FFWD_OK;
    return status;
}

/** The kernels of one operation: in a chain, two of a dense one. */
static ffwd_status launch_layer(enqueuing *e, size_t layer, cl_mem x, cl_mem y, ffwd_error *err) {
    const ffwd_opencl_plan *plan = e->placement->plan;
    const size_t first = plan->layers[layer].first_stage;
    cl_mem z = e->placement->slots[FFWD_SLOT_SUMS];
    ffwd_status status;
    if (plan->stages[first].kind != FFWD_KERNEL_MATMUL || plan->strategy != FFWD_CHAIN) {
        return launch(e, first, x, y, err);
    }
    FFWD_TRY(status, launch(e, first, x, z, err));
    FFWD_TRY(status, launch(e, first + 1, z, y, err));
cleanup:
    return status;
}

static ffwd_status launch_chunk(enqueuing *e, ffwd_error *err) {
    const ffwd_opencl_plan *plan = e->placement->plan;
    const size_t last = plan->model->operation_count - 1;
    cl_mem x = e->run->x->buffer;
    ffwd_status status = FFWD_OK;
    if (plan->strategy == FFWD_FUSED) {
        return launch(e, 0, x, e->run->y->buffer, err);
    }
    for (size_t layer = 0; layer <= last; layer++) {
        cl_mem y =
            layer == last ? e->run->y->buffer : e->placement->slots[plan->layers[layer].slot];
        FFWD_TRY(status, launch_layer(e, layer, x, y, err));
        x = y;
    }
cleanup:
    return status;
}

static ffwd_status launch_chunks(enqueuing *e, ffwd_error *err) {
    const ffwd_opencl_rows *x = e->run->x, *y = e->run->y;
    ffwd_status status = FFWD_OK;
    for (uint64_t first = 0; first < x->rows && status == FFWD_OK; first += e->rows) {
        e->rows = (cl_uint)ffwd_min(e->placement->base.chunk_rows, x->rows - first);
        e->x_offset = x->offset + first * x->cols;
        e->y_offset = y->offset + first * y->cols;
        status = launch_chunk(e, err);
    }
    return status;
}

/** The end of a run that has no rows. */
static ffwd_status enqueue_end(enqueuing *e, ffwd_error *err) {
    ffwd_opencl_device *device = e->placement->plan->device;
    cl_int code = device->cl->clEnqueueBarrierWithWaitList(
        e->run->queue, e->wait_count, e->wait_count > 0 ? e->wait_list : NULL, e->made.events);
    e->made.event_count = code == CL_SUCCESS;
    return ffwd_opencl_check(device, code, "clEnqueueBarrierWithWaitList", NULL, err);
}

/** Buffers between layers; X and Y are the caller's. */
static ffwd_status make_slots(ffwd_opencl_placement *placement, ffwd_error *err) {
    ffwd_status status = ffwd_opencl_placement_use(placement, 0, err);
    return status != FFWD_OK ? status : ffwd_opencl_placement_slots(placement, err);
}

static ffwd_status hand_out_event(const enqueuing *e, ffwd_error *err) {
    ffwd_opencl_device *device = e->placement->plan->device;
    if (e->run->event == NULL) {
        return FFWD_OK;
    }
    cl_event end = e->made.events[e->made.event_count - 1];
    ffwd_status status =
        ffwd_opencl_check(device, device->cl->clRetainEvent(end), "clRetainEvent", NULL, err);
    if (status == FFWD_OK) {
        *e->run->event = end;
    }
    return status;
}

static void let_go(const ffwd_opencl_placement *placement, ffwd_opencl_resident *run) {
    const ffwd_opencl_device *device = placement->plan->device;
    for (size_t i = 0; i < run->event_count; i++) {
        ffwd_opencl_release_event(device, run->events[i]);
    }
    ffwd_opencl_release_queue(device, run->queue);
    ffwd_free(run->events);
    *run = (ffwd_opencl_resident){0};
}

/** Of a run that failed half-way, what it enqueued is under way all the same. */
static void keep(enqueuing *e) {
    if (e->made.event_count > 0) {
        let_go(e->placement, &e->placement->resident);
        e->placement->resident = e->made;
    } else {
        let_go(e->placement, &e->made);
    }
    ffwd_free(e->wait_list);
}

static ffwd_status enqueue(enqueuing *e, ffwd_error *err) {
    ffwd_opencl_device *device = e->placement->plan->device;
    ffwd_status status;
    FFWD_TRY(status, look_at_queue(e, err));
    FFWD_TRY(status, check_buffer(e, "X", e->run->x, err));
    FFWD_TRY(status, check_buffer(e, "Y", e->run->y, err));
    FFWD_TRY(status, make_slots(e->placement, err));
    FFWD_TRY(status, make_events(e, err));
    FFWD_TRY(status, make_wait_list(e, err));
    FFWD_TRY(status, ffwd_opencl_check(device, device->cl->clRetainCommandQueue(e->run->queue),
                                       "clRetainCommandQueue", NULL, err));
    e->made.queue = e->run->queue;
    FFWD_TRY(status, e->made.rows > 0 ? launch_chunks(e, err) : enqueue_end(e, err));
    FFWD_TRY(status, hand_out_event(e, err));
cleanup:
    keep(e);
    return status;
}

ffwd_status ffwd_opencl_enqueue_run(ffwd_placement *base, const ffwd_resident *run,
                                    ffwd_error *err) {
    enqueuing e = {.placement = (ffwd_opencl_placement *)base, .run = run};
    const ffwd_status status = ffwd_opencl_device_check(e.placement->plan->device, err);
    return status != FFWD_OK ? status : enqueue(&e, err);
}

/* ---------------------------------------------------------------------------------- afterwards */

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
    const size_t stage_count = placement->base.stage_count;
    const size_t kernels = run->rows > 0 && stage_count > 0 ? run->event_count : 0;
    cl_ulong begin = 0, start = 0, end = 0;
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < stage_count; i++) {
        placement->base.stages[i].ns = 0;
        placement->base.stages[i].launches = 0;
    }
    for (size_t i = 0; i < kernels; i++) {
        ffwd_plan_stage *stage = &placement->base.stages[i % stage_count];
        stage->launches++;
        if (!run->profiled) {
            continue;
        }
        FFWD_TRY(status, ask_time(placement->plan->device, run->events[i],
                                  CL_PROFILING_COMMAND_START, &start, err));
        FFWD_TRY(status, ask_time(placement->plan->device, run->events[i], CL_PROFILING_COMMAND_END,
                                  &end, err));
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
    if (run->event_count == 0) {
        return ffwd_fail(err, FFWD_ESTATE, "no run over rows on the device was enqueued");
    }
    cl_int code =
        device->cl->clGetEventInfo(run->events[run->event_count - 1],
                                   CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
    FFWD_TRY(status, ffwd_opencl_check(device, code, "clGetEventInfo", NULL, err));
    if (state > CL_COMPLETE) {
        return ffwd_fail(err, FFWD_ESTATE, "the run that was enqueued last has not ended");
    }
    FFWD_TRY(status, ffwd_opencl_check(device, state, "command", NULL, err));
    times->rows = run->rows;
    times->chunks = run->chunks;
    status = count_times(placement, times, err);
cleanup:
    return status;
}

ffwd_status ffwd_opencl_resident_precede(ffwd_opencl_placement *placement, ffwd_error *err) {
    ffwd_opencl_device *device = placement->plan->device;
    cl_event before = end_of(placement);
    ffwd_status status;
    if (before == NULL) {
        return FFWD_OK;
    }
    FFWD_TRY(status, ffwd_opencl_check(device, device->cl->clFlush(placement->resident.queue),
                                       "clFlush", NULL, err));
    cl_int code = device->cl->clEnqueueBarrierWithWaitList(placement->queue, 1, &before, NULL);
    status = ffwd_opencl_check(device, code, "clEnqueueBarrierWithWaitList", NULL, err);
cleanup:
    return status;
}

/* Kernels may read weights where they lie in the model: where it cannot be known that they have
 * ended, the device counts as lost, and the plan stays. */
void ffwd_opencl_resident_finish(ffwd_opencl_placement *placement) {
    ffwd_opencl_device *device = placement->plan->device;
    if (placement->resident.event_count > 0 && ffwd_opencl_device_reachable(device)) {
        cl_event end = end_of(placement);
        if (end != NULL) {
            (void)device->cl->clFlush(placement->resident.queue);
            const cl_int code = device->cl->clWaitForEvents(1, &end);
            if (code != CL_SUCCESS && code != CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST) {
                ffwd_opencl_device_lose(device, code, "clWaitForEvents failed");
            }
        }
    }
    let_go(placement, &placement->resident);
}
