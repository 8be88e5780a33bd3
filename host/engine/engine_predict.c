// SPDX-License-Identifier: MIT
// Predictions of runs: the rates of a device, its own or those assumed of its kind, and the plan.
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "base/structs.h"
#include "engine/engine.h"

void ffwd_find_rates(ffwd_device *device, ffwd_device *cpu, uint32_t dtype, ffwd_rates *rates) {
    ffwd_fpenv env;
    ffwd_fpenv_enter(&env);
    device->ops->rates(device, dtype, rates);
    if (rates->flops == 0 && cpu != NULL) { // a driver on the CPU's silicon
        ffwd_rates native = {0};
        cpu->ops->rates(cpu, dtype, &native);
        rates->flops = native.flops;
        memcpy(rates->memory, native.memory, sizeof rates->memory);
        rates->measured = rates->measured && native.measured;
    }
    ffwd_fpenv_leave(&env);
}

/** The CPU device among the engine's, or one that is opened; NULL where that fails. */
static ffwd_device *hold_cpu(const ffwd_engine *engine) {
    for (size_t i = 0; i < engine->placement_count; i++) {
        if (ffwd_is_cpu(engine->placements[i]->device)) {
            return ffwd_device_retain(engine->placements[i]->device);
        }
    }
    ffwd_device *cpu = NULL;
    return ffwd_device_open("cpu", NULL, &cpu, NULL) == FFWD_OK ? cpu : NULL;
}

ffwd_status ffwd_engine_predict(ffwd_engine *engine, uint64_t rows, ffwd_prediction *prediction,
                                ffwd_error *err) {
    const ffwd_placement *first = engine->placements[0];
    const ffwd_status status = ffwd_device_check_fork(first->device, err);
    if (status != FFWD_OK) {
        return status;
    }
    ffwd_prediction full = FFWD_PREDICTION_INIT;
    ffwd_rates rates = {0};
    const ffwd_allocator *before = ffwd_memory_enter(&engine->allocator);
    ffwd_device *cpu = hold_cpu(engine);
    ffwd_find_rates(first->device, cpu, engine->model->dtype, &rates);
    ffwd_device_destroy(cpu);
    ffwd_memory_leave(before);
    const double flops = (double)first->flops * first->slowness;
    const ffwd_work work =
        ffwd_work_of(engine->model, flops, first->stage_count, first->chunk_rows, rows);
    ffwd_predict(&work, &rates, &full);
    full.setup_ns = engine->setup_ns;
    ffwd_struct_write(prediction, &full, sizeof full);
    return FFWD_OK;
}
