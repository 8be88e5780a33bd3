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

/** What the run enqueued last came to. */
struct ffwd_resident_times {
    uint64_t rows, chunks, chunks_halved;
    uint64_t row_bytes;           /**< of X and Y as they lie */
    uint64_t kernel_ns, total_ns; /**< 0 where the queue keeps no times */
};

#endif
