// SPDX-License-Identifier: MIT
// Random networks and rows for tests.
#include "nets.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE(name, value, word) value,
const uint32_t net_activations[] = {FFWD_ACTIVATION_LIST(VALUE)};
#undef VALUE
const size_t net_activation_count = sizeof net_activations / sizeof *net_activations;

net_shape net_shape_of(size_t layer_count, const uint64_t *widths, uint32_t activation, int bias) {
    net_shape shape = {.layer_count = layer_count, .bias = bias};
    memcpy(shape.widths, widths, (layer_count + 1) * sizeof *widths);
    for (size_t i = 0; i < layer_count; i++) {
        shape.activations[i] = activation;
    }
    return shape;
}

const char *net_shape_text(const net_shape *shape) {
    static char text[256];
    int used = snprintf(text, sizeof text, "%llu", (unsigned long long)shape->widths[0]);
    for (size_t i = 0; i < shape->layer_count; i++) {
        used += snprintf(text + used, sizeof text - (size_t)used, "-%llu %s",
                         (unsigned long long)shape->widths[i + 1],
                         shape->kinds[i] == 0 || shape->kinds[i] == FFWD_DENSE
                             ? ffwd_activation_name(shape->activations[i])
                             : ffwd_kind_name(shape->kinds[i]));
    }
    (void)snprintf(text + used, sizeof text - (size_t)used, "%s", shape->bias ? " +bias" : "");
    return text;
}

ffwd_input net_input(const void *x, uint32_t dtype, uint64_t rows, uint64_t cols) {
    return (ffwd_input){.data = x, .dtype = dtype, .rows = rows, .cols = cols};
}

ffwd_output net_output(void *y, uint32_t dtype, uint64_t rows, uint64_t cols) {
    return (ffwd_output){.data = y, .dtype = dtype, .rows = rows, .cols = cols};
}

void *net_alloc(uint64_t bytes) {
    void *block = malloc((size_t)bytes + 1);
    ck_assert_ptr_nonnull(block);
    return block;
}

/** A different 64-bit number for each index. */
static uint64_t mix(uint64_t index) {
    index = (index ^ (index >> 30)) * 0xbf58476d1ce4e5b9ull;
    index = (index ^ (index >> 27)) * 0x94d049bb133111ebull;
    return index ^ (index >> 31);
}

static void spice_f32(float *values, uint64_t count, uint64_t seed) {
    const float special[] = {NAN,        INFINITY, -INFINITY, 0.0f,      -0.0f, 0x1p-149f,
                             -0x1p-140f, 0x1p126f, -0x1p120f, 0x1p-126f, 1.0f,  -1.0f};
    for (uint64_t i = 0; i < count; i++) {
        uint64_t roll = mix(i + seed * 1000003);
        if (roll % 16 == 0) {
            values[i] = special[roll / 16 % (sizeof special / sizeof *special)];
        }
    }
}

static void spice_f64(double *values, uint64_t count, uint64_t seed) {
    const double special[] = {NAN,        INFINITY, -INFINITY, 0.0,       -0.0, 0x1p-1074,
                              -0x1p-1060, 0x1p1022, -0x1p1000, 0x1p-1022, 1.0,  -1.0};
    for (uint64_t i = 0; i < count; i++) {
        uint64_t roll = mix(i + seed * 1000003);
        if (roll % 16 == 0) {
            values[i] = special[roll / 16 % (sizeof special / sizeof *special)];
        }
    }
}

void *net_values(uint64_t count, uint32_t dtype, uint64_t seed, int special) {
    void *values = net_alloc(count * ffwd_dtype_size(dtype));
    ck_assert_int_eq(ffwd_random_fill(seed, 0, 0, count, dtype, values, NULL), FFWD_OK);
    if (special && dtype == FFWD_F32) {
        spice_f32(values, count, seed);
    } else if (special) {
        spice_f64(values, count, seed);
    }
    return values;
}

enum { LAYERS_MAX = 7, ARRAYS = 3 };

/** A layer with its arrays, which are to be freed. */
static ffwd_operation layer_of(const net_shape *shape, size_t index, uint32_t dtype, uint64_t seed,
                               void *arrays[ARRAYS]) {
    const uint64_t inputs = shape->widths[index], neurons = shape->widths[index + 1];
    ffwd_operation layer = {0};
    const uint32_t kind = shape->kinds[index] != 0 ? shape->kinds[index] : FFWD_DENSE;
    ck_assert_int_eq(ffwd_operation_parse(ffwd_activation_name(shape->activations[index]),
                                          sizeof layer, &layer, NULL),
                     FFWD_OK);
    layer.kind = kind;
    layer.inputs = inputs;
    layer.neurons = neurons;
    if (seed % 2 != 0) {
        layer.alpha = layer.activation == FFWD_CLIP ? -0.5 : 0.3;
        layer.beta = 0.45;
    }
    if (kind == FFWD_DENSE) {
        arrays[0] = net_values(inputs * neurons, dtype, seed * 100 + 2 * index, 0);
    } else if (kind == FFWD_AFFINE && seed % 3 != 0) {
        arrays[0] = net_values(inputs, dtype, seed * 100 + 2 * index, 0);
    }
    if (shape->bias && (kind == FFWD_DENSE || kind == FFWD_AFFINE)) {
        arrays[1] = net_values(neurons, dtype, seed * 100 + 2 * index + 1, 0);
    }
    if (layer.activation == FFWD_PRELU) {
        arrays[2] = net_values(neurons, dtype, seed * 100 + 50 + index, 0);
    }
    layer.weights = arrays[0];
    layer.bias = arrays[1];
    layer.slopes = arrays[2];
    return layer;
}

ffwd_model *net_create(const net_shape *shape, uint32_t dtype, uint64_t seed) {
    ffwd_operation layers[LAYERS_MAX] = {{0}};
    void *arrays[LAYERS_MAX][ARRAYS] = {{NULL}};
    for (size_t i = 0; i < shape->layer_count; i++) {
        layers[i] = layer_of(shape, i, dtype, seed, arrays[i]);
    }
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = NULL;
    ffwd_status status = ffwd_model_create(dtype, shape->widths[0], layers, shape->layer_count,
                                           sizeof layers[0], &model, &err);
    for (size_t i = 0; i < LAYERS_MAX * ARRAYS; i++) {
        free(arrays[i / ARRAYS][i % ARRAYS]);
    }
    ck_assert_msg(status == FFWD_OK, "%s: %s", net_shape_text(shape), err.message);
    return model;
}

void net_check_bits(const void *got, const void *expected, uint64_t rows, uint64_t cols,
                    uint32_t dtype, const char *what) {
    const size_t element = ffwd_dtype_size(dtype);
    if (memcmp(got, expected, (size_t)(rows * cols) * element) == 0) {
        return;
    }
    for (uint64_t i = 0; i < rows * cols; i++) {
        uint64_t a = 0, b = 0;
        memcpy(&a, (const unsigned char *)got + i * element, element);
        memcpy(&b, (const unsigned char *)expected + i * element, element);
        ck_assert_msg(a == b, "%s: row %llu of %llu, column %llu of %llu: got %llx, expected %llx",
                      what, (unsigned long long)(i / cols), (unsigned long long)rows,
                      (unsigned long long)(i % cols), (unsigned long long)cols,
                      (unsigned long long)a, (unsigned long long)b);
    }
}
