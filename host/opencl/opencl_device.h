// SPDX-License-Identifier: MIT
// One OpenCL device: what it is, its context, and the programs built for it.
#ifndef FFWD_OPENCL_OPENCL_DEVICE_H
#define FFWD_OPENCL_OPENCL_DEVICE_H

#include <pthread.h>

#include "base/store.h"
#include "device/device.h"
#include "opencl/loader.h"
#include "opencl/opencl_tiles.h"

typedef struct ffwd_opencl_program ffwd_opencl_program;

/** Bytes of a reason: an error's message. */
#define FFWD_OPENCL_REASON sizeof((ffwd_error *)0)->message

/** Whether the driver still answers: a device is lost once and for ever. */
typedef enum ffwd_opencl_loss { FFWD_PRESENT, FFWD_LOSING, FFWD_LOST } ffwd_opencl_loss;

/** What the probe of float64 has said so far. */
typedef enum ffwd_opencl_verdict { FFWD_UNPROBED, FFWD_TRUSTED, FFWD_REFUSED } ffwd_opencl_verdict;

typedef struct ffwd_opencl_device {
    ffwd_device base;
    const ffwd_opencl_api *cl;
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;

    char selector[32]; /**< "P:D" */
    char name[256], driver[256], version[256];
    char platform_name[256], platform_version[256];
    uint32_t type;   /**< ffwd_device_type */
    uint32_t vendor; /**< its number */
    const ffwd_opencl_tiles *tiles;
    uint32_t compute_units;
    uint64_t memory_bytes, buffer_bytes, local_bytes;
    size_t group_items;    /**< the most items a work-group has */
    uint32_t lanes[2];     /**< of a native vector of f32, f64 */
    size_t rows_alignment; /**< of host memory that is used in place */
    bool shares_memory;
    bool pipelined;      /**< chunks of host rows pass through lanes, two at once */
    bool exact_division; /**< has the option for correctly rounded float division */
    bool has_f64;

    ffwd_store store; /**< of programs, verdicts and rates */
    pthread_mutex_t programs_mutex;
    ffwd_opencl_program *programs;
    char refused[FFWD_OPENCL_REASON]; /**< why it cannot be used, or "" */

    pthread_mutex_t f64_mutex; /**< held by the one thread that probes */
    atomic_int verdict_f64;    /**< ffwd_opencl_verdict */
    char refused_f64[FFWD_OPENCL_REASON];

    atomic_int loss;               /**< ffwd_opencl_loss */
    char lost[FFWD_OPENCL_REASON]; /**< why, where loss is FFWD_LOST */
    cl_int lost_code;              /**< the driver's, or CL_SUCCESS */
} ffwd_opencl_device;

/** Describes device D of platform P by queries alone; what it does not answer stays 0. */
ffwd_status ffwd_opencl_device_create(const ffwd_opencl_api *cl, cl_platform_id platform,
                                      cl_device_id id, uint32_t p, uint32_t d,
                                      ffwd_opencl_device **out, ffwd_error *err);

/** Keeps programs, verdicts and rates in a folder instead of the environment's; "off", or NULL: as
 * it is. Before start. */
void ffwd_opencl_device_keep(ffwd_opencl_device *device, const char *folder);

/** Opens a device in a context of the caller's; see platform.c. */
ffwd_status ffwd_opencl_open_in(cl_context context, cl_device_id id, const char *cache,
                                ffwd_device **out, ffwd_error *err);

/** Makes a context of the caller's its own. FFWD_EARGUMENT where the device is not in that. */
ffwd_status ffwd_opencl_device_adopt(ffwd_opencl_device *device, cl_context context,
                                     ffwd_error *err);

/** Makes it ready for models: checks, context unless it has one, float32 probe. FFWD_ENODEVICE with
 * the reason, or FFWD_ENOMEM. */
ffwd_status ffwd_opencl_device_start(ffwd_opencl_device *device, ffwd_error *err);

/** Whether models of a dtype run here; probes at the first question. FFWD_EUNSUPPORTED if not, for
 *  good; another status where the probe could not be made, which the next question tries again. */
ffwd_status ffwd_opencl_device_trust(ffwd_opencl_device *device, uint32_t dtype, ffwd_error *err);

/** Whether it is lost, in this process or in the one that this was forked from. */
bool ffwd_opencl_device_is_lost(const ffwd_opencl_device *device);

/** Whether the driver may be called: not in a forked child, nor when the device is lost. Where it
 *  may not, handles are abandoned instead of released. */
bool ffwd_opencl_device_reachable(const ffwd_opencl_device *device);

/** FFWD_ESTATE in a forked child, FFWD_EDEVICE with the first reason when the device is lost. */
ffwd_status ffwd_opencl_device_check(const ffwd_opencl_device *device, ffwd_error *err);

/** The driver broke down, with a code, or hangs: nothing more is asked of it. The first reason
 *  stays. */
void ffwd_opencl_device_lose(ffwd_opencl_device *device, cl_int code, const char *reason);

/** An in-order queue whose events carry times. */
ffwd_status ffwd_opencl_queue(ffwd_opencl_device *device, cl_command_queue *out, ffwd_error *err);

/** A buffer of its own, or (host not NULL) one that is the caller's memory. */
ffwd_status ffwd_opencl_buffer(ffwd_opencl_device *device, cl_mem_flags flags, uint64_t bytes,
                               void *host, cl_mem *out, ffwd_error *err);

/** A time that an event carries, by the device's clock; 0 where the driver does not say. */
uint64_t ffwd_opencl_event_ns(const ffwd_opencl_device *device, cl_event event,
                              cl_profiling_info what);
/** How long a finished command took; 0 where the driver does not say. */
uint64_t ffwd_opencl_command_ns(const ffwd_opencl_device *device, cl_event event);

/* Ends of handles, which may be NULL. A lost device keeps them: see ffwd_abandoned_objects. */
void ffwd_opencl_release_event(const ffwd_opencl_device *device, cl_event event);
void ffwd_opencl_release_buffer(const ffwd_opencl_device *device, cl_mem buffer);
void ffwd_opencl_release_kernel(const ffwd_opencl_device *device, cl_kernel kernel);
void ffwd_opencl_release_program(const ffwd_opencl_device *device, cl_program program);
void ffwd_opencl_release_queue(const ffwd_opencl_device *device, cl_command_queue queue);
void ffwd_opencl_release_context(const ffwd_opencl_device *device, cl_context context);

/* The device's functions for the engine, in their own files. */
ffwd_status ffwd_opencl_prepare(ffwd_device *base, const ffwd_model *model,
                                const ffwd_request *request, ffwd_placement **out, ffwd_error *err);
ffwd_status ffwd_opencl_clone(const ffwd_placement *base, ffwd_placement **out, ffwd_error *err);
void ffwd_opencl_release(ffwd_placement *base);
ffwd_status ffwd_opencl_run_chunk(ffwd_placement *base, const ffwd_chunk *chunk,
                                  ffwd_timing *timing, ffwd_error *err);
ffwd_status ffwd_opencl_begin_chunk(ffwd_placement *base, const ffwd_chunk *chunk,
                                    ffwd_timing *timing, ffwd_error *err);
ffwd_status ffwd_opencl_end_chunk(ffwd_placement *base, ffwd_error *err);
ffwd_status ffwd_opencl_enqueue_run(ffwd_placement *base, const ffwd_resident *run,
                                    ffwd_error *err);
ffwd_status ffwd_opencl_collect(ffwd_placement *base, ffwd_resident_times *times, ffwd_error *err);
ffwd_status ffwd_opencl_run_resident(ffwd_placement *base, const ffwd_rows *x, const ffwd_rows *y,
                                     ffwd_timing *timing, ffwd_resident_times *times,
                                     ffwd_error *err);
ffwd_status ffwd_opencl_limit(ffwd_placement *base, const ffwd_rows *x, const ffwd_rows *y,
                              ffwd_limit *limit, ffwd_error *err);
void ffwd_opencl_rates(ffwd_device *base, uint32_t dtype, ffwd_rates *rates);

#endif
