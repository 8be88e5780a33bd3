// SPDX-License-Identifier: MIT
// Records of CSV text into rows of numbers, and what is said of those that are none.
#ifndef FFWD_FORMAT_CSV_PARSE_H
#define FFWD_FORMAT_CSV_PARSE_H

#include "format/csv_block.h"
#include "format/csv_columns.h"
#include "format/kept.h"

typedef struct ffwd_csv_format {
    const char *file; /**< in messages */
    char delimiter;
    uint64_t first_line; /**< which says how many cells there are */
    ffwd_csv_columns columns;
} ffwd_csv_format;

/** Why a record cannot be read. */
typedef struct ffwd_csv_fault {
    enum {
        FFWD_CSV_FINE = 0,
        FFWD_CSV_UNEVEN,   /**< more or fewer cells than there are columns */
        FFWD_CSV_UNCLOSED, /**< a quote */
        FFWD_CSV_BEHIND,   /**< text behind a quote */
        FFWD_CSV_NUMBER,   /**< the cell is none */
        FFWD_CSV_WORD,     /**< the cell is none of its column's */
        FFWD_CSV_MISSING,
        FFWD_CSV_MEMORY /**< for kept cells */
    } kind;
    size_t column;
    ffwd_csv_cell cell;
} ffwd_csv_fault;

/** Rows to be parsed, and what became of them. */
typedef struct ffwd_csv_task {
    const ffwd_csv_segment *segment;
    uint64_t rows; /**< wanted, at most the segment's; afterwards those that are done */
    void *values;  /**< dense, of dtype */
    uint32_t dtype;
    ffwd_kept *kept;      /**< takes the kept cells until it is full; NULL: nobody wants them */
    ffwd_csv_cell *cells; /**< room for the kept cells of a row */
    const char *stopped;  /**< the record behind the last that is done, which has the fault */
    ffwd_csv_fault fault;
} ffwd_csv_task;

/** In the contract's floating-point environment. */
void ffwd_csv_parse(const ffwd_csv_format *format, ffwd_csv_task *task);

/** Says what the task's fault is, and in which line: FFWD_EFORMAT, FFWD_ENOMEM. */
ffwd_status ffwd_csv_fail(const ffwd_csv_format *format, const ffwd_csv_task *task,
                          ffwd_error *err);

#endif
