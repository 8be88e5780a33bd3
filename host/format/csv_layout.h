// SPDX-License-Identifier: MIT
// What a CSV file does not say of itself, by its first lines: the delimiter, and whether they begin
// with names.
#ifndef FFWD_FORMAT_CSV_LAYOUT_H
#define FFWD_FORMAT_CSV_LAYOUT_H

#include <ffwd/file.h>

#include "base/error.h"

/** Lines that are looked at for the delimiter, and the most bytes of them. */
#define FFWD_CSV_SAMPLE_LINES 20
#define FFWD_CSV_SAMPLE_BYTES ((size_t)1 << 16)

/** FFWD_EARGUMENT for what can be none: a letter, a digit, a quote, a part of a number, a line end,
 *  and what is no character of ASCII. 0 is none yet. */
ffwd_status ffwd_csv_check_delimiter(uint32_t delimiter, const char *file, ffwd_error *err);

/** Of tab ; | and comma, in this order, the first that cuts all records of [at, end) into the same
 *  number of cells, more than one; else the one that makes most of the first record; else a comma.
 */
char ffwd_csv_find_delimiter(const char *at, const char *end);

/** Whether the complete record at `record` is a header. FFWD_EFORMAT for one that is malformed or
 *  mixes numbers and text, FFWD_EARGUMENT. */
ffwd_status ffwd_csv_find_header(const ffwd_reader_options *options, const char *file,
                                 const char *record, const char *end, char delimiter, bool *named,
                                 ffwd_error *err);

#endif
