// SPDX-License-Identifier: MIT
// The first launch of a plan's kernels, over a small block with known answers.
#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"
#include "opencl/probe.h"

/** The block crosses tiles of up to 64 rows and takes three steps of 16 along k, the last short. */
static const ffwd_probe_shape block = {.rows = 67, .inputs = 37, .neurons = 5};

typedef enum array_name { X, WEIGHTS, BIAS, SUMS, Y, ARRAYS } array_name;

/** The block, here with its answers and on the device. */
typedef struct proof {
    const ffwd_opencl_placement *placement;
    const ffwd_probe_host *host;
    size_t bytes[ARRAYS];
    void *values[ARRAYS]; /**< in one allocation, that of X */
    void *got;
    cl_mem buffers[ARRAYS];
} proof;

static ffwd_status allocate(proof *p, ffwd_error *err) {
    const size_t counts[ARRAYS] = {
        [X] = block.rows * block.inputs,  [WEIGHTS] = block.neurons * block.inputs,
        [BIAS] = block.neurons,           [SUMS] = block.rows * block.neurons,
        [Y] = block.rows * block.neurons,
    };
    size_t bytes = 0;
    for (size_t i = 0; i < ARRAYS; i++) {
        p->bytes[i] = counts[i] * p->host->value_bytes;
        bytes += p->bytes[i];
    }
    char *at = ffwd_alloc_zero(bytes + p->bytes[Y]);
    if (at == NULL) {
        return ffwd_fail_memory(err, bytes + p->bytes[Y], "the probe");
    }
    for (size_t i = 0; i < ARRAYS; i++) {
        p->values[i] = at;
        at += p->bytes[i];
    }
    p->got = at;
    return FFWD_OK;
}

/** Fills the block and brings it to the device. */
static ffwd_status place_block(proof *p, ffwd_error *err) {
    const ffwd_opencl_device *device = p->placement->plan->device;
    ffwd_status status = FFWD_OK;
    p->host->fill_dense(&block, p->values[X], p->values[WEIGHTS], p->values[BIAS]);
    p->host->add_up(&block, p->values[X], p->values[WEIGHTS], p->values[BIAS], p->values[SUMS]);
    for (size_t i = 0; i < ARRAYS; i++) {
        FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_READ_WRITE, p->bytes[i], NULL,
                                            &p->buffers[i], err));
        cl_int code = device->cl->clEnqueueWriteBuffer(p->placement->queue, p->buffers[i], CL_TRUE,
                                                       0, p->bytes[i], p->values[i], 0, NULL, NULL);
        FFWD_TRY(status, ffwd_opencl_check(device, code, "clEnqueueWriteBuffer", "probe", err));
    }
cleanup:
    return status;
}

/** Compares what a kernel left in SUMS or Y with its answers. */
static ffwd_status check(const proof *p, array_name array, const char *kernel, ffwd_error *err) {
    const ffwd_opencl_device *device = p->placement->plan->device;
    const int digits = 2 * (int)p->host->value_bytes;
    cl_int code = device->cl->clEnqueueReadBuffer(p->placement->queue, p->buffers[array], CL_TRUE,
                                                  0, p->bytes[array], p->got, 0, NULL, NULL);
    ffwd_status status = ffwd_opencl_check(device, code, "clEnqueueReadBuffer", kernel, err);
    for (size_t i = 0; i < block.rows * block.neurons && status == FFWD_OK; i++) {
        const uint64_t got = p->host->bits(p->got, i);
        const uint64_t expected = p->host->bits(p->values[array], i);
        if (got != expected) {
            status = ffwd_fail(
                err, FFWD_ENODEVICE,
                "%s: arithmetic probe: %s: %s[%zu][%zu]: got %0*llx, expected %0*llx", device->name,
                kernel, array == SUMS ? "z" : "y", i / block.neurons, i % block.neurons, digits,
                (unsigned long long)got, digits, (unsigned long long)expected);
        }
    }
    return status;
}

/** Launches a stage over the block. An activation takes the sums, which are in place. */
static ffwd_status prove_stage(const proof *p, size_t index, ffwd_error *err) {
    const ffwd_opencl_plan *plan = p->placement->plan;
    const ffwd_opencl_stage *stage = &plan->stages[index];
    const uint32_t activation = stage->matmul && plan->strategy == FFWD_CHAIN
                                    ? FFWD_IDENTITY
                                    : plan->model->operations[stage->layer].activation;
    const ffwd_opencl_operands operands = {
        .x = p->buffers[stage->matmul ? X : SUMS],
        .y = p->buffers[Y],
        .weights = p->buffers[WEIGHTS],
        .bias = p->buffers[BIAS],
        .sums = p->buffers[SUMS],
        .rows = (cl_uint)block.rows,
        .inputs = (cl_uint)block.inputs,
        .neurons = (cl_uint)block.neurons,
    };
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_launch(p->placement, index, &operands, NULL, err));
    p->host->activate(activation, p->values[SUMS], block.rows * block.neurons, p->values[Y]);
    FFWD_TRY(status, check(p, SUMS, stage->kernel, err));
    FFWD_TRY(status, check(p, Y, stage->kernel, err));
cleanup:
    return status;
}

ffwd_status ffwd_opencl_prove(const ffwd_opencl_placement *placement, ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    proof p = {
        .placement = placement,
        .host = plan->model->dtype == FFWD_F64 ? &ffwd_probe_f64 : &ffwd_probe_f32,
    };
    ffwd_status status;
    FFWD_TRY(status, allocate(&p, err));
    FFWD_TRY(status, place_block(&p, err));
    for (size_t i = 0; i < plan->stage_count; i++) {
        FFWD_TRY(status, prove_stage(&p, i, err));
    }
cleanup:
    for (size_t i = 0; i < ARRAYS; i++) {
        ffwd_opencl_release_buffer(plan->device, p.buffers[i]);
    }
    ffwd_free(p.values[X]);
    return status;
}
