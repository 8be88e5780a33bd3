// SPDX-License-Identifier: MIT
// What is wanted of each column of a CSV file: the options of a reader, resolved.
#ifndef FFWD_FORMAT_CSV_COLUMNS_H
#define FFWD_FORMAT_CSV_COLUMNS_H

#include <ffwd/file.h>

#include "base/error.h"
#include "format/csv_scan.h"

/** More columns than any network has inputs. */
#define FFWD_CSV_COLUMNS_MAX ((size_t)1 << 20)

/** A text and the number that it stands for. */
typedef struct ffwd_csv_word {
    const char *text;
    double value;
} ffwd_csv_word;

typedef struct ffwd_csv_column {
    const char *name; /**< "x7" where the file has none */
    int32_t value;    /**< its index among the values, or -1 */
    int32_t kept;     /**< its index among the kept columns, or -1 */
    bool fills;       /**< a missing cell stands for `missing` */
    double missing;
    const ffwd_csv_word *words;
    size_t word_count; /**< 0: cells are numbers */
} ffwd_csv_column;

typedef struct ffwd_csv_columns {
    bool named; /**< by a header */
    size_t count, value_count, kept_count;
    ffwd_csv_column *all; /**< [count], as in the file */
    uint32_t *values;     /**< [value_count]: their indices in `all` */
    uint32_t *kept;       /**< [kept_count] */
    ffwd_csv_word *words; /**< those of one column lie together */
    char *text;           /**< what names and words point into */
} ffwd_csv_columns;

/**
 * Resolves options for a file whose first record is at `record`, complete and well formed.
 *
 * @param named whether that record is the header
 * @return FFWD_EARGUMENT, with the columns that there are; FFWD_EUNSUPPORTED for too many;
 *         FFWD_ENOMEM
 */
ffwd_status ffwd_csv_columns_create(const ffwd_reader_options *options, const char *file,
                                    const char *record, const char *end, char delimiter, bool named,
                                    ffwd_csv_columns *out, ffwd_error *err);
/** Right also after a failed create. */
void ffwd_csv_columns_destroy(ffwd_csv_columns *columns);

/** The index of the column of a number, the first being "1"; false for another text. */
bool ffwd_csv_column_number(const char *text, size_t *index);

/** Whether a cell, trimmed, says that there is no value: nothing, or NA and the like. */
bool ffwd_csv_is_missing(const ffwd_csv_cell *cell);

#endif
