// SPDX-License-Identifier: MIT
// A run over rows that lie on the device: kernels on the caller's queue, in the caller's buffers or
// between gathering and scattering their rows, one behind the other by the order of the queue or,
// where it has none, by events. The host waits for nothing.
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "device/device_rows.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"

/** X or Y of a run. */
typedef struct side {
    const ffwd_opencl_rows *rows;
    const ffwd_opencl_gather *gather; /**< NULL: the kernels use the rows where they are */
    size_t stage;                     /**< of the gather */
    cl_long at;                       /**< element of the buffer that the chunk starts with */
} side;

/** A run that is being enqueued. */
typedef struct enqueuing {
    ffwd_opencl_placement *placement;
    const ffwd_resident *run;
    ffwd_opencl_resident made;
    side x, y;
    size_t gather_count;
    bool ordered;        /**< the queue keeps commands one behind the other */
    cl_event *wait_list; /**< of the first kernel: the caller's events, and that of the last run */
    cl_uint wait_count;
    cl_uint rows; /**< of the chunk */
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

/** Elements that `count - 1` steps take the rows below or above their first; false where they are
 *  more than anything holds. */
static bool reach(uint64_t count, int64_t stride, uint64_t *below, uint64_t *above) {
    const uint64_t step = stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride;
    uint64_t distance, *reached = stride < 0 ? below : above;
    return ffwd_multiply(count > 0 ? count - 1 : 0, step, &distance) &&
           ffwd_add(*reached, distance, reached);
}

/** Whether rows lie among the elements that a buffer holds. */
static bool lie_within(const ffwd_opencl_rows *rows, uint64_t held) {
    uint64_t below = 0, above = 0, last;
    return reach(rows->rows, rows->row_stride, &below, &above) &&
           reach(rows->cols, rows->col_stride, &below, &above) &&
           ffwd_add(rows->offset, above, &last) && below <= rows->offset && last < held;
}

/** Rows within a buffer of the context, which kernels may write where they must. */
static ffwd_status check_buffer(const enqueuing *e, const char *what, const ffwd_opencl_rows *rows,
                                ffwd_error *err) {
    ffwd_opencl_device *device = e->placement->plan->device;
    const ffwd_opencl_api *cl = device->cl;
    cl_context context = NULL;
    size_t bytes = 0;
    cl_mem_flags flags = 0;
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
    const uint64_t held = bytes / ffwd_dtype_size(rows->dtype);
    if (!lie_within(rows, held)) {
        return ffwd_fail(err, FFWD_EARGUMENT,
                         "%s is [%llu][%llu] by %lld and %lld from element %llu on, but its buffer "
                         "has %llu",
                         what, (unsigned long long)rows->rows, (unsigned long long)rows->cols,
                         (long long)rows->row_stride, (long long)rows->col_stride,
                         (unsigned long long)rows->offset, (unsigned long long)held);
    }
    return FFWD_OK;
}

/* ------------------------------------------------------------------------------------ enqueuing */

/** The event after which a run has ended; NULL: there is none, or it has. */
static cl_event end_of(const ffwd_opencl_placement *placement) {
    const ffwd_opencl_resident *last = &placement->resident;
    cl_int state = CL_QUEUED;
    if (last->launched_count == 0) {
        return NULL;
    }
    cl_event event = last->launched[last->launched_count - 1].event;
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

/** Room for the kernels of a chunk, or for an end without any, behind those that there are. */
static ffwd_status make_room(enqueuing *e, ffwd_error *err) {
    ffwd_opencl_resident *made = &e->made;
    const uint64_t needed = made->launched_count + e->placement->plan->stage_count + FFWD_WAYS;
    if (needed <= made->launched_room) {
        return FFWD_OK;
    }
    const uint64_t room = 2 * needed, bytes = room * sizeof *made->launched;
    ffwd_opencl_launched *launched = ffwd_alloc(bytes);
    if (launched == NULL) {
        return ffwd_fail_memory(err, bytes, "the events of a run");
    }
    if (made->launched_count > 0) {
        memcpy(launched, made->launched, made->launched_count * sizeof *launched);
    }
    ffwd_free(made->launched);
    made->launched = launched;
    made->launched_room = (size_t)room;
    return FFWD_OK;
}

/** What the next command waits for. */
static const cl_event *next_waits(const enqueuing *e, cl_uint *count) {
    const size_t done = e->made.launched_count;
    *count = done == 0 ? e->wait_count : e->ordered ? 0 : 1;
    return *count == 0 ? NULL : done == 0 ? e->wait_list : &e->made.launched[done - 1].event;
}

/** Where the next kernel's event goes; it counts once the kernel is enqueued. */
static cl_event *next_event(const enqueuing *e, size_t stage) {
    ffwd_opencl_launched *next = &e->made.launched[e->made.launched_count];
    next->stage = stage;
    return &next->event;
}

static ffwd_status launch(enqueuing *e, size_t stage, cl_mem x, cl_mem y, ffwd_error *err) {
    const ffwd_opencl_plan *plan = e->placement->plan;
    ffwd_opencl_operands operands = {
        .x = x,
        .y = y,
        .layer = &plan->layers[plan->stages[stage].layer],
        .rows = e->rows,
        .x_offset = x == e->run->x->buffer ? (cl_ulong)e->x.at : 0,
        .y_offset = y == e->run->y->buffer ? (cl_ulong)e->y.at : 0,
        .queue = e->run->queue,
    };
    operands.wait_list = next_waits(e, &operands.wait_count);
    const ffwd_status status =
        ffwd_opencl_launch(e->placement, stage, &operands, next_event(e, stage), err);
    e->made.launched_count += status == FFWD_OK;
    return status;
}

/** The chunk's rows of one side into the engine's own, or back. */
static ffwd_status move_rows(enqueuing *e, const side *s, ffwd_opencl_way way, ffwd_error *err) {
    const ffwd_opencl_view theirs = {s->rows->buffer, s->at, s->rows->row_stride,
                                     s->rows->col_stride};
    const ffwd_opencl_slot slot = way == FFWD_WAY_GATHER ? FFWD_SLOT_X : FFWD_SLOT_Y;
    const ffwd_opencl_view ours = {e->placement->lane->rows[slot], 0, (cl_long)s->rows->cols, 1};
    ffwd_opencl_move move = {
        .from = way == FFWD_WAY_GATHER ? theirs : ours,
        .to = way == FFWD_WAY_GATHER ? ours : theirs,
        .rows = e->rows,
        .cols = (cl_uint)s->rows->cols,
        .queue = e->run->queue,
    };
    move.wait_list = next_waits(e, &move.wait_count);
    const ffwd_status status =
        ffwd_opencl_gather_launch(s->gather, &move, next_event(e, s->stage), err);
    e->made.launched_count += status == FFWD_OK;
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

static ffwd_status launch_layers(enqueuing *e, cl_mem x, cl_mem to, ffwd_error *err) {
    const ffwd_opencl_plan *plan = e->placement->plan;
    const size_t last = plan->model->operation_count - 1;
    ffwd_status status = FFWD_OK;
    if (plan->strategy == FFWD_FUSED) {
        return launch(e, 0, x, to, err);
    }
    for (size_t layer = 0; layer <= last; layer++) {
        cl_mem y = layer == last ? to : e->placement->slots[plan->layers[layer].slot];
        FFWD_TRY(status, launch_layer(e, layer, x, y, err));
        x = y;
    }
cleanup:
    return status;
}

static ffwd_status launch_chunk(enqueuing *e, ffwd_error *err) {
    const ffwd_opencl_lane *lane = e->placement->lane;
    cl_mem x = e->x.gather != NULL ? lane->rows[FFWD_SLOT_X] : e->run->x->buffer;
    cl_mem y = e->y.gather != NULL ? lane->rows[FFWD_SLOT_Y] : e->run->y->buffer;
    ffwd_status status = FFWD_OK;
    if (e->x.gather != NULL) {
        FFWD_TRY(status, move_rows(e, &e->x, FFWD_WAY_GATHER, err));
    }
    FFWD_TRY(status, launch_layers(e, x, y, err));
    if (e->y.gather != NULL) {
        FFWD_TRY(status, move_rows(e, &e->y, FFWD_WAY_SCATTER, err));
    }
cleanup:
    return status;
}

/** Buffers between layers, and of rows that are not used where they are. */
static ffwd_status make_slots(const enqueuing *e, ffwd_error *err) {
    ffwd_opencl_placement *placement = e->placement;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_placement_slots(placement, err));
    if (e->x.gather != NULL) {
        FFWD_TRY(status, ffwd_opencl_placement_need(placement, FFWD_SLOT_X, err));
    }
    if (e->y.gather != NULL) {
        FFWD_TRY(status, ffwd_opencl_placement_need(placement, FFWD_SLOT_Y, err));
    }
cleanup:
    return status;
}

/** Element of a side's buffer that row `first` starts with. */
static cl_long element_at(const side *s, uint64_t first) {
    return (cl_long)s->rows->offset + (cl_long)first * s->rows->row_stride;
}

/** Enqueues one chunk, from row `first` on; how many rows it has is in e->rows then. */
static ffwd_status try_chunk(enqueuing *e, uint64_t first, ffwd_error *err) {
    ffwd_status status;
    FFWD_TRY(status, make_slots(e, err));
    FFWD_TRY(status, make_room(e, err));
    e->rows = (cl_uint)ffwd_min(e->placement->base.chunk_rows, e->made.rows - first);
    e->x.at = element_at(&e->x, first);
    e->y.at = element_at(&e->y, first);
    status = launch_chunk(e, err);
cleanup:
    return status;
}

/** Where the device lacks memory, chunks take half the rows. What was enqueued of the larger one
 *  keeps its buffers until it has ended, and writes nothing that the smaller ones do not. */
static ffwd_status launch_chunks(enqueuing *e, ffwd_error *err) {
    ffwd_error reason = FFWD_ERROR_INIT;
    ffwd_status status = FFWD_OK;
    for (uint64_t first = 0; first < e->made.rows && status == FFWD_OK;) {
        status = try_chunk(e, first, &reason);
        if (status == FFWD_OK) {
            first += e->rows;
            e->made.chunks++;
        } else if (ffwd_opencl_is_out_of_memory(status, &reason) &&
                   ffwd_opencl_placement_halve(e->placement)) {
            e->made.chunks_halved++;
            status = FFWD_OK;
        }
    }
    return ffwd_fail_with(err, status, &reason);
}

/** The end of a run that has no rows. */
static ffwd_status enqueue_end(enqueuing *e, ffwd_error *err) {
    ffwd_opencl_device *device = e->placement->plan->device;
    ffwd_status status = make_room(e, err);
    if (status != FFWD_OK) {
        return status;
    }
    cl_int code = device->cl->clEnqueueBarrierWithWaitList(
        e->run->queue, e->wait_count, e->wait_count > 0 ? e->wait_list : NULL, next_event(e, 0));
    e->made.launched_count = code == CL_SUCCESS;
    return ffwd_opencl_check(device, code, "clEnqueueBarrierWithWaitList", NULL, err);
}

/** Kernels of the model take dense rows of its dtype, from any element on. */
static bool is_dense(const ffwd_opencl_rows *rows, const ffwd_model *model) {
    return rows->dtype == model->dtype && rows->row_stride == (int64_t)rows->cols &&
           rows->col_stride == 1;
}

/** Finds how the rows of one side come to the kernels, or their values to the rows. */
static ffwd_status choose_way(enqueuing *e, side *s, ffwd_opencl_way way, ffwd_error *err) {
    const ffwd_placement *base = &e->placement->base;
    if (is_dense(s->rows, base->model)) {
        return FFWD_OK;
    }
    ffwd_status status =
        ffwd_opencl_placement_gather(e->placement, way, s->rows->dtype, &s->gather, err);
    if (status != FFWD_OK) {
        return status;
    }
    s->stage = base->stage_count + e->gather_count++;
    return FFWD_OK;
}

static ffwd_status choose_ways(enqueuing *e, ffwd_error *err) {
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_placement_use(e->placement, 0, err));
    FFWD_TRY(status, choose_way(e, &e->x, FFWD_WAY_GATHER, err));
    FFWD_TRY(status, choose_way(e, &e->y, FFWD_WAY_SCATTER, err));
cleanup:
    return status;
}

/** Shows the gather of a side among the stages of the run. */
static void show_gather(ffwd_placement *base, const side *s, size_t first_layer) {
    if (s->gather == NULL) {
        return;
    }
    ffwd_plan_stage *shown = &base->stages[s->stage];
    *shown = (ffwd_plan_stage){
        .first_layer = first_layer,
        .bytes = s->rows->rows * s->rows->cols *
                 (ffwd_dtype_size(s->rows->dtype) + ffwd_dtype_size(base->model->dtype))};
    (void)snprintf(shown->kernel, sizeof shown->kernel, "%s", s->gather->name);
}

static ffwd_status hand_out_event(const enqueuing *e, ffwd_error *err) {
    ffwd_opencl_device *device = e->placement->plan->device;
    if (e->run->event == NULL) {
        return FFWD_OK;
    }
    cl_event end = e->made.launched[e->made.launched_count - 1].event;
    ffwd_status status =
        ffwd_opencl_check(device, device->cl->clRetainEvent(end), "clRetainEvent", NULL, err);
    if (status == FFWD_OK) {
        *e->run->event = end;
    }
    return status;
}

static void let_go(const ffwd_opencl_placement *placement, ffwd_opencl_resident *run) {
    const ffwd_opencl_device *device = placement->plan->device;
    for (size_t i = 0; i < run->launched_count; i++) {
        ffwd_opencl_release_event(device, run->launched[i].event);
    }
    ffwd_opencl_release_queue(device, run->queue);
    ffwd_free(run->launched);
    *run = (ffwd_opencl_resident){0};
}

/** Of a run that failed half-way, what it enqueued is under way all the same. */
static void keep(enqueuing *e) {
    ffwd_placement *base = &e->placement->base;
    if (e->made.launched_count > 0) {
        let_go(e->placement, &e->placement->resident);
        e->placement->resident = e->made;
        base->gather_count = e->gather_count;
        show_gather(base, &e->x, 0);
        show_gather(base, &e->y, base->model->operation_count);
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
    FFWD_TRY(status, choose_ways(e, err));
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
    const ffwd_opencl_rows *x = run->x, *y = run->y;
    enqueuing e = {.placement = (ffwd_opencl_placement *)base,
                   .run = run,
                   .made = {.rows = x->rows,
                            .row_bytes = x->cols * ffwd_dtype_size(x->dtype) +
                                         y->cols * ffwd_dtype_size(y->dtype)},
                   .x = {.rows = x},
                   .y = {.rows = y}};
    const ffwd_status status = ffwd_opencl_device_check(e.placement->plan->device, err);
    return status != FFWD_OK ? status : enqueue(&e, err);
}

/* ---------------------------------------------------------------------------------- afterwards */

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
    if (placement->resident.launched_count > 0 && ffwd_opencl_device_reachable(device)) {
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
