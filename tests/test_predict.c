// SPDX-License-Identifier: MIT
// Predictions from given rates: what is the bottleneck, what chunks hide, what a plan adds; and
// what an engine makes of its own.
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device/predict.h"
#include "engine/opening.h"
#include "support/files.h"
#include "support/nets.h"
#include "support/suite.h"

static ffwd_error err = FFWD_ERROR_INIT;

/** A thousand rows in ten chunks: a flop takes as long as a byte at rates of 1. */
static const ffwd_work work = {.rows = 1000,
                               .flops = 50,
                               .x_bytes = 8,
                               .y_bytes = 4,
                               .weight_bytes = 100,
                               .chunks = 10,
                               .launches = 20};

static ffwd_prediction predict(const ffwd_rates *rates) {
    ffwd_prediction prediction = FFWD_PREDICTION_INIT;
    ffwd_predict(&work, rates, &prediction);
    ck_assert_uint_eq(prediction.struct_size, sizeof prediction);
    ck_assert_uint_eq(prediction.rows, work.rows);
    return prediction;
}

START_TEST(the_slower_of_computing_and_memory) {
    const ffwd_rates computing = {.flops = 1, .memory = {{.rate = 1}}, .measured = true};
    ffwd_prediction found = predict(&computing);
    ck_assert_uint_eq(found.total_ns, 50000);
    ck_assert_uint_eq(found.compute_ns, 50000);
    ck_assert_uint_eq(found.memory_ns, 13000);
    ck_assert_uint_eq(found.measured, 1);
    const ffwd_rates memory = {.flops = 100, .memory = {{.rate = 0.5}}, .launch_ns = 7};
    found = predict(&memory);
    ck_assert_uint_eq(found.total_ns, 26140);
    ck_assert_uint_eq(found.launch_ns, 140);
    ck_assert_uint_eq(found.measured, 0);
}
END_TEST

/** The work moves 13,000 bytes. */
START_TEST(memory_is_faster_near) {
    ffwd_rates rates = {.flops = 1e6, .memory = {{1000, 8}, {13000, 4}, {1e6, 1}}};
    ck_assert_uint_eq(predict(&rates).total_ns, 13000 / 4);
    rates.memory[0].bytes = 13001;
    rates.memory[1].bytes = 20000;
    ck_assert_uint_eq(predict(&rates).total_ns, 13000 / 8);
    rates.memory[0].bytes = 100;
    rates.memory[1].bytes = 1300;
    rates.memory[2].bytes = 130000; // half of the way, as orders of magnitude go
    ck_assert_uint_eq(predict(&rates).total_ns, (uint64_t)(13000 / 2.5));
    rates.memory[2].rate = 5; // noise
    ck_assert_uint_eq(predict(&rates).total_ns, 13000 / 4);
    rates.memory[2] = (ffwd_memory_level){120, 1}; // no farther than the one before
    ck_assert_uint_eq(predict(&rates).total_ns, 13000 / 4);
    rates.memory[1].rate = 0;
    rates.memory[2].rate = 0;
    ck_assert_uint_eq(predict(&rates).total_ns, 13000 / 8);
}
END_TEST

/** What is predicted for so many rows of 60 bytes, in one chunk. */
static uint64_t time_of(const ffwd_rates *rates, uint64_t rows) {
    const ffwd_work some = {
        .rows = rows, .flops = 10, .x_bytes = 40, .y_bytes = 20, .chunks = 1, .launches = 1};
    ffwd_prediction prediction = FFWD_PREDICTION_INIT;
    ffwd_predict(&some, rates, &prediction);
    return prediction.total_ns;
}

START_TEST(more_rows_take_longer) {
    const ffwd_rates rates = {
        .flops = 170, .memory = {{1 << 19, 200}, {8 << 20, 60}, {64 << 20, 63}}, .launch_ns = 300};
    for (uint64_t rows = 1; rows < 100000000; rows += rows / 3 + 1) {
        ck_assert_uint_ge(time_of(&rates, rows + rows / 3 + 1), time_of(&rates, rows));
    }
}
END_TEST

START_TEST(the_last_rows_of_few_are_a_thread_s) {
    const ffwd_rates rates = {.flops = 4, .threads = 4, .unit_rows = 48};
    ck_assert_uint_eq(time_of(&rates, 192), 192 * 10 / 4);
    ck_assert_uint_eq(time_of(&rates, 193), 384 * 10 / 4);
    ck_assert_uint_eq(time_of(&rates, 1), 192 * 10 / 4);
}
END_TEST

START_TEST(transfers_hide_behind_kernels_but_for_a_chunk) {
    const ffwd_rates rates = {.flops = 1, .memory = {{.rate = 1}}, .upload = 1, .download = 2};
    const ffwd_prediction found = predict(&rates);
    ck_assert_uint_eq(found.upload_ns, 8000);
    ck_assert_uint_eq(found.download_ns, 2000);
    ck_assert_uint_eq(found.total_ns, 50000 + (8000 + 2000) / 10);
    const ffwd_rates slow = {.flops = 1, .memory = {{.rate = 1}}, .upload = 0.1, .download = 1};
    ck_assert_uint_eq(predict(&slow).total_ns, 80000 + (50000 + 4000) / 10);
    ffwd_rates serial = rates;
    serial.serial = true;
    ck_assert_uint_eq(predict(&serial).total_ns, 50000 + 8000 + 2000);
    serial.chunk_ns = 3;
    serial.launch_ns = 1;
    ck_assert_uint_eq(predict(&serial).launch_ns, 10 * 3 + 20 * 1);
}
END_TEST

START_TEST(little_work_is_one_thread_s) {
    ffwd_rates rates = {.flops = 4, .threads = 4, .thread_flops = 12500, .wake_ns = 3};
    ck_assert_uint_eq(predict(&rates).total_ns, 12500 + 20 * 3);
    rates.thread_flops = 12501;
    ck_assert_uint_eq(predict(&rates).total_ns, 50000);
}
END_TEST

/** 8-16-4 relu with biases, and what a plan of so many stages moves and computes. */
static ffwd_work work_of(size_t stages, uint64_t chunk_rows, uint64_t rows) {
    static const uint64_t widths[] = {8, 16, 4};
    const net_shape shape = net_shape_of(2, widths, FFWD_RELU, 1);
    ffwd_model *model = net_create(&shape, FFWD_F64, 1);
    const ffwd_work found = ffwd_work_of(model, 384, stages, chunk_rows, rows);
    ck_assert_double_eq(found.x_bytes, 64);
    ck_assert_double_eq(found.y_bytes, 32);
    ck_assert_double_eq(found.weight_bytes, (8 * 16 + 16 * 4 + 16 + 4) * 8.0);
    ck_assert_double_gt(found.flops, 384);
    ffwd_model_destroy(model);
    return found;
}

START_TEST(the_work_of_a_plan) {
    ffwd_work found = work_of(1, 100, 1001);
    ck_assert_double_eq(found.chunks, 11);
    ck_assert_double_eq(found.launches, 11);
    ck_assert_double_eq(found.between_bytes, 0);
    found = work_of(2, 1000, 1000);
    ck_assert_double_eq(found.launches, 2);
    ck_assert_double_eq(found.between_bytes, 16 * 8 * 2.0);
    found = work_of(4, 1000, 1);
    ck_assert_double_eq(found.between_bytes, 16 * 8 * 4.0);
    found = work_of(1, 1000, 0);
    ck_assert_double_eq(found.chunks, 0);
    ffwd_prediction prediction = FFWD_PREDICTION_INIT;
    const ffwd_rates rates = {.flops = 1, .memory = {{.rate = 1}}, .upload = 1, .launch_ns = 5};
    ffwd_predict(&found, &rates, &prediction);
    ck_assert_uint_eq(prediction.total_ns, 0);
}
END_TEST

START_TEST(an_engine_predicts_its_runs) {
    static const uint64_t widths[] = {8, 16, 4};
    const net_shape shape = net_shape_of(2, widths, FFWD_TANH, 1);
    ffwd_model *model = net_create(&shape, FFWD_F32, 1);
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_engine *engine = NULL;
    options.device = "cpu";
    expect_ok(ffwd_engine_create(model, NULL, 0, &options, &engine, &err), &err);
    ffwd_prediction few = FFWD_PREDICTION_INIT, many = FFWD_PREDICTION_INIT;
    expect_ok(ffwd_engine_predict(engine, 1000, &few, &err), &err);
    expect_ok(ffwd_engine_predict(engine, 1000000000, &many, &err), &err);
    ck_assert_uint_eq(few.measured, 1);
    ck_assert_uint_eq(few.rows, 1000);
    ck_assert_uint_gt(few.total_ns, 0);
    ck_assert_uint_gt(few.setup_ns, 0);
    ck_assert_uint_eq(few.upload_ns + few.download_ns, 0);
    ck_assert_uint_gt(many.total_ns, few.total_ns);

    ffwd_prediction older = {.struct_size = offsetof(ffwd_prediction, upload_ns), .upload_ns = 77};
    expect_ok(ffwd_engine_predict(engine, 1000, &older, &err), &err);
    ck_assert_uint_gt(older.total_ns, 0);
    ck_assert_uint_eq(older.upload_ns, 77);
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(model);
}
END_TEST

/* What the first device of a process took to open is kept for the next process. */

static double opening_in_child(const ffwd_device *device, uint64_t ns) {
    double seen = 0;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        ffwd_opening_note(NULL, device, ns);
        ffwd_opening_note(NULL, device, 7 * ns); // the second of the process
        seen = ffwd_opening_ns(NULL);
        _exit(write(ends[1], &seen, sizeof seen) == (ssize_t)sizeof seen ? 0 : 1);
    }
    ck_assert_int_eq(read(ends[0], &seen, sizeof seen), sizeof seen);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return seen;
}

START_TEST(the_cost_of_opening_is_kept) {
    const double assumed = ffwd_opening_ns(NULL);
    ck_assert_double_gt(assumed, 1e6);
    ck_assert_double_eq(opening_in_child(NULL, 20000000), 20e6);
    ck_assert_double_eq(ffwd_opening_ns(NULL), 20e6);
    ck_assert_double_eq(opening_in_child(NULL, 25000000), 20e6); // near enough
    ck_assert_double_eq(opening_in_child(NULL, 45000000), 45e6);
    ck_assert_double_eq(opening_in_child(NULL, 4000000), 4e6);
    ck_assert_int_eq(setenv("FFWD_OPENCL_LIBRARY", "other", 1), 0);
    ck_assert_double_eq(ffwd_opening_ns(NULL), assumed);
    ck_assert_int_eq(unsetenv("FFWD_OPENCL_LIBRARY"), 0);
    ck_assert_double_eq(ffwd_opening_ns(NULL), 4e6);
    ck_assert_double_eq(opening_in_child(NULL, 1), assumed); // that is no time
    ck_assert_double_eq(ffwd_opening_ns("off"), assumed);
}
END_TEST

/** A choice for so many rows of a network that computes enough for a GPU. */
static void expect_choice(uint64_t rows, const char *part) {
    static const uint64_t widths[] = {64, 128, 64};
    const net_shape shape = net_shape_of(2, widths, FFWD_RELU, 1);
    ffwd_model *model = net_create(&shape, FFWD_F32, 1);
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_engine *engine = NULL;
    options.expected_rows = rows;
    expect_ok(ffwd_engine_create(model, NULL, 0, &options, &engine, &err), &err);
    const char *why = ffwd_engine_why(engine);
    ck_assert_msg(strstr(why, part) != NULL, "%llu rows: %s", (unsigned long long)rows, why);
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(model);
}

/* Nothing is opened where the CPU is done before that would be; what the slowest CPU does in time
 * needs no measurement. */
START_TEST(opening_decides_where_it_is_dear) {
    ck_assert_int_eq(setenv("FFWD_OPENCL_LIBRARY", "none", 1), 0);
    (void)opening_in_child(NULL, 90000000000);
    expect_choice(1000, "a GPU 9e+04 ms to open");
    expect_choice(1000000, "a GPU 9e+04 ms to open");
    expect_choice(UINT64_C(1) << 50, "OpenCL");
    (void)opening_in_child(NULL, 1000000);
    expect_choice(UINT64_C(1) << 40, "OpenCL");
    expect_choice(1, "to open"); // within a millisecond on the slowest CPU
}
END_TEST

static void begin(void) {
    files_begin();
    ck_assert_int_eq(setenv("FFWD_CACHE", scratch("cache"), 1), 0);
    ck_assert_int_eq(unsetenv("FFWD_DEVICE"), 0);
}

int main(void) {
    Suite *suite = suite_create("predict");
    TCase *given = tcase_create("given rates");
    tcase_add_test(given, the_slower_of_computing_and_memory);
    tcase_add_test(given, memory_is_faster_near);
    tcase_add_test(given, more_rows_take_longer);
    tcase_add_test(given, the_last_rows_of_few_are_a_thread_s);
    tcase_add_test(given, transfers_hide_behind_kernels_but_for_a_chunk);
    tcase_add_test(given, little_work_is_one_thread_s);
    tcase_add_test(given, the_work_of_a_plan);
    suite_add_tcase(suite, given);
    TCase *own = tcase_create("own rates");
    tcase_add_test(own, an_engine_predicts_its_runs);
    suite_add_tcase(suite, own);
    TCase *opening = tcase_create("opening");
    tcase_add_checked_fixture(opening, begin, files_end);
    tcase_add_test(opening, the_cost_of_opening_is_kept);
    tcase_add_test(opening, opening_decides_where_it_is_dear);
    suite_add_tcase(suite, opening);
    return suite_main(suite);
}
