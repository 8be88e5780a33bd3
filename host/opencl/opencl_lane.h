// SPDX-License-Identifier: MIT
// A lane: what a chunk under way has of its own, so that two can be under way at once. Its queue is
// in order, so that a chunk's commands need no events among themselves.
#ifndef FFWD_OPENCL_OPENCL_LANE_H
#define FFWD_OPENCL_OPENCL_LANE_H

#include "opencl/opencl_plan.h"

/** Chunks under way at once on a device with memory of its own: while the kernels of one are at
 *  work, the rows of the next come and those of the last go. */
#define FFWD_OPENCL_LANES 2

/** A command whose time is asked for when the chunk is done. */
typedef struct ffwd_opencl_command {
    cl_event event; /**< NULL where the command was not enqueued */
    uint64_t *ns;
    ffwd_plan_stage *stage; /**< also added to; NULL: a transfer */
    ffwd_span_kind kind;
    uint64_t bytes;    /**< that are moved */
    uint64_t asked_ns; /**< when it was enqueued at the earliest */
} ffwd_opencl_command;

/** Host memory that the device reaches by itself, mapped for as long as it lives. */
typedef struct ffwd_opencl_pinned {
    cl_mem buffer;
    void *rows;
} ffwd_opencl_pinned;

/** A time by the host's clock. */
typedef struct ffwd_opencl_interval {
    uint64_t start_ns, end_ns;
    bool is_kernel; /**< else a transfer, or the host's part of one */
} ffwd_opencl_interval;

/** What a chunk did, in any order. */
typedef struct ffwd_opencl_times {
    ffwd_opencl_interval *items;
    size_t count;
} ffwd_opencl_times;

typedef struct ffwd_opencl_lane {
    const ffwd_opencl_plan *plan;
    ffwd_opencl_device *device;
    ffwd_plan_stage *stages; /**< the placement's */
    const char *name;        /**< of its queue, in spans */
    cl_command_queue queue;  /**< NULL: the lane has not been needed yet */
    cl_mem rows[2];          /**< FFWD_SLOT_X, FFWD_SLOT_Y */
    ffwd_opencl_pinned pinned[2];
    ffwd_opencl_command *commands; /**< as many as a chunk can have */
    size_t command_count;
    ffwd_opencl_times times; /**< of a chunk that may overlap with others */

    /* The chunk under way: */
    ffwd_chunk chunk;
    ffwd_timing *timing;
    bool keeps_times;      /**< it may overlap with others */
    uint64_t start_ns;     /**< of its commands since the last that were waited for */
    cl_mem lent_x, lent_y; /**< buffers over the caller's memory */
    cl_mem x, y;           /**< where the kernels find X and put Y */
} ffwd_opencl_lane;

/** Room for what a chunk does, where chunks may overlap. */
ffwd_status ffwd_opencl_times_init(ffwd_opencl_times *times, const ffwd_opencl_plan *plan,
                                   ffwd_error *err);

/** Makes the queue and room for the commands. Rows and pinned memory come when they are needed. */
ffwd_status ffwd_opencl_lane_open(ffwd_opencl_lane *lane, const ffwd_opencl_plan *plan,
                                  ffwd_plan_stage *stages, const char *name, ffwd_error *err);
void ffwd_opencl_lane_close(ffwd_opencl_lane *lane);

/** Makes the device's room for X or Y of so many rows, where it is missing. */
ffwd_status ffwd_opencl_lane_need_rows(ffwd_opencl_lane *lane, ffwd_opencl_slot slot, uint64_t rows,
                                       ffwd_error *err);
/** The same of the host's, where rows wait for their transfer. */
ffwd_status ffwd_opencl_lane_need_pinned(ffwd_opencl_lane *lane, ffwd_opencl_slot slot,
                                         uint64_t rows, ffwd_error *err);
/** Lets rows and pinned memory go, which no command uses any more. */
void ffwd_opencl_lane_release_rows(ffwd_opencl_lane *lane);

/** Takes a chunk. */
void ffwd_opencl_lane_begin(ffwd_opencl_lane *lane, const ffwd_chunk *chunk, ffwd_timing *timing);

/** Bytes of a view's values in the model's dtype. */
static inline size_t ffwd_opencl_bytes_of(const ffwd_opencl_lane *lane, const ffwd_rows *rows) {
    return (size_t)(rows->rows * rows->cols * lane->plan->value_bytes);
}

/** Room for the event of a command that moves rows and is about to be enqueued. */
cl_event *ffwd_opencl_track_transfer(ffwd_opencl_lane *lane, ffwd_span_kind kind, uint64_t bytes);
/** The same for the kernel of a stage. */
cl_event *ffwd_opencl_track_kernel(ffwd_opencl_lane *lane, size_t stage_index);
/** Counts what the host did itself for a transfer since then, and hands out its span. */
void ffwd_opencl_count_copy(ffwd_opencl_lane *lane, ffwd_span_kind kind, uint64_t bytes,
                            uint64_t start_ns);

/** Waits until all commands have ended, counts their times, and lets their events go. */
ffwd_status ffwd_opencl_lane_finish(ffwd_opencl_lane *lane, ffwd_error *err);
/** After a failure, here or in another lane: waits for the commands, since they use rows, but not
 *  for ever, then lets their events go. False where they did not end, and the device is lost;
 *  without `wait`, where another lane has found that, at once. */
bool ffwd_opencl_lane_settle(ffwd_opencl_lane *lane, bool wait);

/** Of commands that have ended: hands out their spans, and keeps their times where chunks overlap.
 */
void ffwd_opencl_lane_trace(ffwd_opencl_lane *lane);
/** Counts what of either chunk's transfers passed beside the other's kernels. */
void ffwd_opencl_count_hidden(ffwd_timing *timing, const ffwd_opencl_times *one,
                              const ffwd_opencl_times *other);

#endif
