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
//
// An item owns ITEM_ROWS x ITEM_NEURONS outputs of its group's tile. With BLOCKED they are adjacent,
// and become vectors along the rows (CPUs: one item after the other on a core); without, they lie
// WG_ROWS and WG_NEURONS apart, so that adjacent items touch adjacent elements (GPUs). The outputs o
// of item (0, 0), WG_ROWS = WG_NEURONS = 2, ITEM_ROWS = 2, ITEM_NEURONS = 4:
//
//               TILE_NEURONS = 8                 TILE_NEURONS = 8
//               o o o o . . . .                  o . o . o . o .
//   TILE_ROWS   o o o o . . . .                  . . . . . . . .
//     = 4       . . . . . . . .                  o . o . o . o .
//               . . . . . . . .   BLOCKED        . . . . . . . .   else
//
//   x_tile [TILE_K][TILE_ROWS + 1]      w_tile [TILE_K][TILE_NEURONS + 1]
//
// Both tiles lie with k outermost: an item walks down k and reads what its neighbours read beside
// it. The odd stride keeps the transposing stores off each other's banks.
//
// Launch: items {WG_NEURONS, WG_ROWS} a group; groups {ceil(rows / TILE_ROWS), ceil(neurons /
// TILE_NEURONS)}. The first index of a group counts row tiles, because that range has no small
// limit on any device; the first index of an item counts neurons, because they are adjacent in y.
// Local memory: TILE_K * (TILE_ROWS + TILE_NEURONS + 2) elements.
// Registers: ITEM_ROWS * ITEM_NEURONS sums, ITEM_ROWS + ITEM_NEURONS operands.
//
// Edges: rows and neurons past the end are computed from zeros and not stored. k is never padded,
// since fma(0, 0, -0) is +0 and 0 * inf is NaN: the last step along k is shorter.
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
#define ITEM_ROWS 4
#endif
#ifndef ITEM_NEURONS // neurons of an item's block of sums
#define ITEM_NEURONS 4
#endif
#ifndef BLOCKED // 1: an item's outputs are adjacent; 0: interleaved with its neighbours'
#define BLOCKED 0
#endif
#ifndef TILE_K // inputs that a step along k holds in local memory
#define TILE_K 16
#endif

#define PRELU 7

#include "names_opencl.h"

#define FFWD_USED(number) ((number) == ACTIVATION)
#include "activation_list.h"

#if WG_ROWS < 1 || WG_NEURONS < 1 || ITEM_ROWS < 1 || ITEM_NEURONS < 1 || TILE_K < 1
#error "matmul.cl: every tunable is at least 1"
#endif

#define ITEMS (WG_ROWS * WG_NEURONS)
#define TILE_ROWS (WG_ROWS * ITEM_ROWS)
#define TILE_NEURONS (WG_NEURONS * ITEM_NEURONS)

// Where in the tile output (a, b) of item (i, j) lies.
#if BLOCKED
#define ROW(i, a) ((i) * ITEM_ROWS + (a))
#define NEURON(j, b) ((j) * ITEM_NEURONS + (b))
#else
#define ROW(i, a) ((i) + (a) * WG_ROWS)
#define NEURON(j, b) ((j) + (b) * WG_NEURONS)
#endif

// Fills tile[depth][lines] from `count` lines of a row-major matrix, all items together; adjacent
// items read along k, which is how the matrix lies.
static void load_tile(local REAL *tile, const uint lines, global const REAL *from,
                      const size_t row_stride, const size_t count, const uint depth,
                      const uint item) {
    for (uint e = item; e < lines * TILE_K; e += ITEMS) {
        const uint line = e / TILE_K, k = e % TILE_K;
        const int inside = line < count && k < depth;
        tile[k * (lines + 1) + line] = inside ? from[line * row_stride + k] : K(0);
    }
}

kernel __attribute__((reqd_work_group_size(WG_NEURONS, WG_ROWS, 1))) void
KERNEL(global const REAL *restrict x, global const REAL *restrict weights,
       global const REAL *restrict bias, global const REAL *restrict slopes,
       global REAL *restrict sums, global REAL *restrict y, const uint rows, const uint inputs,
       const uint neurons, const REAL alpha, const REAL beta) {
    local REAL x_tile[TILE_K][TILE_ROWS + 1];
    local REAL w_tile[TILE_K][TILE_NEURONS + 1];
    const uint j = get_local_id(0), i = get_local_id(1);
    const uint item = i * WG_NEURONS + j;
    const size_t first_row = get_group_id(0) * TILE_ROWS;
    const size_t first_neuron = get_group_id(1) * TILE_NEURONS;
    REAL z[ITEM_NEURONS][ITEM_ROWS];

    for (uint b = 0; b < ITEM_NEURONS; b++) {
        const size_t neuron = first_neuron + NEURON(j, b);
        const REAL start = bias != 0 && neuron < neurons ? bias[neuron] : K(0);
        for (uint a = 0; a < ITEM_ROWS; a++) {
            z[b][a] = start;
        }
    }

    for (uint k0 = 0; k0 < inputs; k0 += TILE_K) {
        const uint depth = min((uint)TILE_K, inputs - k0);
        load_tile(&x_tile[0][0], TILE_ROWS, x + first_row * inputs + k0, inputs,
                  rows - first_row, depth, item);
        load_tile(&w_tile[0][0], TILE_NEURONS, weights + first_neuron * inputs + k0, inputs,
                  neurons - first_neuron, depth, item);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint k = 0; k < depth; k++) {
            for (uint b = 0; b < ITEM_NEURONS; b++) {
                const REAL weight = w_tile[k][NEURON(j, b)];
                for (uint a = 0; a < ITEM_ROWS; a++) {
                    z[b][a] = FMA(weight, x_tile[k][ROW(i, a)], z[b][a]);
                }
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    for (uint a = 0; a < ITEM_ROWS; a++) {
        const size_t row = first_row + ROW(i, a);
        for (uint b = 0; b < ITEM_NEURONS; b++) {
            const size_t neuron = first_neuron + NEURON(j, b);
            if (row < rows && neuron < neurons) {
                const size_t at = row * neurons + neuron;
                if (sums != 0) {
                    sums[at] = ffwd_canonical(z[b][a]);
                }
                const REAL slope = ACTIVATION == PRELU ? slopes[neuron] : K(0);
                y[at] = ffwd_canonical(ffwd_activate(ACTIVATION, z[b][a], alpha, beta, slope));
            }
        }
    }
}
