// SPDX-License-Identifier: MIT
// Engines on the CPU: options, refusals, progress, reports, plans, limits.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/nets.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { ROWS = 1000, IN = 2, OUT = 1, LAYERS = 3 };

static const uint64_t widths[] = {IN, 3, 2, OUT};
static ffwd_model *model;
static ffwd_device *cpu;
static ffwd_error err = FFWD_ERROR_INIT;
static float x[ROWS * IN], y[ROWS * OUT], expected[ROWS * OUT];

/** 2-3-2-1 step on a CPU device of two threads, and what it should come to. */
static void setup(void) {
    const net_shape shape = net_shape_of(LAYERS, widths, FFWD_STEP, 1);
    model = net_create(&shape, FFWD_F32, 1);
    expect_ok(ffwd_random_fill(1, 5, 0, ROWS * IN, FFWD_F32, x, &err), &err);
    oracle_run(model, ROWS, x, expected, NULL, NULL);
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    options.threads = 2;
    expect_ok(ffwd_device_open("cpu", &options, &cpu, &err), &err);
}

static void teardown(void) {
    ffwd_model_destroy(model);
    ffwd_device_destroy(cpu);
}

static ffwd_engine *engine_with(const ffwd_engine_options *options) {
    ffwd_engine *engine = NULL;
    expect_ok(ffwd_engine_create(model, &cpu, 1, options, &engine, &err), &err);
    return engine;
}

/** Runs all rows and checks Y. */
static void run(ffwd_engine *engine, const ffwd_run_options *options, ffwd_report *report) {
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, OUT);
    memset(y, 0xa5, sizeof y);
    expect_ok(ffwd_engine_run(engine, &in, &out, options, report, &err), &err);
    net_check_bits(y, expected, ROWS, OUT, FFWD_F32, "Y");
}

/* ----------------------------------------------------------------------------------- creation */

START_TEST(all_defaults) {
    ffwd_engine *engine = NULL;
    expect_ok(ffwd_engine_create(model, NULL, 0, NULL, &engine, &err), &err);
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_engine_device(engine, &info);
    ck_assert_str_eq(info.id, "cpu");
    ck_assert_uint_ge(info.threads, 1);
    ck_assert_uint_ne(ffwd_engine_strategy(engine), FFWD_STRATEGY_AUTO);
    ck_assert_uint_gt(ffwd_engine_chunk_rows(engine), 0);
    ck_assert_uint_gt(ffwd_engine_memory(engine), 0);
    ck_assert_ptr_nonnull(strstr(ffwd_engine_why(engine), "28 flops a row"));
    run(engine, NULL, NULL);
    ck_assert_str_eq(ffwd_engine_fallback(engine), "");
    ffwd_engine_destroy(engine);
    ffwd_engine_destroy(NULL);
}
END_TEST

START_TEST(an_older_caller_gets_defaults_for_what_it_does_not_know) {
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.strategy = FFWD_LAYERED;
    options.chunk_rows = 7;
    options.struct_size = offsetof(ffwd_engine_options, chunk_rows);
    ffwd_engine *engine = engine_with(&options);
    ck_assert_uint_eq(ffwd_engine_strategy(engine), FFWD_LAYERED);
    ck_assert_uint_ne(ffwd_engine_chunk_rows(engine), 7);

    ffwd_run_options run_options = FFWD_RUN_OPTIONS_INIT;
    run_options.sums = (const ffwd_output *)(const void *)x;
    run_options.struct_size = offsetof(ffwd_run_options, sums);
    ffwd_report report = FFWD_REPORT_INIT;
    report.struct_size = offsetof(ffwd_report, bytes);
    report.bytes = 77;
    run(engine, &run_options, &report);
    ck_assert_uint_eq(report.rows, ROWS);
    ck_assert_uint_eq(report.bytes, 77);
    ffwd_engine_destroy(engine);
}
END_TEST

static void expect_no_engine(ffwd_device *const *devices, size_t count,
                             const ffwd_engine_options *options, ffwd_status status,
                             const char *message) {
    ffwd_engine *engine = (ffwd_engine *)&err;
    expect_failure(ffwd_engine_create(model, devices, count, options, &engine, &err), &err, status,
                   message);
    ck_assert_ptr_null(engine);
}

START_TEST(strategies_that_cannot_be) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(cpu, &info);
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.strategy = 9;
    expect_no_engine(&cpu, 1, &options, FFWD_EARGUMENT, "unknown strategy 9");

    char message[256];
    (void)snprintf(message, sizeof message, "device cpu (%s) has no strategy chain", info.name);
    options.strategy = FFWD_CHAIN;
    expect_no_engine(&cpu, 1, &options, FFWD_ENODEVICE, message);
    options.device = "cpu";
    expect_no_engine(NULL, 0, &options, FFWD_ENODEVICE, message);

    options.device = "auto";
    ffwd_engine *engine;
    ck_assert_int_eq(ffwd_engine_create(model, NULL, 0, &options, &engine, &err), FFWD_ENODEVICE);
    ck_assert_msg(strncmp(err.message, "strategy chain needs OpenCL: no OpenCL device: ", 47) == 0,
                  "%s", err.message);
}
END_TEST

START_TEST(the_selector_comes_from_the_options_or_the_environment) {
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.device = "cpu";
    ffwd_engine *engine = NULL;
    expect_ok(ffwd_engine_create(model, NULL, 0, &options, &engine, &err), &err);
    ck_assert_str_eq(ffwd_engine_why(engine), "named by the caller");
    ffwd_engine_destroy(engine);

    ck_assert_int_eq(setenv("FFWD_DEVICE", "cpu", 1), 0);
    expect_ok(ffwd_engine_create(model, NULL, 0, NULL, &engine, &err), &err);
    ck_assert_str_eq(ffwd_engine_why(engine), "named by FFWD_DEVICE");
    ffwd_engine_destroy(engine);

    ck_assert_int_eq(setenv("FFWD_DEVICE", "no such device", 1), 0);
    ck_assert_int_eq(ffwd_engine_create(model, NULL, 0, NULL, &engine, &err), FFWD_ENODEVICE);
    expect_ok(ffwd_engine_create(model, NULL, 0, &options, &engine, &err), &err);
    ffwd_engine_destroy(engine);
    engine = engine_with(NULL);
    ck_assert_str_eq(ffwd_engine_why(engine), "first of the devices given");
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(device_options_reach_the_cpu_that_an_engine_opens) {
    const ffwd_device_options device_options = {sizeof device_options, 3, "portable", NULL, NULL};
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.device_options = &device_options;
    ffwd_engine *engine = NULL;
    expect_ok(ffwd_engine_create(model, NULL, 0, &options, &engine, &err), &err);
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_engine_device(engine, &info);
    ck_assert_uint_eq(info.threads, 3);
    ck_assert_str_eq(info.isa, "portable");
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(strategies_have_words) {
    static const char *const words[] = {"auto", "chain", "layered", "fused", "table"};
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t strategy = 99;
        ck_assert_str_eq(ffwd_strategy_name(i), words[i]);
        expect_ok(ffwd_strategy_parse(words[i], &strategy, &err), &err);
        ck_assert_uint_eq(strategy, i);
    }
    uint32_t strategy;
    ck_assert_ptr_null(ffwd_strategy_name(5));
    expect_failure(ffwd_strategy_parse("fast", &strategy, &err), &err, FFWD_EARGUMENT,
                   "unknown strategy 'fast', known are auto chain layered fused table");
}
END_TEST

/* --------------------------------------------------------------------------------------- runs */

START_TEST(shapes_that_disagree) {
    ffwd_engine *engine = engine_with(NULL);
    const struct {
        ffwd_input in;
        ffwd_output out;
        ffwd_status status;
        const char *message;
    } cases[] = {
        {net_input(x, FFWD_F32, ROWS, 1), net_output(y, FFWD_F32, ROWS, 1), FFWD_EARGUMENT,
         "X is [1000][1], but the model takes 2 inputs"},
        {net_input(x, FFWD_F32, ROWS, 2), net_output(y, FFWD_F32, ROWS / 2, 2), FFWD_EARGUMENT,
         "Y is [500][2], but the outputs are [1000][1]"},
        {net_input(x, FFWD_F32, ROWS, 2), net_output(y, FFWD_F32, ROWS - 1, 1), FFWD_EARGUMENT,
         "Y is [999][1], but the outputs are [1000][1]"},
        {net_input(NULL, FFWD_F32, ROWS, 2), net_output(y, FFWD_F32, ROWS, 1), FFWD_EARGUMENT,
         "X: data is NULL for 1000 rows of 2"},
        {net_input(x, FFWD_F32, ROWS, 2), net_output(NULL, FFWD_F32, ROWS, 1), FFWD_EARGUMENT,
         "Y: data is NULL for 1000 rows of 1"},
        {net_input(x, 7, ROWS, 2), net_output(y, FFWD_F32, ROWS, 1), FFWD_EARGUMENT,
         "X: dtype 7 is none of f32, f64, u8"},
        {net_input(x, FFWD_F32, 1ull << 62, 2), net_output(y, FFWD_F32, ROWS, 1), FFWD_EOVERFLOW,
         "X: 4611686018427387904 rows of 2 with strides 2 and 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ffwd_report report = FFWD_REPORT_INIT;
        expect_failure(ffwd_engine_run(engine, &cases[i].in, &cases[i].out, NULL, &report, &err),
                       &err, cases[i].status, cases[i].message);
        ck_assert_uint_eq(report.rows, 0);
    }
    run(engine, NULL, NULL);
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(bytes_are_for_steps) {
    const net_shape shape = net_shape_of(1, widths, FFWD_RELU, 0);
    unsigned char bytes[3 * 3];
    ffwd_model *relu = net_create(&shape, FFWD_F32, 1);
    ffwd_engine *engine = NULL;
    expect_ok(ffwd_engine_create(relu, &cpu, 1, NULL, &engine, &err), &err);
    const ffwd_input in = net_input(x, FFWD_F32, 3, 2);
    const ffwd_output out = net_output(bytes, FFWD_U8, 3, 3);
    expect_failure(ffwd_engine_run(engine, &in, &out, NULL, NULL, &err), &err, FFWD_EARGUMENT,
                   "u8 outputs need a step as the last activation");
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(relu);
}
END_TEST

START_TEST(captures_that_disagree) {
    ffwd_engine *engine = engine_with(NULL);
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, OUT);
    ffwd_output captures[LAYERS] = {{0}};
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    float block[8];

    options.sums = captures;
    captures[1] = net_output(block, FFWD_F32, ROWS, 3);
    expect_failure(ffwd_engine_run(engine, &in, &out, &options, NULL, &err), &err, FFWD_EARGUMENT,
                   "sums of layer 2 are f32 [1000][2], but the capture is f32 [1000][3]");
    captures[1] = net_output(block, FFWD_F64, ROWS, 2);
    expect_failure(ffwd_engine_run(engine, &in, &out, &options, NULL, &err), &err, FFWD_EARGUMENT,
                   "sums of layer 2 are f32 [1000][2], but the capture is f64 [1000][2]");
    options.sums = NULL;
    options.outputs = captures;
    captures[1].data = NULL;
    captures[2] = net_output(block, FFWD_F32, 8, 1);
    expect_failure(ffwd_engine_run(engine, &in, &out, &options, NULL, &err), &err, FFWD_EARGUMENT,
                   "outputs of layer 3 are f32 [1000][1], but the capture is f32 [8][1]");
    captures[2].data = NULL;
    run(engine, &options, NULL);
    ffwd_engine_destroy(engine);
}
END_TEST

typedef struct progress_log {
    uint64_t rows_done[8];
    size_t calls, stop_at;
} progress_log;

static int note_progress(void *user, uint64_t rows_done, uint64_t rows) {
    progress_log *log = user;
    ck_assert_uint_eq(rows, ROWS);
    ck_assert_uint_lt(log->calls, 8);
    log->rows_done[log->calls++] = rows_done;
    return log->calls == log->stop_at;
}

START_TEST(progress_comes_between_chunks_and_at_the_end) {
    static const uint64_t all[] = {300, 600, 900, 1000};
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.chunk_rows = 300;
    ffwd_engine *engine = engine_with(&options);
    ck_assert_uint_eq(ffwd_engine_chunk_rows(engine), 300);
    progress_log log = {.stop_at = 0};
    ffwd_run_options run_options = FFWD_RUN_OPTIONS_INIT;
    run_options.progress = note_progress;
    run_options.user = &log;
    run(engine, &run_options, NULL);
    ck_assert_uint_eq(log.calls, 4);
    ck_assert_mem_eq(log.rows_done, all, sizeof all);

    log = (progress_log){.stop_at = 2};
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, OUT);
    expect_failure(ffwd_engine_run(engine, &in, &out, &run_options, NULL, &err), &err,
                   FFWD_ECANCELLED, "cancelled after 600 of 1000 rows");
    ck_assert_uint_eq(log.calls, 2);
    run(engine, NULL, NULL);
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(the_report_adds_up) {
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.chunk_rows = 300;
    options.strategy = FFWD_FUSED;
    ffwd_engine *engine = engine_with(&options);
    for (int repeat = 0; repeat < 2; repeat++) {
        ffwd_report report = FFWD_REPORT_INIT;
        run(engine, NULL, &report);
        ck_assert_uint_eq(report.struct_size, sizeof report);
        ck_assert_uint_eq(report.rows, ROWS);
        ck_assert_uint_eq(report.chunks, 4);
        ck_assert_uint_eq(report.chunks_redone, 0);
        ck_assert_uint_eq(report.bytes, ROWS * (IN + OUT) * sizeof(float));
        ck_assert_uint_eq(report.flops, ROWS * 28);
        ck_assert_uint_gt(report.setup_ns, 0);
        ck_assert_uint_gt(report.kernel_ns, 0);
        ck_assert_uint_ge(report.total_ns, report.kernel_ns);
        ck_assert_uint_eq(report.upload_ns + report.download_ns, 0);
        ffwd_stage stage = FFWD_STAGE_INIT;
        expect_ok(ffwd_engine_stage(engine, 0, &stage, &err), &err);
        ck_assert_uint_eq(stage.ns, report.kernel_ns);
    }
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(no_rows_are_no_work) {
    ffwd_engine *engine = engine_with(NULL);
    const ffwd_input in = net_input(NULL, FFWD_F32, 0, IN);
    const ffwd_output out = net_output(NULL, FFWD_F32, 0, OUT);
    ffwd_report report = FFWD_REPORT_INIT;
    expect_ok(ffwd_engine_run(engine, &in, &out, NULL, &report, &err), &err);
    ck_assert_uint_eq(report.chunks, 0);
    ck_assert_uint_eq(report.bytes, 0);
    ffwd_engine_destroy(engine);
}
END_TEST

/** "PREFIX_ISA_f32" of the device. */
static const char *kernel_name(const char *prefix) {
    static char name[64];
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(cpu, &info);
    (void)snprintf(name, sizeof name, "%s_%s_f32", prefix, info.isa);
    return name;
}

START_TEST(the_plan_can_be_asked_for) {
    static const uint32_t strategies[] = {FFWD_FUSED, FFWD_LAYERED};
    for (size_t s = 0; s < 2; s++) {
        const bool fused = strategies[s] == FFWD_FUSED;
        ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
        options.strategy = strategies[s];
        options.chunk_rows = 400;
        ffwd_engine *engine = engine_with(&options);
        const size_t count = ffwd_engine_stage_count(engine);
        ck_assert_uint_eq(ffwd_engine_strategy(engine), strategies[s]);
        ck_assert_uint_eq(count, fused ? 1 : LAYERS);
        run(engine, NULL, NULL);
        for (size_t i = 0; i < count; i++) {
            ffwd_stage stage = FFWD_STAGE_INIT;
            expect_ok(ffwd_engine_stage(engine, i, &stage, &err), &err);
            ck_assert_str_eq(stage.kernel, kernel_name(fused ? "registers" : "matmul_step"));
            ck_assert_uint_eq(stage.first_layer, i + 1);
            ck_assert_uint_eq(stage.layer_count, fused ? LAYERS : 1);
            ck_assert_uint_eq(stage.launches, 3);
            ck_assert_uint_gt(stage.ns, 0);
        }
        ffwd_stage stage = FFWD_STAGE_INIT;
        char message[64];
        (void)snprintf(message, sizeof message, "stage %zu of %zu", count, count);
        expect_failure(ffwd_engine_stage(engine, count, &stage, &err), &err, FFWD_EARGUMENT,
                       message);
        ffwd_engine_destroy(engine);
    }
}
END_TEST

/** Captures are not made in registers; the plan tells which kernel a run took. */
START_TEST(a_captured_run_names_its_kernel) {
    static const char *const names[] = {"registers", "rowblock", "registers"};
    static float z[ROWS * 3], z_expected[ROWS * 3];
    ffwd_engine_options forced = FFWD_ENGINE_OPTIONS_INIT;
    forced.strategy = FFWD_FUSED;
    ffwd_engine *engine = engine_with(&forced);
    const ffwd_output sums[LAYERS] = {net_output(z, FFWD_F32, ROWS, 3)};
    void *sums_expected[LAYERS] = {z_expected};
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.sums = sums;
    oracle_run(model, ROWS, x, expected, sums_expected, NULL);
    for (size_t i = 0; i < 3; i++) {
        ffwd_stage stage = FFWD_STAGE_INIT;
        run(engine, i == 1 ? &options : NULL, NULL);
        expect_ok(ffwd_engine_stage(engine, 0, &stage, &err), &err);
        ck_assert_str_eq(stage.kernel, kernel_name(names[i]));
    }
    net_check_bits(z, z_expected, ROWS, 3, FFWD_F32, "sums");
    ffwd_engine_destroy(engine);
}
END_TEST

/* ------------------------------------------------------------------------------------- limits */

START_TEST(the_limit_is_measured) {
    ffwd_engine *engine = engine_with(NULL);
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, OUT);
    ffwd_limit first = FFWD_LIMIT_INIT, second = FFWD_LIMIT_INIT;
    expect_ok(ffwd_engine_limit(engine, &in, &out, &first, &err), &err);
    ck_assert_uint_eq(first.stream_bytes, (ROWS * (IN + OUT) + 9 + 8 + 3) * sizeof(float));
    ck_assert_uint_gt(first.stream_ns, 0);
    ck_assert_uint_eq(first.transfer_ns, 0);
    ck_assert_double_gt(first.fma_gflops, 0.01);
    ck_assert_double_lt(first.fma_gflops, 1e6);
    ck_assert_double_eq(first.isa_fma_gflops, 0);
    expect_ok(ffwd_engine_limit(engine, &in, &out, &second, &err), &err);
    ck_assert_double_gt(second.fma_gflops, 0.01);
    run(engine, NULL, NULL);

    ffwd_input strided = in;
    strided.rows = ROWS / 2;
    strided.row_stride = 2 * IN;
    ffwd_output half = out;
    half.rows = ROWS / 2;
    expect_failure(ffwd_engine_limit(engine, &strided, &half, &second, &err), &err, FFWD_EARGUMENT,
                   "the limit is measured over dense rows");
    strided.row_stride = IN;
    half.row_stride = 2 * OUT;
    expect_failure(ffwd_engine_limit(engine, &strided, &half, &second, &err), &err, FFWD_EARGUMENT,
                   "the limit is measured over dense rows");
    expect_failure(ffwd_engine_limit(engine, &strided, &out, &second, &err), &err, FFWD_EARGUMENT,
                   "Y is [1000][1], but the outputs are [500][1]");
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(options_without_their_size_are_refused) {
    const ffwd_engine_options forgotten = {.no_fallback = 1};
    ffwd_engine *engine = NULL;
    expect_failure(ffwd_engine_create(model, NULL, 0, &forgotten, &engine, &err), &err,
                   FFWD_EARGUMENT, "struct_size is 0: use the _INIT macro");
    ck_assert_ptr_null(engine);
}
END_TEST

START_TEST(options_of_a_newer_library_are_refused_where_they_are_set) {
    struct {
        ffwd_engine_options known;
        uint64_t newer;
    } options = {FFWD_ENGINE_OPTIONS_INIT, 0};
    ffwd_engine *engine = NULL;
    options.known.struct_size = sizeof options;
    expect_ok(ffwd_engine_create(model, NULL, 0, &options.known, &engine, &err), &err);
    ffwd_engine_destroy(engine);
    options.newer = 1;
    ck_assert_int_eq(ffwd_engine_create(model, NULL, 0, &options.known, &engine, &err),
                     FFWD_EARGUMENT);
}
END_TEST

/** Above what one row needs, the bound holds, in whatever way the chunk is asked for. */
START_TEST(buffers_stay_within_the_bound) {
    static const uint64_t bounds[] = {40000, 100000, 1000000};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
        ffwd_engine *engine = NULL;
        options.strategy = FFWD_LAYERED;
        options.memory_bytes = bounds[i];
        options.chunk_rows = i == 1 ? 1000000 : 0;
        options.device = "cpu";
        expect_ok(ffwd_engine_create(model, NULL, 0, &options, &engine, &err), &err);
        ck_assert_uint_le(ffwd_engine_memory(engine), bounds[i]);
        run(engine, NULL, NULL);
        ffwd_engine_destroy(engine);
    }
}
END_TEST

START_TEST(a_forced_instruction_set_has_its_own_rate) {
    const ffwd_device_options options = {sizeof options, 1, "portable", NULL, NULL};
    ffwd_device *portable = NULL;
    ffwd_engine *engine = NULL;
    expect_ok(ffwd_device_open("cpu", &options, &portable, &err), &err);
    expect_ok(ffwd_engine_create(model, &portable, 1, NULL, &engine, &err), &err);
    const ffwd_input in = net_input(x, FFWD_F32, 10, IN);
    const ffwd_output out = net_output(y, FFWD_F32, 10, OUT);
    ffwd_limit limit = FFWD_LIMIT_INIT;
    expect_ok(ffwd_engine_limit(engine, &in, &out, &limit, &err), &err);
    ck_assert_double_gt(limit.isa_fma_gflops, 0);
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(portable);
}
END_TEST

int main(void) {
    (void)unsetenv("FFWD_DEVICE");
    (void)setenv("FFWD_OPENCL_LIBRARY", "none", 1);
    Suite *suite = suite_create("engine");
    TCase *tcase = tcase_create("engine");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, all_defaults);
    tcase_add_test(tcase, an_older_caller_gets_defaults_for_what_it_does_not_know);
    tcase_add_test(tcase, strategies_that_cannot_be);
    tcase_add_test(tcase, the_selector_comes_from_the_options_or_the_environment);
    tcase_add_test(tcase, device_options_reach_the_cpu_that_an_engine_opens);
    tcase_add_test(tcase, strategies_have_words);
    tcase_add_test(tcase, shapes_that_disagree);
    tcase_add_test(tcase, bytes_are_for_steps);
    tcase_add_test(tcase, captures_that_disagree);
    tcase_add_test(tcase, progress_comes_between_chunks_and_at_the_end);
    tcase_add_test(tcase, the_report_adds_up);
    tcase_add_test(tcase, no_rows_are_no_work);
    tcase_add_test(tcase, the_plan_can_be_asked_for);
    tcase_add_test(tcase, a_captured_run_names_its_kernel);
    tcase_add_test(tcase, the_limit_is_measured);
    tcase_add_test(tcase, options_without_their_size_are_refused);
    tcase_add_test(tcase, options_of_a_newer_library_are_refused_where_they_are_set);
    tcase_add_test(tcase, buffers_stay_within_the_bound);
    tcase_add_test(tcase, a_forced_instruction_set_has_its_own_rate);
    suite_add_tcase(suite, tcase);
    return suite_main(suite);
}
