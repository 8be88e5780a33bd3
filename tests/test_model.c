// SPDX-License-Identifier: MIT
// Models: made, refused with the numbers that disagree, described, counted; the words of
// activations.
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/nets.h"
#include "support/suite.h"

static const float w1[] = {1, 2, 3, 4, 5, 6}, b1[] = {7, 8, 9}, w2[] = {10, 11, 12};

#define DENSE(activation_, inputs_, neurons_, weights_, bias_)                                     \
    {                                                                                              \
        .kind = FFWD_DENSE, .activation = (activation_), .inputs = (inputs_),                      \
        .neurons = (neurons_), .weights = (weights_), .bias = (bias_)                              \
    }

/** 2-3-1, a bias on the first layer only. */
static const ffwd_operation good[] = {DENSE(FFWD_RELU, 2, 3, w1, b1),
                                      DENSE(FFWD_STEP, 3, 1, w2, NULL)};

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
    ffwd_operation operation = DENSE(FFWD_TANH, 2, 3, weights, bias);
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
    WITH(0, slopes, b1);
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT, "layer 1: slopes without prelu");
    WITH(0, activation, FFWD_PRELU);
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT, "layer 1: prelu without slopes");
    WITH(1, kind, FFWD_ARGMAX);
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT,
                   "layer 2: argmax takes no activation, but has step");
    bad[1].activation = FFWD_IDENTITY;
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT,
                   "layer 2: argmax takes no weights and no bias");
    bad[1].neurons = 3;
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT,
                   "layer 2: argmax of 3 inputs has 1 outputs, not 3");
    bad[1] = (ffwd_operation){.kind = FFWD_SOFTMAX, .inputs = 3, .neurons = 1};
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT,
                   "layer 2: softmax of 3 inputs has 3 outputs, not 1");
    bad[1] = (ffwd_operation){.kind = FFWD_LOG_SOFTMAX, .inputs = 3, .neurons = 3, .bias = w1};
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT,
                   "layer 2: log_softmax takes no weights and no bias");
    WITH(1, kind, FFWD_AFFINE);
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT,
                   "layer 2: affine of 3 inputs has 3 outputs, not 1");
    const ffwd_operation wide = {.kind = FFWD_ARGMAX, .inputs = (1 << 24) + 1, .neurons = 1};
    expect_refusal(FFWD_F32, (1 << 24) + 1, &wide, 1, FFWD_EARGUMENT,
                   "layer 1: argmax of 16777217 inputs; f32 counts to 16777216");
#undef WITH
}
END_TEST

START_TEST(parameters_are_numbers_of_the_dtype) {
    ffwd_operation bad[2];
    memcpy(bad, good, sizeof bad);
    bad[0].alpha = NAN; // which a relu does not have
    ffwd_model_destroy(make(bad, 2));
    bad[1].alpha = 1e39;
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT, "layer 2: step with alpha = 1e+39 in f32");
    bad[1].alpha = -INFINITY;
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT, "layer 2: step with alpha = -inf in f32");
    bad[1].activation = FFWD_CLIP;
    bad[1].beta = 0.5;
    ffwd_model_destroy(make(bad, 2));
    bad[1].beta = NAN;
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT, "layer 2: clip with beta = nan in f32");
    bad[1].activation = FFWD_CELU;
    bad[1].alpha = 1e-50;
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT, "layer 2: celu with alpha = 1e-50 in f32");
    bad[1].activation = FFWD_SELU;
    bad[1].alpha = 1e30;
    bad[1].beta = 1e20;
    expect_refusal(FFWD_F32, 2, bad, 2, FFWD_EARGUMENT,
                   "layer 2: selu with alpha = 1e+30 and beta = 1e+20: no product in f32");
}
END_TEST

/** What is absent is not counted, and no weight is read. */
START_TEST(operations_are_copied_and_counted) {
    const ffwd_operation chain[] = {
        {.kind = FFWD_AFFINE,
         .activation = FFWD_CLIP,
         .inputs = 2,
         .neurons = 2,
         .alpha = -1,
         .beta = 1,
         .bias = w1},
        {.kind = FFWD_DENSE,
         .activation = FFWD_PRELU,
         .inputs = 2,
         .neurons = 3,
         .weights = w1,
         .slopes = b1,
         .alpha = 7},
        {.kind = FFWD_AFFINE, .activation = FFWD_STEP_GE, .inputs = 3, .neurons = 3},
        {.kind = FFWD_SOFTMAX, .inputs = 3, .neurons = 3},
        {.kind = FFWD_ARGMAX, .inputs = 3, .neurons = 1}};
    ffwd_model *model = make(chain, 5);
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model_describe(model, &info);
    ck_assert_uint_eq(info.outputs, 1);
    ck_assert_uint_eq(info.parameters, 2 + 6 + 3);
    ck_assert_uint_eq(info.flops, 4 + 12);
    ck_assert_int_eq(ffwd_model_ends_in_step(model), 0);
    ffwd_operation operation;
    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(ffwd_model_operation(model, 0, sizeof operation, &operation, &err), &err);
    ck_assert(operation.alpha == -1 && operation.beta == 1 && operation.weights == NULL);
    ck_assert_mem_eq(operation.bias, w1, 2 * sizeof *w1);
    expect_ok(ffwd_model_operation(model, 1, sizeof operation, &operation, &err), &err);
    ck_assert(operation.alpha == 0);
    ck_assert_ptr_ne(operation.slopes, b1);
    ck_assert_mem_eq(operation.slopes, b1, sizeof b1);
    ffwd_model_destroy(model);
    model = make(chain, 3);
    ck_assert_int_eq(ffwd_model_ends_in_step(model), 1);
    ffwd_model_destroy(model);
}
END_TEST

/** The weights are a single number: whoever looks at a second one is caught by the sanitizer. */
START_TEST(sizes_that_do_not_fit_are_refused) {
    static const float one = 1;
    static const ffwd_operation product = DENSE(FFWD_STEP, 1ull << 33, 1ull << 33, &one, NULL);
    static const ffwd_operation bytes = DENSE(FFWD_STEP, 1ull << 31, 1ull << 32, &one, NULL);
    static const ffwd_operation bias = DENSE(FFWD_STEP, 1, UINT64_MAX, &one, &one);
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

/** Such a caller says nothing of parameters: they are those of the bare word. */
START_TEST(an_older_caller_has_default_parameters) {
    enum { OLD_SIZE = offsetof(ffwd_operation, alpha) };
    ffwd_operation operation = DENSE(FFWD_LEAKY_RELU, 2, 3, w1, b1);
    operation.alpha = 5;
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = NULL;
    expect_ok(ffwd_model_create(FFWD_F32, 2, &operation, 1, OLD_SIZE, &model, &err), &err);
    expect_ok(ffwd_model_operation(model, 0, sizeof operation, &operation, &err), &err);
    ck_assert(operation.alpha == 0.01);
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

#define WORD(name, value, word) " " word
static const char known[] = FFWD_ACTIVATION_LIST(WORD);
#undef WORD

START_TEST(activations_have_words) {
    static const struct {
        uint32_t value;
        const char *word;
    } list[] = {
#define ENTRY(name, value, word) {value, word},
        FFWD_ACTIVATION_LIST(ENTRY)
#undef ENTRY
    };
    ffwd_error err = FFWD_ERROR_INIT;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        uint32_t activation = 99;
        ffwd_operation operation = {.kind = FFWD_ARGMAX, .inputs = 7};
        char word[64];
        ck_assert_str_eq(ffwd_activation_name(list[i].value), list[i].word);
        expect_ok(ffwd_activation_parse(list[i].word, &activation, &err), &err);
        ck_assert_uint_eq(activation, list[i].value);
        expect_ok(ffwd_operation_parse(list[i].word, sizeof operation, &operation, &err), &err);
        ck_assert_uint_eq(operation.kind, FFWD_DENSE);
        ck_assert_uint_eq(operation.activation, list[i].value);
        ck_assert_uint_eq(operation.inputs, 7);
        ck_assert_uint_eq(ffwd_operation_word(&operation, sizeof operation, word, sizeof word),
                          strlen(list[i].word));
        ck_assert_str_eq(word, list[i].word);
    }
    ck_assert_ptr_null(ffwd_activation_name(1000));
    ck_assert_ptr_null(ffwd_kind_name(0));
    static const char *const unknown[] = {"swish", "", "Relu", "rel", "relu,", "argmax"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        uint32_t activation;
        char message[512];
        (void)snprintf(message, sizeof message, "unknown activation '%s', known are%s", unknown[i],
                       known);
        expect_failure(ffwd_activation_parse(unknown[i], &activation, &err), &err, FFWD_EARGUMENT,
                       message);
    }
}
END_TEST

START_TEST(words_have_parameters) {
    static const struct {
        const char *word;
        uint32_t kind, activation;
        double alpha, beta;
        const char *again;
    } good_words[] = {
        {"leaky_relu:0.1", FFWD_DENSE, FFWD_LEAKY_RELU, 0.1, 0, "leaky_relu:0.1"},
        {"leaky_relu:0.01", FFWD_DENSE, FFWD_LEAKY_RELU, 0.01, 0, "leaky_relu"},
        {"clip:-1:1", FFWD_DENSE, FFWD_CLIP, -1, 1, "clip:-1:1"},
        {"clip:0", FFWD_DENSE, FFWD_CLIP, 0, INFINITY, "clip:0"},
        {"clip:-inf:6", FFWD_DENSE, FFWD_CLIP, -INFINITY, 6, "clip:-inf:6"},
        {"step:-0x1p-3", FFWD_DENSE, FFWD_STEP, -0.125, 0, "step:-0.125"},
        {"hard_sigmoid:0.2:0.25", FFWD_DENSE, FFWD_HARD_SIGMOID, 0.2, 0.25,
         "hard_sigmoid:0.2:0.25"},
        {"softmax", FFWD_SOFTMAX, FFWD_IDENTITY, 0, 0, "softmax"},
        {"log_softmax", FFWD_LOG_SOFTMAX, FFWD_IDENTITY, 0, 0, "log_softmax"},
        {"elu:0.5", FFWD_DENSE, FFWD_ELU, 0.5, 0, "elu:0.5"},
        {"selu", FFWD_DENSE, FFWD_SELU, 1.67326319217681884765625, 1.05070102214813232421875,
         "selu"},
        {"selu:2", FFWD_DENSE, FFWD_SELU, 2, 1.05070102214813232421875, "selu:2"},
        {"celu:1", FFWD_DENSE, FFWD_CELU, 1, 0, "celu"},
        {"argmax", FFWD_ARGMAX, FFWD_IDENTITY, 0, 0, "argmax"},
    };
    ffwd_error err = FFWD_ERROR_INIT;
    for (size_t i = 0; i < sizeof good_words / sizeof *good_words; i++) {
        ffwd_operation operation = {0};
        char word[64];
        expect_ok(ffwd_operation_parse(good_words[i].word, sizeof operation, &operation, &err),
                  &err);
        ck_assert_uint_eq(operation.kind, good_words[i].kind);
        ck_assert_uint_eq(operation.activation, good_words[i].activation);
        ck_assert(operation.alpha == good_words[i].alpha && operation.beta == good_words[i].beta);
        ck_assert_uint_eq(ffwd_operation_word(&operation, sizeof operation, word, sizeof word),
                          strlen(good_words[i].again));
        ck_assert_str_eq(word, good_words[i].again);
    }
    static const struct {
        const char *word, *message;
    } bad_words[] = {
        {"relu:1", "'relu:1' has 1 parameters, but relu takes 0"},
        {"clip:1:2:3", "'clip:1:2:3' has 3 parameters, but clip takes 2"},
        {"clip:1:", "'clip:1:': '' is no number"},
        {"step:x", "'step:x': 'x' is no number"},
        {"step: 1", "'step: 1': ' 1' is no number"},
        {"step:nan", "'step:nan': 'nan' is no number"},
        {"step:1e", "'step:1e': '1e' is no number"},
        {"argmax:1", "'argmax:1' has 1 parameters, but argmax takes 0"},
        {"relu,relu", "'relu,relu' is more than one word"},
    };
    for (size_t i = 0; i < sizeof bad_words / sizeof *bad_words; i++) {
        ffwd_operation operation = {.kind = 77};
        expect_failure(ffwd_operation_parse(bad_words[i].word, sizeof operation, &operation, &err),
                       &err, FFWD_EARGUMENT, bad_words[i].message);
        ck_assert_uint_eq(operation.kind, 77);
    }
}
END_TEST

/** No more is written than there is room for, by a caller of any age. */
START_TEST(words_are_cut) {
    ffwd_operation operation = DENSE(FFWD_HARD_SIGMOID, 1, 1, w1, NULL);
    char text[8] = "abcdefg";
    operation.alpha = 0.1;
    operation.beta = 1.0 / 3;
    ck_assert_uint_eq(ffwd_operation_word(&operation, sizeof operation, text, 5),
                      strlen("hard_sigmoid:0.1:0.3333333333333333"));
    ck_assert_mem_eq(text, "hard\0fg", 8);
    ck_assert_uint_eq(ffwd_operation_word(&operation, sizeof operation, NULL, 0), 35);
    ck_assert_uint_eq(
        ffwd_operation_word(&operation, offsetof(ffwd_operation, alpha), text, sizeof text), 12);
    operation.activation = 999;
    ck_assert_uint_eq(ffwd_operation_word(&operation, sizeof operation, text, sizeof text), 1);
    ck_assert_str_eq(text, "?");
}
END_TEST

START_TEST(words_are_one_for_all_or_one_each) {
    ffwd_operation layers[3];
    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(ffwd_words_parse("clip:0:6", 3, layers, &err), &err);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(layers[i].activation == FFWD_CLIP && layers[i].beta == 6);
    }
    expect_ok(ffwd_words_parse("relu,step:2,argmax", 3, layers, &err), &err);
    ck_assert(layers[0].activation == FFWD_RELU && layers[1].activation == FFWD_STEP &&
              layers[1].alpha == 2 && layers[2].kind == FFWD_ARGMAX);
    expect_ok(ffwd_words_parse("relu", 0, layers, &err), &err);

    expect_failure(ffwd_words_parse("relu,step", 3, layers, &err), &err, FFWD_EARGUMENT,
                   "2 activations for 3 layers: name one, or one each");
    expect_failure(ffwd_words_parse("relu,relu,relu,relu", 3, layers, &err), &err, FFWD_EARGUMENT,
                   "4 activations for 3 layers: name one, or one each");
    char message[512];
    (void)snprintf(message, sizeof message,
                   "unknown activation '', known are%s softmax log_softmax argmax", known);
    expect_failure(ffwd_words_parse("relu,,step", 3, layers, &err), &err, FFWD_EARGUMENT, message);
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
    tcase_add_test(tcase, parameters_are_numbers_of_the_dtype);
    tcase_add_test(tcase, operations_are_copied_and_counted);
    tcase_add_test(tcase, sizes_that_do_not_fit_are_refused);
    tcase_add_test(tcase, operations_of_an_older_caller_end_early);
    tcase_add_test(tcase, an_older_caller_has_default_parameters);
    tcase_add_test(tcase, operations_of_a_newer_caller_are_longer);
    tcase_add_test(tcase, what_a_newer_caller_sets_is_not_passed_over);
    tcase_add_test(tcase, activations_have_words);
    tcase_add_test(tcase, words_have_parameters);
    tcase_add_test(tcase, words_are_cut);
    tcase_add_test(tcase, words_are_one_for_all_or_one_each);
    suite_add_tcase(suite, tcase);
    return suite_main(suite);
}
