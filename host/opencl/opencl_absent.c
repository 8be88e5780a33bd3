// SPDX-License-Identifier: MIT
// The door to OpenCL devices in a build without them.
#include <stdio.h>

#include "opencl/opencl_open.h"

static const char reason[] = "no OpenCL device: built without OpenCL";

ffwd_status ffwd_opencl_open(const char *selector, const char *cache, ffwd_device **out,
                             ffwd_error *err) {
    (void)selector;
    (void)cache;
    *out = NULL;
    return ffwd_fail(err, FFWD_ENODEVICE, "%s", reason);
}

ffwd_status ffwd_opencl_visit(ffwd_status (*visit)(void *user, const ffwd_device_info *info,
                                                   ffwd_error *err),
                              void *user, char *note, size_t note_size, ffwd_error *err) {
    (void)visit;
    (void)user;
    (void)err;
    (void)snprintf(note, note_size, "%s", reason);
    return FFWD_OK;
}
