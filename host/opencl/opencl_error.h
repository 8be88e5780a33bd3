// SPDX-License-Identifier: MIT
// A driver's codes as statuses and text.
#ifndef FFWD_OPENCL_OPENCL_ERROR_H
#define FFWD_OPENCL_OPENCL_ERROR_H

#include "opencl/opencl_device.h"

/** "CL_OUT_OF_RESOURCES"; "unknown code" for a code that is none. */
const char *ffwd_opencl_code_name(cl_int code);

/**
 * FFWD_OK for CL_SUCCESS, else a failure with the code and
 * "DEVICE: clEnqueueNDRangeKernel(matmul_f32): CL_OUT_OF_RESOURCES (-5)".
 *
 * Three kinds of codes: FFWD_ENOMEM for those that say that memory is lacking; FFWD_EDEVICE for a
 * call or a program that was refused; and all others, unknown ones too, lose the device, for what
 * it holds cannot be relied on any more (FFWD_EDEVICE, and for good).
 *
 * @param object what was called for: a kernel, a file; or NULL
 */
ffwd_status ffwd_opencl_check(ffwd_opencl_device *device, cl_int code, const char *call,
                              const char *object, ffwd_error *err);

/** Whether it is the device that lacks memory, not the host. */
bool ffwd_opencl_is_out_of_memory(ffwd_status status, const ffwd_error *err);

#endif
