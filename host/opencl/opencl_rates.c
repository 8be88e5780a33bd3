// SPDX-License-Identifier: MIT
// What predictions reckon with on an OpenCL device: its launches, and, where it has a memory and
// units of its own, those and the way there. Measured once for a device and driver, and kept beside
// their programs.
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_trial.h"
#include "opencl/program_cache.h"

/** Assumed of a GPU that does not let itself be measured: a middling card on PCIe 3 x16. */
#define ASSUMED_FLOPS_F32 4000
#define ASSUMED_FLOPS_F64 200
#define ASSUMED_MEMORY    300
#define ASSUMED_BUS       12
#define ASSUMED_LAUNCH_NS 10000

/** Kernels found or compiled, weights sent. */
#define SETUP_NS 50e6

/** What of the multiply-adds in registers a plan reaches on a GPU. */
#define PLAN_SHARE 0.6

/** Bytes of a pass, larger than caches, and of a transfer: as much as both ways take little time.
 */
#define PASS_BYTES     (UINT64_C(64) << 20)
#define TRANSFER_BYTES (UINT64_C(8) << 20)
enum { TRANSFERS = 3 };

/** After so long a driver's threads that had nothing to do sleep, as they do from one run to the
 *  next. */
#define SLEEP_NS 50000

/** A chunk of next to nothing, and kernels more in some of them. */
#define CHUNK_BYTES UINT64_C(4096)
enum { CHUNKS = 15, MORE_KERNELS = 8 };

/** What is kept: bytes or flops a nanosecond; 0 where the device has none of its own. */
typedef struct kept_rates {
    double flops, memory;
    double upload, download;
    double launch_ns, chunk_ns;
} kept_rates;

/** Chunks of next to nothing, as opencl_run.c and opencl_pipeline.c have them. */
typedef struct tiny_chunk {
    ffwd_opencl_trial trial;
    void *x, *y;     /**< of the host */
    cl_mem from, to; /**< a device's that has memory of its own; in place: of one chunk */
} tiny_chunk;

/* -------------------------------------------------------------------------------------- launches
 */

/** Buffers of the host's memory for a chunk in place; on other devices there are some. */
static ffwd_status lend(tiny_chunk *chunk, ffwd_error *err) {
    ffwd_opencl_device *device = chunk->trial.bench.device;
    ffwd_status status = FFWD_OK;
    if (device->shares_memory) {
        FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_READ_ONLY, CHUNK_BYTES, chunk->x,
                                            &chunk->from, err));
        FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_READ_WRITE, CHUNK_BYTES, chunk->y,
                                            &chunk->to, err));
    }
cleanup:
    return status;
}

static void give_back(tiny_chunk *chunk) {
    const ffwd_opencl_device *device = chunk->trial.bench.device;
    if (device->shares_memory) {
        ffwd_opencl_release_buffer(device, chunk->from);
        ffwd_opencl_release_buffer(device, chunk->to);
        chunk->from = NULL;
        chunk->to = NULL;
    }
}

static ffwd_status launch(const tiny_chunk *chunk, int kernels, ffwd_error *err) {
    const ffwd_opencl_trial *trial = &chunk->trial;
    const cl_ulong elements = CHUNK_BYTES / FFWD_OPENCL_STREAM_ELEMENT;
    const ffwd_opencl_argument arguments[] = {{sizeof(cl_mem), &chunk->from},
                                              {sizeof elements, &elements},
                                              {sizeof(cl_mem), &chunk->to},
                                              {sizeof elements, &elements}};
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_set_arguments(trial->bench.device, trial->kernel, trial->name,
                                               arguments, 4, err));
    for (int i = 0; i < kernels; i++) {
        FFWD_TRY(status, ffwd_opencl_trial_launch(trial, NULL, err));
    }
cleanup:
    return status;
}

/** Sends X; in place there is nothing to send. */
static ffwd_status send(const tiny_chunk *chunk, ffwd_error *err) {
    const ffwd_opencl_bench *bench = &chunk->trial.bench;
    if (bench->device->shares_memory) {
        return FFWD_OK;
    }
    const cl_int code = bench->device->cl->clEnqueueWriteBuffer(
        bench->queue, chunk->from, CL_FALSE, 0, CHUNK_BYTES, chunk->x, 0, NULL, NULL);
    return ffwd_opencl_check(bench->device, code, "clEnqueueWriteBuffer", NULL, err);
}

/** Waits for Y and sees that it is the host's. */
static ffwd_status receive(const tiny_chunk *chunk, ffwd_error *err) {
    const ffwd_opencl_bench *bench = &chunk->trial.bench;
    const ffwd_opencl_api *cl = bench->device->cl;
    cl_int code = CL_SUCCESS;
    if (!bench->device->shares_memory) {
        code = cl->clEnqueueReadBuffer(bench->queue, chunk->to, CL_TRUE, 0, CHUNK_BYTES, chunk->y,
                                       0, NULL, NULL);
        return ffwd_opencl_check(bench->device, code, "clEnqueueReadBuffer", NULL, err);
    }
    void *mapped = cl->clEnqueueMapBuffer(bench->queue, chunk->to, CL_TRUE, CL_MAP_READ, 0,
                                          CHUNK_BYTES, 0, NULL, NULL, &code);
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_check(bench->device, code, "clEnqueueMapBuffer", NULL, err));
    code = cl->clEnqueueUnmapMemObject(bench->queue, chunk->to, mapped, 0, NULL, NULL);
    FFWD_TRY(status, ffwd_opencl_check(bench->device, code, "clEnqueueUnmapMemObject", NULL, err));
    FFWD_TRY(status,
             ffwd_opencl_check(bench->device, cl->clFinish(bench->queue), "clFinish", NULL, err));
cleanup:
    return status;
}

static ffwd_status run_chunk(tiny_chunk *chunk, int kernels, uint64_t *ns, ffwd_error *err) {
    ffwd_pass_ns(SLEEP_NS);
    const uint64_t start = ffwd_now_ns();
    ffwd_status status;
    FFWD_TRY(status, lend(chunk, err));
    FFWD_TRY(status, send(chunk, err));
    FFWD_TRY(status, launch(chunk, kernels, err));
    FFWD_TRY(status, receive(chunk, err));
cleanup:
    give_back(chunk);
    *ns = ffwd_now_ns() - start;
    return status;
}

/** A usual one of some chunks. */
static ffwd_status time_chunk(tiny_chunk *chunk, int kernels, double *usual, ffwd_error *err) {
    uint64_t ns[CHUNKS];
    ffwd_status status = FFWD_OK;
    for (int i = 0; i < CHUNKS; i++) {
        FFWD_TRY(status, run_chunk(chunk, kernels, &ns[i], err));
    }
    *usual = (double)ffwd_quartile_ns(ns, CHUNKS);
cleanup:
    return status;
}

static ffwd_status own_buffers(tiny_chunk *chunk, ffwd_error *err) {
    ffwd_opencl_device *device = chunk->trial.bench.device;
    ffwd_status status = FFWD_OK;
    if (!device->shares_memory) {
        FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_READ_ONLY, CHUNK_BYTES, NULL,
                                            &chunk->from, err));
        FFWD_TRY(status,
                 ffwd_opencl_buffer(device, CL_MEM_READ_WRITE, CHUNK_BYTES, NULL, &chunk->to, err));
    }
cleanup:
    return status;
}

/** What a chunk takes whatever its rows, and each of its kernels. */
static ffwd_status measure_launches(const ffwd_opencl_bench *bench, kept_rates *kept,
                                    ffwd_error *err) {
    tiny_chunk chunk = {.x = ffwd_alloc_zero(CHUNK_BYTES), .y = ffwd_alloc_zero(CHUNK_BYTES)};
    double one = 0, more = 0;
    chunk.trial.bench = *bench;
    ffwd_status status = FFWD_OK;
    if (chunk.x == NULL || chunk.y == NULL) {
        status = ffwd_fail_memory(err, 2 * CHUNK_BYTES, "the rates of a device");
        goto cleanup;
    }
    FFWD_TRY(status, ffwd_opencl_trial_begin(bench, "stream", &chunk.trial, err));
    FFWD_TRY(status, own_buffers(&chunk, err));
    FFWD_TRY(status, time_chunk(&chunk, 1, &one, err)); // the first may be compiled yet
    FFWD_TRY(status, time_chunk(&chunk, 1, &one, err));
    FFWD_TRY(status, time_chunk(&chunk, 1 + MORE_KERNELS, &more, err));
    kept->launch_ns = more > one ? (more - one) / MORE_KERNELS : 0;
    kept->chunk_ns = one > kept->launch_ns ? one - kept->launch_ns : 0;
cleanup:
    ffwd_opencl_release_buffer(bench->device, chunk.from);
    ffwd_opencl_release_buffer(bench->device, chunk.to);
    ffwd_opencl_release_kernel(bench->device, chunk.trial.kernel);
    ffwd_free(chunk.x);
    ffwd_free(chunk.y);
    return status;
}

/* ------------------------------------------------------------------------------------- transfers
 */

/** The least nanoseconds of a transfer, up or down. */
static ffwd_status time_transfer(const ffwd_opencl_bench *bench, cl_mem buffer, void *rows, bool up,
                                 uint64_t *least, ffwd_error *err) {
    const ffwd_opencl_api *cl = bench->device->cl;
    ffwd_status status = FFWD_OK;
    *least = UINT64_MAX;
    for (int i = 0; i < TRANSFERS; i++) {
        const uint64_t start = ffwd_now_ns();
        const cl_int code = up ? cl->clEnqueueWriteBuffer(bench->queue, buffer, CL_TRUE, 0,
                                                          TRANSFER_BYTES, rows, 0, NULL, NULL)
                               : cl->clEnqueueReadBuffer(bench->queue, buffer, CL_TRUE, 0,
                                                         TRANSFER_BYTES, rows, 0, NULL, NULL);
        FFWD_TRY(status,
                 ffwd_opencl_check(bench->device, code,
                                   up ? "clEnqueueWriteBuffer" : "clEnqueueReadBuffer", NULL, err));
        *least = ffwd_min(*least, ffwd_max(ffwd_now_ns() - start, 1));
    }
cleanup:
    return status;
}

/** The least nanoseconds in which the host copies as much to or from pinned memory. */
static uint64_t time_copy(void *to, const void *from) {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < TRANSFERS; i++) {
        const uint64_t start = ffwd_now_ns();
        memcpy(to, from, TRANSFER_BYTES);
        least = ffwd_min(least, ffwd_max(ffwd_now_ns() - start, 1));
    }
    return least;
}

/** A way of two parts, the host's copies and the transfers: they hide behind each other, unless the
 *  same cores do both. */
static double rate_of(const ffwd_opencl_device *device, uint64_t copy_ns, uint64_t transfer_ns) {
    const bool serial = device->type == FFWD_TYPE_CPU;
    const uint64_t ns = serial ? copy_ns + transfer_ns : ffwd_max(copy_ns, transfer_ns);
    return (double)TRANSFER_BYTES / (double)ns;
}

/** The rows' ways through pinned memory. */
static ffwd_status measure_ways(const ffwd_opencl_bench *bench, kept_rates *kept, ffwd_error *err) {
    ffwd_opencl_device *device = bench->device;
    void *rows = ffwd_alloc_zero(TRANSFER_BYTES), *pinned = NULL;
    cl_mem host = NULL, buffer = NULL;
    cl_int code = CL_SUCCESS;
    uint64_t up_ns = 0, down_ns = 0;
    ffwd_status status = FFWD_OK;
    if (rows == NULL) {
        return ffwd_fail_memory(err, TRANSFER_BYTES, "the rates of a device");
    }
    FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR,
                                        TRANSFER_BYTES, NULL, &host, err));
    FFWD_TRY(status,
             ffwd_opencl_buffer(device, CL_MEM_READ_WRITE, TRANSFER_BYTES, NULL, &buffer, err));
    pinned = device->cl->clEnqueueMapBuffer(bench->queue, host, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE,
                                            0, TRANSFER_BYTES, 0, NULL, NULL, &code);
    FFWD_TRY(status, ffwd_opencl_check(device, code, "clEnqueueMapBuffer", "pinned rows", err));
    FFWD_TRY(status, time_transfer(bench, buffer, pinned, true, &up_ns, err));
    FFWD_TRY(status, time_transfer(bench, buffer, pinned, false, &down_ns, err));
    kept->upload = rate_of(device, time_copy(pinned, rows), up_ns);
    kept->download = rate_of(device, time_copy(rows, pinned), down_ns);
    code = device->cl->clEnqueueUnmapMemObject(bench->queue, host, pinned, 0, NULL, NULL);
    FFWD_TRY(status, ffwd_opencl_check(device, code, "clEnqueueUnmapMemObject", NULL, err));
    FFWD_TRY(status,
             ffwd_opencl_check(device, device->cl->clFinish(bench->queue), "clFinish", NULL, err));
cleanup:
    ffwd_opencl_release_buffer(device, buffer);
    ffwd_opencl_release_buffer(device, host);
    ffwd_free(rows);
    return status;
}

/* ----------------------------------------------------------------------------------------- rates
 */

/** Its units and its memory. */
static ffwd_status measure_units(const ffwd_opencl_bench *bench, kept_rates *kept,
                                 ffwd_error *err) {
    const uint64_t bytes = ffwd_min(PASS_BYTES, bench->device->buffer_bytes);
    uint64_t ns = 0;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_time_fma(bench, &kept->flops, err));
    FFWD_TRY(status, ffwd_opencl_time_stream(bench, bytes, bytes, &ns, err));
    kept->memory = 2.0 * (double)bytes / (double)ns;
cleanup:
    return status;
}

static ffwd_status measure(ffwd_opencl_device *device, uint32_t dtype, kept_rates *kept,
                           ffwd_error *err) {
    ffwd_opencl_bench bench = {.device = device, .dtype = dtype};
    ffwd_status status;
    *kept = (kept_rates){0};
    FFWD_TRY(status, ffwd_opencl_device_check(device, err));
    FFWD_TRY(status, ffwd_opencl_device_trust(device, dtype, err));
    FFWD_TRY(status, ffwd_opencl_queue(device, &bench.queue, err));
    FFWD_TRY(status, measure_launches(&bench, kept, err));
    if (device->type != FFWD_TYPE_CPU) {
        FFWD_TRY(status, measure_units(&bench, kept, err));
    }
    if (!device->shares_memory) {
        FFWD_TRY(status, measure_ways(&bench, kept, err));
    }
    ffwd_opencl_keep_programs(device);
cleanup:
    ffwd_opencl_release_queue(device, bench.queue);
    return status;
}

/** Whether a rate is there where it must be, and of this world. */
static bool is_rate(double rate, bool wanted) {
    return wanted ? rate > 1e-3 && rate < 1e9 : rate == 0;
}

/** A chunk takes less than a tenth of a second, or something else had the machine. */
static bool is_plausible(const ffwd_opencl_device *device, const kept_rates *kept) {
    const bool own = device->type != FFWD_TYPE_CPU, far = !device->shares_memory;
    return is_rate(kept->flops, own) && is_rate(kept->memory, own) && is_rate(kept->upload, far) &&
           is_rate(kept->download, far) && kept->launch_ns >= 0 && kept->chunk_ns >= 0 &&
           kept->launch_ns + kept->chunk_ns > 0 && kept->launch_ns + kept->chunk_ns < 1e8;
}

/** What an earlier process measured, or what this one does. */
static bool find(ffwd_opencl_device *device, uint32_t dtype, kept_rates *kept) {
    const ffwd_opencl_bench bench = {.device = device, .dtype = dtype};
    ffwd_opencl_recipe recipe;
    char what[64];
    (void)snprintf(what, sizeof what, "rates 2 in %s, rows %s", ffwd_dtype_name(dtype),
                   device->shares_memory ? "in place" : "copied");
    if (ffwd_opencl_trial_recipe(&bench, &recipe, NULL) != FFWD_OK) {
        return false;
    }
    if (ffwd_opencl_find_value(device, what, &recipe, kept, sizeof *kept) &&
        is_plausible(device, kept)) {
        return true;
    }
    if (measure(device, dtype, kept, NULL) != FFWD_OK || !is_plausible(device, kept)) {
        return false;
    }
    ffwd_opencl_keep_value(device, what, &recipe, kept, sizeof *kept);
    return true;
}

static kept_rates assume(const ffwd_opencl_device *device, uint32_t dtype) {
    kept_rates kept = {.launch_ns = ASSUMED_LAUNCH_NS};
    if (device->type != FFWD_TYPE_CPU) {
        kept.flops = dtype == FFWD_F64 ? ASSUMED_FLOPS_F64 : ASSUMED_FLOPS_F32;
        kept.memory = ASSUMED_MEMORY;
    }
    if (!device->shares_memory) {
        kept.upload = ASSUMED_BUS;
        kept.download = ASSUMED_BUS;
    }
    return kept;
}

void ffwd_opencl_rates(ffwd_device *base, uint32_t dtype, ffwd_rates *rates) {
    ffwd_opencl_device *device = (ffwd_opencl_device *)base;
    kept_rates kept;
    const bool measured = find(device, dtype, &kept);
    if (!measured) {
        kept = assume(device, dtype);
    }
    *rates = (ffwd_rates){.flops = kept.flops * (measured ? PLAN_SHARE : 1),
                          .memory = {{.rate = kept.memory}},
                          .serial = device->type == FFWD_TYPE_CPU,
                          .upload = kept.upload,
                          .download = kept.download,
                          .launch_ns = kept.launch_ns,
                          .chunk_ns = kept.chunk_ns,
                          .setup_ns = SETUP_NS,
                          .measured = measured};
}
