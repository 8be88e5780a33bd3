// SPDX-License-Identifier: MIT
// The names of OpenCL's codes, the one text of a failed call, and what a code means for the device.
#include "opencl/opencl_error.h"

#include <stdio.h>

#define CODES(X)                                                                                   \
    X(CL_DEVICE_NOT_FOUND)                                                                         \
    X(CL_DEVICE_NOT_AVAILABLE)                                                                     \
    X(CL_COMPILER_NOT_AVAILABLE)                                                                   \
    X(CL_MEM_OBJECT_ALLOCATION_FAILURE)                                                            \
    X(CL_OUT_OF_RESOURCES)                                                                         \
    X(CL_OUT_OF_HOST_MEMORY)                                                                       \
    X(CL_PROFILING_INFO_NOT_AVAILABLE)                                                             \
    X(CL_MEM_COPY_OVERLAP)                                                                         \
    X(CL_BUILD_PROGRAM_FAILURE)                                                                    \
    X(CL_MAP_FAILURE)                                                                              \
    X(CL_MISALIGNED_SUB_BUFFER_OFFSET)                                                             \
    X(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)                                                \
    X(CL_COMPILE_PROGRAM_FAILURE)                                                                  \
    X(CL_LINKER_NOT_AVAILABLE)                                                                     \
    X(CL_LINK_PROGRAM_FAILURE)                                                                     \
    X(CL_INVALID_VALUE)                                                                            \
    X(CL_INVALID_DEVICE_TYPE)                                                                      \
    X(CL_INVALID_PLATFORM)                                                                         \
    X(CL_INVALID_DEVICE)                                                                           \
    X(CL_INVALID_CONTEXT)                                                                          \
    X(CL_INVALID_QUEUE_PROPERTIES)                                                                 \
    X(CL_INVALID_COMMAND_QUEUE)                                                                    \
    X(CL_INVALID_HOST_PTR)                                                                         \
    X(CL_INVALID_MEM_OBJECT)                                                                       \
    X(CL_INVALID_BINARY)                                                                           \
    X(CL_INVALID_BUILD_OPTIONS)                                                                    \
    X(CL_INVALID_PROGRAM)                                                                          \
    X(CL_INVALID_PROGRAM_EXECUTABLE)                                                               \
    X(CL_INVALID_KERNEL_NAME)                                                                      \
    X(CL_INVALID_KERNEL_DEFINITION)                                                                \
    X(CL_INVALID_KERNEL)                                                                           \
    X(CL_INVALID_ARG_INDEX)                                                                        \
    X(CL_INVALID_ARG_VALUE)                                                                        \
    X(CL_INVALID_ARG_SIZE)                                                                         \
    X(CL_INVALID_KERNEL_ARGS)                                                                      \
    X(CL_INVALID_WORK_DIMENSION)                                                                   \
    X(CL_INVALID_WORK_GROUP_SIZE)                                                                  \
    X(CL_INVALID_WORK_ITEM_SIZE)                                                                   \
    X(CL_INVALID_GLOBAL_OFFSET)                                                                    \
    X(CL_INVALID_EVENT_WAIT_LIST)                                                                  \
    X(CL_INVALID_EVENT)                                                                            \
    X(CL_INVALID_OPERATION)                                                                        \
    X(CL_INVALID_BUFFER_SIZE)                                                                      \
    X(CL_INVALID_GLOBAL_WORK_SIZE)                                                                 \
    X(CL_INVALID_PROPERTY)

const char *ffwd_opencl_code_name(cl_int code) {
#define CASE(name)                                                                                 \
    case name:                                                                                     \
        return #name;
    switch (code) {
        CODES(CASE)
    default:
        return "unknown code";
    }
#undef CASE
}

/** Memory that is lacking now: fewer rows may do, or another time. NVIDIA and PoCL allocate late,
 * so that it may be a launch that says so. */
static bool lacks_memory(cl_int code) {
    return code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_RESOURCES ||
           code == CL_OUT_OF_HOST_MEMORY;
}

/** Whether the driver only refused a call, or a program: what was there before is still sound. */
static bool is_refusal(cl_int code) {
    switch (code) {
    case CL_DEVICE_NOT_AVAILABLE:
    case CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST:
    case CL_INVALID_DEVICE:
    case CL_INVALID_CONTEXT:
    case CL_INVALID_COMMAND_QUEUE:
        return false;
    default:
        return (code <= CL_DEVICE_NOT_FOUND && code >= CL_LINK_PROGRAM_FAILURE) ||
               (code <= CL_INVALID_VALUE && code >= CL_INVALID_PROPERTY);
    }
}

ffwd_status ffwd_opencl_check(ffwd_opencl_device *device, cl_int code, const char *call,
                              const char *object, ffwd_error *err) {
    char text[FFWD_OPENCL_REASON];
    if (code == CL_SUCCESS) {
        return FFWD_OK;
    }
    (void)snprintf(text, sizeof text, "%s%s%s%s: %s (%d)", call, object != NULL ? "(" : "",
                   object != NULL ? object : "", object != NULL ? ")" : "",
                   ffwd_opencl_code_name(code), (int)code);
    if (!lacks_memory(code) && !is_refusal(code)) {
        ffwd_opencl_device_lose(device, code, text);
    }
    return ffwd_fail_native(err, lacks_memory(code) ? FFWD_ENOMEM : FFWD_EDEVICE, code, "%s: %s",
                            device->name, text);
}

bool ffwd_opencl_is_out_of_memory(ffwd_status status, const ffwd_error *err) {
    return status == FFWD_ENOMEM && err->native != 0;
}
