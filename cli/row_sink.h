// SPDX-License-Identifier: MIT
// Where results go: Y, and with --layers the sums and outputs of every layer.
#ifndef FFWD_CLI_ROW_SINK_H
#define FFWD_CLI_ROW_SINK_H

#include <ffwd/file.h>

#include "row_source.h"

/** One array of the layers' archive: the sums or the outputs of a layer. */
typedef struct layer_rows {
    uint64_t cols;
    size_t entry;
} layer_rows;

typedef struct row_sink {
    ffwd_writer *writer;
    uint64_t cols;
    uint32_t dtype, layer_dtype;
    ffwd_archive *archive;
    layer_rows *layers;       /**< [2 * layer count]: z1, y1, z2, y2, ... */
    ffwd_output *captures[2]; /**< [layer count]: what the engine is told of sums and outputs */
    size_t layer_count;       /**< 0 without --layers */
    const char **kept_names;  /**< of columns of X that go on to Y */
    size_t kept_count;
} row_sink;

/** Rows on their way into the files. */
typedef struct sink_piece {
    void *y;         /**< [rows][cols] */
    ffwd_kept *kept; /**< cells of X that go on to Y; NULL: none */
    void **layers;   /**< [2 * layer count] of [rows][cols of the layer] */
} sink_piece;

/** Begins the files for the rows of X. */
int row_sink_open(const options *given, const model_source *model, const row_source *x,
                  row_sink *out);
/** Bytes that one row takes in a piece; of kept cells, bytes to begin with. */
uint64_t row_sink_row_bytes(const row_sink *sink);
/** Makes a piece of up to `rows` rows; row_sink_piece_free also takes one that failed. */
int row_sink_piece(const row_sink *sink, uint64_t rows, sink_piece *out);
void row_sink_piece_free(const row_sink *sink, sink_piece *piece);
/** Y of a piece, and what to capture in it, for the engine, one piece at a time. */
ffwd_output row_sink_outputs(row_sink *sink, const sink_piece *piece, uint64_t rows,
                             ffwd_run_options *run);
/** Appends a piece to the files. */
ffwd_status row_sink_append(row_sink *sink, const sink_piece *piece, uint64_t rows,
                            ffwd_error *err);
/** Makes the files appear, Y last: where Y is, all is. */
int row_sink_commit(row_sink *sink);
/** Removes what was not committed. */
void row_sink_close(row_sink *sink);

#endif
