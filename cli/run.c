// SPDX-License-Identifier: MIT
// ffwd run: scores a file piece by piece, in bounded memory, reading and writing beside the
// computing.
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "clock.h"
#include "commands.h"
#include "device_view.h"
#include "failure.h"
#include "interrupt.h"
#include "json_file.h"
#include "pipeline.h"
#include "placement.h"
#include "progress.h"
#include "report.h"
#include "resident.h"
#include "row_memory.h"
#include "row_sink.h"
#include "row_source.h"
#include "trace.h"

/** A piece of eight chunks of the usual 8 MiB: an eighth of the transfers is not hidden. */
#define UNBOUND_PIECE_BYTES (UINT64_C(64) << 20)

/** Room for one piece on its way. */
typedef struct piece {
    uint64_t rows; /**< that it holds */
    void *x;       /**< [rows][inputs] */
    sink_piece y;
} piece;

/** A run from file to file. */
typedef struct scoring {
    const options *given;
    model_source model;
    row_source x;
    row_sink y;
    json_file json;
    trace trace;
    piece pieces[PIPELINE_SLOTS];
    uint64_t piece_rows; /**< that a piece has room for, at least 1 */
    pipeline line;
    uint64_t started_ns; /**< of reading, computing and writing */
    uint64_t rows_done;  /**< computed */
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
    uint64_t before = resident_now(), started_ns = trace_start(&s->trace);
    uint64_t expected = s->x.rows != ROWS_UNKNOWN ? s->x.rows : 0;
    int status = placement_selected(&given, &s->model, expected, &engine);
    uint64_t after = resident_now();
    if (status == EXIT_DONE) {
        ffwd_device_info device = device_of(engine);
        trace_device(&s->trace, &device);
        trace_phase(&s->trace, "main", "place the model", started_ns);
        s->found = result_begin(engine);
        s->found.resident_device_bytes = after > before ? after - before : 0;
    }
    return status;
}

/** Rows of a piece. Chunks on a device with memory of its own hide each other's transfers, but only
 *  within a piece, which therefore has whole chunks, and several where memory is not bounded. */
static uint64_t rows_of_piece(const scoring *s, uint64_t row_bytes, uint64_t bound) {
    uint64_t rows = row_memory_piece(s->x.rows, row_bytes, bound);
    uint64_t chunk_rows = ffwd_engine_chunk_rows(s->found.engine);
    if (device_of(s->found.engine).shares_memory) {
        return rows;
    }
    if (bound == 0) {
        uint64_t most = UNBOUND_PIECE_BYTES / row_bytes;
        rows = most > rows ? most : rows;
        rows = rows < s->x.rows ? rows : s->x.rows;
    }
    return rows > chunk_rows && rows < s->x.rows ? rows - rows % chunk_rows : rows;
}

/** Cuts X into pieces that keep to the bound on memory, and says where that was impossible. */
static void choose_pieces(scoring *s) {
    uint64_t bound = s->given->memory_bytes, held = ffwd_engine_memory(s->found.engine);
    uint64_t row_bytes = s->x.cols * ffwd_dtype_size(s->x.dtype) + row_sink_row_bytes(&s->y);
    uint64_t left = bound > held ? bound - held : 1;
    s->piece_rows = rows_of_piece(s, row_bytes, bound > 0 ? left / PIPELINE_SLOTS + 1 : 0);
    uint64_t pieces = s->x.rows > 0 ? (s->x.rows - 1) / s->piece_rows + 1 : 1;
    s->line.slots = pieces < PIPELINE_SLOTS ? (size_t)pieces : PIPELINE_SLOTS;
    s->found.pieces_bytes = s->line.slots * s->piece_rows * row_bytes;
    result_note_memory(&s->found, bound, held + s->found.pieces_bytes);
}

static int reserve(scoring *s) {
    int status = EXIT_DONE;
    for (size_t i = 0; i < s->line.slots && status == EXIT_DONE; i++) {
        status = row_memory(s->piece_rows, s->x.cols, s->x.dtype, &s->pieces[i].x);
        if (status == EXIT_DONE) {
            status = row_sink_piece(&s->y, s->piece_rows, &s->pieces[i].y);
        }
    }
    return status;
}

/** Files come first: a wrong name costs no device. */
static int open_scoring(scoring *s) {
    uint64_t started_ns = trace_start(&s->trace);
    int status = model_source_open(s->given, &s->model);
    if (status == EXIT_DONE) {
        status = row_source_open(s->given, &s->model, &s->x);
    }
    if (status == EXIT_DONE) {
        status = row_sink_open(s->given, &s->model, &s->x, &s->y);
    }
    if (status == EXIT_DONE) {
        status = json_file_open(s->given->json, &s->json);
    }
    trace_phase(&s->trace, "main", "open files", started_ns);
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
    scoring *s = user;
    (void)rows;
    progress_update(s->rows_done + rows_done);
    return pipeline_ends(&s->line);
}

/** The engine counts the rows of its piece. */
static void show_span(void *user, const ffwd_span *span) {
    scoring *s = user;
    trace_span(&s->trace, span, s->rows_done);
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
    found->hidden_ms += (double)run->hidden_ns * 1e-6;
    for (size_t i = 0; i < ffwd_engine_stage_count(found->engine); i++) {
        ffwd_stage stage = result_stage(found->engine, i);
        found->stage_ms[i] += (double)stage.ns * 1e-6;
        found->stage_launches[i] += stage.launches;
    }
    result_note_fallback(found, run);
}

static double ms_since(uint64_t started_ns) {
    return (double)(clock_ns() - started_ns) * 1e-6;
}

/** Where the file ends behind a piece, or before it: the first one exists also without rows. */
static void note_end(scoring *s, uint64_t number, uint64_t rows) {
    if (rows == 0 && number > 0) {
        pipeline_end(&s->line, number);
    } else if (row_source_ended(&s->x)) {
        pipeline_end(&s->line, number + 1);
    }
}

static bool read_piece(void *user, uint64_t number, size_t slot, problem *why) {
    scoring *s = user;
    piece *filled = &s->pieces[slot];
    uint64_t started_ns = clock_ns();
    why->about = ON_INPUT;
    ffwd_status status =
        row_source_next(&s->x, s->piece_rows, filled->x, filled->y.kept, &filled->rows, &why->err);
    s->found.read_ms += ms_since(started_ns);
    trace_rows(&s->trace, "read", "read", started_ns, number * s->piece_rows, filled->rows);
    if (status == FFWD_OK) {
        note_end(s, number, filled->rows);
    }
    return status == FFWD_OK;
}

/** Also without rows: an engine still checks what it is asked for. */
static bool compute_piece(void *user, uint64_t number, size_t slot, problem *why) {
    scoring *s = user;
    uint64_t rows = s->pieces[slot].rows;
    (void)number;
    ffwd_report run = FFWD_REPORT_INIT;
    ffwd_run_options wanted = FFWD_RUN_OPTIONS_INIT;
    wanted.progress = show_progress;
    wanted.trace = trace_wanted(&s->trace) ? show_span : NULL;
    wanted.user = s;
    ffwd_input x = {
        .data = s->pieces[slot].x, .dtype = s->x.dtype, .rows = rows, .cols = s->x.cols};
    ffwd_output y = row_sink_outputs(&s->y, &s->pieces[slot].y, rows, &wanted);
    why->about = ON_DEVICE;
    if (ffwd_engine_run(s->found.engine, &x, &y, &wanted, &run, &why->err) != FFWD_OK) {
        return false;
    }
    add_report(&s->found, &run);
    s->rows_done += rows;
    return true;
}

static bool write_piece(void *user, uint64_t number, size_t slot, problem *why) {
    scoring *s = user;
    const sink_piece *y = &s->pieces[slot].y;
    uint64_t rows = s->pieces[slot].rows;
    uint64_t hashed_ns = trace_start(&s->trace);
    XXH3_64bits_update(s->hash, y->y, rows * s->y.cols * ffwd_dtype_size(s->y.dtype));
    trace_rows(&s->trace, "write", "hash", hashed_ns, number * s->piece_rows, rows);
    uint64_t started_ns = clock_ns();
    why->about = ON_WRITE;
    ffwd_status status = row_sink_append(&s->y, y, rows, &why->err);
    s->found.write_ms += ms_since(started_ns);
    trace_rows(&s->trace, "write", "write", started_ns, number * s->piece_rows, rows);
    return status == FFWD_OK;
}

/** The progress line would disturb rows that go to the same terminal. */
static void begin_progress(const scoring *s) {
    bool to_stdout = s->given->output == NULL || options_is_stdout(s->given->output);
    if (!to_stdout) {
        progress_begin("run", "rows", s->x.rows != ROWS_UNKNOWN ? s->x.rows : 0);
    }
}

static int score(scoring *s) {
    station_work *const work[STATIONS] = {read_piece, compute_piece, write_piece};
    memcpy(s->line.work, work, sizeof work);
    s->line.user = s;
    s->started_ns = clock_ns();
    begin_progress(s);
    s->x.line = &s->line;
    bool done = pipeline_run(&s->line);
    s->x.line = NULL;
    progress_end();
    if (!done) {
        return fail_with(s->line.why.about, &s->line.why.err);
    }
    return interrupt_signal() != 0 ? interrupt_fail() : EXIT_DONE;
}

static int commit(scoring *s) {
    uint64_t started_ns = clock_ns();
    int status = row_sink_commit(&s->y);
    s->found.write_ms += ms_since(started_ns);
    trace_phase(&s->trace, "main", "finish files", started_ns);
    s->found.files_ms = ms_since(s->started_ns);
    s->found.resident_peak_bytes = resident_peak();
    double total_ms = s->found.total_ms.median;
    s->found.total_ms = (spread){total_ms, total_ms, total_ms, total_ms};
    s->found.repeats = 1;
    s->found.output_hash = XXH3_64bits_digest(s->hash);
    return status;
}

static int tell(scoring *s) {
    report told = {.schema = "ffwd.run/1",
                   .model = &s->model,
                   .rows = s->rows_done,
                   .seed = s->given->seed,
                   .results = &s->found,
                   .result_count = 1};
    int status = EXIT_DONE;
    if (s->given->report == REPORT_TEXT) {
        report_text_model(&s->model, s->rows_done, stderr);
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

/** X first: it may be filling a piece. */
static void close_scoring(scoring *s) {
    row_source_close(&s->x);
    trace_close(&s->trace);
    json_file_close(&s->json);
    for (size_t i = 0; i < PIPELINE_SLOTS; i++) {
        free(s->pieces[i].x);
        row_sink_piece_free(&s->y, &s->pieces[i].y);
    }
    row_sink_close(&s->y);
    result_end(&s->found);
    model_source_close(&s->model);
    XXH3_freeState(s->hash);
}

int command_run(const options *given) {
    scoring s = {.given = given, .hash = XXH3_createState()};
    int status = s.hash != NULL ? check_options(given) : fail(EX_OSERR, "out of memory");
    if (status == EXIT_DONE) {
        XXH3_64bits_reset(s.hash);
        status = trace_open(given->trace, "run", &s.trace);
    }
    if (status == EXIT_DONE) {
        status = open_scoring(&s);
    }
    if (status == EXIT_DONE) {
        status = score(&s);
    }
    if (status == EXIT_DONE) {
        status = commit(&s);
    }
    if (status == EXIT_DONE) {
        status = trace_commit(&s.trace);
    }
    if (status == EXIT_DONE) {
        status = tell(&s);
    }
    close_scoring(&s);
    return status;
}
