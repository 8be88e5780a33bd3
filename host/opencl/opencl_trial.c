// SPDX-License-Identifier: MIT
// Kernels that are timed; see limit.cl.
#include "opencl/opencl_trial.h"

#include <stdio.h>

#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_error.h"

/** Launches of each measurement, of which the best counts. */
enum { LAUNCHES = 5 };
/** Items a compute unit, enough to fill any; chains and steps of each, see limit.cl. */
enum { UNIT_ITEMS = 2048, CHAINS = 16, STEPS = 4096 };

/** The definitions of the program in a dtype. */
static void define(uint32_t dtype, char *definitions, size_t bytes) {
    const bool f64 = dtype == FFWD_F64;
    (void)snprintf(definitions, bytes, "-D KERNEL=fma_rate_%s -D CHAINS=%d%s", f64 ? "f64" : "f32",
                   CHAINS, f64 ? " -D REAL_IS_F64" : "");
}

ffwd_status ffwd_opencl_trial_recipe(const ffwd_opencl_bench *bench, ffwd_opencl_recipe *out,
                                     ffwd_error *err) {
    char definitions[96];
    define(bench->dtype, definitions, sizeof definitions);
    return ffwd_opencl_recipe_make(bench->device, "limit.cl", definitions, out, err);
}

ffwd_status ffwd_opencl_trial_begin(const ffwd_opencl_bench *bench, const char *name,
                                    ffwd_opencl_trial *trial, ffwd_error *err) {
    ffwd_opencl_device *device = bench->device;
    char definitions[96];
    cl_program program = NULL;
    define(bench->dtype, definitions, sizeof definitions);
    *trial = (ffwd_opencl_trial){.bench = *bench, .name = name};
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_build(device, "limit.cl", definitions, &program, err));
    FFWD_TRY(status, ffwd_opencl_kernel(device, program, name, &trial->kernel, err));
    FFWD_TRY(status, ffwd_opencl_group_items(device, trial->kernel, name, &trial->group, err));
    trial->group = (size_t)ffwd_min(trial->group, device->group_items);
    trial->items =
        (size_t)ffwd_round_up(ffwd_max(device->compute_units, 1) * UNIT_ITEMS, trial->group);
cleanup:
    return status;
}

ffwd_status ffwd_opencl_trial_launch(const ffwd_opencl_trial *trial, cl_event *event,
                                     ffwd_error *err) {
    const cl_int code = trial->bench.device->cl->clEnqueueNDRangeKernel(
        trial->bench.queue, trial->kernel, 1, NULL, &trial->items, &trial->group, 0, NULL, event);
    return ffwd_opencl_check(trial->bench.device, code, "clEnqueueNDRangeKernel", trial->name, err);
}

static ffwd_status time_launch(const ffwd_opencl_trial *trial, uint64_t *ns, ffwd_error *err) {
    ffwd_opencl_device *device = trial->bench.device;
    const uint64_t start = ffwd_now_ns();
    cl_event event = NULL;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_trial_launch(trial, &event, err));
    FFWD_TRY(status, ffwd_opencl_check(device, device->cl->clFinish(trial->bench.queue), "clFinish",
                                       trial->name, err));
    *ns = ffwd_now_ns() - start;
    const uint64_t device_ns = ffwd_opencl_command_ns(device, event);
    if (device_ns != 0) {
        *ns = device_ns;
    }
cleanup:
    ffwd_opencl_release_event(device, event);
    return status;
}

static ffwd_status best_launch(const ffwd_opencl_trial *trial, uint64_t *best_ns, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    *best_ns = UINT64_MAX;
    for (int i = 0; i < LAUNCHES; i++) {
        uint64_t ns = 0;
        FFWD_TRY(status, time_launch(trial, &ns, err));
        *best_ns = ffwd_max(ffwd_min(*best_ns, ns), 1);
    }
cleanup:
    return status;
}

ffwd_status ffwd_opencl_time_fma(const ffwd_opencl_bench *bench, double *gflops, ffwd_error *err) {
    const bool f64 = bench->dtype == FFWD_F64;
    const size_t value_bytes = ffwd_dtype_size(bench->dtype);
    const cl_double factor64 = 0.75;
    const cl_double addend64 = 0.5;
    const cl_float factor32 = 0.75f;
    const cl_float addend32 = 0.5f;
    const cl_uint steps = STEPS;
    cl_mem results = NULL;
    uint64_t ns = 0;
    ffwd_opencl_trial trial = {.bench = *bench};
    ffwd_status status;
    FFWD_TRY(status,
             ffwd_opencl_trial_begin(bench, f64 ? "fma_rate_f64" : "fma_rate_f32", &trial, err));
    FFWD_TRY(status, ffwd_opencl_buffer(bench->device, CL_MEM_WRITE_ONLY, trial.items * value_bytes,
                                        NULL, &results, err));
    const ffwd_opencl_argument arguments[] = {
        {sizeof(cl_mem), &results},
        {value_bytes, f64 ? (const void *)&factor64 : &factor32},
        {value_bytes, f64 ? (const void *)&addend64 : &addend32},
        {sizeof steps, &steps},
    };
    FFWD_TRY(status,
             ffwd_opencl_set_arguments(bench->device, trial.kernel, trial.name, arguments, 4, err));
    FFWD_TRY(status, best_launch(&trial, &ns, err));
    *gflops = 2.0 * CHAINS * STEPS * (double)trial.items / (double)ns;
cleanup:
    ffwd_opencl_release_buffer(bench->device, results);
    ffwd_opencl_release_kernel(bench->device, trial.kernel);
    return status;
}

ffwd_status ffwd_opencl_time_stream(const ffwd_opencl_bench *bench, uint64_t read_bytes,
                                    uint64_t write_bytes, uint64_t *ns, ffwd_error *err) {
    const cl_ulong reads =
        (read_bytes + FFWD_OPENCL_STREAM_ELEMENT - 1) / FFWD_OPENCL_STREAM_ELEMENT;
    const cl_ulong writes =
        (write_bytes + FFWD_OPENCL_STREAM_ELEMENT - 1) / FFWD_OPENCL_STREAM_ELEMENT;
    const uint64_t from_bytes = reads * FFWD_OPENCL_STREAM_ELEMENT;
    const cl_uchar zero = 0;
    cl_mem from = NULL;
    cl_mem to = NULL;
    ffwd_opencl_trial trial = {.bench = *bench};
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_trial_begin(bench, "stream", &trial, err));
    FFWD_TRY(status,
             ffwd_opencl_buffer(bench->device, CL_MEM_READ_ONLY, from_bytes, NULL, &from, err));
    FFWD_TRY(status, ffwd_opencl_buffer(bench->device, CL_MEM_WRITE_ONLY,
                                        writes * FFWD_OPENCL_STREAM_ELEMENT, NULL, &to, err));
    FFWD_TRY(status, ffwd_opencl_check(bench->device,
                                       bench->device->cl->clEnqueueFillBuffer(
                                           bench->queue, from, &zero, sizeof zero, 0,
                                           (size_t)from_bytes, 0, NULL, NULL),
                                       "clEnqueueFillBuffer", trial.name, err));
    const ffwd_opencl_argument arguments[] = {{sizeof(cl_mem), &from},
                                              {sizeof reads, &reads},
                                              {sizeof(cl_mem), &to},
                                              {sizeof writes, &writes}};
    FFWD_TRY(status,
             ffwd_opencl_set_arguments(bench->device, trial.kernel, trial.name, arguments, 4, err));
    FFWD_TRY(status, best_launch(&trial, ns, err));
cleanup:
    ffwd_opencl_release_buffer(bench->device, to);
    ffwd_opencl_release_buffer(bench->device, from);
    ffwd_opencl_release_kernel(bench->device, trial.kernel);
    return status;
}
