// SPDX-License-Identifier: MIT
// Few rows: vectors along the neurons instead of the rows, so that a single row fills them.
// Included by rowblock_body.h, which says what the includer supplies.
//
// A vector of weights comes from the tiles as they are packed, whichever of the two is the wider:
//
//     tiles of half a vector      [tile t, line k][tile t + 1, line k]
//     tiles of whole vectors      [vector 0 of line k][vector 1 of line k] ..
#ifndef FFWD_CPU_FEW_BODY_H
#define FFWD_CPU_FEW_BODY_H

/** Rows that share each weight that is loaded. */
#define FEW_ROWS 4

/** Neurons that fill both whole vectors and whole tiles. */
#if LANES > TILE_NEURONS
#define FEW_UNIT ((uint64_t)LANES)
#else
#define FEW_UNIT ((uint64_t)TILE_NEURONS)
#endif

/** One layer of a few rows. */
typedef struct few_layer {
    const ffwd_block_layer *layer;
    const SCALAR *x[FEW_ROWS]; /**< [inputs] */
    SCALAR *y[FEW_ROWS];       /**< [neurons], with room for whole vectors */
} few_layer;

/** Vector `index` of the weights to one input, in tiles `stride` apart. */
INLINE REAL load_neurons(const SCALAR *line, uint64_t stride, uint64_t index) {
#if LANES == 2 * TILE_NEURONS
    return LOAD_HALVES(line + 2 * index * stride, line + (2 * index + 1) * stride);
#else
    const uint64_t neuron = index * LANES;
    return LOAD(line + neuron / TILE_NEURONS * stride + neuron % TILE_NEURONS);
#endif
}

/** y[r][o] = the sums of `vectors` vectors of neurons from `first` on, a multiple of FEW_UNIT; rows
 *  and vectors are constants. */
INLINE void sum_neurons(uint32_t rows, uint32_t vectors, const few_layer *p, uint64_t first) {
    const uint64_t inputs = p->layer->inputs, stride = inputs * TILE_NEURONS;
    const SCALAR *line = (const SCALAR *)p->layer->weights + first * inputs;
    const SCALAR *bias = (const SCALAR *)p->layer->bias + first;
    REAL sum[FEW_ROWS][4];
    for (uint32_t v = 0; v < vectors; v++) {
        for (uint32_t r = 0; r < rows; r++) {
            sum[r][v] = LOAD(bias + (uint64_t)v * LANES);
        }
    }
    for (uint64_t k = 0; k < inputs; k++) {
        for (uint32_t v = 0; v < vectors; v++) {
            const REAL weights = load_neurons(line, stride, v);
            for (uint32_t r = 0; r < rows; r++) {
                sum[r][v] = FMA(weights, K(p->x[r][k]), sum[r][v]);
            }
        }
        line += TILE_NEURONS;
    }
    for (uint32_t v = 0; v < vectors; v++) {
        for (uint32_t r = 0; r < rows; r++) {
            STORE(p->y[r] + first + (uint64_t)v * LANES, sum[r][v]);
        }
    }
}

/** The same for a last tile of `neurons`, a constant: each sum in all lanes of a vector. */
INLINE void sum_rest(uint32_t rows, uint32_t neurons, const few_layer *p, uint64_t first) {
    const uint64_t inputs = p->layer->inputs;
    const SCALAR *weights = (const SCALAR *)p->layer->weights + first * inputs;
    const SCALAR *bias = (const SCALAR *)p->layer->bias + first;
    REAL sum[FEW_ROWS][TILE_NEURONS];
    for (uint32_t o = 0; o < neurons; o++) {
        for (uint32_t r = 0; r < rows; r++) {
            sum[r][o] = K(bias[o]);
        }
    }
    for (uint64_t k = 0; k < inputs; k++) {
        for (uint32_t o = 0; o < neurons; o++) {
            for (uint32_t r = 0; r < rows; r++) {
                sum[r][o] = FMA(K(weights[k * neurons + o]), K(p->x[r][k]), sum[r][o]);
            }
        }
    }
    for (uint32_t o = 0; o < neurons; o++) {
        for (uint32_t r = 0; r < rows; r++) {
            memcpy(p->y[r] + first + o, &sum[r][o], sizeof(SCALAR));
        }
    }
}

/** All neurons of a layer: four vectors at a time, whose sums take turns, then what is left. */
INLINE void sum_layer(uint32_t rows, const few_layer *p) {
    const uint64_t neurons = p->layer->neurons;
    uint64_t first = 0;
    for (; first + 4 * (uint64_t)LANES <= neurons; first += 4 * (uint64_t)LANES) {
        sum_neurons(rows, 4, p, first);
    }
    for (; first + FEW_UNIT <= neurons; first += FEW_UNIT) {
        sum_neurons(rows, FEW_UNIT / LANES, p, first);
    }
    for (; first + TILE_NEURONS <= neurons; first += TILE_NEURONS) {
        sum_rest(rows, TILE_NEURONS, p, first);
    }
    switch (neurons - first) {
#define REST(n)                                                                                    \
    case n:                                                                                        \
        sum_rest(rows, n, p, first);                                                               \
        break;
        EACH_REST(REST)
#undef REST
    default:
        break;
    }
}

/** All layers of `rows` rows, a constant; returns where Y is, its rows row_values apart. */
INLINE SCALAR *run_layers_few(uint32_t rows, const ffwd_block_job *job, const SCALAR *const *x,
                              uint64_t row_values, SCALAR *here, SCALAR *there) {
    few_layer p;
    for (uint32_t r = 0; r < rows; r++) {
        p.x[r] = x[r];
    }
    for (size_t i = 0; i < job->layer_count; i++) {
        const ffwd_block_layer *layer = &job->layers[i];
        const uint64_t values = (layer->neurons + LANES - 1) / LANES * LANES;
        p.layer = layer;
        for (uint32_t r = 0; r < rows; r++) {
            p.y[r] = there + r * row_values;
        }
        if (layer->kind == FFWD_DENSE) {
            sum_layer(rows, &p);
        }
        for (uint32_t r = 0; r < rows && layer->kind != FFWD_DENSE; r++) {
            run_row_pass(layer, p.x[r], p.y[r]);
        }
        for (uint32_t r = 0; r < rows; r++) {
            activate_row(layer, p.y[r], values);
            if (i + 1 == job->layer_count && layer->activation != FFWD_STEP) {
                pass_canonical(p.y[r], values);
            }
            p.x[r] = p.y[r];
        }
        SCALAR *const taken = here;
        here = there;
        there = taken;
    }
    return here;
}

/** Whether so few rows are faster one by one: half a vector of them or less. */
static bool takes_few(const ffwd_block_job *job, uint64_t rows) {
    return 2 * rows <= LANES && job->layer_count > 0 && job->sums == NULL && job->outputs == NULL;
}

/** Up to FEW_ROWS rows; rows is a constant. Scratch: two areas of activations, then rows of X that
 *  cannot be used in place. */
INLINE void run_few_at(uint32_t rows, const ffwd_block_job *job, uint64_t first, uint64_t widest,
                       SCALAR *scratch) {
    const bool x_direct = ffwd_rows_dense(&job->x, FFWD_DTYPE);
    const bool y_direct = ffwd_rows_dense(&job->y, FFWD_DTYPE);
    const uint64_t area = FEW_ROWS * widest;
    const SCALAR *x[FEW_ROWS];
    for (uint32_t r = 0; r < rows; r++) {
        const ffwd_rows row = ffwd_rows_slice(&job->x, first + r, 1);
        SCALAR *packed = scratch + 2 * area + r * job->x.cols;
        x[r] = (const SCALAR *)(const void *)row.data;
        if (!x_direct) {
            ffwd_rows_pack(&row, FFWD_DTYPE, packed);
            x[r] = packed;
        }
    }
    const SCALAR *y = run_layers_few(rows, job, x, widest, scratch, scratch + area);
    for (uint32_t r = 0; r < rows; r++) {
        const ffwd_rows row = ffwd_rows_slice(&job->y, first + r, 1);
        if (y_direct) {
            memcpy(row.data, y + r * widest, job->y.cols * sizeof(SCALAR));
        } else {
            ffwd_rows_unpack(&row, FFWD_DTYPE, y + r * widest);
        }
    }
}

static void run_few_rows(const ffwd_block_job *job, uint64_t first, uint64_t rows,
                         SCALAR *scratch) {
    uint64_t widest = 1, done = 0;
    for (size_t i = 0; i < job->layer_count; i++) {
        widest = widest > job->layers[i].neurons ? widest : job->layers[i].neurons;
    }
    widest = (widest + LANES - 1) / LANES * LANES;
    for (; done + FEW_ROWS <= rows; done += FEW_ROWS) {
        run_few_at(FEW_ROWS, job, first + done, widest, scratch);
    }
    if (done + 2 <= rows) {
        run_few_at(2, job, first + done, widest, scratch);
        done += 2;
    }
    if (done < rows) {
        run_few_at(1, job, first + done, widest, scratch);
    }
}

#endif
