// SPDX-License-Identifier: MIT
// What a device is to the engine: a few functions, and a model placed on it. Each kind of device
// embeds these structures at the head of its own.
#ifndef FFWD_DEVICE_DEVICE_H
#define FFWD_DEVICE_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/rows.h"
#include "device/predict.h"

typedef struct ffwd_placement ffwd_placement;

/** Chunks are not cut below this because fewer rows are expected: more may come after all. */
#define FFWD_LEAST_CHUNK_ROWS 4096

/** How an engine wants a model placed. 0 leaves a member to the device. */
typedef struct ffwd_request {
    uint32_t strategy;
    uint64_t expected_rows;
    uint64_t memory_bytes;
    uint64_t chunk_rows;
    bool resident; /**< rows of the host do not come chunk by chunk */
} ffwd_request;

/** Who wants the spans of a run. */
typedef struct ffwd_tracer ffwd_tracer;
struct ffwd_tracer {
    /** Takes a span of the device that has the chunk; it need not name that. */
    void (*take)(ffwd_tracer *tracer, const ffwd_span *span);
};

/** A part of a run: consecutive rows of X, Y and the captures. */
typedef struct ffwd_chunk {
    ffwd_rows x, y;
    const ffwd_rows *sums, *outputs; /**< [operation count], entries with data NULL are not wanted;
                                          or NULL: none is */
    uint64_t first_row;              /**< of the run, which x starts with */
    ffwd_tracer *tracer;             /**< NULL: nobody wants spans */
} ffwd_chunk;

/** Whether any capture may be wanted. */
static inline bool ffwd_chunk_captured(const ffwd_chunk *chunk) {
    return chunk->sums != NULL || chunk->outputs != NULL;
}

/** Where a chunk's time went, added to by run_chunk. */
typedef struct ffwd_timing {
    uint64_t upload_ns, kernel_ns, download_ns;
    uint64_t hidden_ns; /**< of uploads and downloads, beside kernels of another chunk */
} ffwd_timing;

/** A run over rows that lie on the device; see device_rows.h. */
typedef struct ffwd_resident ffwd_resident;

/** What such a run came to. */
typedef struct ffwd_resident_times {
    uint64_t rows, chunks, chunks_halved;
    uint64_t row_bytes;           /**< of X and Y as they lie */
    uint64_t kernel_ns, total_ns; /**< 0 where the queue keeps no times */
} ffwd_resident_times;

/** The functions of one kind of device. All but run_chunk and limit may be slow. The engine calls
 *  prepare, run_chunk and limit in the contract's floating-point environment. */
typedef struct ffwd_device_ops {
    void (*describe)(const ffwd_device *device, ffwd_device_info *info);

    /** Whether it has a strategy (never asked for FFWD_STRATEGY_AUTO). */
    bool (*has_strategy)(const ffwd_device *device, uint32_t strategy);

    /** Plans and packs a model. The placement keeps the device alive and borrows the model. */
    ffwd_status (*prepare)(ffwd_device *device, const ffwd_model *model,
                           const ffwd_request *request, ffwd_placement **out, ffwd_error *err);

    /** Another placement for another thread, sharing the packed weights. */
    ffwd_status (*clone)(const ffwd_placement *placement, ffwd_placement **out, ffwd_error *err);

    /** Computes a chunk of at most chunk_rows rows; returns when Y and the captures are written.
     *  Adds to timing and to the stages' ns and launches. A failed chunk can be run again.
     *  FFWD_ENOMEM with chunk_rows lowered means that fewer rows may do. */
    ffwd_status (*run_chunk)(ffwd_placement *placement, const ffwd_chunk *chunk,
                             ffwd_timing *timing, ffwd_error *err);

    /** Begins a chunk without captures, and may return while the device is at it; NULL where it
     *  has no such way. Up to `depth` chunks may have begun and not ended. What is added to
     *  timing, which must stay, is whole when the chunk has ended. */
    ffwd_status (*begin_chunk)(ffwd_placement *placement, const ffwd_chunk *chunk,
                               ffwd_timing *timing, ffwd_error *err);
    /** Waits for the chunk that began first: then its Y is written. A failure of either function
     *  gives up all chunks that have begun: the device is at none of them any more, nor at
     *  anybody's rows, unless it is lost. FFWD_ENOMEM as of run_chunk. */
    ffwd_status (*end_chunk)(ffwd_placement *placement, ffwd_error *err);

    /** Enqueues a run over rows that lie on the device, and does not wait for it; NULL where no
     * rows of a caller's can. */
    ffwd_status (*enqueue)(ffwd_placement *placement, const ffwd_resident *run, ffwd_error *err);
    /** Times of the run enqueued last, also those of the stages; FFWD_ESTATE before its end. */
    ffwd_status (*collect)(ffwd_placement *placement, ffwd_resident_times *times, ffwd_error *err);

    /** Brings dense X to the device, runs over it as one that was there, and brings dense Y back:
     * to and fro are added to timing, beside what is left in times. NULL as of enqueue. */
    ffwd_status (*run_resident)(ffwd_placement *placement, const ffwd_rows *x, const ffwd_rows *y,
                                ffwd_timing *timing, ffwd_resident_times *times, ffwd_error *err);

    /** Measures what the device could do with X and Y at best; NULL: it is the CPU's silicon, and
     *  the CPU path measures it. */
    ffwd_status (*limit)(ffwd_placement *placement, const ffwd_rows *x, const ffwd_rows *y,
                         ffwd_limit *limit, ffwd_error *err);

    /** What predictions reckon with, for models of a dtype: measured at the first question, which
     *  takes some tens of milliseconds, and kept for later processes; assumed where that is not
     *  possible. On the CPU's silicon without flops and memory: they are the CPU path's. */
    void (*rates)(ffwd_device *device, uint32_t dtype, ffwd_rates *rates);

    /** Ends a placement, then lets its device go. */
    void (*release)(ffwd_placement *placement);

    /** Ends a device when nobody holds it any more. */
    void (*close)(ffwd_device *device);
} ffwd_device_ops;

struct ffwd_device {
    const ffwd_device_ops *ops;
    atomic_uint references;
    uint32_t fork_generation; /**< of the process that opened it */
    ffwd_allocator allocator;
};

/** One kernel of the plan and its time in the current run. */
typedef struct ffwd_plan_stage {
    char kernel[64];
    size_t first_layer, layer_count; /**< from 0 */
    uint64_t ns, launches;
    uint64_t bytes; /**< that it moved, of a gather */
} ffwd_plan_stage;

/** Hands out a span of a chunk whose tracer is not NULL. The caller fills in kind, lane, times and
 *  bytes; where it has no rows of its own they are the chunk's. */
void ffwd_chunk_trace(const ffwd_chunk *chunk, ffwd_span span);
/** The span of a stage's kernel: its name and layers. */
ffwd_span ffwd_stage_span(const ffwd_plan_stage *stage);

/** A model on a device: what prepare made. Used by one thread at a time. */
struct ffwd_placement {
    ffwd_device *device;
    const ffwd_model *model;
    uint32_t strategy;   /**< never FFWD_STRATEGY_AUTO */
    uint64_t chunk_rows; /**< at least 1 */
    uint32_t depth;      /**< chunks that may be under way at once; up to 1: none beside another */
    uint64_t flops;      /**< of the plan, a row: a table leaves out what it replaces */
    double slowness;     /**< of its multiply-adds, beside the rate that predictions reckon with */
    uint64_t memory_bytes; /**< own buffers at most, packed weights included */
    ffwd_plan_stage *stages;
    size_t stage_count;  /**< of the plan */
    size_t gather_count; /**< behind them: those which only the last run had, for its rows */
};

/** Counts one of ffwd_abandoned_objects. */
void ffwd_device_abandon(void);

/** First owner of a device that a constructor has just made. */
void ffwd_device_init(ffwd_device *device, const ffwd_device_ops *ops);
ffwd_device *ffwd_device_retain(ffwd_device *device);
/** FFWD_ESTATE in a child forked after the device was opened. */
ffwd_status ffwd_device_check_fork(const ffwd_device *device, ffwd_error *err);

/** Whether a strategy can be asked of it; FFWD_STRATEGY_AUTO always can. */
static inline bool ffwd_device_has_strategy(const ffwd_device *device, uint32_t strategy) {
    return strategy == FFWD_STRATEGY_AUTO || device->ops->has_strategy(device, strategy);
}

/** Fills the head of a placement, with room for a plan of stage_count stages and for those that
 *  gather rows. */
ffwd_status ffwd_placement_init(ffwd_placement *placement, ffwd_device *device,
                                const ffwd_model *model, uint32_t strategy, size_t stage_count,
                                size_t gather_room, ffwd_error *err);
/** Frees the plan and lets the device go. */
void ffwd_placement_finish(ffwd_placement *placement);

#endif
