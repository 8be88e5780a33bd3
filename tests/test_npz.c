// SPDX-License-Identifier: MIT
// Models out of .npz archives, good, wrong and hostile; and archives of matrices.
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zip.h>

#include <ffwd/file.h>

#include "support/files.h"
#include "support/suite.h"

/* ------------------------------------------------------------------------------------- archives */

/** An entry of an archive to be made: a .npy file by descr, shape and data. */
typedef struct array {
    const char *name, *descr, *shape;
    const void *data;
    size_t bytes;
    bool fortran;
} array;

static void add_entry(zip_t *zip, const char *name, const void *bytes, size_t count, int method) {
    void *copy = malloc(count + 1);
    memcpy(copy, bytes, count);
    zip_source_t *source = zip_source_buffer(zip, copy, count, 1);
    zip_int64_t index = zip_file_add(zip, name, source, 0);
    ck_assert_int_ge(index, 0);
    ck_assert_int_eq(zip_set_file_compression(zip, (zip_uint64_t)index, method, 0), 0);
}

static void add_array(zip_t *zip, const array *added, int method) {
    char dict[256], name[64];
    size_t count;
    (void)snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': %s, 'shape': %s}\n",
                   added->descr, added->fortran ? "True" : "False", added->shape);
    (void)snprintf(name, sizeof name, "%s.npy", added->name);
    unsigned char *file = make_npy(1, dict, added->data, added->bytes, &count);
    add_entry(zip, name, file, count, method);
    free(file);
}

static const char *make_npz(const array *arrays, int method) {
    const char *path = scratch("net.npz");
    int error;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &error);
    ck_assert_ptr_nonnull(zip);
    for (; arrays->name != NULL; arrays++) {
        add_array(zip, arrays, method);
    }
    ck_assert_int_eq(zip_close(zip), 0);
    return path;
}

static ffwd_model *load(const char *path, const ffwd_load_options *options) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model;
    ck_assert_msg(ffwd_model_load(path, options, &model, &err) == FFWD_OK, "%s", err.message);
    return model;
}

static ffwd_model_info describe(const ffwd_model *model) {
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model_describe(model, &info);
    return info;
}

static ffwd_operation operation(const ffwd_model *model, size_t index) {
    ffwd_operation operation;
    ck_assert_int_eq(ffwd_model_operation(model, index, sizeof operation, &operation, NULL),
                     FFWD_OK);
    return operation;
}

static void refuse_with(const array *arrays, const ffwd_load_options *options, ffwd_status status,
                        const char *text) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model;
    ffwd_status answer = ffwd_model_load(make_npz(arrays, ZIP_CM_STORE), options, &model, &err);
    ck_assert_msg(answer == status && err.status == (int32_t)status, "%d: %s", answer, err.message);
    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(err.message, text) != NULL, "%s, not: %s", err.message, text);
    ck_assert_msg(strstr(err.message, "net.npz: ") != NULL, "%s", err.message);
}

static void refuse(const array *arrays, ffwd_status status, const char *text) {
    refuse_with(arrays, NULL, status, text);
}

static const float numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const uint32_t step_relu[] = {'s', 't', 'e', 'p', 'r', 'e', 'l', 'u'};

#define WEIGHTS(name, shape, count)                                                                \
    { name, "<f4", shape, numbers, sizeof(float) * (count), false }
#define WORDS                                                                                      \
    { "activations", "<U4", "(2,)", step_relu, sizeof step_relu, false }
#define END                                                                                        \
    { NULL, NULL, NULL, NULL, 0, false }

/** 2-3-1, step and relu. */
static const array small[] = {WEIGHTS("W1", "(3, 2)", 6), WEIGHTS("b1", "(3,)", 3),
                              WEIGHTS("W2", "(3,)", 3), WORDS, END};

/* ---------------------------------------------------------------------------------------- loads */

START_TEST(small_network) {
    ffwd_model *model = load(make_npz(small, _i == 0 ? ZIP_CM_STORE : ZIP_CM_DEFLATE), NULL);
    ffwd_model_info info = describe(model);
    ck_assert_uint_eq(info.dtype, FFWD_F32);
    ck_assert_uint_eq(info.inputs, 2);
    ck_assert_uint_eq(info.outputs, 1);
    ck_assert_uint_eq(info.operation_count, 2);
    ffwd_operation first = operation(model, 0), second = operation(model, 1);
    ck_assert_uint_eq(first.activation, FFWD_STEP);
    ck_assert_mem_eq(first.weights, numbers, 24);
    ck_assert_mem_eq(first.bias, numbers, 12);
    ck_assert_uint_eq(second.activation, FFWD_RELU);
    ck_assert_uint_eq(second.neurons, 1);
    ck_assert_ptr_null(second.bias);
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(given_options) {
    ffwd_load_options options = FFWD_LOAD_OPTIONS_INIT;
    options.dtype = FFWD_F64;
    options.activations = "tanh";
    ffwd_model *model = load(make_npz(small, ZIP_CM_STORE), &options);
    ck_assert_uint_eq(describe(model).dtype, FFWD_F64);
    ck_assert_uint_eq(operation(model, 0).activation, FFWD_TANH);
    ck_assert_uint_eq(operation(model, 1).activation, FFWD_TANH);
    const double *weights = operation(model, 0).weights;
    ck_assert(weights[5] == 6);
    ffwd_model_destroy(model);
    options.activations = "tanh,relu,relu";
    refuse_with(small, &options, FFWD_EARGUMENT, "3 activations for 2 layers");
    options.activations = NULL;
    options.dtype = FFWD_U8;
    ffwd_error err = FFWD_ERROR_INIT;
    ck_assert_int_eq(ffwd_model_load(scratch("net.npz"), &options, &model, &err), FFWD_EARGUMENT);
}
END_TEST

START_TEST(without_activations) {
    static const array arrays[] = {WEIGHTS("W1", "(3, 2)", 6), END};
    refuse(arrays, FFWD_EARGUMENT, "net.npz: the file names no activations and none were given");
}
END_TEST

START_TEST(chosen_dtypes) {
    static const double f64[] = {1, 2};
    static const int64_t i8[] = {1, 2};
    static const uint16_t f2[] = {0x3c00, 0x4000};
    static const float f32[] = {1, 2};
    static const struct {
        array weights, bias;
        uint32_t dtype;
    } cases[] = {
        {{"W1", "<f4", "(1, 2)", f32, 8, false}, {"b1", "<f4", "()", f32, 4, false}, FFWD_F32},
        {{"W1", "<f4", "(1, 2)", f32, 8, false}, {"b1", "<f8", "()", f64, 8, false}, FFWD_F64},
        {{"W1", "<f8", "(2,)", f64, 16, false}, {"b1", "<f4", "(1,)", f32, 4, false}, FFWD_F64},
        {{"W1", "<i8", "(2,)", i8, 16, false}, {"b1", "<i8", "()", i8, 8, false}, FFWD_F64},
        {{"W1", "<i8", "(2,)", i8, 16, false}, {"b1", "<f4", "()", f32, 4, false}, FFWD_F32},
        {{"W1", "<f2", "(2,)", f2, 4, false}, {"b1", "<i8", "()", i8, 8, false}, FFWD_F32},
    };
    ffwd_load_options options = FFWD_LOAD_OPTIONS_INIT;
    options.activations = "relu";
    const array arrays[] = {cases[_i].weights, cases[_i].bias, END};
    ffwd_model *model = load(make_npz(arrays, ZIP_CM_STORE), &options);
    ffwd_operation only = operation(model, 0);
    ck_assert_uint_eq(describe(model).dtype, cases[_i].dtype);
    if (cases[_i].dtype == FFWD_F32) {
        ck_assert_mem_eq(only.weights, f32, sizeof f32);
        ck_assert_mem_eq(only.bias, f32, 4);
    } else {
        ck_assert_mem_eq(only.weights, f64, sizeof f64);
        ck_assert_mem_eq(only.bias, f64, 8);
    }
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(fortran_weights) {
    static const float stored[] = {1, 3, 5, 2, 4, 6};
    static const array arrays[] = {{"W1", "<f4", "(3, 2)", stored, sizeof stored, true}, END};
    ffwd_load_options options = FFWD_LOAD_OPTIONS_INIT;
    options.activations = "identity";
    ffwd_model *model = load(make_npz(arrays, ZIP_CM_DEFLATE), &options);
    ck_assert_mem_eq(operation(model, 0).weights, numbers, 24);
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(spelled_activations) {
    static const unsigned char big[] = {0, 0, 0, 's', 0, 0, 0, 't', 0, 0, 0, 'e', 0, 0, 0, 'p'};
    static const array spellings[] = {
        {"activations", ">U4", "(1,)", big, sizeof big, false},
        {"activations", "|S4", "(1,)", "step", 4, false},
        {"activations", "|S9", "(1,)", "step\0\0\0\0\0", 9, false},
        {"activations", "<U4", "(1,)", step_relu, 16, true},
    };
    const array arrays[] = {WEIGHTS("W1", "(2,)", 2), spellings[_i], END};
    ffwd_model *model = load(make_npz(arrays, ZIP_CM_STORE), NULL);
    ck_assert_uint_eq(operation(model, 0).activation, FFWD_STEP);
    ffwd_model_destroy(model);
}
END_TEST

#define TEXT(words, shape)                                                                         \
    { "activations", "|S12", shape, words, sizeof(words) - 1, false }

/** An affine layer by scale and shift, one by shift alone, slopes, parameters, and an operation
 *  behind a layer, whose output is one wide. */
START_TEST(layers_of_every_kind) {
    static const array arrays[] = {WEIGHTS("scale1", "(2,)", 2),
                                   WEIGHTS("shift1", "(2,)", 2),
                                   WEIGHTS("W2", "(3, 2)", 6),
                                   WEIGHTS("slopes2", "(3,)", 3),
                                   WEIGHTS("shift3", "(3,)", 3),
                                   WEIGHTS("W4", "(2, 1)", 2),
                                   TEXT("clip:-1:0.25prelu\0\0\0\0\0\0\0argmax\0\0\0\0\0\0"
                                        "step:0.5\0\0\0\0",
                                        "(4,)"),
                                   END};
    ffwd_model *model = load(make_npz(arrays, ZIP_CM_STORE), NULL);
    ck_assert_uint_eq(describe(model).operation_count, 5);
    const ffwd_operation first = operation(model, 0), second = operation(model, 1),
                         third = operation(model, 2), fourth = operation(model, 3),
                         fifth = operation(model, 4);
    ck_assert_uint_eq(first.kind, FFWD_AFFINE);
    ck_assert(first.activation == FFWD_CLIP && first.alpha == -1 && first.beta == 0.25);
    ck_assert_mem_eq(first.weights, numbers, 8);
    ck_assert_mem_eq(first.bias, numbers, 8);
    ck_assert(second.kind == FFWD_DENSE && second.activation == FFWD_PRELU);
    ck_assert_mem_eq(second.slopes, numbers, 12);
    ck_assert(third.kind == FFWD_AFFINE && third.activation == FFWD_IDENTITY);
    ck_assert_ptr_null(third.weights);
    ck_assert_mem_eq(third.bias, numbers, 12);
    ck_assert(fourth.kind == FFWD_ARGMAX && fourth.inputs == 3 && fourth.neurons == 1);
    ck_assert(fifth.kind == FFWD_DENSE && fifth.alpha == 0.5);
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(kinds_that_are_confused) {
    static const array both[] = {WEIGHTS("W1", "(2,)", 2), WEIGHTS("shift1", "(1,)", 1),
                                 TEXT("step        ", "(1,)"), END};
    static const array bias[] = {WEIGHTS("scale1", "(2,)", 2), WEIGHTS("b1", "(2,)", 2),
                                 TEXT("step\0\0\0\0\0\0\0\0", "(1,)"), END};
    static const array lengths[] = {WEIGHTS("scale1", "(2,)", 2), WEIGHTS("shift1", "(3,)", 3),
                                    TEXT("step\0\0\0\0\0\0\0\0", "(1,)"), END};
    static const array square[] = {WEIGHTS("scale1", "(2, 2)", 4),
                                   TEXT("step\0\0\0\0\0\0\0\0", "(1,)"), END};
    static const array gap[] = {WEIGHTS("W1", "(2,)", 2), WEIGHTS("scale3", "(1,)", 1),
                                TEXT("step\0\0\0\0\0\0\0\0", "(1,)"), END};
    static const array no_slopes[] = {WEIGHTS("W1", "(2,)", 2), TEXT("prelu\0\0\0\0\0\0\0", "(1,)"),
                                      END};
    static const array no_prelu[] = {WEIGHTS("W1", "(2,)", 2), WEIGHTS("slopes1", "(1,)", 1),
                                     TEXT("step\0\0\0\0\0\0\0\0", "(1,)"), END};
    static const array few_slopes[] = {WEIGHTS("W1", "(3, 2)", 6), WEIGHTS("slopes1", "(1,)", 1),
                                       TEXT("prelu\0\0\0\0\0\0\0", "(1,)"), END};
    static const array after_argmax[] = {WEIGHTS("W1", "(3, 2)", 6), WEIGHTS("W2", "(3,)", 3),
                                         TEXT("argmax\0\0\0\0\0\0step\0\0\0\0\0\0\0\0", "(2,)"),
                                         END};
    static const array parameter[] = {WEIGHTS("W1", "(2,)", 2), TEXT("clip:one\0\0\0\0", "(1,)"),
                                      END};
    refuse(both, FFWD_EFORMAT, "net.npz: layer 1 has W1, but also scale1 or shift1");
    refuse(bias, FFWD_EFORMAT, "net.npz: b1 without W1");
    refuse(lengths, FFWD_EFORMAT, "net.npz: shift1 is [3], but scale1 has 2 neurons");
    refuse(square, FFWD_EFORMAT, "net.npz: scale1 is [2][2]; a value for each column is needed");
    refuse(gap, FFWD_EFORMAT, "net.npz: scale3 without W2");
    refuse(no_slopes, FFWD_EFORMAT, "net.npz: layer 1 is a prelu, but there is no slopes1");
    refuse(no_prelu, FFWD_EFORMAT, "net.npz: slopes1, but layer 1 is no prelu");
    refuse(few_slopes, FFWD_EFORMAT, "net.npz: slopes1 is [1], but W1 has 3 neurons");
    refuse(after_argmax, FFWD_EFORMAT, "net.npz: W2 is [3], but W1 has 1 neuron");
    refuse(parameter, FFWD_EUNSUPPORTED, "net.npz: layer 1: 'clip:one': 'one' is no number");
    ffwd_load_options options = FFWD_LOAD_OPTIONS_INIT;
    options.activations = "relu";
    ffwd_model_destroy(load(make_npz(no_prelu, ZIP_CM_STORE), &options));
}
END_TEST

START_TEST(foreign_entries_are_ignored) {
    static const array arrays[] = {WEIGHTS("W1", "(3, 2)", 6),
                                   WEIGHTS("W2", "(3,)", 3),
                                   WORDS,
                                   {"note", "|O", "(1,)", numbers, 8, false},
                                   WEIGHTS("W", "(1,)", 1),
                                   WEIGHTS("W01", "(1,)", 1),
                                   WEIGHTS("W3x", "(1,)", 1),
                                   WEIGHTS("bias9", "(1,)", 1),
                                   END};
    ffwd_model *model = load(make_npz(arrays, ZIP_CM_STORE), NULL);
    ck_assert_uint_eq(describe(model).operation_count, 2);
    ffwd_model_destroy(model);
}
END_TEST

/* ------------------------------------------------------------------------------------- refusals */

START_TEST(out_of_sequence) {
    static const array without_first[] = {WEIGHTS("W2", "(2,)", 2), WORDS, END};
    static const array gap[] = {WEIGHTS("W1", "(3, 2)", 6), WEIGHTS("W2", "(3,)", 3),
                                WEIGHTS("W4", "(1,)", 1), WORDS, END};
    static const array huge[] = {WEIGHTS("W1", "(3, 2)", 6),
                                 WEIGHTS("W99999999999999999999", "(1,)", 1), WORDS, END};
    static const array bias[] = {WEIGHTS("W1", "(3, 2)", 6), WEIGHTS("W2", "(3,)", 3),
                                 WEIGHTS("b5", "(1,)", 1), WORDS, END};
    static const array zero[] = {WEIGHTS("W0", "(2, 2)", 4), WEIGHTS("W1", "(3, 2)", 6), WORDS,
                                 END};
    refuse(without_first, FFWD_EFORMAT, "net.npz: no W1 among 2 entries");
    refuse(gap, FFWD_EFORMAT, "net.npz: W4 without W3");
    refuse(huge, FFWD_EFORMAT, "net.npz: W99999999999999999999 without W2");
    refuse(bias, FFWD_EFORMAT, "net.npz: b5 without W5");
    refuse(zero, FFWD_EFORMAT, "net.npz: W0, but layers are counted from 1");
}
END_TEST

START_TEST(widths_that_do_not_meet) {
    static const array widths[] = {WEIGHTS("W1", "(3, 2)", 6), WEIGHTS("W2", "(2, 4)", 8), WORDS,
                                   END};
    static const array one[] = {WEIGHTS("W1", "(2,)", 2), WEIGHTS("W2", "(2, 3)", 6), WORDS, END};
    static const array bias[] = {WEIGHTS("W1", "(3, 2)", 6), WEIGHTS("b1", "(4,)", 4), WORDS, END};
    static const array scalar[] = {WEIGHTS("W1", "(3, 2)", 6), WEIGHTS("b1", "()", 1), WORDS, END};
    static const array flat[] = {WEIGHTS("W1", "(3, 2)", 6), WEIGHTS("b1", "(1, 3)", 3), WORDS,
                                 END};
    static const array axes[] = {WEIGHTS("W1", "(3, 2, 1)", 6), WORDS, END};
    static const array none[] = {WEIGHTS("W1", "()", 1), WORDS, END};
    static const array empty[] = {WEIGHTS("W1", "(0, 2)", 0), WORDS, END};
    refuse(widths, FFWD_EFORMAT, "net.npz: W2 is [2][4], but W1 has 3 neurons");
    refuse(one, FFWD_EFORMAT, "net.npz: W2 is [2][3], but W1 has 1 neuron");
    refuse(bias, FFWD_EFORMAT, "net.npz: b1 is [4], but W1 has 3 neurons");
    refuse(scalar, FFWD_EFORMAT, "net.npz: b1 is one value, but W1 has 3 neurons");
    refuse(flat, FFWD_EFORMAT, "net.npz: b1 is [1][3], but W1 has 3 neurons");
    refuse(axes, FFWD_EFORMAT, "net.npz: W1 is [3][2][1]; weights are [neurons][inputs]");
    refuse(none, FFWD_EFORMAT, "net.npz: W1 is one value; weights are [neurons][inputs]");
    refuse(empty, FFWD_EFORMAT, "net.npz: W1 is [0][2]: a layer without weights");
}
END_TEST

START_TEST(wrong_types) {
    static const array complex_numbers[] = {{"W1", "<c8", "(2,)", numbers, 16, false}, WORDS, END};
    static const array text[] = {{"W1", "<U1", "(2,)", numbers, 8, false}, WORDS, END};
    static const array objects[] = {
        WEIGHTS("W1", "(2,)", 2), {"activations", "|O", "(1,)", numbers, 8, false}, END};
    static const array no_words[] = {WEIGHTS("W1", "(2,)", 2), WEIGHTS("activations", "(1,)", 1),
                                     END};
    static const array few_words[] = {WEIGHTS("W1", "(2,)", 2), WORDS, END};
    static const array unknown[] = {
        WEIGHTS("W1", "(2,)", 2), {"activations", "|S5", "(1,)", "swish", 5, false}, END};
    static const array foreign[] = {
        WEIGHTS("W1", "(2,)", 2), {"activations", "|S5", "(1,)", "st\nep", 5, false}, END};
    static const array no_letters[] = {
        WEIGHTS("W1", "(2,)", 2), {"activations", "|S0", "(1,)", "", 0, false}, END};
    refuse(complex_numbers, FFWD_EUNSUPPORTED, "net.npz: W1: values of type '<c8'");
    refuse(text, FFWD_EUNSUPPORTED, "net.npz: W1: values of type '<U1' (text)");
    refuse(objects, FFWD_EUNSUPPORTED, "net.npz: activations: values of type '|O'");
    refuse(no_words, FFWD_EFORMAT, "net.npz: activations holds '<f4', where names are needed");
    refuse(few_words, FFWD_EFORMAT, "net.npz: activations is [2], but there is 1 layer");
    refuse(unknown, FFWD_EUNSUPPORTED, "net.npz: layer 1: unknown activation 'swish', known are");
    refuse(foreign, FFWD_EUNSUPPORTED, "net.npz: layer 1: unknown activation 'st?ep'");
    refuse(no_letters, FFWD_EUNSUPPORTED, "net.npz: layer 1: unknown activation ''");
}
END_TEST

START_TEST(lying_headers) {
    static const array more[] = {WEIGHTS("W1", "(3, 2)", 5), WORDS, END};
    static const array fewer[] = {WEIGHTS("W1", "(3, 2)", 7), WORDS, END};
    static const array huge[] = {WEIGHTS("W1", "(1152921504606846976, 1)", 5), WORDS, END};
    static const array larger[] = {WEIGHTS("W1", "(4611686018427387904, 4)", 5), WORDS, END};
    refuse(more, FFWD_EFORMAT, "W1: the header claims 24 bytes of data, the file holds 20");
    refuse(fewer, FFWD_EFORMAT, "W1: the header claims 24 bytes of data, the entry holds 28");
    refuse(huge, FFWD_EFORMAT, "W1: the header claims 4611686018427387904 bytes of data");
    refuse(larger, FFWD_EFORMAT, "W1: the header claims an array whose size does not fit");
}
END_TEST

static void put_little(unsigned char *bytes, uint64_t value) {
    for (int i = 0; i < 4; i++, value >>= 8) {
        bytes[i] = (unsigned char)value;
    }
}

/** The central directory's header of the n-th entry. */
static unsigned char *find_central(unsigned char *file, size_t count, int n) {
    for (size_t i = 0; i + 4 <= count; i++) {
        if (memcmp(file + i, "PK\1\2", 4) == 0 && n-- == 0) {
            return file + i;
        }
    }
    ck_abort_msg("no such entry");
    return NULL;
}

static void refuse_bytes(const void *bytes, size_t count, const char *text) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model;
    ffwd_status status = ffwd_model_parse(bytes, count, NULL, &model, &err);
    ck_assert_msg(status == FFWD_EFORMAT, "%d: %s", status, err.message);
    ck_assert_ptr_null(model);
    ck_assert_msg(strstr(err.message, text) != NULL, "%s", err.message);
}

/** Sizes in the directory that the archive cannot hold are refused before memory is taken. */
START_TEST(lying_sizes) {
    size_t count;
    unsigned char *file = get_file(make_npz(small, ZIP_CM_DEFLATE), &count);
    unsigned char *central = find_central(file, count, 0);
    put_little(central + 24, 0xfffffff0);
    refuse_bytes(file, count, "W1: the archive claims 4294967280 bytes from ");
    free(file);
    file = get_file(make_npz(small, ZIP_CM_STORE), &count);
    central = find_central(file, count, 0);
    put_little(central + 24, 0x7fffffff);
    refuse_bytes(file, count, "W1: ");
    put_little(central + 20, 0x7fffffff);
    refuse_bytes(file, count, "");
    free(file);
}
END_TEST

START_TEST(wrong_sums_and_sizes) {
    size_t count;
    unsigned char *file = get_file(make_npz(small, ZIP_CM_DEFLATE), &count);
    unsigned char *central = find_central(file, count, 0);
    central[16] ^= 1;
    refuse_bytes(file, count, "W1: not a sound zip archive: CRC error");
    central[16] ^= 1;
    central[24] = (unsigned char)(central[24] + 4);
    refuse_bytes(file, count, "W1: ");
    central[24] = (unsigned char)(central[24] - 8);
    refuse_bytes(file, count, "W1: ");
    free(file);
}
END_TEST

START_TEST(other_compression) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model;
    if (zip_compression_method_supported(ZIP_CM_BZIP2, 1) == 0) {
        printf("skipped: an archive in bzip2, which this libzip cannot write\n");
        return;
    }
    ck_assert_int_eq(ffwd_model_load(make_npz(small, ZIP_CM_BZIP2), NULL, &model, &err),
                     FFWD_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "W1: zip method 12 cannot be read"));
}
END_TEST

START_TEST(every_prefix) {
    size_t count;
    ffwd_model *model;
    unsigned char *file =
        get_file(make_npz(small, _i == 0 ? ZIP_CM_STORE : ZIP_CM_DEFLATE), &count);
    for (size_t length = 0; length < count; length++) {
        ffwd_error err = FFWD_ERROR_INIT;
        unsigned char *prefix = malloc(length > 0 ? length : 1);
        memcpy(prefix, file, length);
        ck_assert_int_eq(ffwd_model_parse(prefix, length, NULL, &model, &err), FFWD_EFORMAT);
        put_file(scratch("prefix.npz"), prefix, length);
        ck_assert_int_eq(ffwd_model_load(scratch("prefix.npz"), NULL, &model, &err), FFWD_EFORMAT);
        ck_assert_int_ne(err.message[0], 0);
        free(prefix);
    }
    ck_assert_int_eq(ffwd_model_parse(file, count, NULL, &model, NULL), FFWD_OK);
    ffwd_model_destroy(model);
    free(file);
}
END_TEST

/** Entries W1 to W9 that are all the bytes of W1 cannot make nine layers of them. */
START_TEST(overlapping_entries) {
    enum { RECORD = 46 + sizeof "W1.npy" - 1, END_RECORD = 22, COPIES = 9 };
    static const array one[] = {WEIGHTS("W1", "(3, 3)", 9), END};
    size_t count;
    unsigned char *file = get_file(make_npz(one, ZIP_CM_STORE), &count);
    const size_t entry_bytes = count - RECORD - END_RECORD;
    unsigned char forged[1024], *at = forged + entry_bytes;
    ck_assert_uint_le(entry_bytes + COPIES * RECORD + END_RECORD, sizeof forged);
    memcpy(forged, file, entry_bytes);
    for (int i = 0; i < COPIES; i++, at += RECORD) {
        memcpy(at, file + entry_bytes, RECORD);
        at[47] = (unsigned char)('1' + i);
    }
    memcpy(at, file + entry_bytes + RECORD, END_RECORD);
    at[8] = at[10] = COPIES;
    const size_t directory_bytes = (size_t)COPIES * RECORD;
    at[12] = (unsigned char)(directory_bytes & 0xff);
    at[13] = (unsigned char)(directory_bytes >> 8);
    refuse_bytes(forged, (size_t)(at + END_RECORD - forged), "entries overlap: the first 7 claim");
    free(file);
}
END_TEST

/** Whatever is changed, the answer is a model or an error. */
START_TEST(every_flipped_bit) {
    size_t count;
    unsigned char *file =
        get_file(make_npz(small, _i == 0 ? ZIP_CM_STORE : ZIP_CM_DEFLATE), &count);
    for (size_t bit = 0; bit < 8 * count; bit++) {
        ffwd_error err = FFWD_ERROR_INIT;
        ffwd_model *model;
        file[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ffwd_status status = ffwd_model_parse(file, count, NULL, &model, &err);
        ck_assert(status == FFWD_OK || status == FFWD_EFORMAT || status == FFWD_EUNSUPPORTED ||
                  status == FFWD_EARGUMENT);
        ffwd_model_destroy(model);
        file[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    free(file);
}
END_TEST

static void refuse_path(const char *path, ffwd_status status, int native, const char *text) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model;
    ck_assert_int_eq(ffwd_model_load(path, NULL, &model, &err), status);
    ck_assert_ptr_null(model);
    ck_assert_int_eq(err.native, native);
    ck_assert_msg(strstr(err.message, text) != NULL, "%s", err.message);
}

START_TEST(what_is_no_model_file) {
    refuse_path(scratch("missing.npz"), FFWD_EIO, ENOENT, "missing.npz: cannot open: No such file");
    refuse_path("/tmp", FFWD_EIO, EISDIR, "/tmp: cannot read: Is a directory");
    refuse_path("/dev/null", FFWD_EIO, ESPIPE, "/dev/null: cannot read: a pipe or a device");
    put_file(scratch("net.onnx"), "\x08\x07", 2);
    refuse_path(scratch("net.onnx"), FFWD_EFORMAT, 0, "net.onnx: no ONNX model, or a broken one");
    put_file(scratch("net.csv"), "1,2\n", 4);
    refuse_path(scratch("net.csv"), FFWD_EUNSUPPORTED, 0, "a matrix, where a model (.npz, .onnx)");
    put_file(scratch("net.npz"), "\x93NUMPY", 6);
    refuse_path(scratch("net.npz"), FFWD_EFORMAT, 0,
                "net.npz: does not begin as a .npz or .onnx file does");
    put_file(scratch("empty.npz"), "", 0);
    refuse_path(scratch("empty.npz"), FFWD_EFORMAT, 0, "does not begin as");
    refuse_bytes("PK\3\4", 4, "not a sound zip archive");
    refuse_bytes("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, "no W1 among 0 entries");
    refuse_bytes(NULL, 0, "does not begin as");
}
END_TEST

/** The name does not count where the content is known. */
START_TEST(any_name) {
    size_t count;
    unsigned char *file = get_file(make_npz(small, ZIP_CM_STORE), &count);
    put_file(scratch("model.onnx"), file, count);
    free(file);
    ffwd_model_destroy(load(scratch("model.onnx"), NULL));
}
END_TEST

START_TEST(real_models) {
    static const struct {
        const char *path, *activations;
        uint64_t parameters;
    } models[] = {
        {TEST_DATA "/cancer_step.npz", NULL, 30 * 64 + 64 + 64 + 1},
        {TEST_DATA "/diabetes_relu.npz", NULL, 10 * 32 + 32 + 32 * 16 + 16 + 16 + 1},
        {TEST_DATA "/digits_relu.npz", "relu,identity", 64 * 32 + 32 + 320 + 10},
        {TEST_DATA "/wine_tanh.npz", "tanh,identity", 13 * 16 + 16 + 48 + 3},
    };
    ffwd_load_options options = FFWD_LOAD_OPTIONS_INIT;
    options.activations = models[_i].activations;
    ffwd_model *model = load(models[_i].path, &options);
    ck_assert_uint_eq(describe(model).parameters, models[_i].parameters);
    ffwd_model_destroy(model);
}
END_TEST

/* ---------------------------------------------------------------------------- archives, written */

static ffwd_archive *begin(const char *path) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_archive *archive;
    ck_assert_msg(ffwd_archive_create(path, &archive, &err) == FFWD_OK, "%s", err.message);
    return archive;
}

static size_t add(ffwd_archive *archive, const char *name, uint64_t rows, uint64_t cols,
                  uint32_t dtype) {
    ffwd_error err = FFWD_ERROR_INIT;
    size_t entry = SIZE_MAX;
    ck_assert_msg(ffwd_archive_add(archive, name, rows, cols, dtype, &entry, &err) == FFWD_OK, "%s",
                  err.message);
    return entry;
}

static void append(ffwd_archive *archive, size_t entry, uint64_t rows, const void *values) {
    ffwd_error err = FFWD_ERROR_INIT;
    ck_assert_msg(ffwd_archive_append(archive, entry, rows, values, &err) == FFWD_OK, "%s",
                  err.message);
}

/** Layers grow side by side; the archive is read back as a model. */
START_TEST(archives_read_back) {
    size_t before = count_files(), entries[20];
    char name[16];
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_archive *archive = begin(scratch("out.npz"));
    for (size_t i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "W%zu", i + 1);
        entries[i] = add(archive, name, 3, 3, FFWD_F32);
        ck_assert_uint_eq(entries[i], i);
    }
    for (size_t row = 0; row < 3; row++) {
        for (size_t i = 0; i < 20; i++) {
            append(archive, entries[i], 1, numbers + 3 * row);
        }
    }
    ck_assert_uint_eq(count_files(), before);
    ck_assert_msg(ffwd_archive_commit(archive, &err) == FFWD_OK, "%s", err.message);
    ck_assert_int_eq(ffwd_archive_commit(archive, &err), FFWD_ESTATE);
    ffwd_archive_destroy(archive);
    ck_assert_uint_eq(count_files(), before + 1);
    ffwd_load_options options = FFWD_LOAD_OPTIONS_INIT;
    options.activations = "relu";
    ffwd_model *model = load(scratch("out.npz"), &options);
    ck_assert_uint_eq(describe(model).operation_count, 20);
    ck_assert_mem_eq(operation(model, 19).weights, numbers, 36);
    ffwd_model_destroy(model);
}
END_TEST

static void archive_layers(const char *path, uint64_t rows) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_archive *archive = begin(path);
    size_t first = add(archive, "W1", rows, 3, FFWD_F32),
           known = add(archive, "W2", 3, 3, FFWD_F32), last = add(archive, "W3", rows, 3, FFWD_F32);
    for (size_t row = 0; row < 3; row++) {
        append(archive, first, 1, numbers + 3 * row);
        append(archive, last, 1, numbers + 1);
        append(archive, known, 1, numbers);
    }
    ck_assert_msg(ffwd_archive_commit(archive, &err) == FFWD_OK, "%s", err.message);
    ffwd_archive_destroy(archive);
}

/** The same archive, whether rows are told before or after. */
START_TEST(rows_known_at_the_end) {
    size_t files = count_files(), before, after;
    archive_layers(scratch("before.npz"), 3);
    archive_layers(scratch("after.npz"), UINT64_MAX);
    ck_assert_uint_eq(count_files(), files + 2);
    unsigned char *expected = get_file(scratch("before.npz"), &before);
    unsigned char *found = get_file(scratch("after.npz"), &after);
    ck_assert_uint_eq(after, before);
    ck_assert_mem_eq(found, expected, before);
    free(expected);
    free(found);
    ffwd_archive *archive = begin(scratch("left.npz"));
    append(archive, add(archive, "z1", UINT64_MAX, 1, FFWD_F32), 1, numbers);
    ffwd_archive_destroy(archive);
    ck_assert_uint_eq(count_files(), files + 2);
}
END_TEST

START_TEST(archives_appear_whole) {
    ffwd_error err = FFWD_ERROR_INIT;
    struct stat status;
    size_t before = count_files();
    umask(027);
    ffwd_archive *archive = begin(scratch("whole.npz"));
    ck_assert_int_eq(ffwd_archive_commit(archive, &err), FFWD_EARGUMENT);
    size_t entry = add(archive, "z1", 2, 1, FFWD_F64);
    ck_assert_int_eq(ffwd_archive_append(archive, entry, 3, numbers, &err), FFWD_EARGUMENT);
    ck_assert_int_eq(ffwd_archive_append(archive, 1, 1, numbers, &err), FFWD_EARGUMENT);
    append(archive, entry, 1, numbers);
    ck_assert_int_eq(ffwd_archive_commit(archive, &err), FFWD_EARGUMENT);
    ck_assert_ptr_nonnull(
        strstr(err.message, "whole.npz: z1.npy takes 2 rows, but only 1 were given"));
    ck_assert_uint_eq(count_files(), before);
    append(archive, entry, 1, numbers);
    ck_assert_int_eq(ffwd_archive_commit(archive, &err), FFWD_OK);
    ffwd_archive_destroy(archive);
    ck_assert_uint_eq(count_files(), before + 1);
    ck_assert_int_eq(stat(scratch("whole.npz"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0640);
    archive = begin(scratch("left.npz"));
    (void)add(archive, "z1", 2, 1, FFWD_F64);
    ffwd_archive_destroy(archive);
    ffwd_archive_destroy(NULL);
    ck_assert_uint_eq(count_files(), before + 1);
}
END_TEST

/** As long as the file system takes them: the name until then is not made from them. */
START_TEST(long_names) {
    char name[NAME_MAX + 1] = "";
    memset(name, 'z', NAME_MAX - 4);
    memcpy(name + NAME_MAX - 4, ".npz", 4);
    ffwd_archive *archive = begin(scratch(name));
    append(archive, add(archive, "z1", 1, 1, FFWD_F32), 1, numbers);
    ck_assert_int_eq(ffwd_archive_commit(archive, NULL), FFWD_OK);
    ffwd_archive_destroy(archive);
    ck_assert_int_eq(access(scratch(name), F_OK), 0);
}
END_TEST

START_TEST(what_cannot_be_archived) {
    char name[300] = "";
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_archive *archive;
    size_t entry;
    ck_assert_int_eq(ffwd_archive_create("-", &archive, &err), FFWD_EUNSUPPORTED);
    ck_assert_int_eq(ffwd_archive_create("/dev/null", &archive, &err), FFWD_EUNSUPPORTED);
    ck_assert_ptr_null(archive);
    ck_assert_int_eq(ffwd_archive_create(scratch("nowhere/x.npz"), &archive, &err), FFWD_EIO);
    ck_assert_int_eq(err.native, ENOENT);
    memset(name, 'z', sizeof name - 1);
    ck_assert_int_eq(ffwd_archive_create(scratch(name), &archive, &err), FFWD_EIO);
    ck_assert_int_eq(err.native, ENAMETOOLONG);
    archive = begin(scratch("out.npz"));
    ck_assert_int_eq(ffwd_archive_add(archive, "z", 1, 1, 9, &entry, &err), FFWD_EARGUMENT);
    ck_assert_int_eq(ffwd_archive_add(archive, "z", UINT64_MAX - 1, 2, FFWD_U8, &entry, &err),
                     FFWD_EOVERFLOW);
    ck_assert_int_eq(ffwd_archive_add(archive, "z", UINT64_MAX / 2, 1, FFWD_U8, &entry, &err),
                     FFWD_EOVERFLOW);
    size_t z = add(archive, "z", 1, 1, FFWD_U8);
    (void)add(archive, "zz", 0, 1, FFWD_U8);
    ck_assert_int_eq(ffwd_archive_add(archive, "z", 1, 1, FFWD_U8, &entry, &err), FFWD_EARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.message, "out.npz: z: has been added already"));
    append(archive, z, 1, "\1");
    ck_assert_int_eq(ffwd_archive_commit(archive, &err), FFWD_OK);
    ck_assert_int_eq(ffwd_archive_add(archive, "a", 1, 1, FFWD_U8, &entry, &err), FFWD_ESTATE);
    ck_assert_int_eq(ffwd_archive_append(archive, z, 0, NULL, &err), FFWD_ESTATE);
    ck_assert_int_eq(ffwd_archive_commit(archive, &err), FFWD_ESTATE);
    ffwd_archive_destroy(archive);
}
END_TEST

/* ---------------------------------------------------------------------------------------- NumPy */

START_TEST(numpy_reads_ours) {
    static const uint8_t bytes[] = {0, 1, 1, 0};
    ffwd_archive *archive = begin(scratch("layers.npz"));
    size_t z1 = add(archive, "z1", 3, 4, FFWD_F32), y1 = add(archive, "y1", 4, 1, FFWD_U8);
    (void)add(archive, "z2", 0, 5, FFWD_F64);
    append(archive, z1, 1, numbers);
    append(archive, y1, 4, bytes);
    append(archive, z1, 2, numbers + 4);
    ck_assert_int_eq(ffwd_archive_commit(archive, NULL), FFWD_OK);
    ffwd_archive_destroy(archive);
    (void)run_numpy("import numpy as np, zipfile\n"
                    "z = np.load('layers.npz')\n"
                    "assert sorted(z) == ['y1', 'z1', 'z2']\n"
                    "assert (z['z1'] == np.arange(1, 13).reshape(3, 4)).all()\n"
                    "assert z['z1'].dtype == '<f4' and z['y1'].dtype == 'u1'\n"
                    "assert (z['y1'] == [[0], [1], [1], [0]]).all()\n"
                    "assert z['z2'].shape == (0, 5) and z['z2'].dtype == '<f8'\n"
                    "i = zipfile.ZipFile('layers.npz')\n"
                    "assert i.testzip() is None\n"
                    "assert all(e.compress_type == 0 for e in i.infolist())\n");
}
END_TEST

START_TEST(as_numpy_saves) {
    static const char script[] =
        "import numpy as np\n"
        "W1 = np.arange(1, 7, dtype='f8').reshape(2, 3).T\n"
        "d = dict(W1=W1, b1=np.float64(0.5) * np.ones(3), W2=np.ones(3), b2=np.array(7),\n"
        "         activations=['tanh', 'sigmoid'], author='x', when=np.datetime64('2020-01-01'))\n"
        "np.savez('plain.npz', **d)\n"
        "np.savez_compressed('packed.npz', **d)\n";
    static const double expected[] = {1, 4, 2, 5, 3, 6}, seven = 7;
    static const char *const names[] = {"plain.npz", "packed.npz"};
    if (!run_numpy(script)) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        ffwd_model *model = load(scratch(names[i]), NULL);
        ck_assert_uint_eq(describe(model).dtype, FFWD_F64);
        ck_assert_mem_eq(operation(model, 0).weights, expected, sizeof expected);
        ck_assert_mem_eq(operation(model, 1).bias, &seven, sizeof seven);
        ck_assert_uint_eq(operation(model, 1).activation, FFWD_SIGMOID);
        ffwd_model_destroy(model);
    }
}
END_TEST

static Suite *npz_suite(void) {
    Suite *suite = suite_create("npz");
    TCase *models = tcase_create("models");
    tcase_add_loop_test(models, small_network, 0, 2);
    tcase_add_test(models, given_options);
    tcase_add_test(models, without_activations);
    tcase_add_loop_test(models, chosen_dtypes, 0, 6);
    tcase_add_test(models, fortran_weights);
    tcase_add_loop_test(models, spelled_activations, 0, 4);
    tcase_add_test(models, layers_of_every_kind);
    tcase_add_test(models, kinds_that_are_confused);
    tcase_add_test(models, foreign_entries_are_ignored);
    tcase_add_test(models, any_name);
    tcase_add_loop_test(models, real_models, 0, 4);
    suite_add_tcase(suite, models);

    TCase *refusals = tcase_create("refusals");
    tcase_add_test(refusals, out_of_sequence);
    tcase_add_test(refusals, widths_that_do_not_meet);
    tcase_add_test(refusals, wrong_types);
    tcase_add_test(refusals, lying_headers);
    tcase_add_test(refusals, lying_sizes);
    tcase_add_test(refusals, wrong_sums_and_sizes);
    tcase_add_test(refusals, other_compression);
    tcase_add_test(refusals, overlapping_entries);
    tcase_add_loop_test(refusals, every_prefix, 0, 2);
    tcase_add_loop_test(refusals, every_flipped_bit, 0, 2);
    tcase_add_test(refusals, what_is_no_model_file);
    suite_add_tcase(suite, refusals);

    TCase *archives = tcase_create("archives");
    tcase_add_test(archives, archives_read_back);
    tcase_add_test(archives, archives_appear_whole);
    tcase_add_test(archives, rows_known_at_the_end);
    tcase_add_test(archives, long_names);
    tcase_add_test(archives, what_cannot_be_archived);
    tcase_add_test(archives, numpy_reads_ours);
    tcase_add_test(archives, as_numpy_saves);
    suite_add_tcase(suite, archives);
    return suite;
}

int main(void) {
    files_begin();
    int status = suite_main(npz_suite());
    files_end();
    return status;
}
