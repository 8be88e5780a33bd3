// SPDX-License-Identifier: MIT
// Chunks on a device with memory of its own, which PoCL is made to be: two under way at once, the
// bits of every strategy around the edges of chunks, what is counted, and runs that end in between.
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/nets.h"
#include "support/oracle.h"
#include "support/paths.h"
#include "support/suite.h"

enum { CHUNK_ROWS = 300, ROWS_MAX = 5 * CHUNK_ROWS + 3, IN = 6, OUT = 3, LAYERS = 3 };

static const uint64_t widths[] = {IN, 9, 5, OUT};
static ffwd_error err = FFWD_ERROR_INIT;

static void setup(void) {
    (void)setenv("FFWD_OPENCL_COPY", "1", 1);
}

/** A network, rows for it, the oracle's answers, and room for what comes back, with gaps of one
 *  value behind each row of those that are strided. */
typedef struct work {
    ffwd_model *model;
    uint32_t dtype;
    void *x, *y, *expected;
} work;

static work work_create(uint32_t dtype) {
    const net_shape shape = net_shape_of(LAYERS, widths, FFWD_TANH, 1);
    const uint64_t value_bytes = ffwd_dtype_size(dtype);
    const work w = {.model = net_create(&shape, dtype, 7),
                    .dtype = dtype,
                    .x = net_values(UINT64_C(1) * ROWS_MAX * (IN + 1), dtype, 3, 1),
                    .y = net_alloc(ROWS_MAX * (OUT + 1) * value_bytes),
                    .expected = net_alloc(ROWS_MAX * OUT * value_bytes)};
    return w;
}

static void work_free(work *w) {
    ffwd_model_destroy(w->model);
    free(w->x);
    free(w->y);
    free(w->expected);
}

/** Rows without the gaps behind them. */
static void *dense_copy(const void *rows, uint64_t count, uint64_t cols, uint64_t stride,
                        uint64_t value_bytes) {
    unsigned char *dense = net_alloc(count * cols * value_bytes);
    for (uint64_t r = 0; r < count; r++) {
        memcpy(dense + r * cols * value_bytes,
               (const unsigned char *)rows + r * stride * value_bytes,
               (size_t)(cols * value_bytes));
    }
    return dense;
}

static ffwd_status run(const work *w, ffwd_engine *engine, uint64_t rows, bool strided,
                       const ffwd_run_options *options, ffwd_report *report) {
    const int64_t gap = strided ? 1 : 0;
    const ffwd_input in = {w->x, w->dtype, rows, IN, IN + gap, 1};
    const ffwd_output out = {w->y, w->dtype, rows, OUT, OUT + gap, 1};
    memset(w->y, 0xa5, (size_t)(ROWS_MAX * (OUT + 1) * ffwd_dtype_size(w->dtype)));
    return ffwd_engine_run(engine, &in, &out, options, report, &err);
}

/** Compares Y with the oracle's. */
static void check(const work *w, uint64_t rows, bool strided, const char *what) {
    const uint64_t gap = strided ? 1 : 0, value_bytes = ffwd_dtype_size(w->dtype);
    void *x = dense_copy(w->x, rows, IN, IN + gap, value_bytes);
    void *y = dense_copy(w->y, rows, OUT, OUT + gap, value_bytes);
    oracle_run(w->model, rows, x, w->expected, NULL, NULL);
    net_check_bits(y, w->expected, rows, OUT, w->dtype, what);
    free(x);
    free(y);
}

/* ---------------------------------------------------------------------------------------- bits */

static void check_rows(const work *w, const path *p, ffwd_engine *engine, uint64_t rows,
                       bool strided) {
    char what[160];
    ffwd_report report = FFWD_REPORT_INIT;
    (void)snprintf(what, sizeof what, "%s %s, %llu rows%s", path_text(p), ffwd_dtype_name(w->dtype),
                   (unsigned long long)rows, strided ? ", strided" : "");
    expect_ok(run(w, engine, rows, strided, NULL, &report), &err);
    check(w, rows, strided, what);
    ck_assert_uint_eq(report.chunks, (rows + CHUNK_ROWS - 1) / CHUNK_ROWS);
    ck_assert_uint_eq(report.chunks_redone, 0);
    ck_assert_uint_le(report.hidden_ns, report.upload_ns + report.download_ns);
    ck_assert_msg(report.chunks > 1 || report.hidden_ns == 0, "%s: hidden behind what?", what);
}

static void check_path(const path *p, ffwd_device *device, uint32_t dtype) {
    static const uint64_t row_counts[] = {
        1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 2 * CHUNK_ROWS, 2 * CHUNK_ROWS + 1, ROWS_MAX,
    };
    work w = work_create(dtype);
    ffwd_engine *engine = path_engine(p, device, w.model, CHUNK_ROWS);
    for (size_t i = 0; i < sizeof row_counts / sizeof *row_counts; i++) {
        check_rows(&w, p, engine, row_counts[i], false);
        check_rows(&w, p, engine, row_counts[i], true);
    }
    ffwd_engine_destroy(engine);
    work_free(&w);
}

START_TEST(the_bits_of_every_strategy) {
    const path *p = &paths[_i];
    ffwd_device *device = p->isa == NULL ? path_open(p) : NULL;
    if (device == NULL) {
        return;
    }
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(device, &info);
    ck_assert_uint_eq(info.shares_memory, 0);
    check_path(p, device, FFWD_F32);
    if (info.f64) {
        check_path(p, device, FFWD_F64);
    }
    ffwd_device_destroy(device);
}
END_TEST

/* ------------------------------------------------------------------------ an engine on OpenCL */

/** NULL, and a skip, where there is no device. */
static ffwd_engine *engine_create(const work *w, uint32_t strategy, uint64_t memory_bytes,
                                  uint64_t chunk_rows) {
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_engine *engine = NULL;
    options.device = "opencl";
    options.strategy = strategy;
    options.no_fallback = 1;
    options.memory_bytes = memory_bytes;
    options.chunk_rows = chunk_rows;
    const ffwd_status status = ffwd_engine_create(w->model, NULL, 0, &options, &engine, &err);
    if (status == FFWD_ENODEVICE) {
        expect_no_opencl(err.message);
        skip("%s", err.message);
        return NULL;
    }
    expect_ok(status, &err);
    return engine;
}

/** When each chunk began and ended. */
typedef struct chunk_times {
    uint64_t start_ns[8], end_ns[8];
} chunk_times;

static void note_chunk(void *user, const ffwd_span *span) {
    chunk_times *times = user;
    if (span->kind == FFWD_SPAN_CHUNK) {
        times->start_ns[span->first_row / CHUNK_ROWS] = span->start_ns;
        times->end_ns[span->first_row / CHUNK_ROWS] = span->end_ns;
    }
}

START_TEST(two_chunks_are_under_way) {
    work w = work_create(FFWD_F32);
    ffwd_engine *engine = engine_create(&w, FFWD_FUSED, 0, CHUNK_ROWS);
    chunk_times times = {{0}, {0}};
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.trace = note_chunk;
    options.user = &times;
    if (engine != NULL) {
        expect_ok(run(&w, engine, ROWS_MAX, false, &options, NULL), &err);
        for (int i = 0; i < 5; i++) {
            ck_assert_uint_lt(times.start_ns[i + 1], times.end_ns[i]);
        }
        for (int i = 0; i < 4; i++) {
            ck_assert_uint_ge(times.start_ns[i + 2], times.end_ns[i]);
        }
        ffwd_engine_destroy(engine);
    }
    work_free(&w);
}
END_TEST

/** Stops after so many chunks. */
static int stop_after(void *user, uint64_t rows_done, uint64_t rows) {
    const int *chunks = user;
    (void)rows;
    return rows_done >= (uint64_t)*chunks * CHUNK_ROWS;
}

START_TEST(a_cancelled_run_leaves_nothing_under_way) {
    work w = work_create(FFWD_F32);
    ffwd_engine *engine = engine_create(&w, FFWD_LAYERED, 0, CHUNK_ROWS);
    for (int chunks = 1; engine != NULL && chunks <= 5; chunks++) {
        char message[64];
        ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
        options.progress = stop_after;
        options.user = &chunks;
        (void)snprintf(message, sizeof message, "cancelled after %d of %d rows",
                       chunks * CHUNK_ROWS, ROWS_MAX);
        expect_failure(run(&w, engine, ROWS_MAX, false, &options, NULL), &err, FFWD_ECANCELLED,
                       message);
        expect_ok(run(&w, engine, ROWS_MAX, false, NULL, NULL), &err);
        check(&w, ROWS_MAX, false, "after a cancelled run");
    }
    ffwd_engine_destroy(engine);
    work_free(&w);
}
END_TEST

/** X and Y of two chunks, on the device and in pinned memory, are counted, and bounded. */
START_TEST(the_bound_on_memory_holds) {
    static const uint64_t bounds[] = {4 << 10, 64 << 10, 1 << 20, 16 << 20};
    work w = work_create(FFWD_F32);
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        ffwd_engine *engine = engine_create(&w, FFWD_LAYERED, bounds[i], 0);
        if (engine == NULL) {
            break;
        }
        ck_assert_uint_le(ffwd_engine_memory(engine), bounds[i]);
        ck_assert_uint_ge(ffwd_engine_memory(engine),
                          ffwd_engine_chunk_rows(engine) * 4 * (IN + OUT) * sizeof(float));
        expect_ok(run(&w, engine, ROWS_MAX, false, NULL, NULL), &err);
        check(&w, ROWS_MAX, false, "in little memory");
        ffwd_engine_destroy(engine);
    }
    work_free(&w);
}
END_TEST

/* ------------------------------------------------------------------------------------- threads */

typedef struct runner {
    const work *shared;
    ffwd_engine *engine;
    void *y;
} runner;

static void *run_often(void *user) {
    const runner *own = user;
    ffwd_error reason = FFWD_ERROR_INIT;
    const ffwd_input in = net_input(own->shared->x, FFWD_F32, ROWS_MAX, IN);
    const ffwd_output out = net_output(own->y, FFWD_F32, ROWS_MAX, OUT);
    for (int i = 0; i < 5; i++) {
        if (ffwd_engine_run(own->engine, &in, &out, NULL, NULL, &reason) != FFWD_OK) {
            return own->y; // anything but NULL
        }
    }
    return NULL;
}

START_TEST(clones_have_lanes_of_their_own) {
    work w = work_create(FFWD_F32);
    runner runners[2] = {{.shared = &w}, {.shared = &w}};
    pthread_t threads[2];
    runners[0].engine = engine_create(&w, FFWD_CHAIN, 0, CHUNK_ROWS);
    if (runners[0].engine != NULL) {
        expect_ok(ffwd_engine_clone(runners[0].engine, &runners[1].engine, &err), &err);
        oracle_run(w.model, ROWS_MAX, w.x, w.expected, NULL, NULL);
        for (int i = 0; i < 2; i++) {
            runners[i].y = net_alloc(sizeof(float) * ROWS_MAX * OUT);
            ck_assert_int_eq(pthread_create(&threads[i], NULL, run_often, &runners[i]), 0);
        }
        for (int i = 0; i < 2; i++) {
            void *failed = NULL;
            ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
            ck_assert_ptr_null(failed);
            net_check_bits(runners[i].y, w.expected, ROWS_MAX, OUT, FFWD_F32, "beside a clone");
            free(runners[i].y);
            ffwd_engine_destroy(runners[i].engine);
        }
    }
    work_free(&w);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("opencl pipeline");
    TCase *tests = tcase_create("pipeline");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_loop_test(tests, the_bits_of_every_strategy, 0, path_count);
    tcase_add_test(tests, two_chunks_are_under_way);
    tcase_add_test(tests, a_cancelled_run_leaves_nothing_under_way);
    tcase_add_test(tests, the_bound_on_memory_holds);
    tcase_add_test(tests, clones_have_lanes_of_their_own);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}
