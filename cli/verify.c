// SPDX-License-Identifier: MIT
// ffwd verify: the same rows on everything there is, compared with the portable reference by bits.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "candidates.h"
#include "commands.h"
#include "device_view.h"
#include "expectation.h"
#include "failure.h"
#include "interrupt.h"
#include "progress.h"
#include "report.h"
#include "row_memory.h"
#include "row_source.h"
#include "table.h"
#include "units.h"

typedef struct verification {
    const options *given;
    model_source model;
    row_source x;
    expectation y;
    candidates all;
    ffwd_engine *reference;
    XXH128_hash_t *expected_hashes;     /**< [piece_count]: of the reference's Y */
    void *x_values, *expected, *actual; /**< [piece_rows][...] */
    uint64_t piece_rows, piece_count;   /**< rows of all pieces but the last */
    uint64_t piece_held;                /**< whose rows are in x_values */
    uint64_t piece_bytes, engine_bytes; /**< memory of rows; the most of a candidate's engine */
    uint64_t work_done;                 /**< rows, once for each candidate */
} verification;

static int reserve(verification *v) {
    const ffwd_model_info *info = &v->model.info;
    uint64_t row_bytes = (info->inputs + 2 * info->outputs) * ffwd_dtype_size(info->dtype) +
                         expectation_row_bytes(&v->y);
    uint64_t bound = v->given->memory_bytes;
    v->piece_rows = row_memory_piece(v->x.rows, row_bytes, bound - bound / 2);
    v->piece_bytes = v->piece_rows * row_bytes;
    v->piece_count = (v->x.rows - 1) / v->piece_rows + 1;
    v->piece_held = UINT64_MAX;
    v->expected_hashes = need_memory(NULL, v->piece_count * sizeof *v->expected_hashes);
    int status = row_memory(v->piece_rows, info->inputs, info->dtype, &v->x_values);
    if (status == EXIT_DONE) {
        status = row_memory(v->piece_rows, info->outputs, info->dtype, &v->expected);
    }
    if (status == EXIT_DONE) {
        status = expectation_reserve(&v->y, v->piece_rows);
    }
    return status == EXIT_DONE ? row_memory(v->piece_rows, info->outputs, info->dtype, &v->actual)
                               : status;
}

static int check_options(const options *given) {
    if (given->allowed.kind != TOLERANCE_BITS && given->expect == NULL) {
        return fail(EX_USAGE, "--tol is about outputs that --expect names");
    }
    return EXIT_DONE;
}

static int open_verification(verification *v) {
    int status = check_options(v->given);
    if (status == EXIT_DONE) {
        status = model_source_open(v->given, &v->model);
    }
    if (status == EXIT_DONE) {
        status = row_source_open(v->given, &v->model, &v->x);
    }
    if (status == EXIT_DONE) {
        status = row_source_count(&v->x);
    }
    if (status == EXIT_DONE && v->x.rows == 0) {
        status = fail(EX_DATAERR, "%s: no rows to compare", v->x.name);
    }
    if (status == EXIT_DONE) {
        status = expectation_open(v->given, &v->model, &v->x, &v->y);
    }
    if (status == EXIT_DONE) {
        status = candidates_open(v->given, &v->model, v->x.rows, &v->all);
    }
    if (status == EXIT_DONE) {
        status = candidates_reference(&v->all, &v->reference);
    }
    return status == EXIT_DONE ? reserve(v) : status;
}

static uint64_t rows_of(const verification *v, uint64_t piece) {
    uint64_t left = v->x.rows - piece * v->piece_rows;
    return left < v->piece_rows ? left : v->piece_rows;
}

static uint64_t y_bytes(const verification *v, uint64_t piece) {
    return rows_of(v, piece) * v->model.info.outputs * ffwd_dtype_size(v->model.info.dtype);
}

/** Puts the rows of a piece into x_values, unless they are there. */
static int hold_piece(verification *v, uint64_t piece) {
    if (interrupt_signal() != 0) {
        return interrupt_fail();
    }
    if (piece == v->piece_held) {
        return EXIT_DONE;
    }
    v->piece_held = piece;
    return row_source_read(&v->x, piece * v->piece_rows, rows_of(v, piece), v->x_values);
}

static int show_progress(void *user, uint64_t rows_done, uint64_t rows) {
    const verification *v = user;
    (void)rows;
    progress_update(v->work_done + rows_done);
    return interrupt_signal() != 0;
}

/** Runs the piece that is held. */
static ffwd_status run_piece(verification *v, ffwd_engine *engine, void *values, ffwd_error *err) {
    const ffwd_model_info *info = &v->model.info;
    uint64_t rows = rows_of(v, v->piece_held);
    ffwd_input x = {.data = v->x_values, .dtype = info->dtype, .rows = rows, .cols = info->inputs};
    ffwd_output y = {.data = values, .dtype = info->dtype, .rows = rows, .cols = info->outputs};
    ffwd_run_options wanted = FFWD_RUN_OPTIONS_INIT;
    wanted.progress = show_progress;
    wanted.user = v;
    memset(values, ROW_NOT_WRITTEN, y_bytes(v, v->piece_held));
    return ffwd_engine_run(engine, &x, &y, &wanted, NULL, err);
}

/** A value as its bits and in decimal digits that read back exactly. */
static label describe_value(const void *values, uint64_t index, uint32_t dtype) {
    label out;
    if (dtype == FFWD_F32) {
        uint32_t bits;
        float value;
        memcpy(&bits, (const char *)values + index * sizeof bits, sizeof bits);
        memcpy(&value, &bits, sizeof value);
        (void)snprintf(out.text, sizeof out.text, "0x%08" PRIx32 " (%.9g)", bits, (double)value);
    } else {
        uint64_t bits;
        double value;
        memcpy(&bits, (const char *)values + index * sizeof bits, sizeof bits);
        memcpy(&value, &bits, sizeof value);
        (void)snprintf(out.text, sizeof out.text, "0x%016" PRIx64 " (%.17g)", bits, value);
    }
    return out;
}

static int run_reference(verification *v) {
    ffwd_error err = FFWD_ERROR_INIT;
    return run_piece(v, v->reference, v->expected, &err) == FFWD_OK ? EXIT_DONE
                                                                    : fail_with(ON_DEVICE, &err);
}

/** The first of `count` values of Y that differs from `expected`; `count` where none does. */
static uint64_t find_difference(const verification *v, uint64_t count) {
    size_t size = ffwd_dtype_size(v->model.info.dtype);
    const char *actual = v->actual, *expected = v->expected;
    uint64_t index = 0;
    while (index < count && memcmp(actual + index * size, expected + index * size, size) == 0) {
        index++;
    }
    return index;
}

/** Where the first difference lies. `expected` holds the reference's values as they are now: where
 *  X has changed, or the machine has erred, not those that were hashed. */
static void tell_difference(const verification *v, candidate *item) {
    uint64_t cols = v->model.info.outputs, count = rows_of(v, v->piece_held) * cols;
    uint64_t index = find_difference(v, count);
    if (index == count) {
        (void)snprintf(
            item->verdict, sizeof item->verdict,
            "DIFFERS, but not when computed again: X or the reference has changed meanwhile");
        return;
    }
    (void)snprintf(item->verdict, sizeof item->verdict,
                   "DIFFERS: Y[%" PRIu64 "][%" PRIu64 "] is %s, not %s",
                   v->piece_held * v->piece_rows + index / cols, index % cols,
                   describe_value(v->actual, index, v->model.info.dtype).text,
                   describe_value(v->expected, index, v->model.info.dtype).text);
}

static int compare_piece(verification *v, candidate *item) {
    XXH128_hash_t found = XXH3_128bits(v->actual, y_bytes(v, v->piece_held));
    if (XXH128_isEqual(found, v->expected_hashes[v->piece_held])) {
        return EXIT_DONE;
    }
    item->status = EXIT_DIFFERENCE;
    int status = run_reference(v);
    if (status == EXIT_DONE) {
        tell_difference(v, item);
    }
    return status;
}

static int check_piece(verification *v, ffwd_engine *engine, candidate *item) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_status status = run_piece(v, engine, v->actual, &err);
    if (status == FFWD_OK) {
        return compare_piece(v, item);
    }
    if (status == FFWD_ECANCELLED) {
        return fail_with(ON_DEVICE, &err);
    }
    item->status = failure_status(ON_DEVICE, &err);
    (void)snprintf(item->verdict, sizeof item->verdict, "FAILED: %.300s", err.message);
    return EXIT_DONE;
}

/** Keeps the most memory that an engine has taken; NULL takes none. */
static void note_memory(verification *v, const ffwd_engine *engine) {
    uint64_t bytes = engine != NULL ? ffwd_engine_memory(engine) : 0;
    v->engine_bytes = bytes > v->engine_bytes ? bytes : v->engine_bytes;
}

/** All rows, up to the first that are wrong. */
static int check_candidate(verification *v, candidate *item) {
    ffwd_engine *engine = NULL;
    int status = candidates_engine(&v->all, item, &engine);
    note_memory(v, engine);
    for (uint64_t i = 0; status == EXIT_DONE && engine != NULL && i < v->piece_count; i++) {
        status = hold_piece(v, i);
        if (status == EXIT_DONE && item->status == EXIT_DONE) {
            status = check_piece(v, engine, item);
        }
        v->work_done += rows_of(v, i);
    }
    ffwd_engine_destroy(engine);
    return status;
}

/** The hashes of its pieces stand for the reference, so that it computes once. What is expected is
 *  compared with it alone: whatever equals it by bits differs from that as it does. */
static int hash_reference(verification *v) {
    int status = EXIT_DONE;
    for (uint64_t i = 0; status == EXIT_DONE && i < v->piece_count; i++) {
        status = hold_piece(v, i);
        if (status == EXIT_DONE) {
            status = run_reference(v);
        }
        if (status == EXIT_DONE) {
            v->expected_hashes[i] = XXH3_128bits(v->expected, y_bytes(v, i));
            status = expectation_compare(&v->y, i * v->piece_rows, rows_of(v, i), v->expected);
        }
        v->work_done += rows_of(v, i);
    }
    return status;
}

static int check_all(verification *v) {
    progress_begin("verify", "rows", v->x.rows * (v->all.count + 1));
    int status = hash_reference(v);
    for (size_t i = 0; status == EXIT_DONE && i < v->all.count; i++) {
        status = check_candidate(v, &v->all.items[i]);
    }
    progress_end();
    return status;
}

static void add_row(table *grid, const candidate *item, const char *verdict) {
    ffwd_device_info device = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(item->device, &device);
    table_cell(grid, "%s", device.id);
    table_cell(grid, "%.32s", text_or_dash(device.name));
    table_cell(grid, "%s", text_or_dash(device.isa));
    table_cell(grid, "%" PRIu32, device.threads);
    table_cell(grid, "%s", ffwd_strategy_name(item->strategy));
    table_cell(grid, "%s", verdict);
}

static void print_table(const verification *v) {
    static const char *const head[] = {"device", "name", "isa", "threads", "strategy", "output"};
    table grid;
    report_text_model(&v->model, v->x.rows, stdout);
    putchar('\n');
    table_begin(&grid, "<<<><<");
    table_row(&grid, head);
    add_row(&grid, &v->all.reference, "reference");
    for (size_t i = 0; i < v->all.count; i++) {
        const candidate *item = &v->all.items[i];
        if (!item->skipped) {
            add_row(&grid, item, item->status == EXIT_DONE ? "equal" : item->verdict);
        }
    }
    table_print(&grid, stdout);
    expectation_print(&v->y, stdout);
    report_text_memory("\nmemory ", v->given->memory_bytes,
                       v->piece_bytes + ffwd_engine_memory(v->reference) + v->engine_bytes, stdout);
    skipped_print(&v->all.skipped, stdout);
}

/** A difference weighs more than a device that failed, and one between devices more than one from
 *  what is expected. */
static int conclude(const verification *v) {
    size_t compared = 0, wrong = 0;
    int status = EXIT_DONE;
    for (size_t i = 0; i < v->all.count; i++) {
        const candidate *item = &v->all.items[i];
        compared += !item->skipped;
        wrong += item->status != EXIT_DONE;
        status = item->status == EXIT_DIFFERENCE || status == EXIT_DONE ? item->status : status;
    }
    if (compared == 0) {
        return fail(EX_UNAVAILABLE, "nothing to compare with the reference: %s",
                    v->all.skipped.count > 0 ? v->all.skipped.items[0].reason : "no device");
    }
    if (wrong > 0) {
        return fail(status, "%zu of %zu do not agree with the reference", wrong, compared);
    }
    return expectation_conclude(&v->y);
}

int command_verify(const options *given) {
    verification v = {.given = given};
    int status = open_verification(&v);
    if (status == EXIT_DONE) {
        status = check_all(&v);
    }
    if (status == EXIT_DONE) {
        print_table(&v);
        status = conclude(&v);
    }
    ffwd_engine_destroy(v.reference);
    candidates_close(&v.all);
    expectation_close(&v.y);
    row_source_close(&v.x);
    model_source_close(&v.model);
    free(v.expected_hashes);
    free(v.x_values);
    free(v.expected);
    free(v.actual);
    return status;
}
