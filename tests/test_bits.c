// SPDX-License-Identifier: MIT
// One arithmetic: the bits of every device, strategy, instruction set and thread count against the
// scalar oracle, over families of shapes around the tiles and over random networks.
#include <fenv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "support/nets.h"
#include "support/oracle.h"
#include "support/paths.h"
#include "support/suite.h"

static const uint32_t dtypes[] = {FFWD_F32, FFWD_F64};

static void run_engine(ffwd_engine *engine, const ffwd_input *x, const ffwd_output *y,
                       const ffwd_run_options *options) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_status status = ffwd_engine_run(engine, x, y, options, NULL, &err);
    ck_assert_msg(status == FFWD_OK, "%s", err.message);
}

/** Runs dense rows of the model's dtype and compares them with the oracle's. */
static void check_model(const path *p, ffwd_device *device, const ffwd_model *model, uint64_t rows,
                        uint64_t chunk_rows, uint64_t seed, int special, const char *what) {
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model_describe(model, &info);
    void *x = net_values(rows * info.inputs, info.dtype, seed, special);
    const uint64_t y_bytes = rows * info.outputs * ffwd_dtype_size(info.dtype);
    void *expected = net_alloc(y_bytes), *got = net_alloc(y_bytes);
    memset(got, 0xa5, (size_t)y_bytes);
    oracle_run(model, rows, x, expected, NULL, NULL);

    if (chunk_rows == 0 && paths_copy()) {
        chunk_rows = 1 + rows / 3; // several chunks, two of them under way at once
    }
    ffwd_engine *engine = path_engine(p, device, model, chunk_rows);
    const ffwd_input in = net_input(x, info.dtype, rows, info.inputs);
    const ffwd_output out = net_output(got, info.dtype, rows, info.outputs);
    run_engine(engine, &in, &out, NULL);
    char text[320];
    (void)snprintf(text, sizeof text, "%s, %s %s, seed %llu", path_text(p), what,
                   ffwd_dtype_name(info.dtype), (unsigned long long)seed);
    net_check_bits(got, expected, rows, info.outputs, info.dtype, text);
    ffwd_engine_destroy(engine);
    free(x);
    free(expected);
    free(got);
}

static void check_shape(const path *p, ffwd_device *device, const net_shape *shape, uint32_t dtype,
                        uint64_t rows, uint64_t chunk_rows, uint64_t seed, int special) {
    ffwd_model *model = net_create(shape, dtype, seed);
    check_model(p, device, model, rows, chunk_rows, seed, special, net_shape_text(shape));
    ffwd_model_destroy(model);
}

/** Whether to leave out network n: of kernels that are tested elsewhere, and only get their rows in
 *  another way, one in thirteen will do. */
static bool sampled_out(uint64_t n) {
    return paths_copy() && getenv("FFWD_LONG") == NULL && n % 13 != 0;
}

/** Whether this run is one of several, each over its own sample of the networks. */
static bool is_sample(void) {
    return getenv("FFWD_TESTS_SAMPLE") != NULL;
}

/** The same as sampled_out; and where every network is a program of its own, a sample will do. */
static bool left_out(const path *p, uint64_t n) {
    const bool own_program = p->isa == NULL && (is_sample() || p->strategy == FFWD_FUSED);
    return paths_copy() ? sampled_out(n) : own_program && !path_samples(n);
}

/** The same of a network of many layers: each tile with each activation is a program. */
static bool deep_left_out(const path *p, uint64_t n) {
    const bool own_programs = p->isa == NULL && (is_sample() || p->strategy != FFWD_CHAIN);
    return paths_copy() ? sampled_out(n) : own_programs && !path_samples(n);
}

/** Each activation in turn, also over every fourth n. */
static uint32_t activation_of(uint64_t n) {
    return net_activations[(n + n / 4) % net_activation_count];
}

/** The same for a family of shapes. Where each tile is a program for each activation, one that
 * knows its neuron and one that does not. */
static uint32_t shapes_activation(const path *p, uint64_t n) {
    const bool few = p->isa == NULL && p->strategy == FFWD_LAYERED && getenv("FFWD_LONG") == NULL;
    return few ? (n / 3 % 2 == 0 ? FFWD_PRELU : FFWD_RELU) : activation_of(n);
}

/* Tiles are 2 to 8 neurons, vectors 2 to 16 lanes, groups 4 to 48 rows, OpenCL tiles 64. */
START_TEST(one_layer_of_every_shape) {
    static const uint64_t inputs[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33};
    static const uint64_t neurons[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 17};
    static const uint64_t rows[] = {1, 11, 12, 13, 24, 25, 49};
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    uint64_t seed = 1;
    for (size_t i = 0; device != NULL && i < sizeof inputs / sizeof *inputs; i++) {
        for (size_t o = 0; o < sizeof neurons / sizeof *neurons; o++, seed++) {
            if (left_out(p, seed)) {
                continue;
            }
            const uint64_t widths[] = {inputs[i], neurons[o]};
            const net_shape shape =
                net_shape_of(1, widths, shapes_activation(p, seed), seed % 2 == 0);
            check_shape(p, device, &shape, dtypes[seed / 2 % 2], rows[seed % 7], 0, seed, 1);
            check_shape(p, device, &shape, dtypes[1 - seed / 2 % 2], rows[(seed + 3) % 7], 0, seed,
                        1);
        }
    }
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(around_the_big_tiles) {
    static const uint64_t edges[] = {31, 32, 33, 63, 64, 65, 127, 129};
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (uint64_t i = 0; device != NULL && i < 24; i++) {
        if (left_out(p, i)) {
            continue;
        }
        const uint64_t widths[] = {edges[i % 8], edges[(i + 3) % 8], edges[(i * 5 + 1) % 8]};
        const net_shape shape = net_shape_of(2, widths, shapes_activation(p, i), i % 3 == 0);
        check_shape(p, device, &shape, dtypes[i / 5 % 2], edges[(i * 3 + 2) % 8], 0, 700 + i, 0);
    }
    ffwd_device_destroy(device);
}
END_TEST

/* Rows so wide that they are cut into panels of 256 to 4096 inputs. */
START_TEST(around_the_panels) {
    static const uint64_t inputs[] = {511, 513, 1024, 1025, 1600, 2048, 2049, 4096, 4099};
    static const uint64_t neurons[] = {1, 8, 11, 5, 16, 3, 13, 2, 9}, rows[] = {3, 24, 49, 97, 193};
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (uint64_t i = 0; device != NULL && i < 18; i++) {
        if ((p->isa == NULL && p->strategy == FFWD_FUSED && inputs[i % 9] > 1024) ||
            sampled_out(i) || (is_sample() && left_out(p, i))) {
            continue; // more than it takes, or not in the sample
        }
        const uint64_t widths[] = {inputs[i % 9], neurons[(i + i / 9) % 9]};
        const net_shape shape = net_shape_of(1, widths, (uint32_t)(i % 5), i % 2 == 0);
        check_shape(p, device, &shape, dtypes[i / 9], rows[i % 5], 0, 900 + i, i % 3 == 0);
    }
    ffwd_device_destroy(device);
}
END_TEST

/** A network of the seed: 1 to 6 layers of 1 to 40 neurons, any activations. */
static net_shape random_shape(uint64_t seed) {
    float values[16];
    ck_assert_int_eq(ffwd_random_fill(seed, 77, 0, 16, FFWD_F32, values, NULL), FFWD_OK);
    net_shape shape = {.layer_count = 1 + (size_t)((values[0] + 1) * 3), .bias = values[1] > 0};
    for (size_t i = 0; i <= shape.layer_count; i++) {
        shape.widths[i] = 1 + (uint64_t)((values[2 + i] + 1) * 20);
    }
    for (size_t i = 0; i < shape.layer_count; i++) {
        shape.activations[i] = activation_of((uint64_t)((values[9 + i] + 1) * 1000));
    }
    return shape;
}

START_TEST(random_networks) {
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (uint64_t seed = 1000; device != NULL && seed < 1040; seed++) {
        if (deep_left_out(p, seed)) {
            continue;
        }
        const net_shape shape = random_shape(seed);
        check_shape(p, device, &shape, dtypes[seed % 2], 1 + seed * 37 % 301, 0, seed,
                    seed % 3 == 0);
    }
    ffwd_device_destroy(device);
}
END_TEST

/** The same with operations of any kind. */
static net_shape mixed_shape(uint64_t seed) {
#define VALUE(name, value, word) value,
    static const uint32_t kinds[] = {FFWD_AFFINE, FFWD_KIND_LIST(VALUE)};
#undef VALUE
    net_shape shape = random_shape(seed);
    for (size_t i = 0; i < shape.layer_count; i++) {
        const uint32_t kind = kinds[(seed + 3 * i + i / 2) % (sizeof kinds / sizeof *kinds)];
        shape.kinds[i] = kind;
        if (kind != FFWD_DENSE) {
            shape.widths[i + 1] = kind == FFWD_ARGMAX ? 1 : shape.widths[i];
        }
        if (kind != FFWD_DENSE && kind != FFWD_AFFINE) {
            shape.activations[i] = FFWD_IDENTITY;
        }
    }
    return shape;
}

START_TEST(mixed_chains) {
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (uint64_t seed = 3000; device != NULL && seed < 3080; seed++) {
        if (deep_left_out(p, seed)) {
            continue;
        }
        const net_shape shape = mixed_shape(seed);
        const uint64_t rows = seed % 3 == 0 ? 1 + seed % 9 : 1 + seed * 37 % 301;
        check_shape(p, device, &shape, dtypes[seed / 2 % 2], rows, seed % 5 == 0 ? 64 : 0, seed,
                    seed % 7 != 0);
    }
    ffwd_device_destroy(device);
}
END_TEST

/* Up to 4 values wide, where the CPU keeps all layers in registers: every layer with every
 * activation, rows around a pair of vectors, and one layer too many. */
START_TEST(small_networks) {
    static const uint64_t rows[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 97};
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (uint64_t n = 0; device != NULL && n < 80; n++) {
        if (deep_left_out(p, n / 2 + n)) {
            continue;
        }
        const uint64_t widths[] = {1 + n % 4, 1 + n / 4 % 4, 1 + (n + n / 16) % 4};
        net_shape shape = net_shape_of(2, widths, activation_of(n), n % 3 != 0);
        shape.activations[1] = activation_of(7 * n + 2);
        check_shape(p, device, &shape, dtypes[n % 2], rows[n % 15], 0, 2000 + n, 1);
        check_shape(p, device, &shape, dtypes[1 - n % 2], rows[(n + 7) % 15], 0, 2000 + n, 1);
    }
    ffwd_device_destroy(device);
}
END_TEST

/** A model of `count` layers of 2 neurons. */
static ffwd_model *deep_model(size_t count, uint32_t dtype) {
    ffwd_operation *layers = net_alloc(count * sizeof *layers);
    void *weights = net_values(count * 4, dtype, 5, 0);
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = NULL;
    for (size_t i = 0; i < count; i++) {
        layers[i] = (ffwd_operation){.kind = FFWD_DENSE,
                                     .activation = (uint32_t)(i % 5),
                                     .inputs = 2,
                                     .neurons = 2,
                                     .weights = (char *)weights + i * 4 * ffwd_dtype_size(dtype)};
    }
    expect_ok(ffwd_model_create(dtype, 2, layers, count, sizeof *layers, &model, &err), &err);
    free(layers);
    free(weights);
    return model;
}

START_TEST(deep_networks) {
    static const size_t counts[] = {15, 16, 17, 32};
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (size_t i = 0; device != NULL && i < 8; i++) {
        ffwd_model *model = deep_model(counts[i % 4], dtypes[i / 4]);
        check_model(p, device, model, 70, 0, i, 0, "deep");
        ffwd_model_destroy(model);
    }
    ffwd_device_destroy(device);
}
END_TEST

/** X, and then Y, at the very end of a page that another one follows which may not be touched. */
static void check_last_page(const path *p, ffwd_device *device, uint32_t dtype, uint64_t cols,
                            uint64_t outputs) {
    enum { ROWS = 61, PAGES = 16384 };
    const uint64_t widths[] = {cols, 7, outputs};
    const net_shape shape = net_shape_of(2, widths, FFWD_RELU, 1);
    const size_t element = ffwd_dtype_size(dtype);
    ffwd_model *model = net_create(&shape, dtype, 3);
    void *values = net_values(ROWS * cols, dtype, 8, 0), *expected = net_alloc(ROWS * outputs * 8);
    unsigned char *pages[2];
    for (size_t i = 0; i < 2; i++) {
        pages[i] =
            mmap(NULL, 2 * PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(pages[i], MAP_FAILED);
        ck_assert_int_eq(mprotect(pages[i] + PAGES, PAGES, PROT_NONE), 0);
    }
    unsigned char *x = pages[0] + PAGES - ROWS * cols * element;
    unsigned char *y = pages[1] + PAGES - ROWS * outputs * element;
    memcpy(x, values, ROWS * cols * element);
    oracle_run(model, ROWS, values, expected, NULL, NULL);
    ffwd_engine *engine = path_engine(p, device, model, 0);
    const ffwd_input in = net_input(x, dtype, ROWS, cols);
    const ffwd_output out = net_output(y, dtype, ROWS, outputs);
    run_engine(engine, &in, &out, NULL);
    net_check_bits(y, expected, ROWS, outputs, dtype, path_text(p));
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(model);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(munmap(pages[i], 2 * PAGES), 0);
    }
    free(values);
    free(expected);
}

/* Rows narrower than a vector are read and written as if they were as wide, but not at the end. */
START_TEST(nothing_past_the_end) {
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (uint64_t n = 1; device != NULL && n < 19; n++) {
        if (sampled_out(n) || (is_sample() && left_out(p, n))) {
            continue;
        }
        check_last_page(p, device, dtypes[n % 2], n, 19 - n);
        check_last_page(p, device, dtypes[1 - n % 2], n, n);
    }
    ffwd_device_destroy(device);
}
END_TEST

/** Y so large that it is written past the caches, at any distance from a boundary of vectors. */
static void check_streamed(ffwd_engine *engine, const ffwd_input *in, const void *expected,
                           uint64_t outputs, uint32_t dtype, const char *what) {
    const size_t element = ffwd_dtype_size(dtype);
    const uint64_t bytes = in->rows * outputs * element;
    unsigned char *block = aligned_alloc(64, bytes / 64 * 64 + 256);
    ck_assert_ptr_nonnull(block);
    for (size_t shift = 0; shift < 64; shift += dtype == FFWD_U8 ? 13 : 3 * element) {
        memset(block, 0xa5, bytes / 64 * 64 + 256);
        const ffwd_output out = net_output(block + 64 + shift, dtype, in->rows, outputs);
        run_engine(engine, in, &out, NULL);
        for (size_t i = 0; i < 64; i++) {
            ck_assert_uint_eq(block[shift + i], 0xa5);
            ck_assert_uint_eq(block[64 + shift + bytes + i], 0xa5);
        }
        ck_assert_msg(memcmp(block + 64 + shift, expected, bytes) == 0, "%s shifted by %zu: %s",
                      what, shift, ffwd_dtype_name(dtype));
    }
    free(block);
}

START_TEST(streamed_rows) {
    enum { ROWS = 600011 };
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    /* One column in both dtypes, since bytes have code of their own there. */
    for (uint64_t n = 0; device != NULL && n < 6; n++) {
        const uint64_t outputs = 1 + n % 5, widths[] = {2, outputs};
        const net_shape shape = net_shape_of(1, widths, FFWD_STEP, 1);
        const uint32_t dtype = dtypes[n % 2];
        const size_t element = ffwd_dtype_size(dtype);
        ffwd_model *model = net_create(&shape, dtype, outputs);
        void *x = net_values(ROWS * 2, dtype, 4, 0), *y = net_alloc(ROWS * outputs * element);
        unsigned char *bytes = net_alloc(ROWS * outputs);
        oracle_run(model, ROWS, x, y, NULL, NULL);
        for (size_t i = 0; i < ROWS * outputs; i++) {
            bytes[i] = dtype == FFWD_F32 ? ((float *)y)[i] > 0 : ((double *)y)[i] > 0;
        }
        ffwd_engine *engine = path_engine(p, device, model, 0);
        const ffwd_input in = net_input(x, dtype, ROWS, 2);
        check_streamed(engine, &in, y, outputs, dtype, path_text(p));
        check_streamed(engine, &in, bytes, outputs, FFWD_U8, path_text(p));
        ffwd_engine_destroy(engine);
        ffwd_model_destroy(model);
        free(x);
        free(y);
        free(bytes);
    }
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(chunks_of_every_size) {
    static const uint64_t chunk_rows[] = {1, 2, 7, 24, 25, 64, 100, 199, 200, 201, 1000};
    static const uint64_t widths[] = {5, 9, 4};
    const net_shape shape = net_shape_of(2, widths, FFWD_TANH, 1);
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (size_t i = 0; device != NULL && i < sizeof chunk_rows / sizeof *chunk_rows; i++) {
        check_shape(p, device, &shape, dtypes[i % 2], 200, chunk_rows[i], 5, 0);
    }
    ffwd_device_destroy(device);
}
END_TEST

/* Enough rows that every thread takes part. */
START_TEST(many_rows) {
    static const uint64_t widths[] = {2, 3, 2, 1};
    const net_shape shape = net_shape_of(3, widths, FFWD_STEP, 0);
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (size_t d = 0; device != NULL && d < 2; d++) {
        check_shape(p, device, &shape, dtypes[d], 100003, 0, 1, 0);
    }
    ffwd_device_destroy(device);
}
END_TEST

/** X and Y at strides in elements, inside larger blocks, compared with dense ones. */
static void check_strides(const path *p, ffwd_device *device, uint32_t dtype, int64_t x_row,
                          int64_t x_col, int64_t y_row, int64_t y_col) {
    enum { ROWS = 61, IN = 5, OUT = 3, SPAN = 4096 };
    static const uint64_t widths[] = {IN, 8, OUT};
    const net_shape shape = net_shape_of(2, widths, FFWD_RELU, 1);
    const size_t element = ffwd_dtype_size(dtype);
    ffwd_model *model = net_create(&shape, dtype, 9);
    unsigned char *dense = net_values(ROWS * IN, dtype, 4, 1);
    unsigned char *x = net_alloc(2 * SPAN * element), *y = net_alloc(2 * SPAN * element);
    unsigned char *expected = net_alloc(ROWS * OUT * element),
                  *got = net_alloc(ROWS * OUT * element);
    memset(y, 0xa5, 2 * SPAN * element);
    for (int64_t r = 0; r < ROWS; r++) {
        for (int64_t c = 0; c < IN; c++) {
            memcpy(x + (SPAN + r * x_row + c * x_col) * (int64_t)element,
                   dense + (r * IN + c) * (int64_t)element, element);
        }
    }
    oracle_run(model, ROWS, dense, expected, NULL, NULL);
    ffwd_engine *engine = path_engine(p, device, model, 20);
    ffwd_input in = net_input(x + SPAN * element, dtype, ROWS, IN);
    in.row_stride = x_row;
    in.col_stride = x_col;
    ffwd_output out = net_output(y + SPAN * element, dtype, ROWS, OUT);
    out.row_stride = y_row;
    out.col_stride = y_col;
    run_engine(engine, &in, &out, NULL);

    size_t touched = 0;
    for (int64_t r = 0; r < ROWS; r++) {
        for (int64_t c = 0; c < OUT; c++) {
            unsigned char *at = y + (SPAN + r * y_row + c * y_col) * (int64_t)element;
            memcpy(got + (r * OUT + c) * (int64_t)element, at, element);
            memset(at, 0xa5, element);
        }
    }
    for (size_t i = 0; i < 2 * SPAN * element; i++) {
        touched += y[i] != 0xa5;
    }
    ck_assert_msg(touched == 0, "%s: %zu bytes written outside Y", path_text(p), touched);
    net_check_bits(got, expected, ROWS, OUT, dtype, path_text(p));
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(model);
    free(dense);
    free(x);
    free(y);
    free(expected);
    free(got);
}

START_TEST(strides) {
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (size_t d = 0; device != NULL && d < 2; d++) {
        check_strides(p, device, dtypes[d], 5, 1, 3, 1);
        check_strides(p, device, dtypes[d], 9, 1, 7, 1);
        check_strides(p, device, dtypes[d], 1, 61, 1, 61);
        check_strides(p, device, dtypes[d], 11, 2, 1, 64);
        check_strides(p, device, dtypes[d], -5, 1, -3, 1);
        check_strides(p, device, dtypes[d], -7, -1, 4, -1);
    }
    ffwd_device_destroy(device);
}
END_TEST

/* Only natural alignment is asked for: every offset within a cache line, in place. */
START_TEST(unaligned_rows) {
    enum { ROWS = 130 };
    static const uint64_t widths[] = {2, 3, 1};
    const net_shape shape = net_shape_of(2, widths, FFWD_STEP, 1);
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (size_t d = 0; device != NULL && d < 2; d++) {
        const size_t element = ffwd_dtype_size(dtypes[d]);
        ffwd_model *model = net_create(&shape, dtypes[d], 3);
        unsigned char *values = net_values(ROWS * 2, dtypes[d], 8, 0);
        unsigned char *x = aligned_alloc(64, 4096), *y = aligned_alloc(64, 4096);
        unsigned char *expected = net_alloc(ROWS * element);
        ck_assert(x != NULL && y != NULL);
        oracle_run(model, ROWS, values, expected, NULL, NULL);
        ffwd_engine *engine = path_engine(p, device, model, 0);
        for (size_t shift = 0; shift < 64; shift += element) {
            memcpy(x + shift, values, ROWS * 2 * element);
            const ffwd_input in = net_input(x + shift, dtypes[d], ROWS, 2);
            const ffwd_output out = net_output(y + 64 - shift, dtypes[d], ROWS, 1);
            run_engine(engine, &in, &out, NULL);
            net_check_bits(y + 64 - shift, expected, ROWS, 1, dtypes[d], path_text(p));
        }
        ffwd_engine_destroy(engine);
        ffwd_model_destroy(model);
        free(values);
        free(x);
        free(y);
        free(expected);
    }
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(converted_rows) {
    enum { ROWS = 77 };
    static const uint64_t widths[] = {3, 4, 2};
    const net_shape shape = net_shape_of(2, widths, FFWD_STEP, 1);
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    if (device == NULL) {
        return;
    }
    double *wide = net_values(ROWS * 3, FFWD_F64, 2, 0);
    float narrow[ROWS * 3], y_narrow[ROWS * 2];
    unsigned char bytes[ROWS * 3], y_bytes[ROWS * 2];
    double y_wide[ROWS * 2], from_bytes[ROWS * 3];
    for (size_t i = 0; i < ROWS * 3; i++) {
        narrow[i] = (float)wide[i];
        bytes[i] = (unsigned char)(i * 7);
        from_bytes[i] = bytes[i];
    }

    /* f64 rows into an f32 model, u8 out. */
    ffwd_model *model = net_create(&shape, FFWD_F32, 6);
    ffwd_engine *engine = path_engine(p, device, model, 0);
    oracle_run(model, ROWS, narrow, y_narrow, NULL, NULL);
    const ffwd_input in_wide = net_input(wide, FFWD_F64, ROWS, 3);
    const ffwd_output out_bytes = net_output(y_bytes, FFWD_U8, ROWS, 2);
    run_engine(engine, &in_wide, &out_bytes, NULL);
    for (size_t i = 0; i < ROWS * 2; i++) {
        ck_assert_uint_eq(y_bytes[i], y_narrow[i] > 0);
    }
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(model);

    /* u8 rows into an f64 model, f32 out. */
    model = net_create(&shape, FFWD_F64, 6);
    engine = path_engine(p, device, model, 0);
    oracle_run(model, ROWS, from_bytes, y_wide, NULL, NULL);
    const ffwd_input in_bytes = net_input(bytes, FFWD_U8, ROWS, 3);
    const ffwd_output out_narrow = net_output(y_narrow, FFWD_F32, ROWS, 2);
    run_engine(engine, &in_bytes, &out_narrow, NULL);
    for (size_t i = 0; i < ROWS * 2; i++) {
        ck_assert(y_narrow[i] == (float)y_wide[i]);
    }
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(model);
    free(wide);
    ffwd_device_destroy(device);
}
END_TEST

static void check_captures(const path *p, ffwd_device *device, const net_shape *shape,
                           uint32_t dtype) {
    enum { ROWS = 150, LAYERS = 4 };
    const uint64_t *widths = shape->widths;
    const size_t element = ffwd_dtype_size(dtype);
    ffwd_model *model = net_create(shape, dtype, 13);
    void *x = net_values(ROWS * widths[0], dtype, 5, 1);
    void *got[2][LAYERS], *expected[2][LAYERS];
    ffwd_output views[2][LAYERS];
    for (size_t i = 0; i < LAYERS; i++) {
        for (size_t k = 0; k < 2; k++) {
            got[k][i] = net_alloc(ROWS * widths[i + 1] * element);
            expected[k][i] = net_alloc(ROWS * widths[i + 1] * element);
            views[k][i] = net_output(got[k][i], dtype, ROWS, widths[i + 1]);
        }
    }
    /* Any of them may be left out. */
    views[0][1].data = NULL;
    views[1][2].data = NULL;
    void *y = net_alloc(ROWS * widths[LAYERS] * element);
    oracle_run(model, ROWS, x, y, expected[0], expected[1]);
    ffwd_engine *engine = path_engine(p, device, model, 64);
    const ffwd_input in = net_input(x, dtype, ROWS, widths[0]);
    const ffwd_output out = net_output(y, dtype, ROWS, widths[LAYERS]);
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.sums = views[0];
    options.outputs = views[1];
    run_engine(engine, &in, &out, &options);
    net_check_bits(y, expected[1][LAYERS - 1], ROWS, widths[LAYERS], dtype, path_text(p));
    for (size_t i = 0; i < LAYERS; i++) {
        for (size_t k = 0; k < 2; k++) {
            if (views[k][i].data != NULL) {
                net_check_bits(got[k][i], expected[k][i], ROWS, widths[i + 1], dtype,
                               k == 0 ? "sums" : "outputs");
            }
            free(got[k][i]);
            free(expected[k][i]);
        }
    }
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(model);
    free(x);
    free(y);
}

START_TEST(captures) {
    static const net_shape shapes[] = {
        {.layer_count = 4,
         .widths = {3, 5, 9, 2, 4},
         .activations = {FFWD_RELU, FFWD_SIGMOID, FFWD_IDENTITY, FFWD_STEP},
         .bias = 1},
        {.layer_count = 4,
         .widths = {6, 6, 7, 7, 1},
         .activations = {FFWD_CLIP, FFWD_PRELU, FFWD_TANH, FFWD_IDENTITY},
         .kinds = {FFWD_AFFINE, FFWD_DENSE, FFWD_AFFINE, FFWD_ARGMAX},
         .bias = 1},
        {.layer_count = 4,
         .widths = {5, 7, 7, 7, 4},
         .activations = {FFWD_IDENTITY, FFWD_IDENTITY, FFWD_IDENTITY, FFWD_RELU},
         .kinds = {FFWD_DENSE, FFWD_SOFTMAX, FFWD_LOG_SOFTMAX, FFWD_DENSE},
         .bias = 1},
    };
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    for (size_t n = 0; device != NULL && n < 2 * sizeof shapes / sizeof *shapes; n++) {
        check_captures(p, device, &shapes[n / 2], dtypes[n % 2]);
    }
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(no_rows) {
    static const uint64_t widths[] = {2, 1};
    const net_shape shape = net_shape_of(1, widths, FFWD_STEP, 0);
    const path *p = &paths[_i];
    ffwd_device *device = path_open(p);
    if (device == NULL) {
        return;
    }
    ffwd_model *model = net_create(&shape, FFWD_F32, 1);
    ffwd_engine *engine = path_engine(p, device, model, 0);
    const ffwd_input in = net_input(NULL, FFWD_F32, 0, 2);
    const ffwd_output out = net_output(NULL, FFWD_F32, 0, 1);
    run_engine(engine, &in, &out, NULL);
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(model);
    ffwd_device_destroy(device);
}
END_TEST

/* Copied, but for the bits of a NaN. OpenCL has no kernel for nothing. */
START_TEST(an_empty_chain) {
    enum { ROWS = 100, COLS = 3 };
    const path *p = &paths[_i];
    ffwd_device *device = p->isa != NULL ? path_open(p) : NULL;
    for (size_t d = 0; device != NULL && d < 2; d++) {
        const net_shape shape = {.layer_count = 0, .widths = {COLS}};
        ffwd_model *model = net_create(&shape, dtypes[d], 1);
        ffwd_engine *engine = path_engine(p, device, model, 0);
        unsigned char *x = net_values(ROWS * COLS, dtypes[d], 4, 1);
        unsigned char *y = net_alloc(ROWS * COLS * ffwd_dtype_size(dtypes[d]));
        const ffwd_input in = net_input(x, dtypes[d], ROWS, COLS);
        const ffwd_output out = net_output(y, dtypes[d], ROWS, COLS);
        run_engine(engine, &in, &out, NULL);
        for (size_t i = 0; i < ROWS * COLS; i++) {
            unsigned char *value = x + i * ffwd_dtype_size(dtypes[d]);
            oracle_activate(dtypes[d], FFWD_IDENTITY, value, value);
        }
        net_check_bits(y, x, ROWS, COLS, dtypes[d], path_text(p));
        free(x);
        free(y);
        ffwd_engine_destroy(engine);
        ffwd_model_destroy(model);
    }
    ffwd_device_destroy(device);
}
END_TEST

#if defined(__x86_64__)
#include <xmmintrin.h>
#define FLUSH_TO_ZERO 0x8040u
static void flush_to_zero(void) {
    _mm_setcsr(_mm_getcsr() | FLUSH_TO_ZERO);
}
static int flushes_to_zero(void) {
    return (_mm_getcsr() & FLUSH_TO_ZERO) == FLUSH_TO_ZERO;
}
#elif defined(__aarch64__)
#define FLUSH_TO_ZERO (UINT64_C(1) << 24)
static uint64_t control_register(void) {
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}
static void flush_to_zero(void) {
    __asm__ volatile("msr fpcr, %0" : : "r"(control_register() | FLUSH_TO_ZERO));
}
static int flushes_to_zero(void) {
    return (control_register() & FLUSH_TO_ZERO) != 0;
}
#else
static void flush_to_zero(void) {
}
static int flushes_to_zero(void) {
    return 1;
}
#endif

/** A run where the caller rounds upward and flushes subnormals to zero. */
static void check_environment(const path *p, const net_shape *shape) {
    enum { ROWS = 500 };
    const uint64_t inputs = shape->widths[0], outputs = shape->widths[shape->layer_count];
    ffwd_model *model = net_create(shape, FFWD_F32, 2);
    void *x = net_values(ROWS * inputs, FFWD_F32, 3, 1);
    void *got = net_alloc(ROWS * outputs * sizeof(float));
    void *expected = net_alloc(ROWS * outputs * sizeof(float));
    oracle_run(model, ROWS, x, expected, NULL, NULL);
    fenv_t before;
    ck_assert_int_eq(fegetenv(&before), 0);
    ck_assert_int_eq(fesetround(FE_UPWARD), 0);
    flush_to_zero();
    ffwd_device *device = path_open(p);
    if (device != NULL) {
        ffwd_engine *engine = path_engine(p, device, model, 0);
        const ffwd_input in = net_input(x, FFWD_F32, ROWS, inputs);
        const ffwd_output out = net_output(got, FFWD_F32, ROWS, outputs);
        run_engine(engine, &in, &out, NULL);
        ck_assert_int_eq(fegetround(), FE_UPWARD);
        ck_assert_int_ne(flushes_to_zero(), 0);
        ffwd_engine_destroy(engine);
        ck_assert_int_eq(fesetenv(&before), 0);
        net_check_bits(got, expected, ROWS, outputs, FFWD_F32, path_text(p));
    }
    ck_assert_int_eq(fesetenv(&before), 0);
    ffwd_device_destroy(device);
    ffwd_model_destroy(model);
    free(x);
    free(got);
    free(expected);
}

/* The bits do not depend on the caller's environment, which is left as it was. The products of the
 * second network with special values are subnormal, and nothing is added to them. */
START_TEST(foreign_floating_point_environment) {
    static const uint64_t widths[] = {6, 7, 3}, one_input[] = {1, 8};
    const net_shape smooth = net_shape_of(2, widths, FFWD_SIGMOID, 1);
    const net_shape products = net_shape_of(1, one_input, FFWD_RELU, 0);
    check_environment(&paths[_i], &smooth);
    check_environment(&paths[_i], &products);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("bits");
    TCase *tcase = tcase_create("every path");
    tcase_set_timeout(tcase, getenv("FFWD_LONG") != NULL ? 3600 : 300);
    tcase_add_loop_test(tcase, one_layer_of_every_shape, 0, path_count);
    tcase_add_loop_test(tcase, around_the_big_tiles, 0, path_count);
    tcase_add_loop_test(tcase, around_the_panels, 0, path_count);
    tcase_add_loop_test(tcase, random_networks, 0, path_count);
    tcase_add_loop_test(tcase, mixed_chains, 0, path_count);
    tcase_add_loop_test(tcase, small_networks, 0, path_count);
    tcase_add_loop_test(tcase, deep_networks, 0, path_count);
    tcase_add_loop_test(tcase, nothing_past_the_end, 0, path_count);
    tcase_add_loop_test(tcase, streamed_rows, 0, path_count);
    tcase_add_loop_test(tcase, chunks_of_every_size, 0, path_count);
    tcase_add_loop_test(tcase, many_rows, 0, path_count);
    tcase_add_loop_test(tcase, strides, 0, path_count);
    tcase_add_loop_test(tcase, unaligned_rows, 0, path_count);
    tcase_add_loop_test(tcase, converted_rows, 0, path_count);
    tcase_add_loop_test(tcase, captures, 0, path_count);
    tcase_add_loop_test(tcase, an_empty_chain, 0, path_count);
    tcase_add_loop_test(tcase, no_rows, 0, path_count);
    tcase_add_loop_test(tcase, foreign_floating_point_environment, 0, path_count);
    suite_add_tcase(suite, tcase);
    return suite_main(suite);
}
