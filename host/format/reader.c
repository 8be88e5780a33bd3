// SPDX-License-Identifier: MIT
// Opens a matrix file by what it begins with, and checks what its readers are asked for.
#include "format/reader.h"

#include <errno.h>
#include <string.h>

#include "base/structs.h"
#include "format/file_io.h"
#include "format/kept.h"
#include "format/npy_header.h"

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

/** Whether a file is one for the reader of .npy, who also says so of an archive. */
static ffwd_status find_npy(const ffwd_source *source, const char *path, bool *found,
                            ffwd_error *err) {
    char first[6] = "";
    size_t count;
    ffwd_status status = ffwd_source_peek(source, first, sizeof first, &count, err);
    *found = ffwd_file_ends_in(path, ".npy") || ffwd_npy_begins(first, count) ||
             memcmp(first, "PK", 2) == 0;
    return status;
}

static ffwd_status open_npy(ffwd_source *source, const ffwd_reader_options *options,
                            ffwd_reader **out, ffwd_error *err) {
    ffwd_status status = refuse_choices(source->name, options, err);
    if (status == FFWD_OK && !source->seekable) {
        status = ffwd_fail_native(err, FFWD_EIO, ESPIPE,
                                  "%s: cannot read: a pipe or a device, where a file is needed",
                                  source->name);
    }
    if (status != FFWD_OK) {
        ffwd_source_close(source);
        return status;
    }
    return ffwd_npy_reader_open(source->fd, source->name, source->size, out, err);
}

ffwd_status ffwd_reader_open(const char *path, const ffwd_reader_options *options,
                             ffwd_reader **out, ffwd_error *err) {
    ffwd_reader_options given = FFWD_READER_OPTIONS_INIT;
    ffwd_source source;
    bool npy = false;
    *out = NULL;
    ffwd_status status = ffwd_struct_read(&given, sizeof given, options, err);
    if (status != FFWD_OK) {
        return status;
    }
    status = ffwd_source_open(&source, path, err);
    if (status == FFWD_OK) {
        status = find_npy(&source, path, &npy, err);
    }
    if (status != FFWD_OK) {
        ffwd_source_close(&source);
        return status;
    }
    return npy ? open_npy(&source, &given, out, err)
               : ffwd_csv_reader_open(&source, &given, out, err);
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
