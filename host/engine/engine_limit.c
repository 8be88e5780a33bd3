// SPDX-License-Identifier: MIT
// The limit of a run: asked of the device itself, or of the CPU where that is the silicon.
#include "base/memory.h"
#include "base/process.h"
#include "base/structs.h"
#include "engine/engine.h"

/** Places the model on the CPU for its limit alone. */
static ffwd_status place_native(ffwd_engine *engine, ffwd_error *err) {
    const ffwd_request request = {.strategy = FFWD_STRATEGY_AUTO};
    ffwd_device *cpu = NULL;
    ffwd_status status = ffwd_device_open("cpu", NULL, &cpu, err);
    if (status == FFWD_OK) {
        status = cpu->ops->prepare(cpu, engine->model, &request, &engine->native, err);
        ffwd_device_destroy(cpu);
    }
    return status;
}

/** The placement on the CPU, which measures its limit; engine->native where the engine runs without
 *  one. */
static ffwd_status find_native(ffwd_engine *engine, ffwd_placement **out, ffwd_error *err) {
    for (size_t i = 0; i < engine->placement_count; i++) {
        if (ffwd_is_cpu(engine->placements[i]->device)) {
            *out = engine->placements[i];
            return FFWD_OK;
        }
    }
    const ffwd_status status = engine->native == NULL ? place_native(engine, err) : FFWD_OK;
    *out = engine->native;
    return status;
}

static ffwd_status measure(ffwd_engine *engine, const ffwd_rows *x, const ffwd_rows *y,
                           ffwd_limit *limit, ffwd_error *err) {
    ffwd_placement *measured = engine->placements[0];
    ffwd_status status = FFWD_OK;
    if (measured->device->ops->limit == NULL) {
        status = find_native(engine, &measured, err);
    }
    if (status == FFWD_OK && measured->device->ops->limit == NULL) {
        status = ffwd_fail(err, FFWD_EINTERNAL, "the CPU measures no limit");
    }
    return status != FFWD_OK ? status : measured->device->ops->limit(measured, x, y, limit, err);
}

ffwd_status ffwd_engine_limit(ffwd_engine *engine, const ffwd_input *x, const ffwd_output *y,
                              ffwd_limit *limit, ffwd_error *err) {
    ffwd_rows x_rows, y_rows;
    ffwd_status status = ffwd_device_check_fork(engine->placements[0]->device, err);
    if (status == FFWD_OK) {
        status = ffwd_check_rows(engine->model, x, y, &x_rows, &y_rows, err);
    }
    if (status != FFWD_OK) {
        return status;
    }
    if (!ffwd_rows_dense(&x_rows, x_rows.dtype) || !ffwd_rows_dense(&y_rows, y_rows.dtype)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "the limit is measured over dense rows");
    }
    ffwd_limit full = FFWD_LIMIT_INIT;
    ffwd_fpenv env;
    const ffwd_allocator *before = ffwd_memory_enter(&engine->allocator);
    ffwd_fpenv_enter(&env);
    status = measure(engine, &x_rows, &y_rows, &full, err);
    ffwd_fpenv_leave(&env);
    ffwd_memory_leave(before);
    if (status == FFWD_OK) {
        ffwd_struct_write(limit, &full, sizeof full);
    }
    return status;
}
