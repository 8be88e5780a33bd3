// SPDX-License-Identifier: MIT
// Where the cells and the records of CSV text begin and end. As RFC 4180 has it, with any
// delimiter; beyond it blanks may stand around quotes, and a quote inside a cell without quotes is
// text.
//
// Text is followed by a line end in each of these functions: text[end] is '\n'.
#ifndef FFWD_FORMAT_CSV_SCAN_H
#define FFWD_FORMAT_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A cell as it stands in the text, without the quotes around it. */
typedef struct ffwd_csv_cell {
    const char *text;
    size_t length;
    bool quoted; /**< "" in the text stands for a quote */
} ffwd_csv_cell;

/** A space or a tab that is not the delimiter. */
static inline bool ffwd_csv_is_blank(char c, char delimiter) {
    return (c == ' ' || c == '\t') && c != delimiter;
}

/**
 * Takes the cell at `at`, of a record that is complete.
 *
 * @return the delimiter behind it, or the '\n' behind the last one; NULL where a quote is not
 * closed (cell->text is NULL, too) or text follows a closed one
 */
const char *ffwd_csv_take_cell(const char *at, const char *end, char delimiter,
                               ffwd_csv_cell *cell);

/** The cell without the blanks at its ends. */
ffwd_csv_cell ffwd_csv_trim(ffwd_csv_cell cell, char delimiter);

/** Writes what a cell stands for, no longer than its text. The length. */
size_t ffwd_csv_decode(const ffwd_csv_cell *cell, char *text);
/** Whether it stands for this text. */
bool ffwd_csv_equals(const ffwd_csv_cell *cell, const char *text);

/** Room for a cell in a message. */
#define FFWD_CSV_SHOWN 48
/** What a cell stands for, in one line of print: cut where it is long, control characters as '?'.
 */
const char *ffwd_csv_show(const ffwd_csv_cell *cell, char shown[FFWD_CSV_SHOWN]);

const char *ffwd_csv_show_text(const char *text, char shown[FFWD_CSV_SHOWN]);

/** Room for some texts in a message. */
#define FFWD_CSV_LISTED 200
/** "male, female", with "..." where there are more than fit. */
void ffwd_csv_list(const char *(*get)(const void *texts, size_t index), const void *texts,
                   size_t count, char list[FFWD_CSV_LISTED]);

/** Behind the '\n' of the record at `at`; NULL where the record does not end before `end`. */
const char *ffwd_csv_record_end(const char *at, const char *end, char delimiter);

/** Behind the lines at `at` that hold nothing but blanks. */
const char *ffwd_csv_skip_blank(const char *at, const char *end, char delimiter);

/** How many cells the record at `at` has; 0 for one that is malformed. */
size_t ffwd_csv_count_cells(const char *at, const char *end, char delimiter);

/** Lines that end in [at, end). */
uint64_t ffwd_csv_count_lines(const char *at, const char *end);

/** The same of text without quotes, less those that ffwd_csv_skip_blank skips. */
uint64_t ffwd_csv_count_records(const char *at, const char *end, char delimiter);

#endif
