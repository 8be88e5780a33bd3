// SPDX-License-Identifier: MIT
// Where results go: Y, and with --layers the sums and outputs of every layer.
#ifndef FFWD_CLI_ROW_SINK_H
#define FFWD_CLI_ROW_SINK_H

#include <ffwd/file.h>

#include "model_source.h"

/** One array of the layers' archive: the sums or the outputs of a layer. */
typedef struct layer_rows {
    uint64_t cols;
    size_t entry;
    void *values; /**< [piece rows][cols] */
} layer_rows;

typedef struct row_sink {
    ffwd_writer *writer;
    uint64_t cols;
    uint32_t dtype, layer_dtype;
    void *values; /**< [piece rows][cols] of Y */
    ffwd_archive *archive;
    layer_rows *layers;       /**< [2 * layer count]: z1, y1, z2, y2, ... */
    ffwd_output *captures[2]; /**< [layer count]: what the engine is told of sums and outputs */
    size_t layer_count;       /**< 0 without --layers */
} row_sink;

/** Begins the files for `rows` rows. */
int row_sink_open(const options *given, const model_source *model, uint64_t rows, row_sink *out);
/** Bytes that one row takes in row_sink_reserve. */
uint64_t row_sink_row_bytes(const row_sink *sink);
/** Makes room for a piece of up to `rows` rows. */
int row_sink_reserve(row_sink *sink, uint64_t rows);
/** Y of a piece, and what to capture in it, for the engine. */
ffwd_output row_sink_piece(row_sink *sink, uint64_t rows, ffwd_run_options *run);
/** Appends the piece to the files. */
int row_sink_append(row_sink *sink, uint64_t rows);
/** Makes the files appear, Y last: where Y is, all is. */
int row_sink_commit(row_sink *sink);
/** Removes what was not committed. */
void row_sink_close(row_sink *sink);

#endif
