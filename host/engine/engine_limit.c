// SPDX-License-Identifier: MIT
// The limit of a run: asked from the device itself, or from the CPU where that is the silicon.
#include "base/process.h"
#include "base/structs.h"
#include "cpu/cpu.h"
#include "engine/engine.h"

/** An OpenCL CPU device is the CPU's silicon: the native path measures it, with all threads. */
static ffwd_status measure_native(ffwd_engine *engine, const ffwd_rows *x, const ffwd_rows *y,
                                  ffwd_limit *limit, ffwd_error *err) {
    if (engine->native == NULL) {
        ffwd_status status = ffwd_device_open("cpu", NULL, &engine->native, err);
        if (status != FFWD_OK) {
            return status;
        }
    }
    return ffwd_cpu_limit(engine->native, x, y, engine->model, limit, err);
}

static ffwd_status measure(ffwd_engine *engine, const ffwd_rows *x, const ffwd_rows *y,
                           ffwd_limit *limit, ffwd_error *err) {
    ffwd_placement *first = engine->placements[0];
    return first->device->ops->limit != NULL ? first->device->ops->limit(first, x, y, limit, err)
                                             : measure_native(engine, x, y, limit, err);
}

ffwd_status ffwd_engine_limit(ffwd_engine *engine, const ffwd_input *x, const ffwd_output *y,
                              ffwd_limit *limit, ffwd_error *err) {
    ffwd_rows x_rows, y_rows;
    ffwd_status status = ffwd_check_rows(engine->model, x, y, &x_rows, &y_rows, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (!ffwd_rows_dense(&x_rows, x_rows.dtype) || !ffwd_rows_dense(&y_rows, y_rows.dtype)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "the limit is measured over dense rows");
    }
    ffwd_limit full = FFWD_LIMIT_INIT;
    ffwd_fpenv env;
    ffwd_fpenv_enter(&env);
    status = measure(engine, &x_rows, &y_rows, &full, err);
    ffwd_fpenv_leave(&env);
    if (status == FFWD_OK) {
        ffwd_struct_write(limit, &full, sizeof full);
    }
    return status;
}
