// SPDX-License-Identifier: MIT
// CSV files as rows: what is read, what is refused and how that is said.
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ffwd/file.h>

#include "support/csv_text.h"
#include "support/files.h"
#include "support/suite.h"

static ffwd_error err = FFWD_ERROR_INIT;

/* --------------------------------------------------------------------------------------- layout */

/** The same two rows in many ways. */
START_TEST(spellings_of_a_table) {
    static const double expected[] = {1, 2.5, -3, 0.125};
    static const char *const texts[] = {
        "a,b\n1,2.5\n-3,0.125\n",
        "a,b\r\n1,2.5\r\n-3,0.125\r\n",
        "a,b\n1,2.5\n-3,0.125",
        "a,b\r\n1,2.5\r\n-3,0.125\r",
        "1,2.5\n-3,0.125\n",
        "\xef\xbb\xbf\"a\",b\n1,2.5\n-3,0.125\n",
        "\n\n  \na,b\n\n1,2.5\n\r\n \r\n-3,0.125\n\n\n",
        "a;b\n1;2.5\n-3;0.125\n",
        "a\tb\n1\t2.5\n-3\t0.125\n",
        "a|b\n1|2.5\n-3|0.125\n",
        "\"a\",\"b\"\n\"1\",\"2.5\"\n\"-3\",\"0.125\"\n",
        "\"a\n1\",\"b\"\"\"\n1,2.5\n-3,0.125\n",
        " a , b \n 1 , 2.5 \n\t-3\t, 0.125\n",
        " \"a\" , \"b\" \n \"1\" , \"2.5\" \n \"-3\" , \"0.125\"\r\n",
        "a,b\n1e0,25e-1\n-3.000,\" .125 \"\n",
        "\"1\",2.5\n-3,\"0.125\"",
        "a;b,c\n1;2.5\n-3;0.125\n",
        "a\t b\n1\t2.5\n\n-3\t0.125\n",
    };
    expect_text(texts[_i], NULL, expected, 2, 2);
}
END_TEST
#define SPELLINGS 18

START_TEST(numbers_of_all_kinds) {
    static const double expected[] = {INFINITY, -INFINITY, NAN,      NAN,  0,     -0.0,
                                      0.1,      5e-324,    INFINITY, 1e23, 12345, 0x1p-1074};
    expect_text("inf,-Infinity\nnan,-NaN\n0,-0\n0.1,4.9e-324\n1e999,1e23\n+12345,3e-324\n", NULL,
                expected, 6, 2);
}
END_TEST

/** Rounded once to the dtype that is wanted: the middle of two floats, a little above. */
START_TEST(one_rounding_to_float32) {
    float values[2];
    uint64_t read;
    ffwd_reader *reader =
        open_text("1.000000059604644775390626,1.000000059604644775390625\n", NULL);
    expect_ok(ffwd_reader_next(reader, 1, FFWD_F32, values, NULL, &read, &err), &err);
    ck_assert(values[0] == 1 + 0x1p-23F && values[1] == 1);
    ffwd_reader_destroy(reader);
}
END_TEST

START_TEST(a_header_alone) {
    expect_text("a,b,c\n", NULL, NULL, 0, 3);
}
END_TEST

START_TEST(one_column) {
    static const double expected[] = {1, 2, 3};
    expect_text("a\n1\n2\n3", NULL, expected, 3, 1);
    expect_text("1\n2\n3", NULL, expected, 3, 1);
}
END_TEST

START_TEST(header_by_option) {
    static const double three[] = {1, 2, 3, 4, 5, 6}, two[] = {3, 4, 5, 6};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.header = FFWD_HEADER_NO;
    expect_text("1,2\n3,4\n5,6\n", &options, three, 3, 2);
    refuse_text("a,b\n1,2\n", &options, FFWD_EFORMAT, "line 1, column 1: 'a' is no number");
    options.header = FFWD_HEADER_YES;
    expect_text("1,2\n3,4\n5,6\n", &options, two, 2, 2);
    expect_text("1,x\n3,4\n5,6\n", &options, two, 2, 2);
}
END_TEST

START_TEST(delimiter_by_option) {
    static const double expected[] = {1, 2, 3, 4};
    static const char delimiters[] = {' ', ':', '/', '\t', ';', '#', '\1'};
    for (size_t i = 0; i < sizeof delimiters; i++) {
        char text[32];
        ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
        options.delimiter = (uint32_t)delimiters[i];
        (void)snprintf(text, sizeof text, "a%cb\n1%c2\n3%c4\n", delimiters[i], delimiters[i],
                       delimiters[i]);
        expect_text(text, &options, expected, 2, 2);
    }
}
END_TEST

START_TEST(no_delimiters) {
    static const uint32_t none[] = {'a', 'Z', '0', '.', '+', '-', '"', '\n', '\r', 127, 200, 1000};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char message[64];
        ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
        options.delimiter = none[i];
        (void)snprintf(message, sizeof message, "character %u delimits no cells", none[i]);
        refuse_text("1,2\n", &options, FFWD_EARGUMENT, message);
    }
}
END_TEST

START_TEST(layouts_that_are_refused) {
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    refuse_text("", NULL, FFWD_EFORMAT, "is empty");
    refuse_text("\n \r\n\n", NULL, FFWD_EFORMAT, "is empty");
    refuse_text("\xef\xbb\xbf", NULL, FFWD_EFORMAT, "is empty");
    refuse_text("id,2019,2020\n1,2,3\n", NULL, FFWD_EFORMAT,
                "column 2 of the first line is a number, '2019', but column 1 is text, 'id': say "
                "whether that line is a header");
    refuse_text("\"a\"b,c\n", NULL, FFWD_EFORMAT,
                "cell 1 of the first line: text follows a closing quote");
    refuse_text("a,\"b\n1,2\n", NULL, FFWD_EFORMAT,
                "cell 2 of the first line: a quote is not closed");
    refuse_bytes("1,2\n3,\0\n", 8, NULL, FFWD_EFORMAT, "neither a .npy file nor text: byte 6 is 0");
    refuse_bytes("\xff\xfe"
                 "1\0",
                 4, NULL, FFWD_EUNSUPPORTED, "text in UTF-16; UTF-8 can be read");
    options.header = 3;
    refuse_text("1,2\n", &options, FFWD_EARGUMENT, "header 3 is none of auto, yes, no");
    options.struct_size = 0;
    ffwd_reader *reader;
    expect_failure(ffwd_reader_open(scratch("x.csv"), &options, &reader, &err), &err,
                   FFWD_EARGUMENT, "struct_size is 0: use the _INIT macro");
}
END_TEST

/** Even a semicolon in each line makes no difference where the commas are not those of numbers. */
START_TEST(decimal_commas_are_shown) {
    refuse_text("a;b\n1,5;2,5\n", NULL, FFWD_EFORMAT,
                "line 2, column a: '1,5' has a comma; numbers have a point alone");
    refuse_text("1,5;2,5\n3,5;4,5\n", NULL, FFWD_EFORMAT,
                "line 2, column 1,5: '3,5' has a comma; numbers have a point alone");
    refuse_text("a,b\n1,\"1,000\"\n", NULL, FFWD_EFORMAT,
                "line 2, column b: '1,000' has a comma; numbers have a point alone");
    refuse_text("a;b\n1;1,2,3\n", NULL, FFWD_EFORMAT, "line 2, column b: '1,2,3' is no number");
}
END_TEST

/** Else all of them would be a header, and no row would be left. */
START_TEST(lines_that_end_in_returns) {
    static const char alone[] = "the first line ends in CR alone; LF or CR LF can be read";
    static const double expected[] = {1, 2};
    refuse_text("a\r1\r2\r", NULL, FFWD_EFORMAT, alone);
    refuse_text("a,b\r1,2\r3,4", NULL, FFWD_EFORMAT, alone);
    refuse_text("1,2\r3,4\n5,6\n", NULL, FFWD_EFORMAT, alone);
    expect_text("\"a\rb\",c\r\n1,2\r\n", NULL, expected, 1, 2);
}
END_TEST

/* --------------------------------------------------------------------------------------- faults */

START_TEST(cells_that_are_refused) {
    static const ffwd_word sexes[] = {{"Sex", "male", 0}, {"Sex", "female", 1}};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.words = sexes;
    options.word_count = 2;
    refuse_text("a,b\n1,2\n\n3,x\n", NULL, FFWD_EFORMAT, "line 4, column b: 'x' is no number");
    refuse_text("1,2\n3,0x10\n", NULL, FFWD_EFORMAT, "line 2, column 2: '0x10' is no number");
    refuse_text("1,2\n3,1 2\n", NULL, FFWD_EFORMAT, "line 2, column 2: '1 2' is no number");
    refuse_text("1,2\n3,4 \"\n", NULL, FFWD_EFORMAT, "line 2, column 2: '4 \"' is no number");
    refuse_text("1,2\n3,\"4\"\"\"\n", NULL, FFWD_EFORMAT, "line 2, column 2: '4\"' is no number");
    refuse_text("a,b\n1,\n", NULL, FFWD_EFORMAT,
                "line 2, column b: missing (''), and no number is given for that");
    refuse_text("a,b\n1,2\n na ,4\n", NULL, FFWD_EFORMAT,
                "line 3, column a: missing ('na'), and no number is given for that");
    refuse_text("a,Sex\n1,male\n2,Male\n", &options, FFWD_EFORMAT,
                "line 3, column Sex: 'Male' is none of male, female");
    refuse_text("a,Sex\n1,male\n2,1\n", &options, FFWD_EFORMAT,
                "line 3, column Sex: '1' is none of male, female");
    refuse_text("a,Sex\n1,male\n2,\"\"\n", &options, FFWD_EFORMAT,
                "line 3, column Sex: missing (''), and no number is given for that");
    refuse_text("a\n1\nab\x01\tcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\n", NULL,
                FFWD_EFORMAT,
                "line 3, column a: 'ab??cdefghijklmnopqrstuvwxyzabcdefghijklmnop...' is no number");
    refuse_text("a\n1\n\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                "\xc3\xa4\xc3\xa4zz\xc3\xa4\xc3\xa4\n",
                NULL, FFWD_EFORMAT,
                "line 3, column a: '\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4zz...' is no number");
}
END_TEST

START_TEST(records_that_are_refused) {
    refuse_text("a,b\n1,2\n3\n", NULL, FFWD_EFORMAT, "line 3 has 1 cell, but line 1 has 2");
    refuse_text("\na,b\n1,2\n\"3\n\",4,5\n", NULL, FFWD_EFORMAT,
                "line 4 has 3 cells, but line 2 has 2");
    refuse_text("a,b,c\n1,2,3\n1,x\n", NULL, FFWD_EFORMAT, "line 3 has 2 cells, but line 1 has 3");
    refuse_text("a,b\n1,2\n3,4,\"5\"x\n", NULL, FFWD_EFORMAT,
                "line 3 has more than the 2 cells of line 1");
    refuse_text("a,b\n1,2\n3,\"4\n5,6\n", NULL, FFWD_EFORMAT,
                "line 3, column b: a quote is not closed");
    refuse_text("a,b\n1,2\n3,\"4", NULL, FFWD_EFORMAT, "line 3, column b: a quote is not closed");
    refuse_text("a,b\n1,2\n3,\"4\"\"", NULL, FFWD_EFORMAT,
                "line 3, column b: a quote is not closed");
    refuse_text("a,b\n1,2\n\"3\"4,5\n", NULL, FFWD_EFORMAT,
                "line 3, column a: text follows a closing quote");
}
END_TEST

/** In columns that nobody wants, too: they may be anything, but they must be cells. */
START_TEST(columns_that_are_passed_over) {
    static const char *const columns[] = {"b"};
    static const double expected[] = {1, 2};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.columns = columns;
    options.column_count = 1;
    expect_text("a,b,c\nx\"y\",1,\n\"\n,\",2,\"\"\"\"\n", &options, expected, 2, 1);
    refuse_text("a,b,c\nx,1,\"2\"3\n", &options, FFWD_EFORMAT,
                "line 2, column c: text follows a closing quote");
    refuse_text("a,b,c\nx,1,\"2\n", &options, FFWD_EFORMAT,
                "line 2, column c: a quote is not closed");
}
END_TEST

START_TEST(after_a_failure) {
    double values[8];
    uint64_t read = 9;
    char message[600];
    ffwd_reader *reader = open_text("a\n1\n2\nx\n", NULL);
    expect_ok(ffwd_reader_next(reader, 2, FFWD_F64, values, NULL, &read, &err), &err);
    ck_assert_int_eq(ffwd_reader_next(reader, 2, FFWD_F64, values, NULL, &read, &err),
                     FFWD_EFORMAT);
    ck_assert_uint_eq(read, 0);
    (void)snprintf(message, sizeof message, "%s: an earlier read failed", scratch("x.csv"));
    expect_failure(ffwd_reader_next(reader, 2, FFWD_F64, values, NULL, &read, &err), &err,
                   FFWD_ESTATE, message);
    expect_ok(ffwd_reader_seek(reader, 0, &err), &err);
    expect_ok(ffwd_reader_next(reader, 2, FFWD_F64, values, NULL, &read, &err), &err);
    ck_assert_uint_eq(read, 2);
    ffwd_reader_destroy(reader);
}
END_TEST

/* --------------------------------------------------------------------------------------- places */

START_TEST(counting_and_seeking) {
    static const double expected[] = {1, 2, 3, 4, 5};
    char message[600];
    double value;
    uint64_t rows;
    ffwd_reader *reader = open_text("\"a\nb\"\n1\n2\n\n3\n\"4\"\n5", NULL);
    expect_ok(ffwd_reader_next(reader, 1, FFWD_F64, &value, NULL, &rows, &err), &err);
    expect_ok(ffwd_reader_seek(reader, 1, &err), &err); // where it is
    expect_ok(ffwd_reader_next(reader, 1, FFWD_F64, &value, NULL, &rows, &err), &err);
    ck_assert(value == 2);
    (void)snprintf(message, sizeof message,
                   "%s: rows of CSV come in order: after row 2 comes none but the next, not row 1",
                   scratch("x.csv"));
    expect_failure(ffwd_reader_seek(reader, 1, &err), &err, FFWD_EUNSUPPORTED, message);
    expect_ok(ffwd_reader_count(reader, &rows, &err), &err);
    ck_assert_uint_eq(rows, 5);
    ck_assert_uint_eq(describe(reader).rows, 5);
    expect_rows(reader, 2, expected, 5, 1);
    expect_ok(ffwd_reader_count(reader, &rows, &err), &err);
    ck_assert_uint_eq(rows, 5);
    ck_assert_int_eq(ffwd_reader_take_as_row(reader, &err), FFWD_EARGUMENT);
    ck_assert_int_eq(ffwd_reader_next(reader, 1, FFWD_U8, &value, NULL, &rows, &err),
                     FFWD_EARGUMENT);
    ffwd_reader_destroy(reader);
}
END_TEST

/** Counting looks at quotes and line ends alone, so it counts what cannot be read. */
START_TEST(counting_what_is_malformed) {
    uint64_t rows;
    ffwd_reader *reader = open_text("a,b\n1\n\"2\n\",x\n3,\"4", NULL);
    expect_ok(ffwd_reader_count(reader, &rows, &err), &err);
    ck_assert_uint_eq(rows, 3);
    ffwd_reader_destroy(reader);
}
END_TEST

START_TEST(a_file_that_changes) {
    uint64_t rows;
    char message[600];
    ffwd_reader *reader = open_text("a_long_name\n1\n2\n", NULL);
    put_file(scratch("x.csv"), "1\n2\n", 4);
    (void)snprintf(message, sizeof message, "%s: has become shorter than its first line was",
                   scratch("x.csv"));
    expect_failure(ffwd_reader_count(reader, &rows, &err), &err, FFWD_EFORMAT, message);
    ck_assert_uint_eq(rows, 0);
    ffwd_reader_destroy(reader);
}
END_TEST

/** Threads do not survive a fork. */
START_TEST(forked) {
    double values[2];
    uint64_t rows;
    ffwd_reader *reader = open_text("1\n2\n", NULL);
    pid_t child = fork();
    if (child == 0) {
        int states =
            (ffwd_reader_next(reader, 1, FFWD_F64, values, NULL, &rows, &err) == FFWD_ESTATE) +
            (ffwd_reader_seek(reader, 0, &err) == FFWD_ESTATE) +
            (ffwd_reader_count(reader, &rows, &err) == FFWD_ESTATE);
        ffwd_reader_destroy(reader);
        _exit(states);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 3);
    expect_ok(ffwd_reader_next(reader, 2, FFWD_F64, values, NULL, &rows, &err), &err);
    ffwd_reader_destroy(reader);
}
END_TEST

/* --------------------------------------------------------------------------------------- length */

/** A record that is longer than the reader's buffer, and one that is longer than any may be. */
START_TEST(long_records) {
    static const double expected[] = {1, 2};
    const size_t longest = (size_t)1 << 24;
    const size_t lengths[] = {1 << 17, 1 << 20, longest, longest + 1};
    const bool quoted = _i % 2 == 1;
    size_t length = lengths[_i / 2];
    char *text = malloc(length + 64), message[600];
    const char *const columns[] = {"b"};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.columns = columns;
    options.column_count = 1;
    size_t used = (size_t)snprintf(text, 64, "a,b\n,1\n%s", quoted ? "\"" : "");
    size_t cell = length - strlen(quoted ? "\"\",2\n" : ",2\n");
    memset(text + used, quoted ? '\n' : 'z', cell);
    used += cell;
    used += (size_t)snprintf(text + used, 32, "%s,2\n", quoted ? "\"" : "");
    put_file(scratch("x.csv"), text, used);
    free(text);
    ffwd_reader *reader = open_path(scratch("x.csv"), &options);
    if (length <= longest) {
        expect_rows(reader, 10, expected, 2, 1);
    } else {
        (void)snprintf(message, sizeof message,
                       "%s: line 3: a record of more than 16 MiB; a quote that is not closed?",
                       scratch("x.csv"));
        expect_failure(read_all(reader, &err), &err, FFWD_EFORMAT, message);
    }
    ffwd_reader_destroy(reader);
}
END_TEST

START_TEST(too_many_columns) {
    const size_t columns = ((size_t)1 << 20) + 1;
    char *text = malloc(2 * columns), message[600];
    ffwd_reader *reader;
    for (size_t i = 0; i < columns; i++) {
        text[2 * i] = '1';
        text[2 * i + 1] = ',';
    }
    text[2 * columns - 1] = '\n';
    put_file(scratch("x.csv"), text, 2 * columns);
    (void)snprintf(message, sizeof message, "%s: 1048577 columns; 1048576 can be read",
                   scratch("x.csv"));
    expect_failure(ffwd_reader_open(scratch("x.csv"), NULL, &reader, &err), &err, FFWD_EUNSUPPORTED,
                   message);
    put_file(scratch("x.csv"), text + 2, 2 * columns - 2);
    reader = open_path(scratch("x.csv"), NULL);
    ck_assert_uint_eq(describe(reader).cols, columns - 1);
    ffwd_reader_destroy(reader);
    free(text);
}
END_TEST

static Suite *csv_read_suite(void) {
    Suite *suite = suite_create("csv_read");
    TCase *layout = tcase_create("layout");
    tcase_add_loop_test(layout, spellings_of_a_table, 0, SPELLINGS);
    tcase_add_test(layout, numbers_of_all_kinds);
    tcase_add_test(layout, one_rounding_to_float32);
    tcase_add_test(layout, a_header_alone);
    tcase_add_test(layout, one_column);
    tcase_add_test(layout, header_by_option);
    tcase_add_test(layout, delimiter_by_option);
    tcase_add_test(layout, no_delimiters);
    tcase_add_test(layout, layouts_that_are_refused);
    tcase_add_test(layout, decimal_commas_are_shown);
    tcase_add_test(layout, lines_that_end_in_returns);
    suite_add_tcase(suite, layout);

    TCase *faults = tcase_create("faults");
    tcase_add_test(faults, cells_that_are_refused);
    tcase_add_test(faults, records_that_are_refused);
    tcase_add_test(faults, columns_that_are_passed_over);
    tcase_add_test(faults, after_a_failure);
    suite_add_tcase(suite, faults);

    TCase *places = tcase_create("places");
    tcase_add_test(places, counting_and_seeking);
    tcase_add_test(places, counting_what_is_malformed);
    tcase_add_test(places, a_file_that_changes);
    tcase_add_test(places, forked);
    suite_add_tcase(suite, places);

    TCase *length = tcase_create("length");
    tcase_set_timeout(length, 60);
    tcase_add_loop_test(length, long_records, 0, 8);
    tcase_add_test(length, too_many_columns);
    suite_add_tcase(suite, length);
    return suite;
}

int main(void) {
    files_begin();
    int status = suite_main(csv_read_suite());
    files_end();
    return status;
}
