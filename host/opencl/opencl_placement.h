// SPDX-License-Identifier: MIT
// A plan ready to run for one thread: kernels with their arguments, lanes for chunks, buffers that
// these share.
#ifndef FFWD_OPENCL_OPENCL_PLACEMENT_H
#define FFWD_OPENCL_OPENCL_PLACEMENT_H

#include "opencl/opencl_gather.h"
#include "opencl/opencl_lane.h"

/** A kernel of a run over rows on the device. */
typedef struct ffwd_opencl_launched {
    cl_event event;
    size_t stage; /**< of the placement's */
} ffwd_opencl_launched;

/** The run over rows on the device that was enqueued last. */
typedef struct ffwd_opencl_resident {
    cl_command_queue queue;         /**< the caller's, retained; NULL: there was none */
    ffwd_opencl_launched *launched; /**< one behind the other; without rows, an end alone */
    size_t launched_count, launched_room;
    uint64_t rows, chunks, chunks_halved;
    uint64_t row_bytes; /**< of X and Y as they lie */
    bool profiled;
} ffwd_opencl_resident;

typedef struct ffwd_opencl_placement {
    ffwd_placement base;
    ffwd_opencl_plan *plan;
    ffwd_opencl_lane lanes[FFWD_OPENCL_LANES]; /**< the first alone where rows stay in place */
    ffwd_opencl_lane *lane;                    /**< of the chunk that is being enqueued */
    cl_command_queue queue;                    /**< its queue, which kernels go to */
    uint64_t begun, ended;                     /**< chunks; number n is in lane n mod LANES */
    ffwd_opencl_times past;                    /**< of the chunk that ended last */
    cl_kernel *kernels;                        /**< one a stage */
    cl_kernel capturing;                       /**< of all layers, once a chunk has been captured */
    ffwd_opencl_stage capturing_stage;         /**< its shape */
    cl_mem slots[FFWD_SLOT_COUNT];             /**< of all lanes, but for X and Y, which each has */
    ffwd_opencl_gather gathers[FFWD_WAYS][FFWD_U8 + 1]; /**< by dtype, once rows have needed them */
    ffwd_opencl_resident resident;
    cl_mem held[2];         /**< X and Y of runs of the host's rows as if they lay here */
    uint64_t held_bytes[2]; /**< their sizes */
} ffwd_opencl_placement;

/** From now on commands go to this lane, which is opened where it has not been needed yet. */
ffwd_status ffwd_opencl_placement_use(ffwd_opencl_placement *placement, uint64_t number,
                                      ffwd_error *err);

/** Creates a slot's buffer, of the lane in use, where it is missing. */
ffwd_status ffwd_opencl_placement_need(ffwd_opencl_placement *placement, ffwd_opencl_slot slot,
                                       ffwd_error *err);

/** Creates the buffers that every chunk of the lane in use needs where they are missing; the others
 *  come when a chunk asks for them. */
ffwd_status ffwd_opencl_placement_slots(ffwd_opencl_placement *placement, ffwd_error *err);

/** Rows that SUMS holds. */
uint64_t ffwd_opencl_placement_capture_rows(const ffwd_opencl_placement *placement);

/** Chunks of half the rows from now on, and no buffers until the next; false where they cannot be
 *  smaller. */
bool ffwd_opencl_placement_halve(ffwd_opencl_placement *placement);

/** The kernel that moves rows of a dtype on the device, made and proven where it is missing. */
ffwd_status ffwd_opencl_placement_gather(ffwd_opencl_placement *placement, ffwd_opencl_way way,
                                         uint32_t dtype, const ffwd_opencl_gather **out,
                                         ffwd_error *err);

/** What a stage is launched over; see the kernel files. */
typedef struct ffwd_opencl_operands {
    cl_mem x, y;
    const ffwd_opencl_layer *layer; /**< arrays and parameters; a kernel of all layers
                                         has them packed */
    cl_mem sums;         /**< NULL, or where z goes; of a kernel of all layers, all captures */
    cl_uint first, rows; /**< only a kernel of all layers takes rows from the middle */
    cl_ulong x_offset, y_offset; /**< elements in front of the first row */
    cl_command_queue queue;
    cl_uint wait_count; /**< of the events before which the kernel does not start */
    const cl_event *wait_list;
} ffwd_opencl_operands;

/** Enqueues the kernel of a stage. */
ffwd_status ffwd_opencl_launch(const ffwd_opencl_placement *placement, size_t stage_index,
                               const ffwd_opencl_operands *operands, cl_event *event,
                               ffwd_error *err);

/** Enqueues all kernels over the chunk of the lane in use; with captures, waits for them. */
ffwd_status ffwd_opencl_enqueue_kernels(ffwd_opencl_placement *placement, ffwd_error *err);
/** Runs a chunk in one lane alone: rows in place, or copied, and captures. */
ffwd_status ffwd_opencl_run_alone(ffwd_opencl_placement *placement, const ffwd_chunk *chunk,
                                  ffwd_timing *timing, ffwd_error *err);

/** Keeps what is enqueued next in the lane in use behind the run over rows on the device. */
ffwd_status ffwd_opencl_resident_precede(ffwd_opencl_placement *placement, ffwd_error *err);
/** Waits for that run, and lets it go. */
void ffwd_opencl_resident_finish(ffwd_opencl_placement *placement);

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
