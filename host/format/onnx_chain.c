// SPDX-License-Identifier: MIT
// From steps to the operations of a model. What is folded is computed in double and rounded once,
// to the model's dtype.
#include "format/onnx_chain.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/** Wider rows need a file that is as large: no hostile shape makes us large. */
#define WIDTH_FREE (1U << 20)
/** Scales that are folded keep weights far from overflow and from subnormal numbers. */
#define SCALE_MIN 0x1p-40
#define SCALE_MAX 0x1p40

static ffwd_status fail_columns(uint64_t count, ffwd_error *err) {
    return ffwd_fail_memory(err, count * sizeof(double), "columns");
}

/** `width` numbers where there was one, or none: then `usual`. */
static ffwd_status widen(onnx_chain *chain, onnx_columns *columns, uint64_t width, double usual,
                         ffwd_error *err) {
    if (columns->count == width && columns->values != NULL) {
        return FFWD_OK;
    }
    double *values = ffwd_onnx_keep(&chain->graph->arena, width * sizeof *values);
    if (values == NULL) {
        return fail_columns(width, err);
    }
    for (uint64_t i = 0; i < width; i++) {
        values[i] = columns->values != NULL ? columns->values[0] : usual;
    }
    *columns = (onnx_columns){values, width};
    return FFWD_OK;
}

static bool all_are(const onnx_columns *columns, double number) {
    for (uint64_t i = 0; i < columns->count; i++) {
        if (columns->values[i] != number) {
            return false;
        }
    }
    return true;
}

static bool is_moderate(const onnx_columns *columns, bool is_scale) {
    for (uint64_t i = 0; i < columns->count; i++) {
        const double size = fabs(columns->values[i]);
        if (!isfinite(size) || (is_scale && !(size >= SCALE_MIN && size <= SCALE_MAX))) {
            return false;
        }
    }
    return true;
}

static ffwd_status check_columns(const onnx_columns *columns, uint64_t width, ffwd_error *err) {
    return columns->count <= 1 || columns->count == width
               ? FFWD_OK
               : ffwd_fail(err, FFWD_EUNSUPPORTED, "%llu numbers for rows of %llu values",
                           (unsigned long long)columns->count, (unsigned long long)width);
}

/** What a row of X has where its shape does not say: what the first step that knows takes. */
static uint64_t width_of_x(const onnx_chain *chain) {
    uint64_t width = ffwd_onnx_width(&chain->graph->values[chain->graph->x]);
    for (uint32_t i = 0; i < chain->count && width == 0; i++) {
        const onnx_step *step = &chain->steps[i];
        const uint64_t columns = step->scale.count > 1    ? step->scale.count
                                 : step->shift.count > 1  ? step->shift.count
                                 : step->slopes.count > 1 ? step->slopes.count
                                                          : 0;
        width = step->kind == ONNX_STEP_DENSE ? step->inputs : columns;
    }
    return width;
}

static ffwd_status set_width(onnx_step *step, uint64_t width, ffwd_error *err) {
    ffwd_status status;
    if (step->kind == ONNX_STEP_DENSE && step->inputs != width) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "a layer takes %llu inputs, but a row has %llu",
                         (unsigned long long)step->inputs, (unsigned long long)width);
    }
    FFWD_TRY(status, check_columns(&step->scale, width, err));
    FFWD_TRY(status, check_columns(&step->shift, width, err));
    FFWD_TRY(status, check_columns(&step->slopes, width, err));
    step->inputs = width;
    if (step->kind != ONNX_STEP_DENSE) {
        step->neurons = step->kind == ONNX_STEP_ARGMAX ? 1 : width;
    }

cleanup:
    return status;
}

static ffwd_status set_widths(onnx_chain *chain, ffwd_error *err) {
    uint64_t width = chain->inputs = width_of_x(chain);
    if (width == 0) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "nothing says how many values a row of X has");
    }
    if (width > WIDTH_FREE && width > chain->graph->bytes) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "rows of %llu values in a file of %llu bytes",
                         (unsigned long long)width, (unsigned long long)chain->graph->bytes);
    }
    for (uint32_t i = 0; i < chain->count; i++) {
        const ffwd_status status = set_width(&chain->steps[i], width, err);
        if (status != FFWD_OK) {
            return status;
        }
        width = chain->steps[i].neurons;
    }
    return FFWD_OK;
}

/** y = scale (W x + b) + shift. */
static ffwd_status fold_behind(onnx_chain *chain, onnx_step *dense, const onnx_step *affine,
                               ffwd_error *err) {
    ffwd_status status;
    const uint64_t width = dense->neurons;
    onnx_columns scale = affine->scale, shift = affine->shift;
    FFWD_TRY(status, widen(chain, &scale, width, 1, err));
    FFWD_TRY(status, widen(chain, &shift, width, 0, err));
    if (affine->scale.values != NULL) {
        FFWD_TRY(status, widen(chain, &dense->rows, width, 1, err));
    }
    const bool biased = dense->bias.values != NULL || affine->shift.values != NULL;
    if (biased) {
        FFWD_TRY(status, widen(chain, &dense->bias, width, 0, err));
    }
    for (uint64_t i = 0; i < width; i++) {
        if (affine->scale.values != NULL) {
            dense->rows.values[i] *= scale.values[i];
        }
        if (biased) {
            dense->bias.values[i] = fma(dense->bias.values[i], scale.values[i], shift.values[i]);
        }
    }

cleanup:
    return status;
}

/** y = W (scale x + shift) + b. */
static ffwd_status fold_before(onnx_chain *chain, onnx_step *dense, const onnx_step *affine,
                               ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    onnx_columns shift = affine->shift;
    dense->columns = affine->scale;
    if (shift.values == NULL) {
        return FFWD_OK;
    }
    FFWD_TRY(status, widen(chain, &shift, dense->inputs, 0, err));
    FFWD_TRY(status, widen(chain, &dense->bias, dense->neurons, 0, err));
    for (uint64_t o = 0; o < dense->neurons; o++) {
        double sum = 0;
        for (uint64_t k = 0; k < dense->inputs; k++) {
            sum = fma(ffwd_onnx_number(dense->weights,
                                       o * dense->neuron_stride + k * dense->input_stride),
                      shift.values[k], sum);
        }
        dense->bias.values[o] = fma(sum, dense->factor, dense->bias.values[o]);
    }

cleanup:
    return status;
}

/** Two affine steps, one behind the other. */
static ffwd_status fold_affine(onnx_chain *chain, onnx_step *first, const onnx_step *second,
                               ffwd_error *err) {
    ffwd_status status;
    onnx_columns scale = second->scale, shift = second->shift;
    FFWD_TRY(status, widen(chain, &first->scale, first->inputs, 1, err));
    FFWD_TRY(status, widen(chain, &first->shift, first->inputs, 0, err));
    FFWD_TRY(status, widen(chain, &scale, first->inputs, 1, err));
    FFWD_TRY(status, widen(chain, &shift, first->inputs, 0, err));
    for (uint64_t i = 0; i < first->inputs; i++) {
        first->scale.values[i] *= scale.values[i];
        first->shift.values[i] = fma(first->shift.values[i], scale.values[i], shift.values[i]);
    }

cleanup:
    return status;
}

static bool is_affine(const onnx_step *step) {
    return step->kind == ONNX_STEP_AFFINE && step->activation == NULL;
}

static bool is_foldable(const onnx_step *step) {
    return is_moderate(&step->scale, true) && is_moderate(&step->shift, false);
}

/** A sum right behind weights without a bias is their bias; that is no folding. */
static bool is_bias(const onnx_step *dense, const onnx_step *step) {
    return dense->kind == ONNX_STEP_DENSE && dense->activation == NULL &&
           dense->bias.values == NULL && dense->rows.values == NULL && is_affine(step) &&
           step->scale.values == NULL;
}

/** An activation that was two: a clip at both ends, a step by the sign. */
static bool join_activations(onnx_step *first, const onnx_step *second) {
    if (first->activation == NULL || second->activation == NULL || second->scale.values != NULL ||
        second->shift.values != NULL) {
        return false;
    }
    if (strcmp(first->activation, "sign") == 0 && strcmp(second->activation, "relu") == 0) {
        first->activation = "step";
        first->alpha = 0;
        return true;
    }
    if (strcmp(first->activation, "clip") == 0 && strcmp(second->activation, "clip") == 0) {
        first->alpha = fmin(fmax(first->alpha, second->alpha), second->beta);
        first->beta = fmin(fmax(first->beta, second->alpha), second->beta);
        return true;
    }
    return false;
}

/** The affine steps that are part of the last operation, which `dense` has become part of. */
static void mark_folded(const onnx_chain *chain, const onnx_step *dense) {
    for (onnx_step *step = chain->steps; step < dense; step++) {
        if (step->operation == chain->operation_count) {
            step->folded = true;
        }
    }
}

/** Makes `step` a part of the last operation where that is possible; *joined says whether. */
static ffwd_status join(onnx_chain *chain, onnx_step *last, onnx_step *step, bool fold,
                        bool *joined, ffwd_error *err) {
    const bool open = last->activation == NULL && last->kind <= ONNX_STEP_AFFINE;
    *joined = true;
    if (is_bias(last, step)) {
        last->bias = step->shift;
        step->is_bias = true;
        return widen(chain, &last->bias, last->neurons, 0, err);
    }
    if (step->kind == ONNX_STEP_AFFINE && step->activation != NULL && open) {
        last->activation = step->activation;
        last->alpha = step->alpha;
        last->beta = step->beta;
        last->slopes = step->slopes;
        return FFWD_OK;
    }
    if (join_activations(last, step)) {
        return FFWD_OK;
    }
    if (fold && open && is_affine(step) && is_foldable(step)) {
        step->folded = last->kind == ONNX_STEP_DENSE;
        return step->folded ? fold_behind(chain, last, step, err)
                            : fold_affine(chain, last, step, err);
    }
    if (fold && is_affine(last) && is_foldable(last) && step->kind == ONNX_STEP_DENSE) {
        ffwd_status status = fold_before(chain, step, last, err);
        *last = *step;
        mark_folded(chain, step);
        return status;
    }
    *joined = false;
    return FFWD_OK;
}

static bool changes_nothing(const onnx_step *step) {
    return is_affine(step) && all_are(&step->scale, 1) && all_are(&step->shift, 0);
}

/** Takes the last operation away: its steps are part of the one before, if there is one. */
static void drop_last(onnx_chain *chain) {
    for (uint32_t i = 0; i < chain->count; i++) {
        if (chain->steps[i].operation == chain->operation_count) {
            chain->steps[i].operation--;
        }
    }
    chain->operation_count--;
}

ffwd_status ffwd_onnx_fold(onnx_chain *chain, bool fold, ffwd_error *err) {
    ffwd_status status = set_widths(chain, err);
    const uint64_t bytes = (chain->count + 1) * sizeof(onnx_step *);
    chain->operations = ffwd_onnx_keep(&chain->graph->arena, bytes);
    if (status != FFWD_OK || chain->operations == NULL) {
        return status != FFWD_OK ? status : fail_columns(chain->count, err);
    }
    for (uint32_t i = 0; i < chain->count; i++) {
        onnx_step *step = &chain->steps[i];
        bool joined = false;
        if (changes_nothing(step)) {
            continue;
        }
        if (chain->operation_count > 0) {
            onnx_step *last = chain->operations[chain->operation_count - 1];
            FFWD_TRY(status, join(chain, last, step, fold, &joined, err));
        }
        if (!joined) {
            onnx_step *made = ffwd_onnx_keep(&chain->graph->arena, sizeof *made);
            if (made == NULL) {
                FFWD_TRY(status, fail_columns(1, err));
            }
            *made = *step;
            chain->operations[chain->operation_count++] = made;
        }
        step->operation = chain->operation_count;
        if (changes_nothing(chain->operations[chain->operation_count - 1])) { // 2 and 1/2, say
            drop_last(chain);
        }
    }

cleanup:
    return status;
}
