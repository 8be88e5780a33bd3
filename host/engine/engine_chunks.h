// SPDX-License-Identifier: MIT
// A run under way: which rows are done, on which device it goes on, where its time went.
#ifndef FFWD_ENGINE_ENGINE_CHUNKS_H
#define FFWD_ENGINE_ENGINE_CHUNKS_H

#include "base/process.h"
#include "engine/engine.h"

typedef struct ffwd_run {
    ffwd_tracer tracer; /**< of its chunks, where spans are wanted */
    ffwd_engine *engine;
    const ffwd_run_options *options;
    const ffwd_allocator *callers; /**< what the caller's thread allocates from */
    ffwd_fpenv env;                /**< the caller's, while a device is at work */
    const char *device;            /**< the id of that one, where spans are wanted */
    ffwd_rows x, y;
    ffwd_rows *sums, *outputs;             /**< [operation count] captures of all rows, or NULL */
    ffwd_rows *chunk_sums, *chunk_outputs; /**< the same of the current chunk */
    ffwd_timing timing;
    uint64_t rows_done;
    uint32_t chunks, chunks_redone;
    uint64_t chunks_halved;
    size_t first_placement; /**< devices before it have failed in this run */
} ffwd_run;

/** Computes all rows, each on the first device that completes it. */
ffwd_status ffwd_run_chunks(ffwd_run *r, ffwd_error *err);

/** Prepares the chunks of a device for the caller's callback, where it wants spans. */
void ffwd_run_trace_device(ffwd_run *r, const ffwd_placement *placement);
/** Hands out a chunk's time on a device, done or to be done again; lane as in engine_trace.c. */
void ffwd_run_trace_chunk(const ffwd_chunk *chunk, unsigned lane, uint64_t start_ns,
                          ffwd_status status);
/** Hands out the whole run's. */
void ffwd_run_trace(const ffwd_run *r, uint64_t start_ns);

#endif
