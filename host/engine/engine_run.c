// SPDX-License-Identifier: MIT
// The frame of a run: rows and captures checked, chunks computed, a report filled.
#include <stdio.h>

#include "base/memory.h"
#include "base/structs.h"
#include "engine/engine_chunks.h"

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
static ffwd_status open_captures(const ffwd_run *r, const char *what, const ffwd_output *given,
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

static void forget_last_run(ffwd_engine *engine) {
    engine->fallback[0] = '\0';
    for (size_t i = 0; i < engine->placement_count; i++) {
        ffwd_placement *placement = engine->placements[i];
        placement->gather_count = 0;
        for (size_t s = 0; s < placement->stage_count; s++) {
            placement->stages[s].ns = 0;
            placement->stages[s].launches = 0;
        }
    }
}

static void fill_report(const ffwd_run *r, uint64_t start, ffwd_report *report) {
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
        .hidden_ns = r->timing.hidden_ns,
    };
    ffwd_struct_write(report, &full, sizeof full);
}

static ffwd_status compute(ffwd_run *r, const ffwd_input *x, const ffwd_output *y,
                           ffwd_report *report, ffwd_error *err) {
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
    FFWD_TRY(status, ffwd_run_chunks(r, err));
    if (report != NULL) {
        fill_report(r, start, report);
    }
    if (traced) {
        ffwd_run_trace(r, start);
    }

cleanup:
    ffwd_free(r->sums);
    ffwd_free(r->outputs);
    return status;
}

/** What a run over rows on the device does not serve. */
static ffwd_status check_resident(const ffwd_run *r, ffwd_error *err) {
    if (r->options->sums != NULL || r->options->outputs != NULL) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "rows on the device: nothing can be captured");
    }
    if (!ffwd_rows_dense(&r->x, r->x.dtype) || !ffwd_rows_dense(&r->y, r->y.dtype)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "rows are brought to the device dense");
    }
    return FFWD_OK;
}

/** All rows there, the run, and all back. */
static ffwd_status compute_resident(ffwd_run *r, const ffwd_input *x, const ffwd_output *y,
                                    ffwd_report *report, ffwd_error *err) {
    ffwd_engine *engine = r->engine;
    ffwd_placement *first = engine->placements[0];
    const uint64_t chunk_rows = first->chunk_rows;
    ffwd_resident_times times = {0};
    ffwd_fpenv env;
    ffwd_status status;
    FFWD_TRY(status, ffwd_device_check_fork(first->device, err));
    FFWD_TRY(status, ffwd_check_rows(engine->model, x, y, &r->x, &r->y, err));
    FFWD_TRY(status, check_resident(r, err));
    forget_last_run(engine);
    ffwd_fpenv_enter(&env);
    status = first->device->ops->run_resident(first, &r->x, &r->y, &r->timing, &times, err);
    ffwd_fpenv_leave(&env);
    ffwd_remember_halving(engine, chunk_rows);
    if (status == FFWD_OK && report != NULL) {
        const ffwd_report full = {
            .struct_size = sizeof full,
            .chunks = (uint32_t)times.chunks,
            .rows = r->x.rows,
            .bytes = ffwd_rows_bytes(&r->x) + ffwd_rows_bytes(&r->y),
            .flops = r->x.rows * first->flops,
            .total_ns = times.total_ns,
            .setup_ns = engine->setup_ns,
            .upload_ns = r->timing.upload_ns,
            .kernel_ns = times.kernel_ns,
            .download_ns = r->timing.download_ns,
            .chunks_halved = times.chunks_halved,
        };
        ffwd_struct_write(report, &full, sizeof full);
    }
cleanup:
    return status;
}

ffwd_status ffwd_engine_run(ffwd_engine *engine, const ffwd_input *x, const ffwd_output *y,
                            const ffwd_run_options *given, ffwd_report *report, ffwd_error *err) {
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    ffwd_status status = ffwd_struct_read(&options, sizeof options, given, err);
    if (status != FFWD_OK) {
        return status;
    }
    ffwd_run r = {
        .engine = engine, .options = &options, .callers = ffwd_memory_enter(&engine->allocator)};
    status =
        engine->resident ? compute_resident(&r, x, y, report, err) : compute(&r, x, y, report, err);
    ffwd_memory_leave(r.callers);
    return status;
}
