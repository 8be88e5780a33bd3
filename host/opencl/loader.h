// SPDX-License-Identifier: MIT
// The OpenCL functions that are used, found in the ICD loader when first needed.
#ifndef FFWD_OPENCL_LOADER_H
#define FFWD_OPENCL_LOADER_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "base/error.h"

#define FFWD_OPENCL_CALLS(X)                                                                       \
    X(clGetPlatformIDs)                                                                            \
    X(clGetPlatformInfo)                                                                           \
    X(clGetDeviceIDs)                                                                              \
    X(clGetDeviceInfo)                                                                             \
    X(clCreateContext)                                                                             \
    X(clRetainContext)                                                                             \
    X(clGetContextInfo)                                                                            \
    X(clReleaseContext)                                                                            \
    X(clCreateCommandQueue)                                                                        \
    X(clRetainCommandQueue)                                                                        \
    X(clGetCommandQueueInfo)                                                                       \
    X(clReleaseCommandQueue)                                                                       \
    X(clCreateBuffer)                                                                              \
    X(clGetMemObjectInfo)                                                                          \
    X(clReleaseMemObject)                                                                          \
    X(clCreateProgramWithSource)                                                                   \
    X(clCreateProgramWithBinary)                                                                   \
    X(clBuildProgram)                                                                              \
    X(clGetProgramBuildInfo)                                                                       \
    X(clGetProgramInfo)                                                                            \
    X(clReleaseProgram)                                                                            \
    X(clCreateKernel)                                                                              \
    X(clReleaseKernel)                                                                             \
    X(clSetKernelArg)                                                                              \
    X(clGetKernelWorkGroupInfo)                                                                    \
    X(clEnqueueNDRangeKernel)                                                                      \
    X(clEnqueueWriteBuffer)                                                                        \
    X(clEnqueueReadBuffer)                                                                         \
    X(clEnqueueFillBuffer)                                                                         \
    X(clEnqueueMapBuffer)                                                                          \
    X(clEnqueueUnmapMemObject)                                                                     \
    X(clEnqueueBarrierWithWaitList)                                                                \
    X(clFlush)                                                                                     \
    X(clFinish)                                                                                    \
    X(clWaitForEvents)                                                                             \
    X(clRetainEvent)                                                                               \
    X(clGetEventInfo)                                                                              \
    X(clGetEventProfilingInfo)                                                                     \
    X(clReleaseEvent)

typedef struct ffwd_opencl_api {
#define FFWD_OPENCL_MEMBER(name) __typeof__(&name) name;
    FFWD_OPENCL_CALLS(FFWD_OPENCL_MEMBER)
#undef FFWD_OPENCL_MEMBER
} ffwd_opencl_api;

/**
 * The functions, for the life of the process: a loaded library is never closed, since drivers keep
 * threads in it. FFWD_ENODEVICE with the reason, after which another call tries again; FFWD_ESTATE
 * in a child that was forked after OpenCL was loaded, where drivers hang.
 */
ffwd_status ffwd_opencl_load(const ffwd_opencl_api **out, ffwd_error *err);

#endif
