// SPDX-License-Identifier: MIT
// X: the rows of a file, or random ones, in pieces.
#ifndef FFWD_CLI_ROW_SOURCE_H
#define FFWD_CLI_ROW_SOURCE_H

#include <ffwd/file.h>

#include "model_source.h"

typedef struct row_source {
    const char *name;    /**< as the user wrote it */
    ffwd_reader *reader; /**< NULL: random rows */
    uint64_t seed;
    uint64_t rows, cols;
    uint32_t dtype; /**< of what row_source_fill delivers: the model's */
} row_source;

/** Opens options->x as rows for a model, or says which shapes disagree. */
int row_source_open(const options *given, const model_source *model, row_source *out);
/** Random rows for a model. */
row_source row_source_random(uint64_t rows, uint64_t seed, const model_source *model);
/** Reads rows [first, first + rows) into values, dense. */
ffwd_status row_source_fill(row_source *source, uint64_t first, uint64_t rows, void *values,
                            ffwd_error *err);
/** The same; says what went wrong. */
int row_source_read(row_source *source, uint64_t first, uint64_t rows, void *values);
void row_source_close(row_source *source);

#endif
