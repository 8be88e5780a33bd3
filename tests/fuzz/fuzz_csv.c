// SPDX-License-Identifier: MIT
// Any bytes as a CSV file. Where it opens, rows read in pieces are those read at once, by bits, or
// fail with the same words; counted they are as many; kept cells come out as they went in.
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ffwd/file.h>

#include "format/kept.h"

/** The most values of a file that are looked at. */
#define VALUES 4096

static int file = -1, copy = -1;
static char path[64], copy_path[64];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    file = memfd_create("csv", MFD_CLOEXEC);
    MUST(file >= 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    copy = memfd_create("copy", MFD_CLOEXEC);
    MUST(copy >= 0);
    (void)snprintf(copy_path, sizeof copy_path, "/proc/self/fd/%d", copy);
    return 0;
}

static void fill_file(int to, const void *data, size_t size) {
    MUST(ftruncate(to, 0) == 0);
    MUST(pwrite(to, data, size, 0) == (ssize_t)size);
}

/** What came of reading a file to its end. */
typedef struct outcome {
    ffwd_status status;
    ffwd_error err;
    uint64_t rows;
    double values[VALUES];
} outcome;

static uint64_t count_columns(const ffwd_reader *reader) {
    ffwd_matrix_info info = FFWD_MATRIX_INFO_INIT;
    ffwd_reader_describe(reader, &info);
    return info.cols;
}

/** All rows that there is room for, in pieces of `piece`. */
static void read_rows(ffwd_reader *reader, uint64_t piece, outcome *out) {
    uint64_t cols = count_columns(reader), rows = 0, most;
    memset(out, 0, sizeof *out);
    do {
        uint64_t room = cols > 0 ? (VALUES - out->rows * cols) / cols : VALUES - out->rows;
        most = piece < room ? piece : room;
        out->status = ffwd_reader_next(reader, most, FFWD_F64, out->values + out->rows * cols, NULL,
                                       &rows, &out->err);
        MUST(rows <= most);
        out->rows += rows;
    } while (out->status == FFWD_OK && rows > 0);
    if (out->status != FFWD_OK) {
        must_explain(out->status, &out->err);
    }
}

/** Read at once and in pieces, and counted. */
static void compare_pieces(ffwd_reader *reader) {
    static outcome whole, pieces;
    ffwd_error err = FFWD_ERROR_INIT;
    uint64_t cols = count_columns(reader), rows = 0;
    read_rows(reader, VALUES, &whole);
    MUST(ffwd_reader_seek(reader, 0, &err) == FFWD_OK);
    read_rows(reader, 3, &pieces);
    MUST(whole.status == pieces.status);
    if (whole.status == FFWD_OK) {
        MUST(whole.rows == pieces.rows);
        MUST(memcmp(whole.values, pieces.values, whole.rows * cols * sizeof(double)) == 0);
    } else {
        MUST(strcmp(whole.err.message, pieces.err.message) == 0);
    }
    MUST(ffwd_reader_seek(reader, 0, &err) == FFWD_OK);
    MUST(ffwd_reader_count(reader, &rows, &err) == FFWD_OK || err.status == FFWD_EFORMAT);
    MUST(rows >= pieces.rows || err.status == FFWD_EFORMAT);
}

/** Opens a file; NULL after a failure that says why. */
static ffwd_reader *open_reader(const char *from, const ffwd_reader_options *options) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_reader *reader;
    ffwd_status status = ffwd_reader_open(from, options, &reader, &err);
    if (status != FFWD_OK) {
        MUST(reader == NULL);
        must_explain(status, &err);
    }
    return reader;
}

/** What stands before the kept cells, so that they cannot make the file another kind of one; and
 *  how it is kept. */
static const char first_line[] = "k,7\n";
#define FIRST_KEPT (sizeof(uint32_t) + 2)

/** A file of the kept cells, with a number behind each, so that no line is blank. False where there
 *  is a 0 among them: they are no text then. */
static bool write_kept(const ffwd_kept *kept) {
    static char text[1 << 20];
    uint64_t offset = 0;
    size_t used = sizeof first_line - 1;
    memcpy(text, first_line, used);
    for (uint64_t row = 0; row < kept->rows; row++) {
        uint32_t length;
        const unsigned char *cells = ffwd_kept_row(kept, &offset, &length);
        MUST(used + length + 2 <= sizeof text);
        memcpy(text + used, cells, length);
        memcpy(text + used + length, "7\n", 2);
        used += length + 2;
    }
    fill_file(copy, text, used);
    return memchr(text, 0, used) == NULL;
}

/** The kept cells, written and read again, are the same text. */
static void read_copy(const ffwd_kept *kept) {
    static const char *const first[] = {"1"};
    static double values[VALUES + 1];
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    ffwd_kept *again;
    uint64_t rows;
    options.delimiter = ',';
    options.header = FFWD_HEADER_NO;
    options.keep = first;
    options.keep_count = 1;
    ffwd_reader *reader = open_reader(copy_path, &options);
    MUST(reader != NULL && count_columns(reader) == 1);
    MUST(ffwd_kept_create(1 << 20, &again, &err) == FFWD_OK);
    MUST(ffwd_reader_next(reader, VALUES + 1, FFWD_F64, values, again, &rows, &err) == FFWD_OK);
    MUST(rows == kept->rows + 1 && again->complete == kept->complete + FIRST_KEPT);
    MUST(memcmp(again->text + FIRST_KEPT, kept->text, kept->complete) == 0);
    ffwd_kept_destroy(again);
    ffwd_reader_destroy(reader);
}

static void compare_kept(ffwd_reader *reader) {
    static double values[VALUES];
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_kept *kept;
    uint64_t rows, most = VALUES / (count_columns(reader) + 1);
    MUST(ffwd_kept_create(2048, &kept, &err) == FFWD_OK);
    ffwd_status status = ffwd_reader_next(reader, most, FFWD_F64, values, kept, &rows, &err);
    if (status == FFWD_OK && rows > 0 && write_kept(kept)) {
        read_copy(kept);
    }
    ffwd_kept_destroy(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const first[] = {"1"};
    static const ffwd_missing all[] = {{"*", -1}};
    static const ffwd_word words[] = {{"2", "a", 1}, {"2", "b\"c", 2}};
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    fill_file(file, data, size);
    ffwd_reader *reader = open_reader(path, NULL);
    if (reader != NULL) {
        if (count_columns(reader) <= VALUES) {
            compare_pieces(reader);
        }
        ffwd_reader_destroy(reader);
    }
    options.header = FFWD_HEADER_NO;
    options.missing = all;
    options.missing_count = 1;
    options.keep = first;
    options.keep_count = 1;
    options.words = words;
    options.word_count = size % 2 == 0 ? 2 : 0;
    reader = open_reader(path, &options);
    if (reader != NULL) {
        compare_kept(reader);
        ffwd_reader_destroy(reader);
    }
    return 0;
}
