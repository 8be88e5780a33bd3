// SPDX-License-Identifier: MIT
// A plan ready to run for one thread: a queue, kernels with their arguments, buffers for a chunk.
#ifndef FFWD_OPENCL_OPENCL_PLACEMENT_H
#define FFWD_OPENCL_OPENCL_PLACEMENT_H

#include "opencl/opencl_plan.h"

/** A command whose time is asked for when the chunk is done. */
typedef struct ffwd_opencl_command {
    cl_event event; /**< NULL where the command was not enqueued */
    uint64_t *ns;
    ffwd_plan_stage *stage; /**< also added to; NULL: a transfer */
    ffwd_span_kind kind;
    uint64_t bytes;    /**< that are moved */
    uint64_t asked_ns; /**< when it was enqueued at the earliest, where spans are wanted */
} ffwd_opencl_command;

typedef struct ffwd_opencl_placement {
    ffwd_placement base;
    ffwd_opencl_plan *plan;
    cl_command_queue queue;
    cl_kernel *kernels;                /**< one a stage */
    cl_kernel capturing;               /**< of all layers, once a chunk has been captured */
    ffwd_opencl_stage capturing_stage; /**< its shape */
    cl_mem slots[FFWD_SLOT_COUNT];
    ffwd_opencl_command *commands; /**< of the current chunk, as many as it can have */
    size_t command_count;
} ffwd_opencl_placement;

/** Creates a slot's buffer where it is missing. */
ffwd_status ffwd_opencl_placement_need(ffwd_opencl_placement *placement, ffwd_opencl_slot slot,
                                       ffwd_error *err);

/** Creates the buffers that every chunk needs where they are missing; the others come when a chunk
 *  asks for them. */
ffwd_status ffwd_opencl_placement_slots(ffwd_opencl_placement *placement, ffwd_error *err);

/** Rows that SUMS holds. */
uint64_t ffwd_opencl_placement_capture_rows(const ffwd_opencl_placement *placement);

/** Chunks of half the rows from now on, and no buffers until the next; false where they cannot be
 *  smaller. */
bool ffwd_opencl_placement_halve(ffwd_opencl_placement *placement);

/** What a stage is launched over; see the kernel files. */
typedef struct ffwd_opencl_operands {
    cl_mem x, y;
    const ffwd_opencl_layer *layer; /**< arrays and parameters; a kernel of all layers
                                         has them packed */
    cl_mem sums;         /**< NULL, or where z goes; of a kernel of all layers, all captures */
    cl_uint first, rows; /**< only a kernel of all layers takes rows from the middle */
} ffwd_opencl_operands;

/** Enqueues the kernel of a stage. */
ffwd_status ffwd_opencl_launch(const ffwd_opencl_placement *placement, size_t stage_index,
                               const ffwd_opencl_operands *operands, cl_event *event,
                               ffwd_error *err);

/** Hands out the spans of a chunk's commands, which have ended, begun after start_ns. */
void ffwd_opencl_trace(const ffwd_opencl_placement *placement, const ffwd_chunk *chunk,
                       uint64_t start_ns);

/** Makes the kernel of all layers that captures, where there is none yet, and proves it. */
ffwd_status ffwd_opencl_placement_capture(ffwd_opencl_placement *placement, ffwd_error *err);

/** Launches every kernel for the first time, over a small block with known answers: the compiler
 *  may err in one program and not in another. FFWD_ENODEVICE with the first value that differs.
 *  Also, drivers put compiling off until the first launch (PoCL 3.1: 100 ms and more a kernel), and
 *  that belongs to prepare. */
ffwd_status ffwd_opencl_prove(const ffwd_opencl_placement *placement, ffwd_error *err);
/** The same of the kernel that captures. */
ffwd_status ffwd_opencl_prove_captures(const ffwd_opencl_placement *placement, ffwd_error *err);

#endif
