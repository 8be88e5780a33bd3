// SPDX-License-Identifier: MIT
// A run over rows that lie on a device, as the engine hands it to one that has such runs.
#ifndef FFWD_DEVICE_DEVICE_ROWS_H
#define FFWD_DEVICE_DEVICE_ROWS_H

#include <ffwd/opencl.h>

#include "device/device.h"

/** X and Y have the model's shapes and dtypes that go with it; their strides are not 0, and those
 *  that are never taken are the dense ones. */
struct ffwd_resident {
    cl_command_queue queue;
    const ffwd_opencl_rows *x, *y;
    const cl_event *wait_list;
    cl_uint wait_count;
    cl_event *event; /**< receives that of the end; or NULL */
};

#endif
