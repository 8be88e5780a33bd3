// SPDX-License-Identifier: MIT
// Rows that lie on an OpenCL device already: a model on the caller's context, run on the caller's
// queue over the caller's buffers. Needs the OpenCL headers; ffwd.h does not.
#ifndef FFWD_OPENCL_H
#define FFWD_OPENCL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include <ffwd/ffwd.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The rules at the top of ffwd.h hold.
 *
 *     ffwd_device *device = NULL;
 *     ffwd_engine *engine = NULL;
 *     cl_event done;
 *
 *     ffwd_opencl_device_open(context, id, NULL, &device, &err);
 *     ffwd_engine_create(model, &device, 1, NULL, &engine, &err);
 *     ffwd_opencl_enqueue(engine, queue, &x, &y, 1, &x_is_there, &done, &err);
 *
 * The library does not link with OpenCL: it finds the loader by itself (FFWD_OPENCL_LIBRARY), which
 * must be the one that the caller's handles are from.
 */

/**
 * Opens a device in a context of the caller's, which is retained: buffers of that context are the
 * device's own. Otherwise it is as a device of ffwd_device_open: models are placed on it, it is
 * probed, shared by threads and counted. It copies no rows that the caller has on the device, and
 * makes no room for rows of the host before there are any.
 *
 * @param options NULL, or an allocator and where built programs are kept
 * @return FFWD_EARGUMENT for a device that the context is not of; FFWD_ENODEVICE with the reason
 *         where the device is refused; FFWD_ESTATE, FFWD_ENOMEM
 */
FFWD_API ffwd_status ffwd_opencl_device_open(cl_context context, cl_device_id id,
                                             const ffwd_device_options *options, ffwd_device **out,
                                             ffwd_error *err) FFWD_CHECKED;

/** Rows in a buffer: element (r, c) is number offset + r * row_stride + c * col_stride of it, of
 *  elements of dtype. Strides are of either sign. */
typedef struct ffwd_opencl_rows {
    cl_mem buffer;   /**< a buffer, or a part of one, in the device's context */
    uint32_t dtype;  /**< FFWD_F32, FFWD_F64, FFWD_U8; as of ffwd_input and ffwd_output */
    uint64_t offset; /**< elements in front of the first */
    uint64_t rows;
    uint64_t cols;      /**< the model's inputs or outputs */
    int64_t row_stride; /**< elements; 0: cols */
    int64_t col_stride; /**< elements; 0: 1 */
} ffwd_opencl_rows;

/**
 * Enqueues everything that computes y from x, on the engine's first device, and returns: nothing is
 * waited for, nothing is copied, and the host has no part in it. Dense rows of the model's dtype
 * are read and written where they are, at any offset.
 *
 * Other rows pass through buffers of the engine's on the device, a chunk at a time: a kernel in
 * front of the others gathers X, one behind them scatters Y, and what lies between the elements of
 * Y stays as it is. They are stages beside those of the plan (ffwd_engine_stage), named
 * gather_FROM_TO and scatter_FROM_TO, with the bytes that they moved. The first run over such rows
 * of a dtype builds and proves its kernel, as the creation of an engine does, on a queue of the
 * engine's own, for which it waits; a run without rows does that alone.
 *
 * The kernels start when all events of wait_list are complete, and one after the other, whatever
 * the order of the queue. *event, the caller's to release, is complete when all of Y is written; a
 * negative status of it says that a command failed. It has not been flushed. Without rows it is an
 * event all the same.
 *
 * Runs of one engine follow one another also on different queues, since they share what lies
 * between layers: then the queue before is flushed. An engine is used by one thread at a time, also
 * here; clones run side by side. ffwd_engine_run may be called in between, and waits on the device
 * for what was enqueued before; ffwd_engine_destroy waits for all of it. There is no fallback: the
 * rows are on this device. Where it lacks memory, chunks take half the rows from then on:
 * ffwd_engine_fallback and the report's chunks_halved tell.
 *
 * @param queue of the device and its context, in order or not
 * @param x [rows][model inputs], y [rows][model outputs]: retained by what is enqueued, so that the
 *        caller may release them. They must not overlap, but may be parts of one buffer
 * @param wait_list [wait_count]; NULL and 0: none
 * @param event may be NULL
 * @return FFWD_EARGUMENT with the shapes, strides or sizes that disagree, or where the engine's
 *         device is not the one of the buffers; FFWD_EUNSUPPORTED for float64 on a device without;
 *         FFWD_ENODEVICE for a kernel that moves rows wrongly; FFWD_EDEVICE, FFWD_ENOMEM,
 *         FFWD_ESTATE. After a failure *event is NULL, and commands that had been enqueued already
 *         end on the queue and may write Y
 */
FFWD_API ffwd_status ffwd_opencl_enqueue(ffwd_engine *engine, cl_command_queue queue,
                                         const ffwd_opencl_rows *x, const ffwd_opencl_rows *y,
                                         cl_uint wait_count, const cl_event *wait_list,
                                         cl_event *event, ffwd_error *err) FFWD_CHECKED;

/**
 * Reports the run that was enqueued last, once it has ended: chunks, rows, bytes, flops, and of a
 * queue with CL_QUEUE_PROFILING_ENABLE the times on the device, kernel_ns and, from the first
 * kernel's start to the last one's end, total_ns; else these are 0. ffwd_engine_stage has the
 * launches and times of the kernels then.
 *
 * @return FFWD_ESTATE where no run was enqueued, or the last has not ended; FFWD_EDEVICE where one
 *         of its commands failed
 */
FFWD_API ffwd_status ffwd_opencl_report(ffwd_engine *engine, ffwd_report *report,
                                        ffwd_error *err) FFWD_CHECKED;

#ifdef __cplusplus
}
#endif

#endif
