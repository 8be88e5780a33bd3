// SPDX-License-Identifier: MIT
// Cells that pass from one CSV file to another, as the text that the other one takes.
#ifndef FFWD_FORMAT_KEPT_H
#define FFWD_FORMAT_KEPT_H

#include <stdbool.h>

#include <ffwd/file.h>

#include "base/error.h"
#include "format/csv_scan.h"

struct ffwd_kept {
    size_t columns;    /**< of each row */
    uint64_t rows;     /**< that are complete */
    uint64_t bytes;    /**< of text, after which it is full */
    uint64_t complete; /**< bytes of the complete rows */
    uint64_t used, room;
    unsigned char *text; /**< row after row: its length (4 bytes), its cells, a comma behind each */
};

/** Forgets all rows; those to come have `columns` cells. */
void ffwd_kept_clear(ffwd_kept *kept, size_t columns);
/** Whether another row would be too much. One row never is. */
bool ffwd_kept_is_full(const ffwd_kept *kept);
/** Begins a row, in place of one that was not ended. FFWD_ENOMEM. */
ffwd_status ffwd_kept_begin_row(ffwd_kept *kept, ffwd_error *err);
/** Adds a cell to the row, in quotes where it needs them. At most 2^24 bytes a row. FFWD_ENOMEM. */
ffwd_status ffwd_kept_add(ffwd_kept *kept, const ffwd_csv_cell *cell, ffwd_error *err);
void ffwd_kept_end_row(ffwd_kept *kept);
/** The row whose length stands at *offset, and where the next one begins. */
const unsigned char *ffwd_kept_row(const ffwd_kept *kept, uint64_t *offset, uint32_t *length);

/** Writes a cell, in quotes where it holds a comma, a quote or a line end, or begins or ends blank:
 *  at most 2 * length + 2 bytes. Their number. */
size_t ffwd_csv_put_cell(char *text, const ffwd_csv_cell *cell);

#endif
