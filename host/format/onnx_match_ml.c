// SPDX-License-Identifier: MIT
// What ai.onnx.ml does to a row as a whole: linear models, and from an index to a label.
#include "base/memory.h"
#include "format/onnx_infer.h"
#include "format/onnx_match.h"

/** Fails unless the coefficients are those of `neurons` neurons. */
static ffwd_status check_linear(const onnx_node *node, const onnx_columns *weights,
                                const onnx_columns *bias, uint64_t neurons, ffwd_error *err) {
    return neurons > 0 && weights->count > 0 && weights->count % neurons == 0 &&
                   (bias->count == 0 || bias->count == neurons)
               ? FFWD_OK
               : ffwd_onnx_refuse(node, err,
                                  "%llu coefficients and %llu intercepts for %llu scores",
                                  (unsigned long long)weights->count,
                                  (unsigned long long)bias->count, (unsigned long long)neurons);
}

/** Coefficients and intercepts. */
static ffwd_status add_linear(onnx_chain *chain, onnx_node *node, uint64_t neurons,
                              ffwd_error *err) {
    onnx_columns weights, bias;
    ffwd_status status;
    FFWD_TRY(status, ffwd_onnx_list_attribute(chain, node, "coefficients", &weights, err));
    FFWD_TRY(status, ffwd_onnx_list_attribute(chain, node, "intercepts", &bias, err));
    FFWD_TRY(status, check_linear(node, &weights, &bias, neurons, err));
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_DENSE);
    onnx_tensor *tensor = ffwd_onnx_keep(&chain->graph->arena, sizeof *tensor);
    if (step == NULL || tensor == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    ffwd_onnx_tensor_of(weights.values, weights.count, tensor);
    step->weights = tensor;
    step->neurons = neurons;
    step->inputs = weights.count / neurons;
    step->neuron_stride = step->inputs;
    step->input_stride = 1;
    step->bias = bias;

cleanup:
    return status;
}

/** A text attribute, or the usual one. */
static onnx_view text_attribute(const onnx_node *node, const char *name, onnx_view usual) {
    FfwdOnnxAttribute found = {.i = 0};
    return ffwd_onnx_attribute(node, name, &found) && found.s.at != NULL ? found.s : usual;
}

static onnx_view transform_of(const onnx_node *node) {
    static const unsigned char none[] = {'N', 'O', 'N', 'E'};
    return text_attribute(node, "post_transform", (onnx_view){none, sizeof none});
}

static ffwd_status refuse_transform(const onnx_node *node, ffwd_error *err) {
    char text[32];
    ffwd_onnx_view_text(transform_of(node), text, sizeof text);
    return ffwd_onnx_refuse(node, err, "post_transform = %s", text);
}

ffwd_status ffwd_onnx_match_regressor(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                      ffwd_error *err) {
    *next = node->inputs[0];
    return ffwd_onnx_view_is(transform_of(node), "NONE")
               ? add_linear(chain, node, (uint64_t)ffwd_onnx_int_attribute(node, "targets", 1), err)
               : refuse_transform(node, err);
}

/** From an index to the label at it, where labels are as far from each other as indices are. */
static ffwd_status add_labels(onnx_chain *chain, onnx_node *node, const onnx_tensor *labels,
                              ffwd_error *err) {
    if (labels->count == 0) {
        return ffwd_onnx_refuse(node, err, "has no classes");
    }
    const double first = ffwd_onnx_number(labels, 0);
    const double distance = labels->count > 1 ? ffwd_onnx_number(labels, 1) - first : 1;
    for (uint64_t i = 0; i < labels->count; i++) {
        if (ffwd_onnx_number(labels, i) != first + (double)i * distance) {
            return ffwd_onnx_refuse(node, err, "its labels are at no equal distances");
        }
    }
    return ffwd_onnx_add_affine(chain, node, distance, first, err);
}

/** Labels that are numbers; to those that are text, the index stands for itself. */
static ffwd_status add_label_attribute(onnx_chain *chain, onnx_node *node, ffwd_error *err) {
    FfwdOnnxAttribute found = {.ints = {.room = 0}};
    if (!ffwd_onnx_attribute(node, "classlabels_ints", &found) || found.ints.count == 0) {
        return FFWD_OK;
    }
    const uint64_t count = found.ints.count;
    int64_t *whole = ffwd_onnx_keep(&chain->graph->arena, count * sizeof *whole);
    double *labels = ffwd_onnx_keep(&chain->graph->arena, count * sizeof *labels);
    onnx_tensor tensor;
    if (whole == NULL || labels == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    found = (FfwdOnnxAttribute){.ints = {.into = whole, .room = count}};
    (void)ffwd_onnx_attribute(node, "classlabels_ints", &found);
    for (uint64_t i = 0; i < count; i++) {
        labels[i] = (double)whole[i];
    }
    ffwd_onnx_tensor_of(labels, count, &tensor);
    return add_labels(chain, node, &tensor, err);
}

static ffwd_status add_transform(onnx_chain *chain, onnx_node *node, ffwd_error *err) {
    const onnx_view transform = transform_of(node);
    if (ffwd_onnx_view_is(transform, "NONE")) {
        return FFWD_OK;
    }
    const bool logistic = ffwd_onnx_view_is(transform, "LOGISTIC");
    if (!logistic && !ffwd_onnx_view_is(transform, "SOFTMAX")) {
        return refuse_transform(node, err);
    }
    onnx_step *step = ffwd_onnx_step(chain, node, logistic ? ONNX_STEP_AFFINE : ONNX_STEP_SOFTMAX);
    if (step == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    step->activation = logistic ? "sigmoid" : NULL;
    return FFWD_OK;
}

/** Output 0 are labels, of the largest sum; output 1 the scores that are made of the sums. */
ffwd_status ffwd_onnx_match_classifier(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                       ffwd_error *err) {
    ffwd_status status;
    if (*next == node->outputs[0]) {
        FFWD_TRY(status, add_label_attribute(chain, node, err));
        if (ffwd_onnx_step(chain, node, ONNX_STEP_ARGMAX) == NULL) {
            FFWD_TRY(status, ffwd_onnx_fail_steps(err));
        }
    } else {
        FFWD_TRY(status, add_transform(chain, node, err));
    }
    *next = node->inputs[0];
    status = add_linear(chain, node, ffwd_onnx_class_count(node), err);

cleanup:
    return status;
}

/** Whether the scores of a linear classifier are those of a class and of its opposite: their
 *  logistic values add up to 1. */
static bool is_binary(onnx_chain *chain, const onnx_node *node) {
    onnx_columns weights, bias;
    if (ffwd_onnx_class_count(node) != 2 ||
        ffwd_onnx_list_attribute(chain, node, "coefficients", &weights, NULL) != FFWD_OK ||
        ffwd_onnx_list_attribute(chain, node, "intercepts", &bias, NULL) != FFWD_OK) {
        return false;
    }
    bool opposite = weights.count % 2 == 0 &&
                    (bias.count == 0 || (bias.count == 2 && bias.values[0] == -bias.values[1]));
    for (uint64_t i = 0; opposite && i < weights.count / 2; i++) {
        opposite = weights.values[i] == -weights.values[weights.count / 2 + i];
    }
    return opposite;
}

/** Divides a row by its sum, which must be 1 already. */
ffwd_status ffwd_onnx_match_normalizer(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                       ffwd_error *err) {
    const onnx_graph *graph = chain->graph;
    const onnx_value *value = ffwd_onnx_input(graph, node, 0);
    const onnx_node *made = value->node != ONNX_NONE ? &graph->nodes[value->node] : NULL;
    while (made != NULL && ffwd_onnx_node_is(made, "Identity")) {
        value = ffwd_onnx_input(graph, made, 0);
        made = value->node != ONNX_NONE ? &graph->nodes[value->node] : NULL;
    }
    const bool linear = made != NULL && ffwd_onnx_node_is_ml(made, "LinearClassifier");
    const bool one =
        made != NULL &&
        (ffwd_onnx_node_is(made, "Softmax") ||
         (linear && ffwd_onnx_view_is(transform_of(made), "SOFTMAX")) ||
         (linear && ffwd_onnx_view_is(transform_of(made), "LOGISTIC") && is_binary(chain, made)));
    if (!one || !ffwd_onnx_view_is(text_attribute(node, "norm", (onnx_view){NULL, 0}), "L1")) {
        return ffwd_onnx_refuse(node, err, "divides by what is not known to be 1");
    }
    node->passes = true;
    *next = node->inputs[0];
    return FFWD_OK;
}

/** From an index to the label at it; to labels that are text the index stands for itself. */
ffwd_status ffwd_onnx_match_label(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                  ffwd_error *err) {
    if (ffwd_onnx_takes_rows(chain->graph, node, 0)) {
        return ffwd_onnx_match_pick(chain, node, next, err);
    }
    onnx_tensor *classes = ffwd_onnx_input(chain->graph, node, 0)->tensor;
    *next = node->inputs[1];
    if (classes->type == ONNX_STRING) {
        node->passes = true;
        return FFWD_OK;
    }
    ffwd_status status = ffwd_onnx_tensor_load(&chain->graph->arena, classes, err);
    if (status != FFWD_OK) {
        return status;
    }
    status = add_labels(chain, node, classes, err);
    node->passes = node->place == 0;
    return status;
}
