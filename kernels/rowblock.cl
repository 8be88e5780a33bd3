// SPDX-License-Identifier: MIT
// A chain of narrow layers in one pass over memory, for devices of type CPU: blocks of rows go
// through all layers in vectors along the rows, activations in registers or in an item's own memory.
//
//   z[r][o] = fma(w[o][K-1], x[r][K-1], ... fma(w[o][0], x[r][0], bias[o]))     K = inputs
//   y[r][o] = activation(z[r][o]), the next layer's x
//
// of a dense layer; z[r][o] = fma(x[r][o], scale[o], shift[o]) of an affine one; the others, on
// whole rows, as in row_operations.h.
//
// Operands, all dense and aligned to one element only:
//   x         [rows][INPUTS]
//   weights   of all layers, one behind the other. First alpha and beta, or the slopes of a prelu,
//             where the activation has parameters. Then, of a dense layer, the neurons in tiles of
//             TILE (the last one smaller), in each tile the biases of its neurons, then input by
//             input the weights of its neurons; of an affine one, the scale, then the shift
//   y         [rows][outputs]
//   captures  of all layers, one behind the other: z [rows][neurons], y [rows][neurons]; or NULL
//   x_offset, y_offset   elements in front of the rows in x and in y
//
// In an item: features [width][VECTORS] of LANES rows each, taking turns, and a tile's sums:
//
//   rows  0 .. L-1   L .. 2L-1  ...          sums[TILE][VECTORS] of vectors, kept over all inputs
//   f 0   [......]   [......]
//   f 1   [......]   [......]
//
// Launch: one item a group; item i computes item_rows of the rows [begin, end), from begin + i *
// item_rows on; item_rows is a multiple of BLOCK. No local memory. Captures are of these rows alone.
// Registers: TILE * VECTORS sums, VECTORS inputs, one weight; all of them vectors.
// Private memory: 2 * VECTORS * WIDEST vectors.
//
// The layers are a text of the host's:
//
//   -D LAYERS="LAYER(2,3,1,1,0,0)LAYER(3,1,1,1,0,1)"
//
//   inputs, neurons, ffwd_kind, ffwd_activation, values of parameters, whether the last
//
// and so are the activations that they have, one bit for each: -D USED=2.
//
// Edges: rows past the end are computed from zeros and not stored. Rows narrower than a vector are
// read as if they were as wide; at the end of x, element by element.
#ifndef LANES // rows of a vector: 4, 8 or 16
#define LANES 8
#endif
#ifndef USED
#define USED 2
#endif
#include "names_opencl.h"

#define FFWD_USED(number) ((USED) >> (number) & 1)
#include "activation_list.h"

#ifndef KERNEL // rowblock_f32, rowblock_f64: named by the host
#define KERNEL rowblock_f32
#endif
#ifndef VECTORS // of rows in a block
#define VECTORS 3
#endif
#ifndef TILE // neurons whose sums are kept together
#define TILE 4
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
#ifndef CAPTURED // 1: every layer's z and y go into captures
#define CAPTURED 0
#endif

#if VECTORS < 1 || TILE < 1
#error "rowblock.cl: every tunable is at least 1"
#endif

#define BLOCK (LANES * VECTORS)
#define CAPTURED_WIDTH (CAPTURED ? WIDEST : 1)
#define WEIGHTS global
#define UNROLLED // a row stays in memory
#define FILLED(n) (n)
#include "layers.h"

// Vectors whose lanes are interleaved: the lower halves of a and b, or the upper ones.
#if LANES == 4
#define LOW(a, b)  ((REAL)((a).s0, (b).s0, (a).s1, (b).s1))
#define HIGH(a, b) ((REAL)((a).s2, (b).s2, (a).s3, (b).s3))
#elif LANES == 8
#define LOW(a, b)  ((REAL)((a).s0, (b).s0, (a).s1, (b).s1, (a).s2, (b).s2, (a).s3, (b).s3))
#define HIGH(a, b) ((REAL)((a).s4, (b).s4, (a).s5, (b).s5, (a).s6, (b).s6, (a).s7, (b).s7))
#elif LANES == 16
#define LOW(a, b)                                                                                  \
    ((REAL)((a).s0, (b).s0, (a).s1, (b).s1, (a).s2, (b).s2, (a).s3, (b).s3, (a).s4, (b).s4,        \
            (a).s5, (b).s5, (a).s6, (b).s6, (a).s7, (b).s7))
#define HIGH(a, b)                                                                                 \
    ((REAL)((a).s8, (b).s8, (a).s9, (b).s9, (a).sa, (b).sa, (a).sb, (b).sb, (a).sc, (b).sc,        \
            (a).sd, (b).sd, (a).se, (b).se, (a).sf, (b).sf))
#else
#error "rowblock.cl: a vector has 4, 8 or 16 lanes"
#endif

#define VLOAD_(n) vload##n
#define VLOAD(n) VLOAD_(n)
#define VSTORE_(n) vstore##n
#define VSTORE(n) VSTORE_(n)
#define LOAD(p) VLOAD(LANES)(0, (p))
#define STORE(p, v) VSTORE(LANES)((v), 0, (p))

// Past the caches, where the compiler can: only on a boundary of vectors, elsewhere it faults.
#if defined(__has_builtin)
#if __has_builtin(__builtin_nontemporal_store)
#define STREAM(p, v) __builtin_nontemporal_store((v), (global REAL *)(p))
#endif
#endif
#ifndef STREAM
#define STREAM(p, v) STORE(p, v)
#endif
#define ON_BOUNDARY(p) ((size_t)(p) % (LANES * sizeof(SCALAR)) == 0)

// a[j] lane i = a[i] lane j: each step moves one bit of the lane's number to the vector's.
INLINE void transpose(REAL *a) {
    REAL b[LANES];
#pragma unroll
    for (uint step = 1; step < LANES; step *= 2) {
#pragma unroll
        for (uint i = 0; i < LANES / 2; i++) {
            b[2 * i] = LOW(a[i], a[i + LANES / 2]);
            b[2 * i + 1] = HIGH(a[i], a[i + LANES / 2]);
        }
#pragma unroll
        for (uint i = 0; i < LANES; i++) {
            a[i] = b[i];
        }
    }
}

// Element by element: the last rows of x, which nothing may be read behind.
INLINE void load_last(global const SCALAR *x, const size_t rows, REAL (*f)[VECTORS]) {
    SCALAR values[LANES];
    for (uint c = 0; c < INPUTS; c++) {
        for (uint v = 0; v < VECTORS; v++) {
            for (uint i = 0; i < LANES; i++) {
                const size_t row = v * LANES + i;
                values[i] = row < rows ? x[row * INPUTS + c] : (SCALAR)0;
            }
            f[c][v] = VLOAD(LANES)(0, values);
        }
    }
}

// f[c][v] = feature c of rows v LANES .. of x. Reads up to a vector behind the block.
INLINE void load_block(global const SCALAR *x, REAL (*f)[VECTORS]) {
#if INPUTS == 1
#pragma unroll
    for (uint v = 0; v < VECTORS; v++) {
        f[0][v] = LOAD(x + v * LANES);
    }
#elif INPUTS == 2
#pragma unroll
    for (uint v = 0; v < VECTORS; v++) {
        const REAL p = LOAD(x + 2 * v * LANES), q = LOAD(x + (2 * v + 1) * LANES);
        f[0][v] = (REAL)(p.even, q.even);
        f[1][v] = (REAL)(p.odd, q.odd);
    }
#else
    for (uint c = 0; c < INPUTS; c += LANES) {
        // The last square reaches back over its neighbour instead of ahead.
        const uint first = INPUTS >= LANES && c + LANES > INPUTS ? INPUTS - LANES : c;
        for (uint v = 0; v < VECTORS; v++) {
            REAL a[LANES];
#pragma unroll
            for (uint i = 0; i < LANES; i++) {
                a[i] = LOAD(x + (size_t)(v * LANES + i) * INPUTS + first);
            }
            transpose(a);
#pragma unroll
            for (uint i = 0; i < LANES; i++) {
                if (i < INPUTS) {
                    f[first + i][v] = a[i];
                }
            }
        }
    }
#endif
}

// y[row][c] = f[c][v] for all rows of a block but those past the end, element by element.
INLINE void store_last(const uint cols, REAL (*f)[VECTORS], const size_t rows,
                       global SCALAR *y) {
    SCALAR values[LANES];
    for (uint c = 0; c < cols; c++) {
        for (uint v = 0; v < VECTORS; v++) {
            VSTORE(LANES)(f[c][v], 0, values);
            for (uint i = 0; i < LANES; i++) {
                const size_t row = v * LANES + i;
                if (row < rows) {
                    y[row * cols + c] = values[i];
                }
            }
        }
    }
}

// The same for a whole block of Y.
INLINE void store_block(REAL (*f)[VECTORS], global SCALAR *y) {
#if OUTPUTS == 1
    if (ON_BOUNDARY(y)) {
#pragma unroll
        for (uint v = 0; v < VECTORS; v++) {
            STREAM(y + v * LANES, f[0][v]);
        }
    } else {
#pragma unroll
        for (uint v = 0; v < VECTORS; v++) {
            STORE(y + v * LANES, f[0][v]);
        }
    }
#elif OUTPUTS == 2
#pragma unroll
    for (uint v = 0; v < VECTORS; v++) {
        STORE(y + 2 * v * LANES, LOW(f[0][v], f[1][v]));
        STORE(y + (2 * v + 1) * LANES, HIGH(f[0][v], f[1][v]));
    }
#elif OUTPUTS >= LANES
    for (uint c = 0; c < OUTPUTS; c += LANES) {
        const uint first = c + LANES > OUTPUTS ? OUTPUTS - LANES : c;
        for (uint v = 0; v < VECTORS; v++) {
            REAL a[LANES];
#pragma unroll
            for (uint i = 0; i < LANES; i++) {
                a[i] = f[first + i][v];
            }
            transpose(a);
#pragma unroll
            for (uint i = 0; i < LANES; i++) {
                STORE(y + (size_t)(v * LANES + i) * OUTPUTS + first, a[i]);
            }
        }
    }
#else
    store_last(OUTPUTS, f, BLOCK, y);
#endif
}

// y[o][v] = activation(bias[o] + the sum over k of weights[k][o] * x[k][v]), k in order, for the
// neurons of one tile from `first` on.
INLINE void run_tile(const layer *l, const uint first, const uint neurons, REAL (*x)[VECTORS],
                     global const SCALAR *w, REAL (*z)[VECTORS], REAL (*y)[VECTORS]) {
    REAL sums[TILE][VECTORS];
#pragma unroll
    for (uint o = 0; o < neurons; o++) {
#pragma unroll
        for (uint v = 0; v < VECTORS; v++) {
            sums[o][v] = K(w[o]);
        }
    }
    for (uint k = 0; k < l->inputs; k++) {
#pragma unroll
        for (uint o = 0; o < neurons; o++) {
            const REAL weight = K(w[(k + 1) * neurons + o]);
#pragma unroll
            for (uint v = 0; v < VECTORS; v++) {
                sums[o][v] = FMA(weight, x[k][v], sums[o][v]);
            }
        }
    }
#pragma unroll
    for (uint o = 0; o < neurons; o++) {
        finish(l, first + o, sums[o], z[CAPTURED ? first + o : 0], y[first + o]);
    }
}

// All neurons of a dense layer: whole tiles, then one of what is left.
INLINE void run_dense(const layer *l, REAL (*x)[VECTORS], global const SCALAR *w,
                      REAL (*z)[VECTORS], REAL (*y)[VECTORS]) {
    const uint whole = l->neurons / TILE * TILE;
    for (uint o = 0; o < whole; o += TILE) {
        run_tile(l, o, TILE, x, w + o * (l->inputs + 1), z, y);
    }
    if (whole < l->neurons) {
        run_tile(l, whole, l->neurons - whole, x, w + whole * (l->inputs + 1), z, y);
    }
}

// One block, of the rows from `first` on.
INLINE void run_block(global const SCALAR *x, global const SCALAR *weights, global SCALAR *y,
                      global SCALAR *captures, const size_t begin, const size_t end,
                      const size_t first) {
    REAL even[WIDEST][VECTORS], odd[WIDEST][VECTORS], z[CAPTURED_WIDTH][VECTORS];
    REAL(*here)[VECTORS] = even, (*there)[VECTORS] = odd, (*taken)[VECTORS];
    const size_t left = end - first;
    global const SCALAR *w = weights;
    // A row narrower than a vector is read with what is behind it.
    if (left * INPUTS >= BLOCK * INPUTS + LANES) {
        load_block(x + first * INPUTS, here);
    } else {
        load_last(x + first * INPUTS, left, here);
    }
#define LAYER(inputs, neurons, kind, activation, parameters, last)                                 \
    {                                                                                              \
        const layer l = {inputs, neurons, activation, last,                                        \
                         (parameters) > 0 ? K(w[0]) : K(0), (parameters) > 0 ? K(w[1]) : K(0), w}; \
        w += (parameters);                                                                         \
        run_layer(kind, &l, here, w, z, there);                                                    \
        w += weights_of(kind, inputs, neurons);                                                    \
    }                                                                                              \
    if (CAPTURED) {                                                                                \
        store_last(neurons, z, left, captures + (first - begin) * (neurons));                      \
        captures += (end - begin) * (neurons);                                                     \
        store_last(neurons, there, left, captures + (first - begin) * (neurons));                  \
        captures += (end - begin) * (neurons);                                                     \
    }                                                                                              \
    taken = here, here = there, there = taken;
    LAYERS
#undef LAYER
    if (left >= BLOCK) {
        store_block(here, y + first * OUTPUTS);
    } else {
        store_last(OUTPUTS, here, left, y + first * OUTPUTS);
    }
}

kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
KERNEL(global const SCALAR *restrict x, global const SCALAR *restrict weights,
       global SCALAR *restrict y, global SCALAR *restrict captures, const ulong begin,
       const ulong end, const ulong item_rows, const ulong x_offset, const ulong y_offset) {
    const size_t start = begin + get_global_id(0) * item_rows;
    const size_t stop = min(end, (ulong)start + item_rows);
    for (size_t first = start; first < stop; first += BLOCK) {
        run_block(x + x_offset, weights, y + y_offset, captures, begin, end, first);
    }
}
