// SPDX-License-Identifier: MIT
// The life of a run: rows checked, cut into chunks, each on the first device that completes it.
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "base/structs.h"
#include "engine/engine.h"

/** One run under way. */
typedef struct run {
    ffwd_tracer tracer; /**< of its chunks, where spans are wanted */
    ffwd_engine *engine;
    const ffwd_run_options *options;
    const ffwd_allocator *callers; /**< what the caller's thread allocates from */
    ffwd_fpenv env;                /**< what it computes in, while a device is at work */
    const char *device;            /**< the id of that one, where spans are wanted */
    ffwd_rows x, y;
    ffwd_rows *sums, *outputs;             /**< [operation count] captures of all rows, or NULL */
    ffwd_rows *chunk_sums, *chunk_outputs; /**< the same of the current chunk */
    ffwd_timing timing;
    uint64_t rows_done;
    uint32_t chunks, chunks_redone;
    uint64_t chunks_halved;
    size_t first_placement; /**< devices before it have failed in this run */
} run;

static ffwd_status check_y_dtype(const ffwd_model *model, const ffwd_rows *y, ffwd_error *err) {
    if (y->dtype == FFWD_U8 && !ffwd_model_ends_in_step(model)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "u8 outputs need a step as the last activation");
    }
    return FFWD_OK;
}

ffwd_status ffwd_check_rows(const ffwd_model *model, const ffwd_input *x, const ffwd_output *y,
                            ffwd_rows *x_rows, ffwd_rows *y_rows, ffwd_error *err) {
    ffwd_status status = ffwd_rows_of_input(x, x_rows, err);
    if (status != FFWD_OK) {
        return ffwd_fail_prefix(err, status, "X");
    }
    status = ffwd_rows_of_output(y, y_rows, err);
    if (status != FFWD_OK) {
        return ffwd_fail_prefix(err, status, "Y");
    }
    if (x->cols != model->inputs) {
        return ffwd_fail(err, FFWD_EARGUMENT, "X is [%llu][%llu], but the model takes %llu inputs",
                         (unsigned long long)x->rows, (unsigned long long)x->cols,
                         (unsigned long long)model->inputs);
    }
    if (y->cols != model->outputs || y->rows != x->rows) {
        return ffwd_fail(err, FFWD_EARGUMENT, "Y is [%llu][%llu], but the outputs are [%llu][%llu]",
                         (unsigned long long)y->rows, (unsigned long long)y->cols,
                         (unsigned long long)x->rows, (unsigned long long)model->outputs);
    }
    return check_y_dtype(model, y_rows, err);
}

static ffwd_status check_capture(const ffwd_model *model, size_t layer, const char *what,
                                 const ffwd_output *given, uint64_t rows, ffwd_rows *view,
                                 ffwd_error *err) {
    if (given->data == NULL) {
        *view = (ffwd_rows){0};
        return FFWD_OK;
    }
    const uint64_t neurons = model->operations[layer].neurons;
    if (given->rows != rows || given->cols != neurons || given->dtype != model->dtype) {
        return ffwd_fail(err, FFWD_EARGUMENT,
                         "%s of layer %zu are %s [%llu][%llu], but the capture is %s [%llu][%llu]",
                         what, layer + 1, ffwd_dtype_name(model->dtype), (unsigned long long)rows,
                         (unsigned long long)neurons, ffwd_dtype_name(given->dtype),
                         (unsigned long long)given->rows, (unsigned long long)given->cols);
    }
    ffwd_status status = ffwd_rows_of_output(given, view, err);
    if (status != FFWD_OK) {
        char prefix[48];
        (void)snprintf(prefix, sizeof prefix, "%s of layer %zu", what, layer + 1);
        return ffwd_fail_prefix(err, status, prefix);
    }
    return FFWD_OK;
}

/** Views of the captures of one kind, with room for those of a chunk behind them. */
static ffwd_status open_captures(const run *r, const char *what, const ffwd_output *given,
                                 ffwd_rows **all, ffwd_rows **chunk, ffwd_error *err) {
    const ffwd_model *model = r->engine->model;
    const size_t layers = model->operation_count;
    if (given == NULL || layers == 0) {
        return FFWD_OK;
    }
    *all = ffwd_alloc_zero(2 * layers * sizeof(ffwd_rows));
    if (*all == NULL) {
        return ffwd_fail_memory(err, 2 * layers * sizeof(ffwd_rows), "captures");
    }
    *chunk = *all + layers;
    for (size_t i = 0; i < layers; i++) {
        ffwd_status status = check_capture(model, i, what, &given[i], r->x.rows, &(*all)[i], err);
        if (status != FFWD_OK) {
            return status;
        }
    }
    return FFWD_OK;
}

static void slice_captures(const run *r, const ffwd_rows *all, ffwd_rows *chunk, uint64_t first,
                           uint64_t rows) {
    for (size_t i = 0; all != NULL && i < r->engine->model->operation_count; i++) {
        chunk[i] = ffwd_rows_slice(&all[i], first, rows);
    }
}

/** Hands a span out; the callback is the caller's own code, as progress is. */
static void show(const run *r, const ffwd_span *span) {
    const ffwd_allocator *own = ffwd_memory_current();
    ffwd_memory_leave(r->callers);
    r->options->trace(r->options->user, span);
    ffwd_memory_leave(own);
}

/** The same on the way through a device, of whose floating-point environment the caller must not
 *  know. */
static void take_span(ffwd_tracer *tracer, const ffwd_span *span) {
    run *r = (run *)tracer;
    ffwd_span named = *span;
    named.device = r->device;
    ffwd_fpenv_leave(&r->env);
    show(r, &named);
    ffwd_fpenv_enter(&r->env);
}

static void show_run(const run *r, uint64_t start) {
    const ffwd_span span = {.struct_size = sizeof span,
                            .kind = FFWD_SPAN_RUN,
                            .device = "",
                            .lane = "runs",
                            .name = ffwd_span_name(FFWD_SPAN_RUN),
                            .start_ns = start,
                            .end_ns = ffwd_now_ns(),
                            .rows = r->x.rows,
                            .bytes = ffwd_rows_bytes(&r->x) + ffwd_rows_bytes(&r->y)};
    show(r, &span);
}

/** A chunk's time on a device, done or to be done again. */
static void trace_chunk(const ffwd_chunk *chunk, uint64_t start, ffwd_status status) {
    const ffwd_span span = {.kind = FFWD_SPAN_CHUNK,
                            .lane = "chunks",
                            .name = status == FFWD_OK ? "chunk" : "failed chunk",
                            .start_ns = start,
                            .end_ns = ffwd_now_ns(),
                            .bytes = ffwd_rows_bytes(&chunk->x) + ffwd_rows_bytes(&chunk->y)};
    ffwd_chunk_trace(chunk, span);
}

static ffwd_status run_traced(run *r, ffwd_placement *placement, ffwd_chunk *chunk,
                              ffwd_error *err) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(placement->device, &info);
    r->device = info.id;
    chunk->tracer = &r->tracer;
    const uint64_t start = ffwd_now_ns();
    const ffwd_status status = placement->device->ops->run_chunk(placement, chunk, &r->timing, err);
    trace_chunk(chunk, start, status);
    return status;
}

static ffwd_status run_on(run *r, ffwd_placement *placement, uint64_t first, uint64_t rows,
                          ffwd_error *err) {
    slice_captures(r, r->sums, r->chunk_sums, first, rows);
    slice_captures(r, r->outputs, r->chunk_outputs, first, rows);
    ffwd_chunk chunk = {.first_row = first,
                        .x = ffwd_rows_slice(&r->x, first, rows),
                        .y = ffwd_rows_slice(&r->y, first, rows),
                        .sums = r->chunk_sums,
                        .outputs = r->chunk_outputs};
    ffwd_fpenv_enter(&r->env);
    const ffwd_status status =
        r->options->trace != NULL
            ? run_traced(r, placement, &chunk, err)
            : placement->device->ops->run_chunk(placement, &chunk, &r->timing, err);
    ffwd_fpenv_leave(&r->env);
    return status;
}

/** Says what happened on the device that is given up, behind what was said of others before it;
 * what was said of smaller chunks is no matter then. */
static void remember_fallback(run *r, const ffwd_error *reason) {
    ffwd_engine *engine = r->engine;
    const size_t failed = r->first_placement;
    const size_t used = failed > 0 ? strlen(engine->fallback) : 0;
    ffwd_device_info from = FFWD_DEVICE_INFO_INIT, to = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(engine->placements[failed]->device, &from);
    ffwd_device_describe(engine->placements[failed + 1]->device, &to);
    (void)snprintf(engine->fallback + used, sizeof engine->fallback - used,
                   "%s%s failed (%.400s); %s took over", used > 0 ? "; " : "", from.id,
                   reason->message, to.id);
}

/** Says that a device takes smaller chunks; the first reason of a run is kept. */
static void remember_halving(run *r, const ffwd_placement *placement, uint64_t rows,
                             const ffwd_error *reason) {
    r->chunks_halved++;
    if (r->engine->fallback[0] != '\0') {
        return;
    }
    ffwd_device_info device = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(placement->device, &device);
    (void)snprintf(r->engine->fallback, sizeof r->engine->fallback,
                   "%s ran out of memory with %llu rows a chunk (%s)", device.id,
                   (unsigned long long)rows, reason->message);
}

/** Rows on one device, in chunks that may become smaller on the way. */
static ffwd_status run_rows(run *r, ffwd_placement *placement, uint64_t first, uint64_t rows,
                            ffwd_error *reason) {
    for (uint64_t done = 0; done < rows;) {
        const uint64_t chunk_rows = placement->chunk_rows;
        const uint64_t count = ffwd_min(rows - done, chunk_rows);
        const ffwd_status status = run_on(r, placement, first + done, count, reason);
        if (status == FFWD_OK) {
            done += count;
        } else if (status == FFWD_ENOMEM && placement->chunk_rows < chunk_rows) {
            remember_halving(r, placement, chunk_rows, reason);
        } else {
            return status;
        }
    }
    return FFWD_OK;
}

/** Rows are idempotent: what a device left half done, the next one does again. */
static ffwd_status run_part(run *r, uint64_t first, uint64_t rows, ffwd_error *err) {
    ffwd_engine *engine = r->engine;
    ffwd_error reason; /* not cleared: that takes longer than a small network's row */
    for (;;) {
        ffwd_placement *placement = engine->placements[r->first_placement];
        const ffwd_status status = run_rows(r, placement, first, rows, &reason);
        if (status == FFWD_OK) {
            r->chunks_redone += r->first_placement > 0;
            return FFWD_OK;
        }
        if (status == FFWD_ESTATE || engine->no_fallback ||
            r->first_placement + 1 == engine->placement_count) {
            return ffwd_fail_with(err, status, &reason);
        }
        remember_fallback(r, &reason);
        r->first_placement++;
    }
}

/** The callback is the caller's own code: what it makes does not come from the engine's memory. */
static bool wants_to_stop(const run *r) {
    const ffwd_allocator *own = ffwd_memory_current();
    ffwd_memory_leave(r->callers);
    const bool stop = r->options->progress(r->options->user, r->rows_done, r->x.rows) != 0;
    ffwd_memory_leave(own);
    return stop;
}

static ffwd_status report_progress(const run *r, ffwd_error *err) {
    if (r->options->progress != NULL && wants_to_stop(r)) {
        return ffwd_fail(err, FFWD_ECANCELLED, "cancelled after %llu of %llu rows",
                         (unsigned long long)r->rows_done, (unsigned long long)r->x.rows);
    }
    return FFWD_OK;
}

static ffwd_status run_chunks(run *r, ffwd_error *err) {
    const uint64_t rows = r->x.rows;
    ffwd_status status = FFWD_OK;
    while (r->rows_done < rows && status == FFWD_OK) {
        const uint64_t count = ffwd_min(r->engine->placements[0]->chunk_rows, rows - r->rows_done);
        status = run_part(r, r->rows_done, count, err);
        if (status == FFWD_OK) {
            r->rows_done += count;
            r->chunks++;
            status = report_progress(r, err);
        }
    }
    return status;
}

static void forget_last_run(ffwd_engine *engine) {
    engine->fallback[0] = '\0';
    for (size_t i = 0; i < engine->placement_count; i++) {
        ffwd_placement *placement = engine->placements[i];
        for (size_t s = 0; s < placement->stage_count; s++) {
            placement->stages[s].ns = 0;
            placement->stages[s].launches = 0;
        }
    }
}

static void fill_report(const run *r, uint64_t start, ffwd_report *report) {
    const ffwd_report full = {
        .struct_size = sizeof full,
        .chunks = r->chunks,
        .chunks_redone = r->chunks_redone,
        .rows = r->x.rows,
        .bytes = ffwd_rows_bytes(&r->x) + ffwd_rows_bytes(&r->y),
        .flops = r->x.rows * r->engine->placements[0]->flops,
        .total_ns = ffwd_now_ns() - start,
        .setup_ns = r->engine->setup_ns,
        .upload_ns = r->timing.upload_ns,
        .kernel_ns = r->timing.kernel_ns,
        .download_ns = r->timing.download_ns,
        .chunks_halved = r->chunks_halved,
    };
    ffwd_struct_write(report, &full, sizeof full);
}

static ffwd_status compute(run *r, const ffwd_input *x, const ffwd_output *y, ffwd_report *report,
                           ffwd_error *err) {
    const bool traced = r->options->trace != NULL;
    const uint64_t start = report != NULL || traced ? ffwd_now_ns() : 0;
    ffwd_engine *engine = r->engine;
    ffwd_status status;
    FFWD_TRY(status, ffwd_device_check_fork(engine->placements[0]->device, err));
    FFWD_TRY(status, ffwd_check_rows(engine->model, x, y, &r->x, &r->y, err));
    forget_last_run(engine);
    FFWD_TRY(status, open_captures(r, "sums", r->options->sums, &r->sums, &r->chunk_sums, err));
    FFWD_TRY(status,
             open_captures(r, "outputs", r->options->outputs, &r->outputs, &r->chunk_outputs, err));
    FFWD_TRY(status, run_chunks(r, err));
    if (report != NULL) {
        fill_report(r, start, report);
    }
    if (traced) {
        show_run(r, start);
    }

cleanup:
    ffwd_free(r->sums);
    ffwd_free(r->outputs);
    return status;
}

ffwd_status ffwd_engine_run(ffwd_engine *engine, const ffwd_input *x, const ffwd_output *y,
                            const ffwd_run_options *given, ffwd_report *report, ffwd_error *err) {
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    ffwd_status status = ffwd_struct_read(&options, sizeof options, given, err);
    if (status != FFWD_OK) {
        return status;
    }
    run r = {.tracer = {take_span},
             .engine = engine,
             .options = &options,
             .callers = ffwd_memory_enter(&engine->allocator)};
    status = compute(&r, x, y, report, err);
    ffwd_memory_leave(r.callers);
    return status;
}
