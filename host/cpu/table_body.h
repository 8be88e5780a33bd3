// SPDX-License-Identifier: MIT
// A layer of steps and the table of all that is behind it: the signs of its sums are the bits of an
// index, and the entry there is the row of Y. Included by rowblock_body.h, which says what the
// includer supplies.
#ifndef FFWD_CPU_TABLE_BODY_H
#define FFWD_CPU_TABLE_BODY_H

/** index[r] |= 1 << (first + o) where the sum of neuron o is above the threshold; neurons is a
 * constant. */
INLINE void decide(uint32_t neurons, uint64_t inputs, uint64_t first, const SCALAR *in,
                   const ffwd_block_layer *layer, SCALAR threshold, BITS *index) {
    const SCALAR *weights = (const SCALAR *)layer->weights + first * inputs;
    REAL sum[TILE_NEURONS][VECTORS];
    start_sums(VECTORS, neurons, (const SCALAR *)layer->bias + first, sum);
    add_tile(VECTORS, neurons, inputs, in, weights, NULL, sum);
    for (uint64_t o = 0; o < neurons; o++) {
        const REAL bit = AS_REAL((AS_BITS(K(0)) + 1) << (first + o));
        for (uint64_t v = 0; v < VECTORS; v++) {
            index[v] = index[v] | AS_BITS(WHEN_GT(sum[o][v], K(threshold), bit, K(0)));
        }
    }
}

/** The index of every row of a group; inputs is a constant, or the layer's. */
INLINE void decide_all(uint64_t inputs, const SCALAR *in, const ffwd_block_layer *layer,
                       SCALAR threshold, BITS *index) {
    uint64_t first = 0;
    for (uint64_t v = 0; v < VECTORS; v++) {
        index[v] = AS_BITS(K(0));
    }
    for (; first + TILE_NEURONS <= layer->neurons; first += TILE_NEURONS) {
        decide(TILE_NEURONS, inputs, first, in, layer, threshold, index);
    }
    switch (layer->neurons - first) {
#define REST(n)                                                                                    \
    case n:                                                                                        \
        decide(n, inputs, first, in, layer, threshold, index);                                     \
        break;
        EACH_REST(REST)
#undef REST
    default:
        break;
    }
}

/** The index of a row: it lies in the lowest bytes of its lane. */
INLINE size_t index_of(const BITS *index, uint64_t row) {
    uint16_t value;
    memcpy(&value, (const unsigned char *)index + row * sizeof(SCALAR), sizeof value);
    return value;
}

/** to[row] = the entry of the row's index, for a group. */
static void look_up(const ffwd_block_table *table, const BITS *index, SCALAR *to) {
    const SCALAR *entries = table->entries;
    const uint64_t outputs = table->outputs;
    if (outputs == 1) {
        for (uint64_t r = 0; r < GROUP; r++) {
            to[r] = entries[index_of(index, r)];
        }
        return;
    }
    for (uint64_t r = 0; r < GROUP; r++) {
        memcpy(to + r * outputs, entries + index_of(index, r) * outputs, outputs * sizeof(SCALAR));
    }
}

static void decide_group(const SCALAR *in, const ffwd_block_layer *layer, SCALAR threshold,
                         BITS *index) {
    switch (layer->inputs) {
    case 1:
        decide_all(1, in, layer, threshold, index);
        break;
    case 2:
        decide_all(2, in, layer, threshold, index);
        break;
    case 3:
        decide_all(3, in, layer, threshold, index);
        break;
    case 4:
        decide_all(4, in, layer, threshold, index);
        break;
    default:
        decide_all(layer->inputs, in, layer, threshold, index);
        break;
    }
}

/** Rows of Y, whole groups, dense. */
static void look_up_block(const block *b, SCALAR *to, bool stream) {
    const ffwd_block_layer *layer = b->job->layers;
    const ffwd_block_table *table = b->job->table;
    const uint64_t count = GROUP * table->outputs;
    for (uint64_t g = 0; g < b->groups; g++) {
        BITS index[VECTORS];
        decide_group(b->here + g * GROUP * layer->inputs, layer, (SCALAR)table->threshold, index);
        if (stream) {
            look_up(table, index, b->dense);
            stream_values(b->dense, count, to + g * count);
        } else {
            look_up(table, index, to + g * count);
        }
    }
}

static void run_table_blocks(const ffwd_block_job *job, uint64_t first, uint64_t rows,
                             SCALAR *scratch) {
    const uint64_t widest = job->x.cols > job->y.cols ? job->x.cols : job->y.cols;
    for (uint64_t done = 0; done < rows;) {
        block b = {.job = job, .first = first + done, .here = scratch};
        b.dense = b.here + widest * job->block_rows;
        b.rows = rows - done < job->block_rows ? rows - done : job->block_rows;
        b.groups = (b.rows + GROUP - 1) / GROUP;
        load_rows(&b);
        const ffwd_rows slice = ffwd_rows_slice(&job->y, b.first, b.rows);
        if (in_place(&b, &job->y)) {
            look_up_block(&b, (SCALAR *)(void *)slice.data, job->bypass_cache);
        } else {
            look_up_block(&b, b.dense, false);
            ffwd_rows_unpack(&slice, FFWD_DTYPE, b.dense);
        }
        done += b.rows;
    }
}

#ifdef ABOVE_SIGNS
#include "cpu/table_rows_body.h"
#else
static bool takes_sign_rows(const ffwd_block_job *job) {
    (void)job;
    return false;
}

static void run_sign_rows(const ffwd_block_job *job, uint64_t first, uint64_t rows,
                          SCALAR *scratch) {
    (void)job, (void)first, (void)rows, (void)scratch;
}
#endif

static void run_table(const ffwd_block_job *job, uint64_t first, uint64_t rows, SCALAR *scratch) {
    if (chooses_in_registers(job->layers, job->table)) {
        run_registers(job, first, rows, scratch);
    } else if (takes_sign_rows(job)) {
        run_sign_rows(job, first, rows, scratch);
    } else {
        run_table_blocks(job, first, rows, scratch);
    }
}

#endif
