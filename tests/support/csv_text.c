// SPDX-License-Identifier: MIT
#include "support/csv_text.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/files.h"
#include "support/suite.h"

static ffwd_error err = FFWD_ERROR_INIT;

ffwd_reader *open_path(const char *path, const ffwd_reader_options *options) {
    ffwd_reader *reader;
    expect_ok(ffwd_reader_open(path, options, &reader, &err), &err);
    return reader;
}

ffwd_reader *open_text(const char *text, const ffwd_reader_options *options) {
    put_file(scratch("x.csv"), text, strlen(text));
    return open_path(scratch("x.csv"), options);
}

ffwd_matrix_info describe(const ffwd_reader *reader) {
    ffwd_matrix_info info = FFWD_MATRIX_INFO_INIT;
    ffwd_reader_describe(reader, &info);
    return info;
}

static bool same(double a, double b) {
    return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

void expect_rows(ffwd_reader *reader, uint64_t most, const double *expected, uint64_t rows,
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

void expect_text(const char *text, const ffwd_reader_options *options, const double *expected,
                 uint64_t rows, uint64_t cols) {
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

ffwd_status read_all(ffwd_reader *reader, ffwd_error *failure) {
    double values[256];
    uint64_t read, most = 256 / (describe(reader).cols + 1);
    ffwd_status status;
    do {
        status = ffwd_reader_next(reader, most, FFWD_F64, values, NULL, &read, failure);
    } while (status == FFWD_OK && read > 0);
    return status;
}

void refuse_bytes(const void *bytes, size_t count, const ffwd_reader_options *options,
                  ffwd_status status, const char *message) {
    char whole[600];
    ffwd_reader *reader;
    put_file(scratch("x.csv"), bytes, count);
    (void)snprintf(whole, sizeof whole, "%s: %s", scratch("x.csv"), message);
    ffwd_status got = ffwd_reader_open(scratch("x.csv"), options, &reader, &err);
    ck_assert((got == FFWD_OK) == (reader != NULL));
    if (got == FFWD_OK) {
        got = read_all(reader, &err);
        ffwd_reader_destroy(reader);
    }
    expect_failure(got, &err, status, whole);
}

void refuse_text(const char *text, const ffwd_reader_options *options, ffwd_status status,
                 const char *message) {
    refuse_bytes(text, strlen(text), options, status, message);
}

static void *write_stream(void *user) {
    piped_text *own = user;
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

pthread_t pipe_text(piped_text *text) {
    int ends[2];
    pthread_t thread;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    (void)close(ends[0]);
    text->fd = ends[1];
    ck_assert_int_eq(pthread_create(&thread, NULL, write_stream, text), 0);
    return thread;
}
