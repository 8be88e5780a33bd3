// SPDX-License-Identifier: MIT
// Writes Y and the layers' archive in pieces.
#include "row_sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "failure.h"
#include "interrupt.h"
#include "row_memory.h"

enum { SUMS, OUTPUTS };

/** Most names and numbers of rows are shorter. */
#define KEPT_CELL_BYTES 16

/** The file that must not stay behind when need_memory ends the process. */
static ffwd_writer *unfinished;

static void remove_unfinished(void) {
    ffwd_writer_destroy(unfinished);
}

static void list_kept(const row_source *x, row_sink *out) {
    out->kept_count = row_source_kept_count(x);
    out->kept_names = need_memory(NULL, out->kept_count * sizeof *out->kept_names);
    for (size_t i = 0; i < out->kept_count; i++) {
        out->kept_names[i] = ffwd_reader_kept_name(x->reader, i);
    }
}

static int open_y(const options *given, const row_source *x, row_sink *out) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer_options wanted = FFWD_WRITER_OPTIONS_INIT;
    const char *path = given->output != NULL ? given->output : "-";
    const name_list *names = &given->csv.names;
    if (names->count > 0 && names->count != out->cols) {
        return fail(EX_USAGE, "--names has %zu name%s, but Y has %" PRIu64 " column%s",
                    names->count, names->count == 1 ? "" : "s", out->cols,
                    out->cols == 1 ? "" : "s");
    }
    list_kept(x, out);
    wanted.kept = out->kept_names;
    wanted.kept_count = out->kept_count;
    wanted.names = names->items;
    wanted.name_count = names->count;
    if (ffwd_writer_create(path, x->rows, out->cols, out->dtype, &wanted, &out->writer, &err) !=
        FFWD_OK) {
        return fail_with(ON_CREATE, &err);
    }
    unfinished = out->writer;
    (void)atexit(remove_unfinished);
    return EXIT_DONE;
}

static int add_entry(row_sink *out, size_t layer, int what, uint64_t rows) {
    ffwd_error err = FFWD_ERROR_INIT;
    layer_rows *added = &out->layers[2 * layer + (size_t)what];
    char name[32];
    (void)snprintf(name, sizeof name, "%c%zu", what == SUMS ? 'z' : 'y', layer + 1);
    if (ffwd_archive_add(out->archive, name, rows, added->cols, out->layer_dtype, &added->entry,
                         &err) != FFWD_OK) {
        return fail_with(ON_CREATE, &err);
    }
    return EXIT_DONE;
}

static int open_layers(const options *given, const model_source *model, uint64_t rows,
                       row_sink *out) {
    ffwd_error err = FFWD_ERROR_INIT;
    if (ffwd_archive_create(given->layers, &out->archive, &err) != FFWD_OK) {
        return fail_with(ON_CREATE, &err);
    }
    size_t count = (size_t)model->info.operation_count;
    out->layers = calloc(2 * count + 1, sizeof *out->layers);
    out->captures[SUMS] = calloc(count + 1, sizeof(ffwd_output));
    out->captures[OUTPUTS] = calloc(count + 1, sizeof(ffwd_output));
    if (out->layers == NULL || out->captures[SUMS] == NULL || out->captures[OUTPUTS] == NULL) {
        return fail(EX_OSERR, "out of memory: captures of %zu layers", count);
    }
    for (size_t i = 0; i < count; i++) {
        out->layers[2 * i].cols = model_source_operation(model, i).neurons;
        out->layers[2 * i + 1].cols = out->layers[2 * i].cols;
    }
    out->layer_count = count;
    int status = EXIT_DONE;
    for (size_t i = 0; status == EXIT_DONE && i < 2 * count; i++) {
        status = add_entry(out, i / 2, (int)(i % 2), rows);
    }
    return status;
}

int row_sink_open(const options *given, const model_source *model, const row_source *x,
                  row_sink *out) {
    *out = (row_sink){.cols = model->info.outputs,
                      .dtype = given->out_dtype != 0 ? given->out_dtype : model->info.dtype,
                      .layer_dtype = model->info.dtype};
    int status = open_y(given, x, out);
    if (status == EXIT_DONE && given->layers != NULL) {
        status = open_layers(given, model, x->rows, out);
    }
    return status;
}

/** Room for the kept cells of `rows` rows. A piece whose cells are longer holds fewer. */
static uint64_t kept_bytes(const row_sink *sink, uint64_t rows) {
    return rows * sink->kept_count * KEPT_CELL_BYTES;
}

static int make_kept(const row_sink *sink, uint64_t rows, ffwd_kept **out) {
    ffwd_error err = FFWD_ERROR_INIT;
    uint64_t bytes = kept_bytes(sink, rows);
    return bytes == 0 || ffwd_kept_create(bytes, out, &err) == FFWD_OK ? EXIT_DONE
                                                                       : fail_with(ON_INPUT, &err);
}

uint64_t row_sink_row_bytes(const row_sink *sink) {
    uint64_t bytes = sink->cols * ffwd_dtype_size(sink->dtype) + kept_bytes(sink, 1);
    for (size_t i = 0; i < 2 * sink->layer_count; i++) {
        bytes += sink->layers[i].cols * ffwd_dtype_size(sink->layer_dtype);
    }
    return bytes;
}

int row_sink_piece(const row_sink *sink, uint64_t rows, sink_piece *out) {
    *out = (sink_piece){.layers = calloc(2 * sink->layer_count + 1, sizeof *out->layers)};
    if (out->layers == NULL) {
        return fail(EX_OSERR, "out of memory: captures of %zu layers", sink->layer_count);
    }
    int status = row_memory(rows, sink->cols, sink->dtype, &out->y);
    if (status == EXIT_DONE) {
        status = make_kept(sink, rows, &out->kept);
    }
    for (size_t i = 0; status == EXIT_DONE && i < 2 * sink->layer_count; i++) {
        status = row_memory(rows, sink->layers[i].cols, sink->layer_dtype, &out->layers[i]);
    }
    return status;
}

void row_sink_piece_free(const row_sink *sink, sink_piece *piece) {
    for (size_t i = 0; piece->layers != NULL && i < 2 * sink->layer_count; i++) {
        free(piece->layers[i]);
    }
    free(piece->layers);
    free(piece->y);
    ffwd_kept_destroy(piece->kept);
    *piece = (sink_piece){0};
}

ffwd_output row_sink_outputs(row_sink *sink, const sink_piece *piece, uint64_t rows,
                             ffwd_run_options *run) {
    for (size_t i = 0; i < 2 * sink->layer_count; i++) {
        sink->captures[i % 2][i / 2] = (ffwd_output){.data = piece->layers[i],
                                                     .dtype = sink->layer_dtype,
                                                     .rows = rows,
                                                     .cols = sink->layers[i].cols};
    }
    run->sums = sink->captures[SUMS];
    run->outputs = sink->captures[OUTPUTS];
    return (ffwd_output){.data = piece->y, .dtype = sink->dtype, .rows = rows, .cols = sink->cols};
}

ffwd_status row_sink_append(row_sink *sink, const sink_piece *piece, uint64_t rows,
                            ffwd_error *err) {
    ffwd_status status = ffwd_writer_append(sink->writer, rows, piece->y, piece->kept, err);
    for (size_t i = 0; status == FFWD_OK && i < 2 * sink->layer_count; i++) {
        status =
            ffwd_archive_append(sink->archive, sink->layers[i].entry, rows, piece->layers[i], err);
    }
    return status;
}

int row_sink_commit(row_sink *sink) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_status status = FFWD_OK;
    if (sink->archive != NULL) {
        status = ffwd_archive_commit(sink->archive, &err);
    }
    if (status == FFWD_OK && interrupt_signal() != 0) { // zipping takes long
        return interrupt_fail();
    }
    if (status == FFWD_OK) {
        status = ffwd_writer_commit(sink->writer, &err);
    }
    return status == FFWD_OK ? EXIT_DONE : fail_with(ON_WRITE, &err);
}

void row_sink_close(row_sink *sink) {
    unfinished = NULL;
    ffwd_writer_destroy(sink->writer);
    ffwd_archive_destroy(sink->archive);
    free(sink->layers);
    free(sink->kept_names);
    free(sink->captures[SUMS]);
    free(sink->captures[OUTPUTS]);
    *sink = (row_sink){0};
}
