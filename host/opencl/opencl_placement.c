// SPDX-License-Identifier: MIT
// Placing a model on an OpenCL device, for one thread or for a clone.
#include "opencl/opencl_placement.h"

#include <stdio.h>

#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/program.h"

/** Chunks whose rows take less are not halved: it is not they that lack memory. */
#define LEAST_HALVED_BYTES (UINT64_C(16) << 10)

uint64_t ffwd_opencl_placement_capture_rows(const ffwd_opencl_placement *placement) {
    return ffwd_min(placement->plan->capture_rows, placement->base.chunk_rows);
}

ffwd_status ffwd_opencl_placement_need(ffwd_opencl_placement *placement, ffwd_opencl_slot slot,
                                       ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    if (slot == FFWD_SLOT_X || slot == FFWD_SLOT_Y) {
        return ffwd_opencl_lane_need_rows(placement->lane, slot, placement->base.chunk_rows, err);
    }
    if (placement->slots[slot] != NULL) {
        return FFWD_OK;
    }
    const uint64_t rows = slot == FFWD_SLOT_SUMS ? ffwd_opencl_placement_capture_rows(placement)
                                                 : placement->base.chunk_rows;
    return ffwd_opencl_buffer(plan->device, CL_MEM_READ_WRITE,
                              rows * plan->slot_values[slot] * plan->value_bytes, NULL,
                              &placement->slots[slot], err);
}

ffwd_status ffwd_opencl_placement_use(ffwd_opencl_placement *placement, uint64_t number,
                                      ffwd_error *err) {
    static const char *const names[] = {"queue 1", "queue 2"};
    const size_t index = (size_t)(number % FFWD_OPENCL_LANES);
    const bool alone = !placement->plan->pipelined;
    ffwd_opencl_lane *lane = &placement->lanes[index];
    ffwd_status status = FFWD_OK;
    if (lane->queue == NULL) {
        ffwd_opencl_lane_close(lane);
        status = ffwd_opencl_lane_open(lane, placement->plan, placement->base.stages,
                                       alone ? "queue" : names[index], err);
    }
    placement->lane = lane;
    placement->queue = lane->queue;
    return status;
}

/** Whether kernels failed that an earlier process had compiled: they are compiled anew then. */
static bool deserves_another_try(ffwd_opencl_device *device, ffwd_status status) {
    return (status == FFWD_ENODEVICE || status == FFWD_EDEVICE) &&
           ffwd_opencl_device_reachable(device) && ffwd_opencl_spoil_programs(device);
}

static ffwd_status make_capturing(ffwd_opencl_placement *placement, ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    ffwd_opencl_stage *stage = &placement->capturing_stage;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_fused_stage(plan, true, stage, err));
    FFWD_TRY(status, ffwd_opencl_kernel(plan->device, stage->program, stage->kernel,
                                        &placement->capturing, err));
    FFWD_TRY(status, ffwd_opencl_prove_captures(placement, err));
    return FFWD_OK;
cleanup:
    ffwd_opencl_release_kernel(plan->device, placement->capturing);
    placement->capturing = NULL;
    return status;
}

ffwd_status ffwd_opencl_placement_capture(ffwd_opencl_placement *placement, ffwd_error *err) {
    if (placement->capturing != NULL) {
        return FFWD_OK;
    }
    ffwd_status status = make_capturing(placement, err);
    if (deserves_another_try(placement->plan->device, status)) {
        status = make_capturing(placement, err);
    }
    if (status == FFWD_OK) {
        ffwd_opencl_keep_programs(placement->plan->device);
    }
    return status;
}

ffwd_status ffwd_opencl_placement_gather(ffwd_opencl_placement *placement, ffwd_opencl_way way,
                                         uint32_t dtype, const ffwd_opencl_gather **out,
                                         ffwd_error *err) {
    ffwd_opencl_device *device = placement->plan->device;
    ffwd_opencl_gather *gather = &placement->gathers[way][dtype];
    const uint32_t own = placement->plan->model->dtype;
    ffwd_status status =
        ffwd_opencl_gather_make(device, placement->queue, way, own, dtype, gather, err);
    if (deserves_another_try(device, status)) {
        status = ffwd_opencl_gather_make(device, placement->queue, way, own, dtype, gather, err);
    }
    *out = gather;
    return status;
}

static void size_chunks(ffwd_opencl_placement *placement, uint64_t rows) {
    placement->base.chunk_rows = rows;
    placement->base.memory_bytes = ffwd_opencl_chunk_bytes(placement->plan, rows);
}

static void release_slots(ffwd_opencl_placement *placement) {
    for (size_t slot = 0; slot < FFWD_SLOT_COUNT; slot++) {
        ffwd_opencl_release_buffer(placement->plan->device, placement->slots[slot]);
        placement->slots[slot] = NULL;
    }
    for (size_t i = 0; i < FFWD_OPENCL_LANES; i++) {
        if (placement->lanes[i].plan != NULL) {
            ffwd_opencl_lane_release_rows(&placement->lanes[i]);
        }
    }
}

bool ffwd_opencl_placement_halve(ffwd_opencl_placement *placement) {
    const uint64_t rows = placement->base.chunk_rows;
    const uint64_t rows_bytes = placement->base.memory_bytes - placement->plan->weight_bytes;
    if (rows == 1 || rows_bytes < LEAST_HALVED_BYTES) {
        return false;
    }
    release_slots(placement);
    size_chunks(placement, rows / 2);
    return true;
}

ffwd_status ffwd_opencl_placement_slots(ffwd_opencl_placement *placement, ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    const bool needed[FFWD_SLOT_COUNT] = {
        [FFWD_SLOT_X] = plan->pipelined,
        [FFWD_SLOT_Y] = plan->pipelined,
        [FFWD_SLOT_SUMS] = plan->strategy == FFWD_CHAIN,
        [FFWD_SLOT_EVEN] = plan->slot_values[FFWD_SLOT_EVEN] != 0,
        [FFWD_SLOT_ODD] = plan->slot_values[FFWD_SLOT_ODD] != 0,
    };
    ffwd_status status = FFWD_OK;
    for (ffwd_opencl_slot slot = FFWD_SLOT_X; slot < FFWD_SLOT_COUNT; slot++) {
        if (needed[slot]) {
            FFWD_TRY(status, ffwd_opencl_placement_need(placement, slot, err));
        }
        if (needed[slot] && slot <= FFWD_SLOT_Y) {
            FFWD_TRY(status, ffwd_opencl_lane_need_pinned(placement->lane, slot,
                                                          placement->base.chunk_rows, err));
        }
    }
cleanup:
    return status;
}

static void describe_stages(ffwd_opencl_placement *placement) {
    for (size_t i = 0; i < placement->base.stage_count; i++) {
        const ffwd_opencl_stage *stage = &placement->plan->stages[i];
        ffwd_plan_stage *shown = &placement->base.stages[i];
        (void)snprintf(shown->kernel, sizeof shown->kernel, "%s", stage->kernel);
        shown->first_layer = stage->layer;
        shown->layer_count = stage->layer_count;
    }
}

static ffwd_status make_kernels(ffwd_opencl_placement *placement, ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    const uint64_t bytes = plan->stage_count * sizeof(cl_kernel);
    ffwd_status status = FFWD_OK;
    placement->kernels = ffwd_alloc_zero(bytes);
    if (placement->kernels == NULL) {
        return ffwd_fail_memory(err, bytes, "the kernels");
    }
    for (size_t i = 0; i < plan->stage_count; i++) {
        FFWD_TRY(status, ffwd_opencl_kernel(plan->device, plan->stages[i].program,
                                            plan->stages[i].kernel, &placement->kernels[i], err));
    }
cleanup:
    return status;
}

/** A core runs the items of a group one after the other, from barrier to barrier, with their sums
 * in memory: 16 GFLOP/s for 4096-4096-4096 and 10 for 1024-1024-1024-1024 on PoCL 3.1, where
 * kernels without barriers do 200. */
#define CPU_TILE_SLOWNESS 14

static double slowness_of(const ffwd_opencl_plan *plan) {
    const bool tiled = plan->strategy != FFWD_FUSED && plan->model->operation_count > 0;
    return tiled && plan->device->type == FFWD_TYPE_CPU ? CPU_TILE_SLOWNESS : 1;
}

/** A placement of a plan, whose reference it takes over also where it fails. */
static ffwd_status place(ffwd_opencl_plan *plan, ffwd_placement **out, ffwd_error *err) {
    ffwd_device *device = &plan->device->base;
    ffwd_opencl_placement *placement = ffwd_alloc_zero(sizeof *placement);
    ffwd_status status;
    if (placement == NULL) {
        ffwd_opencl_plan_release(plan);
        return ffwd_fail_memory(err, sizeof *placement, "a placement");
    }
    placement->plan = plan;
    FFWD_TRY(status, ffwd_placement_init(&placement->base, device, plan->model, plan->strategy,
                                         plan->stage_count, FFWD_WAYS, err));
    size_chunks(placement, plan->chunk_rows);
    placement->base.depth = plan->pipelined ? FFWD_OPENCL_LANES : 1;
    placement->base.slowness = slowness_of(plan);
    describe_stages(placement);
    FFWD_TRY(status, ffwd_opencl_times_init(&placement->past, plan, err));
    FFWD_TRY(status, ffwd_opencl_placement_use(placement, 0, err));
    FFWD_TRY(status, make_kernels(placement, err));
    *out = &placement->base;
    return FFWD_OK;
cleanup:
    ffwd_opencl_release(&placement->base);
    return status;
}

/** Makes the buffers of the lanes that a run of as many rows as are expected will use. */
static ffwd_status make_buffers(ffwd_opencl_placement *placement, ffwd_error *err) {
    const uint64_t expected = placement->plan->expected_rows;
    const bool one = expected != 0 && expected <= placement->base.chunk_rows;
    ffwd_status status = FFWD_OK;
    for (uint64_t number = one ? 1 : placement->base.depth; number-- > 0;) {
        FFWD_TRY(status, ffwd_opencl_placement_use(placement, number, err));
        FFWD_TRY(status, ffwd_opencl_placement_slots(placement, err));
    }
cleanup:
    return status;
}

/** Makes the buffers of the chunks, and proves the kernels beside them where that is wanted. Where
 *  the device has no room for both, chunks take half the rows. */
static ffwd_status settle_in(ffwd_placement *base, bool prove, ffwd_error *err) {
    ffwd_opencl_placement *placement = (ffwd_opencl_placement *)base;
    ffwd_error reason = FFWD_ERROR_INIT;
    ffwd_status status;
    do {
        status = make_buffers(placement, &reason);
        if (status == FFWD_OK && prove) {
            status = ffwd_opencl_prove(placement, &reason);
        }
    } while (ffwd_opencl_is_out_of_memory(status, &reason) &&
             ffwd_opencl_placement_halve(placement));
    if (status == FFWD_OK) {
        // Another thread may have lost the device while kernels were compiled.
        status = ffwd_opencl_device_check(placement->plan->device, &reason);
    }
    return ffwd_fail_with(err, status, &reason);
}

/** A new placement is ready, or it is let go. */
static ffwd_status hand_over(ffwd_placement *placement, bool prove, ffwd_placement **out,
                             ffwd_error *err) {
    const ffwd_status status = settle_in(placement, prove, err);
    if (status != FFWD_OK) {
        ffwd_opencl_release(placement);
        return status;
    }
    *out = placement;
    return FFWD_OK;
}

static ffwd_status prepare(ffwd_opencl_device *device, const ffwd_model *model,
                           const ffwd_request *request, ffwd_placement **out, ffwd_error *err) {
    ffwd_opencl_plan *plan = NULL;
    ffwd_placement *placement = NULL;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_device_check(device, err));
    FFWD_TRY(status, ffwd_opencl_device_trust(device, model->dtype, err));
    FFWD_TRY(status, ffwd_opencl_plan_create(device, model, request, &plan, err));
    FFWD_TRY(status, place(plan, &placement, err));
    status = hand_over(placement, true, out, err);
cleanup:
    return status;
}

ffwd_status ffwd_opencl_prepare(ffwd_device *base, const ffwd_model *model,
                                const ffwd_request *request, ffwd_placement **out,
                                ffwd_error *err) {
    ffwd_opencl_device *device = (ffwd_opencl_device *)base;
    *out = NULL;
    if (model->operation_count == 0) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "an empty chain has no kernel to launch");
    }
    ffwd_status status = prepare(device, model, request, out, err);
    if (deserves_another_try(device, status)) {
        status = prepare(device, model, request, out, err);
    }
    if (status == FFWD_OK) {
        ffwd_opencl_keep_programs(device);
    }
    return status;
}

ffwd_status ffwd_opencl_clone(const ffwd_placement *base, ffwd_placement **out, ffwd_error *err) {
    const ffwd_opencl_placement *placement = (const ffwd_opencl_placement *)base;
    ffwd_placement *cloned = NULL;
    ffwd_status status;
    *out = NULL;
    FFWD_TRY(status, ffwd_opencl_device_check(placement->plan->device, err));
    FFWD_TRY(status, place(ffwd_opencl_plan_retain(placement->plan), &cloned, err));
    status = hand_over(cloned, false, out, err);
cleanup:
    return status;
}

void ffwd_opencl_release(ffwd_placement *base) {
    ffwd_opencl_placement *placement = (ffwd_opencl_placement *)base;
    const ffwd_opencl_device *device = placement->plan->device;
    ffwd_opencl_resident_finish(placement);
    for (size_t i = 0; placement->kernels != NULL && i < placement->plan->stage_count; i++) {
        ffwd_opencl_release_kernel(device, placement->kernels[i]);
    }
    ffwd_opencl_release_kernel(device, placement->capturing);
    for (size_t dtype = 0; dtype <= FFWD_U8; dtype++) {
        ffwd_opencl_gather_end(&placement->gathers[FFWD_WAY_GATHER][dtype]);
        ffwd_opencl_gather_end(&placement->gathers[FFWD_WAY_SCATTER][dtype]);
    }
    ffwd_opencl_release_buffer(device, placement->held[0]);
    ffwd_opencl_release_buffer(device, placement->held[1]);
    release_slots(placement);
    for (size_t i = 0; i < FFWD_OPENCL_LANES; i++) {
        ffwd_opencl_lane_close(&placement->lanes[i]);
    }
    ffwd_free(placement->past.items);
    ffwd_free(placement->kernels);
    ffwd_opencl_plan_release(placement->plan);
    ffwd_placement_finish(&placement->base);
    ffwd_free(placement);
}
