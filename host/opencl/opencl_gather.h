// SPDX-License-Identifier: MIT
// Rows of a caller's on the device, of another dtype than the model's or with strides, into dense
// ones of the model's dtype (gather) and back (scatter): a kernel of its own for each dtype.
#ifndef FFWD_OPENCL_OPENCL_GATHER_H
#define FFWD_OPENCL_OPENCL_GATHER_H

#include "opencl/opencl_device.h"

typedef enum ffwd_opencl_way { FFWD_WAY_GATHER, FFWD_WAY_SCATTER, FFWD_WAYS } ffwd_opencl_way;

/** A kernel that moves rows one way; all zero: there is none yet. */
typedef struct ffwd_opencl_gather {
    ffwd_opencl_device *device;
    char name[32]; /**< "gather_u8_f32", "scatter_f32_f64": from, to */
    cl_kernel kernel;
    size_t group_items; /**< the most of a work-group */
} ffwd_opencl_gather;

/** Rows on the device; see gather.cl. */
typedef struct ffwd_opencl_view {
    cl_mem buffer;
    cl_long offset, row_stride, col_stride; /**< elements */
} ffwd_opencl_view;

/** A launch. */
typedef struct ffwd_opencl_move {
    ffwd_opencl_view from, to;
    cl_uint rows, cols;
    cl_command_queue queue;
    cl_uint wait_count;
    const cl_event *wait_list;
} ffwd_opencl_move;

/** Builds the kernel's program and says its name. */
ffwd_status ffwd_opencl_gather_build(ffwd_opencl_device *device, ffwd_opencl_way way,
                                     uint32_t model_dtype, uint32_t dtype,
                                     ffwd_opencl_gather *gather, cl_program *program,
                                     ffwd_error *err);

/** Makes the kernel between the model's dtype and another where it is missing, and proves it over
 *  known rows, on this queue, which is waited for. FFWD_EUNSUPPORTED for float64 on a device that
 *  has none. After a failure it is missing. */
ffwd_status ffwd_opencl_gather_make(ffwd_opencl_device *device, cl_command_queue queue,
                                    ffwd_opencl_way way, uint32_t model_dtype, uint32_t dtype,
                                    ffwd_opencl_gather *gather, ffwd_error *err);
/** Lets the kernel go; takes one that is missing. */
void ffwd_opencl_gather_end(ffwd_opencl_gather *gather);

ffwd_status ffwd_opencl_gather_launch(const ffwd_opencl_gather *gather,
                                      const ffwd_opencl_move *move, cl_event *event,
                                      ffwd_error *err);

#endif
