// SPDX-License-Identifier: MIT
// Matrices out: .npy as they lie in memory, CSV as text.
#include <ffwd/file.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/process.h"
#include "base/structs.h"
#include "format/csv_number.h"
#include "format/file_io.h"
#include "format/kept.h"
#include "format/npy_header.h"
#include "format/outfile.h"

struct ffwd_writer {
    ffwd_outfile file;
    bool csv, committed;
    uint64_t rows; /**< UINT64_MAX: as many as come */
    uint64_t cols, row_bytes;
    uint64_t written; /**< rows */
    uint32_t dtype;
    size_t kept_count; /**< columns before the others */
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
        return FFWD_OK;
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

/** What was begun without knowing it gets the number of its rows. */
static ffwd_status put_npy_rows(ffwd_writer *writer, ffwd_error *err) {
    char header[FFWD_NPY_WRITTEN_MAX];
    uint64_t bytes = ffwd_npy_format(header, writer->written, writer->cols, writer->dtype);
    return ffwd_outfile_rewrite(&writer->file, header, bytes, 0, err);
}

/** A name of any length, and what stands behind it. */
static ffwd_status write_name(ffwd_writer *writer, const char *name, char behind, ffwd_error *err) {
    const ffwd_csv_cell cell = {name, strlen(name), false};
    uint64_t bytes = 2 * (uint64_t)cell.length + 3;
    char *text = ffwd_alloc(bytes);
    if (text == NULL) {
        return ffwd_fail_memory(err, bytes, "a column's name");
    }
    size_t written = ffwd_csv_put_cell(text, &cell);
    text[written] = behind;
    ffwd_status status = ffwd_outfile_write(&writer->file, text, written + 1, err);
    ffwd_free(text);
    return status;
}

/** "y1", "y2" and so on where there are no names. */
static ffwd_status write_csv_header(ffwd_writer *writer, const ffwd_writer_options *options,
                                    ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < options->kept_count; i++) {
        char behind = writer->cols > 0 || i + 1 < options->kept_count ? ',' : '\n';
        FFWD_TRY(status, write_name(writer, options->kept[i], behind, err));
    }
    for (uint64_t col = 0; col < writer->cols; col++) {
        char numbered[32];
        (void)snprintf(numbered, sizeof numbered, "y%llu", (unsigned long long)col + 1);
        const char *name = options->name_count > 0 ? options->names[col] : numbered;
        FFWD_TRY(status, write_name(writer, name, col + 1 < writer->cols ? ',' : '\n', err));
    }

cleanup:
    return status;
}

static ffwd_status check_names(const ffwd_writer *writer, const char *path,
                               const ffwd_writer_options *options, ffwd_error *err) {
    if (!writer->csv && (options->kept_count > 0 || options->name_count > 0)) {
        return ffwd_fail(
            err, FFWD_EUNSUPPORTED,
            "%s: a .npy file holds numbers only: names and kept columns need a .csv file", path);
    }
    if (options->name_count > 0 && options->name_count != writer->cols) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: %zu names for %llu columns", path,
                         options->name_count, (unsigned long long)writer->cols);
    }
    return FFWD_OK;
}

static ffwd_status write_header(ffwd_writer *writer, const ffwd_writer_options *options,
                                ffwd_error *err) {
    return writer->csv ? write_csv_header(writer, options, err) : write_npy_header(writer, err);
}

ffwd_status ffwd_writer_create(const char *path, uint64_t rows, uint64_t cols, uint32_t dtype,
                               const ffwd_writer_options *options, ffwd_writer **out,
                               ffwd_error *err) {
    ffwd_writer_options given = FFWD_WRITER_OPTIONS_INIT;
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
    FFWD_TRY(status, ffwd_struct_read(&given, sizeof given, options, err));
    writer->kept_count = given.kept_count;
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
    FFWD_TRY(status, check_names(writer, path, &given, err));
    FFWD_TRY(status, ffwd_outfile_open(&writer->file, path, err));
    if (!writer->csv && rows == UINT64_MAX && ffwd_outfile_is_stream(&writer->file)) {
        status = ffwd_fail(
            err, FFWD_EUNSUPPORTED,
            "%s: a .npy stream starts with the number of its rows, which is not known", path);
        goto cleanup;
    }
    FFWD_TRY(status, write_header(writer, &given, err));
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

/** The values of a row, up to its end. */
static ffwd_status append_values(ffwd_writer *writer, const unsigned char *values,
                                 ffwd_error *err) {
    size_t value_bytes = ffwd_dtype_size(writer->dtype);
    ffwd_outfile *file = &writer->file;
    ffwd_status status = FFWD_OK;
    for (uint64_t col = 0; col < writer->cols; col++) {
        FFWD_TRY(status, ffwd_outfile_room(file, FFWD_CSV_NUMBER_MAX + 1, err));
        char *text = (char *)file->buffer + file->used;
        size_t length = format_value(text, values + col * value_bytes, writer->dtype);
        text[length] = col + 1 < writer->cols ? ',' : '\n';
        file->used += length + 1;
    }

cleanup:
    return status;
}

static ffwd_status append_csv(ffwd_writer *writer, uint64_t rows, const unsigned char *values,
                              const ffwd_kept *kept, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    uint64_t offset = 0;
    for (uint64_t row = 0; row < rows; row++) {
        if (kept != NULL) {
            uint32_t length;
            const unsigned char *text = ffwd_kept_row(kept, &offset, &length);
            FFWD_TRY(status, ffwd_outfile_write(&writer->file, text, length, err));
        }
        FFWD_TRY(status, append_values(writer, values + row * writer->row_bytes, err));
    }

cleanup:
    return status;
}

/** Numbers are compared while they are formatted, so they are formatted in a known environment. */
static ffwd_status append_csv_exactly(ffwd_writer *writer, uint64_t rows, const void *values,
                                      const ffwd_kept *kept, ffwd_error *err) {
    ffwd_fpenv env;
    ffwd_fpenv_enter(&env);
    ffwd_status status = append_csv(writer, rows, values, kept, err);
    ffwd_fpenv_leave(&env);
    return status;
}

/** Kept cells are those of the rows that come with them. */
static ffwd_status check_kept(const ffwd_writer *writer, uint64_t rows, const ffwd_kept *kept,
                              ffwd_error *err) {
    uint64_t columns = kept != NULL ? kept->columns : 0, kept_rows = kept != NULL ? kept->rows : 0;
    if (columns != writer->kept_count && rows > 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: has %zu kept columns, but cells of %llu came",
                         writer->file.name, writer->kept_count, (unsigned long long)columns);
    }
    if (columns > 0 && kept_rows != rows) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: kept cells of %llu rows came with %llu rows",
                         writer->file.name, (unsigned long long)kept_rows,
                         (unsigned long long)rows);
    }
    return FFWD_OK;
}

static ffwd_status check_append(const ffwd_writer *writer, uint64_t rows, const ffwd_kept *kept,
                                ffwd_error *err) {
    if (writer->committed) {
        return ffwd_fail(err, FFWD_ESTATE, "%s: is complete already", writer->file.name);
    }
    if (rows > writer->rows - writer->written) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s: takes %llu rows, and %llu more after %llu",
                         writer->file.name, (unsigned long long)writer->rows,
                         (unsigned long long)rows, (unsigned long long)writer->written);
    }
    return check_kept(writer, rows, kept, err);
}

ffwd_status ffwd_writer_append(ffwd_writer *writer, uint64_t rows, const void *values,
                               const ffwd_kept *kept, ffwd_error *err) {
    ffwd_status status = check_append(writer, rows, kept, err);
    if (status != FFWD_OK) {
        return status;
    }
    writer->written += rows;
    kept = writer->kept_count > 0 ? kept : NULL;
    FFWD_TRY(status, writer->csv ? append_csv_exactly(writer, rows, values, kept, err)
                                 : ffwd_outfile_write(&writer->file, values,
                                                      rows * writer->row_bytes, err));
    status = ffwd_outfile_pass_on(&writer->file, err);

cleanup:
    return status;
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
    ffwd_status status = FFWD_OK;
    if (!writer->csv && writer->rows == UINT64_MAX) {
        FFWD_TRY(status, put_npy_rows(writer, err));
    }
    FFWD_TRY(status, ffwd_outfile_commit(&writer->file, err));
    writer->committed = true;

cleanup:
    return status;
}
