// SPDX-License-Identifier: MIT
// The host's side of the probe, included once for each dtype: probe_f32.c and probe_f64.c supply
// the seven names and DTYPE, BITS_FORMAT, VALUE_DIGITS, SPECIALS, PROBE_HOST.
#include <stdio.h>

#include "kernels/activation_list.h"
#include "kernels/probe_list.h"
#include "kernels/row_operations.h"
#include "opencl/probe.h"

static const BITS specials[] = {SPECIALS};
enum { SPECIAL_COUNT = sizeof specials / sizeof specials[0] };

/** splitmix64 (Steele, Lea, Flood 2014): any bits, the same in every build. */
static uint64_t mix(uint64_t n) {
    n = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
    return n ^ (n >> 31);
}

/** Uniform in [-32, 32), where the activations curve. */
static BITS near_zero(uint64_t n) {
    int64_t steps = (int64_t)(mix(n) >> 11) - (INT64_C(1) << 52);
    return AS_BITS(K(steps) / K(INT64_C(1) << 47));
}

static void fill(void *operands, uint32_t count) {
    BITS *at = operands;
    for (uint32_t i = 0; i < count; i++, at += 3) {
        if (i < SPECIAL_COUNT * SPECIAL_COUNT) {
            at[0] = specials[i % SPECIAL_COUNT];
            at[1] = specials[i / SPECIAL_COUNT];
            at[2] = specials[(i + i / SPECIAL_COUNT) % SPECIAL_COUNT];
        } else if (i % 4 != 0) {
            at[0] = near_zero(UINT64_C(3) * i);
            at[1] = near_zero(UINT64_C(3) * i + 1);
            at[2] = AS_BITS(K(0) - AS_REAL(at[0]) * AS_REAL(at[1]));
        } else {
            at[0] = (BITS)mix(UINT64_C(3) * i);
            at[1] = (BITS)mix(UINT64_C(3) * i + 1);
            at[2] = (BITS)mix(UINT64_C(3) * i + 2);
        }
    }
}

static void answer(const void *operands, uint32_t count, void *results) {
    const BITS *operand = operands;
    BITS *result = results;
    for (uint32_t i = 0; i < count; i++, operand += 3) {
        const REAL a = AS_REAL(operand[0]);
        const REAL b = AS_REAL(operand[1]);
        const REAL c = AS_REAL(operand[2]);
#define STORE(name, arity, value) *result++ = AS_BITS(ffwd_canonical(value));
        FFWD_PROBE_LIST(STORE, a, b, c)
#undef STORE
    }
}

/** Ordinary values, and one in 64 that is special. */
static BITS mostly_near_zero(uint64_t n) {
    const uint64_t any = mix(n);
    return any % 64 != 0 ? near_zero(n) : specials[any / 64 % SPECIAL_COUNT];
}

static void fill_dense(const ffwd_probe_shape *shape, void *x, void *weights, void *bias) {
    BITS *row = x;
    BITS *neuron = weights;
    BITS *start = bias;
    for (size_t n = 0; n < shape->rows * shape->inputs; n++) {
        row[n] = mostly_near_zero(n);
    }
    for (size_t n = 0; n < shape->neurons * shape->inputs; n++) {
        neuron[n] = AS_BITS(AS_REAL(mostly_near_zero(n + (1 << 20))) / K(256));
    }
    for (size_t n = 0; n < shape->neurons; n++) {
        start[n] = AS_BITS(K(-0.0));
    }
    for (size_t k = 0; k < shape->inputs; k++) {
        row[k] = AS_BITS(K(-0.0));
        row[shape->inputs + k] = 1;
        neuron[k] = AS_BITS(K(1));
        neuron[shape->inputs + k] = 0;
    }
}

static void fill_values(void *values, size_t count) {
    for (size_t n = 0; n < count; n++) {
        ((BITS *)values)[n] = mostly_near_zero(n + (1 << 21));
    }
}

/** values[index], or what it is where there are none. */
static REAL value_or(const void *values, size_t index, REAL absent) {
    return values != NULL ? AS_REAL(((const BITS *)values)[index]) : absent;
}

static void dense_row(const ffwd_operation *dense, const BITS *x, BITS *z) {
    const BITS *weights = dense->weights;
    for (size_t o = 0; o < dense->neurons; o++, weights += dense->inputs) {
        REAL sum = value_or(dense->bias, o, K(0));
        for (size_t k = 0; k < dense->inputs; k++) {
            sum = FMA(AS_REAL(weights[k]), AS_REAL(x[k]), sum);
        }
        z[o] = AS_BITS(sum);
    }
}

static void affine_row(const ffwd_operation *affine, const BITS *x, BITS *z) {
    for (size_t i = 0; i < affine->inputs; i++) {
        z[i] = AS_BITS(FMA(AS_REAL(x[i]), value_or(affine->weights, i, K(1)),
                           value_or(affine->bias, i, K(-0.0))));
    }
}

static void softmax_row(const ffwd_operation *softmax, const BITS *x, BITS *z) {
    const int logarithm = softmax->kind == FFWD_LOG_SOFTMAX;
    REAL largest = AS_REAL(x[0]), sum = K(0);
    for (size_t i = 1; i < softmax->inputs; i++) {
        largest = GREATER(AS_REAL(x[i]), largest);
    }
    for (size_t i = 0; i < softmax->inputs; i++) {
        const REAL d = AS_REAL(x[i]) - largest, e = ffwd_exp(d);
        sum = sum + e;
        z[i] = AS_BITS(ffwd_softmax_term(logarithm, d, e));
    }
    const REAL scale = ffwd_softmax_scale(logarithm, sum);
    for (size_t i = 0; i < softmax->inputs; i++) {
        z[i] = AS_BITS(ffwd_softmax_finish(logarithm, AS_REAL(z[i]), scale));
    }
}

static void argmax_row(const ffwd_operation *argmax, const BITS *x, BITS *z) {
    REAL largest = AS_REAL(x[0]);
    size_t index = 0;
    for (size_t i = 1; i < argmax->inputs; i++) {
        if (ffwd_beats(AS_REAL(x[i]), largest) > K(0)) {
            largest = AS_REAL(x[i]);
            index = i;
        }
    }
    z[0] = AS_BITS(K(index));
}

static void sums(const ffwd_operation *operation, size_t rows, const void *x, void *z) {
    void (*const row)(const ffwd_operation *, const BITS *, BITS *) =
        operation->kind == FFWD_DENSE    ? dense_row
        : operation->kind == FFWD_AFFINE ? affine_row
        : operation->kind == FFWD_ARGMAX ? argmax_row
                                         : softmax_row;
    const size_t inputs = (size_t)operation->inputs, neurons = (size_t)operation->neurons;
    BITS *values = z;
    for (size_t r = 0; r < rows; r++) {
        row(operation, (const BITS *)x + r * inputs, values + r * neurons);
    }
    for (size_t i = 0; i < rows * neurons; i++) {
        values[i] = AS_BITS(ffwd_canonical(AS_REAL(values[i])));
    }
}

static void outputs(const ffwd_operation *operation, size_t rows, const void *z, void *y) {
    const size_t neurons = (size_t)operation->neurons;
    for (size_t i = 0; i < rows * neurons; i++) {
        const REAL value =
            ffwd_activate(operation->activation, AS_REAL(((const BITS *)z)[i]), K(operation->alpha),
                          K(operation->beta), value_or(operation->slopes, i % neurons, K(0)));
        ((BITS *)y)[i] = AS_BITS(ffwd_canonical(value));
    }
}

static uint64_t bits(const void *values, size_t index) {
    return ((const BITS *)values)[index];
}

static void explain(const void *operands, const void *got, const void *expected, size_t index,
                    char *text, size_t size) {
    static const struct {
        const char *name;
        int arity;
    } list[] = {
#define ENTRY(name, arity, value) {#name "_" DTYPE, arity},
        FFWD_PROBE_LIST(ENTRY, 0, 0, 0)
#undef ENTRY
    };
    _Static_assert(sizeof list / sizeof list[0] == FFWD_PROBE_RESULTS, "the list has its length");
    const BITS *operand = (const BITS *)operands + index / FFWD_PROBE_RESULTS * 3;
    int arity = list[index % FFWD_PROBE_RESULTS].arity;
    char arguments[128];
    size_t used = 0;
    for (int i = 0; i < arity; i++) {
        used += (size_t)snprintf(arguments + used, sizeof arguments - used, "%s%.*g",
                                 i > 0 ? ", " : "", VALUE_DIGITS, (double)AS_REAL(operand[i]));
    }
    (void)snprintf(text, size, "%s(%s): got " BITS_FORMAT ", expected " BITS_FORMAT,
                   list[index % FFWD_PROBE_RESULTS].name, arguments, ((const BITS *)got)[index],
                   ((const BITS *)expected)[index]);
}

const ffwd_probe_host PROBE_HOST = {
    .value_bytes = sizeof(REAL),
    .result_count = FFWD_PROBE_RESULTS,
    .fill = fill,
    .answer = answer,
    .fill_dense = fill_dense,
    .fill_values = fill_values,
    .sums = sums,
    .outputs = outputs,
    .bits = bits,
    .explain = explain,
};
