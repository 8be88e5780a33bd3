// SPDX-License-Identifier: MIT
// Out of memory at every allocation in turn: each call answers FFWD_ENOMEM, hands out nothing, and
// leaves nothing behind (the sanitizers look for leaks).
#include "base/memory.h"

#include <stdlib.h>

#include "support/fail_alloc.h"
#include "support/nets.h"
#include "support/suite.h"

enum { ROWS = 10 };

static ffwd_model *model;
static ffwd_device *device;
static ffwd_engine *engine;
static ffwd_error err = FFWD_ERROR_INIT;

static void setup(void) {
    static const uint64_t widths[] = {2, 3, 2};
    const net_shape shape = net_shape_of(2, widths, FFWD_RELU, 1);
    model = net_create(&shape, FFWD_F32, 1);
    expect_ok(ffwd_device_open("cpu", NULL, &device, &err), &err);
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.strategy = FFWD_LAYERED;
    expect_ok(ffwd_engine_create(model, &device, 1, &options, &engine, &err), &err);
}

static void teardown(void) {
    fail_alloc_never();
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(device);
    ffwd_model_destroy(model);
}

/* What is tried: each hands over an object, or none. */

static ffwd_status make_model(void **out) {
    const float values[6] = {0};
    const ffwd_operation layers[] = {
        {.kind = FFWD_DENSE,
         .activation = FFWD_PRELU,
         .inputs = 2,
         .neurons = 3,
         .weights = values,
         .bias = values,
         .slopes = values},
        {.kind = FFWD_AFFINE, .activation = FFWD_STEP, .inputs = 3, .neurons = 3, .bias = values}};
    ffwd_model *made = *out;
    const ffwd_status status =
        ffwd_model_create(FFWD_F32, 2, layers, 2, sizeof *layers, &made, &err);
    *out = made;
    return status;
}

static void end_model(void *made) {
    ffwd_model_destroy(made);
}

static ffwd_status open_device(void **out) {
    const ffwd_device_options options = {sizeof options, 3, NULL, NULL, NULL};
    ffwd_device *made = *out;
    const ffwd_status status = ffwd_device_open("cpu", &options, &made, &err);
    *out = made;
    return status;
}

static void end_device(void *made) {
    ffwd_device_destroy(made);
}

static ffwd_status list_devices(void **out) {
    ffwd_device_list *made = *out;
    const ffwd_status status = ffwd_device_list_create(&made, &err);
    *out = made;
    return status;
}

static void end_list(void *made) {
    ffwd_device_list_destroy(made);
}

static ffwd_status make_engine(void **out) {
    ffwd_engine *made = *out;
    const ffwd_status status = ffwd_engine_create(model, NULL, 0, NULL, &made, &err);
    *out = made;
    return status;
}

static ffwd_status make_layered(void **out) {
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.strategy = FFWD_LAYERED;
    ffwd_engine *made = *out;
    const ffwd_status status = ffwd_engine_create(model, &device, 1, &options, &made, &err);
    *out = made;
    return status;
}

static ffwd_status clone_engine(void **out) {
    ffwd_engine *made = *out;
    const ffwd_status status = ffwd_engine_clone(engine, &made, &err);
    *out = made;
    return status;
}

static void end_engine(void *made) {
    ffwd_engine_destroy(made);
}

static ffwd_status run(void **out) {
    static const float x[ROWS * 2];
    static float y[ROWS * 2];
    static const ffwd_output captures[2];
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, 2);
    const ffwd_output rows = net_output(y, FFWD_F32, ROWS, 2);
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.sums = captures;
    options.outputs = captures;
    *out = NULL;
    return ffwd_engine_run(engine, &in, &rows, &options, NULL, &err);
}

static void end_run(void *made) {
    ck_assert_ptr_null(made);
}

static const struct {
    const char *name;
    ffwd_status (*attempt)(void **out);
    void (*end)(void *made);
} attempts[] = {
    {"a model", make_model, end_model},
    {"a device", open_device, end_device},
    {"the list of devices", list_devices, end_list},
    {"an engine", make_engine, end_engine},
    {"a layered engine", make_layered, end_engine},
    {"a clone", clone_engine, end_engine},
    {"a run with captures", run, end_run},
};
#define ATTEMPT_COUNT ((int)(sizeof attempts / sizeof *attempts))

START_TEST(every_allocation_may_fail) {
    int allowed = 0;
    for (;; allowed++) {
        void *made = &err;
        fail_alloc_after(allowed);
        const ffwd_status status = attempts[_i].attempt(&made);
        const bool reached = fail_alloc_never();
        if (!reached) {
            expect_ok(status, &err);
            attempts[_i].end(made);
            break;
        }
        ck_assert_msg(status == FFWD_ENOMEM, "%s, allocation %d: %s", attempts[_i].name, allowed,
                      ffwd_status_name(status));
        ck_assert_int_eq(err.status, FFWD_ENOMEM);
        ck_assert_str_ne(err.message, "");
        ck_assert_ptr_null(made);
    }
    ck_assert_msg(allowed > 0, "%s allocates nothing", attempts[_i].name);
}
END_TEST

START_TEST(blocks_are_whole_cache_lines) {
    for (uint64_t bytes = 0; bytes < 200; bytes += 7) {
        unsigned char *block = ffwd_alloc_zero(bytes);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % FFWD_ALIGNMENT, 0);
        for (uint64_t i = 0; i < bytes; i++) {
            ck_assert_uint_eq(block[i], 0);
        }
        ffwd_free(block);
    }
    ck_assert_ptr_null(ffwd_alloc(UINT64_MAX));
    ck_assert_ptr_null(ffwd_alloc(UINT64_MAX - FFWD_ALIGNMENT));
    ck_assert_ptr_null(ffwd_alloc((uint64_t)PTRDIFF_MAX + 1));
    ffwd_free(NULL);
}
END_TEST

START_TEST(sizes_are_checked) {
    uint64_t result = 7;
    ck_assert(ffwd_multiply(1ull << 32, (1ull << 32) - 1, &result));
    ck_assert_uint_eq(result, 0xffffffff00000000u);
    ck_assert(!ffwd_multiply(1ull << 32, 1ull << 32, &result));
    ck_assert(ffwd_add(UINT64_MAX - 1, 1, &result));
    ck_assert_uint_eq(result, UINT64_MAX);
    ck_assert(!ffwd_add(UINT64_MAX, 1, &result));
    ck_assert_uint_eq(result, UINT64_MAX);
    ck_assert_uint_eq(ffwd_round_up(64, 64), 64);
    ck_assert_uint_eq(ffwd_round_up(65, 64), 128);
}
END_TEST

int main(void) {
    (void)unsetenv("FFWD_DEVICE");
    (void)setenv("FFWD_OPENCL_LIBRARY", "none", 1);
    Suite *suite = suite_create("memory");
    TCase *failing = tcase_create("failing");
    tcase_set_timeout(failing, 60);
    tcase_add_checked_fixture(failing, setup, teardown);
    tcase_add_loop_test(failing, every_allocation_may_fail, 0, ATTEMPT_COUNT);
    suite_add_tcase(suite, failing);
    TCase *sizes = tcase_create("sizes");
    tcase_add_test(sizes, blocks_are_whole_cache_lines);
    tcase_add_test(sizes, sizes_are_checked);
    suite_add_tcase(suite, sizes);
    return suite_main(suite);
}
