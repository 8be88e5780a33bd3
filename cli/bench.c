// SPDX-License-Identifier: MIT
// ffwd bench: times a model on random rows, on one device or on all.
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "commands.h"
#include "device_view.h"
#include "failure.h"
#include "interrupt.h"
#include "json_file.h"
#include "measure.h"
#include "placement.h"
#include "progress.h"
#include "report.h"
#include "row_memory.h"
#include "row_source.h"
#include "units.h"

#define DEFAULT_MODEL "2-3-2-1"
#define DEFAULT_ROWS  UINT64_C(5000000)

typedef struct bench {
    options given;
    model_source model;
    measurement asked;
    void *x_values, *y_values;
    json_file json;
    trace trace;
    bool rows_cut; /**< fewer than the default */
    result *results;
    size_t result_count;
    skipped skipped;
} bench;

/** Many rows take seconds, so they are made in pieces. */
static int fill_rows(bench *b) {
    row_source random = row_source_random(b->given.rows, b->given.seed, &b->model);
    uint64_t row_bytes = random.cols * ffwd_dtype_size(random.dtype);
    uint64_t piece = row_memory_piece(random.rows, row_bytes, 0);
    int status = EXIT_DONE;
    uint64_t started_ns = trace_start(&b->trace);
    progress_begin("random rows", "rows", random.rows);
    for (uint64_t done = 0, rows; status == EXIT_DONE && done < random.rows; done += rows) {
        rows = random.rows - done < piece ? random.rows - done : piece;
        status = row_source_read(&random, done, rows, (char *)b->x_values + done * row_bytes);
        if (status == EXIT_DONE && interrupt_signal() != 0) {
            status = interrupt_fail();
        }
        progress_update(done + rows);
    }
    progress_end();
    trace_phase(&b->trace, "main", "random rows", started_ns);
    return status;
}

static uint32_t y_dtype_of(const bench *b) {
    return b->given.out_dtype != 0 ? b->given.out_dtype : b->model.info.dtype;
}

/** Rows that nobody named leave most of the memory to others. */
static int choose_rows(bench *b) {
    const ffwd_model_info *info = &b->model.info;
    uint64_t row_bytes = info->inputs * ffwd_dtype_size(info->dtype) +
                         info->outputs * ffwd_dtype_size(y_dtype_of(b));
    if (b->given.rows > row_memory_fit(row_bytes, 1)) {
        return fail(EX_OSERR, "X and Y of %s rows are larger than memory, %s; --rows takes fewer",
                    units_count(b->given.rows).text, units_bytes(row_memory_there_is()).text);
    }
    if (b->given.rows == 0) {
        uint64_t fit = row_memory_fit(row_bytes, 4);
        b->given.rows = fit > DEFAULT_ROWS ? DEFAULT_ROWS : fit > 0 ? fit : 1;
        b->rows_cut = b->given.rows < DEFAULT_ROWS;
    }
    return EXIT_DONE;
}

static int make_rows(bench *b) {
    const ffwd_model_info *info = &b->model.info;
    uint32_t y_dtype = y_dtype_of(b);
    int status = row_memory(b->given.rows, info->inputs, info->dtype, &b->x_values);
    if (status == EXIT_DONE) {
        status = row_memory(b->given.rows, info->outputs, y_dtype, &b->y_values);
    }
    b->asked.x = (ffwd_input){
        .data = b->x_values, .dtype = info->dtype, .rows = b->given.rows, .cols = info->inputs};
    b->asked.y = (ffwd_output){
        .data = b->y_values, .dtype = y_dtype, .rows = b->given.rows, .cols = info->outputs};
    return status == EXIT_DONE ? fill_rows(b) : status;
}

static int open_bench(bench *b) {
    uint64_t started_ns = trace_start(&b->trace);
    int status = model_source_open(&b->given, &b->model);
    trace_phase(&b->trace, "main", "open the model", started_ns);
    if (status == EXIT_DONE) {
        status = choose_rows(b);
    }
    if (status == EXIT_DONE) {
        status = json_file_open(b->given.json, &b->json);
    }
    return status == EXIT_DONE ? make_rows(b) : status;
}

static uint64_t hash_output(const ffwd_output *y) {
    return XXH3_64bits(y->data, y->rows * y->cols * ffwd_dtype_size(y->dtype));
}

/** Whether the report is text, which appears part by part. */
static bool tells_text(const bench *b) {
    return b->given.report == REPORT_TEXT;
}

/** A reader of the report ends the command by leaving. */
static int check_told(void) {
    return check_written(stderr, "standard error");
}

static int tell_model(const bench *b) {
    if (!tells_text(b)) {
        return EXIT_DONE;
    }
    report_text_model(&b->model, b->given.rows, stderr);
    if (b->rows_cut) {
        fprintf(stderr, "rows cut from %s to %s: X and Y take at most a quarter of memory\n",
                units_count(DEFAULT_ROWS).text, units_count(b->given.rows).text);
    }
    return check_told();
}

static int keep_result(bench *b, const result *found) {
    b->results = need_memory(b->results, (b->result_count + 1) * sizeof *b->results);
    b->results[b->result_count++] = *found;
    if (!tells_text(b)) {
        return EXIT_DONE;
    }
    report_text_result(found, stderr);
    return check_told();
}

/** Where all devices are measured, one that fails is no reason to lose the others. */
static int measure_failed(bench *b, const ffwd_engine *engine, const ffwd_error *err) {
    if (!options_all_devices(&b->given) || !skipped_is_reason(err)) {
        return fail_with(ON_DEVICE, err);
    }
    skipped_add(&b->skipped, device_of(engine).id, err->message);
    return EXIT_DONE;
}

/** Takes the engine over, which was placed from then until now. */
static int measure_engine(bench *b, ffwd_engine *engine, uint64_t placed_ns) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device_info device = device_of(engine);
    trace_device(&b->trace, &device);
    trace_phase(&b->trace, "main", "place the model", placed_ns);
    result found = result_begin(engine);
    found.resident = b->given.resident;
    result_note_memory(&found, b->given.memory_bytes, ffwd_engine_memory(engine));
    progress_begin(device_of(engine).id, "pairs", b->given.repeat);
    ffwd_status measured = measure(&b->asked, &found, &err);
    progress_end();
    if (measured == FFWD_OK) {
        uint64_t started_ns = trace_start(&b->trace);
        found.output_hash = hash_output(&b->asked.y);
        trace_phase(&b->trace, "main", "hash", started_ns);
        return keep_result(b, &found);
    }
    int status = measure_failed(b, engine, &err);
    result_end(&found);
    return status;
}

static int bench_one(bench *b) {
    ffwd_engine *engine = NULL;
    uint64_t started_ns = trace_start(&b->trace);
    int status = placement_selected(&b->given, &b->model, b->given.rows, &engine);
    return status == EXIT_DONE ? measure_engine(b, engine, started_ns) : status;
}

static int bench_listed(bench *b, const ffwd_device_info *device) {
    ffwd_engine *engine = NULL;
    uint64_t started_ns = trace_start(&b->trace);
    int status =
        placement_listed(device, &b->given, &b->model, b->given.rows, &b->skipped, &engine);
    return engine != NULL ? measure_engine(b, engine, started_ns) : status;
}

static int bench_all(bench *b, const ffwd_device_list *devices) {
    int status = EXIT_DONE;
    for (size_t i = 0; status == EXIT_DONE && i < ffwd_device_list_count(devices); i++) {
        ffwd_device_info device = device_listed(devices, i);
        status = bench_listed(b, &device);
    }
    if (status == EXIT_DONE && b->result_count == 0) {
        status = fail(EX_UNAVAILABLE, "no device can run this: %s", b->skipped.items[0].reason);
    }
    return status;
}

/** One device is timed before the others are looked for, which may start threads of drivers. */
static int bench_devices(bench *b) {
    ffwd_device_list *devices = NULL;
    bool all = options_all_devices(&b->given);
    int status = all ? EXIT_DONE : bench_one(b);
    if (status == EXIT_DONE) {
        status = device_list_open(&devices);
    }
    if (status == EXIT_DONE && all) {
        status = bench_all(b, devices);
    }
    if (status == EXIT_DONE) {
        skipped_add_refused(&b->skipped, devices);
    }
    ffwd_device_list_destroy(devices);
    return status;
}

static int tell(bench *b) {
    report told = {.schema = "ffwd.bench/1",
                   .model = &b->model,
                   .rows = b->given.rows,
                   .seed = b->given.seed,
                   .results = b->results,
                   .result_count = b->result_count,
                   .skipped = &b->skipped};
    int status = EXIT_DONE;
    if (tells_text(b)) {
        if (b->result_count > 1) {
            report_text_comparison(&told, stderr);
        }
        skipped_print(&b->skipped, stderr);
        status = check_told();
    } else if (b->given.report == REPORT_JSON) {
        status = json_print(report_json(&told), stderr, "standard error");
    }
    if (status == EXIT_DONE && b->given.json != NULL) {
        status = json_file_commit(&b->json, report_json(&told));
    }
    return status;
}

static int compare_hashes(const bench *b) {
    for (size_t i = 1; i < b->result_count; i++) {
        if (b->results[i].output_hash != b->results[0].output_hash) {
            return fail(EXIT_DIFFERENCE, "the outputs of %s and %s differ",
                        device_of(b->results[0].engine).id, device_of(b->results[i].engine).id);
        }
    }
    return EXIT_DONE;
}

static void close_bench(bench *b) {
    for (size_t i = 0; i < b->result_count; i++) {
        result_end(&b->results[i]);
    }
    free(b->results);
    skipped_free(&b->skipped);
    trace_close(&b->trace);
    json_file_close(&b->json);
    model_source_close(&b->model);
    free(b->x_values);
    free(b->y_values);
}

int command_bench(const options *given) {
    bench b = {.given = *given};
    b.given.model = given->model != NULL ? given->model : DEFAULT_MODEL;
    b.asked.repeat = given->repeat;
    b.asked.report_fd = tells_text(&b) ? STDERR_FILENO : -1;
    b.asked.trace = &b.trace;
    int status = trace_open(given->trace, "bench", &b.trace);
    if (status == EXIT_DONE) {
        status = open_bench(&b);
    }
    if (status == EXIT_DONE) {
        status = tell_model(&b);
    }
    if (status == EXIT_DONE) {
        status = bench_devices(&b);
    }
    if (status == EXIT_DONE) {
        status = trace_commit(&b.trace);
    }
    if (status == EXIT_DONE) {
        status = tell(&b);
    }
    if (status == EXIT_DONE) {
        status = compare_hashes(&b);
    }
    close_bench(&b);
    return status;
}
