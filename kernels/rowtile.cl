// SPDX-License-Identifier: MIT
// A chain of layers of middling width in one pass over memory, for GPUs: a group takes TILE_ROWS
// rows through all layers, in its local memory.
//
//   z[r][o] = fma(w[o][K-1], x[r][K-1], ... fma(w[o][0], x[r][0], bias[o]))     K = inputs
//   y[r][o] = activation(z[r][o]), the next layer's x
//
// of a dense layer; z[r][o] = fma(x[r][o], scale[o], shift[o]) of an affine one; the others, on
// whole rows, as in row_operations.h.
//
// Operands, all dense; x, y and captures are aligned to one element only, packed to 4 of them:
//   x         [rows][INPUTS]
//   packed    of all layers, one behind the other, in lines of a multiple of 4 values, filled up
//             with zeros. First alpha and beta, or the slopes of a prelu, where the activation has
//             parameters. Then, of a dense layer, a line of biases and input by input a line of
//             weights, of all neurons; of an affine one, the scale, then the shift
//   y         [rows][OUTPUTS]
//   captures  of all layers, one behind the other: z [rows][neurons], y [rows][neurons]; or NULL
//   x_offset, y_offset   elements in front of the rows in x and in y
//
// In local memory, the rows feature by feature, and the weights of TILE_K inputs at a time:
//
//             row 0 .. 3   4 .. 7                            neuron 0 .. 3   4 .. 7
//   f [0]     [ item 0 ]   [ item 1 ]  ..    held [0]        [ items 0, 1, .. WG_ROWS - 1 ]  ..
//   f [1]     [        ]   [        ]        held [1]        [                            ]
//
// Item (i, j) has the sums of rows 4 i .. 4 i + 3 in vectors, and of every WG_NEURONS-th run of 4
// neurons from run j on. Adjacent items have adjacent rows and the same neurons: they read f side by
// side, and held together. All sums of a layer are in registers before the first takes the place of
// what they were made of.
//
// Launch: WG_ROWS * WG_NEURONS items a group, a group for each tile of the rows [begin, end).
// Captures are of these rows alone.
// Local memory: WIDEST * (TILE_ROWS + 4) + TILE_K * FILLED(WIDEST) elements, TILE_ROWS = 4 WG_ROWS.
// Registers: of the widest layer, 4 sums for each of an item's neurons; 8 operands.
//
// The layers are a text of the host's, see layers.h, and so are the activations that they have, one
// bit for each: -D USED=4.
//
// Edges: past the end of the rows, the last one is read again, and not stored. An item without a
// run of neurons computes the last one again, and drops it.
#define LANES 4
#ifndef USED
#define USED 4
#endif
#include "names_opencl.h"

#define FFWD_USED(number) ((USED) >> (number) & 1)
#include "activation_list.h"

#ifndef KERNEL // rowtile_f32, rowtile_f64: named by the host
#define KERNEL rowtile_f32
#endif
#ifndef WG_ROWS // items along the rows
#define WG_ROWS 16
#endif
#ifndef WG_NEURONS // items along the neurons
#define WG_NEURONS 8
#endif
#ifndef TILE_K // inputs whose weights are in local memory
#define TILE_K 8
#endif
#ifndef INPUTS // of the first layer
#define INPUTS 16
#endif
#ifndef OUTPUTS // of the last layer
#define OUTPUTS 1
#endif
#ifndef WIDEST // of INPUTS and all neurons
#define WIDEST 64
#endif
#ifndef LAYERS
#define LAYERS LAYER(16, 64, 1, 2, 0, 0) LAYER(64, 64, 1, 2, 0, 0) LAYER(64, 1, 1, 2, 0, 1)
#endif
#ifndef CAPTURED // 1: every layer's z and y go into captures
#define CAPTURED 0
#endif

#if WG_ROWS < 1 || WG_NEURONS < 1 || TILE_K < 1
#error "rowtile.cl: every tunable is at least 1"
#endif

#define WEIGHTS   global
#define VECTORS   1
#define UNROLLED  _Pragma("unroll")
#define FILLED(n) (((n) + 3) / 4 * 4)
#define ROWS_ELSEWHERE
#include "layers.h"

#define ITEMS     (WG_ROWS * WG_NEURONS)
#define TILE_ROWS (4 * WG_ROWS)
#define LINE      (TILE_ROWS + 4)
// Runs of 4 neurons of a layer that an item has.
#define RUNS(neurons) ((FILLED(neurons) / 4 + WG_NEURONS - 1) / WG_NEURONS)

#define ON_BOUNDARY(p) ((size_t)(p) % sizeof(FOUR) == 0)

// A tile of rows, and what all layers use.
typedef struct tile {
    local SCALAR *f; // [WIDEST][LINE]
    local FOUR *held;
    uint rows;        // that are rows
    size_t done, all; // rows before it, and all, in captures
} tile;

// f[c][r] = x[r][c]; past the rows, the last one again.
INLINE void load_rows(global const SCALAR *x, const tile *t) {
#if INPUTS % 4 == 0
    if (ON_BOUNDARY(x)) {
        for (uint q = get_local_id(0); q < TILE_ROWS * (INPUTS / 4); q += ITEMS) {
            const uint r = q / (INPUTS / 4), c = q - r * (INPUTS / 4);
            const FOUR v = ((global const FOUR *)x)[min(r, t->rows - 1) * (INPUTS / 4) + c];
            local SCALAR *at = t->f + 4 * c * LINE + r;
            at[0] = v.s0;
            at[LINE] = v.s1;
            at[2 * LINE] = v.s2;
            at[3 * LINE] = v.s3;
        }
        return;
    }
#endif
    for (uint e = get_local_id(0); e < TILE_ROWS * INPUTS; e += ITEMS) {
        const uint r = e / INPUTS, c = e - r * INPUTS;
        t->f[c * LINE + r] = x[min(r, t->rows - 1) * INPUTS + c];
    }
}

// y[r][c] = f[c][r] of the rows, of a matrix of `cols`.
INLINE void store_rows(const tile *t, const uint cols, global SCALAR *y) {
    for (uint e = get_local_id(0); e < t->rows * cols; e += ITEMS) {
        const uint r = e / cols, c = e - r * cols;
        y[e] = t->f[c * LINE + r];
    }
}

// z of an item's rows and one neuron, for a capture.
INLINE void capture(const REAL z, const tile *t, const uint row, const uint neuron,
                    const uint neurons, global SCALAR *captures) {
    const SCALAR values[4] = {z.s0, z.s1, z.s2, z.s3};
    for (uint a = 0; a < 4; a++) {
        if (row + a < t->rows) {
            captures[(t->done + row + a) * neurons + neuron] = values[a];
        }
    }
}

// One value of 4 rows, where it lies: feature o of the item's run of rows i.
#define AT(o) (*(local REAL *)(t->f + (o) * LINE + 4 * i))

// z and y of one neuron and the rows of run i, where they are captured.
INLINE void keep(const layer *l, const tile *t, const uint i, const uint neuron, const REAL z,
                 const REAL y, global SCALAR *captures) {
    AT(neuron) = y;
    if (CAPTURED) {
        capture(z, t, 4 * i, neuron, l->neurons, captures);
        capture(y, t, 4 * i, neuron, l->neurons, captures + t->all * l->neurons);
    }
}

// held[k] = the weights of input k0 + k, of `count` of them.
INLINE void hold(const tile *t, global const FOUR *w, const uint vectors, const uint k0,
                 const uint count) {
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint q = get_local_id(0); q < count * vectors; q += ITEMS) {
        t->held[q] = w[(k0 + 1) * vectors + q];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
}

// f = activation(bias + the sum over k of weights[k] * f[k]), k in order, of all neurons.
INLINE void dense(const layer *l, const tile *t, global const SCALAR *weights,
                  global SCALAR *captures) {
    global const FOUR *w = (global const FOUR *)weights;
    const uint i = get_local_id(0) % WG_ROWS, j = get_local_id(0) / WG_ROWS;
    const uint vectors = FILLED(l->neurons) / 4, runs = RUNS(l->neurons);
    REAL sums[4 * RUNS(WIDEST)];
    UNROLLED
    for (uint n = 0; n < RUNS(WIDEST); n++) {
        const FOUR bias = w[min(j + n * WG_NEURONS, vectors - 1)];
        sums[4 * n] = K(bias.s0);
        sums[4 * n + 1] = K(bias.s1);
        sums[4 * n + 2] = K(bias.s2);
        sums[4 * n + 3] = K(bias.s3);
    }
    for (uint k0 = 0; k0 < l->inputs; k0 += TILE_K) {
        const uint depth = min((uint)TILE_K, l->inputs - k0);
        hold(t, w, vectors, k0, depth);
        // Unrolled, a compiler reads several inputs ahead, into more registers than there are.
#pragma unroll 1
        for (uint k = 0; k < depth; k++) {
            const REAL x = AT(k0 + k);
            UNROLLED
            for (uint n = 0; n < runs; n++) {
                const FOUR v = t->held[k * vectors + min(j + n * WG_NEURONS, vectors - 1)];
                sums[4 * n] = FMA(K(v.s0), x, sums[4 * n]);
                sums[4 * n + 1] = FMA(K(v.s1), x, sums[4 * n + 1]);
                sums[4 * n + 2] = FMA(K(v.s2), x, sums[4 * n + 2]);
                sums[4 * n + 3] = FMA(K(v.s3), x, sums[4 * n + 3]);
            }
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    UNROLLED
    for (uint b = 0; b < 4 * RUNS(WIDEST); b++) {
        const uint neuron = 4 * (j + b / 4 * WG_NEURONS) + b % 4;
        if (b < 4 * runs && neuron < l->neurons) {
            REAL z, y;
            finish(l, neuron, sums + b, &z, &y);
            keep(l, t, i, neuron, z, y, captures);
        }
    }
}

INLINE void affine(const layer *l, const tile *t, global const SCALAR *w,
                   global SCALAR *captures) {
    for (uint e = get_local_id(0); e < l->neurons * WG_ROWS; e += ITEMS) {
        const uint o = e / WG_ROWS, i = e - o * WG_ROWS;
        REAL z, y;
        const REAL sum = FMA(AT(o), K(w[o]), K(w[FILLED(l->neurons) + o]));
        finish(l, o, &sum, &z, &y);
        keep(l, t, i, o, z, y, captures);
    }
}

// Along the features of 4 rows.
INLINE void softmax(const int logarithm, const layer *l, const tile *t, const uint i) {
    REAL largest = AT(0), sum = K(0);
    for (uint k = 1; k < l->inputs; k++) {
        largest = GREATER(AT(k), largest);
    }
    for (uint k = 0; k < l->inputs; k++) {
        const REAL d = AT(k) - largest, e = ffwd_exp(d);
        sum = sum + e;
        AT(k) = ffwd_softmax_term(logarithm, d, e);
    }
    const REAL scale = ffwd_softmax_scale(logarithm, sum);
    for (uint k = 0; k < l->inputs; k++) {
        AT(k) = ffwd_softmax_finish(logarithm, AT(k), scale);
    }
}

INLINE void argmax(const layer *l, const tile *t, const uint i) {
    REAL largest = AT(0), index = K(0);
    for (uint k = 1; k < l->inputs; k++) {
        const REAL x = AT(k), taken = ffwd_beats(x, largest);
        largest = WHEN_GT(taken, K(0), x, largest);
        index = WHEN_GT(taken, K(0), K((SCALAR)k), index);
    }
    AT(0) = index;
}

// An operation on whole rows: one item for 4 of them. Its z is its y.
INLINE void whole_rows(const uint kind, const layer *l, const tile *t, global SCALAR *captures) {
    for (uint i = get_local_id(0); i < WG_ROWS; i += ITEMS) {
        if (kind == ARGMAX) {
            argmax(l, t, i);
        } else {
            softmax(kind == LOG_SOFTMAX, l, t, i);
        }
        for (uint o = 0; o < l->neurons; o++) {
            const REAL y = l->last || CAPTURED ? ffwd_canonical(AT(o)) : AT(o);
            keep(l, t, i, o, y, y, captures);
        }
    }
}

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
KERNEL(global const SCALAR *restrict x, global const SCALAR *restrict packed,
       global SCALAR *restrict y, global SCALAR *restrict captures, const ulong begin,
       const ulong end, const ulong x_offset, const ulong y_offset) {
    local SCALAR f[WIDEST * LINE] __attribute__((aligned(32)));
    local FOUR held[TILE_K * (FILLED(WIDEST) / 4)];
    const size_t first = begin + get_group_id(0) * TILE_ROWS;
    const tile t = {f, held, (uint)min((size_t)TILE_ROWS, (size_t)end - first), first - begin,
                    end - begin};
    global const SCALAR *w = packed;
    load_rows(x + x_offset + first * INPUTS, &t);
    barrier(CLK_LOCAL_MEM_FENCE);
#define LAYER(inputs, neurons, kind, activation, parameters, last)                                 \
    {                                                                                              \
        const layer l = {inputs, neurons, activation, last,                                        \
                         (parameters) > 0 ? K(w[0]) : K(0), (parameters) > 0 ? K(w[1]) : K(0), w}; \
        w += FILLED(parameters);                                                                   \
        if ((kind) == DENSE) {                                                                     \
            dense(&l, &t, w, captures);                                                            \
        } else if ((kind) == AFFINE) {                                                             \
            affine(&l, &t, w, captures);                                                           \
        } else {                                                                                   \
            whole_rows(kind, &l, &t, captures);                                                    \
        }                                                                                          \
        barrier(CLK_LOCAL_MEM_FENCE);                                                              \
        w += weights_of(kind, inputs, neurons);                                                    \
        captures += CAPTURED ? 2 * t.all * (neurons) : 0;                                          \
    }
    LAYERS
#undef LAYER
    store_rows(&t, OUTPUTS, y + y_offset + first * OUTPUTS);
}
