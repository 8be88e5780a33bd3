// SPDX-License-Identifier: MIT
// Most cells are a number and a delimiter, and cost one scan. Only what is not, is looked at again:
// quotes, blanks, words, missing cells, faults.
#include "format/csv_parse.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "format/decimal.h"

/* ---------------------------------------------------------------------------------------- cells */

/** Behind a number that stands for itself: at the delimiter or the '\n'; else NULL. */
static inline const char *number_end(const char *stop, char delimiter) {
    if (stop == NULL) {
        return NULL;
    }
    stop += stop[0] == '\r' && stop[1] == '\n';
    return *stop == delimiter || *stop == '\n' ? stop : NULL;
}

static bool find_word(const ffwd_csv_column *column, const ffwd_csv_cell *cell, double *value) {
    for (size_t i = 0; i < column->word_count; i++) {
        if (ffwd_csv_equals(cell, column->words[i].text)) {
            *value = column->words[i].value;
            return true;
        }
    }
    return false;
}

/** Text that is no plain number: stores its value as f32 or f64, or says what is wrong. */
static bool convert_text(const ffwd_csv_column *column, const ffwd_csv_cell *cell, void *value,
                         bool single, ffwd_csv_fault *fault) {
    double number = 0;
    if (column->word_count > 0 && find_word(column, cell, &number)) {
        fault->kind = FFWD_CSV_FINE;
    } else if (ffwd_csv_is_missing(cell)) {
        number = column->missing;
        fault->kind = column->fills ? FFWD_CSV_FINE : FFWD_CSV_MISSING;
    } else {
        fault->kind = column->word_count > 0 ? FFWD_CSV_WORD : FFWD_CSV_NUMBER;
    }
    if (single) {
        *(float *)value = (float)number;
    } else {
        *(double *)value = number;
    }
    return fault->kind == FFWD_CSV_FINE;
}

static const char *read_number(const char *text, void *value, bool single) {
    return single ? ffwd_decimal_f32(text, value) : ffwd_decimal_f64(text, value);
}

/** A cell that is not a number alone. NULL with the fault. */
static const char *read_cell(const ffwd_csv_format *format, size_t index, const char *at,
                             const char *end, void *value, bool single, ffwd_csv_fault *fault) {
    const ffwd_csv_column *column = &format->columns.all[index];
    ffwd_csv_cell *cell = &fault->cell;
    const char *stop = ffwd_csv_take_cell(at, end, format->delimiter, cell);
    fault->column = index;
    if (stop == NULL) {
        fault->kind = cell->text == NULL ? FFWD_CSV_UNCLOSED : FFWD_CSV_BEHIND;
        return NULL;
    }
    *cell = ffwd_csv_trim(*cell, format->delimiter);
    if (column->word_count == 0 && cell->length > 0 &&
        read_number(cell->text, value, single) == cell->text + cell->length) {
        return stop;
    }
    return convert_text(column, cell, value, single, fault) ? stop : NULL;
}

/** A cell that nobody wants as a number. */
static const char *pass_cell(const ffwd_csv_format *format, size_t index, const char *at,
                             const char *end, ffwd_csv_fault *fault) {
    const char *stop = ffwd_csv_take_cell(at, end, format->delimiter, &fault->cell);
    if (stop == NULL) {
        fault->column = index;
        fault->kind = fault->cell.text == NULL ? FFWD_CSV_UNCLOSED : FFWD_CSV_BEHIND;
    }
    return stop;
}

/* -------------------------------------------------------------------------------------- records */

/** The cells of a kept column, which may be one of values, too. */
static void keep_cell(const ffwd_csv_format *format, const ffwd_csv_column *column, const char *at,
                      const char *end, ffwd_csv_cell *cells) {
    if (column->kept >= 0 && cells != NULL) {
        (void)ffwd_csv_take_cell(at, end, format->delimiter, &cells[column->kept]);
    }
}

/** A row of values from the record at `at`; behind it, or NULL with the fault. */
static inline const char *read_record(const ffwd_csv_format *format, const char *at,
                                      const char *end, unsigned char *row, bool single,
                                      ffwd_csv_cell *cells, ffwd_csv_fault *fault) {
    const size_t count = format->columns.count, value_bytes = single ? 4 : 8;
    const char delimiter = format->delimiter;
    for (size_t i = 0; i < count; i++) {
        const ffwd_csv_column *column = &format->columns.all[i];
        const char *stop = NULL;
        keep_cell(format, column, at, end, cells);
        if (column->value >= 0) {
            void *value = row + (size_t)column->value * value_bytes;
            stop = column->word_count == 0 ? number_end(read_number(at, value, single), delimiter)
                                           : NULL;
            stop = stop != NULL ? stop : read_cell(format, i, at, end, value, single, fault);
        } else {
            stop = pass_cell(format, i, at, end, fault);
        }
        if (stop == NULL) {
            return NULL;
        }
        if ((*stop == '\n') != (i + 1 == count)) {
            fault->kind = FFWD_CSV_UNEVEN;
            return NULL;
        }
        at = stop + 1;
    }
    return at;
}

static bool keep_row(const ffwd_csv_format *format, ffwd_csv_task *task) {
    ffwd_status status = ffwd_kept_begin_row(task->kept, NULL);
    for (size_t i = 0; status == FFWD_OK && i < format->columns.kept_count; i++) {
        status = ffwd_kept_add(task->kept, &task->cells[i], NULL);
    }
    if (status != FFWD_OK) {
        task->fault.kind = FFWD_CSV_MEMORY;
        return false;
    }
    ffwd_kept_end_row(task->kept);
    return true;
}

static inline void parse(const ffwd_csv_format *format, ffwd_csv_task *task, bool single) {
    const char *at = task->segment->begin, *end = task->segment->end;
    const size_t row_bytes = format->columns.value_count * (single ? 4 : 8);
    unsigned char *row = task->values;
    uint64_t done = 0;
    while (done < task->rows && (task->kept == NULL || !ffwd_kept_is_full(task->kept))) {
        at = (unsigned char)*at <= ' ' ? ffwd_csv_skip_blank(at, end, format->delimiter) : at;
        const char *behind = read_record(format, at, end, row, single, task->cells, &task->fault);
        if (behind == NULL || (task->kept != NULL && !keep_row(format, task))) {
            break;
        }
        at = behind;
        row += row_bytes;
        done++;
    }
    task->rows = done;
    task->stopped = at;
}

void ffwd_csv_parse(const ffwd_csv_format *format, ffwd_csv_task *task) {
    task->fault.kind = FFWD_CSV_FINE;
    if (task->dtype == FFWD_F32) {
        parse(format, task, true);
    } else {
        parse(format, task, false);
    }
}

/* --------------------------------------------------------------------------------------- faults */

/** "column Age", or "column 3" where there are no names. */
static void describe_column(const ffwd_csv_format *format, size_t index, char *text, size_t size) {
    if (format->columns.named) {
        char shown[FFWD_CSV_SHOWN];
        (void)snprintf(text, size, "column %s",
                       ffwd_csv_show_text(format->columns.all[index].name, shown));
    } else {
        (void)snprintf(text, size, "column %zu", index + 1);
    }
}

static const char *get_word(const void *words, size_t index) {
    return ((const ffwd_csv_word *)words)[index].text;
}

/** A missing delimiter moves all cells behind it, so this is the better reason for a bad one. */
static bool is_uneven(const ffwd_csv_format *format, const ffwd_csv_task *task, size_t *cells) {
    *cells = ffwd_csv_count_cells(task->stopped, task->segment->end, format->delimiter);
    return *cells > 0 && *cells != format->columns.count;
}

/** Whether a cell is a number but for one comma, of decimals or of thousands. */
static bool has_comma(const ffwd_csv_cell *cell) {
    char text[FFWD_NUMBER_MAX];
    double value;
    if (cell->length >= sizeof text) {
        return false;
    }
    memcpy(text, cell->text, cell->length);
    char *comma = memchr(text, ',', cell->length);
    if (comma != NULL) {
        *comma = '.';
    }
    return comma != NULL && ffwd_number_parse(text, cell->length, &value);
}

static ffwd_status fail_cell(const ffwd_csv_format *format, const ffwd_csv_task *task,
                             unsigned long long line, ffwd_error *err) {
    const ffwd_csv_fault *fault = &task->fault;
    const ffwd_csv_column *list = &format->columns.all[fault->column];
    char column[80], shown[FFWD_CSV_SHOWN], words[FFWD_CSV_LISTED];
    describe_column(format, fault->column, column, sizeof column);
    switch (fault->kind) {
    case FFWD_CSV_UNCLOSED:
        return ffwd_fail(err, FFWD_EFORMAT, "%s: line %llu, %s: a quote is not closed",
                         format->file, line, column);
    case FFWD_CSV_BEHIND:
        return ffwd_fail(err, FFWD_EFORMAT, "%s: line %llu, %s: text follows a closing quote",
                         format->file, line, column);
    case FFWD_CSV_WORD:
        ffwd_csv_list(get_word, list->words, list->word_count, words);
        return ffwd_fail(err, FFWD_EFORMAT, "%s: line %llu, %s: '%s' is none of %s", format->file,
                         line, column, ffwd_csv_show(&fault->cell, shown), words);
    case FFWD_CSV_MISSING:
        return ffwd_fail_native(
            err, FFWD_EFORMAT, FFWD_CELL_MISSING,
            "%s: line %llu, %s: missing ('%s'), and no number is given for that", format->file,
            line, column, ffwd_csv_show(&fault->cell, shown));
    case FFWD_CSV_UNEVEN: // and malformed behind its last column
        return ffwd_fail(err, FFWD_EFORMAT,
                         "%s: line %llu has more than the %zu cells of line %llu", format->file,
                         line, format->columns.count, (unsigned long long)format->first_line);
    default:
        if (has_comma(&fault->cell)) {
            return ffwd_fail(err, FFWD_EFORMAT,
                             "%s: line %llu, %s: '%s' has a comma; numbers have a point alone",
                             format->file, line, column, ffwd_csv_show(&fault->cell, shown));
        }
        return ffwd_fail_native(err, FFWD_EFORMAT, FFWD_CELL_TEXT,
                                "%s: line %llu, %s: '%s' is no number", format->file, line, column,
                                ffwd_csv_show(&fault->cell, shown));
    }
}

ffwd_status ffwd_csv_fail(const ffwd_csv_format *format, const ffwd_csv_task *task,
                          ffwd_error *err) {
    size_t cells;
    unsigned long long line =
        task->segment->line + ffwd_csv_count_lines(task->segment->begin, task->stopped);
    if (task->fault.kind == FFWD_CSV_MEMORY) {
        return ffwd_fail(err, FFWD_ENOMEM, "%s: line %llu: out of memory for its kept cells",
                         format->file, line);
    }
    if (is_uneven(format, task, &cells)) {
        return ffwd_fail(err, FFWD_EFORMAT, "%s: line %llu has %zu cell%s, but line %llu has %zu",
                         format->file, line, cells, cells == 1 ? "" : "s",
                         (unsigned long long)format->first_line, format->columns.count);
    }
    return fail_cell(format, task, line, err);
}
