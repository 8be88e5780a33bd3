// SPDX-License-Identifier: MIT
// Runs over rows that lie on the engine's first device: shapes checked, handed to the device,
// reported.
#include "base/memory.h"
#include "base/process.h"
#include "base/structs.h"
#include "device/device_rows.h"
#include "engine/engine.h"

static bool is_dense(const ffwd_opencl_rows *rows) {
    return (rows->row_stride == 0 || rows->row_stride == (int64_t)rows->cols) &&
           (rows->col_stride == 0 || rows->col_stride == 1);
}

/** What X and Y have in common. */
static ffwd_status check_one(const ffwd_model *model, const char *what,
                             const ffwd_opencl_rows *rows, uint64_t cols, ffwd_error *err) {
    if (rows->cols != cols) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s is [%llu][%llu], but the model has %llu %s", what,
                         (unsigned long long)rows->rows, (unsigned long long)rows->cols,
                         (unsigned long long)cols, what[0] == 'X' ? "inputs" : "outputs");
    }
    if (rows->dtype != model->dtype) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "%s on the device is %s, but the model is %s",
                         what, ffwd_dtype_name(rows->dtype), ffwd_dtype_name(model->dtype));
    }
    if (!is_dense(rows)) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED,
                         "%s on the device has the strides %lld and %lld, but dense are %llu and 1",
                         what, (long long)rows->row_stride, (long long)rows->col_stride,
                         (unsigned long long)cols);
    }
    return FFWD_OK;
}

static ffwd_status check_shapes(const ffwd_model *model, const ffwd_resident *run,
                                ffwd_error *err) {
    ffwd_status status = check_one(model, "X", run->x, model->inputs, err);
    if (status == FFWD_OK) {
        status = check_one(model, "Y", run->y, model->outputs, err);
    }
    if (status == FFWD_OK && run->x->rows != run->y->rows) {
        return ffwd_fail(err, FFWD_EARGUMENT, "X has %llu rows, but Y %llu",
                         (unsigned long long)run->x->rows, (unsigned long long)run->y->rows);
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
    const ffwd_resident run = {queue, x, y, wait_list, wait_count, event};
    ffwd_placement *placement = NULL;
    ffwd_fpenv env;
    if (event != NULL) {
        *event = NULL;
    }
    ffwd_status status = first_placement(engine, &placement, err);
    if (status == FFWD_OK) {
        status = check_shapes(engine->model, &run, err);
    }
    if (status != FFWD_OK) {
        return status;
    }
    const ffwd_allocator *before = ffwd_memory_enter(&engine->allocator);
    ffwd_fpenv_enter(&env);
    status = placement->device->ops->enqueue(placement, &run, err);
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
    const ffwd_model *model = engine->model;
    const ffwd_report full = {
        .struct_size = sizeof full,
        .chunks = (uint32_t)times.chunks,
        .rows = times.rows,
        .bytes = times.rows * (model->inputs + model->outputs) * ffwd_dtype_size(model->dtype),
        .flops = times.rows * placement->flops,
        .total_ns = times.total_ns,
        .setup_ns = engine->setup_ns,
        .kernel_ns = times.kernel_ns,
    };
    ffwd_struct_write(report, &full, sizeof full);
    return FFWD_OK;
}
