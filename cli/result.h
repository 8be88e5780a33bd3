// SPDX-License-Identifier: MIT
// What a run or a benchmark found out about one engine. The engine itself answers for its device,
// plan and reasons, so a result keeps it.
#ifndef FFWD_CLI_RESULT_H
#define FFWD_CLI_RESULT_H

#include <stdbool.h>

#include <ffwd/ffwd.h>

#include "statistics.h"

/** What a machine could do at best with the same rows, and how near the run came; NaN is unknown.
 */
typedef struct limit_result {
    double stream_gbps, transfer_ms;   /**< medians; transfer_ms is 0 where rows stay in place */
    double fma_gflops, isa_fma_gflops; /**< isa_: 0 where no instruction set was forced */
    double share; /**< median over pairs of the limit's time / the run's time; NaN where "latency",
                       or another device's help, leaves nothing to compare */
    const char *by; /**< "stream", "fma", "transfer", "latency" */
} limit_result;

typedef struct result {
    ffwd_engine *engine;
    uint64_t rows, bytes, flops;
    uint64_t repeats;
    uint64_t chunks, chunks_redone; /**< of a run's pieces; of a benchmark's last run */
    uint64_t chunks_halved;         /**< of all runs */
    bool has_redone;                /**< any run has redone chunks */
    spread total_ms;
    double setup_ms, upload_ms, kernel_ms, download_ms;
    double hidden_ms;         /**< of upload and download, beside kernels of other chunks */
    double read_ms, write_ms; /**< of files, beside the computing; 0 in a benchmark */
    double files_ms;          /**< from the first row read to the files complete */
    double *stage_ms;         /**< [result_stage_room] */
    uint64_t *stage_launches;
    bool resident; /**< rows were on the device: upload and download are beside the time */
    bool has_limit;
    limit_result limit;
    uint64_t output_hash;           /**< XXH3-64 over Y as delivered */
    uint64_t memory_asked_bytes;    /**< 0 where no bound was given */
    uint64_t memory_raised_bytes;   /**< what it had to be instead; 0 where it was kept */
    uint64_t pieces_bytes;          /**< of rows on their way between files; 0 in a benchmark */
    uint64_t resident_peak_bytes;   /**< the most that the process held; 0 in a benchmark */
    uint64_t resident_device_bytes; /**< what it held more once the model was placed */
    char fallback[640];             /**< why chunks were halved or redone elsewhere, or empty */
} result;

/** Makes an empty result of an engine, which it owns from now on. */
result result_begin(ffwd_engine *engine);
/** Keeps that `asked` bytes of memory (0: no bound) were too few, where they were. */
void result_note_memory(result *found, uint64_t asked, uint64_t used);
/** Keeps the reason of the first run that had to redo chunks, or else to halve them. */
void result_note_fallback(result *found, const ffwd_report *run);
void result_end(result *found);

/** Per second, of the median time; NaN where there is no time to divide by. */
double result_per_second(const result *found, uint64_t amount);

/** What share of the transfers was hidden behind kernels; NaN where nothing was moved, or rows stay
 *  in place. */
double result_overlap(const result *found);

/** The most stages that an engine will have: two move rows on the device, where runs need them. */
size_t result_stage_room(const ffwd_engine *engine);
/** Stage `index`; one without a name where it does not exist. */
ffwd_stage result_stage(const ffwd_engine *engine, size_t index);

#endif
