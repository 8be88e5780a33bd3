// SPDX-License-Identifier: MIT
// What takes a row as a whole: dense layers, softmax, the index of the largest and its label.
#include "format/onnx_infer.h"
#include "format/onnx_match.h"

ffwd_status ffwd_onnx_match_gemm(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                 ffwd_error *err) {
    onnx_graph *graph = chain->graph;
    onnx_tensor *weights = ffwd_onnx_input(graph, node, 1)->tensor;
    const onnx_value *bias = ffwd_onnx_input(graph, node, 2);
    const bool gemm = ffwd_onnx_node_is(node, "Gemm");
    const unsigned across = gemm && ffwd_onnx_int_attribute(node, "transB", 0) != 0 ? 1 : 0;
    ffwd_status status = ffwd_onnx_tensor_load(&graph->arena, weights, err);
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_DENSE);
    if (status != FFWD_OK || step == NULL) {
        return status != FFWD_OK ? ffwd_onnx_prefix(node, err, status) : ffwd_onnx_fail_steps(err);
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
    status = ffwd_onnx_columns(graph, node, bias, &graph->values[node->outputs[0]],
                               &step->bias.values, &step->bias.count, err);
    for (uint64_t i = 0; status == FFWD_OK && i < step->bias.count; i++) {
        step->bias.values[i] *= beta;
    }
    return status;
}

ffwd_status ffwd_onnx_match_regressor(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                      ffwd_error *err) {
    onnx_columns weights, bias;
    FfwdOnnxAttribute found = {.i = 0};
    const uint64_t neurons = (uint64_t)ffwd_onnx_int_attribute(node, "targets", 1);
    ffwd_status status = ffwd_onnx_list_attribute(chain, node, "coefficients", &weights, err);
    if (status == FFWD_OK) {
        status = ffwd_onnx_list_attribute(chain, node, "intercepts", &bias, err);
    }
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_DENSE);
    onnx_tensor *tensor = ffwd_onnx_keep(&chain->graph->arena, sizeof *tensor);
    if (status != FFWD_OK || step == NULL || tensor == NULL) {
        return status != FFWD_OK ? status : ffwd_onnx_fail_steps(err);
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
ffwd_status ffwd_onnx_match_concat(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                   ffwd_error *err) {
    static const double weights[] = {-1, 1};
    onnx_graph *graph = chain->graph;
    onnx_node *negative = ffwd_onnx_maker(graph, node, 0, "Sub");
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
        return ffwd_onnx_fail_steps(err);
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

ffwd_status ffwd_onnx_match_row(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                ffwd_error *err) {
    const uint32_t kind = ffwd_onnx_node_is(node, "Softmax")      ? ONNX_STEP_SOFTMAX
                          : ffwd_onnx_node_is(node, "LogSoftmax") ? ONNX_STEP_LOG_SOFTMAX
                                                                  : ONNX_STEP_ARGMAX;
    *next = node->inputs[0];
    return ffwd_onnx_step(chain, node, kind) != NULL ? FFWD_OK : ffwd_onnx_fail_steps(err);
}

/** From an index to the label at it; to labels that are text the index stands for itself. */
ffwd_status ffwd_onnx_match_label(onnx_chain *chain, onnx_node *node, uint32_t *next,
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
    status = ffwd_onnx_add_affine(chain, node, distance, first, err);
    node->passes = node->place == 0;
    return status;
}
