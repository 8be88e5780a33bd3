// SPDX-License-Identifier: MIT
// CSV for tests: a text as a file, the rows that it must give, the message with which it is
// refused.
#ifndef FFWD_TESTS_CSV_TEXT_H
#define FFWD_TESTS_CSV_TEXT_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <ffwd/file.h>

/** A reader that must open: of a file, of a text as x.csv of the scratch directory. */
ffwd_reader *open_path(const char *path, const ffwd_reader_options *options);
ffwd_reader *open_text(const char *text, const ffwd_reader_options *options);

ffwd_matrix_info describe(const ffwd_reader *reader);

/** What is left of a file, in pieces of `most` rows, and that there is no more. */
void expect_rows(ffwd_reader *reader, uint64_t most, const double *expected, uint64_t rows,
                 uint64_t cols);
/** A text's rows one by one, and again all at once. */
void expect_text(const char *text, const ffwd_reader_options *options, const double *expected,
                 uint64_t rows, uint64_t cols);

/** Reads to the end or to the first failure. */
ffwd_status read_all(ffwd_reader *reader, ffwd_error *failure);

/** The failure of opening or reading a file; the message is what stands behind its name. */
void refuse_bytes(const void *bytes, size_t count, const ffwd_reader_options *options,
                  ffwd_status status, const char *message);
void refuse_text(const char *text, const ffwd_reader_options *options, ffwd_status status,
                 const char *message);

/** What another process writes into a pipe, piece by piece. */
typedef struct piped_text {
    const char *text;
    size_t length, piece;
    int fd;
} piped_text;

/** Makes a text standard input, by a pipe; the thread that writes is to be joined. */
pthread_t pipe_text(piped_text *text);

#endif
