// SPDX-License-Identifier: MIT
// CSV that gzip has compressed.
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <ffwd/file.h>

#include "support/csv_text.h"
#include "support/files.h"
#include "support/suite.h"

static ffwd_error err = FFWD_ERROR_INIT;

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
    piped_text input = {(const char *)padded, count + 100, 1, -1};
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
        status = read_all(reader, &err);
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

static Suite *csv_gzip_suite(void) {
    Suite *suite = suite_create("csv_gzip");
    TCase *compressed = tcase_create("gzip");
    tcase_add_test(compressed, compressed_text);
    tcase_add_test(compressed, much_compressed_text);
    tcase_add_test(compressed, broken_compressed_text);
    suite_add_tcase(suite, compressed);
    return suite;
}

int main(void) {
    files_begin();
    int status = suite_main(csv_gzip_suite());
    files_end();
    return status;
}
