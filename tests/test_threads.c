// SPDX-License-Identifier: MIT
// Threads: engines of several callers at once over one CPU device, and the pool that they share.
#include "base/threads.h"

#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/nets.h"
#include "support/oracle.h"
#include "support/suite.h"

/* --------------------------------------------------------------------------------- the engines */

enum { CALLERS = 4, REPEATS = 8, ROWS = 20000, IN = 3, OUT = 2 };

static const uint64_t widths[] = {IN, 6, OUT};

/** One thread of the caller's, with an engine of its own; Check's assertions stay in the first. */
typedef struct caller {
    pthread_t thread;
    ffwd_engine *engine;
    const float *x, *expected;
    float *y;
    ffwd_status status;
    bool differs;
    ffwd_error err;
} caller;

static void *run_caller(void *user) {
    caller *c = user;
    const ffwd_input in = net_input(c->x, FFWD_F32, ROWS, IN);
    const ffwd_output out = net_output(c->y, FFWD_F32, ROWS, OUT);
    for (int i = 0; i < REPEATS && c->status == FFWD_OK; i++) {
        memset(c->y, 0xa5, ROWS * OUT * sizeof *c->y);
        c->status = ffwd_engine_run(c->engine, &in, &out, NULL, NULL, &c->err);
        c->differs = c->differs || memcmp(c->y, c->expected, ROWS * OUT * sizeof *c->y) != 0;
    }
    return NULL;
}

/** All callers at once, each with engines[i], on the same X. */
static void run_callers(ffwd_engine *const *engines, const float *x, const float *expected) {
    caller callers[CALLERS] = {{0}};
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i].engine = engines[i];
        callers[i].x = x;
        callers[i].expected = expected;
        callers[i].y = net_alloc(ROWS * OUT * sizeof(float));
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, run_caller, &callers[i]), 0);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        ck_assert_int_eq(pthread_join(callers[i].thread, NULL), 0);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        expect_ok(callers[i].status, &callers[i].err);
        ck_assert_msg(!callers[i].differs, "caller %zu got other bits", i);
        free(callers[i].y);
    }
}

static const uint32_t strategies[] = {FFWD_FUSED, FFWD_LAYERED};

/** `cloned`: one engine and its clones; else engines of their own that share the device. */
static void check_callers(uint32_t strategy, bool cloned) {
    const net_shape shape = net_shape_of(2, widths, FFWD_SIGMOID, 1);
    ffwd_model *model = net_create(&shape, FFWD_F32, 1);
    float *x = net_values(ROWS * IN, FFWD_F32, 2, 1);
    float *expected = net_alloc(ROWS * OUT * sizeof *expected);
    oracle_run(model, ROWS, x, expected, NULL, NULL);

    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device_options device_options = FFWD_DEVICE_OPTIONS_INIT;
    device_options.threads = 3;
    ffwd_device *device = NULL;
    expect_ok(ffwd_device_open("cpu", &device_options, &device, &err), &err);
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.strategy = strategy;
    options.chunk_rows = 7000;
    ffwd_engine *engines[CALLERS] = {NULL};
    for (size_t i = 0; i < CALLERS; i++) {
        expect_ok(i > 0 && cloned
                      ? ffwd_engine_clone(engines[0], &engines[i], &err)
                      : ffwd_engine_create(model, &device, 1, &options, &engines[i], &err),
                  &err);
    }
    ffwd_device_destroy(device);
    ffwd_model_destroy(model);
    run_callers(engines, x, expected);
    for (size_t i = 0; i < CALLERS; i++) {
        ffwd_engine_destroy(engines[i]);
    }
    free(x);
    free(expected);
}

START_TEST(engines_over_one_device) {
    check_callers(strategies[_i], false);
}
END_TEST

START_TEST(clones_over_one_device) {
    check_callers(strategies[_i], true);
}
END_TEST

/** Made, cloned, run and ended by every thread on its own, over a shared model and device. */
typedef struct maker {
    pthread_t thread;
    const ffwd_model *model;
    ffwd_device *device;
    const float *x, *expected;
    bool failed;
} maker;

enum { FEW_ROWS = 300 };

/** Runs an engine and ends it; whether all went well. */
static bool run_and_end(const maker *m, ffwd_engine *engine) {
    float y[FEW_ROWS * OUT];
    const ffwd_input in = net_input(m->x, FFWD_F32, FEW_ROWS, IN);
    const ffwd_output out = net_output(y, FFWD_F32, FEW_ROWS, OUT);
    const bool ran = ffwd_engine_run(engine, &in, &out, NULL, NULL, NULL) == FFWD_OK;
    ffwd_engine_destroy(engine);
    return ran && memcmp(y, m->expected, sizeof y) == 0;
}

static void *make_and_end(void *user) {
    maker *m = user;
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.chunk_rows = FEW_ROWS / 2;
    for (int i = 0; i < 50 && !m->failed; i++) {
        ffwd_engine *engine = NULL, *clone = NULL;
        if (ffwd_engine_create(m->model, &m->device, 1, &options, &engine, NULL) != FFWD_OK ||
            ffwd_engine_clone(engine, &clone, NULL) != FFWD_OK) {
            ffwd_engine_destroy(engine);
            m->failed = true;
            return NULL;
        }
        m->failed = !run_and_end(m, engine);
        m->failed = !run_and_end(m, clone) || m->failed;
    }
    return NULL;
}

/** Each thread opens a device of its own, the last user of which is an engine. */
static void *open_and_close(void *user) {
    maker *m = user;
    for (int i = 0; i < 20 && !m->failed; i++) {
        ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
        options.threads = 2;
        ffwd_device *device = NULL;
        ffwd_engine *engine = NULL;
        m->failed = ffwd_device_open("cpu", &options, &device, NULL) != FFWD_OK ||
                    ffwd_engine_create(m->model, &device, 1, NULL, &engine, NULL) != FFWD_OK;
        ffwd_device_destroy(device);
        m->failed = m->failed || !run_and_end(m, engine);
    }
    return NULL;
}

static void *(*const lives[])(void *user) = {make_and_end, open_and_close};

START_TEST(owners_come_and_go) {
    const net_shape shape = net_shape_of(2, widths, FFWD_RELU, 0);
    ffwd_model *model = net_create(&shape, FFWD_F32, 1);
    float *x = net_values(FEW_ROWS * IN, FFWD_F32, 3, 1);
    float *expected = net_alloc(FEW_ROWS * OUT * sizeof *expected);
    oracle_run(model, FEW_ROWS, x, expected, NULL, NULL);
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device_options device_options = FFWD_DEVICE_OPTIONS_INIT;
    device_options.threads = 2;
    ffwd_device *device = NULL;
    expect_ok(ffwd_device_open("cpu", &device_options, &device, &err), &err);
    maker makers[CALLERS];
    for (size_t i = 0; i < CALLERS; i++) {
        makers[i] = (maker){.model = model, .device = device, .x = x, .expected = expected};
        ck_assert_int_eq(pthread_create(&makers[i].thread, NULL, lives[_i], &makers[i]), 0);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        ck_assert_int_eq(pthread_join(makers[i].thread, NULL), 0);
        ck_assert(!makers[i].failed);
    }
    ffwd_model_destroy(model);
    ffwd_device_destroy(device);
    free(x);
    free(expected);
}
END_TEST

/* ------------------------------------------------------------------------------------ the pool */

enum { SLOTS = 100 };

typedef struct slot_log {
    ffwd_threads *threads;
    pthread_t caller;
    atomic_uint runs[SLOTS];
    atomic_uint foreign, wrong_rounding; /**< slots on another thread; not to nearest */
    struct slot_log *inner;
} slot_log;

static void note_slot(void *context, size_t slot) {
    slot_log *log = context;
    atomic_fetch_add(&log->runs[slot], 1);
    if (pthread_equal(pthread_self(), log->caller) == 0) {
        atomic_fetch_add(&log->foreign, 1);
    }
    if (fegetround() != FE_TONEAREST) {
        atomic_fetch_add(&log->wrong_rounding, 1);
    }
}

static void check_slots(slot_log *log, unsigned expected) {
    for (size_t i = 0; i < SLOTS; i++) {
        ck_assert_uint_eq(atomic_load(&log->runs[i]), expected);
    }
    ck_assert_uint_eq(atomic_load(&log->wrong_rounding), 0);
}

static ffwd_threads *create_threads(uint32_t count) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_threads *threads = NULL;
    expect_ok(ffwd_threads_create(count, false, &threads, &err), &err);
    ck_assert_uint_eq(ffwd_threads_count(threads), count);
    return threads;
}

START_TEST(every_slot_runs_once_in_the_contract_s_environment) {
    for (uint32_t count = 1; count <= 4; count++) {
        ffwd_threads *threads = create_threads(count);
        slot_log log = {.caller = pthread_self()};
        ck_assert_int_eq(fesetround(FE_DOWNWARD), 0);
        ffwd_threads_run(threads, SLOTS, note_slot, &log);
        ck_assert_int_eq(fegetround(), FE_DOWNWARD);
        ck_assert_int_eq(fesetround(FE_TONEAREST), 0);
        check_slots(&log, 1);
        if (count == 1) {
            ck_assert_uint_eq(atomic_load(&log.foreign), 0);
        }
        ffwd_threads_destroy(threads);
    }
}
END_TEST

static void run_inner(void *context, size_t slot) {
    slot_log *log = context;
    if (slot == 0) {
        log->inner->caller = pthread_self();
        ffwd_threads_run(log->threads, SLOTS, note_slot, log->inner);
    }
}

/** While the pool is taken, whoever else comes runs all slots itself instead of waiting. */
START_TEST(a_busy_pool_does_not_block) {
    slot_log inner = {0};
    slot_log outer = {.threads = create_threads(3), .inner = &inner};
    ffwd_threads_run(outer.threads, SLOTS, run_inner, &outer);
    check_slots(&inner, 1);
    ck_assert_uint_eq(atomic_load(&inner.foreign), 0);
    ffwd_threads_destroy(outer.threads);
}
END_TEST

/** Threads that may still be created; the linker sends the library's calls here. */
static atomic_int threads_left = 1000;
/** Calls until one is refused while there are threads left; negative: none is. */
static atomic_int refused_call = -1;
static atomic_int created;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument) {
    const bool refused = threads_left-- <= 0 || refused_call-- == 0;
    created += refused ? 0 : 1;
    return refused ? EAGAIN : __real_pthread_create(thread, attributes, start, argument);
}

START_TEST(threads_that_cannot_be_created_are_an_error) {
    ffwd_error err = FFWD_ERROR_INIT;
    for (int i = 0; i < 4; i++) {
        ffwd_threads *threads = NULL;
        threads_left = i;
        expect_failure(ffwd_threads_create(5, false, &threads, &err), &err, FFWD_ENOMEM,
                       "5 threads cannot be created");
    }
    threads_left = 4;
    ffwd_threads_destroy(create_threads(5));
}
END_TEST

START_TEST(fewer_threads_will_do_where_nobody_counts) {
    for (int i = 0; i < 4; i++) {
        ffwd_threads *threads = NULL;
        refused_call = i;
        ck_assert_int_eq(ffwd_threads_create(5, true, &threads, NULL), FFWD_OK);
        ck_assert_uint_eq(ffwd_threads_count(threads), 5);
        slot_log log = {.caller = pthread_self()};
        ffwd_threads_run(threads, SLOTS, note_slot, &log);
        check_slots(&log, 1);
        ck_assert_uint_eq(ffwd_threads_count(threads), 1 + (uint32_t)i);
        ffwd_threads_destroy(threads);
    }
}
END_TEST

/** A job of one slot needs none; ffwd_threads_start() and a job of two do, and create them once. */
START_TEST(threads_are_created_when_they_are_needed) {
    for (int started = 0; started < 2; started++) {
        ffwd_threads *threads = NULL;
        created = 0;
        ck_assert_int_eq(ffwd_threads_create(3, true, &threads, NULL), FFWD_OK);
        slot_log log = {.caller = pthread_self()};
        ffwd_threads_run(threads, 1, note_slot, &log);
        ck_assert_int_eq(created, 0);
        if (started == 1) {
            ffwd_threads_start(threads);
            ck_assert_int_ge(created, 2);
        }
        ffwd_threads_run(threads, 2, note_slot, &log);
        const int all = created;
        ck_assert_int_ge(all, 2);
        ffwd_threads_start(threads);
        ffwd_threads_run(threads, SLOTS, note_slot, &log);
        ck_assert_int_eq(created, all);
        ck_assert_uint_eq(ffwd_threads_count(threads), 3);
        ffwd_threads_destroy(threads);
    }
}
END_TEST

START_TEST(a_process_may_use_some_cpus) {
    const uint32_t count = ffwd_cpu_count();
    ck_assert_uint_ge(count, 1);
    ck_assert_uint_le(count, 4096);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("threads");
    TCase *engines = tcase_create("engines");
    tcase_set_timeout(engines, 300);
    tcase_add_loop_test(engines, engines_over_one_device, 0, 2);
    tcase_add_loop_test(engines, clones_over_one_device, 0, 2);
    tcase_add_loop_test(engines, owners_come_and_go, 0, 2);
    suite_add_tcase(suite, engines);
    TCase *pool = tcase_create("pool");
    tcase_set_timeout(pool, 60);
    tcase_add_test(pool, every_slot_runs_once_in_the_contract_s_environment);
    tcase_add_test(pool, a_busy_pool_does_not_block);
    tcase_add_test(pool, threads_that_cannot_be_created_are_an_error);
    tcase_add_test(pool, fewer_threads_will_do_where_nobody_counts);
    tcase_add_test(pool, threads_are_created_when_they_are_needed);
    tcase_add_test(pool, a_process_may_use_some_cpus);
    suite_add_tcase(suite, pool);
    return suite_main(suite);
}
