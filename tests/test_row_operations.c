// SPDX-License-Identifier: MIT
// The operations on whole rows: their bits on every path, around every tile; rows that break
// arithmetic; and the error of softmax and its logarithm against the C library's long double.
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/nets.h"
#include "support/oracle.h"
#include "support/paths.h"
#include "support/suite.h"

static const uint32_t dtypes[] = {FFWD_F32, FFWD_F64};
static const uint32_t kinds[] = {FFWD_SOFTMAX, FFWD_LOG_SOFTMAX, FFWD_ARGMAX};
enum { KINDS = sizeof kinds / sizeof *kinds };

static ffwd_error err = FFWD_ERROR_INIT;

/** One operation on rows of X itself. */
static ffwd_model *model_of(uint32_t kind, uint32_t dtype, uint64_t inputs) {
    const ffwd_operation operation = {
        .kind = kind, .inputs = inputs, .neurons = kind == FFWD_ARGMAX ? 1 : inputs};
    ffwd_model *model = NULL;
    expect_ok(ffwd_model_create(dtype, inputs, &operation, 1, sizeof operation, &model, &err),
              &err);
    return model;
}

static uint64_t outputs_of(const ffwd_model *model) {
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model_describe(model, &info);
    return info.outputs;
}

static void put(void *values, uint32_t dtype, uint64_t index, double value) {
    if (dtype == FFWD_F64) {
        ((double *)values)[index] = value;
    } else {
        ((float *)values)[index] = (float)value;
    }
}

static double get(const void *values, uint32_t dtype, uint64_t index) {
    return dtype == FFWD_F64 ? ((const double *)values)[index]
                             : (double)((const float *)values)[index];
}

/** Values so far apart that their exponentials underflow now and then; with `special`, others too.
 */
static void *spread_values(uint64_t count, uint32_t dtype, double scale, uint64_t seed,
                           int special) {
    void *values = net_values(count, dtype, seed, special);
    for (uint64_t i = 0; i < count; i++) {
        put(values, dtype, i, get(values, dtype, i) * scale);
    }
    return values;
}

static void run(const path *p, ffwd_device *device, const ffwd_model *model, uint64_t rows,
                uint64_t cols, uint32_t dtype, const void *x, void *y) {
    ffwd_engine *engine = path_engine(p, device, model, 0);
    const ffwd_input in = net_input(x, dtype, rows, cols);
    const ffwd_output out = net_output(y, dtype, rows, outputs_of(model));
    expect_ok(ffwd_engine_run(engine, &in, &out, NULL, NULL, &err), &err);
    ffwd_engine_destroy(engine);
}

/* ---------------------------------------------------------------------------------------- bits */

static void check_rows(const path *p, ffwd_device *device, uint32_t kind, uint32_t dtype,
                       uint64_t rows, uint64_t cols, uint64_t seed) {
    ffwd_model *model = model_of(kind, dtype, cols);
    const uint64_t y_bytes = rows * outputs_of(model) * ffwd_dtype_size(dtype);
    void *x = spread_values(rows * cols, dtype, seed % 2 != 0 ? 100 : 1, seed, seed % 3 == 0);
    void *expected = net_alloc(y_bytes), *got = net_alloc(y_bytes);
    char what[160];
    memset(got, 0xa5, y_bytes);
    oracle_run(model, rows, x, expected, NULL, NULL);
    run(p, device, model, rows, cols, dtype, x, got);
    (void)snprintf(what, sizeof what, "%s, %s %s, seed %llu", path_text(p), ffwd_kind_name(kind),
                   ffwd_dtype_name(dtype), (unsigned long long)seed);
    net_check_bits(got, expected, rows, outputs_of(model), dtype, what);
    ffwd_model_destroy(model);
    free(x);
    free(expected);
    free(got);
}

/* Vectors are 2 to 16 lanes, groups 4 to 48 rows; half a vector of rows goes one by one. */
START_TEST(rows_of_every_shape) {
    static const uint64_t cols[] = {1, 2, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 33, 64, 130};
    static const uint64_t rows[] = {1, 2, 3, 5, 8, 9, 16, 17, 24, 25, 47, 48, 49, 97};
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    uint64_t seed = 1;
    for (size_t i = 0; device != NULL && i < sizeof cols / sizeof *cols; i++) {
        for (size_t n = 0; n < 2 * KINDS; n++, seed++) {
            /* Each shape is a program of half a second there. */
            if (p->isa == NULL && p->strategy == FFWD_FUSED && seed % 4 != 0) {
                continue;
            }
            check_rows(p, device, kinds[n / 2], dtypes[n % 2], rows[seed % 14], cols[i], seed);
            check_rows(p, device, kinds[n / 2], dtypes[n % 2], rows[seed * 5 % 14], cols[i],
                       seed + 1000);
        }
    }
    ffwd_device_destroy(device);
}
END_TEST

/* ------------------------------------------------------------------------------------ specials */

enum { COLS = 3, HUGE_VALUES = 99 };

/** What follows from the formulas, and is exact; HUGE_VALUES stands for the dtype's largest. */
static const struct {
    uint32_t kind;
    double x[COLS], y[COLS];
} special_rows[] = {
    {FFWD_SOFTMAX, {0, 0, -INFINITY}, {0.5, 0.5, 0}},
    {FFWD_SOFTMAX, {-0.0, 0.0, -1e9}, {0.5, 0.5, 0}},
    {FFWD_SOFTMAX, {-7e6, -7e6 - 2000, -INFINITY}, {1, 0, 0}},
    {FFWD_SOFTMAX, {HUGE_VALUES, -HUGE_VALUES, 0}, {1, 0, 0}},
    {FFWD_SOFTMAX, {NAN, 1, 2}, {NAN, NAN, NAN}},
    {FFWD_SOFTMAX, {3, NAN, 2}, {NAN, NAN, NAN}},
    {FFWD_SOFTMAX, {3, 2, NAN}, {NAN, NAN, NAN}},
    {FFWD_SOFTMAX, {0, INFINITY, 0}, {NAN, NAN, NAN}},
    {FFWD_SOFTMAX, {INFINITY, -INFINITY, INFINITY}, {NAN, NAN, NAN}},
    {FFWD_SOFTMAX, {-INFINITY, -INFINITY, -INFINITY}, {NAN, NAN, NAN}},
    {FFWD_LOG_SOFTMAX, {0, -2000, -INFINITY}, {0, -2000, -INFINITY}},
    {FFWD_LOG_SOFTMAX, {-0.0, -1e9, -1e9}, {0, -1e9, -1e9}},
    {FFWD_LOG_SOFTMAX, {HUGE_VALUES, -HUGE_VALUES, 0}, {0, -INFINITY, -HUGE_VALUES}},
    {FFWD_LOG_SOFTMAX, {NAN, 1, 2}, {NAN, NAN, NAN}},
    {FFWD_LOG_SOFTMAX, {3, 2, NAN}, {NAN, NAN, NAN}},
    {FFWD_LOG_SOFTMAX, {0, INFINITY, 0}, {NAN, NAN, NAN}},
    {FFWD_LOG_SOFTMAX, {-INFINITY, -INFINITY, -INFINITY}, {NAN, NAN, NAN}},
    {FFWD_ARGMAX, {1, 3, 3}, {1}},
    {FFWD_ARGMAX, {1, NAN, NAN}, {1}},
    {FFWD_ARGMAX, {INFINITY, NAN, INFINITY}, {1}},
    {FFWD_ARGMAX, {-INFINITY, -INFINITY, -INFINITY}, {0}},
    {FFWD_ARGMAX, {-0.0, 0.0, -1}, {0}},
};

static double value_of(uint32_t dtype, double value) {
    const double largest = dtype == FFWD_F64 ? DBL_MAX : (double)FLT_MAX;
    return fabs(value) == HUGE_VALUES ? copysign(largest, value) : value;
}

/** Alone, and in the middle of others. */
static void check_special(const path *p, ffwd_device *device, size_t index, uint32_t dtype,
                          uint64_t rows) {
    ffwd_model *model = model_of(special_rows[index].kind, dtype, COLS);
    const uint64_t outputs = outputs_of(model), at = rows / 2;
    const size_t element = ffwd_dtype_size(dtype);
    void *x = net_values(rows * COLS, dtype, 5, 0);
    unsigned char *y = net_alloc(rows * outputs * element);
    double expected[COLS];
    char what[160];
    for (uint64_t i = 0; i < COLS; i++) {
        put(x, dtype, at * COLS + i, value_of(dtype, special_rows[index].x[i]));
        put(expected, dtype, i, value_of(dtype, special_rows[index].y[i]));
    }
    run(p, device, model, rows, COLS, dtype, x, y);
    (void)snprintf(what, sizeof what, "%s, row %zu in %s", path_text(p), index,
                   ffwd_dtype_name(dtype));
    net_check_bits(y + at * outputs * element, expected, 1, outputs, dtype, what);
    ffwd_model_destroy(model);
    free(x);
    free(y);
}

START_TEST(rows_that_break_arithmetic) {
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (size_t i = 0; device != NULL && i < sizeof special_rows / sizeof *special_rows; i++) {
        for (size_t d = 0; d < 2; d++) {
            check_special(p, device, i, dtypes[d], 1);
            check_special(p, device, i, dtypes[d], 50);
        }
    }
    ffwd_device_destroy(device);
}
END_TEST

/* ---------------------------------------------------------------------------------------- errors
 */

/** The largest errors of exp and of log in either dtype, in ulp. */
#define EXP_ULP 0.8645
#define LOG_ULP 0.8765

/** One row of n values, and the units of its dtype. */
typedef struct row {
    uint64_t n;
    const void *x;
    uint32_t dtype;
    long double unit;  /**< roundoff: half the distance from 1 to the next value */
    long double least; /**< the smallest number above 0 */
    long double largest, sum;
} row;

static void sum_exactly(row *r) {
    r->largest = (long double)get(r->x, r->dtype, 0);
    r->sum = 0;
    for (uint64_t i = 1; i < r->n; i++) {
        r->largest = fmaxl(r->largest, (long double)get(r->x, r->dtype, i));
    }
    for (uint64_t i = 0; i < r->n; i++) {
        r->sum += expl((long double)get(r->x, r->dtype, i) - r->largest);
    }
}

/**
 * How far the sum may be off, relatively, as docs/arithmetic.md derives it: every term by the
 * rounding of d, which the terms' weights make ln(n) at most, and by 2 EXP_ULP for exp; then the
 * n - 1 additions.
 */
static long double sum_bound(const row *r) {
    return (logl((long double)r->n) + 2 * EXP_ULP + (long double)(r->n - 1)) * r->unit;
}

/** The error of y[i], as a part of what it may be. */
static double softmax_error(const row *r, uint64_t i, double y) {
    const long double d = (long double)get(r->x, r->dtype, i) - r->largest;
    const long double right = expl(d) / r->sum;
    const long double relative = (fabsl(d) + 2 * EXP_ULP + 1) * r->unit + sum_bound(r);
    const long double bound = right * relative / (1 - 2 * relative) + (EXP_ULP + 1) * r->least;
    return (double)(fabsl((long double)y - right) / bound);
}

static double log_softmax_error(const row *r, uint64_t i, double y) {
    const long double d = (long double)get(r->x, r->dtype, i) - r->largest;
    const long double right = d - logl(r->sum);
    const long double absolute =
        (fabsl(d) + 2 * LOG_ULP * logl(r->sum) + fabsl(right)) * r->unit + sum_bound(r);
    const long double bound = absolute / (1 - 2 * sum_bound(r)) + r->least;
    return (double)(fabsl((long double)y - right) / bound);
}

/** The largest error of `rows` rows of n values up to `scale`. */
static double worst_error(uint32_t kind, uint32_t dtype, uint64_t n, double scale, uint64_t rows) {
    ffwd_model *model = model_of(kind, dtype, n);
    const size_t element = ffwd_dtype_size(dtype);
    unsigned char *x = spread_values(rows * n, dtype, scale, n, 0);
    unsigned char *y = net_alloc(rows * n * element);
    double worst = 0;
    oracle_run(model, rows, x, y, NULL, NULL);
    for (uint64_t k = 0; k < rows; k++) {
        row r = {.n = n,
                 .x = x + k * n * element,
                 .dtype = dtype,
                 .unit = dtype == FFWD_F64 ? DBL_EPSILON / 2 : FLT_EPSILON / 2,
                 .least = dtype == FFWD_F64 ? 0x1p-1074L : 0x1p-149L};
        sum_exactly(&r);
        for (uint64_t i = 0; i < n; i++) {
            const double value = get(y + k * n * element, dtype, i);
            worst = fmax(worst, kind == FFWD_SOFTMAX ? softmax_error(&r, i, value)
                                                     : log_softmax_error(&r, i, value));
        }
    }
    ffwd_model_destroy(model);
    free(x);
    free(y);
    return worst;
}

START_TEST(errors_within_the_bound) {
    static const uint64_t sizes[] = {1, 2, 3, 10, 100, 1000};
    static const double scales[] = {0.01, 1, 10, 60, 400};
    const uint32_t kind = kinds[_i / 2], dtype = dtypes[_i % 2];
    double worst = 0;
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
            const double error =
                worst_error(kind, dtype, sizes[n], scales[s], 20000 / sizes[n] + 10);
            ck_assert_msg(error <= 1, "%s of %llu values to %g in %s: %.3f of the bound",
                          ffwd_kind_name(kind), (unsigned long long)sizes[n], scales[s],
                          ffwd_dtype_name(dtype), error);
            worst = fmax(worst, error);
        }
    }
    figure("accuracy", "%s, %s, 1 to 1000 values to 400: %.2f of the bound", ffwd_kind_name(kind),
           dtype == FFWD_F64 ? "float64" : "float32", worst);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("row_operations");
    TCase *tcase = tcase_create("row operations");
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, rows_of_every_shape, 0, path_count);
    tcase_add_loop_test(tcase, rows_that_break_arithmetic, 0, path_count);
    tcase_add_loop_test(tcase, errors_within_the_bound, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite_main(suite);
}
