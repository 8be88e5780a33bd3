// SPDX-License-Identifier: MIT
// Random CSV tables, read as libcsv and strtod read them: with quotes and without, in one piece and
// in many, by one thread and by several; kept cells come out as they went in.
#include <check.h>
#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ffwd/file.h>

#include "support/files.h"
#include "support/suite.h"

static ffwd_error err = FFWD_ERROR_INIT;

static uint64_t random_bits(void) {
    static uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static size_t below(size_t count) {
    return (size_t)(random_bits() % count);
}

/* --------------------------------------------------------------------------------------- tables */

/** Text that grows. */
typedef struct text {
    char *bytes;
    size_t used, room;
} text;

static void put(text *to, const char *bytes, size_t count) {
    if (to->used + count > to->room) {
        to->room = 2 * (to->used + count);
        to->bytes = realloc(to->bytes, to->room);
        ck_assert_ptr_nonnull(to->bytes);
    }
    memcpy(to->bytes + to->used, bytes, count);
    to->used += count;
}

static void put_text(text *to, const char *string) {
    put(to, string, strlen(string));
}

/** How a table is written. */
typedef struct style {
    size_t cols, text_col;
    char delimiter;
    bool quotes, blanks, carriage_returns, blank_lines;
} style;

static void put_number(text *to, const style *how) {
    char number[64];
    switch (below(6)) {
    case 0:
        (void)snprintf(number, sizeof number, "%d", (int)below(1000) - 500);
        break;
    case 1:
        (void)snprintf(number, sizeof number, "%.17g", (double)(int64_t)random_bits() * 0x1p-63);
        break;
    case 2:
        (void)snprintf(number, sizeof number, "%.3e", (double)(int64_t)random_bits());
        break;
    case 3:
        (void)snprintf(number, sizeof number, "%.2f", (double)below(100000) / 100);
        break;
    case 4:
        (void)snprintf(number, sizeof number, "-.%zu", below(100000));
        break;
    default:
        (void)snprintf(number, sizeof number, "%.25f", (double)(int64_t)random_bits() * 0x1p-60);
        break;
    }
    put_text(to, how->blanks && below(8) == 0 ? "  " : "");
    put_text(to, number);
    put_text(to, how->blanks && below(8) == 0 ? " " : "");
}

/** A cell of anything, in quotes. */
static void put_quoted(text *to, const style *how) {
    static const char *const parts[] = {"\"\"", "\n",   "\r\n", ",",  ";",
                                        " ",    "text", "7",    "\t", "\xc3\xa4"};
    put_text(to, how->blanks && below(8) == 0 ? " \"" : "\"");
    for (size_t i = below(12); i > 0; i--) {
        put_text(to, parts[below(sizeof parts / sizeof *parts)]);
    }
    put_text(to, how->blanks && below(8) == 0 ? "\"  " : "\"");
}

static void put_cell(text *to, const style *how, size_t col) {
    if (col == how->text_col) {
        if (how->quotes && below(2) == 0) {
            put_quoted(to, how);
        } else {
            put_text(to, below(4) == 0 ? "" : below(2) == 0 ? "a word" : "x\"y\"z");
        }
    } else if (how->quotes && below(8) == 0) {
        put_text(to, "\"");
        put_number(to, how);
        put_text(to, "\"");
    } else {
        put_number(to, how);
    }
}

static void put_row(text *to, const style *how) {
    for (size_t col = 0; col < how->cols; col++) {
        put_cell(to, how, col);
        if (col + 1 < how->cols) {
            put(to, &how->delimiter, 1);
        }
    }
    put_text(to, how->carriage_returns && below(2) == 0 ? "\r\n" : "\n");
    if (how->blank_lines && below(8) == 0) {
        put_text(to, below(2) == 0 ? "\n" : " \r\n");
    }
}

/** c1, c2, ... and rows of which one column is text. */
static void make_table(text *to, const style *how, size_t rows) {
    to->used = 0;
    for (size_t col = 0; col < how->cols; col++) {
        char name[32];
        (void)snprintf(name, sizeof name, "c%zu%c", col + 1,
                       col + 1 < how->cols ? how->delimiter : '\n');
        put_text(to, name);
    }
    for (size_t row = 0; row < rows; row++) {
        put_row(to, how);
    }
}

/* --------------------------------------------------------------------------------------- oracle */

/** What libcsv says the cells are: a 0 behind each. */
typedef struct cells {
    text all;
    size_t rows, count, last_count;
    bool even;
} cells;

static void take_cell(void *cell, size_t length, void *user) {
    cells *to = user;
    put(&to->all, cell, length);
    put(&to->all, "", 1);
    to->count++;
}

static void take_row(int line_end, void *user) {
    cells *to = user;
    (void)line_end;
    to->even = to->rows == 0 || (to->even && to->count == to->last_count);
    to->last_count = to->count;
    to->count = 0;
    to->rows++;
}

static void parse_with_libcsv(const char *bytes, size_t count, char delimiter, cells *to) {
    struct csv_parser parser;
    to->all.used = 0;
    to->rows = 0;
    to->count = 0;
    ck_assert_int_eq(csv_init(&parser, 0), 0);
    csv_set_delim(&parser, (unsigned char)delimiter);
    ck_assert_uint_eq(csv_parse(&parser, bytes, count, take_cell, take_row, to), count);
    ck_assert_int_eq(csv_fini(&parser, take_cell, take_row, to), 0);
    csv_free(&parser);
    ck_assert(to->even);
}

static const char *next_cell(const char *cell) {
    return cell + strlen(cell) + 1;
}

/* -------------------------------------------------------------------------------------- compare */

/** Reads the table in pieces; the kept column is written again. */
static size_t read_table(ffwd_reader *reader, size_t most, size_t cols, double *values,
                         ffwd_kept *kept, ffwd_writer *writer) {
    static float nothing[1 << 20];
    uint64_t rows, total = 0;
    do {
        expect_ok(
            ffwd_reader_next(reader, most, FFWD_F64, values + total * cols, kept, &rows, &err),
            &err);
        if (writer != NULL) {
            expect_ok(ffwd_writer_append(writer, rows, nothing, kept, &err), &err);
        }
        total += rows;
    } while (rows > 0);
    return total;
}

static void compare_values(const cells *expected, const style *how, const double *values) {
    const char *cell = expected->all.bytes;
    size_t at = 0;
    for (size_t i = 0; i < how->cols; i++) {
        cell = next_cell(cell);
    }
    for (size_t row = 1; row < expected->rows; row++) {
        for (size_t col = 0; col < how->cols; col++, cell = next_cell(cell)) {
            if (col == how->text_col) {
                continue;
            }
            double wanted = strtod(cell, NULL);
            if (values[at++] != wanted) {
                ck_abort_msg("row %zu: '%s' is read as %.17g", row, cell, values[at - 1]);
            }
        }
    }
}

static void compare_kept(const cells *expected, const style *how) {
    static cells written;
    size_t count;
    char *bytes = (char *)get_file(scratch("y.csv"), &count);
    parse_with_libcsv(bytes, count, ',', &written);
    ck_assert_uint_eq(written.rows, expected->rows);
    const char *own = written.all.bytes, *cell = expected->all.bytes;
    for (size_t row = 0; row < expected->rows; row++, own = next_cell(next_cell(own))) {
        for (size_t col = 0; col < how->cols; col++, cell = next_cell(cell)) {
            if (col == how->text_col && strcmp(own, cell) != 0) {
                ck_abort_msg("row %zu: '%s' was kept as '%s'", row, cell, own);
            }
        }
    }
    free(bytes);
}

static void check_reading(const cells *expected, const style *how, size_t most, uint32_t threads,
                          bool keep, double *values) {
    char name[32];
    const char *const names[] = {name};
    uint64_t rows;
    ffwd_kept *kept = NULL;
    ffwd_writer *writer = NULL;
    ffwd_reader *reader;
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    ffwd_writer_options writer_options = FFWD_WRITER_OPTIONS_INIT;
    (void)snprintf(name, sizeof name, "c%zu", how->text_col + 1);
    options.threads = threads;
    options.keep = names;
    options.keep_count = 1;
    writer_options.kept = names;
    writer_options.kept_count = 1;
    expect_ok(ffwd_reader_open(scratch("x.csv"), &options, &reader, &err), &err);
    expect_ok(ffwd_reader_count(reader, &rows, &err), &err);
    ck_assert_uint_eq(rows + 1, expected->rows);
    if (keep) {
        expect_ok(ffwd_kept_create(below(100000), &kept, &err), &err);
        expect_ok(
            ffwd_writer_create(scratch("y.csv"), rows, 1, FFWD_F32, &writer_options, &writer, &err),
            &err);
    }
    ck_assert_uint_eq(read_table(reader, most, how->cols - 1, values, kept, writer), rows);
    compare_values(expected, how, values);
    ffwd_reader_destroy(reader);
    if (keep) {
        expect_ok(ffwd_writer_commit(writer, &err), &err);
        compare_kept(expected, how);
    }
    ffwd_writer_destroy(writer);
    ffwd_kept_destroy(kept);
}

static style random_style(void) {
    static const char delimiters[] = {',', ';', '\t', '|'};
    style how = {.cols = 2 + below(6), .delimiter = delimiters[below(4)]};
    how.text_col = below(how.cols);
    how.quotes = below(2) == 0;
    how.blanks = below(2) == 0;
    how.carriage_returns = below(2) == 0;
    how.blank_lines = below(2) == 0;
    return how;
}

/** A few tables each, short ones and such as many threads have a part of. */
START_TEST(random_tables) {
    static text table;
    static cells expected;
    size_t tables = getenv("FFWD_LONG") != NULL ? 400 : 8;
    for (size_t i = 0; i < tables; i++) {
        const style how = random_style();
        const size_t rows = _i == 0 ? below(200) : 20000 + below(20000);
        make_table(&table, &how, rows);
        put_file(scratch("x.csv"), table.bytes, table.used);
        parse_with_libcsv(table.bytes, table.used, how.delimiter, &expected);
        ck_assert_uint_eq(expected.rows, rows + 1);
        double *values = malloc((rows + 1) * how.cols * sizeof *values);
        check_reading(&expected, &how, rows + 1, 1, false, values);
        check_reading(&expected, &how, 1 + below(rows + 1), 2, false, values);
        check_reading(&expected, &how, 1 + below(100), 3, false, values);
        check_reading(&expected, &how, 1 + below(rows + 1), 2, true, values);
        free(values);
    }
}
END_TEST

static Suite *csv_oracle_suite(void) {
    Suite *suite = suite_create("csv_oracle");
    TCase *tables = tcase_create("tables");
    tcase_set_timeout(tables, 1800);
    tcase_add_loop_test(tables, random_tables, 0, 2);
    suite_add_tcase(suite, tables);
    return suite;
}

int main(void) {
    files_begin();
    int status = suite_main(csv_oracle_suite());
    files_end();
    return status;
}
