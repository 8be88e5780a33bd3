// SPDX-License-Identifier: MIT
// The first OpenCL device, and a small network prepared on it with its rows and answers.
#ifndef FFWD_TESTS_OPENCL_NET_H
#define FFWD_TESTS_OPENCL_NET_H

#include "opencl/opencl_device.h"

/** The first OpenCL device; NULL, and a skip, where there is none and none is needed. */
ffwd_device *open_opencl(void);

/** 6-5-3 relu with bias over 40 rows, z of the first layer captured. */
typedef struct small_net {
    ffwd_model *model;
    ffwd_placement *placement;
    float x[40 * 6], y[40 * 3], expected[40 * 3], z[40 * 5], z_expected[40 * 5];
    ffwd_rows sums[2], outputs[2];
    ffwd_chunk chunk;
} small_net;

ffwd_model *small_net_model(void);
void small_net_init(small_net *net, ffwd_device *device, uint32_t strategy);
void small_net_finish(small_net *net);
ffwd_status small_net_run(small_net *net, ffwd_error *err);
/** Fails the test unless the net runs and gives the oracle's bits. */
void small_net_check(small_net *net);

#endif
