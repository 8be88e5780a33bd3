// SPDX-License-Identifier: MIT
// Kind, type and shape of what each operator makes, from those of what it takes.
#include "format/onnx_infer.h"

#include <string.h>

#include "base/memory.h"

ffwd_status ffwd_onnx_take_rows(const onnx_graph *graph, const onnx_node *node,
                                const onnx_value **rows, ffwd_error *err) {
    *rows = ffwd_onnx_input(graph, node, 0);
    return *rows != NULL && (*rows)->kind == ONNX_ROWS
               ? FFWD_OK
               : ffwd_onnx_refuse(node, err, "its first input is not computed from X");
}

void ffwd_onnx_copy_shape(const onnx_value *rows, onnx_value *out) {
    out->kind = ONNX_ROWS;
    out->type = rows->type;
    out->rank = rows->rank;
    for (unsigned axis = 0; axis < ONNX_RANK_MAX; axis++) {
        out->dims[axis] = rows->dims[axis];
    }
}

ffwd_status ffwd_onnx_need_real(const onnx_node *node, const onnx_value *rows, ffwd_error *err) {
    return ffwd_onnx_is_real(rows->type)
               ? FFWD_OK
               : ffwd_onnx_refuse(node, err,
                                  "computes with elements of type %d, which are no "
                                  "floating-point numbers",
                                  rows->type);
}

ffwd_status ffwd_onnx_infer_same(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                 ffwd_error *err) {
    const onnx_value *rows;
    ffwd_status status = ffwd_onnx_take_rows(graph, node, &rows, err);
    if (status == FFWD_OK) {
        ffwd_onnx_copy_shape(rows, out);
    }
    return status;
}

ffwd_status ffwd_onnx_infer_unary(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                  ffwd_error *err) {
    ffwd_status status = ffwd_onnx_infer_same(graph, node, out, err);
    return status == FFWD_OK ? ffwd_onnx_need_real(node, ffwd_onnx_input(graph, node, 0), err)
                             : status;
}

/** Whether numbers of one type are the same ones in another, as far as rows hold them. Indices and
 *  labels are small: int32 and int64 are one. */
static bool keeps_numbers(int32_t from, bool whole, int32_t to) {
    return from == to || ffwd_onnx_is_real(to) ||
           ((whole || !ffwd_onnx_is_real(from)) && (to == ONNX_INT32 || to == ONNX_INT64));
}

/** Whether a value is 0 or 1, whatever its type. */
static bool is_binary(const onnx_graph *graph, const onnx_value *value) {
    return value->node != ONNX_NONE &&
           ffwd_onnx_node_is_ml(&graph->nodes[value->node], "Binarizer");
}

/** Identity and what passes constants on. */
static ffwd_status infer_identity(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                  ffwd_error *err) {
    const onnx_value *from = ffwd_onnx_input(graph, node, 0);
    if (from == NULL || from->kind == ONNX_OPAQUE) {
        return ffwd_onnx_refuse(node, err, "its input is not computed from X");
    }
    const onnx_view name = out->name;
    const uint32_t maker = out->node;
    *out = *from;
    out->name = name;
    out->node = maker;
    return FFWD_OK;
}

static ffwd_status infer_dropout(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                 ffwd_error *err) {
    double training = 0;
    const onnx_value *mode = ffwd_onnx_input(graph, node, 2);
    if ((mode != NULL && (!ffwd_onnx_scalar(graph, mode, &training) || training != 0)) ||
        (graph->opset < 7 && ffwd_onnx_int_attribute(node, "is_test", 0) == 0)) {
        return ffwd_onnx_refuse(node, err, "is in training mode");
    }
    return infer_identity(graph, node, out, err);
}

static ffwd_status infer_cast(onnx_graph *graph, onnx_node *node, onnx_value *out,
                              ffwd_error *err) {
    const int32_t type = (int32_t)ffwd_onnx_int_attribute(node, "to", 0);
    ffwd_status status = infer_identity(graph, node, out, err);
    if (status != FFWD_OK || out->kind != ONNX_ROWS) {
        return status; // a constant's numbers are read as they are stored
    }
    if (!keeps_numbers(out->type, is_binary(graph, ffwd_onnx_input(graph, node, 0)), type)) {
        return ffwd_onnx_refuse(node, err, "makes other numbers of type %d of those of type %d",
                                type, out->type);
    }
    out->type = type;
    return FFWD_OK;
}

static ffwd_status infer_constant(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                  ffwd_error *err) {
    int64_t ints[ONNX_RANK_MAX];
    FfwdOnnxAttribute found = {.ints = {.into = ints, .room = ONNX_RANK_MAX}};
    onnx_view name;
    if (ffwd_onnx_attribute(node, "value_ints", &found) && found.ints.count <= ONNX_RANK_MAX) {
        out->kind = ONNX_COUNTS;
        out->rank = (unsigned)found.ints.count;
        for (unsigned i = 0; i < out->rank; i++) {
            out->dims[i] = ints[i];
        }
        return FFWD_OK;
    }
    out->tensor = ffwd_onnx_keep(&graph->arena, sizeof *out->tensor + sizeof(double));
    if (out->tensor == NULL) {
        return ffwd_fail_memory(err, sizeof *out->tensor, "a constant");
    }
    if (ffwd_onnx_attribute(node, "value", &found) && found.t.at != NULL) {
        ffwd_status status = ffwd_onnx_tensor_parse(found.t, out->tensor, &name, err);
        out->kind = status == FFWD_OK ? ONNX_CONSTANT : ONNX_OPAQUE;
        out->type = out->tensor->type;
        return status;
    }
    if (!ffwd_onnx_attribute(node, "value_float", &found) &&
        !ffwd_onnx_attribute(node, "value_int", &found)) {
        return ffwd_onnx_refuse(node, err, "holds no tensor and no number");
    }
    double *number = (double *)(void *)(out->tensor + 1);
    *number = found.f;
    ffwd_onnx_tensor_of(number, 1, out->tensor);
    if (!found.has_f) {
        memcpy(number, &found.i, sizeof found.i);
        out->tensor->type = ONNX_INT64;
    }
    out->tensor->rank = 0;
    out->kind = ONNX_CONSTANT;
    out->type = found.has_f ? ONNX_FLOAT : ONNX_INT64;
    return FFWD_OK;
}

static const struct {
    const char *op;
    bool ml;
    onnx_infer_function *infer;
} rules[] = {
    {"Gemm", false, ffwd_onnx_infer_gemm},
    {"MatMul", false, ffwd_onnx_infer_matmul},
    {"LinearRegressor", true, ffwd_onnx_infer_regressor},
    {"BatchNormalization", false, ffwd_onnx_infer_normalization},
    {"Scaler", true, ffwd_onnx_infer_same},
    {"Softmax", false, ffwd_onnx_infer_softmax},
    {"LogSoftmax", false, ffwd_onnx_infer_softmax},
    {"ArgMax", false, ffwd_onnx_infer_argmax},
    {"ArrayFeatureExtractor", true, ffwd_onnx_infer_label},
    {"LinearClassifier", true, ffwd_onnx_infer_classifier},
    {"Normalizer", true, ffwd_onnx_infer_unary},
    {"ZipMap", true, ffwd_onnx_infer_same},
    {"Identity", false, infer_identity},
    {"Dropout", false, infer_dropout},
    {"Cast", false, infer_cast},
    {"Constant", false, infer_constant},
    {"Flatten", false, ffwd_onnx_infer_flatten},
    {"Reshape", false, ffwd_onnx_infer_reshape},
    {"Squeeze", false, ffwd_onnx_infer_squeeze},
    {"Unsqueeze", false, ffwd_onnx_infer_unsqueeze},
    {"Transpose", false, ffwd_onnx_infer_transpose},
    {"Shape", false, ffwd_onnx_infer_shape},
    {"Gather", false, ffwd_onnx_infer_gather},
    {"Slice", false, ffwd_onnx_infer_slice},
    {"Concat", false, ffwd_onnx_infer_concat},
    {"Add", false, ffwd_onnx_infer_arithmetic},
    {"Sub", false, ffwd_onnx_infer_arithmetic},
    {"Mul", false, ffwd_onnx_infer_arithmetic},
    {"Div", false, ffwd_onnx_infer_arithmetic},
    {"Sum", false, ffwd_onnx_infer_arithmetic},
    {"Pow", false, ffwd_onnx_infer_arithmetic},
    {"Min", false, ffwd_onnx_infer_arithmetic},
    {"Max", false, ffwd_onnx_infer_arithmetic},
    {"Clip", false, ffwd_onnx_infer_arithmetic},
    {"PRelu", false, ffwd_onnx_infer_arithmetic},
    {"Greater", false, ffwd_onnx_infer_comparison},
    {"Less", false, ffwd_onnx_infer_comparison},
    {"GreaterOrEqual", false, ffwd_onnx_infer_comparison},
    {"LessOrEqual", false, ffwd_onnx_infer_comparison},
    {"Equal", false, ffwd_onnx_infer_comparison},
    {"Not", false, ffwd_onnx_infer_same},
    {"Where", false, ffwd_onnx_infer_where},
    {"Binarizer", true, ffwd_onnx_infer_unary},
};

/** Activations take one input and change nothing of its shape. */
static const char *const activations[] = {
    "Relu",     "Sigmoid",     "Tanh", "LeakyRelu", "ThresholdedRelu",
    "Elu",      "Selu",        "Celu", "Softplus",  "Erf",
    "Softsign", "HardSigmoid", "Mish", "Gelu",      "HardSwish",
    "Swish",    "Exp",         "Log",  "Neg",       "Abs",
    "Sign",     "Reciprocal",
};

static onnx_infer_function *find_rule(const onnx_node *node) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].ml ? ffwd_onnx_node_is_ml(node, rules[i].op)
                        : ffwd_onnx_node_is(node, rules[i].op)) {
            return rules[i].infer;
        }
    }
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        if (ffwd_onnx_node_is(node, activations[i])) {
            return ffwd_onnx_infer_unary;
        }
    }
    return NULL;
}

static ffwd_status infer_node(onnx_graph *graph, onnx_node *node, ffwd_error *err) {
    onnx_infer_function *infer = find_rule(node);
    if (infer == NULL) {
        return ffwd_onnx_refuse(node, err, "no operation of a dense chain");
    }
    if (node->outputs[0] == ONNX_NONE) {
        return ffwd_onnx_refuse(node, err, "makes nothing");
    }
    onnx_value *out = &graph->values[node->outputs[0]];
    onnx_value made = {.name = out->name, .node = out->node};
    ffwd_status status = infer(graph, node, &made, err);
    if (status == FFWD_OK) {
        *out = made;
    }
    return status;
}

ffwd_status ffwd_onnx_infer(onnx_graph *graph, ffwd_error *err) {
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const ffwd_status status = infer_node(graph, &graph->nodes[i], err);
        if (status == FFWD_ENOMEM) {
            return status;
        }
    }
    return FFWD_OK;
}

ffwd_status ffwd_onnx_explain(onnx_graph *graph, onnx_node *node, ffwd_error *err) {
    for (unsigned i = 0; i < ONNX_INPUTS_MAX; i++) {
        const onnx_value *value = ffwd_onnx_input(graph, node, i);
        if (value != NULL && value->kind == ONNX_OPAQUE && value->node != ONNX_NONE) {
            node = &graph->nodes[value->node];
            i = UINT32_MAX; // from its first input on
        } else if (value != NULL && value->kind == ONNX_OPAQUE) {
            char name[64];
            ffwd_onnx_view_text(value->name, name, sizeof name);
            return ffwd_onnx_refuse(node, err, "takes a second input of the graph, '%s'", name);
        }
    }
    return infer_node(graph, node, err);
}
