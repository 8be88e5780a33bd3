// SPDX-License-Identifier: MIT
// The OpenCL device where its driver or the heap fails: the chunk fails with a reason, the caller's
// rows are free, nothing is left behind, and a device that is lost is left alone.
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "opencl/opencl_open.h"
#include "opencl/opencl_placement.h"
#include "support/fail_alloc.h"
#include "support/nets.h"
#include "support/opencl_net.h"
#include "support/suite.h"

/** A driver between the device and its own, that fails the n-th call, counts objects, and says of
 *  every command that it is in one state. */
static struct {
    ffwd_opencl_api real;
    long calls, fail_at;
    long events, buffers, states;
    size_t largest_buffer;
    cl_int state;
} fault;

static bool fails(void) {
    return ++fault.calls == fault.fail_at;
}

static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t size,
                                        void *host, cl_int *code) {
    if (fails()) {
        *code = CL_INVALID_OPERATION;
        return NULL;
    }
    fault.largest_buffer = size > fault.largest_buffer ? size : fault.largest_buffer;
    cl_mem buffer = fault.real.clCreateBuffer(context, flags, size, host, code);
    fault.buffers += buffer != NULL;
    return buffer;
}

static cl_int CL_API_CALL release_buffer(cl_mem buffer) {
    fault.buffers--;
    return fault.real.clReleaseMemObject(buffer);
}

static cl_int CL_API_CALL release_event(cl_event event) {
    fault.events--;
    return fault.real.clReleaseEvent(event);
}

static cl_int CL_API_CALL set_argument(cl_kernel kernel, cl_uint index, size_t size,
                                       const void *value) {
    return fails() ? CL_INVALID_OPERATION : fault.real.clSetKernelArg(kernel, index, size, value);
}

static cl_int CL_API_CALL enqueue_kernel(cl_command_queue queue, cl_kernel kernel,
                                         cl_uint dimensions, const size_t *offset,
                                         const size_t *items, const size_t *group, cl_uint count,
                                         const cl_event *list, cl_event *event) {
    if (fails()) {
        return CL_INVALID_OPERATION;
    }
    fault.events += event != NULL;
    return fault.real.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, items, group, count,
                                             list, event);
}

static cl_int CL_API_CALL enqueue_write(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                        size_t offset, size_t size, const void *data, cl_uint count,
                                        const cl_event *list, cl_event *event) {
    if (fails()) {
        return CL_INVALID_OPERATION;
    }
    fault.events += event != NULL;
    return fault.real.clEnqueueWriteBuffer(queue, buffer, blocking, offset, size, data, count, list,
                                           event);
}

static cl_int CL_API_CALL enqueue_read(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                       size_t offset, size_t size, void *data, cl_uint count,
                                       const cl_event *list, cl_event *event) {
    if (fails()) {
        return CL_INVALID_OPERATION;
    }
    fault.events += event != NULL;
    return fault.real.clEnqueueReadBuffer(queue, buffer, blocking, offset, size, data, count, list,
                                          event);
}

static void *CL_API_CALL enqueue_map(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                     cl_map_flags flags, size_t offset, size_t size, cl_uint count,
                                     const cl_event *list, cl_event *event, cl_int *code) {
    if (fails()) {
        *code = CL_INVALID_OPERATION;
        return NULL;
    }
    fault.events += event != NULL;
    return fault.real.clEnqueueMapBuffer(queue, buffer, blocking, flags, offset, size, count, list,
                                         event, code);
}

static cl_int CL_API_CALL enqueue_unmap(cl_command_queue queue, cl_mem buffer, void *mapped,
                                        cl_uint count, const cl_event *list, cl_event *event) {
    if (fails()) {
        return CL_INVALID_OPERATION;
    }
    fault.events += event != NULL;
    return fault.real.clEnqueueUnmapMemObject(queue, buffer, mapped, count, list, event);
}

static cl_int CL_API_CALL finish(cl_command_queue queue) {
    return fails() ? CL_INVALID_OPERATION : fault.real.clFinish(queue);
}

static cl_int CL_API_CALL get_state(cl_event event, cl_event_info what, size_t size, void *value,
                                    size_t *used) {
    (void)event;
    (void)used;
    ck_assert_uint_eq(what, CL_EVENT_COMMAND_EXECUTION_STATUS);
    ck_assert_uint_eq(size, sizeof fault.state);
    memcpy(value, &fault.state, sizeof fault.state);
    return CL_SUCCESS;
}

/** The first command that is asked after ends for lack of memory; the others are at work. */
static cl_int CL_API_CALL get_state_of_first(cl_event event, cl_event_info what, size_t size,
                                             void *value, size_t *used) {
    cl_int state = CL_QUEUED;
    cl_int code = fault.real.clGetEventInfo(event, what, sizeof state, &state, used);
    if (state == CL_COMPLETE && fault.states++ == 0) {
        state = CL_OUT_OF_RESOURCES;
    }
    ck_assert_uint_eq(size, sizeof state);
    memcpy(value, &state, sizeof state);
    return code;
}

static ffwd_opencl_api faulty_api(const ffwd_opencl_api *real) {
    ffwd_opencl_api faulty = *real;
    fault.real = *real;
    faulty.clCreateBuffer = create_buffer;
    faulty.clReleaseMemObject = release_buffer;
    faulty.clReleaseEvent = release_event;
    faulty.clSetKernelArg = set_argument;
    faulty.clEnqueueNDRangeKernel = enqueue_kernel;
    faulty.clEnqueueWriteBuffer = enqueue_write;
    faulty.clEnqueueReadBuffer = enqueue_read;
    faulty.clEnqueueMapBuffer = enqueue_map;
    faulty.clEnqueueUnmapMemObject = enqueue_unmap;
    faulty.clFinish = finish;
    return faulty;
}

/** Fails every call of a chunk in turn; each time the chunk runs the next time. */
static void fail_every_call(ffwd_device *device, uint32_t strategy) {
    small_net net;
    small_net_init(&net, device, strategy);
    small_net_check(&net); // buffers that come with the first chunk are there
    const long buffers = fault.buffers;
    long n = 0;
    for (bool failed = true; failed; n++) {
        ffwd_error err = FFWD_ERROR_INIT;
        fault.calls = 0;
        fault.fail_at = n + 1;
        ffwd_status status = small_net_run(&net, &err);
        failed = fault.calls >= fault.fail_at;
        ck_assert_int_eq(status, failed ? FFWD_EDEVICE : FFWD_OK);
        ck_assert_int_eq(err.native, failed ? CL_INVALID_OPERATION : 0);
        ck_assert(!failed || strstr(err.message, "CL_INVALID_OPERATION (-59)") != NULL);
        fault.fail_at = 0;
        ck_assert_msg(fault.buffers == buffers, "call %ld leaves buffers", n);
        ck_assert_msg(fault.events == 0, "call %ld leaves events", n);
        small_net_check(&net);
    }
    ck_assert_int_gt(n, 10);
    small_net_finish(&net);
}

/** Fails every call of prepare in turn. */
static void fail_every_prepare(ffwd_device *device, uint32_t strategy) {
    const ffwd_request request = {.strategy = strategy};
    ffwd_model *model = small_net_model();
    const long buffers = fault.buffers;
    ffwd_placement *placement = NULL;
    for (long n = 1; placement == NULL; n++) {
        ffwd_error err = FFWD_ERROR_INIT;
        fault.calls = 0;
        fault.fail_at = n;
        ffwd_status status = device->ops->prepare(device, model, &request, &placement, &err);
        ck_assert_int_eq(status, placement == NULL ? FFWD_EDEVICE : FFWD_OK);
        ck_assert(placement != NULL || fault.buffers == buffers);
    }
    fault.fail_at = 0;
    device->ops->release(placement);
    ck_assert_int_eq(fault.buffers, buffers);
    ffwd_model_destroy(model);
}

START_TEST(failing_calls) {
    static const uint32_t strategies[] = {FFWD_CHAIN, FFWD_LAYERED, FFWD_FUSED};
    if (_i / 3 == 1) {
        ck_assert_int_eq(setenv("FFWD_OPENCL_COPY", "1", 1), 0);
    }
    ffwd_device *device = open_opencl();
    if (device == NULL) {
        return;
    }
    ffwd_opencl_device *opencl = (ffwd_opencl_device *)device;
    ffwd_opencl_api faulty = faulty_api(opencl->cl);
    const ffwd_opencl_api *real = opencl->cl;
    opencl->cl = &faulty;
    fail_every_call(device, strategies[_i % 3]);
    fail_every_prepare(device, strategies[_i % 3]);
    opencl->cl = real;
    ffwd_device_destroy(device);
}
END_TEST

/** Runs a chunk over rows that are unmapped right after; whether it failed. */
static bool fail_and_unmap(ffwd_placement *placement, uint64_t rows, uint64_t cols) {
    const size_t bytes = rows * cols * sizeof(float);
    const int64_t row_bytes = (int64_t)(cols * sizeof(float));
    void *blocks[2];
    for (size_t i = 0; i < 2; i++) {
        blocks[i] = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(blocks[i], MAP_FAILED);
        memset(blocks[i], 0, bytes);
    }
    const ffwd_chunk chunk = {.x = {blocks[0], FFWD_F32, rows, cols, row_bytes, sizeof(float)},
                              .y = {blocks[1], FFWD_F32, rows, cols, row_bytes, sizeof(float)}};
    ffwd_timing timing = {0};
    fault.states = 0;
    ffwd_status status = placement->device->ops->run_chunk(placement, &chunk, &timing, NULL);
    ck_assert_int_eq(munmap(blocks[0], bytes), 0);
    ck_assert_int_eq(munmap(blocks[1], bytes), 0);
    return status != FFWD_OK;
}

/* Kernels that were launched before another call fails are at work for milliseconds. */
START_TEST(rows_are_free_after_a_failure) {
    static const uint64_t widths[] = {128, 128, 128};
    const net_shape shape = net_shape_of(2, widths, FFWD_RELU, 1);
    const ffwd_request request = {.strategy = _i % 2 == 0 ? FFWD_CHAIN : FFWD_LAYERED,
                                  .chunk_rows = 10000};
    ffwd_device *device = open_opencl();
    ffwd_placement *placement = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    if (device == NULL) {
        return;
    }
    ffwd_opencl_device *opencl = (ffwd_opencl_device *)device;
    ffwd_opencl_api faulty = faulty_api(opencl->cl);
    ffwd_model *model = net_create(&shape, FFWD_F32, 1);
    expect_ok(device->ops->prepare(device, model, &request, &placement, &err), &err);
    if (_i >= 2) {
        faulty.clGetEventInfo = get_state_of_first;
    }
    opencl->cl = &faulty;
    bool struck = true;
    for (long n = 1; struck; n++) {
        fault.calls = 0;
        fault.fail_at = n;
        const bool failed = fail_and_unmap(placement, placement->chunk_rows, 128);
        struck = fault.calls >= n;
        ck_assert_int_eq(failed, struck || _i >= 2);
    }
    device->ops->release(placement);
    opencl->cl = &fault.real;
    ffwd_model_destroy(model);
    ffwd_device_destroy(device);
}
END_TEST

/** Fails the test unless a call failed because the device is lost. */
static void expect_lost(const ffwd_device *device, ffwd_status status, const ffwd_error *err,
                        const char *reason) {
    char message[512];
    (void)snprintf(message, sizeof message, "%s: device lost: %s",
                   ((const ffwd_opencl_device *)device)->name, reason);
    expect_failure(status, err, FFWD_EDEVICE, message);
}

/** Uses a lost device, whose driver may not be called: not one function is there. */
static void use_lost(ffwd_device *device, small_net *net, const char *reason) {
    static const ffwd_opencl_api gone;
    const ffwd_request request = {0};
    ffwd_placement *other = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    ((ffwd_opencl_device *)device)->cl = &gone;
    expect_lost(device, small_net_run(net, &err), &err, reason);
    expect_lost(device, device->ops->clone(net->placement, &other, &err), &err, reason);
    expect_lost(device, device->ops->prepare(device, net->model, &request, &other, &err), &err,
                reason);
    ck_assert_ptr_null(other);
    small_net_finish(net);
    ffwd_device_destroy(device);
}

static const struct {
    cl_int state;
    const char *reason;
} losses[] = {
    {-9999, "command: unknown code (-9999)"},
    {CL_RUNNING, "a command did not end in 5000 ms"},
};

START_TEST(lost_device) {
    ffwd_device *device = open_opencl();
    ffwd_error err = FFWD_ERROR_INIT;
    small_net net;
    if (device == NULL) {
        return;
    }
    ffwd_opencl_device *opencl = (ffwd_opencl_device *)device;
    ffwd_opencl_api faulty = faulty_api(opencl->cl);
    faulty.clGetEventInfo = get_state;
    small_net_init(&net, device, FFWD_CHAIN);
    small_net_check(&net);
    opencl->cl = &faulty;
    fault.calls = 0;
    fault.fail_at = 1;
    ck_assert_int_eq(small_net_run(&net, &err), FFWD_EDEVICE);
    small_net_check(&net); // nothing was under way: the device stays
    fault.state = losses[_i].state;
    for (fault.fail_at = 2; atomic_load(&opencl->loss) == FFWD_PRESENT; fault.fail_at++) {
        fault.calls = 0;
        ck_assert_int_eq(small_net_run(&net, &err), FFWD_EDEVICE);
        ck_assert_int_eq(err.native, CL_INVALID_OPERATION); // the call's own
    }
    (void)fault.real.clFinish(((ffwd_opencl_placement *)net.placement)->queue);
    use_lost(device, &net, losses[_i].reason);
}
END_TEST

/* What is asked of the device itself; every call that can fail does so once. */
static ffwd_status open_again(ffwd_opencl_device *device, ffwd_error *err) {
    ffwd_device *opened = NULL;
    ffwd_status status = ffwd_opencl_open(device->selector, NULL, &opened, err);
    ck_assert((status == FFWD_OK) == (opened != NULL));
    if (opened != NULL) {
        ffwd_device_destroy(opened);
    }
    return status;
}

static ffwd_status show_nothing(void *user, const ffwd_device_info *info, ffwd_error *err) {
    (void)user;
    (void)info;
    (void)err;
    return FFWD_OK;
}

static ffwd_status visit(ffwd_opencl_device *device, ffwd_error *err) {
    char note[512];
    (void)device;
    return ffwd_opencl_visit(show_nothing, NULL, note, sizeof note, err);
}

static ffwd_status trust_f64(ffwd_opencl_device *device, ffwd_error *err) {
    return ffwd_opencl_device_trust(device, FFWD_F64, err);
}

static ffwd_status (*const questions[])(ffwd_opencl_device *device,
                                        ffwd_error *err) = {open_again, visit, trust_f64};

START_TEST(lack_of_memory_is_no_verdict) {
    ffwd_device *device = open_opencl();
    ffwd_error err = FFWD_ERROR_INIT;
    if (device == NULL) {
        return;
    }
    ffwd_status status = FFWD_ENOMEM;
    for (int n = 0; status != FFWD_OK; n++) {
        fail_alloc_after(n);
        status = questions[_i]((ffwd_opencl_device *)device, &err);
        const bool reached = fail_alloc_never();
        ck_assert_msg(status == (reached ? FFWD_ENOMEM : FFWD_OK), "%d: %s", n, err.message);
    }
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(failed_calls_are_no_verdict) {
    ffwd_device *device = open_opencl();
    ffwd_error err = FFWD_ERROR_INIT;
    if (device == NULL) {
        return;
    }
    ffwd_opencl_device *opencl = (ffwd_opencl_device *)device;
    ffwd_opencl_api faulty = faulty_api(opencl->cl);
    ffwd_status status = FFWD_EDEVICE;
    opencl->cl = &faulty;
    for (long n = 1; status != FFWD_OK; n++) {
        fault.calls = 0;
        fault.fail_at = n;
        status = trust_f64(opencl, &err);
        ck_assert_int_eq(status, fault.calls >= n ? FFWD_EDEVICE : FFWD_OK);
    }
    opencl->cl = &fault.real;
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(limit_within_buffers) {
    ffwd_device *device = open_opencl();
    ffwd_limit limit = FFWD_LIMIT_INIT;
    ffwd_error err = FFWD_ERROR_INIT;
    small_net net;
    if (device == NULL) {
        return;
    }
    ffwd_opencl_device *opencl = (ffwd_opencl_device *)device;
    ffwd_opencl_api faulty = faulty_api(opencl->cl);
    small_net_init(&net, device, FFWD_LAYERED);
    opencl->cl = &faulty;
    opencl->buffer_bytes = 40000;
    opencl->compute_units = 1;
    const ffwd_rows x = {.data = NULL, .dtype = FFWD_F32, .rows = 4000, .cols = 6};
    const ffwd_rows y = {.data = NULL, .dtype = FFWD_F32, .rows = 4000, .cols = 3};
    expect_ok(ffwd_opencl_limit(net.placement, &x, &y, &limit, &err), &err);
    ck_assert_uint_eq(fault.largest_buffer, 40000);
    ck_assert_uint_gt(limit.stream_ns, 0);
    small_net_finish(&net);
    opencl->cl = &fault.real;
    ffwd_device_destroy(device);
}
END_TEST

static Suite *faults_suite(void) {
    Suite *suite = suite_create("opencl faults");
    TCase *faults = tcase_create("faults");
    tcase_set_timeout(faults, 120);
    tcase_add_loop_test(faults, failing_calls, 0, 6);
    tcase_add_loop_test(faults, rows_are_free_after_a_failure, 0, 4);
    tcase_add_loop_test(faults, lost_device, 0, sizeof losses / sizeof losses[0]);
    tcase_add_loop_test(faults, lack_of_memory_is_no_verdict, 0,
                        sizeof questions / sizeof questions[0]);
    tcase_add_test(faults, failed_calls_are_no_verdict);
    tcase_add_test(faults, limit_within_buffers);
    suite_add_tcase(suite, faults);
    return suite;
}

int main(void) {
    (void)setenv("FFWD_CACHE", "off", 1); // what is found makes no calls that could fail
    return suite_main(faults_suite());
}
