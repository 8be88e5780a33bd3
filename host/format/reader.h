// SPDX-License-Identifier: MIT
// What the readers of each format have in common.
#ifndef FFWD_FORMAT_READER_H
#define FFWD_FORMAT_READER_H

#include <stdbool.h>

#include <ffwd/file.h>

#include "base/error.h"
#include "format/source.h"

/** The functions of one format. Arguments have been checked; those that may be NULL say so. */
typedef struct ffwd_reader_ops {
    void (*describe)(const ffwd_reader *reader, ffwd_matrix_info *info);
    /** Of the columns of values, or of the kept ones; NULL where there are no names. */
    const char *(*name)(const ffwd_reader *reader, bool kept, uint64_t column);
    ffwd_status (*take_as_row)(ffwd_reader *reader, ffwd_error *err);
    /** most > 0; kept has no rows, and is NULL where it is not wanted. */
    ffwd_status (*next)(ffwd_reader *reader, uint64_t most, uint32_t dtype, void *values,
                        ffwd_kept *kept, uint64_t *rows, ffwd_error *err);
    ffwd_status (*seek)(ffwd_reader *reader, uint64_t row, ffwd_error *err);
    ffwd_status (*count)(ffwd_reader *reader, uint64_t *rows, ffwd_error *err);
    /** Also of a reader that could not be opened. */
    void (*destroy)(ffwd_reader *reader);
} ffwd_reader_ops;

/** What every reader starts with. */
struct ffwd_reader {
    const ffwd_reader_ops *ops;
    char *path; /**< in messages */
};

/** A reader of the .npy file that is open as fd, which it takes, also where it fails. */
ffwd_status ffwd_npy_reader_open(int fd, const char *path, uint64_t file_bytes, ffwd_reader **out,
                                 ffwd_error *err);

/** A reader of the CSV text that a source gives, which it takes, also where it fails. */
ffwd_status ffwd_csv_reader_open(ffwd_source *source, const ffwd_reader_options *options,
                                 ffwd_reader **out, ffwd_error *err);

#endif
