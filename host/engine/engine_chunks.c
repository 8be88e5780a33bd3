// SPDX-License-Identifier: MIT
// The chunks of a run: one after the other, or several under way where a device takes them so;
// smaller where memory lacks; on the next device where one fails.
#include "engine/engine_chunks.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/** More chunks under way than this no device is given. */
enum { FLIGHTS_MAX = 4 };

/** A chunk under way, and since when. */
typedef struct flight {
    ffwd_chunk chunk;
    uint64_t start_ns;
} flight;

/** Says what happened on the device that is given up, behind what was said of others before it;
 * what was said of smaller chunks is no matter then. */
static void remember_fallback(ffwd_run *r, const ffwd_error *reason) {
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
static void remember_halving(ffwd_run *r, const ffwd_placement *placement, uint64_t rows,
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

/** The callback is the caller's own code: what it makes does not come from the engine's memory. */
static bool wants_to_stop(const ffwd_run *r) {
    const ffwd_allocator *own = ffwd_memory_current();
    ffwd_memory_leave(r->callers);
    const bool stop = r->options->progress(r->options->user, r->rows_done, r->x.rows) != 0;
    ffwd_memory_leave(own);
    return stop;
}

/** Counts a chunk that is done; FFWD_ECANCELLED where the caller wants no more. */
static ffwd_status complete(ffwd_run *r, uint64_t rows, ffwd_error *err) {
    r->rows_done += rows;
    r->chunks++;
    r->chunks_redone += r->first_placement > 0;
    if (r->options->progress != NULL && wants_to_stop(r)) {
        return ffwd_fail(err, FFWD_ECANCELLED, "cancelled after %llu of %llu rows",
                         (unsigned long long)r->rows_done, (unsigned long long)r->x.rows);
    }
    return FFWD_OK;
}

static void slice_captures(const ffwd_run *r, const ffwd_rows *all, ffwd_rows *chunk,
                           uint64_t first, uint64_t rows) {
    for (size_t i = 0; all != NULL && i < r->engine->model->operation_count; i++) {
        chunk[i] = ffwd_rows_slice(&all[i], first, rows);
    }
}

/** The chunk that starts at a row. */
static ffwd_chunk chunk_at(ffwd_run *r, const ffwd_placement *placement, uint64_t first) {
    const uint64_t rows = ffwd_min(placement->chunk_rows, r->x.rows - first);
    slice_captures(r, r->sums, r->chunk_sums, first, rows);
    slice_captures(r, r->outputs, r->chunk_outputs, first, rows);
    return (ffwd_chunk){.x = ffwd_rows_slice(&r->x, first, rows),
                        .y = ffwd_rows_slice(&r->y, first, rows),
                        .sums = r->chunk_sums,
                        .outputs = r->chunk_outputs,
                        .first_row = first,
                        .tracer = r->options->trace != NULL ? &r->tracer : NULL};
}

/** The next chunk, from its beginning to its end. */
static ffwd_status run_one(ffwd_run *r, ffwd_placement *placement, ffwd_error *err) {
    const ffwd_chunk chunk = chunk_at(r, placement, r->rows_done);
    const uint64_t start_ns = chunk.tracer != NULL ? ffwd_now_ns() : 0;
    ffwd_fpenv_enter(&r->env);
    const ffwd_status status =
        placement->device->ops->run_chunk(placement, &chunk, &r->timing, err);
    if (chunk.tracer != NULL) {
        ffwd_run_trace_chunk(&chunk, 0, start_ns, status);
    }
    ffwd_fpenv_leave(&r->env);
    return status == FFWD_OK ? complete(r, chunk.x.rows, err) : status;
}

static ffwd_status run_one_by_one(ffwd_run *r, ffwd_placement *placement, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    while (r->rows_done < r->x.rows && status == FFWD_OK) {
        status = run_one(r, placement, err);
    }
    return status;
}

/* ------------------------------------------------------------------- several chunks under way */

/** Chunks on a device that takes several at once, numbered as they begin. */
typedef struct convoy {
    ffwd_run *r;
    ffwd_placement *placement;
    uint64_t begun, ended; /**< chunks */
    uint64_t rows_begun;
    flight flights[FLIGHTS_MAX]; /**< chunk n at n modulo the placement's depth */
} convoy;

static unsigned lane_of(const convoy *c, uint64_t number) {
    return (unsigned)(number % c->placement->depth);
}

static void trace_flight(const convoy *c, uint64_t number, ffwd_status status) {
    const flight *f = &c->flights[lane_of(c, number)];
    if (f->chunk.tracer != NULL) {
        ffwd_run_trace_chunk(&f->chunk, lane_of(c, number) + 1, f->start_ns, status);
    }
}

static ffwd_status begin_next(convoy *c, ffwd_error *err) {
    flight *f = &c->flights[lane_of(c, c->begun)];
    f->chunk = chunk_at(c->r, c->placement, c->rows_begun);
    f->start_ns = f->chunk.tracer != NULL ? ffwd_now_ns() : 0;
    c->rows_begun += f->chunk.x.rows;
    c->begun++;
    return c->placement->device->ops->begin_chunk(c->placement, &f->chunk, &c->r->timing, err);
}

/** Keeps the device busy, and waits for the chunk that began first. */
static ffwd_status advance(convoy *c, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    ffwd_fpenv_enter(&c->r->env);
    while (status == FFWD_OK && c->rows_begun < c->r->x.rows &&
           c->begun - c->ended < c->placement->depth) {
        status = begin_next(c, err);
    }
    if (status == FFWD_OK) {
        status = c->placement->device->ops->end_chunk(c->placement, err);
    }
    if (status == FFWD_OK) {
        trace_flight(c, c->ended, status);
    }
    for (uint64_t number = c->ended; status != FFWD_OK && number < c->begun; number++) {
        trace_flight(c, number, status); // all of them are given up
    }
    ffwd_fpenv_leave(&c->r->env);
    return status;
}

/** Waits for the chunks under way of a run that is wanted no more; how they end is no matter. */
static void drain(convoy *c) {
    ffwd_status status = FFWD_OK;
    ffwd_fpenv_enter(&c->r->env);
    for (; status == FFWD_OK && c->ended < c->begun; c->ended++) {
        status = c->placement->device->ops->end_chunk(c->placement, NULL);
    }
    ffwd_fpenv_leave(&c->r->env);
}

static ffwd_status run_together(ffwd_run *r, ffwd_placement *placement, ffwd_error *err) {
    convoy c = {.r = r, .placement = placement, .rows_begun = r->rows_done};
    ffwd_status status = FFWD_OK;
    while (r->rows_done < r->x.rows && status == FFWD_OK) {
        status = advance(&c, err);
        if (status == FFWD_OK) {
            const uint64_t rows = c.flights[lane_of(&c, c.ended++)].chunk.x.rows;
            status = complete(r, rows, err);
            if (status != FFWD_OK) {
                drain(&c);
            }
        }
    }
    return status;
}

/* ---------------------------------------------------------------------------------- all devices */

/** The rest of the rows on one device, in chunks that may become smaller on the way. */
static ffwd_status run_on(ffwd_run *r, ffwd_placement *placement, ffwd_error *reason) {
    const bool captured = r->sums != NULL || r->outputs != NULL;
    for (;;) {
        const uint64_t chunk_rows = placement->chunk_rows;
        const ffwd_status status = placement->depth > 1 && !captured
                                       ? run_together(r, placement, reason)
                                       : run_one_by_one(r, placement, reason);
        if (status != FFWD_ENOMEM || placement->chunk_rows >= chunk_rows) {
            return status;
        }
        remember_halving(r, placement, chunk_rows, reason);
    }
}

/** Rows are idempotent: what a device left half done, the next one does again, and keeps the rest
 *  of the run. */
ffwd_status ffwd_run_chunks(ffwd_run *r, ffwd_error *err) {
    ffwd_engine *engine = r->engine;
    ffwd_error reason; /* not cleared: that takes longer than a small network's row */
    for (;;) {
        ffwd_placement *placement = engine->placements[r->first_placement];
        if (r->options->trace != NULL) {
            ffwd_run_trace_device(r, placement);
        }
        const ffwd_status status = run_on(r, placement, &reason);
        if (status == FFWD_OK) {
            return FFWD_OK;
        }
        if (status == FFWD_ESTATE || status == FFWD_ECANCELLED || engine->no_fallback ||
            r->first_placement + 1 == engine->placement_count) {
            return ffwd_fail_with(err, status, &reason);
        }
        remember_fallback(r, &reason);
        r->first_placement++;
    }
}
