// SPDX-License-Identifier: MIT
// Opens a matrix file by what it begins with, and checks what its readers are asked for.
#include "format/reader.h"

#include <string.h>

#include "base/memory.h"
#include "base/structs.h"
#include "format/file_io.h"
#include "format/kept.h"

/** What is said of options that only CSV has a use for. */
static ffwd_status refuse_choices(const char *path, const ffwd_reader_options *options,
                                  ffwd_error *err) {
    if (options->delimiter != 0 || options->header != FFWD_HEADER_AUTO ||
        options->column_count > 0 || options->keep_count > 0 || options->word_count > 0 ||
        options->missing_count > 0) {
        return ffwd_fail(err, FFWD_EARGUMENT,
                         "%s: columns, their texts and their missing cells are chosen of CSV only",
                         path);
    }
    return FFWD_OK;
}

ffwd_status ffwd_reader_open(const char *path, const ffwd_reader_options *options,
                             ffwd_reader **out, ffwd_error *err) {
    ffwd_reader_options given = FFWD_READER_OPTIONS_INIT;
    ffwd_status status;
    uint64_t file_bytes;
    int fd;
    *out = NULL;
    FFWD_TRY(status, ffwd_struct_read(&given, sizeof given, options, err));
    FFWD_TRY(status, ffwd_file_open(path, &fd, &file_bytes, err));
    FFWD_TRY(status, ffwd_npy_reader_open(fd, path, file_bytes, out, err));
    status = refuse_choices(path, &given, err);
    if (status != FFWD_OK) {
        ffwd_reader_destroy(*out);
        *out = NULL;
    }

cleanup:
    return status;
}

void ffwd_reader_destroy(ffwd_reader *reader) {
    if (reader != NULL) {
        reader->ops->destroy(reader);
    }
}

void ffwd_reader_describe(const ffwd_reader *reader, ffwd_matrix_info *info) {
    ffwd_matrix_info value = FFWD_MATRIX_INFO_INIT;
    reader->ops->describe(reader, &value);
    ffwd_struct_write(info, &value, sizeof value);
}

const char *ffwd_reader_name(const ffwd_reader *reader, uint64_t column) {
    return reader->ops->name(reader, false, column);
}

const char *ffwd_reader_kept_name(const ffwd_reader *reader, size_t index) {
    return reader->ops->name(reader, true, index);
}

ffwd_status ffwd_reader_take_as_row(ffwd_reader *reader, ffwd_error *err) {
    return reader->ops->take_as_row(reader, err);
}

ffwd_status ffwd_reader_next(ffwd_reader *reader, uint64_t most, uint32_t dtype, void *values,
                             ffwd_kept *kept, uint64_t *rows, ffwd_error *err) {
    *rows = 0;
    if (dtype != FFWD_F32 && dtype != FFWD_F64) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: rows are read as f32 or f64, not as %s (%u)",
                         reader->path, ffwd_dtype_name(dtype), dtype);
    }
    if (kept != NULL) {
        ffwd_kept_clear(kept, 0);
    }
    return most > 0 ? reader->ops->next(reader, most, dtype, values, kept, rows, err) : FFWD_OK;
}

ffwd_status ffwd_reader_seek(ffwd_reader *reader, uint64_t row, ffwd_error *err) {
    return reader->ops->seek(reader, row, err);
}

ffwd_status ffwd_reader_count(ffwd_reader *reader, uint64_t *rows, ffwd_error *err) {
    *rows = 0;
    return reader->ops->count(reader, rows, err);
}
