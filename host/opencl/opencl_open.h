// SPDX-License-Identifier: MIT
// The door to OpenCL devices: open one by selector, or visit all of them.
//
// Environment, read when a device is opened:
//   FFWD_OPENCL_LIBRARY  path of the ICD loader instead of libOpenCL.so.1, or "none"; the first
//                        library that was loaded stays for the life of the process
//   FFWD_CACHE           folder of compiled programs instead of $XDG_CACHE_HOME/ffwd, or "off"
//   FFWD_OPENCL_COPY     1: treat devices that share host memory as if they did not, so that tests
//                        reach the copying path anywhere
#ifndef FFWD_OPENCL_OPENCL_OPEN_H
#define FFWD_OPENCL_OPENCL_OPEN_H

#include "device/device.h"

/**
 * Opens "opencl" (the first device that is not refused), "gpu" (the first such GPU), "P:D", or the
 * first whose name contains the selector, case ignored. FFWD_ENODEVICE with the reason. The cache
 * is a folder of programs, NULL or "off", as ffwd_store_init has it.
 */
ffwd_status ffwd_opencl_open(const char *selector, const char *cache, ffwd_device **out,
                             ffwd_error *err);

/**
 * Opens every device in turn and shows what it is, or why it was refused. `note` receives why
 * there are no (more) devices (no loader, no platform, a platform without devices), or "".
 * A failing visit ends the walk with its status.
 */
ffwd_status ffwd_opencl_visit(ffwd_status (*visit)(void *user, const ffwd_device_info *info,
                                                   ffwd_error *err),
                              void *user, char *note, size_t note_size, ffwd_error *err);

#endif
