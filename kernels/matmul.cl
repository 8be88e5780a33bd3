// SPDX-License-Identifier: MIT
// One dense layer, tiled: Z = X W' + bias, Y = activation(Z).
//
//   z[r][o] = fma(w[o][K-1], x[r][K-1], ... fma(w[o][0], x[r][0], bias[o]))     K = inputs
//   y[r][o] = activation(z[r][o])
//
// Operands, all dense and aligned to one element only:
//   x        [rows][inputs]
//   weights  [neurons][inputs]
//   bias     [neurons], or NULL: the sums start from +0
//   slopes   [neurons], of a prelu
//   sums     [rows][neurons], receives z; or NULL
//   y        [rows][neurons]
//   x_offset, y_offset   elements in front of the rows in x and in y
//
// An item owns ITEM_ROWS x ITEM_NEURONS outputs of its group's tile. With BLOCKED they are
// adjacent, and become vectors along the rows (CPUs: one item after the other on a core); without,
// they lie in runs of 16 bytes, between which its neighbours have theirs (GPUs). The outputs o of
// item (0, 0), WG_ROWS = WG_NEURONS = 2, ITEM_ROWS = 2, ITEM_NEURONS = 4, of doubles:
//
//               TILE_NEURONS = 8                 TILE_NEURONS = 8
//               o o o o . . . .                  o o . . o o . .
//   TILE_ROWS   o o o o . . . .                  o o . . o o . .
//     = 4       . . . . . . . .                  . . . . . . . .
//               . . . . . . . .   BLOCKED        . . . . . . . .   else
//
//   x_tiles [2][TILE_K][LINE(TILE_ROWS)]     w_tiles [2][TILE_K][LINE(TILE_NEURONS)]
//
// Both lie with k outermost: an item walks down k and reads runs beside its neighbours'. While it
// walks down one of the two, the next TILE_K inputs are on their way from global memory, in vectors
// of 16 bytes along k; they are put, transposed, into the other. Banks: vectors go two by two along
// k, so that items put 16 lines of 2 vectors together, or 8 of them (doubles, of which only 16 are
// put at a time). A line is 4 elements longer than the tile, so that the second vector of all lines
// lies half of all banks behind the first.
//
// Launch: items {WG_NEURONS, WG_ROWS} a group; groups {ceil(rows / TILE_ROWS), ceil(neurons /
// TILE_NEURONS)}. The first index of a group counts row tiles, because that range has no small
// limit on any device; the first index of an item counts neurons, because they are adjacent in y.
// Local memory: 2 * TILE_K * (LINE(TILE_ROWS) + LINE(TILE_NEURONS)) elements.
// Registers: ITEM_ROWS * ITEM_NEURONS sums, ITEM_ROWS + ITEM_NEURONS operands, and on their way
// TILE_K * (TILE_ROWS + TILE_NEURONS) / (WG_ROWS * WG_NEURONS).
//
// Edges: past the end of rows, neurons and inputs, the last one is read again; such sums are not
// stored, and such inputs not added: k is never padded, since fma(0, 0, -0) is +0 and 0 * inf is
// NaN. The last step along k is shorter; behind it that last input is fetched once more, for nothing.
#ifndef KERNEL // matmul_f32, matmul_step_f64, ...: named by the host
#define KERNEL matmul_f32
#endif
#ifndef ACTIVATION // the number of ffwd_activation
#define ACTIVATION 0
#endif
#ifndef WG_ROWS // items along the rows
#define WG_ROWS 16
#endif
#ifndef WG_NEURONS // items along the neurons
#define WG_NEURONS 16
#endif
#ifndef ITEM_ROWS // rows of an item's block of sums
#define ITEM_ROWS 8
#endif
#ifndef ITEM_NEURONS // neurons of an item's block of sums
#define ITEM_NEURONS 8
#endif
#ifndef BLOCKED // 1: an item's outputs are adjacent; 0: interleaved with its neighbours'
#define BLOCKED 0
#endif
#ifndef TILE_K // inputs that a step along k holds in local memory
#define TILE_K 8
#endif

#define PRELU 7

#include "names_opencl.h"

#define FFWD_USED(number) ((number) == ACTIVATION)
#include "activation_list.h"

#if WG_ROWS < 1 || WG_NEURONS < 1 || ITEM_ROWS < 1 || ITEM_NEURONS < 1 || TILE_K < 1
#error "matmul.cl: every tunable is at least 1"
#endif
#if TILE_K % VALUES_16 != 0
#error "matmul.cl: a step along k is whole vectors of 16 bytes"
#endif

#define ITEMS        (WG_ROWS * WG_NEURONS)
#define TILE_ROWS    (WG_ROWS * ITEM_ROWS)
#define TILE_NEURONS (WG_NEURONS * ITEM_NEURONS)
#define LINE(n)      ((n) + 4)

// Adjacent outputs of an item, along the rows and along the neurons.
#if BLOCKED
#define ROW_RUN    ITEM_ROWS
#define NEURON_RUN ITEM_NEURONS
#define UNROLLED   // left to a compiler that makes vectors
#else
#define ROW_RUN    (ITEM_ROWS < VALUES_16 ? ITEM_ROWS : VALUES_16)
#define NEURON_RUN (ITEM_NEURONS < VALUES_16 ? ITEM_NEURONS : VALUES_16)
#define UNROLLED   _Pragma("unroll")
#endif
// Where in the tile output (a, b) of item (i, j) lies.
#define AT(items, run, i, a) ((a) / (run) * (items) * (run) + (i) * (run) + (a) % (run))
#define ROW(i, a)            AT(WG_ROWS, ROW_RUN, i, a)
#define NEURON(j, b)         AT(WG_NEURONS, NEURON_RUN, j, b)

// A tile of `lines` has so many vectors; each item fetches this many of them at most.
#define K_VECTORS      (TILE_K / VALUES_16)
#define K_GROUP        (K_VECTORS < 2 ? K_VECTORS : 2)
#define FETCHES(lines) (((lines) * K_VECTORS + ITEMS - 1) / ITEMS)

#define INLINE static inline __attribute__((always_inline))

// A row-major matrix of which a tile's lines are fetched.
typedef struct matrix {
    global const REAL *lines; // the first one of the tile
    uint count, inputs;       // of lines from there on, of values in each
    bool vectors;             // whether all lie on boundaries of 16 bytes
} matrix;

// Vector f of a tile of `lines`: which line, and where along k.
INLINE uint line_of(const uint f, const uint lines) {
    return f / K_GROUP % lines;
}
INLINE uint k_of(const uint f, const uint lines) {
    return (f / K_GROUP / lines * K_GROUP + f % K_GROUP) * VALUES_16;
}

// The item's vectors of a tile, from input k0 on.
INLINE void fetch(const matrix *m, const uint lines, const uint k0, const uint item,
                  BYTES_16 *next) {
    const uint last = m->inputs - 1;
    UNROLLED
    for (uint n = 0; n < FETCHES(lines); n++) {
        const uint f = item + n * ITEMS, k = k0 + k_of(f, lines);
        global const REAL *from = m->lines + min(line_of(f, lines), m->count - 1) * m->inputs;
        if (m->vectors) {
            next[n] = *(global const BYTES_16 *)(from + min(k, m->inputs - VALUES_16));
        } else {
#ifdef REAL_IS_F64
            next[n] = (BYTES_16)(from[min(k, last)], from[min(k + 1, last)]);
#else
            next[n] = (BYTES_16)(from[min(k, last)], from[min(k + 1, last)],
                                 from[min(k + 2, last)], from[min(k + 3, last)]);
#endif
        }
    }
}

// Puts them into tile[TILE_K][LINE(lines)].
INLINE void put(const BYTES_16 *next, const uint lines, const uint item, local REAL *tile) {
    UNROLLED
    for (uint n = 0; n < FETCHES(lines); n++) {
        const uint f = item + n * ITEMS;
        local REAL *to = tile + k_of(f, lines) * LINE(lines) + line_of(f, lines);
        if (lines * K_VECTORS % ITEMS == 0 || f < lines * K_VECTORS) {
            to[0] = next[n].s0;
            to[LINE(lines)] = next[n].s1;
#ifndef REAL_IS_F64
            to[2 * LINE(lines)] = next[n].s2;
            to[3 * LINE(lines)] = next[n].s3;
#endif
        }
    }
}

// An item's runs of one line of a tile.
INLINE void read_runs(local const REAL *line, const uint at, const uint run, const uint items,
                      const uint count, REAL *values) {
    UNROLLED
    for (uint n = 0; n < count; n += run) {
        local const REAL *from = line + n * items + at * run;
#if !BLOCKED
        if (run == VALUES_16) {
            const BYTES_16 v = *(local const BYTES_16 *)from;
            values[n] = v.s0;
            values[n + 1] = v.s1;
#ifndef REAL_IS_F64
            values[n + 2] = v.s2;
            values[n + 3] = v.s3;
#endif
            continue;
        }
#endif
        UNROLLED
        for (uint c = 0; c < run; c++) {
            values[n + c] = from[c];
        }
    }
}

// Adds one input of the tiles to an item's sums.
INLINE void add_input(local const REAL *x_line, local const REAL *w_line, const uint i,
                      const uint j, REAL (*z)[ITEM_ROWS]) {
    REAL x[ITEM_ROWS], w[ITEM_NEURONS];
    read_runs(x_line, i, ROW_RUN, WG_ROWS, ITEM_ROWS, x);
    read_runs(w_line, j, NEURON_RUN, WG_NEURONS, ITEM_NEURONS, w);
    UNROLLED
    for (uint b = 0; b < ITEM_NEURONS; b++) {
        UNROLLED
        for (uint a = 0; a < ITEM_ROWS; a++) {
            z[b][a] = FMA(w[b], x[a], z[b][a]);
        }
    }
}

// All sums begin with the bias, or without one with +0.
INLINE void start_sums(global const REAL *bias, const size_t first_neuron, const uint neurons,
                       const uint j, REAL (*z)[ITEM_ROWS]) {
    UNROLLED
    for (uint b = 0; b < ITEM_NEURONS; b++) {
        const size_t neuron = min(first_neuron + NEURON(j, b), (size_t)neurons - 1);
        const REAL start = bias != 0 ? bias[neuron] : K(0);
        UNROLLED
        for (uint a = 0; a < ITEM_ROWS; a++) {
            z[b][a] = start;
        }
    }
}

// All inputs in order: those of one tile, while the next ones are fetched.
INLINE void add_inputs(const matrix *x, const matrix *w, const uint i, const uint j,
                       local REAL *x_tiles, local REAL *w_tiles, REAL (*z)[ITEM_ROWS]) {
    const uint item = i * WG_NEURONS + j;
    BYTES_16 x_next[FETCHES(TILE_ROWS)], w_next[FETCHES(TILE_NEURONS)];
    local REAL *x_tile = x_tiles, *w_tile = w_tiles; // of the two, the one at work
    fetch(x, TILE_ROWS, 0, item, x_next);
    fetch(w, TILE_NEURONS, 0, item, w_next);
    put(x_next, TILE_ROWS, item, x_tile);
    put(w_next, TILE_NEURONS, item, w_tile);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint k0 = 0; k0 < x->inputs; k0 += TILE_K) {
        const uint depth = min((uint)TILE_K, x->inputs - k0);
        fetch(x, TILE_ROWS, k0 + TILE_K, item, x_next);
        fetch(w, TILE_NEURONS, k0 + TILE_K, item, w_next);
        // Unrolled, a compiler reads several inputs ahead, into more registers than there are.
#if !BLOCKED
#pragma unroll 1
#endif
        for (uint k = 0; k < depth; k++) {
            add_input(x_tile + k * LINE(TILE_ROWS), w_tile + k * LINE(TILE_NEURONS), i, j, z);
        }
        x_tile = x_tile == x_tiles ? x_tiles + TILE_K * LINE(TILE_ROWS) : x_tiles;
        w_tile = w_tile == w_tiles ? w_tiles + TILE_K * LINE(TILE_NEURONS) : w_tiles;
        put(x_next, TILE_ROWS, item, x_tile);
        put(w_next, TILE_NEURONS, item, w_tile);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

// The first `count` of a run of outputs; with vectors, all of them.
INLINE void store_run(const REAL *run, const uint count, const bool vectors, global REAL *to) {
#if !BLOCKED
    if (NEURON_RUN == VALUES_16 && vectors) {
#ifdef REAL_IS_F64
        *(global BYTES_16 *)to = (BYTES_16)(run[0], run[1]);
#else
        *(global BYTES_16 *)to = (BYTES_16)(run[0], run[1], run[2], run[3]);
#endif
        return;
    }
#endif
    UNROLLED
    for (uint c = 0; c < NEURON_RUN; c++) {
        if (c < count) {
            to[c] = run[c];
        }
    }
}

// z where it is wanted, and y, of a run of neurons from `neuron` on.
INLINE void finish_run(const REAL *z, const size_t at, const uint neuron, const uint neurons,
                       global const REAL *slopes, const REAL alpha, const REAL beta,
                       const bool vectors, global REAL *sums, global REAL *y) {
    const uint count = min(neurons - neuron, (uint)NEURON_RUN);
    REAL run[NEURON_RUN];
    if (sums != 0) {
        UNROLLED
        for (uint c = 0; c < NEURON_RUN; c++) {
            run[c] = ffwd_canonical(z[c]);
        }
        store_run(run, count, vectors, sums + at);
    }
    UNROLLED
    for (uint c = 0; c < NEURON_RUN; c++) {
        const REAL slope = ACTIVATION == PRELU ? slopes[neuron + min(c, count - 1)] : K(0);
        run[c] = ffwd_canonical(ffwd_activate(ACTIVATION, z[c], alpha, beta, slope));
    }
    store_run(run, count, vectors, y + at);
}

kernel __attribute__((reqd_work_group_size(WG_NEURONS, WG_ROWS, 1))) void
KERNEL(global const REAL *restrict x, global const REAL *restrict weights,
       global const REAL *restrict bias, global const REAL *restrict slopes,
       global REAL *restrict sums, global REAL *restrict y, const uint rows, const uint inputs,
       const uint neurons, const REAL alpha, const REAL beta, const ulong x_offset,
       const ulong y_offset) {
    local REAL x_tiles[2 * TILE_K * LINE(TILE_ROWS)] __attribute__((aligned(16)));
    local REAL w_tiles[2 * TILE_K * LINE(TILE_NEURONS)] __attribute__((aligned(16)));
    x += x_offset;
    const uint j = get_local_id(0), i = get_local_id(1);
    const size_t first_row = get_group_id(0) * TILE_ROWS;
    const size_t first_neuron = get_group_id(1) * TILE_NEURONS;
    const matrix x_lines = {x + first_row * inputs, (uint)(rows - first_row), inputs,
                            inputs % VALUES_16 == 0 && ON_BOUNDARY_16(x)};
    const matrix w_lines = {weights + first_neuron * inputs, (uint)(neurons - first_neuron), inputs,
                            inputs % VALUES_16 == 0 && ON_BOUNDARY_16(weights)};
    const bool vectors =
        neurons % VALUES_16 == 0 && ON_BOUNDARY_16(y + y_offset) && ON_BOUNDARY_16(sums);
    REAL z[ITEM_NEURONS][ITEM_ROWS];
    start_sums(bias, first_neuron, neurons, j, z);
    add_inputs(&x_lines, &w_lines, i, j, x_tiles, w_tiles, z);
    // Only now: y in a register all the while costs ptxas 12 of them, and the device 8 warps.
    y += y_offset;
    UNROLLED
    for (uint a = 0; a < ITEM_ROWS; a++) {
        const size_t row = first_row + ROW(i, a);
        UNROLLED
        for (uint b = 0; b < ITEM_NEURONS; b += NEURON_RUN) {
            const size_t neuron = first_neuron + NEURON(j, b);
            REAL run[NEURON_RUN];
            UNROLLED
            for (uint c = 0; c < NEURON_RUN; c++) {
                run[c] = z[b + c][a];
            }
            if (row < rows && neuron < neurons) {
                finish_run(run, row * neurons + neuron, (uint)neuron, neurons, slopes, alpha, beta,
                           vectors, sums, y);
            }
        }
    }
}
