// SPDX-License-Identifier: MIT
// The CPU path's inner code as the rest of the device sees it: one table of functions for each
// instruction set and dtype, all made from rowblock_body.h.
#ifndef FFWD_CPU_ROWBLOCK_H
#define FFWD_CPU_ROWBLOCK_H

#include <stdbool.h>

#include "base/rows.h"

/** Weights of a tile that are used again and again from the first-level cache, and how many times
 * as many inputs make a row so wide that it is cut into panels of them. */
#define FFWD_PANEL_BYTES UINT64_C(16384)
#define FFWD_WIDE_PANELS 2

/**
 * An operation as the row-block code takes it.
 *
 * Packed weights of a dense layer: the neurons in tiles of tile_neurons (the last one smaller), in
 * each tile the weights of all its neurons to one input side by side, in the order in which they
 * are used:
 *
 *     tile 0                          tile 1
 *     [W[0][0] W[1][0] .. W[T-1][0]]  [W[T][0] W[T+1][0] ..]
 *     [W[0][1] W[1][1] .. W[T-1][1]]  ...
 *     ... one line an input
 */
typedef struct ffwd_block_layer {
    uint64_t inputs, neurons;
    uint32_t kind;       /**< ffwd_kind */
    uint32_t activation; /**< FFWD_STEP only with the threshold 0: see pack.c */
    double alpha, beta;
    const void
        *weights;     /**< packed, as above; of an affine the scale, or NULL: none and no shift */
    const void *bias; /**< [neurons], zeros where a dense layer has none; of an affine the shift */
    const void *slopes; /**< [neurons] of a prelu; else NULL */
} ffwd_block_layer;

/**
 * What is behind a layer of `bits` steps, as a function of them: entry i belongs to the rows in
 * which step o is bit o of i.
 */
typedef struct ffwd_block_table {
    uint32_t bits;
    double threshold; /**< that the steps' sums are above or not */
    uint64_t outputs;
    const void *entries; /**< [1 << bits][outputs] in the model's dtype, NaN canonical */
} ffwd_block_table;

/** Consecutive layers over consecutive rows. */
typedef struct ffwd_block_job {
    const ffwd_block_layer *layers;
    size_t layer_count;
    const ffwd_block_table *table; /**< gives Y behind the one layer of steps; or NULL */
    ffwd_rows x, y;
    const ffwd_rows *sums, *outputs; /**< [layer_count] captures, data NULL: not wanted; or NULL */
    uint64_t block_rows;             /**< a multiple of group_rows */
    bool bypass_cache;               /**< Y is too large to be found in a cache afterwards */
} ffwd_block_job;

/** Both dtypes of one instruction set look like this. */
typedef struct ffwd_rowblock {
    uint32_t lanes;        /**< of a vector */
    uint32_t tile_neurons; /**< accumulators of a tile are tile_neurons x group_rows / lanes */
    uint32_t group_rows;   /**< rows that one tile covers */

    /** Whether these layers are so small that run() keeps all in registers, without captures. */
    bool (*fits_registers)(const ffwd_block_layer *layers, size_t layer_count);

    /** The same of a table behind one layer: its entries are chosen among, not looked up. */
    bool (*chooses_in_registers)(const ffwd_block_layer *layer, const ffwd_block_table *table);

    /** Computes rows [first, first + rows). Scratch: 3 areas of block_rows x the widest row. */
    void (*run)(const ffwd_block_job *job, uint64_t first, uint64_t rows, void *scratch);

    /** Reads x_bytes and writes y_bytes, as a plain pass over memory would. */
    void (*stream)(const void *x, uint64_t x_bytes, void *y, uint64_t y_bytes, bool nontemporal);

    /** Runs `iterations` of independent fused multiply-adds in registers; returns their flops. */
    uint64_t (*multiply_add)(uint64_t iterations);
} ffwd_rowblock;

#endif
