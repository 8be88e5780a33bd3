// SPDX-License-Identifier: MIT
// Columns of CSV files: chosen, mapped, filled in, kept.
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ffwd/file.h>

#include "format/csv_scan.h"
#include "support/csv_text.h"
#include "support/files.h"
#include "support/suite.h"

static ffwd_error err = FFWD_ERROR_INIT;

/* -------------------------------------------------------------------------------------- columns */

static const char passengers[] = "Id,Survived,Name,Sex,Age,Fare\n"
                                 "1,0,\"Braund, Mr. Owen\",male,22,7.25\n"
                                 "2,1,\"Cumings, \"\"Florence\"\"\",female,,71.2833\n"
                                 "3,1,\"two\nlines\",female, NA ,7.925\n"
                                 "4,0, blank ,\"male\",35,\"8.05\"\n";

static const ffwd_word sexes[] = {{"Sex", "male", 0}, {"Sex", "female", 1}};
static const ffwd_missing ages[] = {{"*", -1}, {"Age", 28}};

START_TEST(columns_words_and_missing) {
    static const char *const columns[] = {"Fare", "Sex", "5"};
    static const double expected[] = {7.25, 0, 22, 71.2833, 1, 28, 7.925, 1, 28, 8.05, 0, 35};
    static const double others[] = {0, 22, 7.25, 1, -1, 71.2833, 1, -1, 7.925, 0, 35, 8.05};
    static const char *const rest[] = {"Id", "Survived", "Name"};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.columns = columns;
    options.column_count = 3;
    options.words = sexes;
    options.word_count = 2;
    options.missing = ages;
    options.missing_count = 2;
    expect_text(passengers, &options, expected, 4, 3);
    options.column_count = 0;
    options.keep = rest;
    options.keep_count = 3;
    options.missing_count = 1;
    expect_text(passengers, &options, others, 4, 3);
}
END_TEST

START_TEST(names_of_columns) {
    static const char *const columns[] = {"Fare", "2"}, *const kept[] = {"Name"};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.columns = columns;
    options.column_count = 2;
    options.keep = kept;
    options.keep_count = 1;
    ffwd_reader *reader = open_text(passengers, &options);
    ck_assert_str_eq(ffwd_reader_name(reader, 0), "Fare");
    ck_assert_str_eq(ffwd_reader_name(reader, 1), "Survived");
    ck_assert_ptr_null(ffwd_reader_name(reader, 2));
    ck_assert_str_eq(ffwd_reader_kept_name(reader, 0), "Name");
    ck_assert_ptr_null(ffwd_reader_kept_name(reader, 1));
    ffwd_reader_destroy(reader);
    reader = open_text("1,2,3\n", NULL);
    ck_assert_str_eq(ffwd_reader_name(reader, 2), "x3");
    ffwd_reader_destroy(reader);
    reader = open_text(",\"a\"\"b\nc\", d \n1,2,3\n", NULL);
    ck_assert_str_eq(ffwd_reader_name(reader, 0), "x1");
    ck_assert_str_eq(ffwd_reader_name(reader, 1), "a\"b\nc");
    ck_assert_str_eq(ffwd_reader_name(reader, 2), "d");
    ffwd_reader_destroy(reader);
}
END_TEST

/** A name of digits is a name first; without a header there are numbers alone. */
START_TEST(columns_by_number) {
    static const char *const columns[] = {"1", "3"};
    static const double by_name[] = {6, 5}, by_number[] = {4, 6};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.columns = columns;
    options.column_count = 2;
    options.header = FFWD_HEADER_YES;
    expect_text("2,3,1\n4,5,6\n", &options, by_name, 1, 2);
    options.header = FFWD_HEADER_NO;
    expect_text("4,5,6\n", &options, by_number, 1, 2);
}
END_TEST

/** An option that names a text of the first line says that it is a header; one that makes a number
 *  of it says that it is none. */
START_TEST(options_tell_a_header) {
    static const char *const id[] = {"id"};
    static const ffwd_word sex[] = {{"2", "male", 0}, {"2", "female", 1}};
    static const double years[] = {2, 3}, people[] = {1, 0, 2, 1};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.keep = id;
    options.keep_count = 1;
    expect_text("id,2019,2020\n1,2,3\n", &options, years, 1, 2);
    options.keep_count = 0;
    options.words = sex;
    options.word_count = 2;
    expect_text("1,male\n2,female\n", &options, people, 2, 2);
}
END_TEST

START_TEST(missing_cells) {
    static const ffwd_missing all[] = {{"*", 7}};
    static const double expected[] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, NAN, 1};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.missing = all;
    options.missing_count = 1;
    expect_text("a,b\n,\nNA,n/a\n\"\",  \nnull,None\n<na>,?\nnan,1\n", &options, expected, 6, 2);
}
END_TEST

START_TEST(columns_that_are_refused) {
    static const char *const unknown[] = {"age"}, *const twice[] = {"Age", "5"};
    static const ffwd_word again[] = {{"Sex", "male", 0}, {"4", "male", 1}};
    static const ffwd_missing missing[] = {{"7", 0}};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    const ffwd_reader_options none = options;
    options.columns = unknown;
    options.column_count = 1;
    refuse_text(passengers, &options, FFWD_EARGUMENT,
                "no column 'age'; there are 6: Id, Survived, Name, Sex, Age, Fare");
    refuse_text("1,2\n", &options, FFWD_EARGUMENT,
                "no column 'age'; there are 2, without names: x1, x2");
    options.columns = twice;
    options.column_count = 2;
    refuse_text(passengers, &options, FFWD_EARGUMENT, "column '5' is chosen twice");
    options = none;
    options.keep = twice;
    options.keep_count = 2;
    refuse_text(passengers, &options, FFWD_EARGUMENT, "column '5' is kept twice");
    options = none;
    options.words = again;
    options.word_count = 2;
    refuse_text(passengers, &options, FFWD_EARGUMENT, "'male' of column 'Sex' is mapped twice");
    options = none;
    options.missing = missing;
    options.missing_count = 1;
    refuse_text(passengers, &options, FFWD_EARGUMENT,
                "no column '7'; there are 6: Id, Survived, Name, Sex, Age, Fare");
}
END_TEST

/** Hundreds of names do not fit into a message, and a line end in one must not end it. */
START_TEST(names_that_are_ambiguous) {
    static const char *const columns[] = {"a", "c"}, *const numbers[] = {"3", "c"};
    static const double expected[] = {3, 2};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.columns = columns;
    options.column_count = 2;
    refuse_text("a,c,a\n1,2,3\n", &options, FFWD_EARGUMENT,
                "columns 1 and 3 are both called 'a'; a number tells which");
    options.columns = numbers;
    expect_text("a,c,a\n1,2,3\n", &options, expected, 1, 2);
}
END_TEST

START_TEST(long_lists_of_columns) {
    static const char *const unknown[] = {"no\tsuch\ncolumn, and one with a name that takes a lot"};
    char text[4000] = "\"a\nb\"";
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    ffwd_reader *reader;
    options.columns = unknown;
    options.column_count = 1;
    for (size_t i = 0, used = 5; i < 300; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, ",column%zu", i);
    }
    put_file(scratch("x.csv"), text, strlen(text));
    ck_assert_int_eq(ffwd_reader_open(scratch("x.csv"), &options, &reader, &err), FFWD_EARGUMENT);
    ck_assert_ptr_nonnull(
        strstr(err.message, ": no column 'no?such?column, and one with a name that "));
    ck_assert_ptr_nonnull(strstr(err.message, "...'; there are 301: a?b, column0, column1, "));
    ck_assert_str_eq(err.message + strlen(err.message) - 5, ", ...");
}
END_TEST

/* ----------------------------------------------------------------------------------------- kept */

/** Kept columns pass from file to file in their order, whatever is in them. */
START_TEST(kept_cells_pass) {
    static const char *const kept_names[] = {"Name", "Id"}, *const columns[] = {"Survived"};
    static const char expected[] = "Name,Id,y1\n"
                                   "\"Braund, Mr. Owen\",1,0\n"
                                   "\"Cumings, \"\"Florence\"\"\",2,1\n"
                                   "\"two\nlines\",3,1\n"
                                   "\" blank \",4,0\n";
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    ffwd_writer_options names = FFWD_WRITER_OPTIONS_INIT;
    ffwd_kept *kept;
    ffwd_writer *writer;
    float values[4];
    uint64_t rows, total = 0;
    size_t bytes;
    options.columns = columns;
    options.column_count = 1;
    options.keep = kept_names;
    options.keep_count = 2;
    names.kept = kept_names;
    names.kept_count = 2;
    const uint64_t room = _i == 0 ? 1 : 1000;
    ffwd_reader *reader = open_text(passengers, &options);
    expect_ok(ffwd_kept_create(room, &kept, &err), &err);
    expect_ok(ffwd_writer_create(scratch("y.csv"), UINT64_MAX, 1, FFWD_F32, &names, &writer, &err),
              &err);
    do {
        expect_ok(ffwd_reader_next(reader, 3, FFWD_F32, values, kept, &rows, &err), &err);
        ck_assert_uint_le(rows, room == 1 ? 1 : 3);
        expect_ok(ffwd_writer_append(writer, rows, values, kept, &err), &err);
        total += rows;
    } while (rows > 0);
    ck_assert_uint_eq(total, 4);
    expect_ok(ffwd_writer_commit(writer, &err), &err);
    ffwd_writer_destroy(writer);
    ffwd_kept_destroy(kept);
    ffwd_reader_destroy(reader);
    unsigned char *written = get_file(scratch("y.csv"), &bytes);
    ck_assert_str_eq((char *)written, expected);
    free(written);
}
END_TEST

/** A kept column may be one of values, too; all may be kept, and none be wanted. */
START_TEST(kept_and_values) {
    static const char *const both[] = {"b", "a"};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    ffwd_kept *kept;
    double value;
    uint64_t rows;
    options.keep = both;
    options.keep_count = 2;
    ffwd_reader *reader = open_text("a,b\n1,2\n", &options);
    ck_assert_uint_eq(describe(reader).cols, 0);
    expect_ok(ffwd_reader_next(reader, 9, FFWD_F64, NULL, NULL, &rows, &err), &err);
    ck_assert_uint_eq(rows, 1);
    ffwd_reader_destroy(reader);
    options.columns = both;
    options.column_count = 1;
    reader = open_text("a,b\n1, 2.50\n", &options);
    expect_ok(ffwd_kept_create(0, &kept, &err), &err);
    expect_ok(ffwd_reader_next(reader, 9, FFWD_F64, &value, kept, &rows, &err), &err);
    ck_assert(rows == 1 && value == 2.5);
    ffwd_kept_destroy(kept);
    ffwd_reader_destroy(reader);
}
END_TEST

/* A file may hold any byte, a text ends at the first that is 0. */
START_TEST(a_cell_with_a_zero_byte) {
    const ffwd_csv_cell cell = {.text = "Age\0x", .length = 5}, end = {.text = "Age", .length = 4};
    ck_assert(!ffwd_csv_equals(&cell, "Age"));
    ck_assert(!ffwd_csv_equals(&end, "Age"));
}
END_TEST

static Suite *csv_columns_suite(void) {
    Suite *suite = suite_create("csv_columns");
    TCase *columns = tcase_create("columns");
    tcase_add_test(columns, columns_words_and_missing);
    tcase_add_test(columns, a_cell_with_a_zero_byte);
    tcase_add_test(columns, names_of_columns);
    tcase_add_test(columns, columns_by_number);
    tcase_add_test(columns, options_tell_a_header);
    tcase_add_test(columns, missing_cells);
    tcase_add_test(columns, columns_that_are_refused);
    tcase_add_test(columns, names_that_are_ambiguous);
    tcase_add_test(columns, long_lists_of_columns);
    suite_add_tcase(suite, columns);

    TCase *kept = tcase_create("kept");
    tcase_add_loop_test(kept, kept_cells_pass, 0, 2);
    tcase_add_test(kept, kept_and_values);
    suite_add_tcase(suite, kept);
    return suite;
}

int main(void) {
    files_begin();
    int status = suite_main(csv_columns_suite());
    files_end();
    return status;
}
