// SPDX-License-Identifier: MIT
// The row-block code, written once. An including file supplies, for its instruction set and dtype,
// the seven names of kernels/activations.h and SCALAR (the element), FFWD_DTYPE, LANES, VECTORS,
// TILE_NEURONS, LOAD, STORE, STREAM, FENCE, STORE_U8 (two vectors of 0 and 1 as bytes, streamed
// from a boundary of STREAM_U8_BYTES on), and for LANES > 1 LOW, HIGH (the halves of a and b,
// interleaved), EVEN, ODD (the even and odd lanes of a followed by those of b); where two ports of
// multiply-adds are not all, CHAINS; for LANES > 2 LOAD_HALVES (the halves of a vector from two
// places); with ABOVE_SIGNS what table_rows_body.h takes: above_bytes(), sign_threshold(),
// order_signs() and stream_scalar(); and TABLE, the name of the result.
//
// Rows go through all layers in blocks. Within a block they stand in groups of GROUP rows, feature
// by feature, so that a vector holds one feature of LANES rows and every sum keeps its order:
//
//     X, Y       [row][feature]                 as the caller has them
//     scratch    [group][feature][GROUP rows]   one area read, the other written, layer by layer
//
// A tile is TILE_NEURONS neurons x VECTORS vectors of rows, its sums in registers for all inputs.
#include <math.h>
#include <string.h>

#include "cpu/rowblock.h"
#include "kernels/activations.h"

#define GROUP ((uint64_t)LANES * VECTORS)

/** Inputs of a panel of wide rows: a tile's weights to them stay in half of the first-level cache.
 */
#define PANEL_INPUTS (FFWD_PANEL_BYTES / sizeof(SCALAR) / TILE_NEURONS)

/* Functions of constants; a build that counts branches has each once instead. */
#ifndef INLINE
#define INLINE static inline __attribute__((always_inline))
#endif

/* ------------------------------------------------------------------------------------ products */

/** out[o][r] = activation(sum[o][r]); vectors, neurons and activation are constants. */
INLINE void store_tile(uint32_t vectors, uint32_t neurons, uint32_t activation,
                       REAL (*sum)[VECTORS], SCALAR *out) {
    for (uint64_t o = 0; o < neurons; o++) {
        for (uint64_t v = 0; v < vectors; v++) {
            const REAL z = sum[o][v];
            const REAL y = activation == FFWD_STEP   ? ffwd_step(z)
                           : activation == FFWD_RELU ? ffwd_relu(z)
                                                     : z;
            STORE(out + o * GROUP + v * LANES, y);
        }
    }
}

/** sum[o][r] = bias[o], where every chain of multiply-adds starts. */
INLINE void start_sums(uint32_t vectors, uint32_t neurons, const SCALAR *bias,
                       REAL (*sum)[VECTORS]) {
    for (uint64_t o = 0; o < neurons; o++) {
        for (uint64_t v = 0; v < vectors; v++) {
            sum[o][v] = K(bias[o]);
        }
    }
}

/** sum[o][r] += sum over k of weights[k][o] * in[k][r], k in order, one group; weights that come
 *  next are asked for meanwhile, unless ahead is NULL. */
INLINE void add_tile(uint32_t vectors, uint32_t neurons, uint64_t inputs, const SCALAR *in,
                     const SCALAR *weights, const SCALAR *ahead, REAL (*sum)[VECTORS]) {
    for (uint64_t k = 0; k < inputs; k++) {
        if (ahead != NULL) {
            __builtin_prefetch(ahead + k * neurons, 0, 2);
        }
        REAL x[VECTORS];
        for (uint64_t v = 0; v < vectors; v++) {
            x[v] = LOAD(in + k * GROUP + v * LANES);
        }
        for (uint64_t o = 0; o < neurons; o++) {
            const REAL w = K(weights[k * neurons + o]);
            for (uint64_t v = 0; v < vectors; v++) {
                sum[o][v] = FMA(w, x[v], sum[o][v]);
            }
        }
    }
}

/** out[o][r] = activation(sum[o][r]), one group. Step and relu are done here, on the sums in
 *  registers; the others are a pass of their own. */
INLINE void finish_tile(uint32_t vectors, uint32_t neurons, uint32_t activation,
                        REAL (*sum)[VECTORS], SCALAR *out) {
    switch (activation) {
    case FFWD_STEP:
        store_tile(vectors, neurons, FFWD_STEP, sum, out);
        break;
    case FFWD_RELU:
        store_tile(vectors, neurons, FFWD_RELU, sum, out);
        break;
    default:
        store_tile(vectors, neurons, FFWD_IDENTITY, sum, out);
        break;
    }
}

/** The sums that an earlier panel has left in out. */
INLINE void load_tile(uint32_t neurons, const SCALAR *out, REAL (*sum)[VECTORS]) {
    for (uint64_t o = 0; o < neurons; o++) {
        for (uint64_t v = 0; v < VECTORS; v++) {
            sum[o][v] = LOAD(out + o * GROUP + v * LANES);
        }
    }
}

/** out[o][r] = activation(bias[o] + sum over k of weights[k][o] * in[k][r]), one group. Of few rows
 *  only its first `vectors` vectors are computed. */
INLINE void tile(uint32_t vectors, uint32_t neurons, uint64_t inputs, uint32_t activation,
                 const SCALAR *in, const SCALAR *weights, const SCALAR *bias, SCALAR *out) {
    REAL sum[TILE_NEURONS][VECTORS];
    start_sums(vectors, neurons, bias, sum);
    add_tile(vectors, neurons, inputs, in, weights, NULL, sum);
    finish_tile(vectors, neurons, activation, sum, out);
}

/** One layer's data, as every tile of it takes them. */
typedef struct product {
    uint64_t inputs, neurons, groups;
    bool few;            /**< rows: no more than LANES, in one group */
    uint32_t activation; /**< identity where the activation is a pass of its own */
    const SCALAR *in;
    SCALAR *out;
} product;

/** Neurons [first, first + neurons) of all groups; neurons and inputs are constants, or p's. */
INLINE void tile_groups(uint32_t neurons, uint64_t inputs, const product *p, uint64_t first,
                        const SCALAR *restrict weights, const SCALAR *restrict bias) {
    const uint64_t groups = p->groups, out_stride = p->neurons * GROUP;
    const uint32_t activation = p->activation;
    const SCALAR *restrict in = p->in;
    SCALAR *restrict out = p->out + first * GROUP;
    if (p->few) {
        tile(1, neurons, inputs, activation, in, weights, bias, out);
        return;
    }
    for (uint64_t g = 0; g < groups; g++) {
        /* The biases are broadcast anew: kept in registers from group to group they would crowd out
         * the sums. */
        __asm__("" : "+r"(bias));
        tile(VECTORS, neurons, inputs, activation, in, weights, bias, out);
        in += inputs * GROUP;
        out += out_stride;
    }
}

/** The last tile of a layer, which may be the only one. Its inputs are told apart where a loop over
 *  them would cost as much as the products: weights stay in registers from group to group. */
INLINE void tile_rest(uint32_t neurons, const product *p, uint64_t first, const SCALAR *weights,
                      const SCALAR *bias) {
    switch (p->inputs) {
    case 1:
        tile_groups(neurons, 1, p, first, weights, bias);
        break;
    case 2:
        tile_groups(neurons, 2, p, first, weights, bias);
        break;
    case 3:
        tile_groups(neurons, 3, p, first, weights, bias);
        break;
    case 4:
        tile_groups(neurons, 4, p, first, weights, bias);
        break;
    default:
        tile_groups(neurons, p->inputs, p, first, weights, bias);
        break;
    }
}

/** Neurons [first, first + neurons) of all groups over a panel of inputs, whose sums begin or go on
 *  in p->out; neurons is a constant. */
INLINE void tile_panel(uint32_t neurons, const product *p, uint64_t first, uint64_t first_input,
                       const SCALAR *restrict weights, const SCALAR *restrict bias) {
    const uint64_t left = p->inputs - first_input;
    const uint64_t inputs = left < PANEL_INPUTS ? left : PANEL_INPUTS;
    const uint32_t activation = left > PANEL_INPUTS ? FFWD_IDENTITY : p->activation;
    const SCALAR *here = weights + first_input * neurons;
    const SCALAR *restrict in = p->in + first_input * GROUP;
    SCALAR *restrict out = p->out + first * GROUP;
    for (uint64_t g = 0; g < p->groups; g++) {
        REAL sum[TILE_NEURONS][VECTORS];
        if (first_input == 0) {
            start_sums(VECTORS, neurons, bias, sum);
        } else {
            load_tile(neurons, out, sum);
        }
        add_tile(VECTORS, neurons, inputs, in, here, here + p->inputs * neurons, sum);
        finish_tile(VECTORS, neurons, activation, sum, out);
        in += p->inputs * GROUP;
        out += p->neurons * GROUP;
    }
}

/* F(n) for every number of neurons that whole tiles may leave. */
#if TILE_NEURONS == 8
#define EACH_REST(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7)
#elif TILE_NEURONS == 4
#define EACH_REST(F) F(1) F(2) F(3)
#elif TILE_NEURONS == 2
#define EACH_REST(F) F(1)
#endif

/** Wide rows: a panel of inputs for all neurons, then the next one, so that what is read again for
 *  each tile stays in the caches. */
static void multiply_panels(const ffwd_block_layer *layer, const product *p) {
    const SCALAR *weights = layer->weights;
    const SCALAR *bias = layer->bias;
    for (uint64_t k = 0; k < p->inputs; k += PANEL_INPUTS) {
        uint64_t o = 0;
        for (; o + TILE_NEURONS <= p->neurons; o += TILE_NEURONS) {
            tile_panel(TILE_NEURONS, p, o, k, weights + o * p->inputs, bias + o);
        }
        switch (p->neurons - o) {
#define REST(n)                                                                                    \
    case n:                                                                                        \
        tile_panel(n, p, o, k, weights + o * p->inputs, bias + o);                                 \
        break;
            EACH_REST(REST)
#undef REST
        default:
            break;
        }
    }
}

/** All neurons: whole tiles, then one of what is left. */
static void multiply(const ffwd_block_layer *layer, const product *p) {
    if (p->inputs >= FFWD_WIDE_PANELS * PANEL_INPUTS && !p->few) {
        multiply_panels(layer, p);
        return;
    }
    const SCALAR *weights = layer->weights;
    const SCALAR *bias = layer->bias;
    uint64_t first = 0;
    for (; first + TILE_NEURONS <= p->neurons; first += TILE_NEURONS) {
        tile_groups(TILE_NEURONS, p->inputs, p, first, weights + first * p->inputs, bias + first);
    }
    weights += first * p->inputs;
    bias += first;
    switch (p->neurons - first) {
#define REST(n)                                                                                    \
    case n:                                                                                        \
        tile_rest(n, p, first, weights, bias);                                                     \
        break;
        EACH_REST(REST)
#undef REST
    default:
        break;
    }
}

#include "cpu/activation_body.h"

#include "cpu/pass_body.h"

#include "cpu/transpose_body.h"

#include "cpu/registers_body.h"

/* -------------------------------------------------------------------------------------- blocks */

/** A block on its way through the layers. */
typedef struct block {
    const ffwd_block_job *job;
    uint64_t first, rows,
        groups;           /**< groups * GROUP >= rows; rows beyond are computed and dropped */
    SCALAR *here, *there; /**< the two areas of activations */
    SCALAR *dense;        /**< rows that cannot be used in place */
} block;

static bool in_place(const block *b, const ffwd_rows *view) {
    return ffwd_rows_dense(view, FFWD_DTYPE) && b->rows == b->groups * GROUP;
}

/** Whether X can be read in place, a vector past the block where rows are narrower. */
static bool readable_in_place(const block *b) {
    const ffwd_rows *x = &b->job->x;
    return in_place(b, x) &&
           (x->cols >= LANES || (x->rows - b->first - b->rows) * x->cols >= LANES);
}

/** A group's rows that are asked for ahead of their use into the first-level cache: more would push
 *  out the block, and go into the second. */
#define PREFETCH_BYTES 4096
#define CACHE_LINE     64

static void prefetch(const unsigned char *rows, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes; i += CACHE_LINE) {
        if (bytes <= PREFETCH_BYTES) {
            __builtin_prefetch(rows + i, 0, 3);
        } else {
            __builtin_prefetch(rows + i, 0, 2);
        }
    }
}

static void load_rows(block *b) {
    const ffwd_rows *x = &b->job->x;
    const uint64_t cols = x->cols, group_bytes = GROUP * cols * sizeof(SCALAR);
    const ffwd_rows slice = ffwd_rows_slice(x, b->first, b->rows);
    const bool direct = readable_in_place(b);
    const SCALAR *from = (const SCALAR *)(const void *)slice.data;
    if (!direct) {
        ffwd_rows_pack(&slice, FFWD_DTYPE, b->dense);
        memset(b->dense + b->rows * cols, 0, (b->groups * GROUP - b->rows) * cols * sizeof(SCALAR));
        from = b->dense;
    }
    /* The next block's rows arrive while this one is computed; past the end nothing happens. */
    const unsigned char *ahead = slice.data + b->groups * group_bytes;
    for (uint64_t g = 0; g < b->groups; g++) {
        if (direct) {
            prefetch(ahead + g * group_bytes, group_bytes);
        }
        rows_to_features(GROUP, cols, from + g * GROUP * cols, b->here + g * GROUP * cols);
    }
}

/** to[i] = from[i], past the caches but for what lies before the first and behind the last boundary
 *  of vectors in `to`. */
static void stream_values(const SCALAR *from, uint64_t count, SCALAR *to) {
    const uint64_t before = (0 - (uintptr_t)to) % sizeof(REAL) / sizeof(SCALAR);
    uint64_t i = 0;
    for (; i < before && i < count; i++) {
        to[i] = from[i];
    }
    for (; i + LANES <= count; i += LANES) {
        STREAM(to + i, LOAD(from + i));
    }
    for (; i < count; i++) {
        to[i] = from[i];
    }
}

/** Rows that nobody reads soon: group by group through the first-level cache, then past it. */
static void stream_rows(const block *b, uint64_t cols, SCALAR *to) {
    const uint64_t count = GROUP * cols;
    for (uint64_t g = 0; g < b->groups; g++) {
        const SCALAR *from = b->here + g * count;
        if (cols > 1) {
            features_to_rows(GROUP, cols, from, b->dense);
            from = b->dense;
        }
        stream_values(from, count, to + g * count);
    }
}

static void store_rows(const block *b, const ffwd_rows *view) {
    const uint64_t cols = view->cols;
    const ffwd_rows slice = ffwd_rows_slice(view, b->first, b->rows);
    const bool direct = in_place(b, view);
    SCALAR *to = direct ? (SCALAR *)(void *)slice.data : b->dense;
    if (direct && b->job->bypass_cache) {
        stream_rows(b, cols, to);
        return;
    }
    for (uint64_t g = 0; g < b->groups; g++) {
        features_to_rows(GROUP, cols, b->here + g * GROUP * cols, to + g * GROUP * cols);
    }
    if (!direct) {
        ffwd_rows_unpack(&slice, FFWD_DTYPE, b->dense);
    }
}

static bool wanted(const ffwd_rows *captures, size_t layer) {
    return captures != NULL && captures[layer].data != NULL;
}

/** A layer up to its activation, or with it: step and relu are done with the product, unless the
 *  sums are wanted too. Returns whether it was. */
static bool run_sums(block *b, const ffwd_block_layer *layer, bool sums) {
    const bool early = !sums && (layer->activation == FFWD_STEP || layer->activation == FFWD_RELU);
    const product p = {.inputs = layer->inputs,
                       .neurons = layer->neurons,
                       .groups = b->groups,
                       .few = b->rows <= LANES,
                       .activation = early ? layer->activation : FFWD_IDENTITY,
                       .in = b->here,
                       .out = b->there};
    if (layer->kind != FFWD_DENSE) {
        run_pass(layer, b->groups, b->here);
        return false;
    }
    multiply(layer, &p);
    b->there = b->here;
    b->here = p.out;
    return early;
}

static void run_layer(block *b, size_t index) {
    const ffwd_block_job *job = b->job;
    const ffwd_block_layer *layer = &job->layers[index];
    const uint64_t count = b->groups * GROUP * layer->neurons;
    const bool sums = wanted(job->sums, index), outputs = wanted(job->outputs, index);
    const bool early = run_sums(b, layer, sums);
    if (sums) {
        pass_canonical(b->here, count);
        store_rows(b, &job->sums[index]);
    }
    if (!early) {
        activate(layer, GROUP, b->here, count);
    }
    const bool leaves = outputs || index + 1 == job->layer_count;
    if (leaves && layer->activation != FFWD_STEP) {
        pass_canonical(b->here, count);
    }
    if (outputs) {
        store_rows(b, &job->outputs[index]);
    }
}

static void run_blocks(const ffwd_block_job *job, uint64_t first, uint64_t rows, SCALAR *scratch) {
    uint64_t widest = job->x.cols;
    for (size_t i = 0; i < job->layer_count; i++) {
        widest = widest > job->layers[i].neurons ? widest : job->layers[i].neurons;
    }
    const uint64_t area = widest * job->block_rows;
    for (uint64_t done = 0; done < rows;) {
        block b = {.job = job, .first = first + done, .here = scratch};
        b.there = b.here + area;
        b.dense = b.there + area;
        b.rows = rows - done < job->block_rows ? rows - done : job->block_rows;
        b.groups = (b.rows + GROUP - 1) / GROUP;
        load_rows(&b);
        if (job->layer_count == 0) {
            pass_canonical(b.here, b.groups * GROUP * job->x.cols);
        }
        for (size_t i = 0; i < job->layer_count; i++) {
            run_layer(&b, i);
        }
        store_rows(&b, &job->y);
        done += b.rows;
    }
}

#include "cpu/table_body.h"

#include "cpu/few_body.h"

static void run(const ffwd_block_job *job, uint64_t first, uint64_t rows, void *scratch) {
    if (job->table != NULL) {
        run_table(job, first, rows, scratch);
    } else if (job->sums == NULL && job->outputs == NULL &&
               fits_registers(job->layers, job->layer_count)) {
        run_registers(job, first, rows, scratch);
    } else if (takes_few(job, rows)) {
        run_few_rows(job, first, rows, scratch);
    } else {
        run_blocks(job, first, rows, scratch);
    }
    FENCE();
}

#include "cpu/limit_body.h"

const ffwd_rowblock TABLE = {
    .lanes = LANES,
    .tile_neurons = TILE_NEURONS,
    .group_rows = GROUP,
    .fits_registers = fits_registers,
    .chooses_in_registers = chooses_in_registers,
    .run = run,
    .stream = stream,
    .multiply_add = multiply_add,
};
