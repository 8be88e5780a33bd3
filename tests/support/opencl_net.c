// SPDX-License-Identifier: MIT
// A small network on the first OpenCL device.
#include "support/opencl_net.h"

#include <check.h>
#include <string.h>

#include "opencl/opencl_open.h"
#include "support/nets.h"
#include "support/oracle.h"
#include "support/suite.h"

ffwd_device *open_opencl(void) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device *device = NULL;
    ffwd_status status = ffwd_opencl_open("opencl", NULL, &device, &err);
    if (status != FFWD_OK) {
        ck_assert_msg(status == FFWD_ENODEVICE, "%s", err.message);
        expect_no_opencl(err.message);
        skip("%s", err.message);
    }
    return device;
}

static ffwd_rows rows_of(void *data, uint64_t cols) {
    return (ffwd_rows){data, FFWD_F32, 40, cols, (int64_t)cols * 4, 4};
}

ffwd_model *small_net_model(void) {
    static const uint64_t widths[] = {6, 5, 3};
    const net_shape shape = net_shape_of(2, widths, FFWD_RELU, 1);
    return net_create(&shape, FFWD_F32, 3);
}

void small_net_init(small_net *net, ffwd_device *device, uint32_t strategy) {
    void *sums[] = {net->z_expected, NULL};
    ffwd_error err = FFWD_ERROR_INIT;
    memset(net, 0, sizeof *net);
    net->model = small_net_model();
    ck_assert_int_eq(ffwd_random_fill(5, 0, 0, UINT64_C(40) * 6, FFWD_F32, net->x, NULL), FFWD_OK);
    oracle_run(net->model, 40, net->x, net->expected, sums, NULL);
    net->sums[0] = rows_of(net->z, 5);
    net->chunk = (ffwd_chunk){.x = rows_of(net->x, 6),
                              .y = rows_of(net->y, 3),
                              .sums = net->sums,
                              .outputs = net->outputs};
    const ffwd_request request = {.strategy = strategy, .expected_rows = 40};
    ffwd_status status = device->ops->prepare(device, net->model, &request, &net->placement, &err);
    expect_ok(status, &err);
}

void small_net_finish(small_net *net) {
    net->placement->device->ops->release(net->placement);
    ffwd_model_destroy(net->model);
}

ffwd_status small_net_run(small_net *net, ffwd_error *err) {
    ffwd_timing timing = {0};
    return net->placement->device->ops->run_chunk(net->placement, &net->chunk, &timing, err);
}

void small_net_check(small_net *net) {
    memset(net->y, 0xa5, sizeof net->y);
    ck_assert_int_eq(small_net_run(net, NULL), FFWD_OK);
    net_check_bits(net->y, net->expected, 40, 3, FFWD_F32, "y");
    net_check_bits(net->z, net->z_expected, 40, 5, FFWD_F32, "z");
}
