// SPDX-License-Identifier: MIT
// The first launch of a plan's kernels, over a small block with known answers.
#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"
#include "opencl/probe.h"

typedef enum array_name { X, WEIGHTS, BIAS, SUMS, Y, ARRAYS } array_name;

/** A stage's block, here with its answers and on the device. */
typedef struct proof {
    const ffwd_opencl_placement *placement;
    const ffwd_opencl_stage *stage;
    const ffwd_probe_host *host;
    ffwd_probe_shape block;
    uint32_t activation;
    size_t bytes[ARRAYS];
    void *values[ARRAYS]; /**< in one allocation, that of X */
    void *got;
    cl_mem buffers[ARRAYS];
} proof;

/** Crosses the stage's tile along the rows and the neurons, and takes three steps along k, the last
 *  of them short. */
static ffwd_probe_shape shape_of(const ffwd_opencl_stage *stage) {
    if (!stage->matmul) {
        return (ffwd_probe_shape){.rows = 67, .inputs = 3, .neurons = 5};
    }
    return (ffwd_probe_shape){.rows = stage->group_rows * stage->item_rows + 3,
                              .inputs = 2 * stage->tile_k + 5,
                              .neurons = stage->group_neurons * stage->item_neurons + 3};
}

static size_t output_count(const proof *p) {
    return p->block.rows * p->block.neurons;
}

static ffwd_status allocate(proof *p, ffwd_error *err) {
    const size_t counts[ARRAYS] = {
        [X] = p->block.rows * p->block.inputs,
        [WEIGHTS] = p->block.neurons * p->block.inputs,
        [BIAS] = p->block.neurons,
        [SUMS] = output_count(p),
        [Y] = output_count(p),
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
    p->host->fill_dense(&p->block, p->values[X], p->values[WEIGHTS], p->values[BIAS]);
    p->host->add_up(&p->block, p->values[X], p->values[WEIGHTS], p->values[BIAS], p->values[SUMS]);
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
static ffwd_status check(const proof *p, array_name array, ffwd_error *err) {
    const ffwd_opencl_device *device = p->placement->plan->device;
    const char *kernel = p->stage->kernel;
    const int digits = 2 * (int)p->host->value_bytes;
    cl_int code = device->cl->clEnqueueReadBuffer(p->placement->queue, p->buffers[array], CL_TRUE,
                                                  0, p->bytes[array], p->got, 0, NULL, NULL);
    ffwd_status status = ffwd_opencl_check(device, code, "clEnqueueReadBuffer", kernel, err);
    for (size_t i = 0; i < output_count(p) && status == FFWD_OK; i++) {
        const uint64_t got = p->host->bits(p->got, i);
        const uint64_t expected = p->host->bits(p->values[array], i);
        if (got != expected) {
            status = ffwd_fail(
                err, FFWD_ENODEVICE,
                "%s: arithmetic probe: %s: %s[%zu][%zu]: got %0*llx, expected %0*llx", device->name,
                kernel, array == SUMS ? "z" : "y", i / p->block.neurons, i % p->block.neurons,
                digits, (unsigned long long)got, digits, (unsigned long long)expected);
        }
    }
    return status;
}

/** Launches the stage over the block and checks its Y. An activation takes the sums, which are in
 *  place; a matmul runs once with bias and sums, once without. */
static ffwd_status launch(const proof *p, bool bias_and_sums, ffwd_error *err) {
    const bool matmul = p->stage->matmul;
    const ffwd_opencl_operands operands = {
        .x = p->buffers[matmul ? X : SUMS],
        .y = p->buffers[Y],
        .weights = p->buffers[WEIGHTS],
        .bias = bias_and_sums ? p->buffers[BIAS] : NULL,
        .sums = bias_and_sums ? p->buffers[SUMS] : NULL,
        .rows = (cl_uint)p->block.rows,
        .inputs = (cl_uint)p->block.inputs,
        .neurons = (cl_uint)p->block.neurons,
    };
    const size_t index = (size_t)(p->stage - p->placement->plan->stages);
    ffwd_status status = ffwd_opencl_launch(p->placement, index, &operands, NULL, err);
    if (status != FFWD_OK) {
        return status;
    }
    p->host->activate(p->activation, p->values[SUMS], output_count(p), p->values[Y]);
    return check(p, Y, err);
}

static ffwd_status prove_matmul(const proof *p, ffwd_error *err) {
    ffwd_status status;
    FFWD_TRY(status, launch(p, true, err));
    FFWD_TRY(status, check(p, SUMS, err));
    p->host->add_up(&p->block, p->values[X], p->values[WEIGHTS], NULL, p->values[SUMS]);
    FFWD_TRY(status, launch(p, false, err));
cleanup:
    return status;
}

static ffwd_status prove_stage(const ffwd_opencl_placement *placement, size_t index,
                               ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    const ffwd_opencl_stage *stage = &plan->stages[index];
    proof p = {
        .placement = placement,
        .stage = stage,
        .host = plan->model->dtype == FFWD_F64 ? &ffwd_probe_f64 : &ffwd_probe_f32,
        .block = shape_of(stage),
        .activation = stage->matmul && plan->strategy == FFWD_CHAIN
                          ? FFWD_IDENTITY
                          : plan->model->operations[stage->layer].activation,
    };
    ffwd_status status;
    FFWD_TRY(status, allocate(&p, err));
    FFWD_TRY(status, place_block(&p, err));
    FFWD_TRY(status, stage->matmul ? prove_matmul(&p, err) : launch(&p, false, err));
cleanup:
    for (size_t i = 0; i < ARRAYS; i++) {
        ffwd_opencl_release_buffer(plan->device, p.buffers[i]);
    }
    ffwd_free(p.values[X]);
    return status;
}

ffwd_status ffwd_opencl_prove(const ffwd_opencl_placement *placement, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < placement->plan->stage_count && status == FFWD_OK; i++) {
        status = prove_stage(placement, i, err);
    }
    return status;
}
