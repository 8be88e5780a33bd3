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
    step->input_stride = weights->strides[across];
    step->neurons = weights->rank == 1 ? 1 : weights->dims[1 - across]; // a vector is one neuron
    step->neuron_stride = weights->rank == 1 ? 0 : weights->strides[1 - across];
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

/** Where input 0 is 1 - p or -p, p being input 1; *bias is the 1 or 0. */
static onnx_node *find_negative(onnx_graph *graph, const onnx_node *node, double *bias) {
    onnx_node *negative = ffwd_onnx_maker(graph, node, 0, "Sub");
    const bool difference = negative != NULL;
    double factor = -1;
    if (!difference) {
        onnx_node *product = ffwd_onnx_maker(graph, node, 0, "Mul");
        negative = product != NULL ? product : ffwd_onnx_maker(graph, node, 0, "Neg");
    }
    if (negative == NULL) {
        return NULL;
    }
    const unsigned own = difference || ffwd_onnx_takes_rows(graph, negative, 1) ? 1 : 0;
    const onnx_value *other = ffwd_onnx_input(graph, negative, 1 - own);
    *bias = difference ? 1 : 0;
    const bool given = other == NULL || ffwd_onnx_scalar(graph, other, &factor);
    return given && factor == (difference ? 1 : -1) && negative->inputs[own] == node->inputs[1]
               ? negative
               : NULL;
}

/** The rows 1 - p and p, or -s and s, of a binary classifier: a dense layer of two neurons. */
ffwd_status ffwd_onnx_match_concat(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                   ffwd_error *err) {
    static const double weights[] = {-1, 1};
    onnx_graph *graph = chain->graph;
    double one;
    onnx_node *negative = find_negative(graph, node, &one);
    if (node->input_count != 2 || negative == NULL ||
        ffwd_onnx_width(&graph->values[node->inputs[1]]) != 1) {
        return ffwd_onnx_refuse(
            node, err, "puts rows beside each other that are not 1 - p and p, or -p and p");
    }
    onnx_tensor *tensor = ffwd_onnx_keep(&graph->arena, sizeof *tensor);
    double *bias = ffwd_onnx_keep(&graph->arena, 2 * sizeof *bias);
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_DENSE);
    if (tensor == NULL || bias == NULL || step == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    ffwd_onnx_tensor_of(weights, 2, tensor);
    bias[0] = one;
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
