// SPDX-License-Identifier: MIT
// Reads an ONNX model into nodes over values: names are resolved once, and hostile ones refused.
#include "format/onnx_graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define OPSETS_MAX 16

/** Names sorted with the values they stand for; where two are equal, the first declared is first.
 */
typedef struct name_entry {
    onnx_view name;
    uint32_t value;
} name_entry;

typedef struct reading {
    onnx_graph *graph;
    FfwdOnnxGraph lists;
    name_entry *names;
    uint32_t name_count;
} reading;

static int compare_names(onnx_view a, onnx_view b) {
    const size_t shorter = a.count < b.count ? a.count : b.count;
    const int order = shorter > 0 ? memcmp(a.at, b.at, shorter) : 0;
    return order != 0 ? order : (a.count > b.count) - (a.count < b.count);
}

static int compare_entries(const void *left, const void *right) {
    const name_entry *a = left, *b = right;
    const int order = compare_names(a->name, b->name);
    return order != 0 ? order : (a->value > b->value) - (a->value < b->value);
}

static uint32_t find_value(const reading *r, onnx_view name) {
    uint32_t low = 0, high = r->name_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (compare_names(r->names[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const bool found = low < r->name_count && compare_names(r->names[low].name, name) == 0;
    return found ? r->names[low].value : ONNX_NONE;
}

/** Room for a list of messages that a first decoding has counted. */
static ffwd_status make_room(onnx_graph *graph, onnx_views *list, ffwd_error *err) {
    uint64_t bytes = list->count * sizeof *list->into;
    if (list->count >= ONNX_NONE / 8) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "a graph of %zu parts does not fit", list->count);
    }
    list->into = ffwd_onnx_keep(&graph->arena, bytes);
    if (list->into == NULL) {
        return ffwd_fail_memory(err, bytes, "a graph");
    }
    list->room = list->count;
    list->count = 0;
    return FFWD_OK;
}

static ffwd_status read_opsets(onnx_graph *graph, const onnx_views *opsets, ffwd_error *err) {
    for (size_t i = 0; i < opsets->count && i < opsets->room; i++) {
        FfwdOnnxOpset opset = {.version = 0};
        if (!ffwd_onnx_decode(opsets->into[i], FfwdOnnxOpset_fields, &opset)) {
            return ffwd_fail(err, FFWD_EFORMAT, "a set of operators that is broken");
        }
        if (opset.domain.count == 0 || ffwd_onnx_view_is(opset.domain, "ai.onnx")) {
            graph->opset = opset.version;
        }
    }
    return graph->opset > 0
               ? FFWD_OK
               : ffwd_fail(err, FFWD_EFORMAT, "does not say which version of operators it means");
}

static ffwd_status read_lists(reading *r, onnx_view file, ffwd_error *err) {
    onnx_view opsets[OPSETS_MAX];
    FfwdOnnxModel model = {.opset_import = {.into = opsets, .room = OPSETS_MAX}};
    ffwd_status status;
    if (!ffwd_onnx_decode(file, FfwdOnnxModel_fields, &model) || model.graph.at == NULL ||
        !ffwd_onnx_decode(model.graph, FfwdOnnxGraph_fields, &r->lists)) {
        return ffwd_fail(err, FFWD_EFORMAT, "no ONNX model, or a broken one");
    }
    FFWD_TRY(status, read_opsets(r->graph, &model.opset_import, err));
    FFWD_TRY(status, make_room(r->graph, &r->lists.node, err));
    FFWD_TRY(status, make_room(r->graph, &r->lists.initializer, err));
    FFWD_TRY(status, make_room(r->graph, &r->lists.input, err));
    FFWD_TRY(status, make_room(r->graph, &r->lists.output, err));
    r->lists.sparse_initializer.count = 0;
    (void)ffwd_onnx_decode(model.graph, FfwdOnnxGraph_fields, &r->lists); // it did a moment ago

cleanup:
    return status;
}

static ffwd_status read_dims(onnx_view shape, onnx_value *value, ffwd_error *err) {
    onnx_view dims[ONNX_RANK_MAX];
    FfwdOnnxShape decoded = {.dim = {.into = dims, .room = ONNX_RANK_MAX}};
    bool read = ffwd_onnx_decode(shape, FfwdOnnxShape_fields, &decoded);
    if (read && decoded.dim.count > ONNX_RANK_MAX) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "a row of %zu axes", decoded.dim.count - 1);
    }
    value->rank = (unsigned)decoded.dim.count;
    for (unsigned axis = 0; read && axis < value->rank; axis++) {
        FfwdOnnxDim dim = {.dim_value = 0};
        read = ffwd_onnx_decode(dims[axis], FfwdOnnxDim_fields, &dim);
        value->dims[axis] = dim.dim_value > 0 ? dim.dim_value : ONNX_UNKNOWN;
    }
    return read ? FFWD_OK : ffwd_fail(err, FFWD_EFORMAT, "the shape of X is broken");
}

/** Type and shape of X. Where the file says nothing of its shape, it has rows of any width. */
static ffwd_status read_x(onnx_view type, onnx_value *x, ffwd_error *err) {
    FfwdOnnxType decoded = {.tensor_type = {NULL, 0}};
    FfwdOnnxTensorType tensor = {.elem_type = ONNX_FLOAT};
    x->kind = ONNX_ROWS;
    x->type = ONNX_FLOAT;
    x->rank = 2;
    x->dims[0] = x->dims[1] = ONNX_UNKNOWN;
    if (!ffwd_onnx_decode(type, FfwdOnnxType_fields, &decoded) ||
        !ffwd_onnx_decode(decoded.tensor_type, FfwdOnnxTensorType_fields, &tensor)) {
        return ffwd_fail(err, FFWD_EFORMAT, "the type of X is broken");
    }
    if (type.at != NULL && decoded.tensor_type.at == NULL) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "X is no tensor");
    }
    x->type = tensor.elem_type;
    if (!ffwd_onnx_is_number(x->type)) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "X has elements of type %d, which are no numbers",
                         x->type);
    }
    if (tensor.shape.at == NULL) {
        return FFWD_OK;
    }
    ffwd_status status = read_dims(tensor.shape, x, err);
    if (status == FFWD_OK && x->rank == 0) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "X is one value, without an axis of rows");
    }
    return status;
}

static ffwd_status add_initializers(reading *r, ffwd_error *err) {
    onnx_graph *graph = r->graph;
    const size_t count = r->lists.initializer.count;
    onnx_tensor *tensors = ffwd_onnx_keep(&graph->arena, count * sizeof *tensors);
    if (tensors == NULL) {
        return ffwd_fail_memory(err, count * sizeof *tensors, "tensors");
    }
    for (size_t i = 0; i < count; i++) {
        onnx_value *value = &graph->values[graph->value_count++];
        *value = (onnx_value){.node = ONNX_NONE, .kind = ONNX_CONSTANT, .tensor = &tensors[i]};
        ffwd_status status =
            ffwd_onnx_tensor_parse(r->lists.initializer.into[i], &tensors[i], &value->name, err);
        if (status != FFWD_OK) {
            return status;
        }
        value->type = tensors[i].type;
    }
    return FFWD_OK;
}

/** The first input that is no initializer is X. */
static ffwd_status add_inputs(reading *r, ffwd_error *err) {
    onnx_graph *graph = r->graph;
    for (size_t i = 0; i < r->lists.input.count; i++) {
        FfwdOnnxValueInfo info = {.type = {NULL, 0}};
        if (!ffwd_onnx_decode(r->lists.input.into[i], FfwdOnnxValueInfo_fields, &info)) {
            return ffwd_fail(err, FFWD_EFORMAT, "input %zu is broken", i + 1);
        }
        if (find_value(r, info.name) != ONNX_NONE) {
            continue;
        }
        onnx_value *value = &graph->values[graph->value_count];
        *value = (onnx_value){.name = info.name, .node = ONNX_NONE};
        if (graph->x == ONNX_NONE) {
            ffwd_status status = read_x(info.type, value, err);
            if (status != FFWD_OK) {
                return status;
            }
            graph->x = graph->value_count;
        }
        graph->value_count++;
    }
    return graph->x != ONNX_NONE ? FFWD_OK : ffwd_fail(err, FFWD_EFORMAT, "the graph has no input");
}

/** Sorts the names of all values so far. Two values of a name are refused. */
static ffwd_status sort_names(reading *r, ffwd_error *err) {
    const onnx_graph *graph = r->graph;
    r->name_count = graph->value_count;
    for (uint32_t i = 0; i < graph->value_count; i++) {
        r->names[i] = (name_entry){graph->values[i].name, i};
    }
    qsort(r->names, r->name_count, sizeof *r->names, compare_entries);
    for (uint32_t i = 1; i < r->name_count; i++) {
        if (compare_names(r->names[i - 1].name, r->names[i].name) == 0) {
            char text[64];
            ffwd_onnx_view_text(r->names[i].name, text, sizeof text);
            return ffwd_fail(err, FFWD_EFORMAT, "two values are called '%s'", text);
        }
    }
    return FFWD_OK;
}

static onnx_domain domain_of(onnx_view name) {
    if (name.count == 0 || ffwd_onnx_view_is(name, "ai.onnx")) {
        return ONNX_CORE;
    }
    return ffwd_onnx_view_is(name, "ai.onnx.ml") ? ONNX_ML : ONNX_FOREIGN;
}

static bool decode_node(onnx_view message, FfwdOnnxNode *decoded, onnx_view *inputs,
                        onnx_view *outputs) {
    *decoded = (FfwdOnnxNode){.input = {.into = inputs, .room = ONNX_INPUTS_MAX},
                              .output = {.into = outputs, .room = ONNX_OUTPUTS_MAX}};
    return ffwd_onnx_decode(message, FfwdOnnxNode_fields, decoded);
}

/** Nodes, and the values they make. */
static ffwd_status add_nodes(reading *r, ffwd_error *err) {
    onnx_graph *graph = r->graph;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        onnx_view inputs[ONNX_INPUTS_MAX], outputs[ONNX_OUTPUTS_MAX];
        FfwdOnnxNode decoded;
        onnx_node *node = &graph->nodes[i];
        if (!decode_node(r->lists.node.into[i], &decoded, inputs, outputs)) {
            return ffwd_fail(err, FFWD_EFORMAT, "node %u is broken", i + 1);
        }
        *node = (onnx_node){.message = r->lists.node.into[i],
                            .name = decoded.name,
                            .op = decoded.op_type,
                            .domain = domain_of(decoded.domain),
                            .input_count = (uint32_t)decoded.input.count,
                            .output_count = (uint32_t)decoded.output.count};
        if (node->name.count == 0 && node->output_count > 0) {
            node->name = outputs[0];
        }
        for (unsigned k = 0; k < ONNX_OUTPUTS_MAX; k++) {
            node->outputs[k] = ONNX_NONE;
            if (k < node->output_count && outputs[k].count > 0) {
                node->outputs[k] = graph->value_count;
                graph->values[graph->value_count++] = (onnx_value){.name = outputs[k], .node = i};
            }
        }
    }
    return FFWD_OK;
}

static ffwd_status resolve_inputs(reading *r, uint32_t index, ffwd_error *err) {
    onnx_graph *graph = r->graph;
    onnx_view inputs[ONNX_INPUTS_MAX], outputs[ONNX_OUTPUTS_MAX];
    FfwdOnnxNode decoded;
    onnx_node *node = &graph->nodes[index];
    (void)decode_node(node->message, &decoded, inputs, outputs); // it did in add_nodes
    for (unsigned k = 0; k < ONNX_INPUTS_MAX; k++) {
        node->inputs[k] = ONNX_NONE;
        if (k >= node->input_count || inputs[k].count == 0) {
            continue;
        }
        node->inputs[k] = find_value(r, inputs[k]);
        const uint32_t maker =
            node->inputs[k] != ONNX_NONE ? graph->values[node->inputs[k]].node : index;
        if (maker != ONNX_NONE && maker >= index) {
            char text[64];
            ffwd_onnx_view_text(inputs[k], text, sizeof text);
            (void)ffwd_onnx_refuse(node, err, "takes '%s', which nothing before it makes", text);
            if (err != NULL) {
                err->status = FFWD_EFORMAT;
            }
            return FFWD_EFORMAT;
        }
    }
    return FFWD_OK;
}

static ffwd_status resolve_outputs(reading *r, ffwd_error *err) {
    onnx_graph *graph = r->graph;
    for (uint32_t i = 0; i < graph->output_count; i++) {
        FfwdOnnxValueInfo info = {.type = {NULL, 0}};
        if (!ffwd_onnx_decode(r->lists.output.into[i], FfwdOnnxValueInfo_fields, &info)) {
            return ffwd_fail(err, FFWD_EFORMAT, "output %u is broken", i + 1);
        }
        graph->outputs[i] = find_value(r, info.name);
        if (graph->outputs[i] == ONNX_NONE) { // of an output of a node that nothing here looks at
            graph->outputs[i] = graph->value_count;
            graph->values[graph->value_count++] =
                (onnx_value){.name = info.name, .node = ONNX_NONE};
        }
    }
    return graph->output_count > 0 ? FFWD_OK
                                   : ffwd_fail(err, FFWD_EFORMAT, "the graph has no output");
}

static ffwd_status allocate(reading *r, ffwd_error *err) {
    onnx_graph *graph = r->graph;
    graph->node_count = (uint32_t)r->lists.node.count;
    graph->output_count = (uint32_t)r->lists.output.count;
    const uint64_t values = r->lists.initializer.count + r->lists.input.count +
                            r->lists.output.count + (uint64_t)ONNX_OUTPUTS_MAX * graph->node_count;
    graph->nodes = ffwd_onnx_keep(&graph->arena, graph->node_count * sizeof *graph->nodes);
    graph->outputs = ffwd_onnx_keep(&graph->arena, graph->output_count * sizeof *graph->outputs);
    graph->values = ffwd_onnx_keep(&graph->arena, values * sizeof *graph->values);
    r->names = ffwd_onnx_keep(&graph->arena, values * sizeof *r->names);
    if (graph->nodes == NULL || graph->outputs == NULL || graph->values == NULL ||
        r->names == NULL) {
        return ffwd_fail_memory(err, values * sizeof *graph->values, "a graph");
    }
    return FFWD_OK;
}

ffwd_status ffwd_onnx_graph_read(onnx_graph *graph, onnx_view file, ffwd_error *err) {
    reading r = {.graph = graph};
    ffwd_status status;
    graph->x = ONNX_NONE;
    graph->bytes = file.count;
    FFWD_TRY(status, read_lists(&r, file, err));
    FFWD_TRY(status, allocate(&r, err));
    FFWD_TRY(status, add_initializers(&r, err));
    FFWD_TRY(status, sort_names(&r, err));
    FFWD_TRY(status, add_inputs(&r, err));
    FFWD_TRY(status, add_nodes(&r, err));
    FFWD_TRY(status, sort_names(&r, err));
    for (uint32_t i = 0; i < graph->node_count; i++) {
        FFWD_TRY(status, resolve_inputs(&r, i, err));
    }
    status = resolve_outputs(&r, err);

cleanup:
    return status;
}
