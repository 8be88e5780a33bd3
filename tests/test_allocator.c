// SPDX-License-Identifier: MIT
// The caller's own allocator: everything that an object holds comes from it and goes back to it, a
// refused block is FFWD_ENOMEM, and objects with different allocators do not mix them up.
#include <stdlib.h>

#include "support/nets.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { ROWS = 50, IN = 4, OUT = 2 };

/** An allocator that counts, and refuses the n-th block. */
typedef struct heap {
    long live, blocks, refused;
} heap;

static void *allocate(void *user, size_t alignment, size_t bytes) {
    heap *from = user;
    if (++from->blocks == from->refused) {
        return NULL;
    }
    ck_assert_uint_ge(alignment, 64);
    void *block = NULL;
    ck_assert_int_eq(posix_memalign(&block, alignment, bytes), 0);
    from->live++;
    return block;
}

static void release(void *user, void *block) {
    heap *to = user;
    ck_assert_ptr_nonnull(block);
    to->live--;
    free(block);
}

static ffwd_allocator allocator_of(heap *h) {
    return (ffwd_allocator){allocate, release, h};
}

static ffwd_model *model;
static float *x, y[ROWS * OUT], expected[ROWS * OUT];
static ffwd_error err = FFWD_ERROR_INIT;

static void setup(void) {
    static const uint64_t widths[] = {IN, 7, OUT};
    const net_shape shape = net_shape_of(2, widths, FFWD_TANH, 1);
    model = net_create(&shape, FFWD_F32, 1);
    x = net_values(ROWS * IN, FFWD_F32, 2, 0);
    oracle_run(model, ROWS, x, expected, NULL, NULL);
}

static void teardown(void) {
    ffwd_model_destroy(model);
    free(x);
}

static ffwd_status run(ffwd_engine *engine) {
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, OUT);
    float z1[ROWS * 7];
    const ffwd_output sums[] = {net_output(z1, FFWD_F32, ROWS, 7), {0}};
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.sums = sums;
    return ffwd_engine_run(engine, &in, &out, &options, NULL, &err);
}

static void check_run(ffwd_engine *engine) {
    expect_ok(run(engine), &err);
    net_check_bits(y, expected, ROWS, OUT, FFWD_F32, "Y");
}

/** The device and the engine have one each; a clone outlives both names. */
static void use_two(const char *selector, heap *of_device, heap *of_engine) {
    const ffwd_allocator device_allocator = allocator_of(of_device);
    const ffwd_allocator engine_allocator = allocator_of(of_engine);
    ffwd_device_options device_options = FFWD_DEVICE_OPTIONS_INIT;
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_device *device = NULL;
    ffwd_engine *engine = NULL, *clone = NULL;
    device_options.allocator = &device_allocator;
    options.allocator = &engine_allocator;
    const ffwd_status status = ffwd_device_open(selector, &device_options, &device, &err);
    if (status == FFWD_ENODEVICE) {
        expect_no_opencl(err.message);
        skip("%s", err.message);
        return;
    }
    expect_ok(status, &err);
    ck_assert_int_gt(of_device->live, 0);
    ck_assert_int_eq(of_engine->live, 0);
    expect_ok(ffwd_engine_create(model, &device, 1, &options, &engine, &err), &err);
    ck_assert_int_gt(of_engine->live, 0);
    expect_ok(ffwd_engine_clone(engine, &clone, &err), &err);
    check_run(engine);
    ffwd_engine_destroy(engine);
    check_run(clone);
    const long before = of_engine->live;
    check_run(clone);
    ck_assert_int_eq(of_engine->live, before);
    ffwd_engine_destroy(clone);
    ck_assert_int_eq(of_engine->live, 0);
    ck_assert_int_gt(of_device->live, 0);
    ffwd_device_destroy(device);
    ck_assert_int_eq(of_device->live, 0);
}

static const char *const selectors[] = {"cpu", "opencl"};

START_TEST(all_blocks_come_back) {
    heap of_device = {0, 0, 0}, of_engine = {0, 0, 0};
    use_two(selectors[_i], &of_device, &of_engine);
}
END_TEST

/** The callback is the caller's: what it makes comes from elsewhere. */
static int make_a_model(void *user, uint64_t rows_done, uint64_t rows) {
    const heap *h = user;
    const long before = h->live;
    static const uint64_t widths[] = {2, 3};
    const net_shape shape = net_shape_of(1, widths, FFWD_RELU, 0);
    ffwd_model *made = net_create(&shape, FFWD_F32, 1);
    ck_assert_int_eq(h->live, before);
    ffwd_model_destroy(made);
    return rows_done > rows;
}

START_TEST(a_callback_is_not_served) {
    heap h = {0, 0, 0};
    const ffwd_allocator allocator = allocator_of(&h);
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_run_options run_options = FFWD_RUN_OPTIONS_INIT;
    ffwd_engine *engine = NULL;
    options.allocator = &allocator;
    run_options.progress = make_a_model;
    run_options.user = &h;
    expect_ok(ffwd_engine_create(model, NULL, 0, &options, &engine, &err), &err);
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, OUT);
    expect_ok(ffwd_engine_run(engine, &in, &out, &run_options, NULL, &err), &err);
    ffwd_engine_destroy(engine);
    ck_assert_int_eq(h.live, 0);
}
END_TEST

START_TEST(half_an_allocator) {
    heap h = {0, 0, 0};
    ffwd_allocator broken = allocator_of(&h);
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_device_options device_options = FFWD_DEVICE_OPTIONS_INIT;
    ffwd_engine *engine = NULL;
    ffwd_device *device = NULL;
    options.allocator = device_options.allocator = &broken;
    broken.release = NULL;
    expect_failure(ffwd_engine_create(model, NULL, 0, &options, &engine, &err), &err,
                   FFWD_EARGUMENT, "an allocator without release");
    broken.allocate = NULL;
    expect_failure(ffwd_device_open("cpu", &device_options, &device, &err), &err, FFWD_EARGUMENT,
                   "an allocator without allocate");
}
END_TEST

/** A file's model; a build without the file component has none. */
START_TEST(a_model_comes_back) {
    heap h = {0, 0, 0};
    const ffwd_allocator allocator = allocator_of(&h);
    ffwd_load_options options = FFWD_LOAD_OPTIONS_INIT;
    ffwd_model *loaded = NULL;
    ffwd_status status;
    options.allocator = &allocator;
    do {
        h.blocks = 0;
        h.refused++;
        status = ffwd_model_load(TEST_DATA "/wine_tanh.npz", &options, &loaded, &err);
        if (status == FFWD_EUNSUPPORTED) {
            skip("%s", err.message);
            return;
        }
        ck_assert_msg(status == (h.blocks >= h.refused ? FFWD_ENOMEM : FFWD_OK), "%s", err.message);
        ck_assert(status == FFWD_OK || h.live == 0);
    } while (status != FFWD_OK);
    ck_assert_int_gt(h.refused, 3);
    ck_assert_int_gt(h.live, 0);
    ffwd_model_destroy(loaded);
    ck_assert_int_eq(h.live, 0);
}
END_TEST

/** An engine that opens its device itself has it from its own allocator, too. */
START_TEST(every_block_refused_once) {
    ffwd_status status = FFWD_ENOMEM;
    for (long n = 1; status == FFWD_ENOMEM; n++) {
        heap only = {0, 0, n};
        const ffwd_allocator allocator = allocator_of(&only);
        ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
        ffwd_engine *engine = NULL;
        options.allocator = &allocator;
        options.device = "cpu";
        status = ffwd_engine_create(model, NULL, 0, &options, &engine, &err);
        if (status == FFWD_OK) {
            status = run(engine);
            ck_assert(status != FFWD_OK || n > 5);
        }
        ck_assert_msg(status == (only.blocks >= n ? FFWD_ENOMEM : FFWD_OK), "%s", err.message);
        ffwd_engine_destroy(engine);
        ck_assert_int_eq(only.live, 0);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("allocator");
    TCase *tcase = tcase_create("allocator");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, all_blocks_come_back, 0, sizeof selectors / sizeof *selectors);
    tcase_add_test(tcase, every_block_refused_once);
    tcase_add_test(tcase, a_callback_is_not_served);
    tcase_add_test(tcase, half_an_allocator);
    tcase_add_test(tcase, a_model_comes_back);
    suite_add_tcase(suite, tcase);
    return suite_main(suite);
}
