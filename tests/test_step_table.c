// SPDX-License-Identifier: MIT
// The table behind a first layer of steps: its bits against the scalar oracle in every instruction
// set, when it is chosen, and what it is not for.
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/nets.h"
#include "support/oracle.h"
#include "support/suite.h"

static ffwd_error err;

static ffwd_device *open_isa(const char *isa, uint32_t threads) {
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    ffwd_device *device = NULL;
    options.isa = isa;
    options.threads = threads;
    expect_ok(ffwd_device_open("cpu", &options, &device, &err), &err);
    return device;
}

static ffwd_status place(const ffwd_model *model, ffwd_device *device, uint32_t strategy,
                         uint64_t expected_rows, ffwd_engine **out) {
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.strategy = strategy;
    options.expected_rows = expected_rows;
    return ffwd_engine_create(model, &device, 1, &options, out, &err);
}

/** Steps, then what the seed says. */
static ffwd_model *step_net(size_t layers, const uint64_t *widths, uint32_t dtype, uint64_t seed) {
    net_shape shape = net_shape_of(layers, widths, FFWD_STEP, seed % 2 == 0);
    for (size_t i = 1; i < layers; i++) {
        shape.activations[i] = (uint32_t)((seed + i) % 5);
    }
    return net_create(&shape, dtype, seed);
}

/** Rows with NaN and infinities among them, with strides, against the oracle. */
static void check(ffwd_device *device, const ffwd_model *model, uint64_t rows, uint64_t gap,
                  uint64_t seed, const char *isa) {
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model_describe(model, &info);
    const size_t element = ffwd_dtype_size(info.dtype);
    const uint64_t y_values = rows * (info.outputs + gap);
    void *x = net_values(rows * info.inputs, info.dtype, seed, 1);
    unsigned char *expected = net_alloc(rows * info.outputs * element);
    unsigned char *got = net_alloc(y_values * element);
    unsigned char *dense = net_alloc(rows * info.outputs * element);
    ffwd_engine *engine = NULL;
    memset(got, 0xa5, y_values * element);
    oracle_run(model, rows, x, expected, NULL, NULL);
    expect_ok(place(model, device, FFWD_TABLE, 0, &engine), &err);
    ck_assert_uint_eq(ffwd_engine_strategy(engine), FFWD_TABLE);
    const ffwd_input in = net_input(x, info.dtype, rows, info.inputs);
    ffwd_output out = net_output(got, info.dtype, rows, info.outputs);
    out.row_stride = (int64_t)(info.outputs + gap);
    expect_ok(ffwd_engine_run(engine, &in, &out, NULL, NULL, &err), &err);
    for (uint64_t r = 0; r < rows; r++) {
        memcpy(dense + r * info.outputs * element, got + r * (info.outputs + gap) * element,
               info.outputs * element);
    }
    net_check_bits(dense, expected, rows, info.outputs, info.dtype, isa);
    ffwd_engine_destroy(engine);
    free(x);
    free(expected);
    free(got);
    free(dense);
}

/* In registers up to 4 inputs, 4 steps and 1 output; tiles are 2, 4 and 8 steps. */
static const uint64_t shapes[][4] = {
    {1, 1, 1, 0},   {2, 3, 2, 1},   {2, 3, 1, 0},   {4, 4, 3, 1},   {3, 2, 5, 2},  {4, 4, 2, 0},
    {1, 5, 1, 0},   {2, 8, 3, 1},   {3, 9, 1, 0},   {5, 7, 4, 3},   {4, 16, 8, 1}, {17, 4, 1, 0},
    {16, 15, 6, 1}, {33, 10, 2, 0}, {2, 16, 20, 1}, {7, 1, 19, 17}, {1, 11, 3, 5}, {6, 12, 1, 0},
};

START_TEST(the_bits_of_the_layers) {
    static const uint64_t rows[] = {1, 2, 31, 33, 49, 500, 4099};
    int available;
    const char *isa = ffwd_isa_name((size_t)_i, &available);
    if (isa == NULL) {
        return;
    }
    if (!available) {
        skip("%s: this machine does not have it", isa);
        return;
    }
    ffwd_device *device = open_isa(isa, 1 + (uint32_t)_i % 2);
    for (uint64_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (uint32_t dtype = FFWD_F32; dtype <= FFWD_F64; dtype++) {
            const uint64_t seed = 40 + 3 * i + dtype;
            const size_t layers = shapes[i][3] > 0 ? 3 : 2;
            ffwd_model *model = step_net(layers, shapes[i], dtype, seed);
            check(device, model, rows[i % 7], 0, seed, isa);
            check(device, model, rows[(i + dtype) % 7], 3, seed, isa);
            ffwd_model_destroy(model);
        }
    }
    ffwd_device_destroy(device);
}
END_TEST

enum { SPECIALS = 16, BITS = 16 };

/** Zeros, subnormals, NaNs and infinities of both signs, and some between. */
static void fill_special(uint32_t dtype, void *values) {
    const double some[SPECIALS / 2] = {0, 0, 1, 0.3, 1e-30, 1e30, INFINITY, NAN};
    for (int i = 0; i < SPECIALS; i++) {
        const double value = copysign(some[i / 2], i % 2 == 0 ? 1 : -1);
        if (dtype == FFWD_F64) {
            ((double *)values)[i] = i / 2 == 1 ? copysign(DBL_TRUE_MIN, value) : value;
        } else {
            ((float *)values)[i] =
                i / 2 == 1 ? copysignf(FLT_TRUE_MIN, (float)value) : (float)value;
        }
    }
}

/** Sixteen steps of special weights, and the number that their bits spell. */
static ffwd_model *special_net(uint32_t dtype, double threshold, int shift, int nan) {
    double values[SPECIALS], weights[2 * BITS], bias[BITS], powers[BITS];
    const size_t element = ffwd_dtype_size(dtype);
    const int count = nan ? SPECIALS : SPECIALS - 2;
    unsigned char *to[] = {(unsigned char *)weights, (unsigned char *)bias};
    fill_special(dtype, values);
    for (size_t i = 0; i < (size_t)2 * BITS; i++) {
        memcpy(to[0] + i * element,
               (unsigned char *)values + (i * (size_t)(shift + 1) + i / 7) % count * element,
               element);
    }
    for (size_t i = 0; i < BITS; i++) {
        memcpy(to[1] + i * element,
               (unsigned char *)values + (i / 3 + (size_t)shift) % count * element, element);
        if (dtype == FFWD_F64) {
            powers[i] = (double)(1u << i);
        } else {
            ((float *)powers)[i] = (float)(1u << i);
        }
    }
    ffwd_operation layers[] = {{.kind = FFWD_DENSE,
                                .inputs = 2,
                                .neurons = BITS,
                                .activation = FFWD_STEP,
                                .alpha = threshold,
                                .weights = weights,
                                .bias = bias},
                               {.kind = FFWD_DENSE,
                                .inputs = BITS,
                                .neurons = 1,
                                .activation = FFWD_IDENTITY,
                                .weights = powers}};
    ffwd_model *model = NULL;
    expect_ok(ffwd_model_create(dtype, 2, layers, 2, sizeof layers[0], &model, &err), &err);
    return model;
}

/** What is neither above nor below, or hardly, on every side of every threshold. */
START_TEST(the_bits_of_special_sums) {
    static const double thresholds[] = {0, -0.0, 0.3, -0.3, 1e30};
    enum { ROWS = SPECIALS * SPECIALS };
    int available;
    const char *isa = ffwd_isa_name((size_t)_i, &available);
    if (isa == NULL || !available) {
        return;
    }
    ffwd_device *device = open_isa(isa, 1);
    for (uint32_t dtype = FFWD_F32; dtype <= FFWD_F64; dtype++) {
        const size_t element = ffwd_dtype_size(dtype);
        double values[SPECIALS], x[2 * ROWS], expected[ROWS], got[ROWS];
        fill_special(dtype, values);
        for (size_t i = 0; i < (size_t)2 * ROWS; i++) {
            const size_t special = i % 2 == 0 ? i / 2 % SPECIALS : i / 2 / SPECIALS;
            memcpy((unsigned char *)x + i * element, (unsigned char *)values + special * element,
                   element);
        }
        const ffwd_input in = net_input(x, dtype, ROWS, 2);
        const ffwd_output out = net_output(got, dtype, ROWS, 1);
        for (int i = 0; i < 5 * 2 * 4; i++) {
            ffwd_model *model = special_net(dtype, thresholds[i / 8], i % 4, i / 4 % 2);
            ffwd_engine *engine = NULL;
            oracle_run(model, ROWS, x, expected, NULL, NULL);
            expect_ok(place(model, device, FFWD_TABLE, 0, &engine), &err);
            expect_ok(ffwd_engine_run(engine, &in, &out, NULL, NULL, &err), &err);
            net_check_bits(got, expected, ROWS, 1, dtype, isa);
            ffwd_engine_destroy(engine);
            ffwd_model_destroy(model);
        }
    }
    ffwd_device_destroy(device);
}
END_TEST

/** Y past the caches, from any alignment, as values and as bytes. */
START_TEST(streams_large_outputs) {
    enum { LARGE = 1100003 };
    static const uint64_t widths[] = {2, 3, 2, 1}, wide[] = {2, 6, 2, 1};
    const net_shape nets[] = {net_shape_of(3, widths, FFWD_STEP, 0),
                              net_shape_of(3, wide, FFWD_STEP, 0)};
    ffwd_device *device = open_isa(NULL, 2);
    float *x = net_values(2 * (uint64_t)LARGE, FFWD_F32, 3, 1);
    float *expected = net_alloc(LARGE * sizeof(float));
    float *got = net_alloc((LARGE + 1) * sizeof(float));
    unsigned char *bytes = net_alloc(LARGE);
    const net_shape *shape = &nets[_i];
    ffwd_model *model = net_create(shape, FFWD_F32, 9);
    ffwd_engine *engine = NULL;
    const ffwd_input in = net_input(x, FFWD_F32, LARGE, 2);
    const ffwd_output out = net_output(got + 1, FFWD_F32, LARGE, 1);
    const ffwd_output byte_out = net_output(bytes, FFWD_U8, LARGE, 1);
    oracle_run(model, LARGE, x, expected, NULL, NULL);
    expect_ok(place(model, device, FFWD_TABLE, 0, &engine), &err);
    expect_ok(ffwd_engine_run(engine, &in, &out, NULL, NULL, &err), &err);
    net_check_bits(got + 1, expected, LARGE, 1, FFWD_F32, "one element off");
    expect_ok(ffwd_engine_run(engine, &in, &byte_out, NULL, NULL, &err), &err);
    for (uint64_t r = 0; r < LARGE; r++) {
        ck_assert_msg((float)bytes[r] == expected[r], "row %llu", (unsigned long long)r);
    }
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(model);
    ffwd_device_destroy(device);
    free(x);
    free(expected);
    free(got);
    free(bytes);
}
END_TEST

/** Captures need the layers that the table leaves out; the plan's flops say which were computed. */
START_TEST(captures_take_the_layers) {
    enum { N = 100 };
    static const uint64_t widths[] = {2, 3, 2, 1};
    const net_shape shape = net_shape_of(3, widths, FFWD_STEP, 1);
    ffwd_model *model = net_create(&shape, FFWD_F32, 5);
    ffwd_device *device = open_isa(NULL, 1);
    ffwd_engine *engine = NULL, *clone = NULL;
    float *x = net_values(2 * (uint64_t)N, FFWD_F32, 6, 1);
    float z[N * 2], z_expected[N * 2], y[N], expected[N];
    const ffwd_output sums[3] = {{0}, net_output(z, FFWD_F32, N, 2)};
    void *sums_expected[3] = {NULL, z_expected};
    ffwd_run_options captured = FFWD_RUN_OPTIONS_INIT;
    ffwd_report report = FFWD_REPORT_INIT;
    const ffwd_input in = net_input(x, FFWD_F32, N, 2);
    const ffwd_output out = net_output(y, FFWD_F32, N, 1);
    captured.sums = sums;
    oracle_run(model, N, x, expected, sums_expected, NULL);
    expect_ok(place(model, device, FFWD_TABLE, 0, &engine), &err);
    expect_ok(ffwd_engine_clone(engine, &clone, &err), &err);
    ffwd_engine_destroy(engine);
    for (int i = 0; i < 3; i++) {
        memset(y, 0xa5, sizeof y);
        expect_ok(ffwd_engine_run(clone, &in, &out, i == 1 ? &captured : NULL, &report, &err),
                  &err);
        net_check_bits(y, expected, N, 1, FFWD_F32, "outputs");
        ck_assert_uint_eq(report.flops, (uint64_t)N * (i == 1 ? 28 : 12));
    }
    net_check_bits(z, z_expected, N, 2, FFWD_F32, "sums");
    ffwd_engine_destroy(clone);
    ffwd_model_destroy(model);
    ffwd_device_destroy(device);
    free(x);
}
END_TEST

START_TEST(is_taken_where_it_pays) {
    static const struct {
        uint64_t widths[5];
        size_t layers;
        uint64_t rows;
        uint32_t strategy;
    } cases[] = {
        {{2, 3, 2, 1}, 3, 0, FFWD_TABLE},
        {{2, 3, 2, 1}, 3, 63, FFWD_FUSED},
        {{2, 4, 1}, 2, 0, FFWD_FUSED},
        {{2, 16, 64, 64, 1}, 4, 5000000, FFWD_TABLE},
        {{2, 16, 64, 64, 1}, 4, 0, FFWD_FUSED},
        {{2, 16, 64, 64, 1}, 4, 1000, FFWD_FUSED},
        {{2, 17, 64, 64, 1}, 4, 5000000, FFWD_FUSED},
        {{2, 16, 64, 16, 4}, 4, 5000000, FFWD_FUSED},
        {{2, 3, 1}, 2, 0, FFWD_FUSED},
    };
    ffwd_device *device = open_isa(NULL, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        net_shape shape = net_shape_of(cases[i].layers, cases[i].widths, FFWD_STEP, 0);
        if (i + 1 == sizeof cases / sizeof *cases) { // no product is behind the steps
            shape.kinds[1] = FFWD_ARGMAX;
            shape.activations[1] = FFWD_IDENTITY;
        }
        ffwd_model *model = net_create(&shape, FFWD_F32, 1);
        ffwd_engine *engine = NULL;
        expect_ok(place(model, device, FFWD_STRATEGY_AUTO, cases[i].rows, &engine), &err);
        ck_assert_msg(ffwd_engine_strategy(engine) == cases[i].strategy, "%s, %llu rows: %s",
                      net_shape_text(&shape), (unsigned long long)cases[i].rows,
                      ffwd_strategy_name(ffwd_engine_strategy(engine)));
        ffwd_engine_destroy(engine);
        ffwd_model_destroy(model);
    }
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(refuses_other_models) {
    static const uint64_t one[] = {2, 3}, many[] = {2, 17, 1}, three[] = {2, 3, 1};
    const net_shape nets[] = {net_shape_of(1, one, FFWD_STEP, 0),
                              net_shape_of(2, many, FFWD_STEP, 0),
                              net_shape_of(2, three, FFWD_RELU, 0)};
    ffwd_device *device = open_isa(NULL, 1);
    for (size_t i = 0; i < 3; i++) {
        ffwd_model *model = net_create(&nets[i], FFWD_F32, 1);
        ffwd_engine *engine = NULL;
        expect_failure(place(model, device, FFWD_TABLE, 0, &engine), &err, FFWD_ENODEVICE,
                       "cpu: table takes two or more layers, the first of up to 16 steps");
        ffwd_model_destroy(model);
    }
    ffwd_device_destroy(device);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("step_table");
    TCase *cases = tcase_create("step_table");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, the_bits_of_the_layers, 0, 3);
    tcase_add_loop_test(cases, the_bits_of_special_sums, 0, 3);
    tcase_add_loop_test(cases, streams_large_outputs, 0, 2);
    tcase_add_test(cases, captures_take_the_layers);
    tcase_add_test(cases, is_taken_where_it_pays);
    tcase_add_test(cases, refuses_other_models);
    suite_add_tcase(suite, cases);
    return suite_main(suite);
}
