// SPDX-License-Identifier: MIT
// Planning a model: tiles and programs for each stage, weights uploaded, memory counted.
#include "opencl/opencl_plan.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/program.h"

/** A work-group that fits the layer, then the device. */
static void shape_group(const ffwd_opencl_plan *plan, const ffwd_request *request,
                        ffwd_opencl_stage *stage) {
    if (stage->kind == FFWD_KERNEL_MATMUL) {
        ffwd_opencl_matmul_shape(plan, request->expected_rows, stage);
    } else {
        stage->group_rows = 1;
        stage->group_neurons = plan->device->group_items;
    }
}

static const char *const sources[] = {
    [FFWD_KERNEL_MATMUL] = "matmul.cl",
    [FFWD_KERNEL_ACTIVATION] = "activation.cl",
    [FFWD_KERNEL_AFFINE] = "activation.cl",
    [FFWD_KERNEL_ROW_OPERATION] = "row_operation.cl",
};

static ffwd_status build_stage(const ffwd_opencl_plan *plan, ffwd_opencl_stage *stage,
                               ffwd_error *err) {
    char definitions[384];
    size_t used = (size_t)snprintf(definitions, sizeof definitions,
                                   "-D KERNEL=%s%s -D KIND=%u -D ACTIVATION=%u -D AFFINE=%d",
                                   stage->kernel, plan->value_bytes == 8 ? " -D REAL_IS_F64" : "",
                                   plan->model->operations[stage->layer].kind, stage->activation,
                                   stage->kind == FFWD_KERNEL_AFFINE);
    if (stage->kind == FFWD_KERNEL_MATMUL) {
        (void)ffwd_opencl_matmul_define(stage, definitions + used, sizeof definitions - used);
    }
    return ffwd_opencl_build(plan->device, sources[stage->kind], definitions, &stage->program, err);
}

ffwd_status ffwd_opencl_stage_items(const ffwd_opencl_plan *plan, const ffwd_opencl_stage *stage,
                                    size_t *items, ffwd_error *err) {
    cl_kernel kernel = NULL;
    ffwd_status status =
        ffwd_opencl_kernel(plan->device, stage->program, stage->kernel, &kernel, err);
    if (status == FFWD_OK) {
        status = ffwd_opencl_group_items(plan->device, kernel, stage->kernel, items, err);
    }
    ffwd_opencl_release_kernel(plan->device, kernel);
    return status;
}

/** Builds a stage's program, anew for a smaller work-group where its kernel cannot have this one.
 */
static ffwd_status make_stage(const ffwd_opencl_plan *plan, const ffwd_request *request,
                              ffwd_opencl_stage *stage, ffwd_error *err) {
    size_t items = 0;
    ffwd_status status;
    shape_group(plan, request, stage);
    FFWD_TRY(status, build_stage(plan, stage, err));
    FFWD_TRY(status, ffwd_opencl_stage_items(plan, stage, &items, err));
    while (stage->group_rows * stage->group_neurons > items) {
        ffwd_opencl_halve_group(stage);
        FFWD_TRY(status, build_stage(plan, stage, err));
        FFWD_TRY(status, ffwd_opencl_stage_items(plan, stage, &items, err));
    }
cleanup:
    return status;
}

/** Stages of an operation: in a chain, a dense layer's activation is a kernel of its own. */
static size_t stages_of(const ffwd_operation *operation, uint32_t strategy) {
    return operation->kind == FFWD_DENSE && strategy == FFWD_CHAIN ? 2 : 1;
}

static ffwd_opencl_kind kernel_of(const ffwd_operation *operation, size_t part) {
    if (operation->kind == FFWD_DENSE) {
        return part == 0 ? FFWD_KERNEL_MATMUL : FFWD_KERNEL_ACTIVATION;
    }
    return operation->kind == FFWD_AFFINE ? FFWD_KERNEL_AFFINE : FFWD_KERNEL_ROW_OPERATION;
}

/** "matmul_relu_f32"; "matmul_f32", then "relu_f32"; "affine_relu_f32"; "argmax_f32". */
static void name_stage(const ffwd_opencl_plan *plan, bool with_activation,
                       ffwd_opencl_stage *stage) {
    const ffwd_operation *operation = &plan->model->operations[stage->layer];
    const char *kind = stage->kind == FFWD_KERNEL_MATMUL       ? "matmul"
                       : stage->kind == FFWD_KERNEL_ACTIVATION ? ""
                                                               : ffwd_kind_name(operation->kind);
    const char *activation = with_activation ? ffwd_activation_name(stage->activation) : "";
    (void)snprintf(stage->kernel, sizeof stage->kernel, "%s%s%s_%s", kind,
                   kind[0] != '\0' && with_activation ? "_" : "", activation,
                   ffwd_dtype_name(plan->model->dtype));
}

static ffwd_status make_stages(ffwd_opencl_plan *plan, const ffwd_request *request,
                               ffwd_error *err) {
    ffwd_opencl_stage *stage = plan->stages;
    ffwd_status status = FFWD_OK;
    for (size_t i = 0; i < plan->model->operation_count; i++) {
        const ffwd_operation *operation = &plan->model->operations[i];
        const size_t count = stages_of(operation, plan->strategy);
        plan->layers[i].first_stage = (size_t)(stage - plan->stages);
        for (size_t part = 0; part < count; part++, stage++) {
            const bool last = part + 1 == count;
            stage->layer = i;
            stage->layer_count = 1;
            stage->kind = kernel_of(operation, part);
            stage->activation = last ? operation->activation : FFWD_IDENTITY;
            name_stage(plan, last && !ffwd_needs_row(operation->kind), stage);
            FFWD_TRY(status, make_stage(plan, request, stage, err));
        }
    }
cleanup:
    return status;
}

bool ffwd_opencl_in_place(const ffwd_opencl_device *device, const void *data) {
    return device->shares_memory && (uintptr_t)data % device->rows_alignment == 0;
}

/** Puts an array of the model on the device: the model's own memory where that is shared. */
static ffwd_status place_array(ffwd_opencl_plan *plan, cl_command_queue queue, const void *values,
                               uint64_t bytes, cl_mem *out, ffwd_error *err) {
    ffwd_opencl_device *device = plan->device;
    if (ffwd_opencl_in_place(device, values)) {
        return ffwd_opencl_buffer(device, CL_MEM_READ_ONLY, bytes, ffwd_unconst(values), out, err);
    }
    ffwd_status status = ffwd_opencl_buffer(device, CL_MEM_READ_ONLY, bytes, NULL, out, err);
    if (status != FFWD_OK) {
        return status;
    }
    plan->weight_bytes += bytes;
    return ffwd_opencl_check(device,
                             device->cl->clEnqueueWriteBuffer(queue, *out, CL_TRUE, 0,
                                                              (size_t)bytes, values, 0, NULL, NULL),
                             "clEnqueueWriteBuffer", "weights", err);
}

/** Puts an array of the model on the device, where there is one. */
static ffwd_status place_values(ffwd_opencl_plan *plan, cl_command_queue queue, const void *values,
                                uint64_t count, cl_mem *out, ffwd_error *err) {
    return values == NULL ? FFWD_OK
                          : place_array(plan, queue, values, count * plan->value_bytes, out, err);
}

static ffwd_opencl_value value_of(const ffwd_opencl_plan *plan, double value) {
    return plan->model->dtype == FFWD_F64 ? (ffwd_opencl_value){.f64 = value}
                                          : (ffwd_opencl_value){.f32 = (cl_float)value};
}

static ffwd_status place_layer(ffwd_opencl_plan *plan, cl_command_queue queue, size_t index,
                               ffwd_error *err) {
    const ffwd_operation *operation = &plan->model->operations[index];
    ffwd_opencl_layer *layer = &plan->layers[index];
    const uint64_t lines = operation->kind == FFWD_DENSE ? operation->neurons : 1;
    uint64_t count, bytes = 0;
    ffwd_status status = FFWD_OK;
    if (!ffwd_multiply(operation->inputs, lines, &count) ||
        !ffwd_multiply(count, plan->value_bytes, &bytes) || bytes > plan->device->buffer_bytes) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED,
                         "%s: layer %zu has %llu x %llu weights, but a buffer has %llu bytes",
                         plan->device->name, index + 1, (unsigned long long)lines,
                         (unsigned long long)operation->inputs,
                         (unsigned long long)plan->device->buffer_bytes);
    }
    layer->inputs = (cl_uint)operation->inputs;
    layer->neurons = (cl_uint)operation->neurons;
    layer->alpha = value_of(plan, operation->alpha);
    layer->beta = value_of(plan, operation->beta);
    if (plan->strategy == FFWD_FUSED) {
        return FFWD_OK;
    }
    FFWD_TRY(status, place_values(plan, queue, operation->weights, count, &layer->weights, err));
    FFWD_TRY(status,
             place_values(plan, queue, operation->bias, operation->neurons, &layer->bias, err));
    FFWD_TRY(status,
             place_values(plan, queue, operation->slopes, operation->neurons, &layer->slopes, err));
cleanup:
    return status;
}

static ffwd_status place_layers(ffwd_opencl_plan *plan, ffwd_error *err) {
    cl_command_queue queue = NULL;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_queue(plan->device, &queue, err));
    for (size_t i = 0; i < plan->model->operation_count; i++) {
        FFWD_TRY(status, place_layer(plan, queue, i, err));
    }
cleanup:
    ffwd_opencl_release_queue(plan->device, queue);
    return status;
}

/** An operation writes another slot than it reads; in a chain a dense layer's input is consumed
 *  before its activation writes. */
static void choose_slots(ffwd_opencl_plan *plan) {
    ffwd_opencl_slot slot = FFWD_SLOT_ODD;
    for (size_t i = 0; i < plan->model->operation_count; i++) {
        const bool consumed =
            plan->strategy == FFWD_CHAIN && plan->model->operations[i].kind == FFWD_DENSE;
        if (i == 0 || !consumed) {
            slot = slot == FFWD_SLOT_ODD ? FFWD_SLOT_EVEN : FFWD_SLOT_ODD;
        }
        plan->layers[i].slot = slot;
    }
}

static void count_memory(ffwd_opencl_plan *plan, const ffwd_request *request) {
    uint64_t *values = plan->slot_values;
    values[FFWD_SLOT_X] = plan->model->inputs;
    values[FFWD_SLOT_Y] = plan->model->outputs;
    choose_slots(plan);
    for (size_t i = 0; i < plan->model->operation_count; i++) {
        uint64_t neurons = plan->layers[i].neurons;
        if (plan->strategy == FFWD_FUSED) {
            values[FFWD_SLOT_SUMS] += 2 * neurons; // z and y of all layers
            continue;
        }
        values[FFWD_SLOT_SUMS] = ffwd_max(values[FFWD_SLOT_SUMS], neurons);
        if (i + 1 < plan->model->operation_count) {
            const ffwd_opencl_slot slot = plan->layers[i].slot;
            values[slot] = ffwd_max(values[slot], neurons);
        }
    }
    ffwd_opencl_size_chunk(plan, request);
}

static ffwd_status allocate(const ffwd_model *model, uint32_t strategy, ffwd_opencl_plan **out,
                            ffwd_error *err) {
    ffwd_opencl_plan *plan = ffwd_alloc_zero(sizeof *plan);
    if (plan == NULL) {
        return ffwd_fail_memory(err, sizeof *plan, "the plan");
    }
    *out = plan;
    atomic_init(&plan->references, 1);
    plan->model = model;
    plan->strategy = strategy;
    plan->value_bytes = ffwd_dtype_size(model->dtype);
    plan->stage_count = strategy == FFWD_FUSED;
    for (size_t i = 0; i < model->operation_count && strategy != FFWD_FUSED; i++) {
        plan->stage_count += stages_of(&model->operations[i], strategy);
    }
    const uint64_t stage_bytes = plan->stage_count * sizeof *plan->stages;
    const uint64_t layer_bytes = model->operation_count * sizeof *plan->layers;
    plan->stages = ffwd_alloc_zero(stage_bytes);
    plan->layers = ffwd_alloc_zero(layer_bytes);
    if (plan->stages == NULL || plan->layers == NULL) {
        return ffwd_fail_memory(err, stage_bytes + layer_bytes, "the plan");
    }
    return FFWD_OK;
}

ffwd_status ffwd_opencl_plan_create(ffwd_opencl_device *device, const ffwd_model *model,
                                    const ffwd_request *request, ffwd_opencl_plan **out,
                                    ffwd_error *err) {
    const uint32_t strategy = request->strategy != FFWD_STRATEGY_AUTO      ? request->strategy
                              : ffwd_opencl_form_of(device, model) != NULL ? FFWD_FUSED
                                                                           : FFWD_LAYERED;
    ffwd_opencl_plan *plan = NULL;
    ffwd_status status;
    *out = NULL;
    FFWD_TRY(status, allocate(model, strategy, &plan, err));
    plan->device = device;
    plan->pipelined = device->pipelined && !request->resident;
    FFWD_TRY(status, place_layers(plan, err));
    FFWD_TRY(status, strategy == FFWD_FUSED ? ffwd_opencl_fused_plan(plan, err)
                                            : make_stages(plan, request, err));
    count_memory(plan, request);
    *out = plan;
    return FFWD_OK;
cleanup:
    ffwd_opencl_plan_release(plan);
    return status;
}

ffwd_opencl_plan *ffwd_opencl_plan_retain(ffwd_opencl_plan *plan) {
    atomic_fetch_add(&plan->references, 1);
    return plan;
}

/** Plans of lost devices. A kernel that is still at work may read weights where they lie in the
 * model, so the model stays. */
static _Atomic(ffwd_opencl_plan *) kept;

static void keep(ffwd_opencl_plan *plan) {
    (void)ffwd_model_retain(plan->model);
    plan->next_kept = atomic_load(&kept);
    while (!atomic_compare_exchange_weak(&kept, &plan->next_kept, plan)) {
    }
}

void ffwd_opencl_plan_release(ffwd_opencl_plan *plan) {
    if (plan == NULL || atomic_fetch_sub(&plan->references, 1) != 1) {
        return;
    }
    for (size_t i = 0; plan->layers != NULL && i < plan->model->operation_count; i++) {
        ffwd_opencl_release_buffer(plan->device, plan->layers[i].weights);
        ffwd_opencl_release_buffer(plan->device, plan->layers[i].bias);
        ffwd_opencl_release_buffer(plan->device, plan->layers[i].slopes);
    }
    ffwd_opencl_release_buffer(plan->device, plan->packed);
    ffwd_free(plan->layers);
    ffwd_free(plan->stages);
    if (plan->device != NULL && ffwd_opencl_device_is_lost(plan->device)) {
        keep(plan);
    } else {
        ffwd_free(plan);
    }
}
