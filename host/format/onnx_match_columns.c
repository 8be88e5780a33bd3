// SPDX-License-Identifier: MIT
// What is done to each element of a row: scales and shifts, activations, comparisons.
#include <math.h>
#include <string.h>

#include "format/onnx_form.h"
#include "format/onnx_infer.h"
#include "format/onnx_match.h"

static ffwd_status refuse_operation(const onnx_graph *graph, const onnx_node *node,
                                    ffwd_error *err) {
    unsigned rows = 0;
    for (unsigned i = 0; i < ONNX_INPUTS_MAX; i++) {
        rows += ffwd_onnx_takes_rows(graph, node, i);
    }
    return ffwd_onnx_refuse(node, err,
                            rows > 1 ? "takes %u values of a row, which make no activation that is "
                                       "known"
                                     : "no activation that is known, alone or with its neighbours",
                            rows);
}

ffwd_status ffwd_onnx_match_activation(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                       ffwd_error *err) {
    onnx_graph *graph = chain->graph;
    onnx_activation found;
    ffwd_status status = FFWD_OK;
    if (!ffwd_onnx_find_activation(graph, (uint32_t)(node - graph->nodes), &found)) {
        return refuse_operation(graph, node, err);
    }
    FFWD_TRY(status, ffwd_onnx_add_affine(chain, node, found.out_scale, found.out_shift, err));
    if (strcmp(found.word, "identity") != 0) {
        onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
        if (step == NULL) {
            return ffwd_onnx_fail_steps(err);
        }
        step->activation = found.word;
        step->alpha = found.alpha;
        step->beta = found.beta;
    }
    const uint32_t place = node->place;
    FFWD_TRY(status, ffwd_onnx_add_affine(chain, node, found.in_scale, found.in_shift, err));
    for (uint32_t i = 0; i < found.node_count; i++) {
        graph->nodes[found.nodes[i]].place = place;
    }
    node->passes = place == 0;
    *next = found.base;

cleanup:
    return status;
}

static ffwd_status add_slopes(onnx_chain *chain, onnx_node *node, const onnx_value *slopes,
                              const onnx_value *rows, double sign, ffwd_error *err) {
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
    if (step == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    ffwd_status status = ffwd_onnx_columns(chain->graph, node, slopes, rows, &step->slopes.values,
                                           &step->slopes.count, err);
    for (uint64_t i = 0; status == FFWD_OK && i < step->slopes.count; i++) {
        step->slopes.values[i] *= sign;
    }
    step->activation = "prelu";
    return status;
}

ffwd_status ffwd_onnx_match_prelu(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                  ffwd_error *err) {
    const onnx_value *rows = ffwd_onnx_input(chain->graph, node, 0);
    const onnx_value *slopes = ffwd_onnx_input(chain->graph, node, 1);
    if (rows->kind != ONNX_ROWS || slopes == NULL || slopes->kind != ONNX_CONSTANT) {
        return ffwd_onnx_refuse(node, err, "its slopes are not constant");
    }
    *next = node->inputs[0];
    return add_slopes(chain, node, slopes, &chain->graph->values[node->outputs[0]], 1, err);
}

/** relu(x) + c relu(-x), as Keras has it, is a PReLU of slopes -c. */
static bool is_sum_of_relus(const onnx_graph *graph, const onnx_node *node, unsigned first,
                            onnx_node *parts[4], const onnx_value **slopes) {
    parts[0] = ffwd_onnx_maker(graph, node, first, "Relu");
    parts[1] = ffwd_onnx_maker(graph, node, 1 - first, "Mul");
    if (parts[0] == NULL || parts[1] == NULL) {
        return false;
    }
    const unsigned side = ffwd_onnx_takes_rows(graph, parts[1], 0) ? 0 : 1;
    *slopes = ffwd_onnx_input(graph, parts[1], 1 - side);
    parts[2] = ffwd_onnx_maker(graph, parts[1], side, "Relu");
    parts[3] = parts[2] != NULL ? ffwd_onnx_maker(graph, parts[2], 0, "Neg") : NULL;
    return parts[3] != NULL && *slopes != NULL && (*slopes)->kind == ONNX_CONSTANT &&
           parts[3]->inputs[0] == parts[0]->inputs[0];
}

static void each(onnx_columns *columns, double (*of)(double)) {
    for (uint64_t i = 0; i < columns->count; i++) {
        columns->values[i] = of(columns->values[i]);
    }
}

static double negate(double value) {
    return -value;
}

static double invert(double value) {
    return 1 / value;
}

/** + - * / with a constant: a scale or a shift of each column. */
static ffwd_status match_constant(onnx_chain *chain, onnx_node *node, unsigned rows,
                                  ffwd_error *err) {
    const bool is_sum = ffwd_onnx_node_is(node, "Add") || ffwd_onnx_node_is(node, "Sum");
    const bool is_difference = ffwd_onnx_node_is(node, "Sub");
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
    if (step == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    onnx_columns *to = is_sum || is_difference ? &step->shift : &step->scale;
    ffwd_status status =
        ffwd_onnx_columns(chain->graph, node, ffwd_onnx_input(chain->graph, node, 1 - rows),
                          &chain->graph->values[node->outputs[0]], &to->values, &to->count, err);
    if (status != FFWD_OK) {
        return ffwd_onnx_prefix(node, err, status);
    }
    if (is_difference && rows == 0) {
        each(to, negate);
    } else if (is_difference) {
        status = ffwd_onnx_put_number(chain, -1, &step->scale, err);
    } else if (ffwd_onnx_node_is(node, "Div")) {
        each(to, invert);
    }
    return status;
}

ffwd_status ffwd_onnx_match_arithmetic(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                       ffwd_error *err) {
    const onnx_graph *graph = chain->graph;
    const bool left = ffwd_onnx_takes_rows(graph, node, 0);
    const bool right = ffwd_onnx_takes_rows(graph, node, 1);
    const onnx_value *slopes;
    onnx_node *parts[4];
    const onnx_value *other = ffwd_onnx_input(graph, node, left ? 1 : 0);
    if (node->input_count == 2 && other != NULL && left != right &&
        !(right && ffwd_onnx_node_is(node, "Div"))) {
        *next = node->inputs[left ? 0 : 1];
        return match_constant(chain, node, left ? 0 : 1, err);
    }
    for (unsigned first = 0; first < 2 && ffwd_onnx_node_is(node, "Add"); first++) {
        if (is_sum_of_relus(graph, node, first, parts, &slopes)) {
            *next = parts[0]->inputs[0];
            ffwd_status status =
                add_slopes(chain, node, slopes, &graph->values[node->outputs[0]], -1, err);
            for (unsigned i = 0; i < 4; i++) {
                parts[i]->place = node->place;
            }
            return status;
        }
    }
    return ffwd_onnx_match_activation(chain, node, next, err);
}

/** Comparisons with a number for each column: the difference, then a step. */
ffwd_status ffwd_onnx_match_comparison(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                       ffwd_error *err) {
    onnx_graph *graph = chain->graph;
    const bool left = ffwd_onnx_takes_rows(graph, node, 0);
    const onnx_value *bound = ffwd_onnx_input(graph, node, left ? 1 : 0);
    double number;
    if (left == ffwd_onnx_takes_rows(graph, node, 1) || bound == NULL ||
        ffwd_onnx_scalar(graph, bound, &number)) {
        return ffwd_onnx_match_activation(chain, node, next, err);
    }
    const bool less = ffwd_onnx_node_is(node, "Less") || ffwd_onnx_node_is(node, "LessOrEqual");
    const bool equal = node->op.at[node->op.count - 1] == 'l'; // ...OrEqual
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
    onnx_step *difference = step != NULL ? ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE) : NULL;
    if (difference == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    chain->steps[chain->count - 2].activation = equal ? "step_ge" : "step";
    ffwd_status status =
        ffwd_onnx_columns(graph, node, bound, &graph->values[node->outputs[0]],
                          &difference->shift.values, &difference->shift.count, err);
    if (status == FFWD_OK && less == left) {
        status = ffwd_onnx_put_number(chain, -1, &difference->scale, err);
    } else if (status == FFWD_OK) {
        each(&difference->shift, negate);
    }
    *next = node->inputs[left ? 0 : 1];
    return status;
}

/** Input `index` of a BatchNormalization for each column of the rows. */
static ffwd_status channel(onnx_chain *chain, const onnx_node *node, unsigned index,
                           const onnx_value *rows, onnx_columns *to, ffwd_error *err) {
    const onnx_value *list = ffwd_onnx_input(chain->graph, node, index);
    ffwd_status status = ffwd_onnx_tensor_load(&chain->graph->arena, list->tensor, err);
    to->count = ffwd_onnx_width(rows);
    const uint64_t each_channel = list->tensor->count > 0 ? to->count / list->tensor->count : 0;
    to->values = ffwd_onnx_keep(&chain->graph->arena, to->count * sizeof *to->values);
    if (status != FFWD_OK || to->values == NULL || each_channel == 0) {
        return status != FFWD_OK ? status : ffwd_onnx_fail_steps(err);
    }
    for (uint64_t i = 0; i < to->count; i++) {
        to->values[i] = ffwd_onnx_number(list->tensor, i / each_channel * list->tensor->strides[0]);
    }
    return FFWD_OK;
}

ffwd_status ffwd_onnx_match_normalization(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                          ffwd_error *err) {
    const onnx_value *rows = &chain->graph->values[node->outputs[0]];
    const double epsilon = ffwd_onnx_float_attribute(node, "epsilon", 1e-5F);
    onnx_columns mean, variance;
    ffwd_status status;
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
    if (step == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    FFWD_TRY(status, channel(chain, node, 1, rows, &step->scale, err));
    FFWD_TRY(status, channel(chain, node, 2, rows, &step->shift, err));
    FFWD_TRY(status, channel(chain, node, 3, rows, &mean, err));
    FFWD_TRY(status, channel(chain, node, 4, rows, &variance, err));
    for (uint64_t i = 0; i < step->scale.count; i++) {
        step->scale.values[i] /= sqrt(variance.values[i] + epsilon);
        step->shift.values[i] -= mean.values[i] * step->scale.values[i];
    }
    *next = node->inputs[0];

cleanup:
    return status;
}

/** (x - offset) * scale, in this order, so that nothing of a large offset is lost. */
ffwd_status ffwd_onnx_match_scaler(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                   ffwd_error *err) {
    const uint64_t width = ffwd_onnx_width(&chain->graph->values[node->outputs[0]]);
    onnx_columns lists[2];
    ffwd_status status;
    FFWD_TRY(status, ffwd_onnx_list_attribute(chain, node, "scale", &lists[0], err));
    FFWD_TRY(status, ffwd_onnx_list_attribute(chain, node, "offset", &lists[1], err));
    each(&lists[1], negate);
    for (unsigned i = 0; i < 2; i++) {
        if (lists[i].count > 1 && lists[i].count != width) {
            return ffwd_onnx_refuse(node, err, "has %llu numbers, but a row has %llu",
                                    (unsigned long long)lists[i].count, (unsigned long long)width);
        }
        onnx_step *step = lists[i].count > 0 ? ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE) : NULL;
        if (lists[i].count > 0 && step == NULL) {
            return ffwd_onnx_fail_steps(err);
        }
        if (step != NULL) {
            *(i == 0 ? &step->scale : &step->shift) = lists[i];
        }
    }
    node->passes = node->place == 0;
    *next = node->inputs[0];

cleanup:
    return status;
}

ffwd_status ffwd_onnx_match_binarizer(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                      ffwd_error *err) {
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
    if (step == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    step->activation = "step";
    step->alpha = ffwd_onnx_float_attribute(node, "threshold", 0);
    *next = node->inputs[0];
    return FFWD_OK;
}
