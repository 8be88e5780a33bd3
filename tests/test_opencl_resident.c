// SPDX-License-Identifier: MIT
// Runs over rows that lie on the device, in a context and on queues of the caller's: the bits at
// any offset, what is waited for, what is refused; and, under the layer that counts and fails
// calls, that nothing is copied, waited for or left behind.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ffwd/opencl.h>

#include "support/nets.h"
#include "support/opencl_caller.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { CHUNK_ROWS = 300, ROWS_MAX = 2 * CHUNK_ROWS + 7, IN = 6, OUT = 3, LAYERS = 3 };
/** Elements in front of X and of Y, and behind each. */
enum { GAP_MAX = 5 };

static const uint64_t widths[] = {IN, 9, 5, OUT};
static ffwd_error err = FFWD_ERROR_INIT;

/* -------------------------------------------------------------------------------------- a run */

/** A network, and one buffer that holds X and Y of it with gaps before, between and behind. */
typedef struct work {
    ffwd_model *model;
    uint32_t dtype;
    uint64_t gap, rows, bytes;
    cl_mem buffer;
    void *values; /**< of the buffer, as they were and as they should be */
    void *got;    /**< what they are */
    ffwd_opencl_rows x, y;
} work;

static unsigned char *at(const work *w, uint64_t element) {
    return (unsigned char *)w->values + element * ffwd_dtype_size(w->dtype);
}

/** X on the device, and what Y will be in w->values. */
static work work_create(const caller *c, uint32_t dtype, uint64_t rows, uint64_t gap) {
    const net_shape shape = net_shape_of(LAYERS, widths, FFWD_TANH, 1);
    const uint64_t count = rows * (IN + OUT) + 3 * gap;
    work w = {.model = net_create(&shape, dtype, 7),
              .dtype = dtype,
              .gap = gap,
              .rows = rows,
              .bytes = ffwd_dtype_size(dtype) * (count > 0 ? count : 1),
              .values = net_values(count > 0 ? count : 1, dtype, 3, 1)};
    w.buffer = make_buffer(c, w.bytes);
    w.got = net_alloc(w.bytes);
    w.x = (ffwd_opencl_rows){w.buffer, dtype, gap, rows, IN, 0, 0};
    w.y = (ffwd_opencl_rows){w.buffer, dtype, rows * IN + 2 * gap, rows, OUT, OUT, 1};
    write_buffer(c, w.buffer, w.bytes, w.values);
    oracle_run(w.model, rows, at(&w, w.x.offset), at(&w, w.y.offset), NULL, NULL);
    return w;
}

static void work_free(const caller *c, work *w) {
    ffwd_model_destroy(w->model);
    (void)c->cl->clReleaseMemObject(w->buffer);
    free(w->values);
    free(w->got);
}

/** The whole buffer: Y is right, and nothing else has changed. */
static void check(const caller *c, work *w, const char *what) {
    read_buffer(c, w->buffer, w->bytes, w->got);
    net_check_bits(w->got, w->values, w->bytes / ffwd_dtype_size(w->dtype), 1, w->dtype, what);
}

static ffwd_device *open_device(const caller *c) {
    ffwd_device *device = NULL;
    expect_ok(ffwd_opencl_device_open(c->context, c->id, NULL, &device, &err), &err);
    return device;
}

static ffwd_status place(const work *w, ffwd_device *device, uint32_t strategy, ffwd_engine **out) {
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.strategy = strategy;
    options.chunk_rows = CHUNK_ROWS;
    options.no_fallback = 1;
    return ffwd_engine_create(w->model, &device, 1, &options, out, &err);
}

static ffwd_engine *create_engine(const caller *c, const work *w, uint32_t strategy) {
    ffwd_device *device = open_device(c);
    ffwd_engine *engine = NULL;
    expect_ok(place(w, device, strategy, &engine), &err);
    ffwd_device_destroy(device);
    return engine;
}

/** Enqueues a run that nothing of may be copied or waited for. */
static void enqueue(const caller *c, ffwd_engine *engine, const work *w, cl_event wait,
                    cl_event *done) {
    fault_tally seen;
    begin_faults(&no_fault);
    expect_ok(ffwd_opencl_enqueue(engine, c->queue, &w->x, &w->y, wait != NULL,
                                  wait != NULL ? &wait : NULL, done, &err),
              &err);
    tally(&seen);
    ck_assert_uint_eq(seen.transfers, 0);
    ck_assert_uint_eq(seen.waits, 0);
}

/* --------------------------------------------------------------------------------------- tests */

static const uint32_t strategies[] = {FFWD_CHAIN, FFWD_LAYERED, FFWD_FUSED};
static const cl_command_queue_properties properties[] = {
    0, CL_QUEUE_PROFILING_ENABLE,
    CL_QUEUE_PROFILING_ENABLE | CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE};
enum { KINDS = 3 };

static void check_report(ffwd_engine *engine, uint64_t rows, bool profiled) {
    ffwd_report report = FFWD_REPORT_INIT;
    ffwd_stage stage = FFWD_STAGE_INIT;
    uint64_t stages_ns = 0;
    expect_ok(ffwd_opencl_report(engine, &report, &err), &err);
    ck_assert_uint_eq(report.rows, rows);
    ck_assert_uint_eq(report.chunks, (rows + CHUNK_ROWS - 1) / CHUNK_ROWS);
    ck_assert_uint_eq(report.upload_ns + report.download_ns, 0);
    ck_assert_int_eq(report.kernel_ns > 0, profiled && rows > 0);
    ck_assert_uint_ge(report.total_ns, profiled ? report.kernel_ns / 2 : 0);
    for (size_t i = 0; i < ffwd_engine_stage_count(engine); i++) {
        expect_ok(ffwd_engine_stage(engine, i, &stage, &err), &err);
        ck_assert_uint_eq(stage.launches, report.chunks);
        stages_ns += stage.ns;
    }
    ck_assert_uint_eq(stages_ns, report.kernel_ns);
}

static void check_bits(const caller *c, ffwd_device *device, uint32_t dtype, uint32_t strategy,
                       bool profiled) {
    static const uint64_t row_counts[] = {1, CHUNK_ROWS, CHUNK_ROWS + 1, ROWS_MAX, 0};
    for (size_t i = 0; i < sizeof row_counts / sizeof *row_counts; i++) {
        char what[160];
        cl_event done = NULL;
        work w = work_create(c, dtype, row_counts[i], i % 2 == 0 ? GAP_MAX : 0);
        ffwd_engine *engine = NULL;
        expect_ok(place(&w, device, strategy, &engine), &err);
        (void)snprintf(what, sizeof what, "%s %s, %llu rows behind %llu", ffwd_dtype_name(dtype),
                       ffwd_strategy_name(strategy), (unsigned long long)w.rows,
                       (unsigned long long)w.gap);
        enqueue(c, engine, &w, NULL, &done);
        check(c, &w, what);
        ck_assert_int_eq(state_of(c, done), CL_COMPLETE);
        check_report(engine, w.rows, profiled);
        enqueue(c, engine, &w, NULL, NULL);
        check(c, &w, what);
        (void)c->cl->clReleaseEvent(done);
        ffwd_engine_destroy(engine);
        work_free(c, &w);
    }
}

START_TEST(the_bits_at_any_offset) {
    caller c = {0};
    const cl_command_queue_properties kind = properties[_i % KINDS];
    if (!caller_open(&c, kind)) {
        return;
    }
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device *device = open_device(&c);
    ffwd_device_describe(device, &info);
    ck_assert_str_eq(info.id, "0:0");
    check_bits(&c, device, FFWD_F32, strategies[_i / KINDS], kind != 0);
    if (info.f64) {
        check_bits(&c, device, FFWD_F64, strategies[_i / KINDS], kind != 0);
    }
    ffwd_device_destroy(device);
    caller_close(&c);
}
END_TEST

/** X comes only after the call, and the event that it waits for. */
START_TEST(a_run_waits_on_the_device) {
    caller c = {0};
    ffwd_report report = FFWD_REPORT_INIT;
    if (!caller_open(&c, properties[_i % KINDS])) {
        return;
    }
    work w = work_create(&c, FFWD_F32, ROWS_MAX, GAP_MAX);
    ffwd_engine *engine = create_engine(&c, &w, strategies[_i / KINDS]);
    cl_event there = user_event(&c), done = NULL;
    expect_failure(ffwd_opencl_report(engine, &report, &err), &err, FFWD_ESTATE,
                   "no run over rows on the device was enqueued");
    enqueue(&c, engine, &w, there, &done);
    ck_assert_int_gt(state_of(&c, done), CL_COMPLETE);
    expect_failure(ffwd_opencl_report(engine, &report, &err), &err, FFWD_ESTATE,
                   "the run that was enqueued last has not ended");
    ck_assert_int_eq(c.more.set_user_event_status(there, CL_COMPLETE), CL_SUCCESS);
    check(&c, &w, "behind an event");
    expect_ok(ffwd_opencl_report(engine, &report, &err), &err);
    (void)c.cl->clReleaseEvent(there);
    (void)c.cl->clReleaseEvent(done);
    ffwd_engine_destroy(engine);
    work_free(&c, &w);
    caller_close(&c);
}
END_TEST

/** Buffers between layers are shared: the second run, on another queue, waits for the first. */
START_TEST(runs_on_two_queues_follow_one_another) {
    caller c = {0};
    if (!caller_open(&c, 0)) {
        return;
    }
    work w = work_create(&c, FFWD_F32, ROWS_MAX, GAP_MAX);
    ffwd_engine *engine = create_engine(&c, &w, strategies[_i]);
    caller other = c;
    other.queue = make_queue(&c, 0);
    cl_event there = user_event(&c), done[2] = {NULL, NULL};
    enqueue(&c, engine, &w, there, &done[0]);
    enqueue(&other, engine, &w, NULL, &done[1]);
    ck_assert_int_eq(c.cl->clFlush(other.queue), CL_SUCCESS);
    ck_assert_int_gt(state_of(&c, done[1]), CL_COMPLETE);
    ck_assert_int_eq(c.more.set_user_event_status(there, CL_COMPLETE), CL_SUCCESS);
    check(&other, &w, "on two queues");
    ck_assert_int_eq(state_of(&c, done[0]), CL_COMPLETE);
    for (size_t i = 0; i < 2; i++) {
        (void)c.cl->clReleaseEvent(done[i]);
    }
    (void)c.cl->clReleaseEvent(there);
    ffwd_engine_destroy(engine);
    (void)c.cl->clReleaseCommandQueue(other.queue);
    work_free(&c, &w);
    caller_close(&c);
}
END_TEST

/** Rows of the host go through the same engine, captured ones too; then it ends at once, and the
 *  caller's buffer is released with a run under way. */
START_TEST(host_rows_and_an_early_end) {
    caller c = {0};
    if (!caller_open(&c, 0)) {
        return;
    }
    work w = work_create(&c, FFWD_F32, ROWS_MAX, 0);
    ffwd_engine *engine = create_engine(&c, &w, strategies[_i]);
    void *y = net_alloc(sizeof(float) * ROWS_MAX * OUT),
         *z = net_alloc(sizeof(float) * ROWS_MAX * 9);
    const ffwd_input in = net_input(w.values, FFWD_F32, ROWS_MAX, IN);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS_MAX, OUT);
    ffwd_output sums[LAYERS] = {net_output(z, FFWD_F32, ROWS_MAX, 9)};
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.sums = sums;
    enqueue(&c, engine, &w, NULL, NULL);
    expect_ok(ffwd_engine_run(engine, &in, &out, NULL, NULL, &err), &err);
    net_check_bits(y, at(&w, w.y.offset), ROWS_MAX, OUT, FFWD_F32, "of the host");
    expect_ok(ffwd_engine_run(engine, &in, &out, &options, NULL, &err), &err);
    net_check_bits(y, at(&w, w.y.offset), ROWS_MAX, OUT, FFWD_F32, "captured");
    enqueue(&c, engine, &w, NULL, NULL);
    work_free(&c, &w);
    ffwd_engine_destroy(engine);
    free(y);
    free(z);
    caller_close(&c);
}
END_TEST

/** A part of a buffer is a buffer. */
START_TEST(rows_in_a_part_of_a_buffer) {
    enum { ORIGIN = 4096 };
    caller c = {0};
    if (!caller_open(&c, 0)) {
        return;
    }
    work w = work_create(&c, FFWD_F32, ROWS_MAX, 0);
    ffwd_engine *engine = create_engine(&c, &w, FFWD_STRATEGY_AUTO);
    const cl_buffer_region region = {ORIGIN, sizeof(float) * ROWS_MAX * OUT};
    cl_mem whole = make_buffer(&c, ORIGIN + region.size);
    cl_int code = CL_SUCCESS;
    cl_mem part = c.more.create_sub_buffer(whole, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION,
                                           &region, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    w.y.buffer = part;
    w.y.offset = 0;
    enqueue(&c, engine, &w, NULL, NULL);
    read_buffer(&c, part, region.size, w.got);
    net_check_bits(w.got, at(&w, w.x.rows * IN), ROWS_MAX, OUT, FFWD_F32, "in a part");
    (void)c.cl->clReleaseMemObject(part);
    (void)c.cl->clReleaseMemObject(whole);
    ffwd_engine_destroy(engine);
    work_free(&c, &w);
    caller_close(&c);
}
END_TEST

/* ------------------------------------------------------------------------ rows brought before */

static ffwd_status place_held(const work *w, uint32_t strategy, ffwd_engine **out) {
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.strategy = strategy;
    options.chunk_rows = CHUNK_ROWS;
    options.resident = 1;
    return ffwd_engine_create(w->model, NULL, 0, &options, out, &err);
}

static ffwd_status run_held(const work *w, uint32_t strategy, void *y, ffwd_report *report) {
    ffwd_engine *engine = NULL;
    const ffwd_input in = net_input(at(w, w->x.offset), FFWD_F32, w->rows, IN);
    const ffwd_output out = net_output(y, FFWD_F32, w->rows, OUT);
    ffwd_status status = place_held(w, strategy, &engine);
    for (int i = 0; i < 2 && status == FFWD_OK; i++) {
        memset(y, 0, w->rows * OUT * sizeof(float));
        status = ffwd_engine_run(engine, &in, &out, NULL, report, &err);
    }
    ffwd_engine_destroy(engine);
    return status;
}

/** An engine that has rows on the device before the clock starts: the bits, and the report. Each
 *  call fails once; then it is an error, or the bits all the same. */
START_TEST(rows_brought_before) {
    const uint64_t step = getenv("FFWD_LONG") != NULL ? 1 : 13;
    caller c = {0};
    fault_tally seen;
    ffwd_report report = FFWD_REPORT_INIT;
    if (!caller_open(&c, 0)) {
        return;
    }
    work w = work_create(&c, FFWD_F32, ROWS_MAX, 0);
    void *y = net_alloc(sizeof(float) * ROWS_MAX * OUT);
    begin_faults(&no_fault);
    expect_ok(run_held(&w, strategies[_i], y, &report), &err);
    tally(&seen);
    net_check_bits(y, at(&w, w.y.offset), ROWS_MAX, OUT, FFWD_F32, "brought before");
    ck_assert_uint_eq(report.rows, ROWS_MAX);
    ck_assert_uint_eq(report.chunks, 3);
    ck_assert_uint_eq(report.bytes, sizeof(float) * ROWS_MAX * (IN + OUT));
    ck_assert(report.upload_ns > 0 && report.download_ns > 0 && report.kernel_ns > 0);
    ck_assert_uint_ge(report.total_ns, report.kernel_ns / 2);
    const uint64_t calls = seen.calls;
    for (uint64_t at_call = 1 + (uint64_t)_i; at_call <= calls; at_call += step) {
        const fault_plan plan = {FAULT_CODE, at_call, 0, at_call / step % 2 == 0 ? -4 : -36};
        const uint64_t living = count_living() - ffwd_abandoned_objects();
        begin_faults(&plan);
        const ffwd_status status = run_held(&w, strategies[_i], y, &report);
        begin_faults(&no_fault);
        if (status == FFWD_OK) {
            net_check_bits(y, at(&w, w.y.offset), ROWS_MAX, OUT, FFWD_F32, "in spite of a fault");
        }
        ck_assert_uint_eq(count_living() - ffwd_abandoned_objects(), living);
    }
    free(y);
    work_free(&c, &w);
    caller_close(&c);
}
END_TEST

/** What such an engine does not serve. */
START_TEST(what_is_not_brought) {
    caller c = {0};
    ffwd_device *cpu = NULL;
    ffwd_engine *engine = NULL;
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_run_options captured = FFWD_RUN_OPTIONS_INIT;
    ffwd_output sums[LAYERS] = {{0}};
    if (!caller_open(&c, 0)) {
        return;
    }
    work w = work_create(&c, FFWD_F32, 10, 0);
    ffwd_input in = net_input(at(&w, 0), FFWD_F32, 10, IN);
    const ffwd_output out = net_output(w.got, FFWD_F32, 10, OUT);
    options.resident = 1;
    expect_ok(ffwd_device_open("cpu", NULL, &cpu, &err), &err);
    expect_failure(ffwd_engine_create(w.model, &cpu, 1, &options, &engine, &err), &err,
                   FFWD_EUNSUPPORTED, "rows on the device: cpu has no OpenCL buffers");
    expect_ok(place_held(&w, FFWD_STRATEGY_AUTO, &engine), &err);
    captured.sums = sums;
    expect_failure(ffwd_engine_run(engine, &in, &out, &captured, NULL, &err), &err,
                   FFWD_EUNSUPPORTED, "rows on the device: nothing can be captured");
    in.col_stride = 2;
    expect_failure(ffwd_engine_run(engine, &in, &out, NULL, NULL, &err), &err, FFWD_EARGUMENT,
                   "rows are brought to the device dense");
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(cpu);
    work_free(&c, &w);
    caller_close(&c);
}
END_TEST

/* ----------------------------------------------------------------------------------- refusals */

static void expect_refusal(ffwd_engine *engine, cl_command_queue queue, const ffwd_opencl_rows *x,
                           const ffwd_opencl_rows *y, ffwd_status status, const char *message) {
    cl_event done = NULL;
    expect_failure(ffwd_opencl_enqueue(engine, queue, x, y, 0, NULL, &done, &err), &err, status,
                   message);
    ck_assert_ptr_null(done);
}

static void check_shapes(const caller *c, ffwd_engine *engine, const work *w) {
    ffwd_opencl_rows rows = w->x;
    rows.cols = 7;
    expect_refusal(engine, c->queue, &rows, &w->y, FFWD_EARGUMENT,
                   "X is [10][7], but the model has 6 inputs");
    rows = w->x;
    rows.dtype = 9;
    expect_refusal(engine, c->queue, &rows, &w->y, FFWD_EARGUMENT,
                   "dtype 9 of X is none of f32, f64, u8");
    rows = w->y;
    rows.dtype = FFWD_U8;
    expect_refusal(engine, c->queue, &w->x, &rows, FFWD_EARGUMENT,
                   "u8 outputs need a step as the last activation");
    rows = w->x;
    rows.rows = 11;
    expect_refusal(engine, c->queue, &rows, &w->y, FFWD_EARGUMENT, "X has 11 rows, but Y 10");
    rows = w->y;
    rows.offset = 61;
    expect_refusal(engine, c->queue, &w->x, &rows, FFWD_EARGUMENT,
                   "Y is [10][3] by 3 and 1 from element 61 on, but its buffer has 90");
    rows.offset = UINT64_MAX;
    expect_refusal(
        engine, c->queue, &w->x, &rows, FFWD_EARGUMENT,
        "Y is [10][3] by 3 and 1 from element 18446744073709551615 on, but its buffer has 90");
    expect_failure(ffwd_opencl_enqueue(engine, c->queue, &w->x, &w->y, 1, NULL, NULL, &err), &err,
                   FFWD_EARGUMENT, "a wait list of 1 events is NULL");
}

START_TEST(what_is_refused) {
    caller c = {0}, other = {0};
    ffwd_device *cpu = NULL, *device = NULL;
    ffwd_engine *on_cpu = NULL;
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    if (!caller_open(&c, 0) || !caller_open(&other, 0)) {
        return;
    }
    work w = work_create(&c, FFWD_F32, 10, 0);
    work foreign = work_create(&other, FFWD_F32, 10, 0);
    ffwd_engine *engine = create_engine(&c, &w, FFWD_STRATEGY_AUTO);
    check_shapes(&c, engine, &w);
    expect_refusal(engine, c.queue, &foreign.x, &w.y, FFWD_EARGUMENT,
                   "the buffer of X is of another context");
    ck_assert_int_eq(ffwd_opencl_enqueue(engine, other.queue, &w.x, &w.y, 0, NULL, NULL, &err),
                     FFWD_EARGUMENT);
    ck_assert_msg(strstr(err.message, "the queue is of another context") != NULL, "%s",
                  err.message);
    expect_ok(ffwd_device_open("cpu", NULL, &cpu, &err), &err);
    expect_ok(ffwd_engine_create(w.model, &cpu, 1, NULL, &on_cpu, &err), &err);
    expect_refusal(on_cpu, c.queue, &w.x, &w.y, FFWD_EARGUMENT,
                   "the engine's device cpu has no OpenCL buffers");
    options.threads = 2;
    expect_failure(ffwd_opencl_device_open(c.context, c.id, &options, &device, &err), &err,
                   FFWD_EARGUMENT, "threads is of the CPU path; an OpenCL device has none");
    expect_failure(ffwd_opencl_device_open(NULL, c.id, NULL, &device, &err), &err, FFWD_EARGUMENT,
                   "the context is NULL");
    enqueue(&c, engine, &w, NULL, NULL);
    check(&c, &w, "after refusals");
    ffwd_engine_destroy(engine);
    ffwd_engine_destroy(on_cpu);
    ffwd_device_destroy(cpu);
    work_free(&c, &w);
    work_free(&other, &foreign);
    caller_close(&c);
    caller_close(&other);
}
END_TEST

/* -------------------------------------------------------------------------------------- faults */

/** Opens, places, runs twice on two queues, reports. */
static ffwd_status use(const caller *c, const work *w, uint32_t strategy) {
    ffwd_device *device = NULL;
    ffwd_engine *engine = NULL;
    ffwd_report report = FFWD_REPORT_INIT;
    cl_event done = NULL;
    ffwd_status status = ffwd_opencl_device_open(c->context, c->id, NULL, &device, &err);
    if (status == FFWD_OK) {
        status = place(w, device, strategy, &engine);
    }
    for (int i = 0; i < 2 && status == FFWD_OK; i++) {
        ck_assert_ptr_null(done);
        status = ffwd_opencl_enqueue(engine, c->queue, &w->x, &w->y, 0, NULL, &done, &err);
        ck_assert_int_eq(status == FFWD_OK, done != NULL);
        if (done != NULL) {
            (void)c->cl->clReleaseEvent(done);
            done = NULL;
        }
    }
    if (status == FFWD_OK) {
        (void)c->cl->clFinish(c->queue);
        status = ffwd_opencl_report(engine, &report, &err);
    }
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(device);
    return status;
}

/** Every call of a strategy fails once, with codes in turn. */
START_TEST(calls_that_fail) {
    static const int32_t codes[] = {-5, -36, -9999, -4, 7, -14};
    enum { CODES = sizeof codes / sizeof *codes };
    const uint64_t step = getenv("FFWD_LONG") != NULL ? 1 : 11;
    caller c = {0};
    fault_tally seen;
    unsigned failures = 0;
    if (!caller_open(&c, properties[_i])) {
        return;
    }
    work w = work_create(&c, FFWD_F32, ROWS_MAX, GAP_MAX);
    begin_faults(&no_fault);
    expect_ok(use(&c, &w, strategies[_i]), &err);
    tally(&seen);
    check(&c, &w, "without a fault");
    if (seen.calls == 0) {
        skip("the ICD loader knows no layers");
    }
    const uint64_t calls = seen.calls;
    for (uint64_t at_call = 1 + (uint64_t)_i; at_call <= calls; at_call += step) {
        const fault_plan plan = {FAULT_CODE, at_call, 0, codes[at_call / step % CODES]};
        const uint64_t living = count_living() - ffwd_abandoned_objects();
        begin_faults(&plan);
        const ffwd_status status = use(&c, &w, strategies[_i]);
        tally(&seen);
        begin_faults(&no_fault);
        (void)c.cl->clFinish(c.queue);
        ck_assert_msg(status == FFWD_OK || seen.struck == 1, "call %llu: %s",
                      (unsigned long long)at_call, err.message);
        ck_assert_msg(count_living() - ffwd_abandoned_objects() == living,
                      "call %llu, code %d: %llu objects more than before",
                      (unsigned long long)at_call, plan.code,
                      (unsigned long long)(count_living() - ffwd_abandoned_objects() - living));
        failures += status != FFWD_OK;
    }
    ck_assert_uint_gt(failures, calls / step / 2);
    begin_faults(&no_fault);
    expect_ok(use(&c, &w, strategies[_i]), &err);
    check(&c, &w, "after all faults");
    work_free(&c, &w);
    caller_close(&c);
}
END_TEST

int main(void) {
    if (!use_fault_layer(FAULT_LAYER)) {
        return 1;
    }
    enum { STRATEGIES = sizeof strategies / sizeof *strategies };
    Suite *suite = suite_create("opencl resident");
    TCase *runs = tcase_create("runs");
    tcase_set_timeout(runs, 300);
    tcase_add_loop_test(runs, the_bits_at_any_offset, 0, STRATEGIES * KINDS);
    tcase_add_loop_test(runs, a_run_waits_on_the_device, 0, STRATEGIES * KINDS);
    tcase_add_loop_test(runs, runs_on_two_queues_follow_one_another, 0, STRATEGIES);
    tcase_add_loop_test(runs, host_rows_and_an_early_end, 0, STRATEGIES);
    tcase_add_test(runs, rows_in_a_part_of_a_buffer);
    tcase_add_loop_test(runs, rows_brought_before, 0, STRATEGIES);
    tcase_add_test(runs, what_is_not_brought);
    tcase_add_test(runs, what_is_refused);
    tcase_add_loop_test(runs, calls_that_fail, 0, STRATEGIES);
    suite_add_tcase(suite, runs);
    return suite_main(suite);
}
