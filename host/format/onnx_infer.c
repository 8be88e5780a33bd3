// SPDX-License-Identifier: MIT
// Kind, type and shape of what each operator makes, from those of what it takes.
#include "format/onnx_infer.h"

#include "base/memory.h"

/** Input 0 where it is rows, or why not. */
static ffwd_status take_rows(const onnx_graph *graph, const onnx_node *node,
                             const onnx_value **rows, ffwd_error *err) {
    *rows = ffwd_onnx_input(graph, node, 0);
    return *rows != NULL && (*rows)->kind == ONNX_ROWS
               ? FFWD_OK
               : ffwd_onnx_refuse(node, err, "its first input is not computed from X");
}

static void copy_shape(const onnx_value *rows, onnx_value *out) {
    out->kind = ONNX_ROWS;
    out->type = rows->type;
    out->rank = rows->rank;
    for (unsigned axis = 0; axis < ONNX_RANK_MAX; axis++) {
        out->dims[axis] = rows->dims[axis];
    }
}

static ffwd_status need_real(const onnx_node *node, const onnx_value *rows, ffwd_error *err) {
    return ffwd_onnx_is_real(rows->type)
               ? FFWD_OK
               : ffwd_onnx_refuse(node, err,
                                  "computes with elements of type %d, which are no "
                                  "floating-point numbers",
                                  rows->type);
}

static ffwd_status infer_same(onnx_graph *graph, onnx_node *node, onnx_value *out,
                              ffwd_error *err) {
    const onnx_value *rows;
    ffwd_status status = take_rows(graph, node, &rows, err);
    if (status == FFWD_OK) {
        copy_shape(rows, out);
    }
    return status;
}

static ffwd_status infer_unary(onnx_graph *graph, onnx_node *node, onnx_value *out,
                               ffwd_error *err) {
    ffwd_status status = infer_same(graph, node, out, err);
    return status == FFWD_OK ? need_real(node, ffwd_onnx_input(graph, node, 0), err) : status;
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
    if (mode != NULL && (!ffwd_onnx_scalar(graph, mode, &training) || training != 0)) {
        return ffwd_onnx_refuse(node, err, "is in training mode");
    }
    return infer_identity(graph, node, out, err);
}

static ffwd_status infer_cast(onnx_graph *graph, onnx_node *node, onnx_value *out,
                              ffwd_error *err) {
    const int64_t type = ffwd_onnx_int_attribute(node, "to", 0);
    ffwd_status status = infer_identity(graph, node, out, err);
    if (status != FFWD_OK || out->kind != ONNX_ROWS) {
        return status; // a constant's numbers are read as they are stored
    }
    if (ffwd_onnx_is_real(out->type) && !ffwd_onnx_is_real((int32_t)type)) {
        return ffwd_onnx_refuse(node, err, "makes other numbers of floating-point ones (type %lld)",
                                (long long)type);
    }
    out->type = (int32_t)type;
    return FFWD_OK;
}

static ffwd_status infer_constant(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                  ffwd_error *err) {
    int64_t ints[ONNX_RANK_MAX];
    double number;
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
    number = found.has_f ? (double)found.f : (double)found.i;
    *(double *)(void *)(out->tensor + 1) = number;
    ffwd_onnx_tensor_of((double *)(void *)(out->tensor + 1), 1, out->tensor);
    out->tensor->rank = 0;
    out->kind = ONNX_CONSTANT;
    out->type = found.has_f ? ONNX_FLOAT : ONNX_INT64;
    return FFWD_OK;
}

/** Whether a constant has one value for each column, and where rows' extent is unknown, which. */
static ffwd_status check_constant(const onnx_node *node, const onnx_tensor *tensor,
                                  onnx_value *rows, ffwd_error *err) {
    char shape[ONNX_SHAPE_BYTES];
    ffwd_onnx_tensor_shape(tensor, shape);
    if (tensor->rank > rows->rank) {
        return ffwd_onnx_refuse(node, err, "an operand is %s, which has more axes than the rows",
                                shape);
    }
    for (unsigned i = 1; i <= tensor->rank; i++) {
        const uint64_t extent = tensor->dims[tensor->rank - i];
        int64_t *across = &rows->dims[rows->rank - i];
        if (extent == 1) {
            continue;
        }
        if (i == rows->rank) {
            return ffwd_onnx_refuse(node, err, "an operand is %s: it differs from row to row",
                                    shape);
        }
        if (*across == ONNX_UNKNOWN) {
            *across = (int64_t)extent;
        }
        if (*across != (int64_t)extent) {
            return ffwd_onnx_refuse(node, err, "an operand is %s, but the rows have %lld there",
                                    shape, (long long)*across);
        }
    }
    return FFWD_OK;
}

/** Rows of one shape, and constants with a value for each column. */
static ffwd_status infer_columns(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                 ffwd_error *err) {
    const onnx_value *rows = NULL;
    for (unsigned i = 0; i < ONNX_INPUTS_MAX; i++) {
        const onnx_value *value = ffwd_onnx_input(graph, node, i);
        if (value == NULL || value->kind == ONNX_CONSTANT) {
            continue;
        }
        if (value->kind != ONNX_ROWS) {
            return ffwd_onnx_refuse(node, err, "input %u is not computed from X", i + 1);
        }
        for (unsigned axis = 1; rows != NULL && axis < ONNX_RANK_MAX; axis++) {
            if (rows->rank != value->rank ||
                (axis < rows->rank && rows->dims[axis] != value->dims[axis])) {
                return ffwd_onnx_refuse(node, err, "takes rows of different shapes");
            }
        }
        rows = rows == NULL || !ffwd_onnx_is_real(rows->type) ? value : rows;
    }
    if (rows == NULL) {
        return ffwd_onnx_refuse(node, err, "computes a constant");
    }
    copy_shape(rows, out);
    for (unsigned i = 0; i < ONNX_INPUTS_MAX; i++) {
        const onnx_value *value = ffwd_onnx_input(graph, node, i);
        ffwd_status status = value != NULL && value->kind == ONNX_CONSTANT
                                 ? check_constant(node, value->tensor, out, err)
                                 : FFWD_OK;
        if (status != FFWD_OK) {
            out->kind = ONNX_OPAQUE;
            return status;
        }
    }
    return node->input_count <= ONNX_INPUTS_MAX
               ? FFWD_OK
               : ffwd_onnx_refuse(node, err, "takes %u inputs", node->input_count);
}

static ffwd_status infer_arithmetic(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                    ffwd_error *err) {
    ffwd_status status = infer_columns(graph, node, out, err);
    return status == FFWD_OK ? need_real(node, out, err) : status;
}

static ffwd_status infer_comparison(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                    ffwd_error *err) {
    ffwd_status status = infer_arithmetic(graph, node, out, err);
    out->type = ONNX_BOOL;
    return status;
}

static ffwd_status infer_where(onnx_graph *graph, onnx_node *node, onnx_value *out,
                               ffwd_error *err) {
    ffwd_status status = infer_columns(graph, node, out, err);
    const onnx_value *chosen = ffwd_onnx_input(graph, node, 1);
    if (status == FFWD_OK && chosen != NULL) {
        out->type = chosen->type;
    }
    return status;
}

static ffwd_status infer_gemm(onnx_graph *graph, onnx_node *node, onnx_value *out,
                              ffwd_error *err) {
    const onnx_value *rows, *weights = ffwd_onnx_input(graph, node, 1);
    ffwd_status status = take_rows(graph, node, &rows, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (ffwd_onnx_int_attribute(node, "transA", 0) != 0) {
        return ffwd_onnx_refuse(node, err, "transA = 1: its rows are columns of the data");
    }
    if (weights == NULL || weights->kind != ONNX_CONSTANT) {
        return ffwd_onnx_refuse(node, err, "B is not constant");
    }
    if (rows->rank != 2 || weights->tensor->rank != 2) {
        return ffwd_onnx_refuse(node, err, "A has %u axes and B %u, where both need 2", rows->rank,
                                weights->tensor->rank);
    }
    if (weights->tensor->count == 0) {
        return ffwd_onnx_refuse(node, err, "B is empty");
    }
    const bool transposed = ffwd_onnx_int_attribute(node, "transB", 0) != 0;
    const uint64_t inputs = weights->tensor->dims[transposed ? 1 : 0];
    if (rows->dims[1] != ONNX_UNKNOWN && (uint64_t)rows->dims[1] != inputs) {
        return ffwd_onnx_refuse(node, err, "takes %llu inputs, but a row has %lld",
                                (unsigned long long)inputs, (long long)rows->dims[1]);
    }
    copy_shape(rows, out);
    out->dims[1] = (int64_t)weights->tensor->dims[transposed ? 0 : 1];
    const onnx_value *bias = ffwd_onnx_input(graph, node, 2);
    if (bias != NULL && bias->kind != ONNX_CONSTANT) {
        return ffwd_onnx_refuse(node, err, "C is not constant");
    }
    status = bias != NULL ? check_constant(node, bias->tensor, out, err) : FFWD_OK;
    return status == FFWD_OK ? need_real(node, rows, err) : status;
}

static ffwd_status infer_matmul(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                ffwd_error *err) {
    const onnx_value *rows, *weights = ffwd_onnx_input(graph, node, 1);
    ffwd_status status = take_rows(graph, node, &rows, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (weights == NULL || weights->kind != ONNX_CONSTANT || weights->tensor->rank != 2 ||
        weights->tensor->count == 0) {
        return ffwd_onnx_refuse(node, err, "its second input is no constant matrix");
    }
    if (rows->rank < 2) {
        return ffwd_onnx_refuse(node, err, "the axis of rows is what it sums over");
    }
    for (unsigned axis = 1; axis + 1 < rows->rank; axis++) {
        if (rows->dims[axis] != 1) {
            return ffwd_onnx_refuse(node, err, "takes the last axis of a row alone, not all %u",
                                    rows->rank - 1);
        }
    }
    const int64_t inputs = rows->dims[rows->rank - 1];
    if (inputs != ONNX_UNKNOWN && (uint64_t)inputs != weights->tensor->dims[0]) {
        return ffwd_onnx_refuse(node, err, "takes %llu inputs, but a row has %lld",
                                (unsigned long long)weights->tensor->dims[0], (long long)inputs);
    }
    copy_shape(rows, out);
    out->dims[out->rank - 1] = (int64_t)weights->tensor->dims[1];
    return need_real(node, rows, err);
}

static ffwd_status infer_regressor(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                   ffwd_error *err) {
    ffwd_status status = infer_same(graph, node, out, err);
    if (status == FFWD_OK && out->rank != 2) {
        return ffwd_onnx_refuse(node, err, "takes rows of %u axes", out->rank - 1);
    }
    out->type = ONNX_FLOAT;
    out->dims[1] = ffwd_onnx_int_attribute(node, "targets", 1);
    return status;
}

/** Whether `axis`, with `from` (before opset 13) all behind it, is the whole of a row. */
static bool is_whole_row(const onnx_value *rows, int64_t axis, bool flattened) {
    axis += axis < 0 ? rows->rank : 0;
    if (axis < 1 || axis >= rows->rank) {
        return false;
    }
    for (unsigned other = 1; other < rows->rank; other++) {
        if (other != axis && rows->dims[other] != 1 && !(flattened && other > axis)) {
            return false;
        }
    }
    return true;
}

static ffwd_status infer_softmax(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                 ffwd_error *err) {
    const bool flattened = graph->opset < 13;
    const int64_t axis = ffwd_onnx_int_attribute(node, "axis", flattened ? 1 : -1);
    ffwd_status status = infer_unary(graph, node, out, err);
    if (status == FFWD_OK && !is_whole_row(out, axis, flattened)) {
        return ffwd_onnx_refuse(node, err, "axis %lld is not the whole of a row", (long long)axis);
    }
    return status;
}

static ffwd_status infer_argmax(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                ffwd_error *err) {
    int64_t axis = ffwd_onnx_int_attribute(node, "axis", 0);
    ffwd_status status = infer_unary(graph, node, out, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (!is_whole_row(out, axis, false)) {
        return ffwd_onnx_refuse(node, err, "axis %lld is not the whole of a row", (long long)axis);
    }
    if (ffwd_onnx_int_attribute(node, "select_last_index", 0) != 0) {
        return ffwd_onnx_refuse(node, err, "asks for the last of equal ones");
    }
    out->type = ONNX_INT64;
    axis += axis < 0 ? out->rank : 0;
    out->dims[axis] = 1;
    if (ffwd_onnx_int_attribute(node, "keepdims", 1) == 0) {
        out->rank = out->rank > 2 ? out->rank - 1 : 1; // all others are 1
    }
    return FFWD_OK;
}

static ffwd_status infer_label(onnx_graph *graph, onnx_node *node, onnx_value *out,
                               ffwd_error *err) {
    const onnx_value *classes = ffwd_onnx_input(graph, node, 0);
    const onnx_value *index = ffwd_onnx_input(graph, node, 1);
    if (classes == NULL || classes->kind != ONNX_CONSTANT || index == NULL ||
        index->kind != ONNX_ROWS || ffwd_onnx_width(index) != 1) {
        return ffwd_onnx_refuse(node, err, "chooses from what is not constant, or several");
    }
    copy_shape(index, out);
    out->type = classes->type;
    return FFWD_OK;
}

static ffwd_status infer_normalization(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                       ffwd_error *err) {
    ffwd_status status = infer_unary(graph, node, out, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (ffwd_onnx_int_attribute(node, "training_mode", 0) != 0) {
        return ffwd_onnx_refuse(node, err, "is in training mode");
    }
    for (unsigned i = 1; i <= 4; i++) {
        const onnx_value *value = ffwd_onnx_input(graph, node, i);
        if (out->rank < 2 || value == NULL || value->kind != ONNX_CONSTANT ||
            value->tensor->rank != 1) {
            return ffwd_onnx_refuse(node, err, "input %u is no constant list", i + 1);
        }
        if (out->dims[1] == ONNX_UNKNOWN) {
            out->dims[1] = (int64_t)value->tensor->count;
        }
        if ((uint64_t)out->dims[1] != value->tensor->count) {
            return ffwd_onnx_refuse(node, err, "input %u has %llu values, but a row has %lld",
                                    i + 1, (unsigned long long)value->tensor->count,
                                    (long long)out->dims[1]);
        }
    }
    return FFWD_OK;
}

static const struct {
    const char *op;
    bool ml;
    onnx_infer_function *infer;
} rules[] = {
    {"Gemm", false, infer_gemm},
    {"MatMul", false, infer_matmul},
    {"LinearRegressor", true, infer_regressor},
    {"BatchNormalization", false, infer_normalization},
    {"Scaler", true, infer_same},
    {"Softmax", false, infer_softmax},
    {"LogSoftmax", false, infer_softmax},
    {"ArgMax", false, infer_argmax},
    {"ArrayFeatureExtractor", true, infer_label},
    {"ZipMap", true, infer_same},
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
    {"Add", false, infer_arithmetic},
    {"Sub", false, infer_arithmetic},
    {"Mul", false, infer_arithmetic},
    {"Div", false, infer_arithmetic},
    {"Sum", false, infer_arithmetic},
    {"Pow", false, infer_arithmetic},
    {"Min", false, infer_arithmetic},
    {"Max", false, infer_arithmetic},
    {"Clip", false, infer_arithmetic},
    {"PRelu", false, infer_arithmetic},
    {"Greater", false, infer_comparison},
    {"Less", false, infer_comparison},
    {"GreaterOrEqual", false, infer_comparison},
    {"LessOrEqual", false, infer_comparison},
    {"Not", false, infer_same},
    {"Where", false, infer_where},
    {"Binarizer", true, infer_unary},
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
            return infer_unary;
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

/** The element of a constant that column `column` of rows meets. */
static uint64_t place_of(const onnx_tensor *tensor, const onnx_value *rows, uint64_t column) {
    uint64_t place = 0;
    for (unsigned i = 1; i < rows->rank; i++) {
        const uint64_t extent = (uint64_t)rows->dims[rows->rank - i], index = column % extent;
        column /= extent;
        if (i <= tensor->rank && tensor->dims[tensor->rank - i] > 1) {
            place += index * tensor->strides[tensor->rank - i];
        }
    }
    return place;
}

ffwd_status ffwd_onnx_columns(onnx_graph *graph, const onnx_value *constant, const onnx_value *rows,
                              double **columns, uint64_t *count, ffwd_error *err) {
    const onnx_tensor *tensor = constant->tensor;
    uint64_t bytes;
    ffwd_status status = ffwd_onnx_tensor_load(&graph->arena, constant->tensor, err);
    if (status != FFWD_OK) {
        return status;
    }
    const bool one = tensor->count == 1;
    *count = one ? 1 : ffwd_onnx_width(rows);
    if (*count == 0 || tensor->count == 0) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "a constant of %llu values for rows of %llu",
                         (unsigned long long)tensor->count, (unsigned long long)*count);
    }
    bytes = *count * sizeof(double);
    *columns = *count <= UINT64_MAX / sizeof(double) ? ffwd_onnx_keep(&graph->arena, bytes) : NULL;
    if (*columns == NULL) {
        return ffwd_fail_memory(err, bytes, "a constant");
    }
    for (uint64_t i = 0; i < *count; i++) {
        (*columns)[i] = ffwd_onnx_number(tensor, one ? 0 : place_of(tensor, rows, i));
    }
    return FFWD_OK;
}
