// SPDX-License-Identifier: MIT
// The first launch of a plan's kernels, over a small block with known answers.
#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_placement.h"
#include "opencl/probe.h"

typedef enum array_name { X, WEIGHTS, BIAS, SLOPES, SUMS, Y, ARRAYS } array_name;

/** A stage's block, here with its answers and on the device. */
typedef struct proof {
    const ffwd_opencl_placement *placement;
    const ffwd_opencl_stage *stage;
    const ffwd_probe_host *host;
    ffwd_probe_shape block;
    ffwd_operation operation; /**< what the stage computes, over `values` */
    ffwd_opencl_layer layer;  /**< the same over `buffers` */
    size_t bytes[ARRAYS];     /**< 0: there is no such array */
    void *values[ARRAYS];     /**< in one allocation, that of X */
    void *got;
    cl_mem buffers[ARRAYS];
} proof;

/** Crosses the stage's tile along the rows and the neurons, and takes three steps along k, the last
 *  of them short. */
static ffwd_probe_shape shape_of(const ffwd_opencl_stage *stage, const ffwd_operation *operation) {
    if (stage->kind != FFWD_KERNEL_MATMUL) {
        return (ffwd_probe_shape){
            .rows = 67, .inputs = 5, .neurons = (size_t)ffwd_row_outputs(operation->kind, 5)};
    }
    return (ffwd_probe_shape){.rows = stage->group_rows * stage->item_rows + 3,
                              .inputs = 2 * stage->tile_k + 5,
                              .neurons = stage->group_neurons * stage->item_neurons + 3};
}

static size_t output_count(const proof *p) {
    return p->block.rows * p->block.neurons;
}

static ffwd_status allocate(proof *p, ffwd_error *err) {
    const bool matmul = p->stage->kind == FFWD_KERNEL_MATMUL;
    const bool affine = p->stage->kind == FFWD_KERNEL_AFFINE;
    const size_t counts[ARRAYS] = {
        [X] = p->block.rows * p->block.inputs,
        [WEIGHTS] = matmul   ? p->block.neurons * p->block.inputs
                    : affine ? p->block.inputs
                             : 0,
        [BIAS] = matmul || affine ? p->block.neurons : 0,
        [SLOPES] = p->stage->activation == FFWD_PRELU ? p->block.neurons : 0,
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

static void fill_block(const proof *p) {
    if (p->stage->kind == FFWD_KERNEL_MATMUL) {
        p->host->fill_dense(&p->block, p->values[X], p->values[WEIGHTS], p->values[BIAS]);
    } else {
        for (array_name array = X; array <= BIAS; array++) {
            p->host->fill_values(p->values[array], p->bytes[array] / p->host->value_bytes);
        }
    }
    p->host->fill_values(p->values[SLOPES], p->bytes[SLOPES] / p->host->value_bytes);
}

/** Brings the block to the device. */
static ffwd_status place_block(proof *p, ffwd_error *err) {
    ffwd_opencl_device *device = p->placement->plan->device;
    ffwd_status status = FFWD_OK;
    fill_block(p);
    for (size_t i = 0; i < ARRAYS; i++) {
        if (p->bytes[i] == 0) {
            continue;
        }
        FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_READ_WRITE, p->bytes[i], NULL,
                                            &p->buffers[i], err));
        cl_int code = device->cl->clEnqueueWriteBuffer(p->placement->queue, p->buffers[i], CL_TRUE,
                                                       0, p->bytes[i], p->values[i], 0, NULL, NULL);
        FFWD_TRY(status, ffwd_opencl_check(device, code, "clEnqueueWriteBuffer", "probe", err));
    }
cleanup:
    return status;
}

/** Which value of a matrix it is. */
typedef struct result {
    const char *matrix;
    size_t row, neuron;
} result;

static ffwd_status compare(const ffwd_opencl_device *device, const ffwd_probe_host *host,
                           const char *kernel, const result *where, uint64_t got, uint64_t expected,
                           ffwd_error *err) {
    const int digits = 2 * (int)host->value_bytes;
    if (got == expected) {
        return FFWD_OK;
    }
    return ffwd_fail(err, FFWD_ENODEVICE,
                     "%s: arithmetic probe: %s: %s[%zu][%zu]: got %0*llx, expected %0*llx",
                     device->name, kernel, where->matrix, where->row, where->neuron, digits,
                     (unsigned long long)got, digits, (unsigned long long)expected);
}

/** Compares what a kernel left in SUMS or Y with its answers. */
static ffwd_status check(const proof *p, array_name array, ffwd_error *err) {
    ffwd_opencl_device *device = p->placement->plan->device;
    const char *kernel = p->stage->kernel;
    cl_int code = device->cl->clEnqueueReadBuffer(p->placement->queue, p->buffers[array], CL_TRUE,
                                                  0, p->bytes[array], p->got, 0, NULL, NULL);
    ffwd_status status = ffwd_opencl_check(device, code, "clEnqueueReadBuffer", kernel, err);
    for (size_t i = 0; i < output_count(p) && status == FFWD_OK; i++) {
        const result where = {array == SUMS ? "z" : "y", i / p->block.neurons,
                              i % p->block.neurons};
        status = compare(device, p->host, kernel, &where, p->host->bits(p->got, i),
                         p->host->bits(p->values[array], i), err);
    }
    return status;
}

/** Names the arrays that take part: an absent one is NULL here and on the device. */
static void bind(proof *p, bool weights, bool bias) {
    weights = weights && p->bytes[WEIGHTS] > 0;
    bias = bias && p->bytes[BIAS] > 0;
    p->operation.weights = weights ? p->values[WEIGHTS] : NULL;
    p->operation.bias = bias ? p->values[BIAS] : NULL;
    p->operation.slopes = p->bytes[SLOPES] > 0 ? p->values[SLOPES] : NULL;
    p->layer.weights = weights ? p->buffers[WEIGHTS] : NULL;
    p->layer.bias = bias ? p->buffers[BIAS] : NULL;
    p->layer.slopes = p->buffers[SLOPES];
}

/** Launches the stage over the block, and checks its Y and, where they are wanted, its sums. */
static ffwd_status launch(const proof *p, bool sums, ffwd_error *err) {
    const ffwd_opencl_operands operands = {
        .x = p->buffers[X],
        .y = p->buffers[Y],
        .layer = &p->layer,
        .sums = sums ? p->buffers[SUMS] : NULL,
        .rows = (cl_uint)p->block.rows,
        .queue = p->placement->queue,
    };
    const size_t index = (size_t)(p->stage - p->placement->plan->stages);
    ffwd_status status;
    p->host->sums(&p->operation, p->block.rows, p->values[X], p->values[SUMS]);
    p->host->outputs(&p->operation, p->block.rows, p->values[SUMS], p->values[Y]);
    FFWD_TRY(status, ffwd_opencl_launch(p->placement, index, &operands, NULL, err));
    FFWD_TRY(status, check(p, Y, err));
    if (sums) {
        FFWD_TRY(status, check(p, SUMS, err));
    }
cleanup:
    return status;
}

/** Fewer inputs than a step along k, read from the start of the same arrays. Of a kernel whose loop
 * over further steps is never entered then, PoCL 3.1 ran what stands behind the loop twice. */
static void shorten(proof *p) {
    p->block.inputs = p->stage->tile_k - 1;
    p->operation.inputs = p->block.inputs;
    p->layer.inputs = (cl_uint)p->block.inputs;
}

/** With all arrays, then without those that a layer may lack. */
static ffwd_status prove_rounds(proof *p, ffwd_error *err) {
    const bool affine = p->stage->kind == FFWD_KERNEL_AFFINE;
    const bool sums = affine || p->stage->kind == FFWD_KERNEL_MATMUL;
    ffwd_status status;
    bind(p, true, true);
    FFWD_TRY(status, launch(p, sums, err));
    if (sums) {
        bind(p, true, false);
        FFWD_TRY(status, launch(p, false, err));
    }
    if (p->stage->kind == FFWD_KERNEL_MATMUL) {
        shorten(p);
        FFWD_TRY(status, launch(p, false, err));
    }
    if (affine) {
        bind(p, false, true);
        FFWD_TRY(status, launch(p, false, err));
    }
cleanup:
    return status;
}

/** What a stage computes on rows of the block: an activation is an affine map of nothing. */
static ffwd_operation operation_of(const ffwd_opencl_stage *stage, const ffwd_operation *operation,
                                   const ffwd_probe_shape *block) {
    const bool activation = stage->kind == FFWD_KERNEL_ACTIVATION;
    return (ffwd_operation){.kind = activation ? FFWD_AFFINE : operation->kind,
                            .activation = stage->activation,
                            .inputs = block->inputs,
                            .neurons = block->neurons,
                            .alpha = operation->alpha,
                            .beta = operation->beta};
}

static ffwd_status prove_stage(const ffwd_opencl_placement *placement, size_t index,
                               ffwd_error *err) {
    const ffwd_opencl_plan *plan = placement->plan;
    const ffwd_opencl_stage *stage = &plan->stages[index];
    const ffwd_operation *operation = &plan->model->operations[stage->layer];
    proof p = {
        .placement = placement,
        .stage = stage,
        .host = plan->model->dtype == FFWD_F64 ? &ffwd_probe_f64 : &ffwd_probe_f32,
        .block = shape_of(stage, operation),
        .layer = plan->layers[stage->layer],
    };
    ffwd_status status;
    p.operation = operation_of(stage, operation, &p.block);
    p.layer.inputs = (cl_uint)p.block.inputs;
    p.layer.neurons = (cl_uint)p.block.neurons;
    FFWD_TRY(status, allocate(&p, err));
    FFWD_TRY(status, place_block(&p, err));
    FFWD_TRY(status, prove_rounds(&p, err));
cleanup:
    for (size_t i = 0; i < ARRAYS; i++) {
        ffwd_opencl_release_buffer(plan->device, p.buffers[i]);
    }
    ffwd_free(p.values[X]);
    return status;
}

/* A kernel of all layers proves itself with the model's own weights, over a block and the start of
 * another. */

typedef struct model_proof {
    const ffwd_opencl_placement *placement;
    const ffwd_probe_host *host;
    size_t rows, inputs, outputs;
    size_t captured;           /**< values a row of all captures; 0: none are made */
    unsigned char *x;          /**< in one allocation with the next */
    unsigned char *y;          /**< also what the kernel made of it */
    unsigned char *captures;   /**< z and y of one layer after the other, [rows][neurons] each */
    unsigned char *between[2]; /**< of one row */
    cl_mem x_buffer, y_buffer, captures_buffer;
} model_proof;

static size_t bytes_of_rows(const model_proof *p, size_t values) {
    return p->rows * values * p->host->value_bytes;
}

/** Room for the rows, and twice for two rows of the widest layer. */
static ffwd_status allocate_rows(model_proof *p, ffwd_error *err) {
    const size_t widest =
        (size_t)ffwd_model_widest(p->placement->plan->model) * p->host->value_bytes;
    const size_t bytes = bytes_of_rows(p, p->inputs + p->outputs + p->captured) + 4 * widest;
    p->x = ffwd_alloc_zero(bytes);
    if (p->x == NULL) {
        return ffwd_fail_memory(err, bytes, "the probe");
    }
    p->y = p->x + bytes_of_rows(p, p->inputs);
    p->captures = p->y + bytes_of_rows(p, p->outputs);
    p->between[0] = p->captures + bytes_of_rows(p, p->captured);
    p->between[1] = p->between[0] + 2 * widest;
    return FFWD_OK;
}

static ffwd_status make_buffers(model_proof *p, ffwd_error *err) {
    ffwd_opencl_device *device = p->placement->plan->device;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_READ_WRITE, bytes_of_rows(p, p->inputs),
                                        NULL, &p->x_buffer, err));
    FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_READ_WRITE, bytes_of_rows(p, p->outputs),
                                        NULL, &p->y_buffer, err));
    if (p->captured > 0) {
        FFWD_TRY(status,
                 ffwd_opencl_buffer(device, CL_MEM_READ_WRITE, bytes_of_rows(p, p->captured), NULL,
                                    &p->captures_buffer, err));
    }
cleanup:
    return status;
}

static ffwd_status read_back(const model_proof *p, cl_mem buffer, size_t bytes, void *values,
                             ffwd_error *err) {
    ffwd_opencl_device *device = p->placement->plan->device;
    cl_int code = device->cl->clEnqueueReadBuffer(p->placement->queue, buffer, CL_TRUE, 0, bytes,
                                                  values, 0, NULL, NULL);
    return ffwd_opencl_check(device, code, "clEnqueueReadBuffer",
                             p->placement->plan->stages[0].kernel, err);
}

/** Runs the kernel; Y is in p->y then, and what it captured in p->captures. */
static ffwd_status run_rows(model_proof *p, ffwd_error *err) {
    ffwd_opencl_device *device = p->placement->plan->device;
    const ffwd_probe_shape shape = {.rows = p->rows, .inputs = p->inputs, .neurons = 2};
    ffwd_status status;
    p->host->fill_dense(&shape, p->x, p->between[0], p->between[1]);
    FFWD_TRY(status, make_buffers(p, err));
    cl_int code =
        device->cl->clEnqueueWriteBuffer(p->placement->queue, p->x_buffer, CL_TRUE, 0,
                                         bytes_of_rows(p, p->inputs), p->x, 0, NULL, NULL);
    FFWD_TRY(status, ffwd_opencl_check(device, code, "clEnqueueWriteBuffer", "probe", err));
    const ffwd_opencl_operands operands = {.x = p->x_buffer,
                                           .y = p->y_buffer,
                                           .sums = p->captures_buffer,
                                           .rows = (cl_uint)p->rows,
                                           .queue = p->placement->queue};
    FFWD_TRY(status, ffwd_opencl_launch(p->placement, 0, &operands, NULL, err));
    FFWD_TRY(status, read_back(p, p->y_buffer, bytes_of_rows(p, p->outputs), p->y, err));
    if (p->captured > 0) {
        FFWD_TRY(status,
                 read_back(p, p->captures_buffer, bytes_of_rows(p, p->captured), p->captures, err));
    }
cleanup:
    return status;
}

/** A row of a matrix that the kernel made. */
static ffwd_status check_values(const model_proof *p, const char *matrix, size_t row,
                                size_t neurons, const void *got, const void *expected,
                                ffwd_error *err) {
    const ffwd_opencl_plan *plan = p->placement->plan;
    ffwd_status status = FFWD_OK;
    for (size_t o = 0; o < neurons && status == FFWD_OK; o++) {
        const result where = {matrix, row, o};
        status = compare(plan->device, p->host, plan->stages[0].kernel, &where,
                         p->host->bits(got, row * neurons + o), p->host->bits(expected, o), err);
    }
    return status;
}

/** The same of a capture, behind which *at points then. */
static ffwd_status check_capture(const model_proof *p, const char *matrix, size_t row,
                                 size_t neurons, const unsigned char **at, const void *expected,
                                 ffwd_error *err) {
    const unsigned char *got = *at;
    if (p->captured == 0) {
        return FFWD_OK;
    }
    *at += bytes_of_rows(p, neurons);
    return check_values(p, matrix, row, neurons, got, expected, err);
}

/** Computes a row in the contract's order, and compares what there is of it. */
static ffwd_status check_row(const model_proof *p, size_t row, ffwd_error *err) {
    const ffwd_model *model = p->placement->plan->model;
    const unsigned char *captures = p->captures;
    const void *here = p->x + row * p->inputs * p->host->value_bytes;
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < model->operation_count; i++) {
        const ffwd_operation *operation = &model->operations[i];
        const size_t neurons = (size_t)operation->neurons;
        void *there = p->between[i % 2];
        p->host->sums(operation, 1, here, there);
        FFWD_TRY(status, check_capture(p, "captured z", row, neurons, &captures, there, err));
        p->host->outputs(operation, 1, there, there);
        FFWD_TRY(status, check_capture(p, "captured y", row, neurons, &captures, there, err));
        here = there;
    }
    status = check_values(p, "y", row, p->outputs, p->y, here, err);
cleanup:
    return status;
}

/** Only some rows are checked: the scalar answers of a wide network take long. */
static ffwd_status prove_model(const ffwd_opencl_placement *placement, size_t captured,
                               ffwd_error *err) {
    const ffwd_model *model = placement->plan->model;
    const size_t block_rows = captured > 0 ? placement->capturing_stage.block_rows
                                           : placement->plan->stages[0].block_rows;
    const size_t checked[] = {0, 1, block_rows / 2, block_rows - 1, block_rows, block_rows + 2};
    model_proof p = {
        .placement = placement,
        .host = model->dtype == FFWD_F64 ? &ffwd_probe_f64 : &ffwd_probe_f32,
        .rows = block_rows + 3,
        .inputs = (size_t)model->inputs,
        .outputs = (size_t)model->outputs,
        .captured = captured,
    };
    ffwd_status status;
    FFWD_TRY(status, allocate_rows(&p, err));
    FFWD_TRY(status, run_rows(&p, err));
    for (size_t i = 0; i < sizeof checked / sizeof checked[0]; i++) {
        FFWD_TRY(status, check_row(&p, checked[i], err));
    }
cleanup:
    ffwd_opencl_release_buffer(placement->plan->device, p.x_buffer);
    ffwd_opencl_release_buffer(placement->plan->device, p.y_buffer);
    ffwd_opencl_release_buffer(placement->plan->device, p.captures_buffer);
    ffwd_free(p.x);
    return status;
}

ffwd_status ffwd_opencl_prove_captures(const ffwd_opencl_placement *placement, ffwd_error *err) {
    return prove_model(placement, (size_t)placement->plan->slot_values[FFWD_SLOT_SUMS], err);
}

ffwd_status ffwd_opencl_prove(const ffwd_opencl_placement *placement, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    if (placement->plan->strategy == FFWD_FUSED) {
        return prove_model(placement, 0, err);
    }
    for (size_t i = 0; i < placement->plan->stage_count && status == FFWD_OK; i++) {
        status = prove_stage(placement, i, err);
    }
    return status;
}
