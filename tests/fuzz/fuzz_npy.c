// SPDX-License-Identifier: MIT
// Any bytes as a .npy file. Where it opens, rows read in pieces are those read at once, by bits.
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ffwd/file.h>

static int file = -1;
static char path[64];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    file = memfd_create("npy", MFD_CLOEXEC);
    MUST(file >= 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return 0;
}

static void fill_file(const uint8_t *data, size_t size) {
    MUST(ftruncate(file, 0) == 0);
    MUST(pwrite(file, data, size, 0) == (ssize_t)size);
}

/** All rows, in pieces of `piece`. */
static void read_pieces(ffwd_reader *reader, const ffwd_matrix_info *info, uint64_t piece,
                        uint32_t dtype, unsigned char *values) {
    ffwd_error err = FFWD_ERROR_INIT;
    uint64_t rows = 0, done = 0;
    MUST(ffwd_reader_seek(reader, 0, &err) == FFWD_OK);
    do {
        unsigned char *to = values + done * info->cols * ffwd_dtype_size(dtype);
        MUST(ffwd_reader_next(reader, piece, dtype, to, NULL, &rows, &err) == FFWD_OK);
        MUST(rows == piece || rows == info->rows - done);
        done += rows;
    } while (rows > 0);
    MUST(done == info->rows);
}

static void compare_pieces(ffwd_reader *reader, const ffwd_matrix_info *info, uint32_t dtype) {
    size_t bytes = (size_t)(info->rows * info->cols) * ffwd_dtype_size(dtype);
    unsigned char *whole = malloc(bytes + 1), *pieces = malloc(bytes + 1);
    MUST(whole != NULL && pieces != NULL);
    read_pieces(reader, info, UINT64_MAX, dtype, whole);
    read_pieces(reader, info, info->rows / 3 + 1, dtype, pieces);
    MUST(memcmp(whole, pieces, bytes) == 0);
    free(whole);
    free(pieces);
}

/** Past the last row there is nothing, however the numbers add up. */
static void seek_beyond(ffwd_reader *reader, const ffwd_matrix_info *info) {
    const uint64_t beyond[] = {info->rows + 1, UINT64_MAX};
    ffwd_error err = FFWD_ERROR_INIT;
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        ffwd_status status = ffwd_reader_seek(reader, beyond[i], &err);
        MUST(status == FFWD_EARGUMENT);
        must_explain(status, &err);
    }
}

static void read_all(ffwd_reader *reader, size_t size) {
    ffwd_matrix_info info = FFWD_MATRIX_INFO_INIT;
    ffwd_reader_describe(reader, &info);
    MUST(info.cols == 0 || info.rows <= size / info.cols); // each value has its byte in the file
    if (info.cols > 0) {                                   // rows of nothing may be any number
        compare_pieces(reader, &info, FFWD_F32);
        compare_pieces(reader, &info, FFWD_F64);
    }
    seek_beyond(reader, &info);
}

/** What does not begin as a .npy file does, which is for another target. */
static bool is_csv(const ffwd_reader *reader) {
    ffwd_matrix_info info = FFWD_MATRIX_INFO_INIT;
    ffwd_reader_describe(reader, &info);
    return strcmp(info.stored, "text") == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_reader *reader;
    fill_file(data, size);
    ffwd_status status = ffwd_reader_open(path, NULL, &reader, &err);
    if (status != FFWD_OK) {
        MUST(reader == NULL);
        must_explain(status, &err);
        return 0;
    }
    if (is_csv(reader)) {
        ffwd_reader_destroy(reader);
        return 0;
    }
    read_all(reader, size);
    status = ffwd_reader_take_as_row(reader, &err);
    if (status == FFWD_OK) {
        read_all(reader, size);
    } else {
        must_explain(status, &err);
    }
    ffwd_reader_destroy(reader);
    return 0;
}
