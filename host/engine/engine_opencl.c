// SPDX-License-Identifier: MIT
// Runs over rows that lie on the engine's first device: shapes checked, handed to the device,
// reported.
#include "base/memory.h"
#include "base/process.h"
#include "base/structs.h"
#include "device/device_rows.h"
#include "engine/engine.h"

/** What X and Y have in common; then their strides say what is meant, also where they are 0 or
 * never taken. */
static ffwd_status resolve(const ffwd_model *model, const char *what, ffwd_opencl_rows *rows,
                           uint64_t cols, ffwd_error *err) {
    if (rows->cols != cols) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s is [%llu][%llu], but the model has %llu %s", what,
                         (unsigned long long)rows->rows, (unsigned long long)rows->cols,
                         (unsigned long long)cols, what[0] == 'X' ? "inputs" : "outputs");
    }
    if (ffwd_dtype_size(rows->dtype) == 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "dtype %u of %s is none of f32, f64, u8", rows->dtype,
                         what);
    }
    if (what[0] == 'Y' && rows->dtype == FFWD_U8 && !ffwd_model_ends_in_step(model)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "u8 outputs need a step as the last activation");
    }
    if (rows->row_stride == 0 || rows->rows == 1) {
        rows->row_stride = (int64_t)cols;
    }
    if (rows->col_stride == 0 || cols == 1) {
        rows->col_stride = 1;
    }
    return FFWD_OK;
}

static ffwd_status check_shapes(const ffwd_model *model, const ffwd_resident *run,
                                ffwd_opencl_rows *x, ffwd_opencl_rows *y, ffwd_error *err) {
    ffwd_status status = resolve(model, "X", x, model->inputs, err);
    if (status == FFWD_OK) {
        status = resolve(model, "Y", y, model->outputs, err);
    }
    if (status == FFWD_OK && x->rows != y->rows) {
        return ffwd_fail(err, FFWD_EARGUMENT, "X has %llu rows, but Y %llu",
                         (unsigned long long)x->rows, (unsigned long long)y->rows);
    }
    if (status == FFWD_OK && (run->wait_count > 0) != (run->wait_list != NULL)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "a wait list of %u events is %s", run->wait_count,
                         run->wait_list != NULL ? "not NULL" : "NULL");
    }
    return status;
}

/** The placement that rows on a device go through. */
static ffwd_status first_placement(const ffwd_engine *engine, ffwd_placement **out,
                                   ffwd_error *err) {
    *out = engine->placements[0];
    if ((*out)->device->ops->enqueue == NULL) {
        ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
        ffwd_device_describe((*out)->device, &info);
        return ffwd_fail(err, FFWD_EARGUMENT, "the engine's device %s has no OpenCL buffers",
                         info.id);
    }
    return ffwd_device_check_fork((*out)->device, err);
}

ffwd_status ffwd_opencl_enqueue(ffwd_engine *engine, cl_command_queue queue,
                                const ffwd_opencl_rows *x, const ffwd_opencl_rows *y,
                                cl_uint wait_count, const cl_event *wait_list, cl_event *event,
                                ffwd_error *err) {
    ffwd_opencl_rows x_rows = *x, y_rows = *y;
    const ffwd_resident run = {queue, &x_rows, &y_rows, wait_list, wait_count, event};
    ffwd_placement *placement = NULL;
    ffwd_fpenv env;
    if (event != NULL) {
        *event = NULL;
    }
    ffwd_status status = first_placement(engine, &placement, err);
    if (status == FFWD_OK) {
        status = check_shapes(engine->model, &run, &x_rows, &y_rows, err);
    }
    if (status != FFWD_OK) {
        return status;
    }
    const ffwd_allocator *before = ffwd_memory_enter(&engine->allocator);
    ffwd_fpenv_enter(&env);
    const uint64_t chunk_rows = placement->chunk_rows;
    status = placement->device->ops->enqueue(placement, &run, err);
    ffwd_remember_halving(engine, chunk_rows);
    ffwd_fpenv_leave(&env);
    ffwd_memory_leave(before);
    return status;
}

ffwd_status ffwd_opencl_report(ffwd_engine *engine, ffwd_report *report, ffwd_error *err) {
    ffwd_placement *placement = NULL;
    ffwd_resident_times times = {0};
    ffwd_status status = first_placement(engine, &placement, err);
    if (status == FFWD_OK) {
        status = placement->device->ops->collect(placement, &times, err);
    }
    if (status != FFWD_OK) {
        return status;
    }
    const ffwd_report full = {
        .struct_size = sizeof full,
        .chunks = (uint32_t)times.chunks,
        .rows = times.rows,
        .bytes = times.rows * times.row_bytes,
        .flops = times.rows * placement->flops,
        .total_ns = times.total_ns,
        .setup_ns = engine->setup_ns,
        .kernel_ns = times.kernel_ns,
        .chunks_halved = times.chunks_halved,
    };
    ffwd_struct_write(report, &full, sizeof full);
    return FFWD_OK;
}
