// SPDX-License-Identifier: MIT
// What all devices share: counting, forks, and the head of a placement.
#include "device/device.h"

#include "base/memory.h"
#include "base/process.h"
#include "base/structs.h"

static atomic_uint_fast64_t abandoned;

void ffwd_device_abandon(void) {
    atomic_fetch_add(&abandoned, 1);
}

uint64_t ffwd_abandoned_objects(void) {
    return atomic_load(&abandoned);
}

void ffwd_device_init(ffwd_device *device, const ffwd_device_ops *ops) {
    device->ops = ops;
    atomic_init(&device->references, 1);
    device->fork_generation = ffwd_fork_generation();
    device->allocator = *ffwd_memory_current();
}

ffwd_device *ffwd_device_retain(ffwd_device *device) {
    atomic_fetch_add(&device->references, 1);
    return device;
}

void ffwd_device_destroy(ffwd_device *device) {
    if (device != NULL && atomic_fetch_sub(&device->references, 1) == 1) {
        device->ops->close(device);
    }
}

void ffwd_device_describe(const ffwd_device *device, ffwd_device_info *info) {
    ffwd_device_info full = FFWD_DEVICE_INFO_INIT;
    device->ops->describe(device, &full);
    ffwd_struct_write(info, &full, sizeof full);
}

ffwd_status ffwd_device_check_fork(const ffwd_device *device, ffwd_error *err) {
    if (device->fork_generation != ffwd_fork_generation()) {
        return ffwd_fail(err, FFWD_ESTATE,
                         "the device was opened before fork(): open it again in the child");
    }
    return FFWD_OK;
}

const char *ffwd_span_name(uint32_t kind) {
#define CASE(name, value, word)                                                                    \
    case name:                                                                                     \
        return word;
    switch (kind) { FFWD_SPAN_LIST(CASE) }
#undef CASE
    return NULL;
}

void ffwd_chunk_trace(const ffwd_chunk *chunk, ffwd_span span) {
    span.struct_size = sizeof span;
    if (span.name == NULL) {
        span.name = ffwd_span_name(span.kind);
    }
    if (span.rows == 0) {
        span.first_row = chunk->first_row;
        span.rows = chunk->x.rows;
    }
    chunk->tracer->take(chunk->tracer, &span);
}

ffwd_span ffwd_stage_span(const ffwd_plan_stage *stage) {
    return (ffwd_span){.kind = FFWD_SPAN_KERNEL,
                       .lane = "kernels",
                       .name = stage->kernel,
                       .first_layer = stage->first_layer + 1,
                       .layer_count = stage->layer_count};
}

ffwd_status ffwd_placement_init(ffwd_placement *placement, ffwd_device *device,
                                const ffwd_model *model, uint32_t strategy, size_t stage_count,
                                size_t gather_room, ffwd_error *err) {
    uint64_t bytes = ((uint64_t)stage_count + gather_room) * sizeof(ffwd_plan_stage);
    placement->stages = ffwd_alloc_zero(bytes);
    if (placement->stages == NULL) {
        return ffwd_fail_memory(err, bytes, "the plan");
    }
    placement->device = ffwd_device_retain(device);
    placement->model = model;
    placement->strategy = strategy;
    placement->flops = model->flops;
    placement->slowness = 1;
    placement->stage_count = stage_count;
    return FFWD_OK;
}

void ffwd_placement_finish(ffwd_placement *placement) {
    ffwd_free(placement->stages);
    ffwd_device_destroy(placement->device);
    placement->stages = NULL;
    placement->device = NULL;
}
