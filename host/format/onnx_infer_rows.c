// SPDX-License-Identifier: MIT
// What takes a row as a whole: how wide the rows are that it makes.
#include "format/onnx_infer.h"

ffwd_status ffwd_onnx_infer_gemm(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                 ffwd_error *err) {
    const onnx_value *rows, *weights = ffwd_onnx_input(graph, node, 1);
    ffwd_status status = ffwd_onnx_take_rows(graph, node, &rows, err);
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
    ffwd_onnx_copy_shape(rows, out);
    out->dims[1] = (int64_t)weights->tensor->dims[transposed ? 0 : 1];
    const onnx_value *bias = ffwd_onnx_input(graph, node, 2);
    if (bias != NULL && bias->kind != ONNX_CONSTANT) {
        return ffwd_onnx_refuse(node, err, "C is not constant");
    }
    status = bias != NULL ? ffwd_onnx_check_constant(graph, node, bias->tensor, out, err) : FFWD_OK;
    return status == FFWD_OK ? ffwd_onnx_need_real(node, rows, err) : status;
}

ffwd_status ffwd_onnx_infer_matmul(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                   ffwd_error *err) {
    const onnx_value *rows, *weights = ffwd_onnx_input(graph, node, 1);
    ffwd_status status = ffwd_onnx_take_rows(graph, node, &rows, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (weights == NULL || weights->kind != ONNX_CONSTANT || weights->tensor->rank < 1 ||
        weights->tensor->rank > 2 || weights->tensor->count == 0) {
        return ffwd_onnx_refuse(node, err, "its second input is no constant matrix or vector");
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
    ffwd_onnx_copy_shape(rows, out);
    if (weights->tensor->rank == 1) {
        out->rank--;
    } else {
        out->dims[out->rank - 1] = (int64_t)weights->tensor->dims[1];
    }
    return ffwd_onnx_need_real(node, rows, err);
}

ffwd_status ffwd_onnx_infer_regressor(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                      ffwd_error *err) {
    ffwd_status status = ffwd_onnx_infer_same(graph, node, out, err);
    if (status == FFWD_OK && out->rank != 2) {
        return ffwd_onnx_refuse(node, err, "takes rows of %u axes", out->rank - 1);
    }
    out->type = ONNX_FLOAT;
    out->dims[1] = ffwd_onnx_int_attribute(node, "targets", 1);
    return status;
}

uint64_t ffwd_onnx_class_count(const onnx_node *node) {
    FfwdOnnxAttribute numbers = {.ints = {.room = 0}}, texts = {.strings = {.room = 0}};
    const bool whole = ffwd_onnx_attribute(node, "classlabels_ints", &numbers);
    const bool text = ffwd_onnx_attribute(node, "classlabels_strings", &texts);
    return whole && numbers.ints.count > 0 ? numbers.ints.count : text ? texts.strings.count : 0;
}

/** Labels, and in its second output the scores. */
ffwd_status ffwd_onnx_infer_classifier(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                       ffwd_error *err) {
    const onnx_value *rows;
    ffwd_status status = ffwd_onnx_take_rows(graph, node, &rows, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (rows->rank != 2) {
        return ffwd_onnx_refuse(node, err, "takes rows of %u axes", rows->rank - 1);
    }
    if (node->outputs[1] != ONNX_NONE) {
        onnx_value *scores = &graph->values[node->outputs[1]];
        ffwd_onnx_copy_shape(rows, scores);
        scores->type = ONNX_FLOAT;
        scores->dims[1] = (int64_t)ffwd_onnx_class_count(node);
    }
    ffwd_onnx_copy_shape(rows, out);
    out->type = ONNX_INT64;
    out->rank = 1;
    return FFWD_OK;
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

ffwd_status ffwd_onnx_infer_softmax(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                    ffwd_error *err) {
    const bool flattened = graph->opset < 13;
    const int64_t axis = ffwd_onnx_int_attribute(node, "axis", flattened ? 1 : -1);
    ffwd_status status = ffwd_onnx_infer_unary(graph, node, out, err);
    if (status == FFWD_OK && !is_whole_row(out, axis, flattened)) {
        return ffwd_onnx_refuse(node, err, "axis %lld is not the whole of a row", (long long)axis);
    }
    return status;
}

ffwd_status ffwd_onnx_infer_argmax(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                   ffwd_error *err) {
    int64_t axis = ffwd_onnx_int_attribute(node, "axis", 0);
    ffwd_status status = ffwd_onnx_infer_unary(graph, node, out, err);
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

/** A label by its index, or columns of rows by theirs. */
ffwd_status ffwd_onnx_infer_label(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                  ffwd_error *err) {
    const onnx_value *classes = ffwd_onnx_input(graph, node, 0);
    const onnx_value *index = ffwd_onnx_input(graph, node, 1);
    if (classes != NULL && classes->kind == ONNX_ROWS) {
        return ffwd_onnx_infer_pick(graph, node, out, err);
    }
    if (classes == NULL || classes->kind != ONNX_CONSTANT || index == NULL ||
        index->kind != ONNX_ROWS || ffwd_onnx_width(index) != 1) {
        return ffwd_onnx_refuse(node, err, "chooses from what is not constant, or several");
    }
    ffwd_onnx_copy_shape(index, out);
    out->type = classes->type;
    return FFWD_OK;
}

ffwd_status ffwd_onnx_infer_normalization(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                          ffwd_error *err) {
    ffwd_status status = ffwd_onnx_infer_unary(graph, node, out, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (ffwd_onnx_int_attribute(node, "training_mode", 0) != 0 ||
        (graph->opset < 7 && ffwd_onnx_int_attribute(node, "is_test", 0) == 0)) {
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
