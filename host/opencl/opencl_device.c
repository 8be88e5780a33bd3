// SPDX-License-Identifier: MIT
// An OpenCL device as the engine sees it: description, trust, opening and closing.
#include "opencl/opencl_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_error.h"
#include "opencl/probe.h"
#include "opencl/program.h"

/** Some drivers compute wrongly in buffers above 4 GiB; none needs one above this. */
#define BUFFER_BYTES_MAX (UINT64_C(1) << 30)
/** More items a group are slower or refused in the field, whatever the device says. */
#define GROUP_ITEMS_MAX 256

/** Leaves *value alone where the device does not answer. */
static void query(const ffwd_opencl_device *device, cl_device_info what, size_t size, void *value) {
    char answer[16] = {0};
    if (size <= sizeof answer &&
        device->cl->clGetDeviceInfo(device->id, what, size, answer, NULL) == CL_SUCCESS) {
        memcpy(value, answer, size);
    }
}

static void query_text(const ffwd_opencl_device *device, cl_device_info what, char text[256]) {
    if (device->cl->clGetDeviceInfo(device->id, what, 255, text, NULL) != CL_SUCCESS) {
        text[0] = '\0';
    }
}

static void query_platform(const ffwd_opencl_device *device, cl_platform_info what,
                           char text[256]) {
    if (device->cl->clGetPlatformInfo(device->platform, what, 255, text, NULL) != CL_SUCCESS) {
        text[0] = '\0';
    }
}

static uint32_t query_type(const ffwd_opencl_device *device) {
    cl_device_type type = 0;
    query(device, CL_DEVICE_TYPE, sizeof type, &type);
    return type & CL_DEVICE_TYPE_CPU           ? FFWD_TYPE_CPU
           : type & CL_DEVICE_TYPE_GPU         ? FFWD_TYPE_GPU
           : type & CL_DEVICE_TYPE_ACCELERATOR ? FFWD_TYPE_ACCELERATOR
                                               : FFWD_TYPE_OTHER;
}

static void query_arithmetic(ffwd_opencl_device *device) {
    cl_device_fp_config f32 = 0;
    cl_device_fp_config f64 = 0;
    query(device, CL_DEVICE_SINGLE_FP_CONFIG, sizeof f32, &f32);
    query(device, CL_DEVICE_DOUBLE_FP_CONFIG, sizeof f64, &f64);
    device->exact_division = (f32 & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0;
    device->has_f64 = f64 != 0;
}

static void query_memory(ffwd_opencl_device *device) {
    cl_ulong global = 0;
    cl_ulong buffer = 0;
    cl_ulong local = 0;
    cl_bool shared = CL_FALSE;
    cl_uint alignment_bits = 0;
    const char *copy = getenv("FFWD_OPENCL_COPY");
    query(device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof global, &global);
    query(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof buffer, &buffer);
    query(device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local);
    query(device, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof shared, &shared);
    query(device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof alignment_bits, &alignment_bits);
    device->memory_bytes = global;
    device->buffer_bytes = ffwd_min(buffer, BUFFER_BYTES_MAX);
    device->local_bytes = local;
    device->shares_memory = shared == CL_TRUE && !(copy != NULL && strcmp(copy, "1") == 0);
    device->pipelined = !device->shares_memory;
    // PoCL computes in the memory it is given wherever it lies; elsewhere a driver may copy it.
    device->rows_alignment = strcmp(device->platform_name, "Portable Computing Language") == 0
                                 ? 1
                                 : ffwd_max(alignment_bits / 8, 1);
}

static void query_all(ffwd_opencl_device *device) {
    size_t group_items = 0;
    cl_uint units = 0;
    cl_uint lanes[2] = {0, 0};
    query_text(device, CL_DEVICE_NAME, device->name);
    query_text(device, CL_DRIVER_VERSION, device->driver);
    query_text(device, CL_DEVICE_VERSION, device->version);
    query_platform(device, CL_PLATFORM_NAME, device->platform_name);
    query_platform(device, CL_PLATFORM_VERSION, device->platform_version);
    query(device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof group_items, &group_items);
    query(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units);
    query(device, CL_DEVICE_VENDOR_ID, sizeof device->vendor, &device->vendor);
    query(device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof lanes[0], &lanes[0]);
    query(device, CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE, sizeof lanes[1], &lanes[1]);
    device->lanes[0] = lanes[0];
    device->lanes[1] = lanes[1];
    device->group_items = ffwd_max(ffwd_min(group_items, GROUP_ITEMS_MAX), 1);
    device->compute_units = units;
    device->type = query_type(device);
    device->tiles = ffwd_opencl_tiles_for(device->type, device->vendor);
    query_arithmetic(device);
    query_memory(device);
}

static void describe(const ffwd_device *base, ffwd_device_info *info) {
    const ffwd_opencl_device *device = (const ffwd_opencl_device *)base;
    ffwd_store *store = &((ffwd_opencl_device *)ffwd_unconst(base))->store;
    const ffwd_store_tally tally = ffwd_store_count(store);
    info->type = device->type;
    info->id = device->selector;
    info->backend = "opencl";
    info->name = device->name;
    info->platform = device->platform_name;
    info->driver = device->driver;
    info->threads = device->compute_units;
    info->f64 = device->has_f64 && atomic_load(&device->verdict_f64) != FFWD_REFUSED;
    info->shares_memory = device->shares_memory;
    info->memory_bytes = device->memory_bytes;
    info->cache = device->store.folder;
    info->cache_note = ffwd_store_note(store);
    info->cache_hits = tally.hits;
    info->cache_misses = tally.misses;
    info->cache_spoilt = tally.spoilt;
    info->refused = atomic_load(&device->loss) == FFWD_LOST ? device->lost : device->refused;
}

static bool has_strategy(const ffwd_device *device, uint32_t strategy) {
    (void)device;
    return strategy == FFWD_CHAIN || strategy == FFWD_LAYERED || strategy == FFWD_FUSED;
}

static void close_device(ffwd_device *base) {
    ffwd_opencl_device *device = (ffwd_opencl_device *)base;
    ffwd_opencl_programs_destroy(device);
    ffwd_opencl_release_context(device, device->context);
    ffwd_store_finish(&device->store);
    (void)pthread_mutex_destroy(&device->programs_mutex);
    (void)pthread_mutex_destroy(&device->f64_mutex);
    ffwd_free(device);
}

#define OPS(limit_function)                                                                        \
    {                                                                                              \
        .describe = describe, .has_strategy = has_strategy, .prepare = ffwd_opencl_prepare,        \
        .clone = ffwd_opencl_clone, .run_chunk = ffwd_opencl_run_chunk,                            \
        .enqueue = ffwd_opencl_enqueue_run, .collect = ffwd_opencl_collect,                        \
        .run_resident = ffwd_opencl_run_resident, .begin_chunk = ffwd_opencl_begin_chunk,          \
        .end_chunk = ffwd_opencl_end_chunk, .limit = (limit_function), .rates = ffwd_opencl_rates, \
        .release = ffwd_opencl_release, .close = close_device,                                     \
    }

/** A device that is the CPU's silicon has the CPU's limit, which native code measures. */
static const ffwd_device_ops cpu_type_ops = OPS(NULL);
static const ffwd_device_ops other_type_ops = OPS(ffwd_opencl_limit);

ffwd_status ffwd_opencl_device_create(const ffwd_opencl_api *cl, cl_platform_id platform,
                                      cl_device_id id, uint32_t p, uint32_t d,
                                      ffwd_opencl_device **out, ffwd_error *err) {
    ffwd_opencl_device *device = ffwd_alloc_zero(sizeof *device);
    *out = NULL;
    if (device == NULL) {
        return ffwd_fail_memory(err, sizeof *device, "a device");
    }
    device->cl = cl;
    device->platform = platform;
    device->id = id;
    (void)snprintf(device->selector, sizeof device->selector, "%u:%u", (unsigned)p, (unsigned)d);
    query_all(device);
    ffwd_store_init(&device->store, NULL);
    (void)pthread_mutex_init(&device->programs_mutex, NULL);
    (void)pthread_mutex_init(&device->f64_mutex, NULL);
    atomic_init(&device->verdict_f64, FFWD_UNPROBED);
    atomic_init(&device->loss, FFWD_PRESENT);
    ffwd_device_init(&device->base,
                     device->type == FFWD_TYPE_CPU ? &cpu_type_ops : &other_type_ops);
    *out = device;
    return FFWD_OK;
}

void ffwd_opencl_device_keep(ffwd_opencl_device *device, const char *folder) {
    if (folder != NULL) {
        ffwd_store_finish(&device->store);
        ffwd_store_init(&device->store, folder);
    }
}

static ffwd_status check_features(const ffwd_opencl_device *device, ffwd_error *err) {
    cl_bool available = CL_FALSE;
    cl_bool compiles = CL_FALSE;
    cl_bool little = CL_FALSE;
    int major = 0;
    int minor = 0;
    query(device, CL_DEVICE_AVAILABLE, sizeof available, &available);
    query(device, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiles, &compiles);
    query(device, CL_DEVICE_ENDIAN_LITTLE, sizeof little, &little);
    if (!available) {
        return ffwd_fail(err, FFWD_ENODEVICE, "the driver says it is not available");
    }
    if (!compiles) {
        return ffwd_fail(err, FFWD_ENODEVICE, "its driver has no compiler");
    }
    if (!little) {
        return ffwd_fail(err, FFWD_ENODEVICE, "it is big-endian");
    }
    if (sscanf(device->version, "OpenCL %d.%d", &major, &minor) != 2 || major * 10 + minor < 12) {
        return ffwd_fail(err, FFWD_ENODEVICE, "OpenCL 1.2 is needed, it has \"%s\"",
                         device->version);
    }
    return FFWD_OK;
}

ffwd_status ffwd_opencl_device_adopt(ffwd_opencl_device *device, cl_context context,
                                     ffwd_error *err) {
    cl_device_id ids[64];
    size_t bytes = 0;
    bool found = false;
    cl_int code =
        device->cl->clGetContextInfo(context, CL_CONTEXT_DEVICES, sizeof ids, ids, &bytes);
    ffwd_status status = ffwd_opencl_check(device, code, "clGetContextInfo", NULL, err);
    if (status != FFWD_OK) {
        return status;
    }
    for (size_t i = 0; i < bytes / sizeof ids[0]; i++) {
        found = found || ids[i] == device->id;
    }
    if (!found) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s is none of the %zu device(s) of the context",
                         device->name, bytes / sizeof ids[0]);
    }
    code = device->cl->clRetainContext(context);
    status = ffwd_opencl_check(device, code, "clRetainContext", NULL, err);
    if (status == FFWD_OK) {
        device->context = context;
        device->pipelined = false;
    }
    return status;
}

static ffwd_status create_context(ffwd_opencl_device *device, ffwd_error *err) {
    cl_int code = CL_SUCCESS;
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)device->platform, 0};
    device->context = device->cl->clCreateContext(properties, 1, &device->id, NULL, NULL, &code);
    return ffwd_opencl_check(device, code, "clCreateContext", NULL, err);
}

ffwd_status ffwd_opencl_device_start(ffwd_opencl_device *device, ffwd_error *err) {
    ffwd_error reason = FFWD_ERROR_INIT;
    ffwd_status status;
    FFWD_TRY(status, check_features(device, &reason));
    if (device->context == NULL) {
        FFWD_TRY(status, create_context(device, &reason));
    }
    FFWD_TRY(status, ffwd_opencl_probe(device, FFWD_F32, &reason));
    return FFWD_OK;
cleanup:
    (void)snprintf(device->refused, sizeof device->refused, "%s", reason.message);
    const bool host_memory =
        status == FFWD_ENOMEM && !ffwd_opencl_is_out_of_memory(status, &reason);
    return ffwd_fail_native(err, host_memory ? FFWD_ENOMEM : FFWD_ENODEVICE, reason.native, "%s",
                            reason.message);
}

/** Probes float64. Wrong results are a verdict; that the probe could not be made is none. */
static ffwd_status probe_f64(ffwd_opencl_device *device, ffwd_error *err) {
    ffwd_error reason = FFWD_ERROR_INIT;
    ffwd_status status = ffwd_opencl_probe(device, FFWD_F64, &reason);
    if (status != FFWD_OK && status != FFWD_ENODEVICE) {
        return ffwd_fail_native(err, status, reason.native, "%s", reason.message);
    }
    memcpy(device->refused_f64, reason.message, sizeof device->refused_f64);
    atomic_store(&device->verdict_f64, status == FFWD_OK ? FFWD_TRUSTED : FFWD_REFUSED);
    return FFWD_OK;
}

/** Sees to it that there is a verdict over float64. */
static ffwd_status judge_f64(ffwd_opencl_device *device, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    (void)pthread_mutex_lock(&device->f64_mutex);
    if (atomic_load(&device->verdict_f64) == FFWD_UNPROBED) {
        status = probe_f64(device, err);
    }
    (void)pthread_mutex_unlock(&device->f64_mutex);
    return status;
}

ffwd_status ffwd_opencl_device_trust(ffwd_opencl_device *device, uint32_t dtype, ffwd_error *err) {
    if (dtype != FFWD_F64) {
        return FFWD_OK;
    }
    if (!device->has_f64) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED,
                         "%s: a float64 model, but the device computes no float64", device->name);
    }
    ffwd_status status = judge_f64(device, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (atomic_load(&device->verdict_f64) == FFWD_REFUSED) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "%s: no float64: %s", device->name,
                         device->refused_f64);
    }
    return FFWD_OK;
}

bool ffwd_opencl_device_is_lost(const ffwd_opencl_device *device) {
    return atomic_load(&device->loss) != FFWD_PRESENT;
}

bool ffwd_opencl_device_reachable(const ffwd_opencl_device *device) {
    return device->base.fork_generation == ffwd_fork_generation() &&
           !ffwd_opencl_device_is_lost(device);
}

ffwd_status ffwd_opencl_device_check(const ffwd_opencl_device *device, ffwd_error *err) {
    ffwd_status status = ffwd_device_check_fork(&device->base, err);
    if (status != FFWD_OK) {
        return status;
    }
    switch ((ffwd_opencl_loss)atomic_load(&device->loss)) {
    case FFWD_PRESENT:
        return FFWD_OK;
    case FFWD_LOSING: // the reason is being written
        return ffwd_fail(err, FFWD_EDEVICE, "%s: device lost", device->name);
    case FFWD_LOST:
        break;
    }
    return ffwd_fail_native(err, FFWD_EDEVICE, device->lost_code, "%s: device lost: %s",
                            device->name, device->lost);
}

void ffwd_opencl_device_lose(ffwd_opencl_device *device, cl_int code, const char *reason) {
    int expected = FFWD_PRESENT;
    if (atomic_compare_exchange_strong(&device->loss, &expected, FFWD_LOSING)) {
        device->lost_code = code;
        (void)snprintf(device->lost, sizeof device->lost, "%s", reason);
        atomic_store(&device->loss, FFWD_LOST);
    }
}

ffwd_status ffwd_opencl_queue(ffwd_opencl_device *device, cl_command_queue *out, ffwd_error *err) {
    cl_int code = CL_SUCCESS;
    *out = device->cl->clCreateCommandQueue(device->context, device->id, CL_QUEUE_PROFILING_ENABLE,
                                            &code);
    return ffwd_opencl_check(device, code, "clCreateCommandQueue", NULL, err);
}

ffwd_status ffwd_opencl_buffer(ffwd_opencl_device *device, cl_mem_flags flags, uint64_t bytes,
                               void *host, cl_mem *out, ffwd_error *err) {
    cl_int code = CL_SUCCESS;
    char size[32];
    (void)snprintf(size, sizeof size, "%llu bytes", (unsigned long long)bytes);
    if (host != NULL) {
        flags |= CL_MEM_USE_HOST_PTR;
    }
    *out = device->cl->clCreateBuffer(device->context, flags, (size_t)bytes, host, &code);
    return ffwd_opencl_check(device, code, "clCreateBuffer", size, err);
}

uint64_t ffwd_opencl_event_ns(const ffwd_opencl_device *device, cl_event event,
                              cl_profiling_info what) {
    cl_ulong ns = 0;
    return device->cl->clGetEventProfilingInfo(event, what, sizeof ns, &ns, NULL) == CL_SUCCESS ? ns
                                                                                                : 0;
}

uint64_t ffwd_opencl_command_ns(const ffwd_opencl_device *device, cl_event event) {
    const uint64_t start = ffwd_opencl_event_ns(device, event, CL_PROFILING_COMMAND_START);
    const uint64_t end = ffwd_opencl_event_ns(device, event, CL_PROFILING_COMMAND_END);
    return start != 0 && end > start ? end - start : 0;
}

/** Whether an object is to be released. Those of a lost device are abandoned, and counted; those of
 *  a forked child are the parent's. */
static bool releasable(const ffwd_opencl_device *device, const void *object) {
    if (object == NULL || device->base.fork_generation != ffwd_fork_generation()) {
        return false;
    }
    if (ffwd_opencl_device_reachable(device)) {
        return true;
    }
    ffwd_device_abandon();
    return false;
}

#define RELEASE(what, type, call)                                                                  \
    void ffwd_opencl_release_##what(const ffwd_opencl_device *device, type what) {                 \
        if (releasable(device, what)) {                                                            \
            (void)device->cl->call(what);                                                          \
        }                                                                                          \
    }
RELEASE(event, cl_event, clReleaseEvent)
RELEASE(buffer, cl_mem, clReleaseMemObject)
RELEASE(kernel, cl_kernel, clReleaseKernel)
RELEASE(program, cl_program, clReleaseProgram)
RELEASE(queue, cl_command_queue, clReleaseCommandQueue)
RELEASE(context, cl_context, clReleaseContext)
#undef RELEASE
