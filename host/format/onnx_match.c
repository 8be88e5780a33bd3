// SPDX-License-Identifier: MIT
// From Y back to X: each node on the way is an operation of the chain, a part of one, changes
// nothing, or is refused with its name and the reason.
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx_chain.h"
#include "format/onnx_form.h"
#include "format/onnx_infer.h"

onnx_step *ffwd_onnx_step(onnx_chain *chain, onnx_node *node, uint32_t kind) {
    if (chain->count == chain->room) {
        const uint32_t room = 2 * chain->room + 8;
        onnx_step *steps = ffwd_onnx_keep(&chain->graph->arena, room * sizeof *steps);
        if (steps == NULL) {
            return NULL;
        }
        if (chain->count > 0) {
            memcpy(steps, chain->steps, chain->count * sizeof *steps);
        }
        chain->steps = steps;
        chain->room = room;
    }
    onnx_step *step = &chain->steps[chain->count++];
    *step = (onnx_step){.kind = kind, .node = ONNX_NONE, .factor = 1};
    if (node != NULL) {
        const onnx_value *made = &chain->graph->values[node->outputs[0]];
        step->node = (uint32_t)(node - chain->graph->nodes);
        chain->is_double = chain->is_double || made->type == ONNX_DOUBLE;
        node->place = chain->count;
    }
    return step;
}

static ffwd_status fail_steps(ffwd_error *err) {
    return ffwd_fail_memory(err, sizeof(onnx_step), "a step");
}

/** One number for all columns. */
static ffwd_status put_number(onnx_chain *chain, double number, onnx_columns *to, ffwd_error *err) {
    to->values = ffwd_onnx_keep(&chain->graph->arena, sizeof *to->values);
    if (to->values == NULL) {
        return fail_steps(err);
    }
    to->values[0] = number;
    to->count = 1;
    return FFWD_OK;
}

static ffwd_status add_affine(onnx_chain *chain, onnx_node *node, double scale, double shift,
                              ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    if (scale == 1 && shift == 0) {
        return FFWD_OK;
    }
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
    if (step == NULL) {
        return fail_steps(err);
    }
    if (scale != 1) {
        FFWD_TRY(status, put_number(chain, scale, &step->scale, err));
    }
    if (shift != 0) {
        FFWD_TRY(status, put_number(chain, shift, &step->shift, err));
    }

cleanup:
    return status;
}

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

static ffwd_status match_activation(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                    ffwd_error *err) {
    onnx_graph *graph = chain->graph;
    onnx_activation found;
    ffwd_status status = FFWD_OK;
    if (!ffwd_onnx_find_activation(graph, (uint32_t)(node - graph->nodes), &found)) {
        return refuse_operation(graph, node, err);
    }
    FFWD_TRY(status, add_affine(chain, node, found.out_scale, found.out_shift, err));
    if (strcmp(found.word, "identity") != 0) {
        onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
        if (step == NULL) {
            return fail_steps(err);
        }
        step->activation = found.word;
        step->alpha = found.alpha;
        step->beta = found.beta;
    }
    const uint32_t place = node->place;
    FFWD_TRY(status, add_affine(chain, node, found.in_scale, found.in_shift, err));
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
        return fail_steps(err);
    }
    ffwd_status status = ffwd_onnx_columns(chain->graph, slopes, rows, &step->slopes.values,
                                           &step->slopes.count, err);
    for (uint64_t i = 0; status == FFWD_OK && i < step->slopes.count; i++) {
        step->slopes.values[i] *= sign;
    }
    step->activation = "prelu";
    return status;
}

static ffwd_status match_prelu(onnx_chain *chain, onnx_node *node, uint32_t *next,
                               ffwd_error *err) {
    const onnx_value *rows = ffwd_onnx_input(chain->graph, node, 0);
    const onnx_value *slopes = ffwd_onnx_input(chain->graph, node, 1);
    if (rows->kind != ONNX_ROWS || slopes == NULL || slopes->kind != ONNX_CONSTANT) {
        return ffwd_onnx_refuse(node, err, "its slopes are not constant");
    }
    *next = node->inputs[0];
    return add_slopes(chain, node, slopes, &chain->graph->values[node->outputs[0]], 1, err);
}

/** The node that makes input `index`, where it is `op`. */
static onnx_node *maker(const onnx_graph *graph, const onnx_node *node, unsigned index,
                        const char *op) {
    const onnx_value *value = ffwd_onnx_input(graph, node, index);
    onnx_node *made = value != NULL && value->node != ONNX_NONE ? &graph->nodes[value->node] : NULL;
    return made != NULL && ffwd_onnx_node_is(made, op) ? made : NULL;
}

/** relu(x) + c relu(-x), as Keras has it, is a PReLU of slopes -c. */
static bool is_sum_of_relus(const onnx_graph *graph, const onnx_node *node, unsigned first,
                            onnx_node *parts[4], const onnx_value **slopes) {
    parts[0] = maker(graph, node, first, "Relu");
    parts[1] = maker(graph, node, 1 - first, "Mul");
    if (parts[0] == NULL || parts[1] == NULL) {
        return false;
    }
    const unsigned side = ffwd_onnx_takes_rows(graph, parts[1], 0) ? 0 : 1;
    *slopes = ffwd_onnx_input(graph, parts[1], 1 - side);
    parts[2] = maker(graph, parts[1], side, "Relu");
    parts[3] = parts[2] != NULL ? maker(graph, parts[2], 0, "Neg") : NULL;
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
        return fail_steps(err);
    }
    onnx_columns *to = is_sum || is_difference ? &step->shift : &step->scale;
    ffwd_status status =
        ffwd_onnx_columns(chain->graph, ffwd_onnx_input(chain->graph, node, 1 - rows),
                          &chain->graph->values[node->outputs[0]], &to->values, &to->count, err);
    if (status != FFWD_OK) {
        return ffwd_onnx_prefix(node, err, status);
    }
    if (is_difference && rows == 0) {
        each(to, negate);
    } else if (is_difference) {
        status = put_number(chain, -1, &step->scale, err);
    } else if (ffwd_onnx_node_is(node, "Div")) {
        each(to, invert);
    }
    return status;
}

static ffwd_status match_arithmetic(onnx_chain *chain, onnx_node *node, uint32_t *next,
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
    return match_activation(chain, node, next, err);
}

/** Comparisons with a number for each column: the difference, then a step. */
static ffwd_status match_comparison(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                    ffwd_error *err) {
    onnx_graph *graph = chain->graph;
    const bool left = ffwd_onnx_takes_rows(graph, node, 0);
    const onnx_value *bound = ffwd_onnx_input(graph, node, left ? 1 : 0);
    double number;
    if (left == ffwd_onnx_takes_rows(graph, node, 1) || bound == NULL ||
        ffwd_onnx_scalar(graph, bound, &number)) {
        return match_activation(chain, node, next, err);
    }
    const bool less = ffwd_onnx_node_is(node, "Less") || ffwd_onnx_node_is(node, "LessOrEqual");
    const bool equal = node->op.at[node->op.count - 1] == 'l'; // ...OrEqual
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
    onnx_step *difference = step != NULL ? ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE) : NULL;
    if (difference == NULL) {
        return fail_steps(err);
    }
    chain->steps[chain->count - 2].activation = equal ? "step_ge" : "step";
    ffwd_status status =
        ffwd_onnx_columns(graph, bound, &graph->values[node->outputs[0]], &difference->shift.values,
                          &difference->shift.count, err);
    if (status == FFWD_OK && less == left) {
        status = put_number(chain, -1, &difference->scale, err);
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
        return status != FFWD_OK ? status : fail_steps(err);
    }
    for (uint64_t i = 0; i < to->count; i++) {
        to->values[i] = ffwd_onnx_number(list->tensor, i / each_channel * list->tensor->strides[0]);
    }
    return FFWD_OK;
}

static ffwd_status match_normalization(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                       ffwd_error *err) {
    const onnx_value *rows = &chain->graph->values[node->outputs[0]];
    const double epsilon = ffwd_onnx_float_attribute(node, "epsilon", 1e-5F);
    onnx_columns mean, variance;
    ffwd_status status;
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
    if (step == NULL) {
        return fail_steps(err);
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

/** A list of floats; count 0 where there is none. */
static ffwd_status list_attribute(onnx_chain *chain, const onnx_node *node, const char *name,
                                  onnx_columns *to, ffwd_error *err) {
    FfwdOnnxAttribute found = {.floats = {.room = 0}};
    *to = (onnx_columns){NULL, 0};
    if (!ffwd_onnx_attribute(node, name, &found) || found.floats.count == 0) {
        return FFWD_OK;
    }
    to->count = found.floats.count;
    to->values = ffwd_onnx_keep(&chain->graph->arena, to->count * sizeof *to->values);
    if (to->values == NULL) {
        return fail_steps(err);
    }
    found = (FfwdOnnxAttribute){.floats = {.into = to->values, .room = to->count}};
    (void)ffwd_onnx_attribute(node, name, &found);
    return FFWD_OK;
}

/** (x - offset) * scale, in this order, so that nothing of a large offset is lost. */
static ffwd_status match_scaler(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                ffwd_error *err) {
    const uint64_t width = ffwd_onnx_width(&chain->graph->values[node->outputs[0]]);
    onnx_columns lists[2];
    ffwd_status status;
    FFWD_TRY(status, list_attribute(chain, node, "scale", &lists[0], err));
    FFWD_TRY(status, list_attribute(chain, node, "offset", &lists[1], err));
    each(&lists[1], negate);
    for (unsigned i = 0; i < 2; i++) {
        if (lists[i].count > 1 && lists[i].count != width) {
            return ffwd_onnx_refuse(node, err, "has %llu numbers, but a row has %llu",
                                    (unsigned long long)lists[i].count, (unsigned long long)width);
        }
        onnx_step *step = lists[i].count > 0 ? ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE) : NULL;
        if (lists[i].count > 0 && step == NULL) {
            return fail_steps(err);
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

static ffwd_status match_binarizer(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                   ffwd_error *err) {
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
    if (step == NULL) {
        return fail_steps(err);
    }
    step->activation = "step";
    step->alpha = ffwd_onnx_float_attribute(node, "threshold", 0);
    *next = node->inputs[0];
    return FFWD_OK;
}

static ffwd_status match_gemm(onnx_chain *chain, onnx_node *node, uint32_t *next, ffwd_error *err) {
    onnx_graph *graph = chain->graph;
    onnx_tensor *weights = ffwd_onnx_input(graph, node, 1)->tensor;
    const onnx_value *bias = ffwd_onnx_input(graph, node, 2);
    const bool gemm = ffwd_onnx_node_is(node, "Gemm");
    const unsigned across = gemm && ffwd_onnx_int_attribute(node, "transB", 0) != 0 ? 1 : 0;
    ffwd_status status = ffwd_onnx_tensor_load(&graph->arena, weights, err);
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_DENSE);
    if (status != FFWD_OK || step == NULL) {
        return status != FFWD_OK ? ffwd_onnx_prefix(node, err, status) : fail_steps(err);
    }
    step->weights = weights;
    step->inputs = weights->dims[across];
    step->neurons = weights->dims[1 - across];
    step->input_stride = weights->strides[across];
    step->neuron_stride = weights->strides[1 - across];
    step->factor = gemm ? ffwd_onnx_float_attribute(node, "alpha", 1) : 1;
    *next = node->inputs[0];
    if (!gemm || bias == NULL) {
        return FFWD_OK;
    }
    const double beta = ffwd_onnx_float_attribute(node, "beta", 1);
    status = ffwd_onnx_columns(graph, bias, &graph->values[node->outputs[0]], &step->bias.values,
                               &step->bias.count, err);
    for (uint64_t i = 0; status == FFWD_OK && i < step->bias.count; i++) {
        step->bias.values[i] *= beta;
    }
    return status;
}

static ffwd_status match_regressor(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                   ffwd_error *err) {
    onnx_columns weights, bias;
    FfwdOnnxAttribute found = {.i = 0};
    const uint64_t neurons = (uint64_t)ffwd_onnx_int_attribute(node, "targets", 1);
    ffwd_status status = list_attribute(chain, node, "coefficients", &weights, err);
    if (status == FFWD_OK) {
        status = list_attribute(chain, node, "intercepts", &bias, err);
    }
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_DENSE);
    onnx_tensor *tensor = ffwd_onnx_keep(&chain->graph->arena, sizeof *tensor);
    if (status != FFWD_OK || step == NULL || tensor == NULL) {
        return status != FFWD_OK ? status : fail_steps(err);
    }
    const bool transformed =
        ffwd_onnx_attribute(node, "post_transform", &found) && !ffwd_onnx_view_is(found.s, "NONE");
    if (neurons == 0 || weights.count == 0 || weights.count % neurons != 0 ||
        (bias.count > 0 && bias.count != neurons) || transformed) {
        return ffwd_onnx_refuse(node, err,
                                "%llu coefficients and %llu intercepts for %llu targets%s",
                                (unsigned long long)weights.count, (unsigned long long)bias.count,
                                (unsigned long long)neurons, transformed ? ", transformed" : "");
    }
    ffwd_onnx_tensor_of(weights.values, weights.count, tensor);
    step->weights = tensor;
    step->neurons = neurons;
    step->inputs = weights.count / neurons;
    step->neuron_stride = step->inputs;
    step->input_stride = 1;
    step->bias = bias;
    *next = node->inputs[0];
    return FFWD_OK;
}

/** The rows 1 - p and p of a binary classifier: a dense layer of two neurons. */
static ffwd_status match_concat(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                ffwd_error *err) {
    static const double weights[] = {-1, 1};
    onnx_graph *graph = chain->graph;
    onnx_node *negative = maker(graph, node, 0, "Sub");
    double one = 0;
    if (node->input_count != 2 || negative == NULL || negative->inputs[1] != node->inputs[1] ||
        !ffwd_onnx_scalar(graph, ffwd_onnx_input(graph, negative, 0), &one) || one != 1 ||
        ffwd_onnx_width(&graph->values[node->inputs[1]]) != 1) {
        return ffwd_onnx_refuse(node, err, "puts rows beside each other that are not 1 - p and p");
    }
    onnx_tensor *tensor = ffwd_onnx_keep(&graph->arena, sizeof *tensor);
    double *bias = ffwd_onnx_keep(&graph->arena, 2 * sizeof *bias);
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_DENSE);
    if (tensor == NULL || bias == NULL || step == NULL) {
        return fail_steps(err);
    }
    ffwd_onnx_tensor_of(weights, 2, tensor);
    bias[0] = 1;
    step->weights = tensor;
    step->neurons = 2;
    step->inputs = step->neuron_stride = step->input_stride = 1;
    step->bias = (onnx_columns){bias, 2};
    negative->place = node->place;
    *next = node->inputs[1];
    return FFWD_OK;
}

static ffwd_status match_row(onnx_chain *chain, onnx_node *node, uint32_t *next, ffwd_error *err) {
    const uint32_t kind = ffwd_onnx_node_is(node, "Softmax")      ? ONNX_STEP_SOFTMAX
                          : ffwd_onnx_node_is(node, "LogSoftmax") ? ONNX_STEP_LOG_SOFTMAX
                                                                  : ONNX_STEP_ARGMAX;
    *next = node->inputs[0];
    return ffwd_onnx_step(chain, node, kind) != NULL ? FFWD_OK : fail_steps(err);
}

/** From an index to the label at it; to labels that are text the index stands for itself. */
static ffwd_status match_label(onnx_chain *chain, onnx_node *node, uint32_t *next,
                               ffwd_error *err) {
    onnx_tensor *classes = ffwd_onnx_input(chain->graph, node, 0)->tensor;
    *next = node->inputs[1];
    if (classes->type == ONNX_STRING) {
        node->passes = true;
        return FFWD_OK;
    }
    ffwd_status status = ffwd_onnx_tensor_load(&chain->graph->arena, classes, err);
    if (status != FFWD_OK || classes->count == 0) {
        return status != FFWD_OK ? status : ffwd_onnx_refuse(node, err, "has no classes");
    }
    const double first = ffwd_onnx_number(classes, 0);
    const double distance = classes->count > 1 ? ffwd_onnx_number(classes, 1) - first : 1;
    for (uint64_t i = 0; i < classes->count; i++) {
        if (ffwd_onnx_number(classes, i) != first + (double)i * distance) {
            return ffwd_onnx_refuse(node, err, "its labels are at no equal distances");
        }
    }
    status = add_affine(chain, node, distance, first, err);
    node->passes = node->place == 0;
    return status;
}

static ffwd_status match_nothing(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                 ffwd_error *err) {
    (void)chain;
    (void)err;
    node->passes = true;
    *next = node->inputs[0];
    return FFWD_OK;
}

typedef ffwd_status match_function(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                   ffwd_error *err);

static const struct {
    const char *op;
    bool ml;
    match_function *match;
} matchers[] = {
    {"Gemm", false, match_gemm},
    {"MatMul", false, match_gemm},
    {"LinearRegressor", true, match_regressor},
    {"Concat", false, match_concat},
    {"Add", false, match_arithmetic},
    {"Sum", false, match_arithmetic},
    {"Sub", false, match_arithmetic},
    {"Mul", false, match_arithmetic},
    {"Div", false, match_arithmetic},
    {"BatchNormalization", false, match_normalization},
    {"Scaler", true, match_scaler},
    {"Binarizer", true, match_binarizer},
    {"PRelu", false, match_prelu},
    {"Greater", false, match_comparison},
    {"GreaterOrEqual", false, match_comparison},
    {"Less", false, match_comparison},
    {"LessOrEqual", false, match_comparison},
    {"Softmax", false, match_row},
    {"LogSoftmax", false, match_row},
    {"ArgMax", false, match_row},
    {"ArrayFeatureExtractor", true, match_label},
    {"ZipMap", true, match_nothing},
    {"Identity", false, match_nothing},
    {"Dropout", false, match_nothing},
    {"Cast", false, match_nothing},
    {"Flatten", false, match_nothing},
    {"Reshape", false, match_nothing},
    {"Squeeze", false, match_nothing},
    {"Unsqueeze", false, match_nothing},
    {"Transpose", false, match_nothing},
};

static match_function *find_matcher(const onnx_node *node) {
    for (size_t i = 0; i < sizeof matchers / sizeof *matchers; i++) {
        if (matchers[i].ml ? ffwd_onnx_node_is_ml(node, matchers[i].op)
                           : ffwd_onnx_node_is(node, matchers[i].op)) {
            return matchers[i].match;
        }
    }
    return match_activation;
}

static ffwd_status match_value(onnx_chain *chain, uint32_t *value, ffwd_error *err) {
    const onnx_value *made = &chain->graph->values[*value];
    char name[64];
    ffwd_onnx_view_text(made->name, name, sizeof name);
    if (made->node == ONNX_NONE) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "'%s' is not computed from X", name);
    }
    onnx_node *node = &chain->graph->nodes[made->node];
    if (made->kind != ONNX_ROWS || *value != node->outputs[0]) {
        ffwd_status status = ffwd_onnx_explain(chain->graph, node, err);
        return status != FFWD_OK ? status
                                 : ffwd_onnx_refuse(node, err, "'%s' is not computed from X", name);
    }
    return find_matcher(node)(chain, node, value, err);
}

ffwd_status ffwd_onnx_match(onnx_chain *chain, uint32_t output, ffwd_error *err) {
    uint32_t value = output;
    while (value != chain->graph->x) {
        const ffwd_status status = match_value(chain, &value, err);
        if (status != FFWD_OK) {
            return status;
        }
    }
    for (uint32_t i = 0; i < chain->count / 2; i++) {
        const onnx_step step = chain->steps[i];
        chain->steps[i] = chain->steps[chain->count - 1 - i];
        chain->steps[chain->count - 1 - i] = step;
    }
    for (uint32_t i = 0; i < chain->graph->node_count; i++) {
        onnx_node *node = &chain->graph->nodes[i];
        node->place = node->place > 0 ? chain->count + 1 - node->place : 0;
    }
    return FFWD_OK;
}

ffwd_status ffwd_onnx_append_argmax(onnx_chain *chain, ffwd_error *err) {
    return ffwd_onnx_step(chain, NULL, ONNX_STEP_ARGMAX) != NULL ? FFWD_OK : fail_steps(err);
}

/** Whether an output is labels: an ArgMax, perhaps with a label chosen by it. */
static bool is_label(const onnx_graph *graph, uint32_t value) {
    while (graph->values[value].node != ONNX_NONE) {
        const onnx_node *node = &graph->nodes[graph->values[value].node];
        if (ffwd_onnx_node_is(node, "ArgMax") ||
            ffwd_onnx_node_is_ml(node, "ArrayFeatureExtractor") ||
            (ffwd_onnx_node_is_ml(node, "LinearClassifier") && value == node->outputs[0])) {
            return true;
        }
        if (find_matcher(node) != match_nothing || node->inputs[0] == ONNX_NONE) {
            return false;
        }
        value = node->inputs[0];
    }
    return false;
}

ffwd_status ffwd_onnx_choose_output(const onnx_graph *graph, bool labels, uint32_t *output,
                                    bool *append, ffwd_error *err) {
    *append = false;
    *output = graph->outputs[0];
    for (uint32_t i = 0; i < graph->output_count; i++) {
        if (is_label(graph, graph->outputs[i]) == labels) {
            *output = graph->outputs[i];
            return FFWD_OK;
        }
    }
    *append = labels;
    const onnx_value *scores = &graph->values[*output];
    if (labels && scores->kind == ONNX_ROWS && ffwd_onnx_width(scores) == 1) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "one score a row, of which no label is made");
    }
    return FFWD_OK;
}
