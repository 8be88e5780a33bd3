// SPDX-License-Identifier: MIT
// What is asked of a node: its operator, inputs, attributes, constants; and how it is refused.
#include "format/onnx_graph.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"

#define ATTRIBUTES_MAX 32

bool ffwd_onnx_node_is(const onnx_node *node, const char *op) {
    return node->domain == ONNX_CORE && ffwd_onnx_view_is(node->op, op);
}

bool ffwd_onnx_node_is_ml(const onnx_node *node, const char *op) {
    return node->domain == ONNX_ML && ffwd_onnx_view_is(node->op, op);
}

onnx_value *ffwd_onnx_input(const onnx_graph *graph, const onnx_node *node, unsigned index) {
    return index < ONNX_INPUTS_MAX && node->inputs[index] != ONNX_NONE
               ? &graph->values[node->inputs[index]]
               : NULL;
}

bool ffwd_onnx_takes_rows(const onnx_graph *graph, const onnx_node *node, unsigned index) {
    const onnx_value *value = ffwd_onnx_input(graph, node, index);
    return value != NULL && value->kind == ONNX_ROWS;
}

onnx_node *ffwd_onnx_maker(const onnx_graph *graph, const onnx_node *node, unsigned index,
                           const char *op) {
    const onnx_value *value = ffwd_onnx_input(graph, node, index);
    onnx_node *made = value != NULL && value->node != ONNX_NONE ? &graph->nodes[value->node] : NULL;
    return made != NULL && ffwd_onnx_node_is(made, op) ? made : NULL;
}

bool ffwd_onnx_attribute(const onnx_node *node, const char *name, FfwdOnnxAttribute *found) {
    onnx_view attributes[ATTRIBUTES_MAX];
    const FfwdOnnxAttribute empty = *found;
    FfwdOnnxNode decoded = {.attribute = {.into = attributes, .room = ATTRIBUTES_MAX}};
    if (!ffwd_onnx_decode(node->message, FfwdOnnxNode_fields, &decoded)) {
        return false;
    }
    for (size_t i = 0; i < decoded.attribute.count && i < ATTRIBUTES_MAX; i++) {
        *found = empty;
        if (ffwd_onnx_decode(attributes[i], FfwdOnnxAttribute_fields, found) &&
            ffwd_onnx_view_is(found->name, name)) {
            return true;
        }
    }
    *found = empty;
    return false;
}

double ffwd_onnx_float_attribute(const onnx_node *node, const char *name, double usual) {
    FfwdOnnxAttribute found = {.f = 0};
    return ffwd_onnx_attribute(node, name, &found) && found.has_f ? (double)found.f : usual;
}

int64_t ffwd_onnx_int_attribute(const onnx_node *node, const char *name, int64_t usual) {
    FfwdOnnxAttribute found = {.i = 0};
    return ffwd_onnx_attribute(node, name, &found) && found.has_i ? found.i : usual;
}

bool ffwd_onnx_counts(onnx_graph *graph, const onnx_value *value, int64_t counts[ONNX_RANK_MAX],
                      unsigned *count) {
    if (value != NULL && value->kind == ONNX_COUNTS) {
        for (unsigned i = 0; i < value->rank; i++) {
            counts[i] = value->dims[i];
        }
        *count = value->rank;
        return true;
    }
    if (value == NULL || value->kind != ONNX_CONSTANT || value->tensor->rank > 1 ||
        value->tensor->count > ONNX_RANK_MAX ||
        (value->type != ONNX_INT64 && value->type != ONNX_INT32) ||
        ffwd_onnx_tensor_load(&graph->arena, value->tensor, NULL) != FFWD_OK) {
        return false;
    }
    *count = (unsigned)value->tensor->count;
    for (unsigned i = 0; i < *count; i++) {
        counts[i] = ffwd_onnx_integer(value->tensor, i);
    }
    return true;
}

bool ffwd_onnx_scalar(onnx_graph *graph, const onnx_value *value, double *number) {
    if (value == NULL || value->kind != ONNX_CONSTANT || value->tensor->count == 0 ||
        ffwd_onnx_tensor_load(&graph->arena, value->tensor, NULL) != FFWD_OK) {
        return false;
    }
    *number = ffwd_onnx_number(value->tensor, 0);
    for (uint64_t i = 1; i < value->tensor->count; i++) {
        if (ffwd_onnx_number(value->tensor, i) != *number) {
            return false;
        }
    }
    return true;
}

uint64_t ffwd_onnx_width(const onnx_value *rows) {
    uint64_t width = 1;
    for (unsigned axis = 1; axis < rows->rank; axis++) {
        if (rows->dims[axis] < 0 || !ffwd_multiply(width, (uint64_t)rows->dims[axis], &width)) {
            return 0;
        }
    }
    return width;
}

static void node_text(const onnx_node *node, char text[128]) {
    char name[64], op[40];
    ffwd_onnx_view_text(node->name, name, sizeof name);
    ffwd_onnx_view_text(node->op, op, sizeof op);
    (void)snprintf(text, 128, "node '%s' (%s)", name, op);
}

ffwd_status ffwd_onnx_refuse(const onnx_node *node, ffwd_error *err, const char *format, ...) {
    char text[128], reason[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    node_text(node, text);
    return ffwd_fail(err, FFWD_EUNSUPPORTED, "%s: %s", text, reason);
}

ffwd_status ffwd_onnx_prefix(const onnx_node *node, ffwd_error *err, ffwd_status status) {
    char text[128];
    node_text(node, text);
    return ffwd_fail_prefix(err, status, text);
}
