// SPDX-License-Identifier: MIT
// Programs: embedded kernel files built for a device, each variant once.
#ifndef FFWD_OPENCL_PROGRAM_H
#define FFWD_OPENCL_PROGRAM_H

#include "opencl/kernel_sources.h"
#include "opencl/opencl_device.h"

/** Bytes of the longest definitions of a program, and of all its options. */
#define FFWD_OPENCL_DEFINITIONS 2048
#define FFWD_OPENCL_OPTIONS     (FFWD_OPENCL_DEFINITIONS + 96)

/** All that a program is made from on a device. */
typedef struct ffwd_opencl_recipe {
    const ffwd_kernel_source *source;
    char options[FFWD_OPENCL_OPTIONS];
} ffwd_opencl_recipe;

/** The recipe of an embedded file with definitions ("-D KERNEL=matmul_f32 ..."). */
ffwd_status ffwd_opencl_recipe_make(const ffwd_opencl_device *device, const char *source,
                                    const char *definitions, ffwd_opencl_recipe *out,
                                    ffwd_error *err);

/** A program of the caller's own, compiled now. FFWD_EDEVICE with the head of the driver's log. */
ffwd_status ffwd_opencl_compile(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe,
                                cl_program *out, ffwd_error *err);

/** The program of an embedded file with definitions, made at the first call and kept by the device:
 *  found where an earlier process left it, or compiled. */
ffwd_status ffwd_opencl_build(ffwd_opencl_device *device, const char *source,
                              const char *definitions, cl_program *out, ffwd_error *err);

/** A kernel of a program, for one thread: arguments are set in it. */
ffwd_status ffwd_opencl_kernel(ffwd_opencl_device *device, cl_program program, const char *name,
                               cl_kernel *out, ffwd_error *err);

/** The most items that a work-group of the built kernel may have; at least 1. */
ffwd_status ffwd_opencl_group_items(ffwd_opencl_device *device, cl_kernel kernel, const char *name,
                                    size_t *items, ffwd_error *err);

/** One argument of a kernel, as clSetKernelArg takes it; a NULL buffer is NULL in the kernel. */
typedef struct ffwd_opencl_argument {
    size_t size;
    const void *value;
} ffwd_opencl_argument;

ffwd_status ffwd_opencl_set_arguments(ffwd_opencl_device *device, cl_kernel kernel,
                                      const char *name, const ffwd_opencl_argument *arguments,
                                      size_t count, ffwd_error *err);

/** Leaves what was compiled here to later processes. Best after the first launches, since drivers
 *  put compiling off until then. */
void ffwd_opencl_keep_programs(ffwd_opencl_device *device);

/** After kernels that failed: what was found, not compiled, is not used or found any more. False
 *  where there was none, so that it would be in vain to build anew. */
bool ffwd_opencl_spoil_programs(ffwd_opencl_device *device);

/** Lets all programs of a device go. */
void ffwd_opencl_programs_destroy(ffwd_opencl_device *device);

#endif
