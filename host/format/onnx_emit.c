// SPDX-License-Identifier: MIT
// Makes a model of a chain: every number is rounded to the model's dtype here, once.
#include <string.h>

#include "base/memory.h"
#include "format/onnx_chain.h"

static void put(void *values, uint64_t index, uint32_t dtype, double number) {
    if (dtype == FFWD_F64) {
        ((double *)values)[index] = number;
    } else {
        ((float *)values)[index] = (float)number;
    }
}

static ffwd_status make_room(const onnx_chain *chain, uint64_t count, uint32_t dtype, void **values,
                             ffwd_error *err) {
    uint64_t bytes;
    if (!ffwd_multiply(count, ffwd_dtype_size(dtype), &bytes)) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "%llu weights do not fit", (unsigned long long)count);
    }
    *values = ffwd_onnx_keep(&chain->graph->arena, bytes);
    return *values != NULL ? FFWD_OK : ffwd_fail_memory(err, bytes, "weights");
}

/** `width` numbers of columns; NULL where there are none. */
static ffwd_status emit_columns(const onnx_chain *chain, const onnx_columns *columns,
                                uint64_t width, uint32_t dtype, const void **out, ffwd_error *err) {
    void *values = NULL;
    if (columns->values == NULL) {
        return FFWD_OK;
    }
    ffwd_status status = make_room(chain, width, dtype, &values, err);
    for (uint64_t i = 0; status == FFWD_OK && i < width; i++) {
        put(values, i, dtype, columns->values[columns->count == 1 ? 0 : i]);
    }
    *out = values;
    return status;
}

static double scale_of(const onnx_columns *columns, uint64_t index) {
    return columns->values == NULL ? 1 : columns->values[columns->count == 1 ? 0 : index];
}

static ffwd_status emit_weights(const onnx_chain *chain, const onnx_step *step, uint32_t dtype,
                                const void **out, ffwd_error *err) {
    void *values = NULL;
    uint64_t count;
    if (!ffwd_multiply(step->inputs, step->neurons, &count)) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "%llu x %llu weights do not fit",
                         (unsigned long long)step->neurons, (unsigned long long)step->inputs);
    }
    ffwd_status status = make_room(chain, count, dtype, &values, err);
    for (uint64_t o = 0; status == FFWD_OK && o < step->neurons; o++) {
        const double scale = step->factor * scale_of(&step->rows, o);
        for (uint64_t k = 0; k < step->inputs; k++) {
            const double weight =
                ffwd_onnx_number(step->weights, o * step->neuron_stride + k * step->input_stride);
            put(values, o * step->inputs + k, dtype,
                weight * (scale * scale_of(&step->columns, k)));
        }
    }
    *out = values;
    return status;
}

/** Clipping at 0 from below alone is ReLU. */
static const char *word_of(const onnx_step *step) {
    const bool is_relu = step->activation != NULL && strcmp(step->activation, "clip") == 0 &&
                         step->alpha == 0 && step->beta == __builtin_inf();
    return step->activation == NULL ? "identity" : is_relu ? "relu" : step->activation;
}

static ffwd_status emit_operation(const onnx_chain *chain, const onnx_step *step, uint32_t dtype,
                                  ffwd_operation *operation, ffwd_error *err) {
    ffwd_status status;
    *operation =
        (ffwd_operation){.kind = step->kind, .inputs = step->inputs, .neurons = step->neurons};
    FFWD_TRY(status, ffwd_activation_parse(word_of(step), &operation->activation, err));
    operation->alpha = step->alpha;
    operation->beta = step->beta;
    FFWD_TRY(status,
             emit_columns(chain, &step->slopes, step->neurons, dtype, &operation->slopes, err));
    if (step->kind == ONNX_STEP_DENSE) {
        FFWD_TRY(status, emit_weights(chain, step, dtype, &operation->weights, err));
        status = emit_columns(chain, &step->bias, step->neurons, dtype, &operation->bias, err);
    } else {
        FFWD_TRY(status,
                 emit_columns(chain, &step->scale, step->inputs, dtype, &operation->weights, err));
        status = emit_columns(chain, &step->shift, step->inputs, dtype, &operation->bias, err);
    }

cleanup:
    return status;
}

ffwd_status ffwd_onnx_emit(const onnx_chain *chain, uint32_t dtype, ffwd_model **out,
                           ffwd_error *err) {
    const size_t count = chain->operation_count;
    ffwd_operation *operations =
        ffwd_onnx_keep(&chain->graph->arena, (count + 1) * sizeof *operations);
    if (operations == NULL) {
        return ffwd_fail_memory(err, count * sizeof *operations, "operations");
    }
    for (size_t i = 0; i < count; i++) {
        const ffwd_status status =
            emit_operation(chain, chain->operations[i], dtype, &operations[i], err);
        if (status != FFWD_OK) {
            return status;
        }
    }
    return ffwd_model_create(dtype, chain->inputs, operations, count, sizeof *operations, out, err);
}
