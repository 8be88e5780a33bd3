// SPDX-License-Identifier: MIT
// Any rows of a .npy file, read by pread and converted through one small buffer.
#include <ffwd/file.h>

#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/structs.h"
#include "format/file_io.h"
#include "format/npy_convert.h"

/** Large enough for the header and for whole pages of elements. */
#define STAGING_BYTES ((uint64_t)1 << 18)

struct ffwd_reader {
    int fd;
    char *path;
    ffwd_npy_header header;
    uint64_t rows, cols; /**< as the caller takes them */
    unsigned char *staging;
};

/** What to say of a file that does not begin as a .npy file does. */
static ffwd_status refuse_content(const char *path, const unsigned char *bytes, uint64_t count,
                                  ffwd_error *err) {
    if (ffwd_file_ends_in(path, ".csv")) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "%s: CSV cannot be read yet; convert it to .npy",
                         path);
    }
    if (count >= 2 && memcmp(bytes, "PK", 2) == 0) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED,
                         "%s: an archive, where one matrix in a .npy file is needed", path);
    }
    return FFWD_OK;
}

static ffwd_status read_header(ffwd_reader *reader, uint64_t file_bytes, ffwd_error *err) {
    ffwd_status status;
    uint64_t bytes = ffwd_min(file_bytes, STAGING_BYTES);
    FFWD_TRY(status, ffwd_file_read_at(reader->fd, reader->path, reader->staging, bytes, 0, err));
    FFWD_TRY(status, refuse_content(reader->path, reader->staging, bytes, err));
    status = ffwd_npy_parse(reader->staging, bytes, file_bytes, &reader->header, err);
    if (status == FFWD_OK) {
        status = ffwd_npy_check_numbers(&reader->header, err);
    }
    if (status != FFWD_OK) {
        status = ffwd_fail_prefix(err, status, reader->path);
    }

cleanup:
    return status;
}

ffwd_status ffwd_reader_open(const char *path, ffwd_reader **out, ffwd_error *err) {
    ffwd_status status;
    uint64_t file_bytes;
    *out = NULL;
    ffwd_reader *reader = ffwd_alloc_zero(sizeof *reader);
    if (reader == NULL) {
        return ffwd_fail_memory(err, sizeof *reader, "a reader");
    }
    reader->fd = -1;
    reader->path = ffwd_copy_text(path);
    reader->staging = ffwd_alloc(STAGING_BYTES);
    if (reader->path == NULL || reader->staging == NULL) {
        status = ffwd_fail_memory(err, STAGING_BYTES, "a reader's buffer");
        goto cleanup;
    }
    FFWD_TRY(status, ffwd_file_open(path, &reader->fd, &file_bytes, err));
    FFWD_TRY(status, read_header(reader, file_bytes, err));
    reader->rows = reader->header.rows;
    reader->cols = reader->header.cols;
    *out = reader;
    return FFWD_OK;

cleanup:
    ffwd_reader_destroy(reader);
    return status;
}

void ffwd_reader_destroy(ffwd_reader *reader) {
    if (reader == NULL) {
        return;
    }
    if (reader->fd >= 0) {
        (void)close(reader->fd);
    }
    ffwd_free(reader->path);
    ffwd_free(reader->staging);
    ffwd_free(reader);
}

/** float64 for what float32 cannot hold exactly. */
static uint32_t best_dtype(const ffwd_npy_type *type) {
    uint64_t exact_bytes = type->kind == FFWD_NPY_FLOAT ? 4 : 2;
    return type->bytes > exact_bytes ? FFWD_F64 : FFWD_F32;
}

void ffwd_reader_describe(const ffwd_reader *reader, ffwd_matrix_info *info) {
    ffwd_matrix_info value = FFWD_MATRIX_INFO_INIT;
    value.dtype = best_dtype(&reader->header.type);
    value.rows = reader->rows;
    value.cols = reader->cols;
    value.dimensions = reader->header.axes;
    value.stored = reader->header.type.descr;
    ffwd_struct_write(info, &value, sizeof value);
}

ffwd_status ffwd_reader_take_as_row(ffwd_reader *reader, ffwd_error *err) {
    if (reader->header.axes > 1) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: has %u axes; only one axis can be one row",
                         reader->path, reader->header.axes);
    }
    reader->rows = 1;
    reader->cols = reader->header.rows;
    return FFWD_OK;
}

/** `count` elements that lie together, the first of them at element `at` of the data. */
static ffwd_status read_run(ffwd_reader *reader, uint64_t at, uint64_t count, uint32_t dtype,
                            unsigned char *values, uint64_t stride, ffwd_error *err) {
    const ffwd_npy_type *type = &reader->header.type;
    uint64_t offset = reader->header.data_offset + at * type->bytes;
    uint64_t value_bytes = ffwd_dtype_size(dtype);
    ffwd_status status = FFWD_OK;
    if (stride == 1 && ffwd_npy_is(type, dtype)) {
        return ffwd_file_read_at(reader->fd, reader->path, values, count * type->bytes, offset,
                                 err);
    }
    for (uint64_t done = 0; done < count;) {
        uint64_t piece = ffwd_min(count - done, STAGING_BYTES / type->bytes);
        FFWD_TRY(status, ffwd_file_read_at(reader->fd, reader->path, reader->staging,
                                           piece * type->bytes, offset + done * type->bytes, err));
        ffwd_npy_convert(type, reader->staging, piece, dtype, values + done * stride * value_bytes,
                         stride);
        done += piece;
    }

cleanup:
    return status;
}

/** Fortran order: a run of each column. */
static ffwd_status read_columns(ffwd_reader *reader, uint64_t first, uint64_t rows, uint32_t dtype,
                                unsigned char *values, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    for (uint64_t col = 0; col < reader->cols; col++) {
        uint64_t stored = ffwd_npy_fortran_column(&reader->header, col);
        FFWD_TRY(status, read_run(reader, stored * reader->rows + first, rows, dtype,
                                  values + col * ffwd_dtype_size(dtype), reader->cols, err));
    }

cleanup:
    return status;
}

ffwd_status ffwd_reader_read(ffwd_reader *reader, uint64_t first, uint64_t rows, uint32_t dtype,
                             void *values, ffwd_error *err) {
    if (dtype != FFWD_F32 && dtype != FFWD_F64) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: rows are read as f32 or f64, not as %s (%u)",
                         reader->path, ffwd_dtype_name(dtype), dtype);
    }
    if (first > reader->rows || rows > reader->rows - first) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: has %llu rows; %llu from row %llu on wanted",
                         reader->path, (unsigned long long)reader->rows, (unsigned long long)rows,
                         (unsigned long long)first);
    }
    if (rows == 0) {
        return FFWD_OK;
    }
    if (reader->header.fortran && reader->header.axes > 1) {
        return read_columns(reader, first, rows, dtype, values, err);
    }
    return read_run(reader, first * reader->cols, rows * reader->cols, dtype, values, 1, err);
}
