// SPDX-License-Identifier: MIT
// X: the rows of a file, or random ones, in pieces.
#ifndef FFWD_CLI_ROW_SOURCE_H
#define FFWD_CLI_ROW_SOURCE_H

#include <ffwd/file.h>

#include "model_source.h"
#include "pipeline.h"

/** Nobody has counted them. */
#define ROWS_UNKNOWN UINT64_MAX

typedef struct row_source {
    const char *name;    /**< as the user wrote it */
    ffwd_reader *reader; /**< NULL: random rows */
    uint64_t seed;
    uint64_t rows; /**< ROWS_UNKNOWN until the last has been read */
    uint64_t cols;
    uint64_t next;  /**< the row that is read next, from 0 */
    uint32_t dtype; /**< of the values: the model's */
    pipeline *line; /**< whose end ends the waiting for a pipe, too; NULL: none */
} row_source;

/** Opens options->x, which must not move, as rows for a model, or says which shapes disagree. */
int row_source_open(const options *given, const model_source *model, row_source *out);
/** Random rows for a model. */
row_source row_source_random(uint64_t rows, uint64_t seed, const model_source *model);
/** Counts the rows, where nobody has; says why that cannot be. */
int row_source_count(row_source *source);
/** Columns whose cells go on as text. */
size_t row_source_kept_count(const row_source *source);
/** Reads the rows that come next into values, dense, and their kept cells, where there is room for
 *  them: `most`, or fewer, none only behind the last. */
ffwd_status row_source_next(row_source *source, uint64_t most, void *values, ffwd_kept *kept,
                            uint64_t *rows, ffwd_error *err);
/** Whether it is known that no more rows come. */
bool row_source_ended(const row_source *source);
/** Reads rows [first, first + rows) of those that there are; says what went wrong. */
int row_source_read(row_source *source, uint64_t first, uint64_t rows, void *values);
void row_source_close(row_source *source);

#endif
