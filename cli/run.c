// SPDX-License-Identifier: MIT
// ffwd run: scores a file piece by piece, in bounded memory.
#include <stdlib.h>
#include <xxhash.h>

#include "clock.h"
#include "commands.h"
#include "failure.h"
#include "interrupt.h"
#include "json_file.h"
#include "placement.h"
#include "progress.h"
#include "report.h"
#include "row_memory.h"
#include "row_sink.h"
#include "row_source.h"

/** A run from file to file. */
typedef struct scoring {
    const options *given;
    model_source model;
    row_source x;
    row_sink y;
    json_file json;
    void *x_values;      /**< [piece_rows][inputs] */
    uint64_t piece_rows; /**< at least 1 */
    uint64_t rows_done;
    result found;
    XXH3_state_t *hash;
} scoring;

static int check_options(const options *given) {
    if (options_all_devices(given)) {
        return fail(EX_USAGE, "a run takes one device, not all");
    }
    if (options_is_stdout(given->json) &&
        (given->output == NULL || options_is_stdout(given->output))) {
        return fail(EX_USAGE, "--json - takes standard output: name a file for Y with -o");
    }
    return EXIT_DONE;
}

static int open_engine(scoring *s) {
    options given = *s->given;
    ffwd_engine *engine = NULL;
    given.memory_bytes -= given.memory_bytes / 2; // the other half is for the pieces
    int status = placement_selected(&given, &s->model, s->x.rows, &engine);
    if (status == EXIT_DONE) {
        s->found = result_begin(engine);
    }
    return status;
}

/** Cuts X into pieces that keep to the bound on memory, and says where that was impossible. */
static void choose_pieces(scoring *s) {
    uint64_t bound = s->given->memory_bytes, held = ffwd_engine_memory(s->found.engine);
    uint64_t row_bytes = s->x.cols * ffwd_dtype_size(s->x.dtype) + row_sink_row_bytes(&s->y);
    uint64_t left = bound > held ? bound - held : 1;
    s->piece_rows = row_memory_piece(s->x.rows, row_bytes, bound > 0 ? left : 0);
    result_note_memory(&s->found, bound, held + s->piece_rows * row_bytes);
}

static int reserve(scoring *s) {
    int status = row_memory(s->piece_rows, s->x.cols, s->x.dtype, &s->x_values);
    return status == EXIT_DONE ? row_sink_reserve(&s->y, s->piece_rows) : status;
}

/** Files come first: a wrong name costs no device. */
static int open_scoring(scoring *s) {
    int status = model_source_open(s->given, &s->model);
    if (status == EXIT_DONE) {
        status = row_source_open(s->given, &s->model, &s->x);
    }
    if (status == EXIT_DONE) {
        status = row_sink_open(s->given, &s->model, s->x.rows, &s->y);
    }
    if (status == EXIT_DONE) {
        status = json_file_open(s->given->json, &s->json);
    }
    if (status == EXIT_DONE) {
        status = open_engine(s);
    }
    if (status == EXIT_DONE) {
        choose_pieces(s);
        status = reserve(s);
    }
    return status;
}

static int show_progress(void *user, uint64_t rows_done, uint64_t rows) {
    const scoring *s = user;
    (void)rows;
    progress_update(s->rows_done + rows_done);
    return interrupt_signal() != 0;
}

static void add_report(result *found, const ffwd_report *run) {
    found->rows += run->rows;
    found->bytes += run->bytes;
    found->flops += run->flops;
    found->chunks += run->chunks;
    found->chunks_redone += run->chunks_redone;
    found->total_ms.median += (double)run->total_ns * 1e-6;
    found->setup_ms = (double)run->setup_ns * 1e-6;
    found->upload_ms += (double)run->upload_ns * 1e-6;
    found->kernel_ms += (double)run->kernel_ns * 1e-6;
    found->download_ms += (double)run->download_ns * 1e-6;
    for (size_t i = 0; i < ffwd_engine_stage_count(found->engine); i++) {
        ffwd_stage stage = result_stage(found->engine, i);
        found->stage_ms[i] += (double)stage.ns * 1e-6;
        found->stage_launches[i] += stage.launches;
    }
    result_note_fallback(found, run);
}

static int compute_piece(scoring *s, uint64_t rows) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_report run = FFWD_REPORT_INIT;
    ffwd_run_options wanted = FFWD_RUN_OPTIONS_INIT;
    wanted.progress = show_progress;
    wanted.user = s;
    ffwd_input x = {.data = s->x_values, .dtype = s->x.dtype, .rows = rows, .cols = s->x.cols};
    ffwd_output y = row_sink_piece(&s->y, rows, &wanted);
    if (ffwd_engine_run(s->found.engine, &x, &y, &wanted, &run, &err) != FFWD_OK) {
        return fail_with(ON_DEVICE, &err);
    }
    add_report(&s->found, &run);
    XXH3_64bits_update(s->hash, y.data, rows * y.cols * ffwd_dtype_size(y.dtype));
    return EXIT_DONE;
}

static int score_piece(scoring *s, uint64_t rows) {
    uint64_t started_ns = clock_ns();
    int status = row_source_read(&s->x, s->rows_done, rows, s->x_values);
    s->found.read_ms += (double)(clock_ns() - started_ns) * 1e-6;
    if (status == EXIT_DONE) {
        status = compute_piece(s, rows);
    }
    started_ns = clock_ns();
    if (status == EXIT_DONE) {
        status = row_sink_append(&s->y, rows);
    }
    s->found.write_ms += (double)(clock_ns() - started_ns) * 1e-6;
    return status;
}

/** The progress line would disturb rows that go to the same terminal. */
static void begin_progress(const scoring *s) {
    bool to_stdout = s->given->output == NULL || options_is_stdout(s->given->output);
    if (!to_stdout) {
        progress_begin("run", "rows", s->x.rows);
    }
}

static int score(scoring *s) {
    int status = EXIT_DONE;
    begin_progress(s);
    do { // also without rows: an engine still checks what it is asked for
        uint64_t left = s->x.rows - s->rows_done;
        uint64_t rows = left < s->piece_rows ? left : s->piece_rows;
        status = score_piece(s, rows);
        s->rows_done += rows;
        if (status == EXIT_DONE && interrupt_signal() != 0) {
            status = interrupt_fail();
        }
    } while (status == EXIT_DONE && s->rows_done < s->x.rows);
    progress_end();
    return status;
}

static int commit(scoring *s) {
    uint64_t started_ns = clock_ns();
    int status = row_sink_commit(&s->y);
    s->found.write_ms += (double)(clock_ns() - started_ns) * 1e-6;
    double total_ms = s->found.total_ms.median;
    s->found.total_ms = (spread){total_ms, total_ms, total_ms, total_ms};
    s->found.repeats = 1;
    s->found.output_hash = XXH3_64bits_digest(s->hash);
    return status;
}

static int tell(scoring *s) {
    report told = {.schema = "ffwd.run/1",
                   .model = &s->model,
                   .rows = s->x.rows,
                   .seed = s->given->seed,
                   .results = &s->found,
                   .result_count = 1};
    int status = EXIT_DONE;
    if (s->given->report == REPORT_TEXT) {
        report_text_model(&s->model, s->x.rows, stderr);
        report_text_result(&s->found, stderr);
        status = check_written(stderr, "standard error");
    } else if (s->given->report == REPORT_JSON) {
        status = json_print(report_json(&told), stderr, "standard error");
    }
    if (status == EXIT_DONE && s->given->json != NULL) {
        status = json_file_commit(&s->json, report_json(&told));
    }
    return status;
}

static void close_scoring(scoring *s) {
    json_file_close(&s->json);
    row_sink_close(&s->y);
    row_source_close(&s->x);
    result_end(&s->found);
    model_source_close(&s->model);
    free(s->x_values);
    XXH3_freeState(s->hash);
}

int command_run(const options *given) {
    scoring s = {.given = given, .hash = XXH3_createState()};
    int status = s.hash != NULL ? check_options(given) : fail(EX_OSERR, "out of memory");
    if (status == EXIT_DONE) {
        XXH3_64bits_reset(s.hash);
        status = open_scoring(&s);
    }
    if (status == EXIT_DONE) {
        status = score(&s);
    }
    if (status == EXIT_DONE) {
        status = commit(&s);
    }
    if (status == EXIT_DONE) {
        status = tell(&s);
    }
    close_scoring(&s);
    return status;
}
