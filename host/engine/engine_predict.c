// SPDX-License-Identifier: MIT
// Predictions of runs: the rates of a device, its own or those assumed of its kind, and the plan.
#include "base/memory.h"
#include "base/process.h"
#include "base/structs.h"
#include "engine/engine.h"

/** Assumed of a GPU until it says more: a middling card. The bus is PCIe 3 x16, in GB/s. */
#define GPU_FLOPS_F32 4000
#define GPU_FLOPS_F64 200
#define GPU_MEMORY    300
#define BUS           12
#define GPU_LAUNCH_NS 10000
/** Kernels found or compiled, weights sent. */
#define GPU_SETUP_NS 50e6

/** An empty launch with its wait on PoCL 3.1: 54 to 66 us. */
#define CPU_DRIVER_LAUNCH_NS 60000

static void assume_gpu(uint32_t dtype, ffwd_rates *rates) {
    *rates = (ffwd_rates){.flops = dtype == FFWD_F64 ? GPU_FLOPS_F64 : GPU_FLOPS_F32,
                          .memory = {{.rate = GPU_MEMORY}},
                          .launch_ns = GPU_LAUNCH_NS,
                          .setup_ns = GPU_SETUP_NS};
}

/** A driver on the CPU's silicon: the rates of the CPU path, but for its launches. */
static void take_cpu(ffwd_device *cpu, uint32_t dtype, ffwd_rates *rates) {
    cpu->ops->rates(cpu, dtype, rates);
    rates->launch_ns = CPU_DRIVER_LAUNCH_NS;
    rates->threads = 0;
}

void ffwd_find_rates(ffwd_device *device, ffwd_device *cpu, uint32_t dtype, ffwd_rates *rates) {
    ffwd_fpenv env;
    ffwd_fpenv_enter(&env);
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(device, &info);
    if (device->ops->rates != NULL) {
        device->ops->rates(device, dtype, rates);
    } else if (info.type == FFWD_TYPE_CPU && cpu != NULL) {
        take_cpu(cpu, dtype, rates);
    } else {
        assume_gpu(dtype, rates);
    }
    if (device->ops->rates == NULL && !info.shares_memory) {
        rates->upload = BUS;
        rates->download = BUS;
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
    const ffwd_work work =
        ffwd_work_of(engine->model, first->flops, first->stage_count, first->chunk_rows, rows);
    ffwd_predict(&work, &rates, &full);
    full.setup_ns = engine->setup_ns;
    ffwd_struct_write(prediction, &full, sizeof full);
    return FFWD_OK;
}
