// SPDX-License-Identifier: MIT
// How long a run would take: what a plan has to do, over what a device can do. A rough picture, for
// choosing among devices; `ffwd_micro predictions` puts it beside measured times.
//
//     time   = max(upload, kernels, download) where chunks overlap, their sum where there is one,
//     or
//              where the same cores do all of it
//     kernel = max(memory, computing) + launches, of kernels and of chunks
#ifndef FFWD_DEVICE_PREDICT_H
#define FFWD_DEVICE_PREDICT_H

#include <stdbool.h>

#include "model/model.h"

/** What a plan has to do for so many rows. */
typedef struct ffwd_work {
    uint64_t rows;
    double flops;            /**< a row: multiply-adds, activations and the moving of values */
    double x_bytes, y_bytes; /**< a row, in the model's dtype */
    double between_bytes;    /**< a row: written and read again between two stages */
    double weight_bytes;     /**< read once a chunk */
    double chunks, launches; /**< of all rows */
} ffwd_work;

/** What passes over X and Y of so many bytes together in a nanosecond. */
typedef struct ffwd_memory_level {
    double bytes, rate;
} ffwd_memory_level;

/** A core's own cache, one of many cores, and what is behind. */
enum { FFWD_MEMORY_LEVELS = 3 };

/** What a device can do. Rates are of all of it; in bytes or flops a nanosecond. */
typedef struct ffwd_rates {
    double flops;
    /** From few bytes to many; those without a rate are not there. Between two of them the rate
     *  changes with the logarithm of the bytes, outside it stays. */
    ffwd_memory_level memory[FFWD_MEMORY_LEVELS];
    double upload, download; /**< 0: rows stay in place */
    bool serial;             /**< the cores that compute also move the rows */
    double launch_ns;        /**< of a kernel, until it is at work and seen to be done */
    double chunk_ns;         /**< of a chunk beside that, whatever its rows */
    double threads;          /**< that share a run; 0: cannot be had apart */
    double thread_flops;     /**< work for a thread, below which one does all of it */
    double unit_rows;        /**< that threads take whole; 0: any part */
    double wake_ns;          /**< of a kernel that several threads share */
    double setup_ns;         /**< until it is ready for a model, opening included */
    bool measured;           /**< on this device; else assumed of its kind */
} ffwd_rates;

/**
 * The work of a plan: `flops` of multiply-adds a row, which may be less than the model's, in
 * stage_count kernels, chunk_rows rows at a time.
 */
ffwd_work ffwd_work_of(const ffwd_model *model, double flops, size_t stage_count,
                       uint64_t chunk_rows, uint64_t rows);

/** Fills all but setup_ns and struct_size. */
void ffwd_predict(const ffwd_work *work, const ffwd_rates *rates, ffwd_prediction *prediction);

#endif
