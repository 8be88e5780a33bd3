// SPDX-License-Identifier: MIT
// The OpenCL device where things are missing, refused or forked: states with reasons.
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_open.h"
#include "opencl/opencl_placement.h"
#include "opencl/probe.h"
#include "opencl/program.h"
#include "support/nets.h"
#include "support/opencl_net.h"
#include "support/suite.h"

/** Opening fails with a text that contains the part. */
static void check_refused(const char *selector, ffwd_status expected, const char *part) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device *device = NULL;
    ffwd_status status = ffwd_opencl_open(selector, NULL, &device, &err);
    ck_assert_int_eq(status, expected);
    ck_assert_ptr_null(device);
    ck_assert_msg(strstr(err.message, part) != NULL, "\"%s\" lacks \"%s\"", err.message, part);
    ck_assert_ptr_null(strchr(err.message, '\n'));
}

static ffwd_status count_device(void *user, const ffwd_device_info *info, ffwd_error *err) {
    (void)err;
    ck_assert_str_eq(info->backend, "opencl");
    ck_assert_ptr_nonnull(info->refused);
    ++*(int *)user;
    return FFWD_OK;
}

/** How many devices there are, and why there are no more. */
static int visit_all(char note[512]) {
    ffwd_error err = FFWD_ERROR_INIT;
    int count = 0;
    ck_assert_int_eq(ffwd_opencl_visit(count_device, &count, note, 512, &err), FFWD_OK);
    return count;
}

START_TEST(no_library_wanted) {
    char note[512];
    ck_assert_int_eq(setenv("FFWD_OPENCL_LIBRARY", "none", 1), 0);
    check_refused("opencl", FFWD_ENODEVICE, "FFWD_OPENCL_LIBRARY is none");
    ck_assert_int_eq(visit_all(note), 0);
    ck_assert_ptr_nonnull(strstr(note, "FFWD_OPENCL_LIBRARY is none"));
}
END_TEST

START_TEST(no_library_there) {
    char note[512];
    ck_assert_int_eq(setenv("FFWD_OPENCL_LIBRARY", "/nonexistent/libOpenCL.so", 1), 0);
    check_refused("0:0", FFWD_ENODEVICE, "/nonexistent/libOpenCL.so cannot be loaded (");
    ck_assert_int_eq(visit_all(note), 0);
    ck_assert_ptr_nonnull(strstr(note, "cannot be loaded"));
}
END_TEST

START_TEST(another_library) {
    ck_assert_int_eq(setenv("FFWD_OPENCL_LIBRARY", "libm.so.6", 1), 0);
    check_refused("opencl", FFWD_ENODEVICE, "libm.so.6 has no clGetPlatformIDs");
    check_refused("opencl", FFWD_ENODEVICE, "libm.so.6 has no clGetPlatformIDs");
}
END_TEST

/** How a child that was forked now would end. */
static int exit_of_child(int (*child_main)(void)) {
    pid_t child = fork();
    int state = -1;
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)alarm(20);
        _exit(child_main());
    }
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

static int find_no_library(void) {
    ffwd_device *device = NULL;
    return ffwd_opencl_open("opencl", NULL, &device, NULL) == FFWD_ENODEVICE ? 0 : 1;
}

START_TEST(fork_after_no_library) {
    ck_assert_int_eq(setenv("FFWD_OPENCL_LIBRARY", "/nonexistent/libOpenCL.so", 1), 0);
    check_refused("opencl", FFWD_ENODEVICE, "cannot be loaded");
    ck_assert_int_eq(exit_of_child(find_no_library), 0);
}
END_TEST

START_TEST(no_platform) {
    char note[512];
    ck_assert_int_eq(setenv("OCL_ICD_VENDORS", "/nonexistent", 1), 0);
    check_refused("gpu", FFWD_ENODEVICE, "no OpenCL ");
    ck_assert_int_eq(visit_all(note), 0);
    ck_assert_ptr_nonnull(strstr(note, "no OpenCL "));
}
END_TEST

START_TEST(every_selector) {
    char note[512];
    ffwd_device *device = open_opencl();
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    if (device == NULL) {
        return;
    }
    ffwd_device_describe(device, &info);
    ck_assert_str_eq(info.refused, "");
    ck_assert_str_ne(info.name, "");
    ck_assert_str_ne(info.platform, "");
    ck_assert_str_ne(info.driver, "");
    ck_assert_uint_gt(info.memory_bytes, 0);
    ck_assert_int_ge(visit_all(note), 1);

    char part[8];
    (void)snprintf(part, sizeof part, "%.5s", info.name);
    part[0] ^= 0x20; // the other case
    const char *const selectors[] = {info.id, info.name, part};
    for (size_t i = 0; i < 3; i++) {
        ffwd_device *again = NULL;
        ffwd_device_info found = FFWD_DEVICE_INFO_INIT;
        ck_assert_int_eq(ffwd_opencl_open(selectors[i], NULL, &again, NULL), FFWD_OK);
        ffwd_device_describe(again, &found);
        ck_assert_str_eq(found.id, info.id);
        ffwd_device_destroy(again);
    }
    ffwd_device_destroy(device);
    check_refused("77:0", FFWD_ENODEVICE, "OpenCL device 77:0: there are ");
    check_refused("0:77", FFWD_ENODEVICE, "OpenCL device 0:77: platform 0 has ");
    check_refused("no such name", FFWD_ENODEVICE, "\"no such name\" is in the name of none of ");
    check_refused("0:0x", FFWD_ENODEVICE, "\"0:0x\" is in the name of none of ");
    if (info.type == FFWD_TYPE_CPU && strcmp(note, "") == 0 && visit_all(note) == 1) {
        check_refused("gpu", FFWD_ENODEVICE, "no GPU among 1 OpenCL device(s)");
    }
}
END_TEST

static void ignore_signal(int number) {
    (void)number;
}

/** Fails the test where another thread of the process would take a SIGTERM or SIGINT. */
static void check_threads_block_signals(void) {
    const unsigned long long needed = 1ull << (SIGTERM - 1) | 1ull << (SIGINT - 1);
    DIR *tasks = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(tasks);
    for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        char path[300], line[200];
        unsigned long long blocked = needed;
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status =
            atoi(task->d_name) > 0 && atoi(task->d_name) != getpid() ? fopen(path, "r") : NULL;
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            (void)sscanf(line, "SigBlk: %llx", &blocked);
        }
        ck_assert_msg((blocked & needed) == needed, "thread %s blocks %llx", task->d_name, blocked);
        if (status != NULL) {
            (void)fclose(status);
        }
    }
    (void)closedir(tasks);
}

START_TEST(signals_stay) {
    struct sigaction before;
    sigset_t mask;
    const struct sigaction mine = {.sa_handler = ignore_signal};
    ck_assert_int_eq(sigaction(SIGFPE, &mine, NULL), 0);
    ffwd_device *device = open_opencl();
    ck_assert_int_eq(sigaction(SIGFPE, NULL, &before), 0);
    ck_assert(before.sa_handler == ignore_signal);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    ck_assert_int_eq(sigismember(&mask, SIGTERM), 0);
    check_threads_block_signals();
    ffwd_device_destroy(device);
}
END_TEST

/** The one kernel for all layers has its bounds; the form that a device chooses itself has none. */
static void refuse_wide_and_deep(ffwd_device *device) {
    static const uint64_t widths[] = {2, 1025};
    const net_shape shape = net_shape_of(1, widths, FFWD_STEP, 0);
    ffwd_model *wide = net_create(&shape, FFWD_F32, 1);
    ffwd_placement *placement = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    ((ffwd_opencl_device *)device)->buffer_bytes = 1 << 30;
    ffwd_request request = {.strategy = FFWD_FUSED, .expected_rows = 10};
    ck_assert_int_eq(device->ops->prepare(device, wide, &request, &placement, &err),
                     FFWD_EUNSUPPORTED);
    // How many values is up to the forms that the device has.
    ck_assert_ptr_nonnull(strstr(err.message, "fused takes up to 32 layers and "));
    ck_assert_ptr_nonnull(strstr(err.message, " values a row, not 1 and 1025"));
    request.strategy = FFWD_STRATEGY_AUTO;
    expect_ok(device->ops->prepare(device, wide, &request, &placement, &err), &err);
    ck_assert_uint_eq(placement->strategy, FFWD_LAYERED);
    device->ops->release(placement);
    ffwd_model_destroy(wide);
}

START_TEST(models_it_does_not_take) {
    ffwd_device *device = open_opencl();
    ffwd_model *empty = NULL;
    ffwd_placement *placement = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    const ffwd_request request = {0};
    static const uint64_t widths[] = {2, 1};
    const net_shape shape = net_shape_of(1, widths, FFWD_STEP, 0);
    if (device == NULL) {
        return;
    }
    ck_assert_int_eq(ffwd_model_create(FFWD_F32, 3, NULL, 0, sizeof(ffwd_operation), &empty, NULL),
                     FFWD_OK);
    ck_assert_int_eq(device->ops->prepare(device, empty, &request, &placement, &err),
                     FFWD_EUNSUPPORTED);
    ck_assert_str_eq(err.message, "an empty chain has no kernel to launch");
    ffwd_model_destroy(empty);

    ffwd_model *model = net_create(&shape, FFWD_F64, 1);
    ck_assert(device->ops->has_strategy(device, FFWD_FUSED));
    ((ffwd_opencl_device *)device)->has_f64 = false;
    ck_assert_int_eq(device->ops->prepare(device, model, &request, &placement, &err),
                     FFWD_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "computes no float64"));
    ((ffwd_opencl_device *)device)->has_f64 = true;
    ((ffwd_opencl_device *)device)->buffer_bytes = 8;
    ck_assert_int_eq(device->ops->prepare(device, model, &request, &placement, &err),
                     FFWD_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "layer 1 has 1 x 2 weights"));
    ffwd_model_destroy(model);
    refuse_wide_and_deep(device);
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(build_log_in_the_message) {
    ffwd_device *device = open_opencl();
    ffwd_error err = FFWD_ERROR_INIT;
    cl_program program = NULL;
    if (device == NULL) {
        return;
    }
    ck_assert_int_eq(
        ffwd_opencl_build((ffwd_opencl_device *)device, "matmul.cl", "-D TILE_K=0", &program, &err),
        FFWD_EDEVICE);
    ck_assert_int_eq(err.native, CL_BUILD_PROGRAM_FAILURE);
    ck_assert_ptr_nonnull(strstr(err.message, "clBuildProgram(matmul.cl)"));
    ck_assert_ptr_nonnull(strstr(err.message, "every tunable is at least 1"));
    ck_assert_ptr_null(strchr(err.message, '\n'));
    ck_assert_int_eq(ffwd_opencl_build((ffwd_opencl_device *)device, "none.cl", "", &program, &err),
                     FFWD_EINTERNAL);
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(probe_explains) {
    enum { CASES = 512, RESULTS_MAX = 64 };
    static float operands[CASES * 3], expected[CASES * RESULTS_MAX], got[CASES * RESULTS_MAX];
    char text[256];
    ck_assert_uint_le(ffwd_probe_f32.result_count, RESULTS_MAX);
    ffwd_probe_f32.fill(operands, CASES);
    ffwd_probe_f32.answer(operands, CASES, expected);
    memcpy(got, expected, sizeof got);
    operands[0] = 1.5f;
    operands[1] = -0.25f;
    operands[2] = 8.0f;
    ffwd_probe_f32.answer(operands, 1, expected);
    ffwd_probe_f32.explain(operands, got, expected, 0, text, sizeof text);
    ck_assert_str_eq(text, "fma_f32(1.5, -0.25, 8): got 00000000, expected 40f40000");
    ffwd_probe_f32.explain(operands, got, expected, 3, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "divide_f32(1.5, -0.25): got "));
}
END_TEST

/** A driver that returns one wrong bit, after some honest reads. */
static const ffwd_opencl_api *honest;
static int honest_reads;
/** The byte that is wrong, from the end. */
static size_t wrong_byte = 8;

static cl_int CL_API_CALL read_one_bit_wrong(cl_command_queue queue, cl_mem buffer,
                                             cl_bool blocking, size_t offset, size_t size,
                                             void *data, cl_uint count, const cl_event *list,
                                             cl_event *event) {
    cl_int code = honest->clEnqueueReadBuffer(queue, buffer, blocking, offset, size, data, count,
                                              list, event);
    if (honest_reads-- <= 0) {
        ((unsigned char *)data)[size - wrong_byte] ^= 1;
    }
    return code;
}

/** Where a driver lies the first kernel that the device takes is refused by its name. */
static void check_kernels_refused(ffwd_opencl_device *device, uint32_t strategy,
                                  const ffwd_opencl_api *lying) {
    const ffwd_request request = {.strategy = strategy};
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = small_net_model();
    ffwd_placement *placement = NULL;
    char message[128];
    device->cl = honest;
    expect_ok(device->base.ops->prepare(&device->base, model, &request, &placement, &err), &err);
    (void)snprintf(message, sizeof message, ": arithmetic probe: %s: y[",
                   placement->stages[0].kernel);
    device->base.ops->release(placement);
    device->cl = lying;
    ck_assert_int_eq(device->base.ops->prepare(&device->base, model, &request, &placement, &err),
                     FFWD_ENODEVICE);
    ck_assert_msg(strstr(err.message, message) != NULL, "%s", err.message);
    device->cl = honest;
    ffwd_model_destroy(model);
}

START_TEST(probe_refuses) {
    ffwd_device *device = open_opencl();
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    if (device == NULL) {
        return;
    }
    ffwd_opencl_device *opencl = (ffwd_opencl_device *)device;
    honest = opencl->cl;
    ffwd_opencl_api lying = *honest;
    lying.clEnqueueReadBuffer = read_one_bit_wrong;
    opencl->cl = &lying;
    ck_assert_int_eq(ffwd_opencl_probe(opencl, FFWD_F32, &err), FFWD_ENODEVICE);
    ck_assert_ptr_nonnull(strstr(err.message, "arithmetic probe: "));
    ck_assert_ptr_nonnull(strstr(err.message, "_f32("));
    ck_assert_int_eq(ffwd_opencl_device_trust(opencl, FFWD_F64, &err), FFWD_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "no float64: arithmetic probe: "));
    ck_assert_ptr_nonnull(strstr(err.message, "_f64("));
    check_kernels_refused(opencl, FFWD_LAYERED, &lying);
    check_kernels_refused(opencl, FFWD_FUSED, &lying);
    ck_assert_int_eq(ffwd_opencl_device_trust(opencl, FFWD_F64, NULL), FFWD_EUNSUPPORTED);
    ffwd_device_describe(device, &info);
    ck_assert_uint_eq(info.f64, 0);
    ffwd_device_destroy(device);
}
END_TEST

/** A driver that computes wrongly where a matmul has fewer inputs than a step along k. */
static cl_uint inputs_given;

static cl_int CL_API_CALL note_inputs(cl_kernel kernel, cl_uint index, size_t size,
                                      const void *value) {
    if (index == 7 && size == sizeof inputs_given) {
        memcpy(&inputs_given, value, size);
    }
    return honest->clSetKernelArg(kernel, index, size, value);
}

static cl_int CL_API_CALL read_few_inputs_wrong(cl_command_queue queue, cl_mem buffer,
                                                cl_bool blocking, size_t offset, size_t size,
                                                void *data, cl_uint count, const cl_event *list,
                                                cl_event *event) {
    honest_reads = inputs_given < 8 ? 0 : 1; // a step of the table
    return read_one_bit_wrong(queue, buffer, blocking, offset, size, data, count, list, event);
}

START_TEST(few_inputs_are_proven) {
    static const uint64_t widths[] = {40, 20};
    static const uint32_t strategies[] = {FFWD_CHAIN, FFWD_LAYERED};
    const net_shape shape = net_shape_of(1, widths, FFWD_RELU, 1);
    ffwd_device *device = open_opencl();
    ffwd_placement *placement = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    if (device == NULL) {
        return;
    }
    ffwd_opencl_device *opencl = (ffwd_opencl_device *)device;
    ffwd_model *model = net_create(&shape, FFWD_F32, 3);
    honest = opencl->cl;
    ffwd_opencl_api lying = *honest;
    lying.clSetKernelArg = note_inputs;
    lying.clEnqueueReadBuffer = read_few_inputs_wrong;
    opencl->cl = &lying;
    opencl->tiles = ffwd_opencl_tiles_at(3);
    ck_assert_str_eq(opencl->tiles->name, "gpu");
    for (size_t i = 0; i < 2; i++) {
        const ffwd_request request = {.strategy = strategies[i]};
        inputs_given = 40;
        ck_assert_int_eq(device->ops->prepare(device, model, &request, &placement, &err),
                         FFWD_ENODEVICE);
        ck_assert_msg(strstr(err.message, ": arithmetic probe: matmul_") != NULL, "%s",
                      err.message);
    }
    opencl->cl = honest;
    ffwd_model_destroy(model);
    ffwd_device_destroy(device);
}
END_TEST

/** The kernel that captures is another program, and is proven when it is first needed. */
/** Rows over which the kernel that captures, whose shape may be its own, will prove itself. */
static size_t captured_rows(const ffwd_placement *placement) {
    const ffwd_opencl_plan *plan = ((const ffwd_opencl_placement *)placement)->plan;
    ffwd_opencl_stage stage = {0};
    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(ffwd_opencl_fused_stage(plan, true, &stage, &err), &err);
    return stage.block_rows + 3;
}

START_TEST(captures_are_proven) {
    ffwd_device *device = open_opencl();
    ffwd_error err = FFWD_ERROR_INIT;
    small_net net;
    if (device == NULL) {
        return;
    }
    ffwd_opencl_device *opencl = (ffwd_opencl_device *)device;
    small_net_init(&net, device, FFWD_FUSED);
    honest = opencl->cl;
    ffwd_opencl_api lying = *honest;
    lying.clEnqueueReadBuffer = read_one_bit_wrong;
    opencl->cl = &lying;
    // Last values of y2, z2, y1, z1, which lie in this order from the end: [rows][3] and [rows][5].
    const size_t rows = captured_rows(net.placement);
    const size_t ends[] = {0, 3 * rows, 6 * rows, 11 * rows};
    for (size_t i = 0; i < 4; i++) {
        char message[128];
        (void)snprintf(message, sizeof message, ": %s: captured %c[%zu][%d]: got ",
                       net.placement->stages[0].kernel, i % 2 == 0 ? 'y' : 'z', rows - 1,
                       i < 2 ? 2 : 4);
        honest_reads = 1; // Y
        wrong_byte = 4 * (ends[i] + 1);
        ck_assert_int_eq(small_net_run(&net, &err), FFWD_ENODEVICE);
        ck_assert_msg(strstr(err.message, message) != NULL, "%s", err.message);
    }
    opencl->cl = honest;
    small_net_check(&net);
    small_net_finish(&net);
    ffwd_device_destroy(device);
}
END_TEST

/** What a forked child does; 0 if all was refused and let go. */
static int use_in_child(ffwd_device *device, small_net *net) {
    ffwd_placement *other = NULL;
    ffwd_device *opened = NULL;
    const ffwd_request request = {0};
    const ffwd_device_ops *ops = device->ops;
    char note[512];
    if (small_net_run(net, NULL) != FFWD_ESTATE ||
        ops->clone(net->placement, &other, NULL) != FFWD_ESTATE ||
        ops->prepare(device, net->model, &request, &other, NULL) != FFWD_ESTATE ||
        ffwd_opencl_open("opencl", NULL, &opened, NULL) != FFWD_ESTATE || visit_all(note) != 0 ||
        strstr(note, "fork") == NULL) {
        return 1;
    }
    small_net_finish(net);
    ffwd_device_destroy(device);
    return 0;
}

START_TEST(forked_child) {
    ffwd_device *device = open_opencl();
    small_net net;
    if (device == NULL) {
        return;
    }
    small_net_init(&net, device, FFWD_CHAIN);
    small_net_check(&net);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)alarm(20);
        _exit(use_in_child(device, &net));
    }
    int state = -1;
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert_msg(WIFEXITED(state) && WEXITSTATUS(state) == 0, "the child ended with %x",
                  (unsigned)state);
    small_net_check(&net);
    small_net_finish(&net);
    ffwd_device_destroy(device);
}
END_TEST

/** Codes of each kind: lack of memory, a refused call, and what loses the device. */
static const struct {
    cl_int code;
    const char *name;
    ffwd_status status;
    int loss;
} codes[] = {
    {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE (-4)", FFWD_ENOMEM,
     FFWD_PRESENT},
    {CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES (-5)", FFWD_ENOMEM, FFWD_PRESENT},
    {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY (-6)", FFWD_ENOMEM, FFWD_PRESENT},
    {CL_BUILD_PROGRAM_FAILURE, "CL_BUILD_PROGRAM_FAILURE (-11)", FFWD_EDEVICE, FFWD_PRESENT},
    {CL_MAP_FAILURE, "CL_MAP_FAILURE (-12)", FFWD_EDEVICE, FFWD_PRESENT},
    {CL_INVALID_VALUE, "CL_INVALID_VALUE (-30)", FFWD_EDEVICE, FFWD_PRESENT},
    {CL_INVALID_PROPERTY, "CL_INVALID_PROPERTY (-64)", FFWD_EDEVICE, FFWD_PRESENT},
    {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE (-2)", FFWD_EDEVICE, FFWD_LOST},
    {CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST,
     "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST (-14)", FFWD_EDEVICE, FFWD_LOST},
    {CL_INVALID_CONTEXT, "CL_INVALID_CONTEXT (-34)", FFWD_EDEVICE, FFWD_LOST},
    {CL_INVALID_COMMAND_QUEUE, "CL_INVALID_COMMAND_QUEUE (-36)", FFWD_EDEVICE, FFWD_LOST},
    {-25, "unknown code (-25)", FFWD_EDEVICE, FFWD_LOST},
    {-9999, "unknown code (-9999)", FFWD_EDEVICE, FFWD_LOST},
    {7, "unknown code (7)", FFWD_EDEVICE, FFWD_LOST},
};

START_TEST(what_a_code_means) {
    ffwd_opencl_device device = {.name = "Some GPU"};
    ffwd_error err = FFWD_ERROR_INIT;
    char message[256];
    device.base.fork_generation = ffwd_fork_generation();
    expect_ok(ffwd_opencl_check(&device, CL_SUCCESS, "clFinish", NULL, &err), &err);
    (void)snprintf(message, sizeof message, "Some GPU: clEnqueueNDRangeKernel(matmul_f32): %s",
                   codes[_i].name);
    expect_failure(
        ffwd_opencl_check(&device, codes[_i].code, "clEnqueueNDRangeKernel", "matmul_f32", &err),
        &err, codes[_i].status, message);
    ck_assert_int_eq(err.native, codes[_i].code);
    ck_assert_int_eq(ffwd_opencl_is_out_of_memory((ffwd_status)err.status, &err),
                     codes[_i].status == FFWD_ENOMEM);
    ck_assert_int_eq(atomic_load(&device.loss), codes[_i].loss);
    ck_assert_int_eq(ffwd_opencl_device_check(&device, &err),
                     codes[_i].loss == FFWD_LOST ? FFWD_EDEVICE : FFWD_OK);
}
END_TEST

static Suite *states_suite(void) {
    Suite *suite = suite_create("opencl states");
    TCase *states = tcase_create("states");
    tcase_set_timeout(states, 120);
    tcase_add_test(states, no_library_wanted);
    tcase_add_test(states, no_library_there);
    tcase_add_test(states, another_library);
    tcase_add_test(states, fork_after_no_library);
    tcase_add_test(states, no_platform);
    tcase_add_test(states, every_selector);
    tcase_add_test(states, signals_stay);
    tcase_add_test(states, models_it_does_not_take);
    tcase_add_test(states, build_log_in_the_message);
    tcase_add_test(states, probe_explains);
    tcase_add_test(states, probe_refuses);
    tcase_add_test(states, few_inputs_are_proven);
    tcase_add_test(states, captures_are_proven);
    tcase_add_test(states, forked_child);
    tcase_add_loop_test(states, what_a_code_means, 0, sizeof codes / sizeof codes[0]);
    suite_add_tcase(suite, states);
    return suite;
}

int main(void) {
    (void)setenv("FFWD_CACHE", "off", 1); // a probe that was passed is not made again
    return suite_main(states_suite());
}
