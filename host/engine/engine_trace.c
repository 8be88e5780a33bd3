// SPDX-License-Identifier: MIT
// What an engine adds to the spans of its devices, and how they reach the caller.
#include <stdio.h>

#include "base/memory.h"
#include "engine/engine_chunks.h"

/** Hands a span out; the callback is the caller's own code: what it makes does not come from the
 *  engine's memory. */
static void show(const ffwd_run *r, const ffwd_span *span) {
    const ffwd_allocator *own = ffwd_memory_current();
    ffwd_memory_leave(r->callers);
    r->options->trace(r->options->user, span);
    ffwd_memory_leave(own);
}

/** The same on the way through a device, of whose floating-point environment the caller must not
 *  know. */
static void take(ffwd_tracer *tracer, const ffwd_span *span) {
    ffwd_run *r = (ffwd_run *)tracer;
    ffwd_span named = *span;
    named.device = r->device;
    ffwd_fpenv_leave(&r->env);
    show(r, &named);
    ffwd_fpenv_enter(&r->env);
}

void ffwd_run_trace_device(ffwd_run *r, const ffwd_placement *placement) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(placement->device, &info);
    r->tracer.take = take;
    r->device = info.id;
}

/** Chunks that are under way at once have a lane each, from 1 on; 0: there is one at a time. */
void ffwd_run_trace_chunk(const ffwd_chunk *chunk, unsigned lane, uint64_t start_ns,
                          ffwd_status status) {
    char name[24] = "chunks";
    if (lane > 0) {
        (void)snprintf(name, sizeof name, "chunks %u", lane);
    }
    const ffwd_span span = {.kind = FFWD_SPAN_CHUNK,
                            .lane = name,
                            .name = status == FFWD_OK ? "chunk" : "failed chunk",
                            .start_ns = start_ns,
                            .end_ns = ffwd_now_ns(),
                            .bytes = ffwd_rows_bytes(&chunk->x) + ffwd_rows_bytes(&chunk->y)};
    ffwd_chunk_trace(chunk, span);
}

void ffwd_run_trace(const ffwd_run *r, uint64_t start_ns) {
    const ffwd_span span = {.struct_size = sizeof span,
                            .kind = FFWD_SPAN_RUN,
                            .device = "",
                            .lane = "runs",
                            .name = ffwd_span_name(FFWD_SPAN_RUN),
                            .start_ns = start_ns,
                            .end_ns = ffwd_now_ns(),
                            .rows = r->x.rows,
                            .bytes = ffwd_rows_bytes(&r->x) + ffwd_rows_bytes(&r->y)};
    show(r, &span);
}
