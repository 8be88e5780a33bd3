// SPDX-License-Identifier: MIT
// Worked examples whose figures can be checked by hand, and sizes that the library is for.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/nets.h"
#include "support/oracle.h"
#include "support/suite.h"

static ffwd_error err = FFWD_ERROR_INIT;

static ffwd_operation dense(uint64_t neurons, uint64_t inputs, const void *weights,
                            uint32_t activation) {
    return (ffwd_operation){.kind = FFWD_DENSE,
                            .activation = activation,
                            .inputs = inputs,
                            .neurons = neurons,
                            .weights = weights};
}

static ffwd_model *chain(uint32_t dtype, uint64_t inputs, const ffwd_operation *layers,
                         size_t count) {
    ffwd_model *model = NULL;
    expect_ok(ffwd_model_create(dtype, inputs, layers, count, sizeof *layers, &model, &err), &err);
    return model;
}

/** Runs dense rows of the model's dtype on the CPU. */
static void run(const ffwd_model *model, uint64_t rows, const void *x, void *y,
                const ffwd_run_options *options) {
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model_describe(model, &info);
    ffwd_engine_options engine_options = FFWD_ENGINE_OPTIONS_INIT;
    engine_options.device = "cpu";
    ffwd_engine *engine = NULL;
    expect_ok(ffwd_engine_create(model, NULL, 0, &engine_options, &engine, &err), &err);
    const ffwd_input in = net_input(x, info.dtype, rows, info.inputs);
    const ffwd_output out = net_output(y, info.dtype, rows, info.outputs);
    expect_ok(ffwd_engine_run(engine, &in, &out, options, NULL, &err), &err);
    ffwd_engine_destroy(engine);
}

/** The sum and the step of one neuron in float64. */
static double neuron(uint64_t inputs, const double *weights, const double *x, double *sum) {
    const ffwd_operation layer = dense(1, inputs, weights, FFWD_STEP);
    ffwd_model *model = chain(FFWD_F64, inputs, &layer, 1);
    const ffwd_output sums = net_output(sum, FFWD_F64, 1, 1);
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.sums = &sums;
    double y = NAN;
    run(model, 1, x, &y, &options);
    ffwd_model_destroy(model);
    return y;
}

START_TEST(three_inputs) {
    const double x[] = {0.1, 0.3, 0.4}, w[] = {0.2, -0.3, -0.1};
    double sum = NAN;
    ck_assert_double_eq(neuron(3, w, x, &sum), 0);
    ck_assert_double_eq_tol(sum, -0.11, 1e-15);
}
END_TEST

START_TEST(five_inputs) {
    const double x[] = {0.1, 0.3, 0.4, 0.4, 0.2}, w[] = {0.2, -0.3, -0.1, 0.1, 0.5};
    double sum = NAN;
    ck_assert_double_eq(neuron(5, w, x, &sum), 1);
    ck_assert_double_eq_tol(sum, 0.03, 1e-15);
}
END_TEST

START_TEST(ten_thousand_inputs) {
    enum { INPUTS = 10000 };
    double *x = net_values(INPUTS, FFWD_F64, 1, 0), *w = net_values(INPUTS, FFWD_F64, 2, 0);
    double sum = NAN, expected = 0;
    const double y = neuron(INPUTS, w, x, &sum);
    for (size_t k = 0; k < INPUTS; k++) {
        expected = fma(w[k], x[k], expected);
    }
    net_check_bits(&sum, &expected, 1, 1, FFWD_F64, "sum");
    ck_assert_double_eq(y, expected > 0);
    free(x);
    free(w);
}
END_TEST

START_TEST(four_rows) {
    static const double x[] = {-12, 5, 0, -10, 1, 1, 3, 0, 1, 5, 3, 0};
    static const double w[] = {0.77958501, 0.34250588, 0.16699085};
    static const double sums[] = {-7.642, -7.286, 2.506, 4.925}, steps[] = {0, 0, 1, 1};
    double got[4], y[4];
    const ffwd_operation layer = dense(1, 3, w, FFWD_STEP);
    ffwd_model *model = chain(FFWD_F64, 3, &layer, 1);
    const ffwd_output capture = net_output(got, FFWD_F64, 4, 1);
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.sums = &capture;
    run(model, 4, x, y, &options);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_double_eq_tol(got[i], sums[i], 0.0005);
        ck_assert_double_eq(y[i], steps[i]);
    }
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(seven_neurons_on_three_inputs) {
    enum { ROWS = 50 };
    static const uint64_t widths[] = {3, 7};
    const net_shape shape = net_shape_of(1, widths, FFWD_STEP, 0);
    ffwd_model *model = net_create(&shape, FFWD_F64, 7);
    double *x = net_values(ROWS * 3, FFWD_F64, 1, 0), y[ROWS * 7], expected[ROWS * 7];
    oracle_run(model, ROWS, x, expected, NULL, NULL);
    run(model, ROWS, x, y, NULL);
    net_check_bits(y, expected, ROWS, 7, FFWD_F64, "Y");
    ffwd_model_destroy(model);
    free(x);
}
END_TEST

/** All rows through one neuron with random weights, compared with the oracle. */
static void check_neuron(uint32_t dtype, uint64_t rows, uint64_t inputs, uint32_t activation) {
    const uint64_t widths[] = {inputs, 1};
    const net_shape shape = net_shape_of(1, widths, activation, 0);
    ffwd_model *model = net_create(&shape, dtype, 5);
    void *x = net_values(rows * inputs, dtype, 1, 0);
    void *y = net_alloc(rows * ffwd_dtype_size(dtype));
    void *expected = net_alloc(rows * ffwd_dtype_size(dtype));
    run(model, rows, x, y, NULL);
    oracle_run(model, rows, x, expected, NULL, NULL);
    net_check_bits(y, expected, rows, 1, dtype, "Y");
    ffwd_model_destroy(model);
    free(x);
    free(y);
    free(expected);
}

static const uint32_t dtypes[] = {FFWD_F32, FFWD_F64};

START_TEST(five_million_rows_through_one_neuron) {
    check_neuron(dtypes[_i], 5000000, 3, FFWD_STEP);
}
END_TEST

/** Three channels of 224 x 224 values are one row. */
START_TEST(images_through_one_neuron) {
    check_neuron(dtypes[_i], 100, UINT64_C(3) * 224 * 224, FFWD_IDENTITY);
}
END_TEST

/** Plain matrix products, one after the other, with what every layer came to. */
START_TEST(three_layers_with_captures) {
    enum { ROWS = 10000, LAYERS = 3 };
    static const uint64_t widths[] = {2, 3, 2, 1};
    const net_shape shape = net_shape_of(LAYERS, widths, FFWD_IDENTITY, 0);
    ffwd_model *model = net_create(&shape, FFWD_F64, 3);
    double *x = net_values(ROWS * 2, FFWD_F64, 1, 0), *y = net_alloc(ROWS * sizeof *y);
    void *sums[LAYERS], *outputs[LAYERS], *expected[LAYERS];
    ffwd_output sum_views[LAYERS], output_views[LAYERS];
    for (size_t i = 0; i < LAYERS; i++) {
        const uint64_t bytes = ROWS * widths[i + 1] * sizeof(double);
        sums[i] = net_alloc(bytes);
        outputs[i] = net_alloc(bytes);
        expected[i] = net_alloc(bytes);
        sum_views[i] = net_output(sums[i], FFWD_F64, ROWS, widths[i + 1]);
        output_views[i] = net_output(outputs[i], FFWD_F64, ROWS, widths[i + 1]);
    }
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.sums = sum_views;
    options.outputs = output_views;
    run(model, ROWS, x, y, &options);
    double *last = net_alloc(ROWS * sizeof *last);
    oracle_run(model, ROWS, x, last, expected, NULL);
    net_check_bits(y, last, ROWS, 1, FFWD_F64, "Y");
    for (size_t i = 0; i < LAYERS; i++) {
        net_check_bits(sums[i], expected[i], ROWS, widths[i + 1], FFWD_F64, "sums");
        net_check_bits(outputs[i], expected[i], ROWS, widths[i + 1], FFWD_F64, "outputs");
        free(sums[i]);
        free(outputs[i]);
        free(expected[i]);
    }
    ffwd_model_destroy(model);
    free(x);
    free(y);
    free(last);
}
END_TEST

/** Compared on every 50th row, all columns. */
START_TEST(a_large_product) {
    const uint64_t rows = 5023, neurons = 4023, inputs = 42, every = 50;
    double *w = net_values(neurons * inputs, FFWD_F64, 1, 0);
    double *x = net_values(rows * inputs, FFWD_F64, 2, 0);
    double *y = net_alloc(rows * neurons * sizeof *y);
    double *expected = net_alloc(neurons * sizeof *expected);
    const ffwd_operation layer = dense(neurons, inputs, w, FFWD_IDENTITY);
    ffwd_model *model = chain(FFWD_F64, inputs, &layer, 1);
    run(model, rows, x, y, NULL);
    for (uint64_t r = 0; r < rows; r += every) {
        oracle_run(model, 1, x + r * inputs, expected, NULL, NULL);
        net_check_bits(y + r * neurons, expected, 1, neurons, FFWD_F64, "a row of Y");
    }
    ffwd_model_destroy(model);
    free(w);
    free(x);
    free(y);
    free(expected);
}
END_TEST

START_TEST(rows_of_another_width) {
    float weights[40 * 12] = {0}, x[20] = {0}, y[2 * 40];
    const ffwd_operation layer = dense(40, 12, weights, FFWD_IDENTITY);
    ffwd_model *model = NULL;
    expect_failure(ffwd_model_create(FFWD_F32, 10, &layer, 1, sizeof layer, &model, &err), &err,
                   FFWD_EARGUMENT, "layer 1 takes 12 inputs, but a row has 10");

    ffwd_engine *engine = NULL;
    model = chain(FFWD_F32, 12, &layer, 1);
    expect_ok(ffwd_engine_create(model, NULL, 0, NULL, &engine, &err), &err);
    const ffwd_input in = net_input(x, FFWD_F32, 2, 10);
    const ffwd_output out = net_output(y, FFWD_F32, 2, 40);
    expect_failure(ffwd_engine_run(engine, &in, &out, NULL, NULL, &err), &err, FFWD_EARGUMENT,
                   "X is [2][10], but the model takes 12 inputs");
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(model);
}
END_TEST

int main(void) {
    (void)unsetenv("FFWD_DEVICE");
    Suite *suite = suite_create("examples");
    TCase *tcase = tcase_create("examples");
    tcase_add_test(tcase, three_inputs);
    tcase_add_test(tcase, five_inputs);
    tcase_add_test(tcase, ten_thousand_inputs);
    tcase_add_test(tcase, four_rows);
    tcase_add_test(tcase, seven_neurons_on_three_inputs);
    tcase_add_loop_test(tcase, five_million_rows_through_one_neuron, 0, 2);
    tcase_add_loop_test(tcase, images_through_one_neuron, 0, 2);
    tcase_add_test(tcase, three_layers_with_captures);
    tcase_add_test(tcase, a_large_product);
    tcase_add_test(tcase, rows_of_another_width);
    suite_add_tcase(suite, tcase);
    return suite_main(suite);
}
