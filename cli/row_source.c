// SPDX-License-Identifier: MIT
// Reads X from a file, or makes random rows: stream 0 of the seed, element row * inputs + column.
#include "row_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "failure.h"
#include "quantity.h"

static const char random_prefix[] = "random:";

/** "[7][10]", or "[7]" of a 1-D array. */
static void describe_shape(const ffwd_matrix_info *x, char *text, size_t size) {
    if (x->dimensions == 1) {
        (void)snprintf(text, size, "[%" PRIu64 "]", x->rows);
    } else {
        (void)snprintf(text, size, "[%" PRIu64 "][%" PRIu64 "]", x->rows, x->cols);
    }
}

static int fail_shapes(const char *name, const ffwd_matrix_info *x, const model_source *model) {
    char shape[64];
    describe_shape(x, shape, sizeof shape);
    if (model->info.operation_count == 0) {
        return fail(EX_DATAERR, "%s: X is %s, but %s takes %" PRIu64 " inputs", name, shape,
                    model->name, model->info.inputs);
    }
    ffwd_operation first = model_source_operation(model, 0);
    return fail(EX_DATAERR, "%s: X is %s, but W1 of %s is [%" PRIu64 "][%" PRIu64 "]", name, shape,
                model->name, first.neurons, first.inputs);
}

/** A 1-D array is rows of one value, or one row, as the model takes it. */
static int fit_model(row_source *source, const model_source *model) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_matrix_info x = FFWD_MATRIX_INFO_INIT;
    ffwd_reader_describe(source->reader, &x);
    if (x.dimensions == 1 && x.cols != model->info.inputs && x.rows == model->info.inputs) {
        if (ffwd_reader_take_as_row(source->reader, &err) != FFWD_OK) {
            return fail_with(ON_INPUT, &err);
        }
        ffwd_reader_describe(source->reader, &x);
    }
    source->rows = x.rows;
    source->cols = x.cols;
    return x.cols == model->info.inputs ? EXIT_DONE : fail_shapes(source->name, &x, model);
}

static int open_file(const char *path, const model_source *model, row_source *out) {
    ffwd_error err = FFWD_ERROR_INIT;
    *out = (row_source){.name = path, .dtype = model->info.dtype};
    if (ffwd_reader_open(path, NULL, &out->reader, &err) != FFWD_OK) {
        return fail_with(ON_INPUT, &err);
    }
    return fit_model(out, model);
}

row_source row_source_random(uint64_t rows, uint64_t seed, const model_source *model) {
    return (row_source){.name = "random rows",
                        .seed = seed,
                        .rows = rows,
                        .cols = model->info.inputs,
                        .dtype = model->info.dtype};
}

int row_source_open(const options *given, const model_source *model, row_source *out) {
    size_t prefix = strlen(random_prefix);
    if (strncmp(given->x, random_prefix, prefix) != 0) {
        return open_file(given->x, model, out);
    }
    uint64_t rows;
    if (!quantity_parse(given->x + prefix, 0, UINT64_MAX / model->info.inputs, &rows)) {
        *out = (row_source){0};
        return fail(EX_USAGE, "%s: random:ROWS takes a whole number of rows", given->x);
    }
    *out = row_source_random(rows, given->seed, model);
    out->name = given->x;
    return EXIT_DONE;
}

/** Rows [first, first + rows) of a file that has them. */
static ffwd_status read_rows(row_source *source, uint64_t first, uint64_t rows, void *values,
                             ffwd_error *err) {
    uint64_t read = 0;
    ffwd_status status = ffwd_reader_seek(source->reader, first, err);
    if (status == FFWD_OK) {
        status = ffwd_reader_next(source->reader, rows, source->dtype, values, NULL, &read, err);
    }
    return status;
}

ffwd_status row_source_fill(row_source *source, uint64_t first, uint64_t rows, void *values,
                            ffwd_error *err) {
    if (source->reader != NULL) {
        return read_rows(source, first, rows, values, err);
    }
    return ffwd_random_fill(source->seed, 0, first * source->cols, rows * source->cols,
                            source->dtype, values, err);
}

int row_source_read(row_source *source, uint64_t first, uint64_t rows, void *values) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_status status = row_source_fill(source, first, rows, values, &err);
    return status == FFWD_OK ? EXIT_DONE : fail_with(ON_INPUT, &err);
}

void row_source_close(row_source *source) {
    ffwd_reader_destroy(source->reader);
    source->reader = NULL;
}
