// SPDX-License-Identifier: MIT
// Matrices out: .npy as they lie in memory, CSV as text.
#include <ffwd/file.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/process.h"
#include "format/csv_number.h"
#include "format/file_io.h"
#include "format/npy_header.h"
#include "format/outfile.h"

struct ffwd_writer {
    ffwd_outfile file;
    bool csv, committed;
    uint64_t rows, cols, row_bytes;
    uint64_t written; /**< rows */
    uint32_t dtype;
};

/** CSV for standard output, and for devices and pipes that are not called .npy. */
static bool choose_csv(const char *path, bool *csv) {
    struct stat there;
    *csv = !ffwd_file_ends_in(path, ".npy");
    return !*csv || ffwd_file_ends_in(path, ".csv") || strcmp(path, "-") == 0 ||
           (stat(path, &there) == 0 && !S_ISREG(there.st_mode));
}

static ffwd_status check_shape(const ffwd_writer *writer, const char *path, ffwd_error *err) {
    uint64_t bytes;
    if (ffwd_dtype_size(writer->dtype) == 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: dtype %u is none of f32, f64, u8", path,
                         writer->dtype);
    }
    if (writer->rows == UINT64_MAX) {
        return writer->csv ? FFWD_OK
                           : ffwd_fail(err, FFWD_EARGUMENT,
                                       "%s: the rows of a .npy file must be known", path);
    }
    if (!ffwd_multiply(writer->rows, writer->row_bytes, &bytes)) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "%s: %llu rows of %llu do not fit", path,
                         (unsigned long long)writer->rows, (unsigned long long)writer->cols);
    }
    return FFWD_OK;
}

static ffwd_status write_npy_header(ffwd_writer *writer, ffwd_error *err) {
    char header[FFWD_NPY_WRITTEN_MAX];
    uint64_t bytes = ffwd_npy_format(header, writer->rows, writer->cols, writer->dtype);
    return ffwd_outfile_write(&writer->file, header, bytes, err);
}

/** "y1,y2,...". */
static ffwd_status write_csv_header(ffwd_writer *writer, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    for (uint64_t col = 1; col <= writer->cols; col++) {
        char name[32];
        int length = snprintf(name, sizeof name, "y%llu%c", (unsigned long long)col,
                              col < writer->cols ? ',' : '\n');
        FFWD_TRY(status, ffwd_outfile_write(&writer->file, name, (uint64_t)length, err));
    }

cleanup:
    return status;
}

ffwd_status ffwd_writer_create(const char *path, uint64_t rows, uint64_t cols, uint32_t dtype,
                               ffwd_writer **out, ffwd_error *err) {
    ffwd_status status;
    *out = NULL;
    ffwd_writer *writer = ffwd_alloc_zero(sizeof *writer);
    if (writer == NULL) {
        return ffwd_fail_memory(err, sizeof *writer, "a writer");
    }
    writer->file.fd = -1;
    writer->rows = rows;
    writer->cols = cols;
    writer->dtype = dtype;
    if (!choose_csv(path, &writer->csv)) {
        status =
            ffwd_fail(err, FFWD_EUNSUPPORTED, "%s: cannot be written; .npy and .csv can", path);
        goto cleanup;
    }
    if (!ffwd_multiply(cols, ffwd_dtype_size(dtype), &writer->row_bytes)) {
        status = ffwd_fail(err, FFWD_EOVERFLOW, "%s: rows of %llu do not fit", path,
                           (unsigned long long)cols);
        goto cleanup;
    }
    FFWD_TRY(status, check_shape(writer, path, err));
    FFWD_TRY(status, ffwd_outfile_open(&writer->file, path, err));
    FFWD_TRY(status, writer->csv ? write_csv_header(writer, err) : write_npy_header(writer, err));
    *out = writer;
    return FFWD_OK;

cleanup:
    ffwd_writer_destroy(writer);
    return status;
}

void ffwd_writer_destroy(ffwd_writer *writer) {
    if (writer == NULL) {
        return;
    }
    ffwd_outfile_discard(&writer->file);
    ffwd_free(writer);
}

static size_t format_value(char *text, const unsigned char *value, uint32_t dtype) {
    if (dtype == FFWD_F64) {
        double number;
        memcpy(&number, value, sizeof number);
        return ffwd_csv_f64(text, number);
    }
    float number = *value;
    if (dtype == FFWD_F32) {
        memcpy(&number, value, sizeof number);
    }
    return ffwd_csv_f32(text, number);
}

static ffwd_status append_csv(ffwd_writer *writer, uint64_t rows, const unsigned char *values,
                              ffwd_error *err) {
    size_t value_bytes = ffwd_dtype_size(writer->dtype);
    ffwd_outfile *file = &writer->file;
    ffwd_status status = FFWD_OK;
    for (uint64_t row = 0; row < rows; row++) {
        for (uint64_t col = 0; col < writer->cols; col++, values += value_bytes) {
            FFWD_TRY(status, ffwd_outfile_room(file, FFWD_CSV_NUMBER_MAX + 1, err));
            char *text = (char *)file->buffer + file->used;
            size_t length = format_value(text, values, writer->dtype);
            text[length] = col + 1 < writer->cols ? ',' : '\n';
            file->used += length + 1;
        }
    }

cleanup:
    return status;
}

/** Numbers are compared while they are formatted, so they are formatted in a known environment. */
static ffwd_status append_csv_exactly(ffwd_writer *writer, uint64_t rows, const void *values,
                                      ffwd_error *err) {
    ffwd_fpenv env;
    ffwd_fpenv_enter(&env);
    ffwd_status status = append_csv(writer, rows, values, err);
    ffwd_fpenv_leave(&env);
    return status;
}

ffwd_status ffwd_writer_append(ffwd_writer *writer, uint64_t rows, const void *values,
                               ffwd_error *err) {
    if (writer->committed) {
        return ffwd_fail(err, FFWD_ESTATE, "%s: is complete already", writer->file.name);
    }
    if (rows > writer->rows - writer->written) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: takes %llu rows, and %llu more after %llu",
                         writer->file.name, (unsigned long long)writer->rows,
                         (unsigned long long)rows, (unsigned long long)writer->written);
    }
    writer->written += rows;
    return writer->csv ? append_csv_exactly(writer, rows, values, err)
                       : ffwd_outfile_write(&writer->file, values, rows * writer->row_bytes, err);
}

ffwd_status ffwd_writer_commit(ffwd_writer *writer, ffwd_error *err) {
    if (writer->committed) {
        return ffwd_fail(err, FFWD_ESTATE, "%s: is complete already", writer->file.name);
    }
    if (writer->rows != UINT64_MAX && writer->written < writer->rows) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: takes %llu rows, but only %llu were given",
                         writer->file.name, (unsigned long long)writer->rows,
                         (unsigned long long)writer->written);
    }
    ffwd_status status = ffwd_outfile_commit(&writer->file, err);
    writer->committed = status == FFWD_OK;
    return status;
}
