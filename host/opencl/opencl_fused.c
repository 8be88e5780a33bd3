// SPDX-License-Identifier: MIT
// Planning all layers of a model as one kernel: which form, its program, its packed weights.
#include "opencl/opencl_fused.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/program.h"

/** Each layer is code of its own, and a part of the program's definitions. */
#define LAYERS_MAX 32

/** The forms of a device, the fastest first, the one that takes the widest rows last; then NULL. */
static const ffwd_opencl_form *const *forms_of(const ffwd_opencl_device *device) {
    static const ffwd_opencl_form *const of_cpus[] = {&ffwd_opencl_rowblock, NULL};
    static const ffwd_opencl_form *const of_gpus[] = {&ffwd_opencl_registers, &ffwd_opencl_rowtile,
                                                      NULL};
    return device->tiles->rowblock ? of_cpus : of_gpus;
}

const ffwd_opencl_form *ffwd_opencl_form_of(const ffwd_opencl_device *device,
                                            const ffwd_model *model) {
    const ffwd_opencl_form *const *form = forms_of(device);
    if (model->operation_count > LAYERS_MAX) {
        return NULL;
    }
    while (*form != NULL && !(*form)->fits(device, model)) {
        form++;
    }
    return *form;
}

static ffwd_status refuse(const ffwd_opencl_device *device, const ffwd_model *model,
                          ffwd_error *err) {
    const ffwd_opencl_form *const *form = forms_of(device);
    while (form[1] != NULL) {
        form++;
    }
    return ffwd_fail(err, FFWD_EUNSUPPORTED,
                     "%s: fused takes up to %d layers and %u values a row, not %zu and %llu",
                     device->name, LAYERS_MAX, (*form)->width_max, model->operation_count,
                     (unsigned long long)ffwd_model_widest(model));
}

size_t ffwd_opencl_define(char *definitions, size_t used, const char *format, ...) {
    va_list values;
    va_start(values, format);
    const int length =
        vsnprintf(definitions + used, FFWD_OPENCL_DEFINITIONS - used, format, values);
    va_end(values);
    return used + (size_t)length;
}

static size_t define_layers(const ffwd_model *model, char *definitions, size_t used) {
    unsigned activations = 0;
    used = ffwd_opencl_define(definitions, used, " -D LAYERS=");
    for (size_t i = 0; i < model->operation_count; i++) {
        const ffwd_operation *operation = &model->operations[i];
        activations |= 1u << operation->activation;
        used = ffwd_opencl_define(
            definitions, used, "LAYER(%u,%u,%u,%u,%u,%d)", (unsigned)operation->inputs,
            (unsigned)operation->neurons, operation->kind, operation->activation,
            (unsigned)ffwd_opencl_parameter_count(operation), i + 1 == model->operation_count);
    }
    return ffwd_opencl_define(definitions, used, " -D USED=%uu", activations);
}

static ffwd_status build(const ffwd_opencl_plan *plan, bool captured, ffwd_opencl_stage *stage,
                         ffwd_error *err) {
    const ffwd_model *model = plan->model;
    char definitions[FFWD_OPENCL_DEFINITIONS];
    size_t used = ffwd_opencl_define(definitions, 0, "-D KERNEL=%s%s%s", stage->kernel,
                                     model->dtype == FFWD_F64 ? " -D REAL_IS_F64" : "",
                                     captured ? " -D CAPTURED=1" : "");
    used = ffwd_opencl_define(definitions, used, " -D INPUTS=%u -D OUTPUTS=%u -D WIDEST=%u",
                              (unsigned)model->inputs, (unsigned)model->outputs,
                              (unsigned)ffwd_model_widest(model));
    used = plan->form->define(plan, stage, definitions, used);
    (void)define_layers(model, definitions, used);
    return ffwd_opencl_build(plan->device, plan->form->source, definitions, &stage->program, err);
}

ffwd_status ffwd_opencl_fused_stage(const ffwd_opencl_plan *plan, bool captured,
                                    ffwd_opencl_stage *stage, ffwd_error *err) {
    size_t items = plan->device->group_items;
    ffwd_status status;
    stage->kind = plan->form->kind;
    stage->layer_count = plan->model->operation_count;
    stage->group_rows = 1;
    (void)snprintf(stage->kernel, sizeof stage->kernel, "%s_%s", plan->form->name,
                   ffwd_dtype_name(plan->model->dtype));
    do {
        plan->form->shape(plan, items, stage);
        FFWD_TRY(status, build(plan, captured, stage, err));
        FFWD_TRY(status, ffwd_opencl_stage_items(plan, stage, &items, err));
    } while (stage->group_neurons > items);
cleanup:
    return status;
}

static ffwd_status place_weights(ffwd_opencl_plan *plan, ffwd_error *err) {
    ffwd_opencl_device *device = plan->device;
    const uint32_t tile = plan->form->tile(plan), fill = plan->form->line_fill;
    const uint64_t bytes = ffwd_opencl_packed_count(plan->model, tile, fill) * plan->value_bytes;
    cl_command_queue queue = NULL;
    void *packed = ffwd_alloc_zero(bytes);
    ffwd_status status;
    if (packed == NULL) {
        return ffwd_fail_memory(err, bytes, "packed weights");
    }
    ffwd_opencl_pack(plan->model, tile, fill, packed);
    FFWD_TRY(status, ffwd_opencl_queue(device, &queue, err));
    FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_READ_ONLY, bytes, NULL, &plan->packed, err));
    plan->weight_bytes = bytes;
    FFWD_TRY(status, ffwd_opencl_check(device,
                                       device->cl->clEnqueueWriteBuffer(queue, plan->packed,
                                                                        CL_TRUE, 0, (size_t)bytes,
                                                                        packed, 0, NULL, NULL),
                                       "clEnqueueWriteBuffer", "weights", err));
cleanup:
    ffwd_opencl_release_queue(device, queue);
    ffwd_free(packed);
    return status;
}

ffwd_status ffwd_opencl_fused_plan(ffwd_opencl_plan *plan, ffwd_error *err) {
    ffwd_status status;
    plan->form = ffwd_opencl_form_of(plan->device, plan->model);
    if (plan->form == NULL) {
        return refuse(plan->device, plan->model, err);
    }
    FFWD_TRY(status, ffwd_opencl_fused_stage(plan, false, &plan->stages[0], err));
    FFWD_TRY(status, place_weights(plan, err));
cleanup:
    return status;
}
