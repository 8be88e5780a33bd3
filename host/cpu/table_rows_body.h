// SPDX-License-Identifier: MIT
// The table behind steps over rows of up to SPLIT_WIDTH values, SIGN_ROWS rows at a time, read in
// place. Included by table_body.h where the includer of rowblock_body.h supplies above_bytes().
//
// The multiply-adds of a narrow layer are so few that what is done with their sums counts as much.
// A comparison into a mask would take their ports; so would turning masks into an index row by row.
// Instead the sums are packed, with saturation, to one byte a row, which keeps their signs:
//
//     sums     z[SIGN_ROWS / LANES] of neuron o, to a byte a row: 1 where z > threshold, else 0
//     bits     a byte a row, doubled for each neuron, from the last to the first
//     index    low and high bytes interleaved, then put into the order of rows
#ifndef FFWD_CPU_TABLE_ROWS_BODY_H
#define FFWD_CPU_TABLE_ROWS_BODY_H

#include "model/model.h"

#define SIGN_ROWS    UINT64_C(64)
#define SIGN_VECTORS (SIGN_ROWS / LANES)

/** Rows of X, feature by feature. */
typedef REAL sign_features[SPLIT_WIDTH][SIGN_VECTORS];

/** A NaN is made negative: then those of sums are, too, and none is taken for a positive value. */
INLINE REAL negative_nan(REAL x) {
    const BITS sign = AS_BITS(K((SCALAR)-0.0)), infinity = AS_BITS(K((SCALAR)INFINITY));
    return AS_REAL(AS_BITS(x) | ((infinity - AS_BITS(x)) & sign));
}

INLINE void split_sign_rows(uint32_t cols, const SCALAR *x, sign_features features) {
    for (uint64_t v = 0; v < SIGN_VECTORS; v++) {
        REAL row[SPLIT_WIDTH];
        split_rows(cols, x + v * LANES * cols, row);
        for (uint32_t k = 0; k < cols; k++) {
            features[k][v] = negative_nan(row[k]);
        }
    }
}

/** Neurons between two looks at the rows of the piece before. */
#define SIGN_NEURONS UINT64_C(4)

/** Rows that are looked up between two looks at neurons are whole shares. */
#define SIGN_SHARE  UINT64_C(16)
#define SIGN_SHARES (SIGN_ROWS / SIGN_SHARE)

/** A neuron's bias and weights, each in all lanes: to spread them costs as much as a product. */
typedef REAL sign_neuron[1 + SPLIT_WIDTH];

static void spread_neurons(const ffwd_block_layer *layer, sign_neuron *spread) {
    const SCALAR *weights = layer->weights, *bias = layer->bias;
    for (uint64_t o = 0; o < layer->neurons; o++) {
        const uint64_t tile = o / TILE_NEURONS * TILE_NEURONS, left = layer->neurons - tile;
        const uint64_t width = left < TILE_NEURONS ? left : TILE_NEURONS;
        spread[o][0] = K(bias[o]);
        for (uint64_t k = 0; k < layer->inputs; k++) {
            spread[o][1 + k] = K(weights[tile * layer->inputs + k * width + (o - tile)]);
        }
    }
}

/** Doubles each row's byte and adds whether it is above, for neurons [first, end) from the last. */
INLINE __m512i push_signs(uint32_t inputs, uint64_t first, uint64_t end, const sign_neuron *neuron,
                          SCALAR threshold, sign_features x, __m512i bits) {
    for (uint64_t o = end; o-- > first;) {
        REAL z[SIGN_VECTORS];
        for (uint64_t v = 0; v < SIGN_VECTORS; v++) {
            z[v] = neuron[o][0];
        }
        for (uint32_t k = 0; k < inputs; k++) {
            for (uint64_t v = 0; v < SIGN_VECTORS; v++) {
                z[v] = FMA(neuron[o][1 + k], x[k][v], z[v]);
            }
        }
        bits = _mm512_add_epi8(_mm512_add_epi8(bits, bits), above_bytes(z, threshold));
    }
    return bits;
}

/** Rows [first, end) of a piece of Y, in one of the forms in which they lie. */
typedef void sign_look_up(const ffwd_block_table *table, const uint16_t *index, uint64_t first,
                          uint64_t end, unsigned char *y);

/** One value a row; past the caches or not is a constant. */
INLINE void look_up_values(bool stream, const SCALAR *entries, const uint16_t *index,
                           uint64_t first, uint64_t end, SCALAR *y) {
    for (uint64_t share = first; share < end; share += SIGN_SHARE) {
        for (uint64_t r = share; r < share + SIGN_SHARE; r++) {
            const SCALAR *entry = &entries[index[r]];
            if (stream) {
                stream_scalar(y + r, entry);
            } else {
                y[r] = *entry;
            }
        }
    }
}

static void look_up_plain(const ffwd_block_table *table, const uint16_t *index, uint64_t first,
                          uint64_t end, unsigned char *y) {
    look_up_values(false, table->entries, index, first, end, (SCALAR *)(void *)y);
}

static void look_up_stream(const ffwd_block_table *table, const uint16_t *index, uint64_t first,
                           uint64_t end, unsigned char *y) {
    look_up_values(true, table->entries, index, first, end, (SCALAR *)(void *)y);
}

/** One value a row, 0 or 1, as a byte. */
static void look_up_u8(const ffwd_block_table *table, const uint16_t *index, uint64_t first,
                       uint64_t end, unsigned char *y) {
    const SCALAR *entries = table->entries;
    for (uint64_t share = first; share < end; share += SIGN_SHARE) {
        for (uint64_t r = share; r < share + SIGN_SHARE; r++) {
            y[r] = entries[index[r]] != 0;
        }
    }
}

static void look_up_rows(const ffwd_block_table *table, const uint16_t *index, uint64_t first,
                         uint64_t end, unsigned char *y) {
    const SCALAR *entries = table->entries;
    const uint64_t outputs = table->outputs, bytes = outputs * sizeof(SCALAR);
    for (uint64_t r = first; r < end; r++) {
        memcpy(y + r * bytes, entries + index[r] * outputs, bytes);
    }
}

/** The form in which Y can be written in place; NULL where it cannot. */
static sign_look_up *choose_look_up(const ffwd_block_job *job) {
    if (job->y.cols == 1 && ffwd_rows_dense(&job->y, FFWD_U8)) {
        return look_up_u8;
    }
    if (!ffwd_rows_dense(&job->y, FFWD_DTYPE)) {
        return NULL;
    }
    if (job->y.cols > 1) {
        return look_up_rows;
    }
    return job->bypass_cache ? look_up_stream : look_up_plain;
}

static bool any_nan(const SCALAR *values, uint64_t count) {
    bool any = false;
    for (uint64_t i = 0; i < count; i++) {
        any = any || values[i] != values[i];
    }
    return any;
}

/** Whether the rows can be used in place, and no NaN is positive before it can be made negative. */
static bool takes_sign_rows(const ffwd_block_job *job) {
    const ffwd_block_layer *layer = job->layers;
    const SCALAR threshold = (SCALAR)job->table->threshold;
    return layer->inputs <= SPLIT_WIDTH && ffwd_rows_dense(&job->x, FFWD_DTYPE) &&
           choose_look_up(job) != NULL && threshold == threshold &&
           !any_nan(layer->weights, layer->inputs * layer->neurons) &&
           !any_nan(layer->bias, layer->neurons);
}

/** What all pieces of a run share. */
typedef struct sign_run {
    uint64_t neurons;
    SCALAR threshold;
    const ffwd_block_table *table;
    sign_look_up *put;
    sign_neuron spread[FFWD_TABLE_BITS];
} sign_run;

/** The rows of a piece of Y, and their indices. */
typedef struct sign_piece {
    unsigned char *y; /**< NULL: there is none */
    uint16_t index[SIGN_ROWS];
} sign_piece;

/** The indices of the rows at x, and Y of the piece before meanwhile: a lookup waits for memory, a
 * product for ports. */
INLINE void decide_piece(uint32_t inputs, const sign_run *run, const SCALAR *x,
                         const sign_piece *before, sign_piece *piece) {
    const uint64_t steps = (run->neurons - 1) / SIGN_NEURONS + 1;
    __m512i bits[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    sign_features features;
    split_sign_rows(inputs, x, features);
    for (uint64_t i = steps; i-- > 0;) {
        const uint64_t first = i * SIGN_NEURONS;
        const uint64_t end =
            first + SIGN_NEURONS < run->neurons ? first + SIGN_NEURONS : run->neurons;
        bits[first / 8] =
            push_signs(inputs, first, end, run->spread, run->threshold, features, bits[first / 8]);
        if (before->y != NULL) {
            run->put(run->table, before->index, i * SIGN_SHARES / steps * SIGN_SHARE,
                     (i + 1) * SIGN_SHARES / steps * SIGN_SHARE, before->y);
        }
    }
    _mm512_storeu_si512(piece->index, order_signs(_mm512_unpacklo_epi8(bits[0], bits[1])));
    _mm512_storeu_si512(piece->index + SIGN_ROWS / 2,
                        order_signs(_mm512_unpackhi_epi8(bits[0], bits[1])));
}

static void decide_piece_of(uint64_t inputs, const sign_run *run, const SCALAR *x,
                            const sign_piece *before, sign_piece *piece) {
    switch (inputs) {
    case 1:
        decide_piece(1, run, x, before, piece);
        break;
    case 2:
        decide_piece(2, run, x, before, piece);
        break;
    case 3:
        decide_piece(3, run, x, before, piece);
        break;
    default:
        decide_piece(4, run, x, before, piece);
        break;
    }
}

/** Fewer than SIGN_ROWS rows, by way of whole ones. */
static void run_last_signs(const sign_run *run, const ffwd_rows *x, const ffwd_rows *y,
                           unsigned char *whole) {
    const sign_piece none = {.y = NULL};
    sign_piece piece;
    SCALAR some[SIGN_ROWS * SPLIT_WIDTH] = {0};
    memcpy(some, x->data, x->rows * (uint64_t)x->row_bytes);
    decide_piece_of(x->cols, run, some, &none, &piece);
    run->put(run->table, piece.index, 0, SIGN_ROWS, whole);
    memcpy(y->data, whole, y->rows * (uint64_t)y->row_bytes);
}

static void run_sign_rows(const ffwd_block_job *job, uint64_t first, uint64_t rows,
                          SCALAR *scratch) {
    const ffwd_rows x = ffwd_rows_slice(&job->x, first, rows);
    const ffwd_rows y = ffwd_rows_slice(&job->y, first, rows);
    const SCALAR *from = (const SCALAR *)(const void *)x.data;
    const uint64_t whole = rows / SIGN_ROWS, last = whole * SIGN_ROWS;
    sign_piece pieces[2] = {{.y = NULL}, {.y = NULL}};
    sign_run run;
    run.neurons = job->layers->neurons;
    run.threshold = sign_threshold((SCALAR)job->table->threshold);
    run.table = job->table;
    run.put = choose_look_up(job);
    spread_neurons(job->layers, run.spread);
    for (uint64_t i = 0; i < whole; i++) {
        sign_piece *piece = &pieces[i % 2];
        decide_piece_of(x.cols, &run, from + i * SIGN_ROWS * x.cols, &pieces[(i + 1) % 2], piece);
        piece->y = y.data + i * SIGN_ROWS * (uint64_t)y.row_bytes;
    }
    if (whole > 0) {
        const sign_piece *piece = &pieces[(whole - 1) % 2];
        run.put(run.table, piece->index, 0, SIGN_ROWS, piece->y);
    }
    if (last < rows) {
        const ffwd_rows x_rest = ffwd_rows_slice(&x, last, rows - last);
        const ffwd_rows y_rest = ffwd_rows_slice(&y, last, rows - last);
        run_last_signs(&run, &x_rest, &y_rest, (unsigned char *)scratch);
    }
}

#endif
