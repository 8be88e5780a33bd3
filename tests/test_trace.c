// SPDX-License-Identifier: MIT
// The timeline of a run, on every path: spans nest, chunks cover all rows, kernels are those of the
// plan, transfers move what they must; and the callback runs in the caller's own surroundings.
#include <fenv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "support/nets.h"
#include "support/oracle.h"
#include "support/paths.h"
#include "support/suite.h"

enum { ROWS = 2000, CHUNK_ROWS = 600, IN = 6, OUT = 3, LAYERS = 2, SPANS_MAX = 1000 };

static const uint64_t widths[] = {IN, 5, OUT};
static ffwd_model *model;
static float *x, *y, *expected;
static ffwd_error err = FFWD_ERROR_INIT;

static void setup(void) {
    const net_shape shape = net_shape_of(LAYERS, widths, FFWD_RELU, 1);
    model = net_create(&shape, FFWD_F32, 4);
    x = net_values(UINT64_C(1) * ROWS * IN, FFWD_F32, 1, 0);
    y = net_alloc(sizeof *y * ROWS * OUT);
    expected = net_alloc(sizeof *expected * ROWS * OUT);
    oracle_run(model, ROWS, x, expected, NULL, NULL);
}

static void teardown(void) {
    ffwd_model_destroy(model);
    free(x);
    free(y);
    free(expected);
}

/* -------------------------------------------------------------------------- spans, as they come */

/** A span with its own copies of its strings. */
typedef struct kept_span {
    ffwd_span span;
    char device[32], lane[32], name[64];
} kept_span;

typedef struct timeline {
    kept_span spans[SPANS_MAX];
    size_t count;
    int rounding; /**< of the caller's, while a span was handed out */
} timeline;

static void copy_text(char *to, size_t size, const char *from) {
    ck_assert_ptr_nonnull(from);
    ck_assert_uint_lt(strlen(from), size);
    (void)snprintf(to, size, "%s", from);
}

static void keep_span(void *user, const ffwd_span *span) {
    timeline *line = user;
    ck_assert_uint_lt(line->count, SPANS_MAX);
    ck_assert_uint_eq(span->struct_size, sizeof *span);
    kept_span *kept = &line->spans[line->count++];
    kept->span = *span;
    copy_text(kept->device, sizeof kept->device, span->device);
    copy_text(kept->lane, sizeof kept->lane, span->lane);
    copy_text(kept->name, sizeof kept->name, span->name);
    line->rounding = fegetround();
}

static timeline *line;

/** Runs all rows, with captures of z where wanted, and keeps the spans. */
static void run_traced(ffwd_engine *engine, const ffwd_output *sums) {
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, OUT);
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    line = net_alloc(sizeof *line);
    memset(line, 0, sizeof *line);
    options.trace = keep_span;
    options.user = line;
    options.sums = sums;
    const uint64_t before = ffwd_now_ns();
    expect_ok(ffwd_engine_run(engine, &in, &out, &options, NULL, &err), &err);
    const uint64_t after = ffwd_now_ns();
    net_check_bits(y, expected, ROWS, OUT, FFWD_F32, "Y");
    for (size_t i = 0; i < line->count; i++) {
        const ffwd_span *span = &line->spans[i].span;
        ck_assert_uint_le(before, span->start_ns);
        ck_assert_uint_le(span->start_ns, span->end_ns);
        ck_assert_uint_le(span->end_ns, after);
        ck_assert_uint_le(span->first_row + span->rows, ROWS);
    }
}

/** Span `index` of a kind; NULL past the last one. */
static const kept_span *find(uint32_t kind, size_t index) {
    for (size_t i = 0; i < line->count; i++) {
        if (line->spans[i].span.kind == kind && index-- == 0) {
            return &line->spans[i];
        }
    }
    return NULL;
}

static bool nest_or_part(const ffwd_span *a, const ffwd_span *b) {
    const bool apart = a->end_ns <= b->start_ns || b->end_ns <= a->start_ns;
    const bool in_b = b->start_ns <= a->start_ns && a->end_ns <= b->end_ns;
    const bool in_a = a->start_ns <= b->start_ns && b->end_ns <= a->end_ns;
    return apart || in_a || in_b;
}

static void check_lanes(const char *what) {
    for (size_t i = 0; i < line->count; i++) {
        for (size_t k = 0; k < i; k++) {
            const kept_span *a = &line->spans[i], *b = &line->spans[k];
            const bool together =
                strcmp(a->device, b->device) == 0 && strcmp(a->lane, b->lane) == 0;
            ck_assert_msg(!together || nest_or_part(&a->span, &b->span),
                          "%s: %s and %s overlap on %s %s", what, a->name, b->name, a->device,
                          a->lane);
        }
    }
}

/** One run span, and in it chunks that cover all rows, one after the other. */
static void check_chunks(const char *device) {
    const kept_span *run = find(FFWD_SPAN_RUN, 0);
    ck_assert_ptr_nonnull(run);
    ck_assert_ptr_null(find(FFWD_SPAN_RUN, 1));
    ck_assert_uint_eq(run->span.rows, ROWS);
    ck_assert_str_eq(run->device, "");
    uint64_t done = 0;
    const kept_span *chunk;
    for (size_t i = 0; (chunk = find(FFWD_SPAN_CHUNK, i)) != NULL; i++) {
        ck_assert_str_eq(chunk->name, "chunk");
        ck_assert_str_eq(chunk->device, device);
        ck_assert_uint_eq(chunk->span.first_row, done);
        ck_assert_uint_le(run->span.start_ns, chunk->span.start_ns);
        ck_assert_uint_le(chunk->span.end_ns, run->span.end_ns);
        done += chunk->span.rows;
    }
    ck_assert_uint_eq(done, ROWS);
}

/** The chunk that a span belongs to is there, and as long. */
static void check_inside_chunks(void) {
    for (size_t i = 0; i < line->count; i++) {
        const ffwd_span *span = &line->spans[i].span;
        bool inside = span->kind == FFWD_SPAN_RUN;
        const kept_span *chunk;
        for (size_t k = 0; !inside && (chunk = find(FFWD_SPAN_CHUNK, k)) != NULL; k++) {
            inside = chunk->span.first_row <= span->first_row &&
                     span->first_row + span->rows <= chunk->span.first_row + chunk->span.rows &&
                     chunk->span.start_ns <= span->start_ns && span->end_ns <= chunk->span.end_ns;
        }
        ck_assert_msg(inside, "%s is in no chunk", line->spans[i].name);
    }
}

/** As many kernels as the plan says that it launched, with their names and layers, and as long: a
 *  device's time that is mapped wrongly is cut at the ends of its chunk. */
static void check_kernels(const ffwd_engine *engine) {
    uint64_t launches = 0, found = 0, ns = 0;
    for (size_t i = 0; i < ffwd_engine_stage_count(engine); i++) {
        ffwd_stage stage = FFWD_STAGE_INIT;
        const kept_span *kernel;
        expect_ok(ffwd_engine_stage(engine, i, &stage, &err), &err);
        launches += stage.launches;
        ns += stage.ns;
        for (size_t k = 0; (kernel = find(FFWD_SPAN_KERNEL, k)) != NULL; k++) {
            const bool is_stage = strcmp(kernel->name, stage.kernel) == 0 &&
                                  kernel->span.first_layer == stage.first_layer &&
                                  kernel->span.layer_count == stage.layer_count;
            found += is_stage;
            ns -= is_stage ? kernel->span.end_ns - kernel->span.start_ns : 0;
        }
    }
    ck_assert_uint_eq(ns, 0);
    ck_assert_uint_gt(launches, 0);
    ck_assert_uint_eq(found, launches);
    ck_assert_ptr_null(find(FFWD_SPAN_KERNEL, launches));
}

static uint64_t bytes_moved(uint32_t kind) {
    const kept_span *span;
    uint64_t bytes = 0;
    for (size_t i = 0; (span = find(kind, i)) != NULL; i++) {
        bytes += span->span.bytes;
    }
    return bytes;
}

/* --------------------------------------------------------------------------------------- tests */

static void check_path(const path *p, bool copied) {
    ffwd_device *device = path_open(p);
    if (device == NULL) {
        return;
    }
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(device, &info);
    ffwd_engine *engine = path_engine(p, device, model, CHUNK_ROWS);
    run_traced(engine, NULL);
    check_lanes(path_text(p));
    check_chunks(info.id);
    check_inside_chunks();
    check_kernels(engine);
    if (p->isa == NULL) {
        ck_assert_uint_eq(bytes_moved(FFWD_SPAN_UPLOAD), copied ? sizeof *x * ROWS * IN : 0);
        ck_assert_uint_eq(bytes_moved(FFWD_SPAN_DOWNLOAD), sizeof *y * ROWS * OUT);
    } else {
        ck_assert_ptr_nonnull(find(FFWD_SPAN_THREAD, 0));
        ck_assert_str_eq(find(FFWD_SPAN_THREAD, 0)->lane, "thread 1");
    }
    free(line);
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(device);
}

START_TEST(every_path_tells_where_its_time_goes) {
    check_path(&paths[_i], false);
}
END_TEST

START_TEST(copies_are_told) {
    (void)setenv("FFWD_OPENCL_COPY", "1", 1);
    if (paths[_i].isa == NULL) {
        check_path(&paths[_i], true);
    }
}
END_TEST

START_TEST(captures_are_downloads) {
    if (paths[_i].isa != NULL) {
        return;
    }
    float *z = net_alloc(ROWS * widths[1] * sizeof *z);
    const ffwd_output sums[LAYERS] = {net_output(z, FFWD_F32, ROWS, widths[1])};
    ffwd_device *device = path_open(&paths[_i]);
    if (device != NULL) {
        ffwd_engine *engine = path_engine(&paths[_i], device, model, CHUNK_ROWS);
        run_traced(engine, sums);
        check_lanes(path_text(&paths[_i]));
        check_inside_chunks();
        ck_assert_uint_eq(bytes_moved(FFWD_SPAN_DOWNLOAD), sizeof *y * ROWS * (widths[1] + OUT));
        ck_assert_uint_eq(bytes_moved(FFWD_SPAN_COPY), sizeof *y * ROWS * widths[1]);
        free(line);
        ffwd_engine_destroy(engine);
    }
    ffwd_device_destroy(device);
    free(z);
}
END_TEST

START_TEST(threads_share_a_kernel) {
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    options.threads = 2;
    ffwd_device *device = NULL;
    ffwd_engine *engine = NULL;
    expect_ok(ffwd_device_open("cpu", &options, &device, &err), &err);
    expect_ok(ffwd_engine_create(model, &device, 1, NULL, &engine, &err), &err);
    run_traced(engine, NULL);
    const kept_span *kernel = find(FFWD_SPAN_KERNEL, 0), *thread;
    ck_assert_ptr_nonnull(kernel);
    for (size_t i = 0; (thread = find(FFWD_SPAN_THREAD, i)) != NULL; i++) {
        ck_assert_str_eq(thread->name, kernel->name);
        ck_assert_uint_le(kernel->span.start_ns, thread->span.start_ns);
        ck_assert_uint_le(thread->span.end_ns, kernel->span.end_ns);
    }
    free(line);
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(device);
}
END_TEST

/** The callback is the caller's code: it runs in the caller's floating-point environment. */
START_TEST(the_callback_finds_its_own_rounding) {
    ffwd_engine *engine = NULL;
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.device = "cpu";
    expect_ok(ffwd_engine_create(model, NULL, 0, &options, &engine, &err), &err);
    ck_assert_int_eq(fesetround(FE_UPWARD), 0);
    run_traced(engine, NULL);
    ck_assert_int_eq(line->rounding, FE_UPWARD);
    ck_assert_int_eq(fegetround(), FE_UPWARD);
    ck_assert_int_eq(fesetround(FE_TONEAREST), 0);
    free(line);
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(kinds_have_words) {
    ck_assert_str_eq(ffwd_span_name(FFWD_SPAN_RUN), "run");
    ck_assert_str_eq(ffwd_span_name(FFWD_SPAN_THREAD), "thread");
    ck_assert_ptr_null(ffwd_span_name(0));
    ck_assert_ptr_null(ffwd_span_name(99));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("trace");
    TCase *tests = tcase_create("trace");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, every_path_tells_where_its_time_goes, 0, path_count);
    tcase_add_loop_test(tests, copies_are_told, 0, path_count);
    tcase_add_loop_test(tests, captures_are_downloads, 0, path_count);
    tcase_add_test(tests, threads_share_a_kernel);
    tcase_add_test(tests, the_callback_finds_its_own_rounding);
    tcase_add_test(tests, kinds_have_words);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}
