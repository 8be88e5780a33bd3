// SPDX-License-Identifier: MIT
// Rows on the device with strides of either sign and of every dtype: the bits of the oracle, every
// byte between them untouched, nothing copied or waited for, smaller chunks where memory is
// lacking, and calls that fail.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ffwd/opencl.h>

#include "support/nets.h"
#include "support/opencl_caller.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { CHUNK_ROWS = 1000, ROWS_MAX = 2 * CHUNK_ROWS + 7, IN = 6, OUT = 3, LAYERS = 2 };

static const uint64_t widths[] = {IN, 9, OUT};
static const uint32_t strategies[] = {FFWD_CHAIN, FFWD_LAYERED, FFWD_FUSED};
enum { STRATEGIES = sizeof strategies / sizeof *strategies };
static ffwd_error err = FFWD_ERROR_INIT;

/** How rows lie in their buffer. */
typedef enum layout {
    DENSE,
    PADDED,    /**< something behind every row */
    SPREAD,    /**< something behind every value */
    BY_COLUMN, /**< one column behind the other */
    BACKWARDS, /**< the last row first, and in it the last value */
    LAYOUTS
} layout;

static ffwd_opencl_rows lay_out(layout how, uint32_t dtype, uint64_t rows, uint64_t cols) {
    const int64_t height = (int64_t)rows, width = (int64_t)cols;
    ffwd_opencl_rows r = {NULL, dtype, 5, rows, cols, 0, 0};
    switch (how) {
    case PADDED:
        r.row_stride = width + 3;
        break;
    case SPREAD:
        r.col_stride = 2;
        r.row_stride = 2 * width + 1;
        break;
    case BY_COLUMN:
        r.row_stride = 1;
        r.col_stride = height + 2;
        break;
    case BACKWARDS:
        r.row_stride = -(width + 1);
        r.col_stride = -1;
        r.offset = (uint64_t)((height > 0 ? height : 1) * (width + 1));
        break;
    default:
        break;
    }
    return r;
}

/** Elements that hold any layout of so many rows, and more. */
static uint64_t room_for(uint64_t rows, uint64_t cols) {
    return 2 * (rows + 2) * (cols + 3) + 16;
}

static size_t element_of(const ffwd_opencl_rows *rows, uint64_t r, uint64_t c) {
    const int64_t row_stride = rows->row_stride != 0 ? rows->row_stride : (int64_t)rows->cols;
    const int64_t col_stride = rows->col_stride != 0 ? rows->col_stride : 1;
    return (size_t)((int64_t)rows->offset + (int64_t)r * row_stride + (int64_t)c * col_stride);
}

static double value_at(const void *values, uint32_t dtype, size_t element) {
    return dtype == FFWD_F64   ? ((const double *)values)[element]
           : dtype == FFWD_F32 ? (double)((const float *)values)[element]
                               : (double)((const unsigned char *)values)[element];
}

static void put_value(void *values, uint32_t dtype, size_t element, double value) {
    if (dtype == FFWD_F64) {
        ((double *)values)[element] = value;
    } else if (dtype == FFWD_F32) {
        ((float *)values)[element] = (float)value;
    } else {
        ((unsigned char *)values)[element] = (unsigned char)value;
    }
}

/* -------------------------------------------------------------------------------------- a run */

/** X and Y of a network in buffers of their own. */
typedef struct work {
    ffwd_opencl_rows x, y;
    uint64_t y_bytes;
    void *expected; /**< of Y's buffer, with what lies between */
    void *got;
} work;

/** Bytes that no Y has, everywhere: what is not written stays. */
enum { UNTOUCHED = 0xa5 };

static void expect_y(work *w, const ffwd_model *model, uint32_t model_dtype, const void *x) {
    void *dense_x = net_alloc(w->x.rows * IN * sizeof(double) + 1);
    void *dense_y = net_alloc(w->x.rows * OUT * sizeof(double) + 1);
    for (uint64_t i = 0; i < w->x.rows * IN; i++) {
        put_value(dense_x, model_dtype, i,
                  value_at(x, w->x.dtype, element_of(&w->x, i / IN, i % IN)));
    }
    oracle_run(model, w->x.rows, dense_x, dense_y, NULL, NULL);
    for (uint64_t i = 0; i < w->y.rows * OUT; i++) {
        put_value(w->expected, w->y.dtype, element_of(&w->y, i / OUT, i % OUT),
                  value_at(dense_y, model_dtype, i));
    }
    free(dense_x);
    free(dense_y);
}

static void reset_y(const caller *c, work *w) {
    memset(w->got, UNTOUCHED, w->y_bytes);
    write_buffer(c, w->y.buffer, w->y_bytes, w->got);
}

static work work_create(const caller *c, const ffwd_model *model, uint32_t model_dtype,
                        const ffwd_opencl_rows *x, const ffwd_opencl_rows *y) {
    work w = {.x = *x, .y = *y};
    const uint64_t x_count = room_for(x->rows, IN);
    void *values = net_values(x_count, x->dtype == FFWD_U8 ? FFWD_F32 : x->dtype, 11, 1);
    w.y_bytes = room_for(y->rows, OUT) * ffwd_dtype_size(y->dtype);
    w.expected = net_alloc(w.y_bytes);
    w.got = net_alloc(w.y_bytes);
    memset(w.expected, UNTOUCHED, w.y_bytes);
    w.x.buffer = make_buffer(c, x_count * ffwd_dtype_size(x->dtype));
    w.y.buffer = make_buffer(c, w.y_bytes);
    write_buffer(c, w.x.buffer, x_count * ffwd_dtype_size(x->dtype), values);
    reset_y(c, &w);
    expect_y(&w, model, model_dtype, values);
    free(values);
    return w;
}

static void work_free(const caller *c, work *w) {
    (void)c->cl->clReleaseMemObject(w->x.buffer);
    (void)c->cl->clReleaseMemObject(w->y.buffer);
    free(w->expected);
    free(w->got);
}

/** Every byte of Y's buffer. */
static void check(const caller *c, work *w, const char *what) {
    read_buffer(c, w->y.buffer, w->y_bytes, w->got);
    net_check_bits(w->got, w->expected, w->y_bytes / ffwd_dtype_size(w->y.dtype), 1, w->y.dtype,
                   what);
}

static ffwd_model *model_of(uint32_t dtype, uint32_t last) {
    net_shape shape = net_shape_of(LAYERS, widths, FFWD_TANH, 1);
    shape.activations[LAYERS - 1] = last;
    return net_create(&shape, dtype, 7);
}

static ffwd_status place(const ffwd_model *model, ffwd_device *device, uint32_t strategy,
                         ffwd_engine **out) {
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.strategy = strategy;
    options.chunk_rows = CHUNK_ROWS;
    options.no_fallback = 1;
    return ffwd_engine_create(model, &device, 1, &options, out, &err);
}

static ffwd_status enqueue(const caller *c, ffwd_engine *engine, const work *w) {
    return ffwd_opencl_enqueue(engine, c->queue, &w->x, &w->y, 0, NULL, NULL, &err);
}

/** A run without rows makes what such rows need. */
static void make_ready(const caller *c, ffwd_engine *engine, const work *w) {
    work none = *w;
    none.x.rows = 0;
    none.y.rows = 0;
    expect_ok(enqueue(c, engine, &none), &err);
}

/** A run of which nothing may be copied or waited for. */
static void run(const caller *c, ffwd_engine *engine, const work *w) {
    fault_tally seen;
    make_ready(c, engine, w);
    begin_faults(&no_fault);
    expect_ok(enqueue(c, engine, w), &err);
    tally(&seen);
    ck_assert_uint_eq(seen.transfers, 0);
    ck_assert_uint_eq(seen.waits, 0);
}

/** Whether kernels take the rows where they are. */
static bool in_place(const ffwd_opencl_rows *rows, uint32_t model_dtype) {
    return rows->dtype == model_dtype &&
           ((rows->row_stride == 0 && rows->col_stride == 0) || rows->rows == 1) &&
           (rows->col_stride == 0 || rows->col_stride == 1);
}

/** The stage that stands at an index moved these rows. */
static void check_stage(ffwd_engine *engine, size_t index, const char *name,
                        const ffwd_opencl_rows *rows, uint32_t model_dtype, uint64_t first_layer) {
    ffwd_stage stage = FFWD_STAGE_INIT;
    expect_ok(ffwd_engine_stage(engine, index, &stage, &err), &err);
    ck_assert_str_eq(stage.kernel, name);
    ck_assert_uint_eq(stage.layer_count, 0);
    ck_assert_uint_eq(stage.first_layer, first_layer);
    ck_assert_uint_eq(stage.launches, (rows->rows + CHUNK_ROWS - 1) / CHUNK_ROWS);
    ck_assert_uint_eq(stage.bytes,
                      rows->rows * rows->cols *
                          (ffwd_dtype_size(rows->dtype) + ffwd_dtype_size(model_dtype)));
}

static void check_report(ffwd_engine *engine, const work *w, uint32_t model_dtype) {
    ffwd_report report = FFWD_REPORT_INIT;
    size_t stages = ffwd_engine_strategy(engine) == FFWD_FUSED   ? 1
                    : ffwd_engine_strategy(engine) == FFWD_CHAIN ? 2 * LAYERS
                                                                 : LAYERS;
    char name[32];
    expect_ok(ffwd_opencl_report(engine, &report, &err), &err);
    ck_assert_uint_eq(report.rows, w->x.rows);
    ck_assert_uint_eq(report.chunks_halved, 0);
    ck_assert_uint_eq(report.bytes, w->x.rows * (IN * ffwd_dtype_size(w->x.dtype) +
                                                 OUT * ffwd_dtype_size(w->y.dtype)));
    if (!in_place(&w->x, model_dtype)) {
        (void)snprintf(name, sizeof name, "gather_%s_%s", ffwd_dtype_name(w->x.dtype),
                       ffwd_dtype_name(model_dtype));
        check_stage(engine, stages++, name, &w->x, model_dtype, 1);
    }
    if (!in_place(&w->y, model_dtype)) {
        (void)snprintf(name, sizeof name, "scatter_%s_%s", ffwd_dtype_name(model_dtype),
                       ffwd_dtype_name(w->y.dtype));
        check_stage(engine, stages++, name, &w->y, model_dtype, LAYERS + 1);
    }
    ck_assert_uint_eq(ffwd_engine_stage_count(engine), stages);
}

/* --------------------------------------------------------------------------------------- tests */

static const cl_command_queue_properties properties[] = {
    CL_QUEUE_PROFILING_ENABLE, 0,
    CL_QUEUE_PROFILING_ENABLE | CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE};

static void check_layouts(const caller *c, ffwd_engine *engine, const ffwd_model *model,
                          uint32_t model_dtype, uint32_t x_dtype, uint32_t y_dtype) {
    static const uint64_t row_counts[] = {1, CHUNK_ROWS + 1, 63, ROWS_MAX, 2};
    char what[160];
    for (int x = 0; x < LAYOUTS; x++) {
        const int y = (2 * x + 1) % LAYOUTS;
        const uint64_t rows = row_counts[(x + (int)x_dtype + (int)y_dtype) % 5];
        const ffwd_opencl_rows in = lay_out((layout)x, x_dtype, rows, IN);
        const ffwd_opencl_rows out = lay_out((layout)y, y_dtype, rows, OUT);
        work w = work_create(c, model, model_dtype, &in, &out);
        (void)snprintf(what, sizeof what, "%s: %s X layout %d, %s Y layout %d, %llu rows",
                       ffwd_dtype_name(model_dtype), ffwd_dtype_name(x_dtype), x,
                       ffwd_dtype_name(y_dtype), y, (unsigned long long)rows);
        run(c, engine, &w);
        check(c, &w, what);
        check_report(engine, &w, model_dtype);
        work_free(c, &w);
    }
}

/** Models of a dtype that end in tanh or, for bytes out, in a step. */
static void check_dtypes(const caller *c, ffwd_device *device, uint32_t model_dtype,
                         uint32_t strategy, bool f64) {
    static const uint32_t dtypes[][2] = {{FFWD_F32, FFWD_F32}, {FFWD_F64, FFWD_F64},
                                         {FFWD_U8, FFWD_F32},  {FFWD_F32, FFWD_F64},
                                         {FFWD_F64, FFWD_F32}, {FFWD_U8, FFWD_U8}};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        const uint32_t x = dtypes[i][0], y = dtypes[i][1];
        ffwd_engine *engine = NULL;
        if (!f64 && (x == FFWD_F64 || y == FFWD_F64)) {
            continue;
        }
        ffwd_model *model = model_of(model_dtype, y == FFWD_U8 ? FFWD_STEP : FFWD_TANH);
        expect_ok(place(model, device, strategy, &engine), &err);
        check_layouts(c, engine, model, model_dtype, x, y);
        ffwd_engine_destroy(engine);
        ffwd_model_destroy(model);
    }
}

START_TEST(the_bits_of_every_layout) {
    caller c = {0};
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device *device = NULL;
    if (!caller_open(&c, properties[_i])) {
        return;
    }
    expect_ok(ffwd_opencl_device_open(c.context, c.id, NULL, &device, &err), &err);
    ffwd_device_describe(device, &info);
    check_dtypes(&c, device, FFWD_F32, strategies[_i], info.f64 != 0);
    if (info.f64) {
        check_dtypes(&c, device, FFWD_F64, strategies[_i], true);
    }
    ffwd_device_destroy(device);
    caller_close(&c);
}
END_TEST

/** A table of records: X is columns 1 to 6 of 11, Y becomes columns 8 to 10, others stay. */
START_TEST(columns_of_one_table) {
    enum { COLUMNS = 11 };
    caller c = {0};
    ffwd_device *device = NULL;
    ffwd_engine *engine = NULL;
    if (!caller_open(&c, 0)) {
        return;
    }
    ffwd_model *model = model_of(FFWD_F32, FFWD_TANH);
    expect_ok(ffwd_opencl_device_open(c.context, c.id, NULL, &device, &err), &err);
    expect_ok(place(model, device, strategies[_i], &engine), &err);
    const uint64_t bytes = (uint64_t)ROWS_MAX * COLUMNS * sizeof(float);
    float *table = net_values((uint64_t)ROWS_MAX * COLUMNS, FFWD_F32, 5, 1);
    cl_mem buffer = make_buffer(&c, bytes);
    write_buffer(&c, buffer, bytes, table);
    work w = {.x = {buffer, FFWD_F32, 1, ROWS_MAX, IN, COLUMNS, 1},
              .y = {buffer, FFWD_F32, 8, ROWS_MAX, OUT, COLUMNS, 1},
              .expected = table};
    expect_y(&w, model, FFWD_F32, table);
    run(&c, engine, &w);
    float *got = net_alloc(bytes);
    read_buffer(&c, buffer, bytes, got);
    net_check_bits(got, table, ROWS_MAX, COLUMNS, FFWD_F32, "a table");
    (void)c.cl->clReleaseMemObject(buffer);
    free(table);
    free(got);
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(device);
    ffwd_model_destroy(model);
    caller_close(&c);
}
END_TEST

static void expect_refusal(const caller *c, ffwd_engine *engine, const work *w,
                           const char *message) {
    expect_failure(enqueue(c, engine, w), &err, FFWD_EARGUMENT, message);
}

/** Rows that leave their buffer, at either end. */
START_TEST(what_is_refused) {
    caller c = {0};
    ffwd_device *device = NULL;
    ffwd_engine *engine = NULL;
    if (!caller_open(&c, 0)) {
        return;
    }
    ffwd_model *model = model_of(FFWD_F32, FFWD_TANH);
    expect_ok(ffwd_opencl_device_open(c.context, c.id, NULL, &device, &err), &err);
    expect_ok(place(model, device, FFWD_LAYERED, &engine), &err);
    work w = {.x = {make_buffer(&c, 240), FFWD_F32, 0, 10, IN, 0, 0},
              .y = {make_buffer(&c, 120), FFWD_F32, 0, 10, OUT, 0, 0}};
    w.x.row_stride = 7;
    expect_refusal(&c, engine, &w,
                   "X is [10][6] by 7 and 1 from element 0 on, but its buffer has 60");
    w.x.row_stride = -6;
    w.x.offset = 53;
    expect_refusal(&c, engine, &w,
                   "X is [10][6] by -6 and 1 from element 53 on, but its buffer has 60");
    w.x.row_stride = 0;
    w.x.offset = 0;
    w.y.col_stride = INT64_MIN;
    expect_refusal(&c, engine, &w,
                   "Y is [10][3] by 3 and -9223372036854775808 from element 0 on, but its buffer "
                   "has 30");
    w.y.col_stride = 1;
    w.y.dtype = FFWD_F64;
    expect_refusal(&c, engine, &w,
                   "Y is [10][3] by 3 and 1 from element 0 on, but its buffer has 15");
    w.y.dtype = FFWD_F32;
    w.x.row_stride = -6;
    w.x.offset = 54;
    expect_ok(enqueue(&c, engine, &w), &err);
    (void)c.cl->clFinish(c.queue);
    (void)c.cl->clReleaseMemObject(w.x.buffer);
    (void)c.cl->clReleaseMemObject(w.y.buffer);
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(device);
    ffwd_model_destroy(model);
    caller_close(&c);
}
END_TEST

/* -------------------------------------------------------------------------------------- faults */

/** X by columns in bytes, Y padded: rows that are gathered and scattered. */
static work work_to_fail(const caller *c, const ffwd_model *model) {
    const ffwd_opencl_rows x = lay_out(BY_COLUMN, FFWD_U8, ROWS_MAX, IN);
    const ffwd_opencl_rows y = lay_out(PADDED, FFWD_F32, ROWS_MAX, OUT);
    return work_create(c, model, FFWD_F32, &x, &y);
}

/** Opens, places, runs, reports. */
static ffwd_status use(const caller *c, const ffwd_model *model, const work *w, uint32_t strategy) {
    ffwd_device *device = NULL;
    ffwd_engine *engine = NULL;
    ffwd_report report = FFWD_REPORT_INIT;
    ffwd_status status = ffwd_opencl_device_open(c->context, c->id, NULL, &device, &err);
    if (status == FFWD_OK) {
        status = place(model, device, strategy, &engine);
    }
    if (status == FFWD_OK) {
        status = enqueue(c, engine, w);
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
    const uint64_t step = getenv("FFWD_LONG") != NULL ? 1 : 7;
    caller c = {0};
    fault_tally seen;
    unsigned failures = 0;
    if (!caller_open(&c, properties[_i])) {
        return;
    }
    ffwd_model *model = model_of(FFWD_F32, FFWD_TANH);
    work w = work_to_fail(&c, model);
    begin_faults(&no_fault);
    expect_ok(use(&c, model, &w, strategies[_i]), &err);
    tally(&seen);
    check(&c, &w, "without a fault");
    if (seen.calls == 0) {
        skip("the ICD loader knows no layers");
    }
    const uint64_t calls = seen.calls;
    for (uint64_t at_call = 1 + (uint64_t)_i; at_call <= calls; at_call += step) {
        const fault_plan plan = {FAULT_CODE, at_call, 0, codes[at_call / step % CODES]};
        const uint64_t living = count_living() - ffwd_abandoned_objects();
        reset_y(&c, &w);
        begin_faults(&plan);
        const ffwd_status status = use(&c, model, &w, strategies[_i]);
        tally(&seen);
        begin_faults(&no_fault);
        (void)c.cl->clFinish(c.queue);
        if (status == FFWD_OK) {
            check(&c, &w, "with a fault that was mended");
        }
        ck_assert_msg(status == FFWD_OK || seen.struck == 1, "call %llu: %s",
                      (unsigned long long)at_call, err.message);
        ck_assert_msg(count_living() - ffwd_abandoned_objects() == living,
                      "call %llu, code %d: %llu objects more than before",
                      (unsigned long long)at_call, plan.code,
                      (unsigned long long)(count_living() - ffwd_abandoned_objects() - living));
        failures += status != FFWD_OK;
    }
    ck_assert_uint_gt(failures, calls / step / 3);
    work_free(&c, &w);
    ffwd_model_destroy(model);
    caller_close(&c);
}
END_TEST

/** Each call of a run once finds no memory: it is refused, or it ends in smaller chunks with the
 *  same bits, and says so; the host waits for nothing either way. */
START_TEST(memory_that_lacks) {
    caller c = {0};
    ffwd_device *device = NULL;
    fault_tally seen;
    unsigned mended = 0;
    if (!caller_open(&c, properties[_i])) {
        return;
    }
    ffwd_model *model = model_of(FFWD_F32, FFWD_TANH);
    work w = work_to_fail(&c, model);
    expect_ok(ffwd_opencl_device_open(c.context, c.id, NULL, &device, &err), &err);
    for (uint64_t at_call = 1; at_call == 1 || seen.struck > 0; at_call++) {
        const fault_plan plan = {FAULT_CODE, at_call, 0, at_call % 2 == 0 ? -4 : -5};
        ffwd_engine *engine = NULL;
        ffwd_report report = FFWD_REPORT_INIT;
        expect_ok(place(model, device, strategies[_i], &engine), &err);
        make_ready(&c, engine, &w);
        reset_y(&c, &w);
        begin_faults(&plan);
        const ffwd_status status = enqueue(&c, engine, &w);
        tally(&seen);
        begin_faults(&no_fault);
        ck_assert_uint_eq(seen.waits, 0);
        ck_assert_msg(status == FFWD_OK || status == FFWD_ENOMEM, "%s", err.message);
        if (status == FFWD_OK) {
            check(&c, &w, "in smaller chunks");
            expect_ok(ffwd_opencl_report(engine, &report, &err), &err);
            ck_assert_uint_eq(ffwd_engine_chunk_rows(engine), CHUNK_ROWS >> report.chunks_halved);
            ck_assert_int_eq(strstr(ffwd_engine_fallback(engine),
                                    " ran out of memory with 1000 rows a chunk") != NULL,
                             report.chunks_halved > 0);
            mended += report.chunks_halved > 0;
        }
        ffwd_engine_destroy(engine);
    }
    ck_assert_uint_gt(mended, 4);
    ffwd_device_destroy(device);
    work_free(&c, &w);
    ffwd_model_destroy(model);
    caller_close(&c);
}
END_TEST

int main(void) {
    if (!use_fault_layer(FAULT_LAYER)) {
        return 1;
    }
    Suite *suite = suite_create("opencl gather");
    TCase *rows = tcase_create("rows");
    tcase_set_timeout(rows, 600);
    tcase_add_loop_test(rows, the_bits_of_every_layout, 0, STRATEGIES);
    tcase_add_loop_test(rows, columns_of_one_table, 0, STRATEGIES);
    tcase_add_test(rows, what_is_refused);
    tcase_add_loop_test(rows, calls_that_fail, 0, STRATEGIES);
    tcase_add_loop_test(rows, memory_that_lacks, 0, STRATEGIES);
    suite_add_tcase(suite, rows);
    return suite_main(suite);
}
