// SPDX-License-Identifier: MIT
// A driver's codes as statuses and text.
#ifndef FFWD_OPENCL_OPENCL_ERROR_H
#define FFWD_OPENCL_OPENCL_ERROR_H

#include "opencl/opencl_device.h"

/** "CL_OUT_OF_RESOURCES"; "unknown code" for a code that is none. */
const char *ffwd_opencl_code_name(cl_int code);

/**
 * FFWD_OK for CL_SUCCESS, else FFWD_EDEVICE with the code and
 * "DEVICE: clEnqueueNDRangeKernel(matmul_f32): CL_OUT_OF_RESOURCES (-5)".
 *
 * @param object what was called for: a kernel, a file; or NULL
 */
ffwd_status ffwd_opencl_check(const ffwd_opencl_device *device, cl_int code, const char *call,
                              const char *object, ffwd_error *err);

#endif
