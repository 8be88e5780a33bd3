// SPDX-License-Identifier: MIT
// The public door to a device in a context of the caller's.
#include <ffwd/opencl.h>

#include "base/memory.h"
#include "base/structs.h"
#include "opencl/opencl_device.h"

ffwd_status ffwd_opencl_device_open(cl_context context, cl_device_id id,
                                    const ffwd_device_options *given, ffwd_device **out,
                                    ffwd_error *err) {
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    ffwd_status status = ffwd_struct_read(&options, sizeof options, given, err);
    *out = NULL;
    if (status != FFWD_OK) {
        return status;
    }
    if (context == NULL || id == NULL) {
        return ffwd_fail(err, FFWD_EARGUMENT, "the %s is NULL",
                         context == NULL ? "context" : "device");
    }
    if (options.isa != NULL || options.threads > 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s is of the CPU path; an OpenCL device has none",
                         options.isa != NULL ? "isa" : "threads");
    }
    status = ffwd_memory_check(options.allocator, err);
    if (status != FFWD_OK) {
        return status;
    }
    const ffwd_allocator *before = ffwd_memory_enter(options.allocator);
    status = ffwd_opencl_open_in(context, id, options.cache, out, err);
    ffwd_memory_leave(before);
    return status;
}
