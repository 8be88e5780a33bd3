// SPDX-License-Identifier: MIT
// Outputs that were given to compare with: where a model's differ from them, and by how much.
#ifndef FFWD_CLI_EXPECTATION_H
#define FFWD_CLI_EXPECTATION_H

#include <stdio.h>

#include <ffwd/file.h>

#include "row_source.h"
#include "tolerance.h"

/** Rows that are shown of those that differ. */
enum { EXPECTATION_SHOWN = 5 };

/** A value that is not as expected. */
typedef struct difference {
    uint64_t row, col;
    placed_number value, expected;
    uint64_t ulp;
} difference;

typedef struct expectation {
    const char *name; /**< as the user wrote it; NULL: nothing is expected */
    ffwd_reader *reader;
    ffwd_matrix_info info;
    tolerance allowed;
    uint32_t dtype;
    void *values; /**< [rows of a piece][cols], of the dtype */
    uint64_t compared, differing, differing_rows;
    difference shown[EXPECTATION_SHOWN]; /**< the first of each row */
    difference largest;                  /**< by ulp, also of those that are allowed */
} expectation;

/** Opens options->expect, if there is one, as the outputs of a model for the rows of X, or says
 *  which shapes disagree. */
int expectation_open(const options *given, const model_source *model, const row_source *x,
                     expectation *out);
/** Bytes that one row takes. */
uint64_t expectation_row_bytes(const expectation *wanted);
/** Makes room for pieces of up to `rows` rows. */
int expectation_reserve(expectation *wanted, uint64_t rows);
/** Compares outputs of rows [first, first + rows), dense, which come in order. */
int expectation_compare(expectation *wanted, uint64_t first, uint64_t rows, const void *values);
/** What was found, if anything was expected. */
void expectation_print(const expectation *wanted, FILE *stream);
/** EXIT_DONE where all is as expected. */
int expectation_conclude(const expectation *wanted);
void expectation_close(expectation *wanted);

#endif
