// SPDX-License-Identifier: MIT
// Guesses that can be wrong are refused, and options say what is so.
#include "format/csv_layout.h"

#include <string.h>

#include "format/csv_columns.h"
#include "format/csv_scan.h"
#include "format/decimal.h"

/* ------------------------------------------------------------------------------------ delimiter */

ffwd_status ffwd_csv_check_delimiter(uint32_t delimiter, const char *file, ffwd_error *err) {
    bool is_letter = (delimiter | 0x20) >= 'a' && (delimiter | 0x20) <= 'z';
    bool is_digit = delimiter >= '0' && delimiter <= '9';
    if (delimiter >= 127 || is_letter || is_digit ||
        (delimiter != 0 && strchr("\"\r\n.+-", (int)delimiter) != NULL)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: character %u delimits no cells", file,
                         delimiter);
    }
    return FFWD_OK;
}

/** The cells of the first record; and whether all others that are complete have as many. */
static size_t count_cells(const char *at, const char *end, char delimiter, bool *alike) {
    const char *stop = ffwd_csv_record_end(at, end, delimiter);
    size_t first = ffwd_csv_count_cells(at, end, delimiter);
    *alike = first > 1;
    while (stop != NULL) {
        at = ffwd_csv_skip_blank(stop, end, delimiter);
        stop = ffwd_csv_record_end(at, end, delimiter);
        *alike = *alike && (stop == NULL || ffwd_csv_count_cells(at, end, delimiter) == first);
    }
    return first;
}

char ffwd_csv_find_delimiter(const char *at, const char *end) {
    static const char candidates[] = {'\t', ';', '|', ','};
    size_t most = 1;
    char best = ',';
    for (size_t i = 0; i < sizeof candidates; i++) {
        bool alike;
        size_t cells = count_cells(at, end, candidates[i], &alike);
        if (alike) {
            return candidates[i];
        }
        if (cells > most) {
            most = cells;
            best = candidates[i];
        }
    }
    return best;
}

/* --------------------------------------------------------------------------------------- header */

/** A kind of cells in the first record. */
typedef struct kind {
    size_t count, column; /**< where the first of them is */
    ffwd_csv_cell cell;   /**< the first of them */
} kind;

/** What the cells of the first record are; those that are missing are neither. */
typedef struct kinds {
    kind numbers, texts;
    bool chosen; /**< an option names a cell that is text */
} kinds;

static bool is_number(const ffwd_csv_cell *cell) {
    double value;
    return cell->length > 0 && ffwd_decimal_f64(cell->text, &value) == cell->text + cell->length;
}

/** Whether an option says that the text is a number in this column, which then is one of data. */
static bool is_word(const ffwd_reader_options *options, const ffwd_csv_cell *cell, size_t column) {
    for (size_t i = 0; i < options->word_count; i++) {
        size_t index;
        if (ffwd_csv_column_number(options->words[i].column, &index) && index == column &&
            ffwd_csv_equals(cell, options->words[i].text)) {
            return true;
        }
    }
    return false;
}

/** Whether an option chooses a column by this text, which then is its name. */
static bool is_chosen(const ffwd_reader_options *options, const ffwd_csv_cell *cell) {
    bool chosen = false;
    for (size_t i = 0; i < options->column_count; i++) {
        chosen |= ffwd_csv_equals(cell, options->columns[i]);
    }
    for (size_t i = 0; i < options->keep_count; i++) {
        chosen |= ffwd_csv_equals(cell, options->keep[i]);
    }
    for (size_t i = 0; i < options->word_count; i++) {
        chosen |= ffwd_csv_equals(cell, options->words[i].column);
    }
    for (size_t i = 0; i < options->missing_count; i++) {
        chosen |= ffwd_csv_equals(cell, options->missing[i].column);
    }
    return chosen;
}

static void add(kind *found, const ffwd_csv_cell *cell, size_t column) {
    if (found->count++ == 0) {
        found->cell = *cell;
        found->column = column;
    }
}

static void look_at(const ffwd_reader_options *options, const ffwd_csv_cell *cell, size_t column,
                    kinds *found) {
    if (ffwd_csv_is_missing(cell)) {
        return;
    }
    if (is_number(cell) || is_word(options, cell, column)) {
        add(&found->numbers, cell, column);
    } else {
        add(&found->texts, cell, column);
        found->chosen |= is_chosen(options, cell);
    }
}

static ffwd_status find_kinds(const ffwd_reader_options *options, const char *file,
                              const char *record, const char *end, char delimiter, kinds *found,
                              ffwd_error *err) {
    ffwd_csv_cell cell;
    size_t column = 0;
    const char *stop = ffwd_csv_take_cell(record, end, delimiter, &cell);
    while (stop != NULL) {
        cell = ffwd_csv_trim(cell, delimiter);
        look_at(options, &cell, column, found);
        if (*stop == '\n') {
            return FFWD_OK;
        }
        column++;
        stop = ffwd_csv_take_cell(stop + 1, end, delimiter, &cell);
    }
    return ffwd_fail(err, FFWD_EFORMAT, "%s: cell %zu of the first line: %s", file, column + 1,
                     cell.text == NULL ? "a quote is not closed" : "text follows a closing quote");
}

static ffwd_status refuse_mixture(const char *file, const kinds *found, ffwd_error *err) {
    char number[FFWD_CSV_SHOWN], text[FFWD_CSV_SHOWN];
    return ffwd_fail(err, FFWD_EFORMAT,
                     "%s: column %zu of the first line is a number, '%s', but column %zu is text, "
                     "'%s': say whether that line is a header",
                     file, found->numbers.column + 1, ffwd_csv_show(&found->numbers.cell, number),
                     found->texts.column + 1, ffwd_csv_show(&found->texts.cell, text));
}

/** Outside of quotes a '\r' belongs to a '\n': else all lines would be one. */
static bool has_lone_return(const char *record, const char *end) {
    bool quoted = false;
    for (const char *at = record; at + 1 < end; at++) {
        quoted = quoted != (*at == '"');
        if (!quoted && at[0] == '\r' && at[1] != '\n') {
            return true;
        }
    }
    return false;
}

ffwd_status ffwd_csv_find_header(const ffwd_reader_options *options, const char *file,
                                 const char *record, const char *end, char delimiter, bool *named,
                                 ffwd_error *err) {
    kinds found = {0};
    if (has_lone_return(record, end)) {
        return ffwd_fail(err, FFWD_EFORMAT,
                         "%s: the first line ends in CR alone; LF or CR LF can be read", file);
    }
    ffwd_status status = find_kinds(options, file, record, end, delimiter, &found, err);
    if (status != FFWD_OK) {
        return status;
    }
    switch (options->header) {
    case FFWD_HEADER_YES:
    case FFWD_HEADER_NO:
        *named = options->header == FFWD_HEADER_YES;
        return FFWD_OK;
    case FFWD_HEADER_AUTO:
        *named = found.texts.count > 0;
        return !*named || found.numbers.count == 0 || found.chosen
                   ? FFWD_OK
                   : refuse_mixture(file, &found, err);
    default:
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: header %u is none of auto, yes, no", file,
                         options->header);
    }
}
