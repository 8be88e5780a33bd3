// SPDX-License-Identifier: MIT
// Making, checking, counting and describing models.
#include "model/model.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/structs.h"

/** No address space holds a wider row; up to here, bytes of a block of rows fit in 64 bits. */
#define WIDTH_MAX (1ull << 48)

/** Adds an operation's numbers to the model's; false where they do not fit. */
static bool count_operation(ffwd_model *model, const ffwd_operation *operation) {
    uint64_t weights, parameters, bytes;
    return ffwd_operation_count(operation, &weights, &parameters) &&
           ffwd_add(model->parameters, parameters, &model->parameters) &&
           ffwd_multiply(model->parameters, 2 * sizeof(double), &bytes) &&
           ffwd_add(model->flops, ffwd_operation_flops(operation), &model->flops);
}

/** A copy of an array of the caller's; NULL of NULL. */
static ffwd_status copy_values(const void *values, uint64_t count, uint32_t dtype,
                               const void **copy, ffwd_error *err) {
    uint64_t bytes = count * ffwd_dtype_size(dtype);
    *copy = NULL;
    if (values == NULL) {
        return FFWD_OK;
    }
    void *block = ffwd_alloc(bytes);
    if (block == NULL) {
        return ffwd_fail_memory(err, bytes, "weights");
    }
    memcpy(block, values, (size_t)bytes);
    *copy = block;
    return FFWD_OK;
}

static ffwd_status add_operation(ffwd_model *model, ffwd_operation *operation, ffwd_error *err) {
    size_t layer = model->operation_count + 1;
    ffwd_status status = ffwd_operation_check(operation, layer, model->outputs, model->dtype, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (!count_operation(model, operation)) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "layer %zu: %llu x %llu weights do not fit", layer,
                         (unsigned long long)operation->neurons,
                         (unsigned long long)operation->inputs);
    }
    const uint64_t neurons = operation->neurons;
    const uint64_t weights =
        operation->kind == FFWD_DENSE ? neurons * operation->inputs : operation->inputs;
    ffwd_operation *own = &model->operations[model->operation_count++];
    *own = *operation;
    own->weights = NULL;
    own->bias = NULL;
    own->slopes = NULL;
    model->outputs = neurons;
    FFWD_TRY(status, copy_values(operation->weights, weights, model->dtype, &own->weights, err));
    FFWD_TRY(status, copy_values(operation->bias, neurons, model->dtype, &own->bias, err));
    FFWD_TRY(status, copy_values(operation->slopes, neurons, model->dtype, &own->slopes, err));
cleanup:
    return status;
}

/** Operation `index` of an array of structures that may be older or newer than ours. */
static ffwd_status read_operation(const ffwd_operation *operations, size_t index, size_t size,
                                  ffwd_operation *operation, ffwd_error *err) {
    const unsigned char *given = (const unsigned char *)operations + index * size;
    for (size_t i = sizeof *operation; i < size; i++) {
        if (given[i] != 0) {
            return ffwd_fail(err, FFWD_EARGUMENT,
                             "layer %zu: an operation of %zu bytes sets what this library of %zu "
                             "does not know",
                             index + 1, size, sizeof *operation);
        }
    }
    ffwd_operation_copy((const ffwd_operation *)(const void *)given, size, operation);
    return FFWD_OK;
}

static ffwd_status allocate(size_t count, ffwd_model **out, ffwd_error *err) {
    uint64_t bytes;
    if (!ffwd_multiply(count, sizeof(ffwd_operation), &bytes)) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "%zu operations do not fit", count);
    }
    ffwd_model *model = ffwd_alloc_zero(sizeof *model);
    if (model == NULL) {
        return ffwd_fail_memory(err, sizeof *model, "a model");
    }
    model->operations = ffwd_alloc_zero(bytes);
    if (model->operations == NULL) {
        ffwd_free(model);
        return ffwd_fail_memory(err, bytes, "a model's operations");
    }
    atomic_init(&model->references, 1);
    *out = model;
    return FFWD_OK;
}

ffwd_status ffwd_model_create(uint32_t dtype, uint64_t inputs, const ffwd_operation *operations,
                              size_t count, size_t operation_size, ffwd_model **out,
                              ffwd_error *err) {
    *out = NULL;
    if (dtype != FFWD_F32 && dtype != FFWD_F64) {
        return ffwd_fail(err, FFWD_EARGUMENT, "a model is f32 or f64, not %s",
                         ffwd_dtype_name(dtype));
    }
    if (inputs == 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "a model of rows without values");
    }
    if (inputs > WIDTH_MAX) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "rows of %llu values do not fit",
                         (unsigned long long)inputs);
    }
    ffwd_model *model = NULL;
    ffwd_status status = allocate(count, &model, err);
    if (status != FFWD_OK) {
        return status;
    }
    model->dtype = dtype;
    model->inputs = inputs;
    model->outputs = inputs;
    for (size_t i = 0; i < count; i++) {
        ffwd_operation operation;
        FFWD_TRY(status, read_operation(operations, i, operation_size, &operation, err));
        FFWD_TRY(status, add_operation(model, &operation, err));
    }
    *out = model;
    return FFWD_OK;

cleanup:
    ffwd_model_destroy(model);
    return status;
}

const ffwd_model *ffwd_model_retain(const ffwd_model *model) {
    ffwd_model *counted = ffwd_unconst(model);
    atomic_fetch_add(&counted->references, 1);
    return model;
}

void ffwd_model_release(const ffwd_model *model) {
    ffwd_model_destroy(ffwd_unconst(model));
}

void ffwd_model_destroy(ffwd_model *model) {
    if (model == NULL || atomic_fetch_sub(&model->references, 1) != 1) {
        return;
    }
    for (size_t i = 0; i < model->operation_count; i++) {
        ffwd_free(model->operations[i].weights);
        ffwd_free(model->operations[i].bias);
        ffwd_free(model->operations[i].slopes);
    }
    ffwd_free(model->nodes);
    ffwd_free(model->operations);
    ffwd_free(model);
}

void ffwd_model_describe(const ffwd_model *model, ffwd_model_info *info) {
    const ffwd_model_info full = {sizeof full,    model->dtype,           model->inputs,
                                  model->outputs, model->operation_count, model->parameters,
                                  model->flops};
    ffwd_struct_write(info, &full, sizeof full);
}

ffwd_status ffwd_model_operation(const ffwd_model *model, size_t index, size_t operation_size,
                                 ffwd_operation *operation, ffwd_error *err) {
    if (index >= model->operation_count) {
        return ffwd_fail(err, FFWD_EARGUMENT, "operation %zu of %zu", index,
                         model->operation_count);
    }
    memset(operation, 0, operation_size);
    memcpy(operation, &model->operations[index],
           ffwd_min(operation_size, sizeof model->operations[index]));
    return FFWD_OK;
}

uint64_t ffwd_model_widest(const ffwd_model *model) {
    uint64_t widest = model->inputs;
    for (size_t i = 0; i < model->operation_count; i++) {
        widest = ffwd_max(widest, model->operations[i].neurons);
    }
    return widest;
}

uint64_t ffwd_model_weight_bytes(const ffwd_model *model) {
    return model->parameters * ffwd_dtype_size(model->dtype);
}

uint32_t ffwd_model_table_bits(const ffwd_model *model) {
    const ffwd_operation *first = model->operations;
    const bool fits = model->operation_count > 1 && first->kind == FFWD_DENSE &&
                      first->activation == FFWD_STEP && first->neurons <= FFWD_TABLE_BITS;
    return fits ? (uint32_t)first->neurons : 0;
}

int ffwd_model_ends_in_step(const ffwd_model *model) {
    if (model->operation_count == 0) {
        return 0;
    }
    const uint32_t last = model->operations[model->operation_count - 1].activation;
    return last == FFWD_STEP || last == FFWD_STEP_GE;
}
