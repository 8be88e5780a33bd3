// SPDX-License-Identifier: MIT
// What a device does with the kernels of limit.cl: multiply-adds in registers, and passes over its
// memory.
#ifndef FFWD_OPENCL_OPENCL_TRIAL_H
#define FFWD_OPENCL_OPENCL_TRIAL_H

#include "opencl/program.h"

/** Bytes of an element of the kernel "stream". */
enum { FFWD_OPENCL_STREAM_ELEMENT = 16 };

/** Where it is measured, and in which dtype. */
typedef struct ffwd_opencl_bench {
    ffwd_opencl_device *device;
    cl_command_queue queue;
    uint32_t dtype;
} ffwd_opencl_bench;

/** A kernel that is launched over items in groups. */
typedef struct ffwd_opencl_trial {
    ffwd_opencl_bench bench;
    cl_kernel kernel;
    const char *name;
    size_t items, group;
} ffwd_opencl_trial;

/** What the program of all trials in a dtype is made from. */
ffwd_status ffwd_opencl_trial_recipe(const ffwd_opencl_bench *bench, ffwd_opencl_recipe *out,
                                     ffwd_error *err);

/** A kernel of limit.cl, ready but for its arguments, over enough items to fill the device. Its
 *  kernel is to be released, also after a failure. */
ffwd_status ffwd_opencl_trial_begin(const ffwd_opencl_bench *bench, const char *name,
                                    ffwd_opencl_trial *trial, ffwd_error *err);
/** Enqueues it; event may be NULL. */
ffwd_status ffwd_opencl_trial_launch(const ffwd_opencl_trial *trial, cl_event *event,
                                     ffwd_error *err);

/** The best rate of several launches, in flops a nanosecond. */
ffwd_status ffwd_opencl_time_fma(const ffwd_opencl_bench *bench, double *gflops, ffwd_error *err);
/** The least nanoseconds of a pass that reads and writes so many bytes. */
ffwd_status ffwd_opencl_time_stream(const ffwd_opencl_bench *bench, uint64_t read_bytes,
                                    uint64_t write_bytes, uint64_t *ns, ffwd_error *err);

#endif
