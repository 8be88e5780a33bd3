// SPDX-License-Identifier: MIT
// The known-answer test of a device's arithmetic. A driver can return wrong numbers quietly, and
// capability bits are wrong in both directions: results decide. A device answers for its arithmetic
// when it is opened, and every kernel of a plan for its own when it is first launched.
#ifndef FFWD_OPENCL_PROBE_H
#define FFWD_OPENCL_PROBE_H

#include "opencl/opencl_device.h"

/** FFWD_OK where the device passes now or has passed in an earlier process; FFWD_ENODEVICE with the
 *  first result that differs, FFWD_EDEVICE where the driver failed. */
ffwd_status ffwd_opencl_probe(ffwd_opencl_device *device, uint32_t dtype, ffwd_error *err);

/** Extents of a dense layer and its rows. */
typedef struct ffwd_probe_shape {
    size_t rows, inputs, neurons;
} ffwd_probe_shape;

/** One dtype's side of the probe on the host; operands and results are bits. */
typedef struct ffwd_probe_host {
    size_t value_bytes;
    size_t result_count; /**< of one case */
    /** Fills [count][3] operands: special values crossed, then the activations' range and any bits.
     */
    void (*fill)(void *operands, uint32_t count);
    /** Computes [count][results] answers. */
    void (*answer)(const void *operands, uint32_t count, void *results);
    /** Fills the operands of a dense layer, [rows][inputs], [neurons][inputs] and [neurons]; there
     *  are two rows and two neurons at least. Two rows are -0 and the smallest subnormal alone, two
     *  neurons' weights 1 and 0; elsewhere special values lie among ordinary ones. */
    void (*fill_dense)(const ffwd_probe_shape *shape, void *x, void *weights, void *bias);
    /** Fills values[0 .. count): special values among ordinary ones. */
    void (*fill_values)(void *values, size_t count);
    /** z of an operation on [rows][inputs], as the contract defines it; its y where it has no
     *  activation. */
    void (*sums)(const ffwd_operation *operation, size_t rows, const void *x, void *z);
    /** y of that z. */
    void (*outputs)(const ffwd_operation *operation, size_t rows, const void *z, void *y);
    /** The bits of values[index]. */
    uint64_t (*bits)(const void *values, size_t index);
    /** Writes "sigmoid_f32(-0.5): got 3ec1..., expected 3ec1..." for one result. */
    void (*explain)(const void *operands, const void *got, const void *expected, size_t index,
                    char *text, size_t size);
} ffwd_probe_host;

extern const ffwd_probe_host ffwd_probe_f32, ffwd_probe_f64;

#endif
