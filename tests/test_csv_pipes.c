// SPDX-License-Identifier: MIT
// CSV through pipes: rows as they come, and standard input whatever it is.
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ffwd/file.h>

#include "support/csv_text.h"
#include "support/files.h"
#include "support/suite.h"

static ffwd_error err = FFWD_ERROR_INIT;

START_TEST(standard_input_is_a_pipe) {
    static const char text[] = "a;b,c\n1;2.5\n\"-3\";0.125\n";
    static const double expected[] = {1, 2.5, -3, 0.125};
    static const size_t pieces[] = {1, 3, 1000};
    uint64_t rows;
    piped_text input = {text, sizeof text - 1, pieces[_i], -1};
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
    piped_text input = {(const char *)npy, count, count, -1};
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

static Suite *csv_pipes_suite(void) {
    Suite *suite = suite_create("csv_pipes");
    TCase *pipes = tcase_create("pipes");
    tcase_add_loop_test(pipes, standard_input_is_a_pipe, 0, 3);
    tcase_add_test(pipes, rows_before_the_end_of_a_pipe);
    tcase_add_test(pipes, rows_of_a_slow_pipe);
    tcase_add_test(pipes, a_named_pipe);
    tcase_add_test(pipes, cancelled);
    tcase_add_test(pipes, standard_input_is_a_file);
    tcase_add_test(pipes, matrices_through_pipes);
    suite_add_tcase(suite, pipes);
    return suite;
}

int main(void) {
    files_begin();
    int status = suite_main(csv_pipes_suite());
    files_end();
    return status;
}
