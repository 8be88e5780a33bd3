// SPDX-License-Identifier: MIT
// A chain of narrow layers in one pass over memory, for GPUs: an item takes ITEM_ROWS rows through
// all layers, and what lies between them never leaves its registers.
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
//             parameters. Then, of a dense layer, the neurons in tiles of 4, in each tile a line of
//             the biases of its neurons, then input by input a line of their weights; of an affine
//             one, the scale, then the shift
//   y         [rows][OUTPUTS]
//   captures  of all layers, one behind the other: z [rows][neurons], y [rows][neurons]; or NULL
//   x_offset, y_offset   elements in front of the rows in x and in y
//
// A group takes a tile of TILE_ROWS = ITEMS * ITEM_ROWS rows. Which item has which row, ITEMS = 3,
// ITEM_ROWS = 2:
//
//   narrow rows    | 0 | 0 | 1 | 1 | 2 | 2 |         an item's rows are adjacent, together
//                   r0  r1  r2  r3  r4  r5           whole vectors of 16 bytes
//
//   STAGED         | 0    | 1    | 2    | 0    | ..  rows go through local memory, to and from
//                   r0     r1     r2     r3          which adjacent items move adjacent vectors
//
//   stage [TILE_ROWS][LINE], LINE odd: rows that adjacent items read lie in different banks.
//
// Launch: ITEMS items a group, a group for each tile of the rows [begin, end), or with the weights
// in local memory, fewer. Captures are of these rows alone.
// Local memory: where STAGED, TILE_ROWS * LINE elements, LINE = max(INPUTS, OUTPUTS) or one more;
// with the weights in local memory, PACKED elements.
// Registers: ITEM_ROWS * (inputs + neurons) of the layer that has most, 4 weights; twice as many
// for doubles. All loops along a row are unrolled, so that its values have registers of their own.
//
// With the weights in local memory a group goes on from tile to tile. Elsewhere it takes one: the
// compiler would fetch all weights before the first, and has no registers for them.
//
// The layers are a text of the host's, see layers.h, and so are the activations that they have, one
// bit for each: -D USED=2.
//
// Edges: an item with rows past the end reads the last row for them, and stores only the others. A
// dense layer's last tile has neurons of zeros, which nothing reads.
#ifndef ITEM_ROWS // rows of an item: 1, 2 or 4
#define ITEM_ROWS 4
#endif
#if ITEM_ROWS > 1
#define LANES ITEM_ROWS
#endif
#ifndef USED
#define USED 2
#endif
#include "names_opencl.h"

#define FFWD_USED(number) ((USED) >> (number) & 1)
#include "activation_list.h"

#ifndef KERNEL // registers_f32, registers_f64: named by the host
#define KERNEL registers_f32
#endif
#ifndef ITEMS // of a group
#define ITEMS 64
#endif
#ifndef INPUTS // of the first layer
#define INPUTS 2
#endif
#ifndef OUTPUTS // of the last layer
#define OUTPUTS 1
#endif
#ifndef WIDEST // of INPUTS and all neurons
#define WIDEST 3
#endif
#ifndef LAYERS
#define LAYERS LAYER(2, 3, 1, 1, 0, 0) LAYER(3, 1, 1, 1, 0, 1)
#endif
#ifndef STAGED // 1: rows go through local memory
#define STAGED 0
#endif
#ifndef PLACE // of the weights: 0 constant memory, 1 local, 2 global
#define PLACE 0
#endif
#ifndef PACKED // values in packed
#define PACKED 20
#endif
#ifndef CAPTURED // 1: every layer's z and y go into captures
#define CAPTURED 0
#endif

#if ITEM_ROWS != 1 && ITEM_ROWS != 2 && ITEM_ROWS != 4
#error "registers.cl: an item has 1, 2 or 4 rows"
#endif
#if ITEMS < 1 || PACKED % 4 != 0
#error "registers.cl: a group has an item, the weights whole lines"
#endif

#if PLACE == 0
#define PACKED_IN constant
#define WEIGHTS   constant
#elif PLACE == 1
#define PACKED_IN global
#define WEIGHTS   local
#else
#define PACKED_IN global
#define WEIGHTS   global
#endif
#define VECTORS   1
#define UNROLLED  _Pragma("unroll")
#define FILLED(n) (((n) + 3) / 4 * 4)
#include "layers.h"

#define TILE_ROWS      (ITEMS * ITEM_ROWS)
#define CAPTURED_WIDTH (CAPTURED ? WIDEST : 1)
#define LINE           ((INPUTS > OUTPUTS ? INPUTS : OUTPUTS) | 1)
// An item's rows in its tile: from item * FIRST_STEP on, each ROW_STEP behind the last one.
#if STAGED
#define FIRST_STEP 1
#define ROW_STEP   ITEMS
#else
#define FIRST_STEP ITEM_ROWS
#define ROW_STEP   1
#endif

// A value of each of an item's rows, which lie `step` apart, and back.
#if ITEM_ROWS == 1
#define GATHER(p, step)     ((p)[0])
#define SCATTER(p, step, v) ((p)[0] = (v))
#elif ITEM_ROWS == 2
#define GATHER(p, step)     ((REAL)((p)[0], (p)[step]))
#define SCATTER(p, step, v) ((p)[0] = (v).s0, (p)[step] = (v).s1)
#else
#define GATHER(p, step) ((REAL)((p)[0], (p)[step], (p)[2 * (step)], (p)[3 * (step)]))
#define SCATTER(p, step, v)                                                                        \
    ((p)[0] = (v).s0, (p)[step] = (v).s1, (p)[2 * (step)] = (v).s2, (p)[3 * (step)] = (v).s3)
#endif

#define ON_BOUNDARY(p) ((size_t)(p) % sizeof(FOUR) == 0)
#define WHOLE_FOURS(cols) (ITEM_ROWS * (cols) % 4 == 0)

// y[o] = activation(bias[o] + the sum over k of weights[k][o] * x[k]), k in order, for 4 neurons
// from `first` on.
INLINE void run_tile(const layer *l, const uint first, REAL (*x)[VECTORS],
                     WEIGHTS const FOUR *line, REAL (*z)[VECTORS], REAL (*y)[VECTORS]) {
    REAL sums[4] = {K(line[0].s0), K(line[0].s1), K(line[0].s2), K(line[0].s3)};
    UNROLLED
    for (uint k = 0; k < l->inputs; k++) {
        const FOUR w = line[k + 1];
        sums[0] = FMA(K(w.s0), x[k][0], sums[0]);
        sums[1] = FMA(K(w.s1), x[k][0], sums[1]);
        sums[2] = FMA(K(w.s2), x[k][0], sums[2]);
        sums[3] = FMA(K(w.s3), x[k][0], sums[3]);
    }
    UNROLLED
    for (uint o = 0; o < 4; o++) {
        if (first + o < l->neurons) {
            finish(l, first + o, sums + o, z[CAPTURED ? first + o : 0], y[first + o]);
        }
    }
}

INLINE void run_dense(const layer *l, REAL (*x)[VECTORS], WEIGHTS const SCALAR *w,
                      REAL (*z)[VECTORS], REAL (*y)[VECTORS]) {
    WEIGHTS const FOUR *lines = (WEIGHTS const FOUR *)w;
    UNROLLED
    for (uint o = 0; o < l->neurons; o += 4) {
        run_tile(l, o, x, lines + o / 4 * (l->inputs + 1), z, y);
    }
}

#if STAGED
// stage[r][c] = x[r][c] of the tile; past its `rows`, the last one again.
INLINE void stage_rows(global const SCALAR *x, const uint rows, local SCALAR *stage) {
#if INPUTS % 4 == 0
    if (ON_BOUNDARY(x)) {
        for (uint q = get_local_id(0); q < TILE_ROWS * (INPUTS / 4); q += ITEMS) {
            const uint r = q / (INPUTS / 4), c = q - r * (INPUTS / 4);
            const FOUR v = ((global const FOUR *)x)[min(r, rows - 1) * (INPUTS / 4) + c];
            local SCALAR *at = stage + r * LINE + 4 * c;
            at[0] = v.s0;
            at[1] = v.s1;
            at[2] = v.s2;
            at[3] = v.s3;
        }
        return;
    }
#endif
    for (uint e = get_local_id(0); e < TILE_ROWS * INPUTS; e += ITEMS) {
        const uint r = e / INPUTS, c = e - r * INPUTS;
        stage[r * LINE + c] = x[min(r, rows - 1) * INPUTS + c];
    }
}

// y[r][c] = stage[r][c] of the tile's `rows`.
INLINE void unstage_rows(local const SCALAR *stage, const uint rows, global SCALAR *y) {
#if OUTPUTS % 4 == 0
    if (ON_BOUNDARY(y)) {
        for (uint q = get_local_id(0); q < rows * (OUTPUTS / 4); q += ITEMS) {
            const uint r = q / (OUTPUTS / 4), c = q - r * (OUTPUTS / 4);
            local const SCALAR *from = stage + r * LINE + 4 * c;
            ((global FOUR *)y)[q] = (FOUR)(from[0], from[1], from[2], from[3]);
        }
        return;
    }
#endif
    for (uint e = get_local_id(0); e < rows * OUTPUTS; e += ITEMS) {
        const uint r = e / OUTPUTS, c = e - r * OUTPUTS;
        y[e] = stage[r * LINE + c];
    }
}

INLINE void load_rows(global const SCALAR *x, const uint rows, local SCALAR *stage,
                      REAL (*f)[VECTORS]) {
    stage_rows(x, rows, stage);
    barrier(CLK_LOCAL_MEM_FENCE);
    UNROLLED
    for (uint c = 0; c < INPUTS; c++) {
        f[c][0] = GATHER(stage + get_local_id(0) * LINE + c, ITEMS * LINE);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
}

INLINE void store_rows(REAL (*f)[VECTORS], const uint rows, local SCALAR *stage,
                       global SCALAR *y) {
    UNROLLED
    for (uint c = 0; c < OUTPUTS; c++) {
        SCATTER(stage + get_local_id(0) * LINE + c, ITEMS * LINE, f[c][0]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    unstage_rows(stage, rows, y);
    barrier(CLK_LOCAL_MEM_FENCE);
}
#else
INLINE void load_rows(global const SCALAR *x, const uint rows, local SCALAR *stage,
                      REAL (*f)[VECTORS]) {
    const uint row = get_local_id(0) * ITEM_ROWS;
    SCALAR values[ITEM_ROWS * INPUTS];
    if (WHOLE_FOURS(INPUTS) && ON_BOUNDARY(x) && row + ITEM_ROWS <= rows) {
        global const FOUR *from = (global const FOUR *)(x + row * INPUTS);
        UNROLLED
        for (uint e = 0; e + 4 <= ITEM_ROWS * INPUTS; e += 4) {
            const FOUR v = from[e / 4];
            values[e] = v.s0;
            values[e + 1] = v.s1;
            values[e + 2] = v.s2;
            values[e + 3] = v.s3;
        }
    } else {
        UNROLLED
        for (uint e = 0; e < ITEM_ROWS * INPUTS; e++) {
            values[e] = x[min(row + e / INPUTS, rows - 1) * INPUTS + e % INPUTS];
        }
    }
    UNROLLED
    for (uint c = 0; c < INPUTS; c++) {
        f[c][0] = GATHER(values + c, INPUTS);
    }
}

INLINE void store_rows(REAL (*f)[VECTORS], const uint rows, local SCALAR *stage,
                       global SCALAR *y) {
    const uint row = get_local_id(0) * ITEM_ROWS;
    SCALAR values[ITEM_ROWS * OUTPUTS];
    UNROLLED
    for (uint c = 0; c < OUTPUTS; c++) {
        SCATTER(values + c, OUTPUTS, f[c][0]);
    }
    if (WHOLE_FOURS(OUTPUTS) && ON_BOUNDARY(y) && row + ITEM_ROWS <= rows) {
        global FOUR *to = (global FOUR *)(y + row * OUTPUTS);
        UNROLLED
        for (uint e = 0; e + 4 <= ITEM_ROWS * OUTPUTS; e += 4) {
            to[e / 4] = (FOUR)(values[e], values[e + 1], values[e + 2], values[e + 3]);
        }
    } else {
        UNROLLED
        for (uint e = 0; e < ITEM_ROWS * OUTPUTS; e++) {
            if (row + e / OUTPUTS < rows) {
                y[row * OUTPUTS + e] = values[e];
            }
        }
    }
}
#endif

// captures[r][c] = f[c] of an item's rows, of a tile's `rows`.
INLINE void capture(REAL (*f)[VECTORS], const uint cols, const uint rows, global SCALAR *captures) {
    const uint row = get_local_id(0) * FIRST_STEP;
    SCALAR values[ITEM_ROWS];
    UNROLLED
    for (uint c = 0; c < cols; c++) {
        SCATTER(values, 1, f[c][0]);
        UNROLLED
        for (uint a = 0; a < ITEM_ROWS; a++) {
            if (row + a * ROW_STEP < rows) {
                captures[(row + a * ROW_STEP) * cols + c] = values[a];
            }
        }
    }
}

// A tile of `rows`, the first one `done` behind `begin`, of `all` in captures.
INLINE void run_tile_of_rows(global const SCALAR *x, WEIGHTS const SCALAR *weights,
                             global SCALAR *y, global SCALAR *captures, local SCALAR *stage,
                             const uint rows, const size_t done, const size_t all) {
    REAL even[WIDEST][VECTORS], odd[WIDEST][VECTORS], z[CAPTURED_WIDTH][VECTORS];
    REAL(*here)[VECTORS] = even, (*there)[VECTORS] = odd, (*taken)[VECTORS];
    WEIGHTS const SCALAR *w = weights;
    load_rows(x, rows, stage, here);
#define LAYER(inputs, neurons, kind, activation, parameters, last)                                 \
    {                                                                                              \
        const layer l = {inputs, neurons, activation, last,                                        \
                         (parameters) > 0 ? K(w[0]) : K(0), (parameters) > 0 ? K(w[1]) : K(0), w}; \
        w += FILLED(parameters);                                                                   \
        run_layer(kind, &l, here, w, z, there);                                                    \
        w += weights_of(kind, inputs, neurons);                                                    \
    }                                                                                              \
    if (CAPTURED) {                                                                                \
        capture(z, neurons, rows, captures + done * (neurons));                                    \
        captures += all * (neurons);                                                               \
        capture(there, neurons, rows, captures + done * (neurons));                                \
        captures += all * (neurons);                                                               \
    }                                                                                              \
    taken = here, here = there, there = taken;
    LAYERS
#undef LAYER
    store_rows(here, rows, stage, y);
}

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
KERNEL(global const SCALAR *restrict x, PACKED_IN const SCALAR *restrict packed,
       global SCALAR *restrict y, global SCALAR *restrict captures, const ulong begin,
       const ulong end, const ulong x_offset, const ulong y_offset) {
#if STAGED
    local SCALAR stage[TILE_ROWS * LINE];
#else
    local SCALAR *stage = 0;
#endif
#if PLACE == 1
    local FOUR held[PACKED / 4];
    for (uint q = get_local_id(0); q < PACKED / 4; q += ITEMS) {
        held[q] = ((global const FOUR *)packed)[q];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    WEIGHTS const SCALAR *weights = (WEIGHTS const SCALAR *)held;
#else
    WEIGHTS const SCALAR *weights = packed;
#endif
    size_t first = begin + get_group_id(0) * TILE_ROWS;
#if PLACE == 1
    for (; first < end; first += get_num_groups(0) * TILE_ROWS)
#endif
    {
        const uint rows = (uint)min((size_t)TILE_ROWS, (size_t)end - first);
        run_tile_of_rows(x + x_offset + first * INPUTS, weights, y + y_offset + first * OUTPUTS,
                         captures, stage, rows, first - begin, end - begin);
    }
}
