// SPDX-License-Identifier: MIT
// Any rows of a .npy file, read by pread and converted through one small buffer.
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "format/file_io.h"
#include "format/npy_convert.h"
#include "format/reader.h"

/** Large enough for the header and for whole pages of elements. */
#define STAGING_BYTES ((uint64_t)1 << 18)

typedef struct npy_reader {
    ffwd_reader base;
    int fd;
    ffwd_npy_header header;
    uint64_t rows, cols; /**< as the caller takes them */
    uint64_t next;       /**< the row that comes next */
    unsigned char *staging;
} npy_reader;

/** What to say of a file that does not begin as a .npy file does. */
static ffwd_status refuse_content(const char *path, const unsigned char *bytes, uint64_t count,
                                  ffwd_error *err) {
    if (count >= 2 && memcmp(bytes, "PK", 2) == 0) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED,
                         "%s: an archive, where one matrix in a .npy file is needed", path);
    }
    return FFWD_OK;
}

static ffwd_status read_header(npy_reader *own, uint64_t file_bytes, ffwd_error *err) {
    const char *path = own->base.path;
    ffwd_status status;
    uint64_t bytes = ffwd_min(file_bytes, STAGING_BYTES);
    FFWD_TRY(status, ffwd_file_read_at(own->fd, path, own->staging, bytes, 0, err));
    FFWD_TRY(status, refuse_content(path, own->staging, bytes, err));
    status = ffwd_npy_parse(own->staging, bytes, file_bytes, &own->header, err);
    if (status == FFWD_OK) {
        status = ffwd_npy_check_numbers(&own->header, err);
    }
    if (status == FFWD_OK && own->header.rows == UINT64_MAX) { // stands for a number not known
        status = ffwd_fail(err, FFWD_EUNSUPPORTED, "%llu rows are more than can be read",
                           (unsigned long long)UINT64_MAX);
    }
    if (status != FFWD_OK) {
        status = ffwd_fail_prefix(err, status, path);
    }

cleanup:
    return status;
}

static void npy_destroy(ffwd_reader *reader) {
    npy_reader *own = (npy_reader *)reader;
    (void)close(own->fd);
    ffwd_free(own->base.path);
    ffwd_free(own->staging);
    ffwd_free(own);
}

/** float64 for what float32 cannot hold exactly. */
static uint32_t best_dtype(const ffwd_npy_type *type) {
    uint64_t exact_bytes = type->kind == FFWD_NPY_FLOAT ? 4 : 2;
    return type->bytes > exact_bytes ? FFWD_F64 : FFWD_F32;
}

static void npy_describe(const ffwd_reader *reader, ffwd_matrix_info *info) {
    const npy_reader *own = (const npy_reader *)reader;
    info->dtype = best_dtype(&own->header.type);
    info->rows = own->rows;
    info->cols = own->cols;
    info->dimensions = own->header.axes;
    info->stored = own->header.type.descr;
}

static const char *npy_name(const ffwd_reader *reader, bool kept, uint64_t column) {
    (void)reader;
    (void)kept;
    (void)column;
    return NULL;
}

static ffwd_status npy_take_as_row(ffwd_reader *reader, ffwd_error *err) {
    npy_reader *own = (npy_reader *)reader;
    if (own->header.axes > 1) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: has %u axes; only one axis can be one row",
                         reader->path, own->header.axes);
    }
    own->rows = 1;
    own->cols = own->header.rows;
    own->next = 0;
    return FFWD_OK;
}

/** `count` elements that lie together, the first of them at element `at` of the data. */
static ffwd_status read_run(npy_reader *own, uint64_t at, uint64_t count, uint32_t dtype,
                            unsigned char *values, uint64_t stride, ffwd_error *err) {
    const ffwd_npy_type *type = &own->header.type;
    uint64_t offset = own->header.data_offset + at * type->bytes;
    uint64_t value_bytes = ffwd_dtype_size(dtype);
    ffwd_status status = FFWD_OK;
    if (stride == 1 && ffwd_npy_is(type, dtype)) {
        return ffwd_file_read_at(own->fd, own->base.path, values, count * type->bytes, offset, err);
    }
    for (uint64_t done = 0; done < count;) {
        uint64_t piece = ffwd_min(count - done, STAGING_BYTES / type->bytes);
        FFWD_TRY(status, ffwd_file_read_at(own->fd, own->base.path, own->staging,
                                           piece * type->bytes, offset + done * type->bytes, err));
        ffwd_npy_convert(type, own->staging, piece, dtype, values + done * stride * value_bytes,
                         stride);
        done += piece;
    }

cleanup:
    return status;
}

/** Fortran order: a run of each column. */
static ffwd_status read_columns(npy_reader *own, uint64_t first, uint64_t rows, uint32_t dtype,
                                unsigned char *values, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    for (uint64_t col = 0; col < own->cols; col++) {
        uint64_t stored = ffwd_npy_fortran_column(&own->header, col);
        FFWD_TRY(status, read_run(own, stored * own->rows + first, rows, dtype,
                                  values + col * ffwd_dtype_size(dtype), own->cols, err));
    }

cleanup:
    return status;
}

static ffwd_status npy_next(ffwd_reader *reader, uint64_t most, uint32_t dtype, void *values,
                            ffwd_kept *kept, uint64_t *rows, ffwd_error *err) {
    npy_reader *own = (npy_reader *)reader;
    uint64_t count = ffwd_min(most, own->rows - own->next);
    ffwd_status status;
    (void)kept;
    if (count == 0) {
        return FFWD_OK;
    }
    if (own->header.fortran && own->header.axes > 1) {
        status = read_columns(own, own->next, count, dtype, values, err);
    } else {
        status = read_run(own, own->next * own->cols, count * own->cols, dtype, values, 1, err);
    }
    if (status == FFWD_OK) {
        own->next += count;
        *rows = count;
    }
    return status;
}

static ffwd_status npy_seek(ffwd_reader *reader, uint64_t row, ffwd_error *err) {
    npy_reader *own = (npy_reader *)reader;
    if (row > own->rows) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: has %llu rows; row %llu wanted", reader->path,
                         (unsigned long long)own->rows, (unsigned long long)row);
    }
    own->next = row;
    return FFWD_OK;
}

static ffwd_status npy_count(ffwd_reader *reader, uint64_t *rows, ffwd_error *err) {
    (void)err;
    *rows = ((const npy_reader *)reader)->rows;
    return FFWD_OK;
}

ffwd_status ffwd_npy_reader_open(int fd, const char *path, uint64_t file_bytes, ffwd_reader **out,
                                 ffwd_error *err) {
    static const ffwd_reader_ops ops = {npy_describe, npy_name,  npy_take_as_row, npy_next,
                                        npy_seek,     npy_count, npy_destroy};
    ffwd_status status;
    npy_reader *own = ffwd_alloc_zero(sizeof *own);
    if (own == NULL) {
        (void)close(fd);
        return ffwd_fail_memory(err, sizeof *own, "a reader");
    }
    own->base.ops = &ops;
    own->base.path = ffwd_copy_text(path);
    own->fd = fd;
    own->staging = ffwd_alloc(STAGING_BYTES);
    if (own->base.path == NULL || own->staging == NULL) {
        status = ffwd_fail_memory(err, STAGING_BYTES, "a reader's buffer");
        goto cleanup;
    }
    FFWD_TRY(status, read_header(own, file_bytes, err));
    own->rows = own->header.rows;
    own->cols = own->header.cols;
    *out = &own->base;
    return FFWD_OK;

cleanup:
    npy_destroy(&own->base);
    return status;
}
