// SPDX-License-Identifier: MIT
// One function walks over a cell; quotes are found by memchr.
#include "format/csv_scan.h"

#include <stdio.h>
#include <string.h>

/** The quote that closes what begins at `at`; NULL where none does. */
static const char *find_closing(const char *at, const char *end) {
    const char *quote = memchr(at, '"', (size_t)(end - at));
    while (quote != NULL && quote[1] == '"') {
        at = quote + 2;
        quote = memchr(at, '"', (size_t)(end - at));
    }
    return quote;
}

static const char *skip_blanks(const char *at, char delimiter) {
    while (ffwd_csv_is_blank(*at, delimiter)) {
        at++;
    }
    return at;
}

static const char *find_cell_end(const char *at, char delimiter) {
    while (*at != delimiter && *at != '\n') {
        at++;
    }
    return at;
}

static const char *take_quoted(const char *at, const char *end, char delimiter,
                               ffwd_csv_cell *cell) {
    const char *quote = find_closing(at, end);
    if (quote == NULL) {
        *cell = (ffwd_csv_cell){.quoted = true};
        return NULL;
    }
    *cell = (ffwd_csv_cell){at, (size_t)(quote - at), true};
    at = skip_blanks(quote + 1, delimiter);
    at += at[0] == '\r' && at[1] == '\n';
    return *at == delimiter || *at == '\n' ? at : NULL;
}

const char *ffwd_csv_take_cell(const char *at, const char *end, char delimiter,
                               ffwd_csv_cell *cell) {
    const char *first = skip_blanks(at, delimiter);
    if (*first == '"') {
        return take_quoted(first + 1, end, delimiter, cell);
    }
    const char *stop = find_cell_end(first, delimiter);
    bool return_before = *stop == '\n' && stop > at && stop[-1] == '\r';
    *cell = (ffwd_csv_cell){at, (size_t)(stop - at) - return_before, false};
    return stop;
}

ffwd_csv_cell ffwd_csv_trim(ffwd_csv_cell cell, char delimiter) {
    while (cell.length > 0 && ffwd_csv_is_blank(*cell.text, delimiter)) {
        cell.text++;
        cell.length--;
    }
    while (cell.length > 0 && ffwd_csv_is_blank(cell.text[cell.length - 1], delimiter)) {
        cell.length--;
    }
    return cell;
}

size_t ffwd_csv_decode(const ffwd_csv_cell *cell, char *text) {
    size_t used = 0;
    for (size_t i = 0; i < cell->length; i++) {
        text[used++] = cell->text[i];
        i += cell->quoted && cell->text[i] == '"'; // the second of two
    }
    return used;
}

bool ffwd_csv_equals(const ffwd_csv_cell *cell, const char *text) {
    size_t i = 0;
    for (; i < cell->length && *text != '\0' && *text == cell->text[i]; i++, text++) {
        i += cell->quoted && cell->text[i] == '"';
    }
    return i >= cell->length && *text == '\0';
}

/** Whether a byte is inside a character of UTF-8, which must not be cut there. */
static bool continues_character(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

const char *ffwd_csv_show(const ffwd_csv_cell *cell, char shown[FFWD_CSV_SHOWN]) {
    static const char dots[] = "...";
    size_t used = 0, most = FFWD_CSV_SHOWN - sizeof dots, i = 0;
    for (; i < cell->length && used < most; i++) {
        unsigned char c = (unsigned char)cell->text[i];
        shown[used++] = c < ' ' || c == 127 ? '?' : (char)c;
        i += cell->quoted && c == '"';
    }
    if (i < cell->length) {
        while (used > 0 && continues_character(cell->text[i])) {
            i--;
            used--;
        }
        memcpy(shown + used, dots, sizeof dots);
    } else {
        shown[used] = '\0';
    }
    return shown;
}

const char *ffwd_csv_show_text(const char *text, char shown[FFWD_CSV_SHOWN]) {
    const ffwd_csv_cell cell = {text, strlen(text), false};
    return ffwd_csv_show(&cell, shown);
}

void ffwd_csv_list(const char *(*get)(const void *texts, size_t index), const void *texts,
                   size_t count, char list[FFWD_CSV_LISTED]) {
    static const char more[] = ", ...";
    char shown[FFWD_CSV_SHOWN];
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *text = ffwd_csv_show_text(get(texts, i), shown);
        if (used + 2 + strlen(text) + sizeof more > FFWD_CSV_LISTED) {
            memcpy(list + used, more, sizeof more);
            return;
        }
        used +=
            (size_t)snprintf(list + used, FFWD_CSV_LISTED - used, "%s%s", i > 0 ? ", " : "", text);
    }
}

/** Behind the cell at `at`, also where its record is not complete, and then NULL. */
static const char *skip_cell(const char *at, const char *end, char delimiter) {
    const char *first = skip_blanks(at, delimiter);
    if (*first == '"' && first < end) {
        first = find_closing(first + 1, end);
        if (first == NULL || first + 1 == end) { // the next byte may double the quote
            return NULL;
        }
    }
    const char *stop = find_cell_end(first, delimiter);
    return stop < end ? stop : NULL;
}

const char *ffwd_csv_record_end(const char *at, const char *end, char delimiter) {
    const char *stop = skip_cell(at, end, delimiter);
    while (stop != NULL && *stop != '\n') {
        stop = skip_cell(stop + 1, end, delimiter);
    }
    return stop != NULL ? stop + 1 : NULL;
}

const char *ffwd_csv_skip_blank(const char *at, const char *end, char delimiter) {
    while (at < end) {
        const char *first = skip_blanks(at, delimiter);
        first += first[0] == '\r' && first[1] == '\n';
        if (*first != '\n' || first >= end) {
            break;
        }
        at = first + 1;
    }
    return at;
}

size_t ffwd_csv_count_cells(const char *at, const char *end, char delimiter) {
    ffwd_csv_cell cell;
    size_t count = 1;
    at = ffwd_csv_take_cell(at, end, delimiter, &cell);
    for (; at != NULL && *at != '\n'; count++) {
        at = ffwd_csv_take_cell(at + 1, end, delimiter, &cell);
    }
    return at != NULL ? count : 0;
}

/** Line ends in a piece of text so short that a byte counts them; and whether a line begins with
 *  what a blank one would. Both are found for many bytes at once. */
static uint8_t count_piece(const char *at, size_t length, bool *blank) {
    uint8_t lines = 0, suspicious = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t line = at[i] == '\n';
        lines = (uint8_t)(lines + line);
        suspicious |= line & (uint8_t)((unsigned char)at[i + 1] <= ' ');
    }
    *blank |= suspicious != 0;
    return lines;
}

enum { PIECE = 240 };

static uint64_t count_lines(const char *at, const char *end, bool *blank) {
    uint64_t lines = 0;
    for (; end - at > PIECE; at += PIECE) {
        lines += count_piece(at, PIECE, blank);
    }
    return lines + count_piece(at, (size_t)(end - at), blank);
}

uint64_t ffwd_csv_count_lines(const char *at, const char *end) {
    bool blank = false;
    return count_lines(at, end, &blank);
}

uint64_t ffwd_csv_count_records(const char *at, const char *end, char delimiter) {
    bool blank = at < end && (unsigned char)*at <= ' ';
    uint64_t lines = count_lines(at, end, &blank);
    if (!blank) {
        return lines;
    }
    lines = 0;
    for (at = ffwd_csv_skip_blank(at, end, delimiter); at < end;
         at = ffwd_csv_skip_blank(at, end, delimiter)) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        at = stop != NULL ? stop + 1 : end;
        lines++;
    }
    return lines;
}
