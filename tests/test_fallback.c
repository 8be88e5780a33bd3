// SPDX-License-Identifier: MIT
// Devices that fail, made up here: chunks are redone on the next device with the same bits, and the
// engine says so. Opening "gpu" is diverted to such a device where a test asks for it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/engine.h"
#include "support/nets.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { ROWS = 1000, CHUNK_ROWS = 100, FLOOR_ROWS = 25, IN = 3, OUT = 2, NEVER = 1000 };

static ffwd_error err = FFWD_ERROR_INIT;

/* --------------------------------------------------------------------------- the made-up device */

typedef struct fake_device {
    ffwd_device base;
    const char *id;
    int fail_first, fail_count; /**< chunks, counted from 0 over the device's life */
    ffwd_status fail_status, prepare_status;
    int32_t prepare_native;
    uint64_t room_rows;    /**< that its memory holds; more are refused, and chunks halved */
    uint64_t memory_bytes; /**< that the last placement was given */
    int chunks_seen;
    uint32_t depth;          /**< chunks under way; up to 1: none beside another */
    bool fails_at_once;      /**< already when a chunk begins, if it does not come back */
    ffwd_chunk under_way[4]; /**< number n at n mod 4 */
    uint64_t begun, ended;
    ffwd_rates rates;
    bool *closed; /**< told when the device ends; may be NULL */
} fake_device;

static void fake_describe(const ffwd_device *device, ffwd_device_info *info) {
    info->type = FFWD_TYPE_GPU;
    info->id = ((const fake_device *)device)->id;
    info->backend = "opencl";
    info->name = "made up";
    info->f64 = 1;
}

static bool fake_has_strategy(const ffwd_device *device, uint32_t strategy) {
    (void)device;
    return strategy == FFWD_CHAIN;
}

static ffwd_status fake_prepare(ffwd_device *device, const ffwd_model *model,
                                const ffwd_request *request, ffwd_placement **out,
                                ffwd_error *error) {
    fake_device *fake = (fake_device *)device;
    fake->memory_bytes = request->memory_bytes;
    if (fake->prepare_status != FFWD_OK) {
        return ffwd_fail_native(error, fake->prepare_status, fake->prepare_native,
                                "%s has no room for the weights", fake->id);
    }
    ffwd_placement *placement = ffwd_alloc_zero(sizeof *placement);
    ck_assert_ptr_nonnull(placement);
    expect_ok(ffwd_placement_init(placement, device, model, FFWD_CHAIN, 1, 0, error), error);
    placement->chunk_rows = request->chunk_rows > 0 ? request->chunk_rows : CHUNK_ROWS;
    placement->depth = fake->depth;
    *out = placement;
    return FFWD_OK;
}

static ffwd_status fake_clone(const ffwd_placement *placement, ffwd_placement **out,
                              ffwd_error *error) {
    const ffwd_request request = {.chunk_rows = placement->chunk_rows};
    return fake_prepare(placement->device, placement->model, &request, out, error);
}

static bool will_fail(const fake_device *fake, int index) {
    return index >= fake->fail_first && index < fake->fail_first + fake->fail_count;
}

/** Right, or half written and failed. */
static ffwd_status fake_run_chunk(ffwd_placement *placement, const ffwd_chunk *chunk,
                                  ffwd_timing *timing, ffwd_error *error) {
    fake_device *fake = (fake_device *)placement->device;
    ck_assert_uint_le(chunk->x.rows, placement->chunk_rows);
    if (placement->chunk_rows > fake->room_rows) { // its buffers are too large, whatever is in them
        const int refused = (int)placement->chunk_rows;
        placement->chunk_rows = ffwd_max(placement->chunk_rows / 2, FLOOR_ROWS);
        return ffwd_fail_native(error, FFWD_ENOMEM, -4, "no room for %d rows", refused);
    }
    const int index = fake->chunks_seen++;
    if (will_fail(fake, index)) {
        memset(chunk->y.data, 0xee, chunk->x.rows * OUT * sizeof(float) / 2);
        return ffwd_fail_native(error, fake->fail_status, -4, "chunk %d did not come back", index);
    }
    oracle_run(placement->model, chunk->x.rows, chunk->x.data, chunk->y.data, NULL, NULL);
    timing->kernel_ns++;
    placement->stages[0].launches++;
    return FFWD_OK;
}

/** All that have begun are given up. */
static ffwd_status give_up(fake_device *fake, ffwd_status status) {
    fake->ended = fake->begun;
    return status;
}

static ffwd_status fake_begin_chunk(ffwd_placement *placement, const ffwd_chunk *chunk,
                                    ffwd_timing *timing, ffwd_error *error) {
    fake_device *fake = (fake_device *)placement->device;
    ck_assert_uint_lt(fake->begun - fake->ended, fake->depth);
    ck_assert_ptr_null(chunk->sums);
    timing->hidden_ns++;
    fake->under_way[fake->begun++ % 4] = *chunk;
    const int index = fake->chunks_seen + (int)(fake->begun - fake->ended) - 1;
    if (fake->fails_at_once && will_fail(fake, index)) {
        fake->chunks_seen = index + 1;
        return give_up(
            fake, ffwd_fail_native(error, fake->fail_status, -4, "chunk %d did not begin", index));
    }
    return FFWD_OK;
}

static ffwd_status fake_end_chunk(ffwd_placement *placement, ffwd_error *error) {
    fake_device *fake = (fake_device *)placement->device;
    ffwd_timing timing = {0};
    ck_assert_uint_lt(fake->ended, fake->begun);
    const ffwd_status status =
        fake_run_chunk(placement, &fake->under_way[fake->ended++ % 4], &timing, error);
    return status == FFWD_OK ? FFWD_OK : give_up(fake, status);
}

static void fake_release(ffwd_placement *placement) {
    ffwd_placement_finish(placement);
    ffwd_free(placement);
}

static void fake_rates(ffwd_device *device, uint32_t dtype, ffwd_rates *rates) {
    (void)dtype;
    *rates = ((const fake_device *)device)->rates;
}

static void fake_close(ffwd_device *device) {
    fake_device *fake = (fake_device *)device;
    if (fake->closed != NULL) {
        *fake->closed = true;
    }
    ffwd_free(fake);
}

static const ffwd_device_ops fake_ops = {
    .describe = fake_describe,
    .has_strategy = fake_has_strategy,
    .prepare = fake_prepare,
    .clone = fake_clone,
    .run_chunk = fake_run_chunk,
    .begin_chunk = fake_begin_chunk,
    .end_chunk = fake_end_chunk,
    .rates = fake_rates,
    .release = fake_release,
    .close = fake_close,
};

/** Fails `count` chunks from the first-th on with FFWD_EDEVICE. */
static fake_device *fake_open(const char *id, int first, int count) {
    fake_device *fake = ffwd_alloc_zero(sizeof *fake);
    ck_assert_ptr_nonnull(fake);
    ffwd_device_init(&fake->base, &fake_ops);
    fake->id = id;
    fake->fail_first = first;
    fake->fail_count = count;
    fake->fail_status = FFWD_EDEVICE;
    fake->room_rows = UINT64_MAX;
    fake->rates = (ffwd_rates){.flops = 1e9, .memory = {{.rate = 1e9}}};
    return fake;
}

/** What "gpu" opens, where it is not NULL; the linker sends calls of ffwd_device_open here. */
static fake_device *gpu;

ffwd_status __real_ffwd_device_open(const char *selector, const ffwd_device_options *options,
                                    ffwd_device **out, ffwd_error *error);
ffwd_status __wrap_ffwd_device_open(const char *selector, const ffwd_device_options *options,
                                    ffwd_device **out, ffwd_error *error);
ffwd_status __wrap_ffwd_device_open(const char *selector, const ffwd_device_options *options,
                                    ffwd_device **out, ffwd_error *error) {
    if (gpu != NULL && strcmp(selector, "gpu") == 0) {
        *out = ffwd_device_retain(&gpu->base);
        return FFWD_OK;
    }
    return __real_ffwd_device_open(selector, options, out, error);
}

/* ---------------------------------------------------------------------------------------- rows */

static ffwd_model *model;
static float *x, y[ROWS * OUT], expected[ROWS * OUT];

static void setup(void) {
    static const uint64_t widths[] = {IN, 5, OUT};
    const net_shape shape = net_shape_of(2, widths, FFWD_SIGMOID, 1);
    model = net_create(&shape, FFWD_F32, 1);
    x = net_values(ROWS * IN, FFWD_F32, 2, 0);
    oracle_run(model, ROWS, x, expected, NULL, NULL);
}

static void teardown(void) {
    ffwd_model_destroy(model);
    free(x);
}

/** An engine on made-up devices, which it is then the only owner of. */
static ffwd_engine *engine_on(fake_device *const *fakes, size_t count, uint32_t no_fallback) {
    ffwd_device *devices[4];
    for (size_t i = 0; i < count; i++) {
        devices[i] = &fakes[i]->base;
    }
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.no_fallback = no_fallback;
    options.chunk_rows = CHUNK_ROWS;
    ffwd_engine *engine = NULL;
    expect_ok(ffwd_engine_create(model, devices, count, &options, &engine, &err), &err);
    for (size_t i = 0; i < count; i++) {
        ffwd_device_destroy(devices[i]);
    }
    return engine;
}

static ffwd_status run(ffwd_engine *engine, ffwd_report *report) {
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, OUT);
    memset(y, 0xa5, sizeof y);
    return ffwd_engine_run(engine, &in, &out, NULL, report, &err);
}

static void check_run(ffwd_engine *engine, uint32_t redone, const char *fallback) {
    ffwd_report report = FFWD_REPORT_INIT;
    expect_ok(run(engine, &report), &err);
    net_check_bits(y, expected, ROWS, OUT, FFWD_F32, "Y");
    ck_assert_uint_eq(report.chunks, ROWS / CHUNK_ROWS);
    ck_assert_uint_eq(report.chunks_redone, redone);
    ck_assert_str_eq(ffwd_engine_fallback(engine), fallback);
}

START_TEST(a_device_that_works_is_used) {
    fake_device *fake = fake_open("0:0", NEVER, 0);
    bool closed = false;
    fake->closed = &closed;
    ffwd_engine *engine = engine_on(&fake, 1, 0);
    check_run(engine, 0, "");
    ck_assert_int_eq(fake->chunks_seen, ROWS / CHUNK_ROWS);
    ck_assert(!closed);
    ffwd_engine_destroy(engine);
    ck_assert(closed);
}
END_TEST

START_TEST(the_rest_of_a_run_is_redone_on_the_cpu) {
    for (int first = 0; first < ROWS / CHUNK_ROWS; first += 3) {
        fake_device *fake = fake_open("0:0", first, NEVER);
        ffwd_engine *engine = engine_on(&fake, 1, 0);
        char text[96];
        (void)snprintf(text, sizeof text, "0:0 failed (chunk %d did not come back); cpu took over",
                       first);
        check_run(engine, (uint32_t)(ROWS / CHUNK_ROWS - first), text);
        ck_assert_int_eq(fake->chunks_seen, first + 1);
        ffwd_engine_destroy(engine);
    }
}
END_TEST

/** Each run gives every device another chance, and forgets what the last one said. */
START_TEST(a_fault_that_passes_is_forgotten_by_the_next_run) {
    fake_device *fake = fake_open("0:0", 4, 1);
    ffwd_engine *engine = engine_on(&fake, 1, 0);
    check_run(engine, 6, "0:0 failed (chunk 4 did not come back); cpu took over");
    check_run(engine, 0, "");
    ffwd_stage stage = FFWD_STAGE_INIT;
    expect_ok(ffwd_engine_stage(engine, 0, &stage, &err), &err);
    ck_assert_uint_eq(stage.launches, ROWS / CHUNK_ROWS);
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(devices_take_over_in_order) {
    fake_device *fakes[] = {fake_open("0:0", 2, NEVER), fake_open("0:1", 3, NEVER),
                            fake_open("1:0", NEVER, 0)};
    ffwd_engine *engine = engine_on(fakes, 3, 0), *clone = NULL;
    check_run(engine, 8,
              "0:0 failed (chunk 2 did not come back); 0:1 took over; "
              "0:1 failed (chunk 3 did not come back); 1:0 took over");
    ck_assert_int_eq(fakes[0]->chunks_seen, 3);
    ck_assert_int_eq(fakes[1]->chunks_seen, 4);
    ck_assert_int_eq(fakes[2]->chunks_seen, 5);
    expect_ok(ffwd_engine_clone(engine, &clone, &err), &err);
    check_run(clone, 10,
              "0:0 failed (chunk 3 did not come back); 0:1 took over; "
              "0:1 failed (chunk 4 did not come back); 1:0 took over");
    ffwd_engine_destroy(engine);
    ffwd_engine_destroy(clone);
}
END_TEST

/** "0:0: chunk 0+100; " and so on. */
static void note_chunk(void *user, const ffwd_span *span) {
    char *text = user;
    const size_t used = strlen(text);
    if (span->kind == FFWD_SPAN_CHUNK) {
        (void)snprintf(text + used, 512 - used, "%s: %s %u+%u; ", span->device, span->name,
                       (unsigned)span->first_row, (unsigned)span->rows);
    }
}

START_TEST(the_timeline_shows_what_was_redone) {
    fake_device *fake = fake_open("0:0", 1, NEVER);
    ffwd_engine *engine = engine_on(&fake, 1, 0);
    const ffwd_input in = net_input(x, FFWD_F32, 3 * CHUNK_ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, 3 * CHUNK_ROWS, OUT);
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    char text[512] = "";
    options.trace = note_chunk;
    options.user = text;
    expect_ok(ffwd_engine_run(engine, &in, &out, &options, NULL, &err), &err);
    ck_assert_str_eq(text, "0:0: chunk 0+100; 0:0: failed chunk 100+100; cpu: chunk 100+100; "
                           "cpu: chunk 200+100; ");
    ffwd_engine_destroy(engine);
}
END_TEST

/* ----------------------------------------------------------------------- chunks beside each other
 */

/** The timeline's chunks of the first 600 rows. */
static const char *run_and_note(ffwd_engine *engine) {
    static char text[512];
    const ffwd_input in = net_input(x, FFWD_F32, 6 * CHUNK_ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, 6 * CHUNK_ROWS, OUT);
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    text[0] = '\0';
    options.trace = note_chunk;
    options.user = text;
    memset(y, 0xa5, sizeof y);
    expect_ok(ffwd_engine_run(engine, &in, &out, &options, NULL, &err), &err);
    net_check_bits(y, expected, 6 * CHUNK_ROWS, OUT, FFWD_F32, "Y");
    return text;
}

static ffwd_engine *engine_beside(fake_device **fake, int first, int count, bool at_once) {
    *fake = fake_open("0:0", first, count);
    (*fake)->depth = 2;
    (*fake)->fails_at_once = at_once;
    return engine_on(fake, 1, 0);
}

START_TEST(chunks_under_way_are_redone_elsewhere) {
    fake_device *fake = NULL;
    ffwd_engine *engine = engine_beside(&fake, 2, NEVER, false);
    ck_assert_str_eq(run_and_note(engine),
                     "0:0: chunk 0+100; 0:0: chunk 100+100; 0:0: failed chunk 200+100; "
                     "0:0: failed chunk 300+100; cpu: chunk 200+100; cpu: chunk 300+100; "
                     "cpu: chunk 400+100; cpu: chunk 500+100; ");
    ck_assert_str_eq(ffwd_engine_fallback(engine),
                     "0:0 failed (chunk 2 did not come back); cpu took over");
    ffwd_engine_destroy(engine);

    engine = engine_beside(&fake, 3, NEVER, true);
    ck_assert_str_eq(run_and_note(engine),
                     "0:0: chunk 0+100; 0:0: chunk 100+100; 0:0: failed chunk 200+100; "
                     "0:0: failed chunk 300+100; cpu: chunk 200+100; cpu: chunk 300+100; "
                     "cpu: chunk 400+100; cpu: chunk 500+100; ");
    ck_assert_str_eq(ffwd_engine_fallback(engine),
                     "0:0 failed (chunk 3 did not begin); cpu took over");
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(chunks_under_way_are_counted_once) {
    fake_device *fake = NULL;
    ffwd_engine *engine = engine_beside(&fake, NEVER, 0, false);
    ffwd_report report = FFWD_REPORT_INIT;
    expect_ok(run(engine, &report), &err);
    net_check_bits(y, expected, ROWS, OUT, FFWD_F32, "Y");
    ck_assert_uint_eq(report.chunks, ROWS / CHUNK_ROWS);
    ck_assert_uint_eq(report.hidden_ns, ROWS / CHUNK_ROWS);
    ck_assert_uint_eq(fake->begun, ROWS / CHUNK_ROWS);
    ck_assert_uint_eq(fake->ended, fake->begun);
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(chunks_under_way_may_be_too_large) {
    fake_device *fake = NULL;
    ffwd_engine *engine = engine_beside(&fake, NEVER, 0, false);
    ffwd_report report = FFWD_REPORT_INIT;
    fake->room_rows = 30;
    expect_ok(run(engine, &report), &err);
    net_check_bits(y, expected, ROWS, OUT, FFWD_F32, "Y");
    ck_assert_uint_eq(report.chunks_halved, 2);
    ck_assert_uint_eq(report.chunks_redone, 0);
    ck_assert_int_eq(fake->chunks_seen, ROWS / 25);
    ffwd_engine_destroy(engine);
}
END_TEST

/** Captures need a chunk alone. */
START_TEST(captured_chunks_run_alone) {
    fake_device *fake = NULL;
    ffwd_engine *engine = engine_beside(&fake, NEVER, 0, false);
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, OUT);
    const ffwd_output none[2] = {{0}};
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.sums = none;
    expect_ok(ffwd_engine_run(engine, &in, &out, &options, NULL, &err), &err);
    ck_assert_uint_eq(fake->begun, 0);
    ck_assert_int_eq(fake->chunks_seen, ROWS / CHUNK_ROWS);
    ffwd_engine_destroy(engine);
}
END_TEST

static int stop_at_once(void *user, uint64_t rows_done, uint64_t rows) {
    (void)user;
    (void)rows;
    return rows_done >= 2 * CHUNK_ROWS;
}

START_TEST(a_cancelled_run_waits_for_chunks_under_way) {
    fake_device *fake = NULL;
    ffwd_engine *engine = engine_beside(&fake, NEVER, 0, false);
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, OUT);
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.progress = stop_at_once;
    expect_failure(ffwd_engine_run(engine, &in, &out, &options, NULL, &err), &err, FFWD_ECANCELLED,
                   "cancelled after 200 of 1000 rows");
    ck_assert_uint_eq(fake->begun, 3);
    ck_assert_uint_eq(fake->ended, 3);
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(without_fallback_a_fault_is_an_error) {
    fake_device *fake = fake_open("0:0", 4, 1);
    ffwd_engine *engine = engine_on(&fake, 1, 1);
    expect_failure(run(engine, NULL), &err, FFWD_EDEVICE, "chunk 4 did not come back");
    ck_assert_int_eq(err.native, -4);
    check_run(engine, 0, "");
    ffwd_engine_destroy(engine);
}
END_TEST

/** The CPU's, also where the engine runs without one: then opened when it is first asked for. */
START_TEST(a_device_that_measures_no_limit_has_the_cpu_s) {
    for (uint32_t no_fallback = 0; no_fallback < 2; no_fallback++) {
        fake_device *fake = fake_open("0:0", NEVER, 0);
        ffwd_engine *engine = engine_on(&fake, 1, no_fallback);
        const ffwd_input in = net_input(x, FFWD_F32, ROWS, IN);
        const ffwd_output out = net_output(y, FFWD_F32, ROWS, OUT);
        for (int i = 0; i < 2; i++) {
            ffwd_limit limit = FFWD_LIMIT_INIT;
            expect_ok(ffwd_engine_limit(engine, &in, &out, &limit, &err), &err);
            ck_assert_uint_gt(limit.stream_ns, 0);
            ck_assert_double_gt(limit.fma_gflops, 0);
        }
        ck_assert_int_eq(fake->chunks_seen, 0);
        ffwd_engine_destroy(engine);
    }
}
END_TEST

START_TEST(without_fallback_a_listed_device_does_not_take_over) {
    fake_device *fakes[] = {fake_open("0:0", 4, 1), fake_open("0:1", NEVER, 0)};
    ffwd_engine *engine = engine_on(fakes, 2, 1);
    expect_failure(run(engine, NULL), &err, FFWD_EDEVICE, "chunk 4 did not come back");
    ffwd_engine_destroy(engine);
}
END_TEST

/** A forked child cannot go on elsewhere: every device of the engine is the parent's. */
START_TEST(a_clone_leaves_a_lost_device_behind) {
    fake_device *fakes[] = {fake_open("0:0", 0, 1), fake_open("0:1", NEVER, 0)};
    ffwd_engine *engine = engine_on(fakes, 2, 0), *clone = NULL;
    fakes[0]->prepare_status = FFWD_EDEVICE;
    expect_ok(ffwd_engine_clone(engine, &clone, &err), &err);
    ck_assert_str_eq(ffwd_engine_why(clone), "first of the devices given; 0:0 is left out (0:0 has "
                                             "no room for the weights)");
    check_run(clone, 0, "");
    ck_assert_int_eq(fakes[1]->chunks_seen, ROWS / CHUNK_ROWS);
    ffwd_engine_destroy(clone);

    fakes[1]->prepare_status = FFWD_ENOMEM;
    expect_failure(ffwd_engine_clone(engine, &clone, &err), &err, FFWD_ENOMEM,
                   "0:1 has no room for the weights");
    ffwd_engine_destroy(engine);

    fakes[0] = fake_open("0:0", NEVER, 0);
    engine = engine_on(fakes, 1, 1);
    fakes[0]->prepare_status = FFWD_EDEVICE;
    expect_failure(ffwd_engine_clone(engine, &clone, &err), &err, FFWD_EDEVICE,
                   "0:0 has no room for the weights");
    ck_assert_ptr_null(clone);
    ffwd_engine_destroy(engine);
}
END_TEST

START_TEST(a_device_without_memory_takes_smaller_chunks) {
    fake_device *fake = fake_open("0:0", NEVER, 0);
    fake->room_rows = 30;
    ffwd_engine *engine = engine_on(&fake, 1, 0);
    ffwd_report report = FFWD_REPORT_INIT;
    expect_ok(run(engine, &report), &err);
    net_check_bits(y, expected, ROWS, OUT, FFWD_F32, "Y");
    ck_assert_uint_eq(report.chunks_halved, 2);
    ck_assert_uint_eq(report.chunks_redone, 0);
    ck_assert_uint_eq(ffwd_engine_chunk_rows(engine), 25);
    ck_assert_str_eq(ffwd_engine_fallback(engine),
                     "0:0 ran out of memory with 100 rows a chunk (no room for 100 rows)");
    ck_assert_int_eq(fake->chunks_seen, ROWS / 25);
    expect_ok(run(engine, &report), &err);
    ck_assert_uint_eq(report.chunks_halved, 0);
    ck_assert_str_eq(ffwd_engine_fallback(engine), "");
    ffwd_engine_destroy(engine);
}
END_TEST

/** It is the buffers that lack memory, however few rows are in them. */
START_TEST(a_short_run_takes_smaller_chunks_too) {
    fake_device *fake = fake_open("0:0", NEVER, 0);
    fake->room_rows = 30;
    ffwd_engine *engine = engine_on(&fake, 1, 0);
    const ffwd_input in = net_input(x, FFWD_F32, 10, IN);
    const ffwd_output out = net_output(y, FFWD_F32, 10, OUT);
    ffwd_report report = FFWD_REPORT_INIT;
    expect_ok(ffwd_engine_run(engine, &in, &out, NULL, &report, &err), &err);
    net_check_bits(y, expected, 10, OUT, FFWD_F32, "Y");
    ck_assert_uint_eq(report.chunks_halved, 2);
    ck_assert_uint_eq(report.chunks_redone, 0);
    ffwd_engine_destroy(engine);
}
END_TEST

/** At the floor another device takes over, or the run fails. */
START_TEST(a_device_without_any_memory_is_given_up) {
    fake_device *fake = fake_open("0:0", NEVER, 0);
    fake->room_rows = 0;
    ffwd_engine *engine = engine_on(&fake, 1, 0);
    ffwd_report report = FFWD_REPORT_INIT;
    expect_ok(run(engine, &report), &err);
    net_check_bits(y, expected, ROWS, OUT, FFWD_F32, "Y");
    ck_assert_uint_eq(report.chunks_halved, 2);
    ck_assert_uint_eq(report.chunks_redone, report.chunks);
    ck_assert_str_eq(ffwd_engine_fallback(engine),
                     "0:0 failed (no room for 25 rows); cpu took over");
    ffwd_engine_destroy(engine);

    fake = fake_open("0:0", NEVER, 0);
    fake->room_rows = 0;
    engine = engine_on(&fake, 1, 1);
    expect_failure(run(engine, NULL), &err, FFWD_ENOMEM, "no room for 25 rows");
    ffwd_engine_destroy(engine);
}
END_TEST

/** A driver that fails while the model is placed is replaced as one that fails later, unless that
 * is not wanted or it is the model that it does not take. */
START_TEST(a_device_that_fails_at_once_is_replaced) {
    static const struct {
        ffwd_status status;
        int32_t native;
        bool replaced;
    } failures[] = {{FFWD_EDEVICE, -36, true},
                    {FFWD_ENOMEM, -4, true},
                    {FFWD_ENOMEM, 0, false},
                    {FFWD_EUNSUPPORTED, 0, false}};
    for (size_t i = 0; i < 2 * sizeof failures / sizeof *failures; i++) {
        fake_device *fake = fake_open("0:0", NEVER, 0);
        ffwd_device *device = &fake->base;
        ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
        ffwd_engine *engine = NULL;
        fake->prepare_status = failures[i / 2].status;
        fake->prepare_native = failures[i / 2].native;
        options.no_fallback = i % 2;
        const ffwd_status status = ffwd_engine_create(model, &device, 1, &options, &engine, &err);
        if (failures[i / 2].replaced && !options.no_fallback) {
            expect_ok(status, &err);
            ck_assert_str_eq(ffwd_engine_why(engine),
                             "0:0 failed (0:0 has no room for the weights); cpu took its place");
            ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
            ffwd_engine_device(engine, &info);
            ck_assert_str_eq(info.id, "cpu");
        } else {
            expect_failure(status, &err, failures[i / 2].status, "0:0 has no room for the weights");
            ck_assert_ptr_null(engine);
        }
        ffwd_engine_destroy(engine);
        ffwd_device_destroy(device);
    }
}
END_TEST

START_TEST(a_strategy_is_not_dropped_for_another_device) {
    fake_device *fakes[] = {fake_open("0:0", NEVER, 0), fake_open("0:1", NEVER, 0)};
    ffwd_device *devices[] = {&fakes[0]->base, &fakes[1]->base};
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_engine *engine = NULL;
    fakes[0]->prepare_status = FFWD_EDEVICE;
    options.strategy = FFWD_CHAIN; // which the CPU lacks
    expect_failure(ffwd_engine_create(model, devices, 1, &options, &engine, &err), &err,
                   FFWD_EDEVICE, "0:0 has no room for the weights");
    expect_ok(ffwd_engine_create(model, devices, 2, &options, &engine, &err), &err);
    ck_assert_uint_eq(ffwd_engine_strategy(engine), FFWD_CHAIN);
    ck_assert_str_eq(ffwd_engine_why(engine),
                     "0:0 failed (0:0 has no room for the weights); 0:1 took its place");
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(devices[0]);
    ffwd_device_destroy(devices[1]);
}
END_TEST

START_TEST(a_helper_that_fails_is_left_out) {
    static const ffwd_status statuses[] = {FFWD_EDEVICE, FFWD_ENODEVICE};
    for (size_t i = 0; i < 2; i++) {
        fake_device *fakes[] = {fake_open("0:0", 4, NEVER), fake_open("0:1", NEVER, 0)};
        fakes[1]->prepare_status = statuses[i];
        ffwd_engine *engine = engine_on(fakes, 2, 0);
        ck_assert_str_eq(ffwd_engine_why(engine),
                         "first of the devices given; 0:1 is left out (0:1 has no room for the "
                         "weights)");
        check_run(engine, 6, "0:0 failed (chunk 4 did not come back); cpu took over");
        ffwd_engine_destroy(engine);
    }
}
END_TEST

/** What the helpers hold is taken off the bound before the first device makes use of it. */
START_TEST(the_bound_on_memory_counts_the_helpers) {
    fake_device *fake = fake_open("0:0", NEVER, 0);
    ffwd_device *device = &fake->base;
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_engine *engine = NULL;
    options.memory_bytes = 1000000;
    expect_ok(ffwd_engine_create(model, &device, 1, &options, &engine, &err), &err);
    ck_assert_uint_gt(ffwd_engine_memory(engine), 0);
    ck_assert_uint_eq(fake->memory_bytes, 1000000 - ffwd_engine_memory(engine));
    ffwd_engine_destroy(engine);
    options.memory_bytes = 1;
    expect_ok(ffwd_engine_create(model, &device, 1, &options, &engine, &err), &err);
    ck_assert_uint_eq(fake->memory_bytes, 1);
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(a_wrong_state_is_no_fault) {
    fake_device *fake = fake_open("0:0", 0, 1);
    fake->fail_status = FFWD_ESTATE;
    ffwd_engine *engine = engine_on(&fake, 1, 0);
    expect_failure(run(engine, NULL), &err, FFWD_ESTATE, "chunk 0 did not come back");
    ck_assert_str_eq(ffwd_engine_fallback(engine), "");
    ffwd_engine_destroy(engine);
}
END_TEST

/* ------------------------------------------------------------------------------------ choosing */

/** Enough flops a row that a GPU is looked for. */
static ffwd_model *wide_model(void) {
    static const uint64_t widths[] = {8, 256, 256, 8};
    const net_shape shape = net_shape_of(3, widths, FFWD_RELU, 0);
    return net_create(&shape, FFWD_F32, 3);
}

static ffwd_engine *choose(const ffwd_engine_options *options, const char *id) {
    ffwd_model *wide = wide_model();
    ffwd_engine *engine = NULL;
    expect_ok(ffwd_engine_create(wide, NULL, 0, options, &engine, &err), &err);
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_engine_device(engine, &info);
    ck_assert_str_eq(info.id, id);
    ffwd_model_destroy(wide);
    return engine;
}

static void expect_no_engine(const ffwd_engine_options *options, ffwd_status status,
                             const char *message) {
    ffwd_model *wide = wide_model();
    ffwd_engine *engine = NULL;
    expect_failure(ffwd_engine_create(wide, NULL, 0, options, &engine, &err), &err, status,
                   message);
    ck_assert_ptr_null(engine);
    ffwd_model_destroy(wide);
}

static void expect_why(ffwd_engine *engine, const char *start, const char *part) {
    const char *why = ffwd_engine_why(engine);
    ck_assert_msg(strncmp(why, start, strlen(start)) == 0 && strstr(why, part) != NULL, "%s", why);
    ffwd_engine_destroy(engine);
}

START_TEST(a_gpu_is_taken_where_it_pays) {
    gpu = fake_open("0:0", NEVER, 0);
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_engine *engine = choose(&options, "0:0");
    expect_why(engine, "0:0 takes ", " for 1000000 rows as predicted, cpu ");

    const ffwd_rates fast = gpu->rates;
    gpu->rates.flops = 1e-6;
    engine = choose(&options, "cpu");
    expect_why(engine, "cpu takes ", " for 1000000 rows as predicted, 0:0 ");
    gpu->rates = fast;
    gpu->rates.upload = 1e-6;
    expect_why(choose(&options, "cpu"), "cpu takes ", " as predicted, 0:0 ");
    gpu->rates = fast;
    gpu->rates.setup_ns = 1e18;
    expect_why(choose(&options, "0:0"), "0:0 takes ", " as predicted, cpu ");
    gpu->rates = fast;

    options.expected_rows = UINT64_C(1) << 40;
    expect_why(choose(&options, "0:0"), "0:0 takes ", " for 1099511627776 rows as predicted, cpu ");
    gpu->rates.setup_ns = 1e18;
    expect_why(choose(&options, "cpu"), "cpu takes ", " for 1099511627776 rows as predicted, 0:0 ");
    gpu->rates = fast;
    options.expected_rows = 0;

    ffwd_device_options cpu_options = FFWD_DEVICE_OPTIONS_INIT;
    options.device_options = &cpu_options;
    engine = choose(&options, "0:0");
    ffwd_engine_destroy(engine);
    cpu_options.threads = 1;
    engine = choose(&options, "cpu");
    ck_assert_str_eq(ffwd_engine_why(engine), "threads is asked for, which only the CPU path has");
    ffwd_engine_destroy(engine);
    options.device_options = NULL;

    options.expected_rows = 10;
    engine = choose(&options, "cpu");
    expect_why(engine, "cpu takes ", " ms to open and at least ");

    options.expected_rows = 0;
    options.strategy = FFWD_LAYERED;
    engine = choose(&options, "cpu");
    ck_assert_str_eq(ffwd_engine_why(engine), "the GPU lacks the strategy layered");
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(&gpu->base);
}
END_TEST

START_TEST(a_gpu_that_cannot_take_the_model_leaves_it_to_the_cpu) {
    gpu = fake_open("0:0", NEVER, 0);
    gpu->prepare_status = FFWD_ENOMEM;
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_engine *engine = choose(&options, "cpu");
    ck_assert_str_eq(ffwd_engine_why(engine),
                     "0:0 failed (0:0 has no room for the weights); cpu took its place");
    ffwd_engine_destroy(engine);

    options.no_fallback = 1;
    expect_no_engine(&options, FFWD_ENOMEM, "0:0 has no room for the weights");
    options.no_fallback = 0;
    options.device = "gpu";
    expect_no_engine(&options, FFWD_ENOMEM, "0:0 has no room for the weights");
    ffwd_device_destroy(&gpu->base);
}
END_TEST

START_TEST(a_strategy_that_the_cpu_lacks_goes_to_a_gpu_first) {
    gpu = fake_open("0:0", NEVER, 0);
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.strategy = FFWD_CHAIN;
    ffwd_engine *engine = choose(&options, "0:0");
    ck_assert_str_eq(ffwd_engine_why(engine), "the first device that has the strategy chain");
    ffwd_engine_destroy(engine);
    gpu->prepare_status = FFWD_EUNSUPPORTED;
    expect_no_engine(&options, FFWD_EUNSUPPORTED, "0:0 has no room for the weights");
    ffwd_device_destroy(&gpu->base);
}
END_TEST

/** No loader or no platform: the CPU, and a sentence that says why. */
static void check_without_opencl(void) {
    ffwd_device_list *list = NULL;
    expect_ok(ffwd_device_list_create(&list, &err), &err);
    ck_assert_uint_eq(ffwd_device_list_count(list), 1);
    const char *note = ffwd_device_list_note(list);
    ck_assert_str_ne(note, "");

    ffwd_engine *engine = choose(NULL, "cpu");
    ck_assert_str_eq(ffwd_engine_why(engine), note);
    ffwd_engine_destroy(engine);

    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    static const char *const selectors[] = {"gpu", "opencl", "0:0", "some card"};
    for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++) {
        options.device = selectors[i];
        expect_no_engine(&options, FFWD_ENODEVICE, note);
    }
    ffwd_device_list_destroy(list);
}

START_TEST(no_loader) {
    ck_assert_int_eq(setenv("FFWD_OPENCL_LIBRARY", "none", 1), 0);
    check_without_opencl();
}
END_TEST

START_TEST(a_loader_that_is_no_library) {
    ck_assert_int_eq(setenv("FFWD_OPENCL_LIBRARY", "/dev/null", 1), 0);
    check_without_opencl();
}
END_TEST

START_TEST(no_platform) {
    ck_assert_int_eq(setenv("OCL_ICD_VENDORS", "/nonexistent", 1), 0);
    check_without_opencl();
}
END_TEST

int main(void) {
    /* What opening took on this machine before decides over nothing here. */
    if (setenv("FFWD_CACHE", "off", 1) != 0) {
        return 1;
    }
    (void)unsetenv("FFWD_DEVICE");
    Suite *suite = suite_create("fallback");
    TCase *faults = tcase_create("faults");
    tcase_set_timeout(faults, 60);
    tcase_add_checked_fixture(faults, setup, teardown);
    tcase_add_test(faults, a_device_that_works_is_used);
    tcase_add_test(faults, the_rest_of_a_run_is_redone_on_the_cpu);
    tcase_add_test(faults, a_fault_that_passes_is_forgotten_by_the_next_run);
    tcase_add_test(faults, devices_take_over_in_order);
    tcase_add_test(faults, the_timeline_shows_what_was_redone);
    tcase_add_test(faults, chunks_under_way_are_redone_elsewhere);
    tcase_add_test(faults, chunks_under_way_are_counted_once);
    tcase_add_test(faults, chunks_under_way_may_be_too_large);
    tcase_add_test(faults, captured_chunks_run_alone);
    tcase_add_test(faults, a_cancelled_run_waits_for_chunks_under_way);
    tcase_add_test(faults, without_fallback_a_fault_is_an_error);
    tcase_add_test(faults, a_device_that_measures_no_limit_has_the_cpu_s);
    tcase_add_test(faults, without_fallback_a_listed_device_does_not_take_over);
    tcase_add_test(faults, a_clone_leaves_a_lost_device_behind);
    tcase_add_test(faults, the_bound_on_memory_counts_the_helpers);
    tcase_add_test(faults, a_wrong_state_is_no_fault);
    tcase_add_test(faults, a_device_without_memory_takes_smaller_chunks);
    tcase_add_test(faults, a_short_run_takes_smaller_chunks_too);
    tcase_add_test(faults, a_device_without_any_memory_is_given_up);
    tcase_add_test(faults, a_strategy_is_not_dropped_for_another_device);
    tcase_add_test(faults, a_helper_that_fails_is_left_out);
    tcase_add_test(faults, a_device_that_fails_at_once_is_replaced);
    suite_add_tcase(suite, faults);
    TCase *choosing = tcase_create("choosing");
    tcase_set_timeout(choosing, 60);
    tcase_add_test(choosing, a_gpu_is_taken_where_it_pays);
    tcase_add_test(choosing, a_gpu_that_cannot_take_the_model_leaves_it_to_the_cpu);
    tcase_add_test(choosing, a_strategy_that_the_cpu_lacks_goes_to_a_gpu_first);
    tcase_add_test(choosing, no_loader);
    tcase_add_test(choosing, a_loader_that_is_no_library);
    tcase_add_test(choosing, no_platform);
    suite_add_tcase(suite, choosing);
    return suite_main(suite);
}
