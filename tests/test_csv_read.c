// SPDX-License-Identifier: MIT
// CSV files as rows: what is read, what is refused and how that is said.
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <ffwd/file.h>

#include "support/files.h"
#include "support/suite.h"

static ffwd_error err = FFWD_ERROR_INIT;

/* ------------------------------------------------------------------------------------- support */

static ffwd_reader *open_path(const char *path, const ffwd_reader_options *options) {
    ffwd_reader *reader;
    expect_ok(ffwd_reader_open(path, options, &reader, &err), &err);
    return reader;
}

static ffwd_reader *open_text(const char *text, const ffwd_reader_options *options) {
    put_file(scratch("x.csv"), text, strlen(text));
    return open_path(scratch("x.csv"), options);
}

static ffwd_matrix_info describe(const ffwd_reader *reader) {
    ffwd_matrix_info info = FFWD_MATRIX_INFO_INIT;
    ffwd_reader_describe(reader, &info);
    return info;
}

static bool same(double a, double b) {
    return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

/** What is left of a file, in pieces of `most` rows, and that there is no more. */
static void expect_rows(ffwd_reader *reader, uint64_t most, const double *expected, uint64_t rows,
                        uint64_t cols) {
    double values[256];
    uint64_t done = 0, read;
    ck_assert_uint_eq(describe(reader).cols, cols);
    ck_assert_uint_le(most * cols, sizeof values / sizeof *values);
    do {
        expect_ok(ffwd_reader_next(reader, most, FFWD_F64, values, NULL, &read, &err), &err);
        ck_assert_uint_eq(read, rows - done < most ? rows - done : most);
        for (uint64_t i = 0; i < read * cols; i++) {
            ck_assert_msg(same(values[i], expected[done * cols + i]), "row %llu: %g, not %g",
                          (unsigned long long)(done + i / cols), values[i],
                          expected[done * cols + i]);
        }
        done += read;
    } while (read > 0);
    ck_assert_uint_eq(done, rows);
    ck_assert_uint_eq(describe(reader).rows, rows);
}

static void expect_text(const char *text, const ffwd_reader_options *options,
                        const double *expected, uint64_t rows, uint64_t cols) {
    ffwd_reader *reader = open_text(text, options);
    ffwd_matrix_info info = describe(reader);
    ck_assert_uint_eq(info.rows, UINT64_MAX);
    ck_assert_uint_eq(info.dimensions, 2);
    ck_assert_uint_eq(info.dtype, FFWD_F64);
    ck_assert_str_eq(info.stored, "text");
    expect_rows(reader, 1, expected, rows, cols);
    expect_ok(ffwd_reader_seek(reader, 0, &err), &err);
    expect_rows(reader, 10, expected, rows, cols);
    ffwd_reader_destroy(reader);
}

/** Reads to the end or to the first failure. */
static ffwd_status read_all(ffwd_reader *reader) {
    double values[256];
    uint64_t read, most = 256 / (describe(reader).cols + 1);
    ffwd_status status;
    do {
        status = ffwd_reader_next(reader, most, FFWD_F64, values, NULL, &read, &err);
    } while (status == FFWD_OK && read > 0);
    return status;
}

/** The message, behind the name of the file. */
static void refuse_bytes(const void *bytes, size_t count, const ffwd_reader_options *options,
                         ffwd_status status, const char *message) {
    char whole[600];
    ffwd_reader *reader;
    put_file(scratch("x.csv"), bytes, count);
    (void)snprintf(whole, sizeof whole, "%s: %s", scratch("x.csv"), message);
    ffwd_status got = ffwd_reader_open(scratch("x.csv"), options, &reader, &err);
    ck_assert((got == FFWD_OK) == (reader != NULL));
    if (got == FFWD_OK) {
        got = read_all(reader);
        ffwd_reader_destroy(reader);
    }
    expect_failure(got, &err, status, whole);
}

static void refuse_text(const char *text, const ffwd_reader_options *options, ffwd_status status,
                        const char *message) {
    refuse_bytes(text, strlen(text), options, status, message);
}

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
    refuse_text("a;b\n1,5;2,5\n", NULL, FFWD_EFORMAT, "line 2, column a: '1,5' is no number");
    refuse_text("1,5;2,5\n3,5;4,5\n", NULL, FFWD_EFORMAT, "line 2, column 1,5: '3,5' is no number");
}
END_TEST

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

/* --------------------------------------------------------------------------------------- faults */

START_TEST(cells_that_are_refused) {
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
    refuse_text("a,b\n1,2\n3\n", NULL, FFWD_EFORMAT, "line 3 has 1 cells, but line 1 has 2");
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

/* ---------------------------------------------------------------------------------------- places
 */

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

/* ----------------------------------------------------------------------------------------- pipes
 */

/** What another process writes into a pipe, piece by piece. */
typedef struct stream {
    const char *text;
    size_t length, piece;
    int fd;
} stream;

static void *write_stream(void *user) {
    stream *own = user;
    for (size_t at = 0; at < own->length; at += own->piece) {
        size_t bytes = own->length - at < own->piece ? own->length - at : own->piece;
        if (write(own->fd, own->text + at, bytes) != (ssize_t)bytes) {
            break;
        }
        (void)usleep(1000);
    }
    (void)close(own->fd);
    return NULL;
}

/** Makes the text standard input, by a pipe. */
static pthread_t pipe_text(stream *text) {
    int ends[2];
    pthread_t thread;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    (void)close(ends[0]);
    text->fd = ends[1];
    ck_assert_int_eq(pthread_create(&thread, NULL, write_stream, text), 0);
    return thread;
}

START_TEST(standard_input_is_a_pipe) {
    static const char text[] = "a;b,c\n1;2.5\n\"-3\";0.125\n";
    static const double expected[] = {1, 2.5, -3, 0.125};
    static const size_t pieces[] = {1, 3, 1000};
    uint64_t rows;
    stream input = {text, sizeof text - 1, pieces[_i], -1};
    pthread_t writer = pipe_text(&input);
    ffwd_reader *reader = open_path("-", NULL);
    expect_failure(ffwd_reader_count(reader, &rows, &err), &err, FFWD_EUNSUPPORTED,
                   "standard input: a pipe cannot be read twice");
    expect_ok(ffwd_reader_seek(reader, 0, &err), &err);
    expect_rows(reader, 1, expected, 2, 2);
    expect_ok(ffwd_reader_count(reader, &rows, &err), &err);
    ck_assert_uint_eq(rows, 2);
    expect_failure(ffwd_reader_seek(reader, 0, &err), &err, FFWD_EUNSUPPORTED,
                   "standard input: a pipe cannot be read twice");
    ffwd_reader_destroy(reader);
    pthread_join(writer, NULL);
    ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), 0);
}
END_TEST

/** A pipe that has more to come does not hold up the rows that are there. */
START_TEST(rows_before_the_end_of_a_pipe) {
    int ends[2];
    double value;
    uint64_t rows;
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.delimiter = ',';
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    ck_assert_int_eq(write(ends[1], "a\n1\n2", 5), 5);
    ffwd_reader *reader = open_path("-", &options);
    expect_ok(ffwd_reader_next(reader, 1, FFWD_F64, &value, NULL, &rows, &err), &err);
    ck_assert(rows == 1 && value == 1);
    ck_assert_int_eq(write(ends[1], "3\n", 2), 2);
    expect_ok(ffwd_reader_next(reader, 1, FFWD_F64, &value, NULL, &rows, &err), &err);
    ck_assert(rows == 1 && value == 23);
    ffwd_reader_destroy(reader);
}
END_TEST

/** A piece of many rows is not waited for either. */
START_TEST(rows_of_a_slow_pipe) {
    int ends[2];
    double values[9];
    uint64_t rows;
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.delimiter = ',';
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    ck_assert_int_eq(write(ends[1], "a\n1\n2\n3", 7), 7);
    ffwd_reader *reader = open_path("-", &options);
    expect_ok(ffwd_reader_next(reader, 9, FFWD_F64, values, NULL, &rows, &err), &err);
    ck_assert(rows == 2 && values[0] == 1 && values[1] == 2);
    ck_assert_int_eq(write(ends[1], "4\n5\n", 4), 4);
    expect_ok(ffwd_reader_next(reader, 9, FFWD_F64, values, NULL, &rows, &err), &err);
    ck_assert(rows == 2 && values[0] == 34 && values[1] == 5);
    ck_assert_int_eq(write(ends[1], "6", 1), 1);
    ck_assert_int_eq(close(ends[1]), 0);
    expect_ok(ffwd_reader_next(reader, 9, FFWD_F64, values, NULL, &rows, &err), &err);
    ck_assert(rows == 1 && values[0] == 6);
    ffwd_reader_destroy(reader);
}
END_TEST

static void *write_fifo(void *path) {
    static const char text[] = "1,2\n3,4\n";
    (void)usleep(30000);
    int fd = open(path, O_WRONLY);
    if (fd >= 0 && write(fd, text, sizeof text - 1) > 0) {
        (void)close(fd);
    }
    return NULL;
}

/** The writer comes after the reader. */
START_TEST(a_named_pipe) {
    static const double expected[] = {1, 2, 3, 4};
    char path[512];
    pthread_t writer;
    (void)snprintf(path, sizeof path, "%s", scratch("pipe"));
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(pthread_create(&writer, NULL, write_fifo, path), 0);
    ffwd_reader *reader = open_path(path, NULL);
    expect_rows(reader, 3, expected, 2, 2);
    ffwd_reader_destroy(reader);
    pthread_join(writer, NULL);
}
END_TEST

static int stop_after(void *user) {
    int *left = user;
    return (*left)-- <= 0;
}

/** While the file is opened, and while rows are waited for; a file is asked about, too. */
START_TEST(cancelled) {
    int ends[2], left = 3;
    double value;
    uint64_t rows;
    ffwd_reader *reader;
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    options.cancelled = stop_after;
    options.user = &left;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    expect_failure(ffwd_reader_open("-", &options, &reader, &err), &err, FFWD_ECANCELLED,
                   "standard input: reading was cancelled");
    ck_assert_ptr_null(reader);
    options.delimiter = ',';
    left = 2;
    ck_assert_int_eq(write(ends[1], "a\n1\n", 4), 4);
    reader = open_path("-", &options);
    expect_ok(ffwd_reader_next(reader, 1, FFWD_F64, &value, NULL, &rows, &err), &err);
    left = 2;
    expect_failure(ffwd_reader_next(reader, 1, FFWD_F64, &value, NULL, &rows, &err), &err,
                   FFWD_ECANCELLED, "standard input: reading was cancelled");
    ffwd_reader_destroy(reader);
    left = 0;
    put_file(scratch("x.csv"), "1\n", 2);
    ck_assert_int_eq(ffwd_reader_open(scratch("x.csv"), &options, &reader, &err), FFWD_ECANCELLED);
}
END_TEST

/** From where it stands, and there again. */
START_TEST(standard_input_is_a_file) {
    static const double expected[] = {1, 2};
    put_file(scratch("x.csv"), "skipped\na\n1\n2\n", 14);
    int file = open(scratch("x.csv"), O_RDONLY);
    ck_assert_int_eq(lseek(file, 8, SEEK_SET), 8);
    ck_assert_int_eq(dup2(file, STDIN_FILENO), STDIN_FILENO);
    ffwd_reader *reader = open_path("-", NULL);
    expect_rows(reader, 1, expected, 2, 1);
    expect_ok(ffwd_reader_seek(reader, 0, &err), &err);
    expect_rows(reader, 1, expected, 2, 1);
    ffwd_reader_destroy(reader);
}
END_TEST

START_TEST(matrices_through_pipes) {
    size_t count;
    unsigned char *npy = make_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}",
                                  "\0\0\x80\x3f", 4, &count);
    stream input = {(const char *)npy, count, count, -1};
    ffwd_reader *reader;
    pthread_t writer = pipe_text(&input);
    expect_failure(ffwd_reader_open("-", NULL, &reader, &err), &err, FFWD_EIO,
                   "standard input: a .npy file that is compressed or comes through a pipe");
    ck_assert_int_eq(err.native, ESPIPE);
    pthread_join(writer, NULL);
    put_file(scratch("x.npy"), npy, count);
    int file = open(scratch("x.npy"), O_RDONLY);
    ck_assert_int_eq(dup2(file, STDIN_FILENO), STDIN_FILENO);
    reader = open_path("-", NULL);
    ck_assert_str_eq(describe(reader).stored, "<f4");
    ffwd_reader_destroy(reader);
    free(npy);
}
END_TEST

/* ------------------------------------------------------------------------------------------ kept
 */

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

/* ---------------------------------------------------------------------------------------- length
 */

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
        expect_failure(read_all(reader), &err, FFWD_EFORMAT, message);
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

/* ------------------------------------------------------------------------------------------ gzip
 */

/** Compresses a text behind what is in a file. */
static void append_gzip(const char *path, const char *text) {
    gzFile file = gzopen(path, "ab");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq((int)gzwrite(file, text, (unsigned)strlen(text)), (int)strlen(text));
    ck_assert_int_eq(gzclose(file), Z_OK);
}

/** Two members, zeros behind them; in order, counted and again, from a file and through a pipe. */
START_TEST(compressed_text) {
    static const double expected[] = {1, 2, 3, 4};
    uint64_t rows;
    size_t count;
    append_gzip(scratch("x.csv.gz"), "a,b\n1,2\n3");
    append_gzip(scratch("x.csv.gz"), ",4\n");
    unsigned char *bytes = get_file(scratch("x.csv.gz"), &count), *padded = calloc(count + 100, 1);
    memcpy(padded, bytes, count);
    put_file(scratch("x.csv.gz"), padded, count + 100);
    ffwd_reader *reader = open_path(scratch("x.csv.gz"), NULL);
    expect_rows(reader, 10, expected, 2, 2);
    expect_ok(ffwd_reader_seek(reader, 0, &err), &err);
    expect_rows(reader, 1, expected, 2, 2);
    ffwd_reader_destroy(reader);
    reader = open_path(scratch("x.csv.gz"), NULL);
    expect_ok(ffwd_reader_count(reader, &rows, &err), &err);
    ck_assert_uint_eq(rows, 2);
    expect_rows(reader, 10, expected, 2, 2);
    ffwd_reader_destroy(reader);
    stream input = {(const char *)padded, count + 100, 1, -1};
    pthread_t writer = pipe_text(&input);
    reader = open_path("-", NULL);
    expect_rows(reader, 10, expected, 2, 2);
    ffwd_reader_destroy(reader);
    pthread_join(writer, NULL);
    free(bytes);
    free(padded);
}
END_TEST

/** More than any buffer, of which little is stored. */
START_TEST(much_compressed_text) {
    const size_t rows = 300000;
    char *text = malloc(4 * rows + 1);
    double *values = malloc((rows + 1) * 2 * sizeof *values);
    uint64_t read;
    for (size_t i = 0; i < rows; i++) {
        (void)snprintf(text + 4 * i, 5, "%zu,%zu\n", i % 10, i / 10 % 10);
    }
    append_gzip(scratch("much.gz"), text);
    ffwd_reader *reader = open_path(scratch("much.gz"), NULL);
    expect_ok(ffwd_reader_next(reader, rows + 1, FFWD_F64, values, NULL, &read, &err), &err);
    ck_assert_uint_eq(read, rows);
    for (size_t i = 0; i < rows; i++) {
        if (values[2 * i] != (double)(i % 10) || values[2 * i + 1] != (double)(i / 10 % 10)) {
            ck_abort_msg("row %zu: %g,%g", i, values[2 * i], values[2 * i + 1]);
        }
    }
    ffwd_reader_destroy(reader);
    free(values);
    free(text);
}
END_TEST

static void refuse_gzip(const void *bytes, size_t count, const char *text) {
    ffwd_reader *reader;
    put_file(scratch("bad.gz"), bytes, count);
    ffwd_status status = ffwd_reader_open(scratch("bad.gz"), NULL, &reader, &err);
    if (status == FFWD_OK) {
        status = read_all(reader);
        ffwd_reader_destroy(reader);
    }
    ck_assert_int_eq(status, FFWD_EFORMAT);
    ck_assert_msg(strstr(err.message, text) != NULL, "%s", err.message);
}

START_TEST(broken_compressed_text) {
    size_t count;
    append_gzip(scratch("x.gz"), "1,2\n3,4\n5,6\n");
    unsigned char *bytes = get_file(scratch("x.gz"), &count);
    for (size_t i = 2; i < count; i++) {
        refuse_gzip(bytes, i, "bad.gz: the compressed data end early");
    }
    bytes[count - 6] ^= 1; // of the checksum
    refuse_gzip(bytes, count, "bad.gz: the compressed data are damaged: incorrect data check");
    bytes[2] = 0;
    refuse_gzip(bytes, count, "bad.gz: the compressed data are damaged: unknown compression");
    free(bytes);
    append_gzip(scratch("empty.gz"), "");
    bytes = get_file(scratch("empty.gz"), &count);
    refuse_gzip(bytes, count, "bad.gz: is empty");
    free(bytes);
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
    suite_add_tcase(suite, layout);

    TCase *columns = tcase_create("columns");
    tcase_add_test(columns, columns_words_and_missing);
    tcase_add_test(columns, names_of_columns);
    tcase_add_test(columns, columns_by_number);
    tcase_add_test(columns, options_tell_a_header);
    tcase_add_test(columns, missing_cells);
    tcase_add_test(columns, columns_that_are_refused);
    tcase_add_test(columns, long_lists_of_columns);
    suite_add_tcase(suite, columns);

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

    TCase *pipes = tcase_create("pipes");
    tcase_add_loop_test(pipes, standard_input_is_a_pipe, 0, 3);
    tcase_add_test(pipes, rows_before_the_end_of_a_pipe);
    tcase_add_test(pipes, rows_of_a_slow_pipe);
    tcase_add_test(pipes, a_named_pipe);
    tcase_add_test(pipes, cancelled);
    tcase_add_test(pipes, standard_input_is_a_file);
    tcase_add_test(pipes, matrices_through_pipes);
    suite_add_tcase(suite, pipes);

    TCase *kept = tcase_create("kept");
    tcase_add_loop_test(kept, kept_cells_pass, 0, 2);
    tcase_add_test(kept, kept_and_values);
    suite_add_tcase(suite, kept);

    TCase *compressed = tcase_create("gzip");
    tcase_add_test(compressed, compressed_text);
    tcase_add_test(compressed, much_compressed_text);
    tcase_add_test(compressed, broken_compressed_text);
    suite_add_tcase(suite, compressed);

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
