// SPDX-License-Identifier: MIT
// The layer: every call that ffwd makes passes `strikes` before it reaches the driver.
#define CL_TARGET_OPENCL_VERSION          300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS 1
#include "support/fault_layer.h"

#include <CL/cl_layer.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VISIBLE __attribute__((visibility("default")))

/** Shorter than what a device is given up for. */
#define DELAY_MS 50
/** Queues that can be waited for. */
#define QUEUES_MAX 65536

enum { CONTEXT, QUEUE, BUFFER, PROGRAM, KERNEL, EVENT };

static const cl_icd_dispatch *next;
static cl_icd_dispatch ours;

static struct {
    pthread_mutex_t mutex;
    fault_plan plan;
    fault_tally tally;
    int late; /**< the call has been made whose failure comes later */
    cl_command_queue queues[QUEUES_MAX];
    size_t queue_count;
} layer = {.mutex = PTHREAD_MUTEX_INITIALIZER};

VISIBLE void fault_layer_begin(const fault_plan *plan) {
    pthread_mutex_lock(&layer.mutex);
    layer.plan = *plan;
    layer.tally.calls = 0;
    layer.tally.struck = 0;
    layer.tally.transfers = 0;
    layer.tally.waits = 0;
    layer.late = 0;
    pthread_mutex_unlock(&layer.mutex);
}

VISIBLE void fault_layer_tally(fault_tally *out) {
    pthread_mutex_lock(&layer.mutex);
    *out = layer.tally;
    pthread_mutex_unlock(&layer.mutex);
}

/* Queues are retained here, so that they outlive their release. */
VISIBLE void fault_layer_wait(void) {
    for (size_t i = 0; i < layer.queue_count; i++) {
        (void)next->clFinish(layer.queues[i]);
    }
}

VISIBLE void fault_layer_end(void) {
    const fault_plan none = {FAULT_NONE, 0, 0, 0};
    fault_layer_wait();
    fault_layer_begin(&none);
    for (size_t i = 0; i < layer.queue_count; i++) {
        (void)next->clReleaseCommandQueue(layer.queues[i]);
    }
    layer.queue_count = 0;
}

static void count(int kind, long change) {
    pthread_mutex_lock(&layer.mutex);
    layer.tally.live[kind] += (uint64_t)change;
    pthread_mutex_unlock(&layer.mutex);
}

/** A command that moves rows, or clears them; blocking: and is waited for. */
static void count_transfer(cl_bool blocking) {
    pthread_mutex_lock(&layer.mutex);
    layer.tally.transfers++;
    layer.tally.waits += blocking != CL_FALSE;
    pthread_mutex_unlock(&layer.mutex);
}

static void count_wait(void) {
    pthread_mutex_lock(&layer.mutex);
    layer.tally.waits++;
    pthread_mutex_unlock(&layer.mutex);
}

static void keep(cl_command_queue queue) {
    pthread_mutex_lock(&layer.mutex);
    if (layer.queue_count < QUEUES_MAX && next->clRetainCommandQueue(queue) == CL_SUCCESS) {
        layer.queues[layer.queue_count++] = queue;
    }
    pthread_mutex_unlock(&layer.mutex);
}

/** Whether the plan means the call that is being made. Only some calls bring values back. */
static int is_meant(void) {
    const int later =
        layer.plan.for_ever || (layer.plan.kind == FAULT_FLIP && layer.tally.struck == 0);
    return layer.plan.at > 0 &&
           (layer.tally.calls == layer.plan.at || (later && layer.tally.calls > layer.plan.at));
}

/** Counts a call; what happens to it. A late fault waits here for its time. */
static fault_kind strikes(void) {
    pthread_mutex_lock(&layer.mutex);
    layer.tally.calls++;
    fault_kind kind = is_meant() ? layer.plan.kind : FAULT_NONE;
    if (kind == FAULT_LATE || kind == FAULT_STATE) {
        layer.late = 1;
        kind = FAULT_NONE;
    }
    layer.tally.struck += kind == FAULT_CODE || kind == FAULT_DELAY;
    pthread_mutex_unlock(&layer.mutex);
    if (kind == FAULT_DELAY) {
        const struct timespec pause = {DELAY_MS / 1000, DELAY_MS % 1000 * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
    return kind;
}

/** Whether a fault of this kind is due, whose call was made before. */
static int comes_late(fault_kind kind) {
    pthread_mutex_lock(&layer.mutex);
    const int due = layer.late && layer.plan.kind == kind;
    if (due) {
        layer.late = layer.plan.for_ever;
        layer.tally.struck++;
    }
    pthread_mutex_unlock(&layer.mutex);
    return due;
}

/** Turns a bit in the middle of what came back. */
static void flip(void *values, size_t bytes) {
    ((unsigned char *)values)[bytes / 2] ^= 1;
    pthread_mutex_lock(&layer.mutex);
    layer.tally.struck++;
    pthread_mutex_unlock(&layer.mutex);
}

/* Calls that return a code; the waiting ones also bring what went wrong before. */
#define PLAIN(name, parameters, arguments)                                                         \
    static cl_int CL_API_CALL faulty_##name parameters {                                           \
        return strikes() == FAULT_CODE ? layer.plan.code : next->name arguments;                   \
    }
#define WAITING(name, parameters, arguments)                                                       \
    static cl_int CL_API_CALL faulty_##name parameters {                                           \
        count_wait();                                                                              \
        if (strikes() == FAULT_CODE) {                                                             \
            return layer.plan.code;                                                                \
        }                                                                                          \
        cl_int code = next->name arguments;                                                        \
        return comes_late(FAULT_LATE) ? layer.plan.code : code;                                    \
    }
/* Calls that hand out an object, with their code behind a pointer. */
#define CREATING(kind, name, type, parameters, arguments)                                          \
    static type CL_API_CALL faulty_##name parameters {                                             \
        if (strikes() == FAULT_CODE) {                                                             \
            *code = layer.plan.code;                                                               \
            return NULL;                                                                           \
        }                                                                                          \
        type made = next->name arguments;                                                          \
        count(kind, made != NULL);                                                                 \
        return made;                                                                               \
    }
#define RETAINING(kind, name, type)                                                                \
    static cl_int CL_API_CALL faulty_##name(type object) {                                         \
        if (strikes() == FAULT_CODE) {                                                             \
            return layer.plan.code;                                                                \
        }                                                                                          \
        cl_int code = next->name(object);                                                          \
        count(kind, code == CL_SUCCESS);                                                           \
        return code;                                                                               \
    }
/* Releases never fail, so that what remains is what was not released. */
#define RELEASING(kind, name, type)                                                                \
    static cl_int CL_API_CALL faulty_##name(type object) {                                         \
        cl_int code = next->name(object);                                                          \
        count(kind, code == CL_SUCCESS ? -1 : 0);                                                  \
        return code;                                                                               \
    }

PLAIN(clGetPlatformIDs, (cl_uint entries, cl_platform_id *ids, cl_uint *found),
      (entries, ids, found))
PLAIN(clGetPlatformInfo,
      (cl_platform_id platform, cl_platform_info what, size_t size, void *value, size_t *used),
      (platform, what, size, value, used))
PLAIN(clGetDeviceIDs,
      (cl_platform_id platform, cl_device_type type, cl_uint entries, cl_device_id *ids,
       cl_uint *found),
      (platform, type, entries, ids, found))
PLAIN(clGetDeviceInfo,
      (cl_device_id device, cl_device_info what, size_t size, void *value, size_t *used),
      (device, what, size, value, used))
PLAIN(clBuildProgram,
      (cl_program program, cl_uint devices, const cl_device_id *ids, const char *options,
       void(CL_CALLBACK *done)(cl_program, void *), void *user),
      (program, devices, ids, options, done, user))
PLAIN(clGetProgramBuildInfo,
      (cl_program program, cl_device_id device, cl_program_build_info what, size_t size,
       void *value, size_t *used),
      (program, device, what, size, value, used))
PLAIN(clGetProgramInfo,
      (cl_program program, cl_program_info what, size_t size, void *value, size_t *used),
      (program, what, size, value, used))
PLAIN(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t size, const void *value),
      (kernel, index, size, value))
PLAIN(clGetKernelWorkGroupInfo,
      (cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what, size_t size,
       void *value, size_t *used),
      (kernel, device, what, size, value, used))
PLAIN(clFlush, (cl_command_queue queue), (queue))
PLAIN(clGetEventProfilingInfo,
      (cl_event event, cl_profiling_info what, size_t size, void *value, size_t *used),
      (event, what, size, value, used))
PLAIN(clGetContextInfo,
      (cl_context context, cl_context_info what, size_t size, void *value, size_t *used),
      (context, what, size, value, used))
PLAIN(clGetCommandQueueInfo,
      (cl_command_queue queue, cl_command_queue_info what, size_t size, void *value, size_t *used),
      (queue, what, size, value, used))
PLAIN(clGetMemObjectInfo, (cl_mem buffer, cl_mem_info what, size_t size, void *value, size_t *used),
      (buffer, what, size, value, used))
WAITING(clFinish, (cl_command_queue queue), (queue))
WAITING(clWaitForEvents, (cl_uint count_, const cl_event *list), (count_, list))
RETAINING(CONTEXT, clRetainContext, cl_context)
RETAINING(QUEUE, clRetainCommandQueue, cl_command_queue)
RETAINING(EVENT, clRetainEvent, cl_event)

CREATING(CONTEXT, clCreateContext, cl_context,
         (const cl_context_properties *properties, cl_uint devices, const cl_device_id *ids,
          void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user,
          cl_int *code),
         (properties, devices, ids, notify, user, code))
CREATING(BUFFER, clCreateBuffer, cl_mem,
         (cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code),
         (context, flags, size, host, code))
CREATING(PROGRAM, clCreateProgramWithSource, cl_program,
         (cl_context context, cl_uint count_, const char **texts, const size_t *lengths,
          cl_int *code),
         (context, count_, texts, lengths, code))
CREATING(PROGRAM, clCreateProgramWithBinary, cl_program,
         (cl_context context, cl_uint devices, const cl_device_id *ids, const size_t *lengths,
          const unsigned char **binaries, cl_int *states, cl_int *code),
         (context, devices, ids, lengths, binaries, states, code))
CREATING(KERNEL, clCreateKernel, cl_kernel, (cl_program program, const char *name, cl_int *code),
         (program, name, code))

RELEASING(CONTEXT, clReleaseContext, cl_context)
RELEASING(QUEUE, clReleaseCommandQueue, cl_command_queue)
RELEASING(BUFFER, clReleaseMemObject, cl_mem)
RELEASING(PROGRAM, clReleaseProgram, cl_program)
RELEASING(KERNEL, clReleaseKernel, cl_kernel)
RELEASING(EVENT, clReleaseEvent, cl_event)

static cl_command_queue CL_API_CALL faulty_clCreateCommandQueue(
    cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *code) {
    if (strikes() == FAULT_CODE) {
        *code = layer.plan.code;
        return NULL;
    }
    cl_command_queue made = next->clCreateCommandQueue(context, device, properties, code);
    count(QUEUE, made != NULL);
    if (made != NULL) {
        keep(made);
    }
    return made;
}

/** Counts the event of a command that was enqueued. */
static cl_int enqueued(cl_int code, const cl_event *event) {
    count(EVENT, code == CL_SUCCESS && event != NULL);
    return code;
}

static cl_int CL_API_CALL faulty_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
                                                        cl_uint dimensions, const size_t *offset,
                                                        const size_t *items, const size_t *group,
                                                        cl_uint waits, const cl_event *list,
                                                        cl_event *event) {
    if (strikes() == FAULT_CODE) {
        return layer.plan.code;
    }
    return enqueued(next->clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, items, group,
                                                 waits, list, event),
                    event);
}

static cl_int CL_API_CALL faulty_clEnqueueFillBuffer(cl_command_queue queue, cl_mem buffer,
                                                     const void *pattern, size_t pattern_size,
                                                     size_t offset, size_t size, cl_uint waits,
                                                     const cl_event *list, cl_event *event) {
    count_transfer(CL_FALSE);
    if (strikes() == FAULT_CODE) {
        return layer.plan.code;
    }
    return enqueued(next->clEnqueueFillBuffer(queue, buffer, pattern, pattern_size, offset, size,
                                              waits, list, event),
                    event);
}

/** A command that was made all the same ends with an object that nobody has asked for. */
static cl_int withdraw(cl_event *event) {
    if (event != NULL && *event != NULL) {
        (void)next->clReleaseEvent(*event);
        *event = NULL;
    }
    return layer.plan.code;
}

static cl_int CL_API_CALL faulty_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer,
                                                      cl_bool blocking, size_t offset, size_t size,
                                                      const void *values, cl_uint waits,
                                                      const cl_event *list, cl_event *event) {
    count_transfer(blocking);
    if (strikes() == FAULT_CODE) {
        return layer.plan.code;
    }
    cl_int code = next->clEnqueueWriteBuffer(queue, buffer, blocking, offset, size, values, waits,
                                             list, event);
    return comes_late(FAULT_LATE) ? withdraw(event) : enqueued(code, event);
}

static cl_int CL_API_CALL faulty_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer,
                                                     cl_bool blocking, size_t offset, size_t size,
                                                     void *values, cl_uint waits,
                                                     const cl_event *list, cl_event *event) {
    count_transfer(blocking);
    const fault_kind kind = strikes();
    if (kind == FAULT_CODE) {
        return layer.plan.code;
    }
    /* A bit is turned of what has come. */
    const cl_bool until_there = kind == FAULT_FLIP ? CL_TRUE : blocking;
    cl_int code = next->clEnqueueReadBuffer(queue, buffer, until_there, offset, size, values, waits,
                                            list, event);
    if (kind == FAULT_FLIP) {
        flip(values, size);
    }
    return comes_late(FAULT_LATE) ? withdraw(event) : enqueued(code, event);
}

static void *CL_API_CALL faulty_clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer,
                                                   cl_bool blocking, cl_map_flags flags,
                                                   size_t offset, size_t size, cl_uint waits,
                                                   const cl_event *list, cl_event *event,
                                                   cl_int *code) {
    count_transfer(blocking);
    const fault_kind kind = strikes();
    if (kind == FAULT_CODE) {
        *code = layer.plan.code;
        return NULL;
    }
    const cl_bool until_there = kind == FAULT_FLIP ? CL_TRUE : blocking;
    void *mapped = next->clEnqueueMapBuffer(queue, buffer, until_there, flags, offset, size, waits,
                                            list, event, code);
    if (kind == FAULT_FLIP && mapped != NULL && (flags & CL_MAP_READ) != 0) {
        flip(mapped, size);
    }
    if (mapped != NULL && comes_late(FAULT_LATE)) {
        (void)next->clEnqueueUnmapMemObject(queue, buffer, mapped, 0, NULL, NULL);
        *code = withdraw(event);
        return NULL;
    }
    (void)enqueued(*code, event);
    return mapped;
}

static cl_int CL_API_CALL faulty_clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem buffer,
                                                         void *mapped, cl_uint waits,
                                                         const cl_event *list, cl_event *event) {
    count_transfer(CL_FALSE);
    if (strikes() == FAULT_CODE) {
        return layer.plan.code;
    }
    return enqueued(next->clEnqueueUnmapMemObject(queue, buffer, mapped, waits, list, event),
                    event);
}

static cl_int CL_API_CALL faulty_clEnqueueCopyBuffer(cl_command_queue queue, cl_mem from, cl_mem to,
                                                     size_t from_offset, size_t to_offset,
                                                     size_t size, cl_uint waits,
                                                     const cl_event *list, cl_event *event) {
    count_transfer(CL_FALSE);
    if (strikes() == FAULT_CODE) {
        return layer.plan.code;
    }
    return enqueued(next->clEnqueueCopyBuffer(queue, from, to, from_offset, to_offset, size, waits,
                                              list, event),
                    event);
}

static cl_int CL_API_CALL faulty_clEnqueueBarrierWithWaitList(cl_command_queue queue, cl_uint waits,
                                                              const cl_event *list,
                                                              cl_event *event) {
    if (strikes() == FAULT_CODE) {
        return layer.plan.code;
    }
    return enqueued(next->clEnqueueBarrierWithWaitList(queue, waits, list, event), event);
}

static cl_int CL_API_CALL faulty_clGetEventInfo(cl_event event, cl_event_info what, size_t size,
                                                void *value, size_t *used) {
    if (strikes() == FAULT_CODE) {
        return layer.plan.code;
    }
    cl_int code = next->clGetEventInfo(event, what, size, value, used);
    if (what == CL_EVENT_COMMAND_EXECUTION_STATUS && size == sizeof layer.plan.code &&
        comes_late(FAULT_STATE)) {
        memcpy(value, &layer.plan.code, size);
    }
    return comes_late(FAULT_LATE) ? layer.plan.code : code;
}

static cl_int answer(const void *value, size_t bytes, size_t size, void *out, size_t *used) {
    if (out != NULL && size < bytes) {
        return CL_INVALID_VALUE;
    }
    if (out != NULL) {
        memcpy(out, value, bytes);
    }
    if (used != NULL) {
        *used = bytes;
    }
    return CL_SUCCESS;
}

VISIBLE CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t size, void *value,
                                                       size_t *used) {
    static const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    static const char name[] = "faults of ffwd's tests";
    switch (what) {
    case CL_LAYER_API_VERSION:
        return answer(&version, sizeof version, size, value, used);
    case CL_LAYER_NAME:
        return answer(name, sizeof name, size, value, used);
    default:
        return CL_INVALID_VALUE;
    }
}

/** For a test of a command: "CALLS STRUCK TRANSFERS WAITS LIVE". */
static void write_tally(void) {
    FILE *file = fopen(getenv("FFWD_TEST_LAYER_TALLY"), "w");
    if (file != NULL) {
        unsigned long long live = 0;
        for (size_t i = 0; i < FAULT_OBJECTS; i++) {
            live += layer.tally.live[i];
        }
        (void)fprintf(file, "%llu %llu %llu %llu %llu\n", (unsigned long long)layer.tally.calls,
                      (unsigned long long)layer.tally.struck,
                      (unsigned long long)layer.tally.transfers,
                      (unsigned long long)layer.tally.waits, live);
        (void)fclose(file);
    }
}

static void read_plan(void) {
    const char *text = getenv("FFWD_TEST_LAYER");
    fault_plan plan = {FAULT_NONE, 0, 0, 0};
    unsigned kind = 0;
    unsigned long long at = 0;
    if (text != NULL &&
        sscanf(text, "%u:%llu:%d:%d", &kind, &at, &plan.for_ever, &plan.code) == 4) {
        plan.kind = (fault_kind)kind;
        plan.at = at;
        fault_layer_begin(&plan);
    }
    if (getenv("FFWD_TEST_LAYER_TALLY") != NULL) {
        (void)atexit(write_tally);
    }
}

VISIBLE CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint entries, const cl_icd_dispatch *target,
                                                    cl_uint *entries_out,
                                                    const cl_icd_dispatch **out) {
    if (target == NULL || entries < sizeof ours / sizeof(void *)) {
        return CL_INVALID_VALUE;
    }
    next = target;
#define OURS(name) ours.name = faulty_##name;
    OURS(clGetPlatformIDs)
    OURS(clGetPlatformInfo)
    OURS(clGetDeviceIDs)
    OURS(clGetDeviceInfo)
    OURS(clCreateContext)
    OURS(clGetContextInfo)
    OURS(clRetainContext)
    OURS(clReleaseContext)
    OURS(clCreateCommandQueue)
    OURS(clGetCommandQueueInfo)
    OURS(clRetainCommandQueue)
    OURS(clReleaseCommandQueue)
    OURS(clCreateBuffer)
    OURS(clGetMemObjectInfo)
    OURS(clReleaseMemObject)
    OURS(clCreateProgramWithSource)
    OURS(clCreateProgramWithBinary)
    OURS(clBuildProgram)
    OURS(clGetProgramBuildInfo)
    OURS(clGetProgramInfo)
    OURS(clReleaseProgram)
    OURS(clCreateKernel)
    OURS(clReleaseKernel)
    OURS(clSetKernelArg)
    OURS(clGetKernelWorkGroupInfo)
    OURS(clEnqueueNDRangeKernel)
    OURS(clEnqueueFillBuffer)
    OURS(clEnqueueWriteBuffer)
    OURS(clEnqueueReadBuffer)
    OURS(clEnqueueMapBuffer)
    OURS(clEnqueueUnmapMemObject)
    OURS(clEnqueueCopyBuffer)
    OURS(clEnqueueBarrierWithWaitList)
    OURS(clFlush)
    OURS(clFinish)
    OURS(clWaitForEvents)
    OURS(clRetainEvent)
    OURS(clGetEventInfo)
    OURS(clGetEventProfilingInfo)
    OURS(clReleaseEvent)
#undef OURS
    read_plan();
    *entries_out = sizeof ours / sizeof(void *);
    *out = &ours;
    return CL_SUCCESS;
}
