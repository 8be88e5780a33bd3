// SPDX-License-Identifier: MIT
// Reads X from a file, or makes random rows: stream 0 of the seed, element row * inputs + column.
#include "row_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "failure.h"
#include "interrupt.h"
#include "quantity.h"

/** Counted in a millisecond. */
#define SHORT_FILE_BYTES (1 << 20)

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
    ffwd_operation first = {.kind = 0};
    describe_shape(x, shape, sizeof shape);
    if (model->info.operation_count > 0) {
        first = model_source_operation(model, 0);
    }
    if (first.kind != FFWD_DENSE) {
        return fail(EX_DATAERR, "%s: X is %s, but %s takes %" PRIu64 " input%s", name, shape,
                    model->name, model->info.inputs, model->info.inputs == 1 ? "" : "s");
    }
    return fail(EX_DATAERR, "%s: X is %s, but W1 of %s is [%" PRIu64 "][%" PRIu64 "]", name, shape,
                model->name, first.neurons, first.inputs);
}

static ffwd_matrix_info describe(const row_source *source) {
    ffwd_matrix_info x = FFWD_MATRIX_INFO_INIT;
    ffwd_reader_describe(source->reader, &x);
    return x;
}

/** The names of the first columns of CSV. */
static void list_columns(const row_source *source, char *text, size_t size) {
    size_t used = 0;
    for (uint64_t i = 0; i < source->cols && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "",
                                 ffwd_reader_name(source->reader, i));
    }
    if (used >= size) {
        memcpy(text + size - 4, "...", 4);
    }
}

static int fail_columns(const row_source *source, const model_source *model) {
    char list[80];
    list_columns(source, list, sizeof list);
    return fail(EX_DATAERR, "%s: %" PRIu64 " column%s (%s), but %s takes %" PRIu64 " input%s%s",
                source->name, source->cols, source->cols == 1 ? "" : "s", list, model->name,
                model->info.inputs, model->info.inputs == 1 ? "" : "s",
                source->cols > model->info.inputs
                    ? "; --columns names those that are inputs, --keep those that are not"
                    : "");
}

/** A 1-D array is rows of one value, or one row, as the model takes it. */
static int fit_model(row_source *source, const model_source *model) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_matrix_info x = describe(source);
    if (x.dimensions == 1 && x.cols != model->info.inputs && x.rows == model->info.inputs) {
        if (ffwd_reader_take_as_row(source->reader, &err) != FFWD_OK) {
            return fail_with(ON_INPUT, &err);
        }
        x = describe(source);
    }
    source->rows = x.rows;
    source->cols = x.cols;
    if (x.cols == model->info.inputs) {
        return EXIT_DONE;
    }
    if (x.cols == 0 && ffwd_reader_kept_name(source->reader, 0) != NULL) {
        return fail(EX_DATAERR, "%s: all columns are kept, but %s takes %" PRIu64 " input%s",
                    source->name, model->name, model->info.inputs,
                    model->info.inputs == 1 ? "" : "s");
    }
    return ffwd_reader_name(source->reader, 0) != NULL ? fail_columns(source, model)
                                                       : fail_shapes(source->name, &x, model);
}

/** For a pipe that has nothing to give. */
static int is_over(void *user) {
    const row_source *source = user;
    return interrupt_signal() != 0 || (source->line != NULL && pipeline_ends(source->line));
}

int row_source_count(row_source *source) {
    ffwd_error err = FFWD_ERROR_INIT;
    if (source->rows != ROWS_UNKNOWN ||
        ffwd_reader_count(source->reader, &source->rows, &err) == FFWD_OK) {
        return EXIT_DONE;
    }
    if (err.status == FFWD_EUNSUPPORTED) {
        return fail(EX_NOINPUT, "%s: a pipe, where a file is needed that can be read twice",
                    source->name);
    }
    return fail_with(ON_INPUT, &err);
}

/** A short file is counted at once: how many rows there are decides about the device. */
static int count_if_short(row_source *source, const char *path) {
    struct stat file;
    bool is_short =
        stat(path, &file) == 0 && S_ISREG(file.st_mode) && file.st_size <= SHORT_FILE_BYTES;
    return is_short ? row_source_count(source) : EXIT_DONE;
}

static int open_file(const options *given, const model_source *model, row_source *out) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_reader_options wanted = column_options_reader(&given->csv);
    wanted.threads = given->threads;
    wanted.cancelled = is_over;
    wanted.user = out;
    *out = (row_source){.name = strcmp(given->x, "-") == 0 ? "standard input" : given->x,
                        .dtype = model->info.dtype};
    if (ffwd_reader_open(given->x, &wanted, &out->reader, &err) != FFWD_OK) {
        return fail_with(ON_INPUT, &err);
    }
    int status = fit_model(out, model);
    return status == EXIT_DONE ? count_if_short(out, given->x) : status;
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
        return open_file(given, model, out);
    }
    uint64_t rows;
    if (column_options_of_x(&given->csv)) {
        *out = (row_source){0};
        return fail(EX_USAGE,
                    "%s: columns, their texts and their missing cells are chosen of CSV only",
                    given->x);
    }
    if (!quantity_parse(given->x + prefix, 0, UINT64_MAX / model->info.inputs, &rows)) {
        *out = (row_source){0};
        return fail(EX_USAGE, "%s: random:ROWS takes a whole number of rows", given->x);
    }
    *out = row_source_random(rows, given->seed, model);
    out->name = given->x;
    return EXIT_DONE;
}

size_t row_source_kept_count(const row_source *source) {
    size_t count = 0;
    while (source->reader != NULL && ffwd_reader_kept_name(source->reader, count) != NULL) {
        count++;
    }
    return count;
}

bool row_source_ended(const row_source *source) {
    return source->next == source->rows;
}

static ffwd_status next_random(row_source *source, uint64_t most, void *values, uint64_t *rows,
                               ffwd_error *err) {
    uint64_t left = source->rows - source->next;
    *rows = most < left ? most : left;
    return ffwd_random_fill(source->seed, 0, source->next * source->cols, *rows * source->cols,
                            source->dtype, values, err);
}

/** Names the options that would help with a cell, where the message has room for that. */
static void suggest(ffwd_error *err) {
    const char *help = err->status != FFWD_EFORMAT        ? ""
                       : err->native == FFWD_CELL_TEXT    ? "; --map gives texts numbers"
                       : err->native == FFWD_CELL_MISSING ? "; --missing gives one"
                                                          : "";
    const size_t used = strlen(err->message), more = strlen(help) + 1;
    if (more <= sizeof err->message - used) {
        memcpy(err->message + used, help, more);
    }
}

/** A file may find out only now that it has ended. */
static ffwd_status next_of_file(row_source *source, uint64_t most, void *values, ffwd_kept *kept,
                                uint64_t *rows, ffwd_error *err) {
    ffwd_status status =
        ffwd_reader_next(source->reader, most, source->dtype, values, kept, rows, err);
    source->rows = describe(source).rows;
    if (status != FFWD_OK) {
        suggest(err);
    }
    return status;
}

ffwd_status row_source_next(row_source *source, uint64_t most, void *values, ffwd_kept *kept,
                            uint64_t *rows, ffwd_error *err) {
    *rows = 0;
    ffwd_status status = source->reader != NULL
                             ? next_of_file(source, most, values, kept, rows, err)
                             : next_random(source, most, values, rows, err);
    source->next += status == FFWD_OK ? *rows : 0;
    return status;
}

/** Goes on reading where it has not stopped. */
static ffwd_status go_to(row_source *source, uint64_t row, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    if (source->next != row && source->reader != NULL) {
        status = ffwd_reader_seek(source->reader, row, err);
    }
    source->next = row;
    return status;
}

int row_source_read(row_source *source, uint64_t first, uint64_t rows, void *values) {
    ffwd_error err = FFWD_ERROR_INIT;
    uint64_t read = 0;
    ffwd_status status = go_to(source, first, &err);
    if (status == FFWD_OK) {
        status = row_source_next(source, rows, values, NULL, &read, &err);
    }
    if (status != FFWD_OK) {
        return fail_with(ON_INPUT, &err);
    }
    return read == rows ? EXIT_DONE
                        : fail(EX_DATAERR, "%s: ends after %" PRIu64 " rows, not %" PRIu64,
                               source->name, first + read, first + rows);
}

void row_source_close(row_source *source) {
    ffwd_reader_destroy(source->reader);
    source->reader = NULL;
}
