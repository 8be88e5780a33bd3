// SPDX-License-Identifier: MIT
// Models: made, refused with the numbers that disagree, described, counted; the words of
// activations.
#include "model/model.h"

#include <stdio.h>
#include <string.h>

#include "support/nets.h"
#include "support/suite.h"

static const float w1[] = {1, 2, 3, 4, 5, 6}, b1[] = {7, 8, 9}, w2[] = {10, 11, 12};

/** 2-3-1, a bias on the first layer only. */
static const ffwd_operation good[] = {{FFWD_DENSE, FFWD_RELU, 2, 3, w1, b1},
                                      {FFWD_DENSE, FFWD_STEP, 3, 1, w2, NULL}};

static ffwd_model *make(const ffwd_operation *operations, size_t count) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = NULL;
    expect_ok(ffwd_model_create(FFWD_F32, 2, operations, count, sizeof *operations, &model, &err),
              &err);
    ck_assert_ptr_nonnull(model);
    return model;
}

static void expect_refusal(uint32_t dtype, uint64_t inputs, const ffwd_operation *operations,
                           size_t count, ffwd_status status, const char *message) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = (ffwd_model *)&err;
    const ffwd_status got =
        ffwd_model_create(dtype, inputs, operations, count, sizeof *operations, &model, &err);
    expect_failure(got, &err, status, message);
    ck_assert_ptr_null(model);
    ck_assert_int_eq(
        ffwd_model_create(dtype, inputs, operations, count, sizeof *operations, &model, NULL),
        status);
}

START_TEST(a_model_tells_what_it_is) {
    ffwd_model *model = make(good, 2);
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model_describe(model, &info);
    ck_assert_uint_eq(info.struct_size, sizeof info);
    ck_assert_uint_eq(info.dtype, FFWD_F32);
    ck_assert_uint_eq(info.inputs, 2);
    ck_assert_uint_eq(info.outputs, 1);
    ck_assert_uint_eq(info.operation_count, 2);
    ck_assert_uint_eq(info.parameters, 12);
    ck_assert_uint_eq(info.flops, 18);
    ck_assert_uint_eq(ffwd_model_widest(model), 3);
    ck_assert_uint_eq(ffwd_model_weight_bytes(model), 48);
    ck_assert_int_eq(ffwd_model_ends_in_step(model), 1);
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(an_older_caller_gets_the_members_it_knows) {
    ffwd_model *model = make(good, 2);
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    info.struct_size = offsetof(ffwd_model_info, outputs);
    ffwd_model_describe(model, &info);
    ck_assert_uint_eq(info.struct_size, offsetof(ffwd_model_info, outputs));
    ck_assert_uint_eq(info.inputs, 2);
    ck_assert_uint_eq(info.outputs, 0);
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(weights_are_copied) {
    float weights[6], bias[3];
    memcpy(weights, w1, sizeof weights);
    memcpy(bias, b1, sizeof bias);
    ffwd_operation operation = {FFWD_DENSE, FFWD_TANH, 2, 3, weights, bias};
    ffwd_model *model = make(&operation, 1);
    memset(weights, 0, sizeof weights);
    memset(bias, 0, sizeof bias);
    memset(&operation, 0, sizeof operation);

    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(ffwd_model_operation(model, 0, sizeof operation, &operation, &err), &err);
    ck_assert_uint_eq(operation.kind, FFWD_DENSE);
    ck_assert_uint_eq(operation.activation, FFWD_TANH);
    ck_assert_uint_eq(operation.inputs, 2);
    ck_assert_uint_eq(operation.neurons, 3);
    ck_assert_mem_eq(operation.weights, w1, sizeof w1);
    ck_assert_mem_eq(operation.bias, b1, sizeof b1);
    expect_failure(ffwd_model_operation(model, 1, sizeof operation, &operation, &err), &err,
                   FFWD_EARGUMENT, "operation 1 of 1");
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(a_model_lives_until_its_last_owner_lets_go) {
    ffwd_model *model = make(good, 2);
    ck_assert_ptr_eq(ffwd_model_retain(model), model);
    ffwd_model_destroy(model);
    ck_assert_uint_eq(model->outputs, 1);
    ck_assert_mem_eq(model->operations[0].weights, w1, sizeof w1);
    ffwd_model_destroy(model);
    ffwd_model_destroy(NULL);
}
END_TEST

START_TEST(an_empty_chain_copies) {
    ffwd_model *model = make(NULL, 0);
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model_describe(model, &info);
    ck_assert_uint_eq(info.outputs, 2);
    ck_assert_uint_eq(info.operation_count, 0);
    ck_assert_uint_eq(info.parameters, 0);
    ck_assert_uint_eq(info.flops, 0);
    ck_assert_int_eq(ffwd_model_ends_in_step(model), 0);
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(what_does_not_fit_together_is_refused) {
    expect_refusal(FFWD_U8, 2, good, 2, FFWD_EARGUMENT, "a model is f32 or f64, not u8");
    expect_refusal(0, 2, good, 2, FFWD_EARGUMENT, "a model is f32 or f64, not ?");
    expect_refusal(FFWD_F32, 0, good, 2, FFWD_EARGUMENT, "a model of rows without values");
    expect_refusal(FFWD_F32, 3, good, 2, FFWD_EARGUMENT, "layer 1 takes 2 inputs, but a row has 3");

    ffwd_operation bad[2];
#define WITH(index, member, value) (memcpy(bad, good, sizeof bad), bad[index].member = (value))
    WITH(1, inputs, 4);
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT,
                   "layer 2 takes 4 inputs, but layer 1 has 3 neurons");
    WITH(1, neurons, 0);
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT, "layer 2 has no neurons");
    WITH(0, weights, NULL);
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT, "layer 1 has no weights");
    WITH(0, kind, 77);
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT, "layer 1: unknown kind 77");
    WITH(1, activation, 99);
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT, "layer 2: unknown activation 99");
#undef WITH
}
END_TEST

/** The weights are a single number: whoever looks at a second one is caught by the sanitizer. */
START_TEST(sizes_that_do_not_fit_are_refused) {
    static const float one = 1;
    static const ffwd_operation product = {FFWD_DENSE, FFWD_STEP, 1ull << 33,
                                           1ull << 33, &one,      NULL};
    static const ffwd_operation bytes = {FFWD_DENSE, FFWD_STEP, 1ull << 31, 1ull << 32, &one, NULL};
    static const ffwd_operation bias = {FFWD_DENSE, FFWD_STEP, 1, UINT64_MAX, &one, &one};
    expect_refusal(FFWD_F32, 1ull << 33, &product, 1, FFWD_EOVERFLOW,
                   "layer 1: 8589934592 x 8589934592 weights do not fit");
    expect_refusal(FFWD_F64, 1ull << 31, &bytes, 1, FFWD_EOVERFLOW,
                   "layer 1: 4294967296 x 2147483648 weights do not fit");
    expect_refusal(FFWD_F32, 1, &bias, 1, FFWD_EOVERFLOW,
                   "layer 1: 18446744073709551615 x 1 weights do not fit");
    expect_refusal(FFWD_F32, 1ull << 61, NULL, 0, FFWD_EOVERFLOW,
                   "rows of 2305843009213693952 values do not fit");
    expect_refusal(FFWD_F32, 2, good, SIZE_MAX, FFWD_EOVERFLOW,
                   "18446744073709551615 operations do not fit");
}
END_TEST

/* A caller that was compiled with another header passes structures of another size. */

START_TEST(operations_of_an_older_caller_end_early) {
    enum { OLD_SIZE = offsetof(ffwd_operation, bias) };
    unsigned char old[2 * OLD_SIZE];
    memcpy(old, &good[0], OLD_SIZE);
    memcpy(old + OLD_SIZE, &good[1], OLD_SIZE);
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = NULL;
    expect_ok(ffwd_model_create(FFWD_F32, 2, (const ffwd_operation *)(const void *)old, 2, OLD_SIZE,
                                &model, &err),
              &err);
    ffwd_operation operation;
    expect_ok(ffwd_model_operation(model, 0, sizeof operation, &operation, &err), &err);
    ck_assert_ptr_null(operation.bias);
    expect_ok(ffwd_model_operation(model, 1, sizeof operation, &operation, &err), &err);
    ck_assert_mem_eq(operation.weights, w2, sizeof w2);
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(operations_of_a_newer_caller_are_longer) {
    struct {
        ffwd_operation known;
        uint64_t unknown[3];
    } newer[] = {{good[0], {0}}, {good[1], {0}}};
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = NULL;
    expect_ok(ffwd_model_create(FFWD_F32, 2, &newer[0].known, 2, sizeof newer[0], &model, &err),
              &err);
    memset(newer, 0xa5, sizeof newer);
    expect_ok(ffwd_model_operation(model, 1, sizeof newer[0], &newer[0].known, &err), &err);
    ck_assert_mem_eq(newer[0].known.weights, w2, sizeof w2);
    ck_assert_uint_eq(newer[0].unknown[0] | newer[0].unknown[1] | newer[0].unknown[2], 0);
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(what_a_newer_caller_sets_is_not_passed_over) {
    struct {
        ffwd_operation known;
        uint64_t unknown[3];
    } newer[] = {{good[0], {0}}, {good[1], {0, 0, 1}}};
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = NULL;
    char message[128];
    (void)snprintf(message, sizeof message,
                   "layer 2: an operation of %zu bytes sets what this library of %zu does not know",
                   sizeof newer[0], sizeof newer[0].known);
    expect_failure(
        ffwd_model_create(FFWD_F32, 2, &newer[0].known, 2, sizeof newer[0], &model, &err), &err,
        FFWD_EARGUMENT, message);
    ck_assert_ptr_null(model);
}
END_TEST

START_TEST(activations_have_words) {
    static const char *const words[] = {"identity", "step", "relu", "sigmoid", "tanh"};
    ffwd_error err = FFWD_ERROR_INIT;
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t activation = 99;
        ck_assert_str_eq(ffwd_activation_name(i), words[i]);
        expect_ok(ffwd_activation_parse(words[i], &activation, &err), &err);
        ck_assert_uint_eq(activation, i);
    }
    ck_assert_ptr_null(ffwd_activation_name(5));
    static const char *const unknown[] = {"gelu", "", "Relu", "rel", "relu,"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        uint32_t activation;
        char message[128];
        (void)snprintf(message, sizeof message,
                       "unknown activation '%s', known are identity step relu sigmoid tanh",
                       unknown[i]);
        expect_failure(ffwd_activation_parse(unknown[i], &activation, &err), &err, FFWD_EARGUMENT,
                       message);
    }
}
END_TEST

START_TEST(activations_are_one_for_all_or_one_each) {
    uint32_t activations[3];
    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(ffwd_activations_parse("tanh", 3, activations, &err), &err);
    ck_assert(activations[0] == FFWD_TANH && activations[1] == FFWD_TANH &&
              activations[2] == FFWD_TANH);
    expect_ok(ffwd_activations_parse("relu,step,identity", 3, activations, &err), &err);
    ck_assert(activations[0] == FFWD_RELU && activations[1] == FFWD_STEP &&
              activations[2] == FFWD_IDENTITY);
    expect_ok(ffwd_activations_parse("relu", 0, activations, &err), &err);

    expect_failure(ffwd_activations_parse("relu,step", 3, activations, &err), &err, FFWD_EARGUMENT,
                   "2 activations for 3 layers: name one, or one each");
    expect_failure(ffwd_activations_parse("relu,relu,relu,relu", 3, activations, &err), &err,
                   FFWD_EARGUMENT, "4 activations for 3 layers: name one, or one each");
    expect_failure(ffwd_activations_parse("relu,,step", 3, activations, &err), &err, FFWD_EARGUMENT,
                   "unknown activation '', known are identity step relu sigmoid tanh");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("model");
    TCase *tcase = tcase_create("model");
    tcase_add_test(tcase, a_model_tells_what_it_is);
    tcase_add_test(tcase, an_older_caller_gets_the_members_it_knows);
    tcase_add_test(tcase, weights_are_copied);
    tcase_add_test(tcase, a_model_lives_until_its_last_owner_lets_go);
    tcase_add_test(tcase, an_empty_chain_copies);
    tcase_add_test(tcase, what_does_not_fit_together_is_refused);
    tcase_add_test(tcase, sizes_that_do_not_fit_are_refused);
    tcase_add_test(tcase, operations_of_an_older_caller_end_early);
    tcase_add_test(tcase, operations_of_a_newer_caller_are_longer);
    tcase_add_test(tcase, what_a_newer_caller_sets_is_not_passed_over);
    tcase_add_test(tcase, activations_have_words);
    tcase_add_test(tcase, activations_are_one_for_all_or_one_each);
    suite_add_tcase(suite, tcase);
    return suite_main(suite);
}
