// SPDX-License-Identifier: MIT
// Operators that move axes: none of them may change a row, and constants become views. And those by
// which exporters compute the shape that a Reshape is to have.
#include <string.h>

#include "base/memory.h"
#include "format/onnx_infer.h"

/** Sets out to rows of input 0 in another shape of the same width. */
static ffwd_status set_rows(const onnx_value *rows, unsigned rank, const int64_t *dims,
                            onnx_value *out) {
    out->kind = ONNX_ROWS;
    out->type = rows->type;
    out->rank = rank;
    out->dims[0] = rows->dims[0];
    for (unsigned axis = 1; axis < rank; axis++) {
        out->dims[axis] = dims[axis];
    }
    return FFWD_OK;
}

ffwd_status ffwd_onnx_infer_flatten(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                    ffwd_error *err) {
    const onnx_value *rows = ffwd_onnx_input(graph, node, 0);
    int64_t axis = ffwd_onnx_int_attribute(node, "axis", 1);
    if (rows == NULL || rows->kind != ONNX_ROWS) {
        return ffwd_onnx_refuse(node, err, "its input is not computed from X");
    }
    const int64_t given = axis;
    axis += axis < 0 ? rows->rank : 0;
    bool keeps = axis >= 1 && axis <= rows->rank;
    for (unsigned before = 1; keeps && before < axis; before++) {
        keeps = rows->dims[before] == 1;
    }
    if (!keeps) {
        return ffwd_onnx_refuse(node, err, "axis %lld makes other rows", (long long)given);
    }
    const uint64_t width = ffwd_onnx_width(rows);
    const int64_t dims[2] = {0, width > 0 ? (int64_t)width : ONNX_UNKNOWN};
    return set_rows(rows, 2, dims, out);
}

/** A constant in another shape: a view where it is dense. */
static ffwd_status view_constant(onnx_graph *graph, onnx_node *node, const onnx_value *from,
                                 unsigned rank, const int64_t *dims, onnx_value *out,
                                 ffwd_error *err) {
    onnx_tensor *view = ffwd_onnx_keep(&graph->arena, sizeof *view);
    uint64_t count = 1;
    ffwd_status status = view != NULL ? ffwd_onnx_tensor_load(&graph->arena, from->tensor, err)
                                      : ffwd_fail_memory(err, sizeof *view, "a view");
    if (status != FFWD_OK) {
        return status;
    }
    for (unsigned axis = from->tensor->rank; axis-- > 0;) {
        if (from->tensor->strides[axis] != count && from->tensor->dims[axis] > 1) {
            return ffwd_onnx_refuse(node, err, "reshapes a transposed constant");
        }
        count *= from->tensor->dims[axis];
    }
    *view = *from->tensor;
    view->rank = rank;
    uint64_t stride = 1;
    for (unsigned axis = rank; axis-- > 0;) {
        view->dims[axis] = (uint64_t)dims[axis];
        view->strides[axis] = stride;
        stride *= view->dims[axis];
    }
    if (stride != view->count) {
        return ffwd_onnx_refuse(node, err, "makes %llu values of %llu", (unsigned long long)stride,
                                (unsigned long long)view->count);
    }
    out->kind = ONNX_CONSTANT;
    out->type = from->type;
    out->tensor = view;
    return FFWD_OK;
}

/** The shape asked for with 0 and -1 put in; false where it does not fit `count` values. */
static bool complete(int64_t *dims, unsigned rank, uint64_t count, unsigned from) {
    uint64_t known = 1;
    unsigned open = rank;
    for (unsigned axis = from; axis < rank; axis++) {
        if (dims[axis] == -1 && open == rank) {
            open = axis;
        } else if (dims[axis] < 0 || !ffwd_multiply(known, (uint64_t)dims[axis], &known)) {
            return false;
        }
    }
    if (open < rank && known > 0) {
        dims[open] = (int64_t)(count / known);
        known *= (uint64_t)dims[open];
    }
    return known == count;
}

/** Whether what a node makes is an output of the graph that no other node takes. */
static bool is_last(const onnx_graph *graph, const onnx_node *node) {
    bool given = false;
    for (uint32_t i = 0; i < graph->output_count; i++) {
        given = given || graph->outputs[i] == node->outputs[0];
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        for (unsigned k = 0; k < ONNX_INPUTS_MAX; k++) {
            given = given && graph->nodes[i].inputs[k] != node->outputs[0];
        }
    }
    return given;
}

/** Whether a shape of any number of rows cuts each row of `width` values into equal pieces. */
static bool cuts_rows(const int64_t *dims, unsigned rank, uint64_t width) {
    uint64_t piece = 1;
    for (unsigned axis = 1; axis < rank; axis++) {
        if (dims[axis] <= 0 || !ffwd_multiply(piece, (uint64_t)dims[axis], &piece)) {
            return false;
        }
    }
    return dims[0] == -1 && width > 0 && width % piece == 0;
}

static ffwd_status reshape_rows(const onnx_graph *graph, onnx_node *node, const onnx_value *rows,
                                int64_t *dims, unsigned rank, onnx_value *out, ffwd_error *err) {
    const uint64_t width = ffwd_onnx_width(rows);
    const bool zero = ffwd_onnx_int_attribute(node, "allowzero", 0) == 0;
    for (unsigned axis = 0; axis < rank && axis < rows->rank; axis++) {
        dims[axis] = dims[axis] == 0 && zero ? rows->dims[axis] : dims[axis];
    }
    if (rank == 0) {
        return ffwd_onnx_refuse(node, err, "makes one value of all rows");
    }
    // What may stand for the number of rows; where it is left open, the rest must be a row.
    const bool first = dims[0] == ONNX_ROW_COUNT || dims[0] == -1 || dims[0] == rows->dims[0];
    if (first && width == 0 && rank == 2 && (dims[1] > 0 || dims[1] == -1)) {
        return set_rows(rows, rank, dims, out);
    }
    if (cuts_rows(dims, rank, width) && is_last(graph, node)) {
        ffwd_onnx_copy_shape(rows, out); // the same values in the same order, by whole rows
        return FFWD_OK;
    }
    if (!first || !complete(dims, rank, width, 1)) {
        return ffwd_onnx_refuse(node, err, "makes other rows of rows of %llu values",
                                (unsigned long long)width);
    }
    return set_rows(rows, rank, dims, out);
}

ffwd_status ffwd_onnx_infer_reshape(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                    ffwd_error *err) {
    int64_t dims[ONNX_RANK_MAX];
    unsigned rank = 0;
    const onnx_value *from = ffwd_onnx_input(graph, node, 0);
    if (from == NULL || !ffwd_onnx_counts(graph, ffwd_onnx_input(graph, node, 1), dims, &rank)) {
        return ffwd_onnx_refuse(node, err, "its shape is not constant");
    }
    if (from->kind == ONNX_ROWS) {
        return reshape_rows(graph, node, from, dims, rank, out, err);
    }
    if (from->kind == ONNX_CONSTANT && complete(dims, rank, from->tensor->count, 0)) {
        return view_constant(graph, node, from, rank, dims, out, err);
    }
    return ffwd_onnx_refuse(node, err, "its input is not computed from X");
}

/** Axes by attribute (before opset 13) or input; false where they are not constant. */
static bool take_axes(onnx_graph *graph, const onnx_node *node, unsigned rank, bool *chosen,
                      unsigned *count) {
    int64_t axes[ONNX_RANK_MAX];
    FfwdOnnxAttribute found = {.ints = {.into = axes, .room = ONNX_RANK_MAX}};
    const onnx_value *input = ffwd_onnx_input(graph, node, 1);
    *count = 0;
    if (input != NULL) {
        if (!ffwd_onnx_counts(graph, input, axes, count)) {
            return false;
        }
    } else if (ffwd_onnx_attribute(node, "axes", &found)) {
        *count = found.ints.count <= ONNX_RANK_MAX ? (unsigned)found.ints.count : 0;
    }
    for (unsigned i = 0; i < *count; i++) {
        const int64_t axis = axes[i] + (axes[i] < 0 ? rank : 0);
        if (axis < 0 || axis >= rank || chosen[axis]) {
            return false;
        }
        chosen[axis] = true;
    }
    return true;
}

static void list_dims(const onnx_value *value, int64_t *dims, unsigned *rank) {
    *rank = value->kind == ONNX_ROWS ? value->rank : value->tensor->rank;
    for (unsigned axis = 0; axis < *rank; axis++) {
        dims[axis] =
            value->kind == ONNX_ROWS ? value->dims[axis] : (int64_t)value->tensor->dims[axis];
    }
}

static ffwd_status set_shape(onnx_graph *graph, onnx_node *node, const onnx_value *from,
                             unsigned rank, const int64_t *dims, onnx_value *out, ffwd_error *err) {
    return from->kind == ONNX_ROWS ? set_rows(from, rank, dims, out)
                                   : view_constant(graph, node, from, rank, dims, out, err);
}

/** One number becomes a list of one, or the other way round. */
static ffwd_status infer_counts(const onnx_value *from, bool scalar, onnx_value *out) {
    out->kind = ONNX_COUNTS;
    out->rank = from->rank;
    out->scalar = scalar;
    for (unsigned i = 0; i < from->rank; i++) {
        out->dims[i] = from->dims[i];
    }
    return FFWD_OK;
}

ffwd_status ffwd_onnx_infer_squeeze(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                    ffwd_error *err) {
    const onnx_value *from = ffwd_onnx_input(graph, node, 0);
    bool chosen[ONNX_RANK_MAX] = {false};
    int64_t dims[ONNX_RANK_MAX], kept[ONNX_RANK_MAX];
    unsigned rank, count, left = 0;
    if (from != NULL && from->kind == ONNX_COUNTS && from->rank == 1) {
        return infer_counts(from, true, out);
    }
    if (from == NULL || (from->kind != ONNX_ROWS && from->kind != ONNX_CONSTANT)) {
        return ffwd_onnx_refuse(node, err, "its input is not computed from X");
    }
    list_dims(from, dims, &rank);
    if (!take_axes(graph, node, rank, chosen, &count) || count == 0) {
        return ffwd_onnx_refuse(node, err, "its axes are not constant, or not named");
    }
    for (unsigned axis = 0; axis < rank; axis++) {
        if (chosen[axis] && (dims[axis] != 1 || (axis == 0 && from->kind == ONNX_ROWS))) {
            return ffwd_onnx_refuse(node, err, "takes away axis %u, which is not 1", axis);
        }
        if (!chosen[axis]) {
            kept[left++] = dims[axis];
        }
    }
    return set_shape(graph, node, from, left, kept, out, err);
}

ffwd_status ffwd_onnx_infer_unsqueeze(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                      ffwd_error *err) {
    const onnx_value *from = ffwd_onnx_input(graph, node, 0);
    bool chosen[ONNX_RANK_MAX] = {false};
    int64_t dims[ONNX_RANK_MAX], made[ONNX_RANK_MAX];
    unsigned rank, count, next = 0;
    if (from != NULL && from->kind == ONNX_COUNTS && from->scalar) {
        return infer_counts(from, false, out);
    }
    if (from == NULL || (from->kind != ONNX_ROWS && from->kind != ONNX_CONSTANT)) {
        return ffwd_onnx_refuse(node, err, "its input is not computed from X");
    }
    list_dims(from, dims, &rank);
    bool fits = take_axes(graph, node, ONNX_RANK_MAX, chosen, &count);
    if (!fits || count == 0 || rank + count > ONNX_RANK_MAX) {
        return ffwd_onnx_refuse(node, err, "its axes are not constant, or too many");
    }
    memset(chosen, 0, sizeof chosen); // axes count from the end of the new shape
    fits = take_axes(graph, node, rank + count, chosen, &count);
    for (unsigned axis = 0; fits && axis < rank + count; axis++) {
        made[axis] = chosen[axis] ? 1 : dims[next++];
    }
    if (!fits || (chosen[0] && from->kind == ONNX_ROWS)) {
        return ffwd_onnx_refuse(node, err, "puts an axis before that of the rows");
    }
    return set_shape(graph, node, from, rank + count, made, out, err);
}

ffwd_status ffwd_onnx_infer_transpose(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                      ffwd_error *err) {
    const onnx_value *from = ffwd_onnx_input(graph, node, 0);
    int64_t order[ONNX_RANK_MAX], dims[ONNX_RANK_MAX], moved[ONNX_RANK_MAX];
    bool used[ONNX_RANK_MAX] = {false};
    unsigned rank;
    FfwdOnnxAttribute found = {.ints = {.into = order, .room = ONNX_RANK_MAX}};
    if (from == NULL || (from->kind != ONNX_ROWS && from->kind != ONNX_CONSTANT)) {
        return ffwd_onnx_refuse(node, err, "its input is not computed from X");
    }
    list_dims(from, dims, &rank);
    const bool named = ffwd_onnx_attribute(node, "perm", &found);
    int64_t last = 0; // of the axes longer than 1, which must stay in order
    for (unsigned axis = 0; axis < rank; axis++) {
        const int64_t at = named ? order[axis] : (int64_t)(rank - 1 - axis);
        if ((named && found.ints.count != rank) || at < 0 || at >= rank || used[at]) {
            return ffwd_onnx_refuse(node, err, "perm is no order of %u axes", rank);
        }
        used[at] = true;
        order[axis] = at;
        moved[axis] = dims[at];
        if (from->kind == ONNX_ROWS && (axis == 0 ? at != 0 : dims[at] != 1 && at < last)) {
            return ffwd_onnx_refuse(node, err, "puts the values of a row into another order");
        }
        last = dims[at] != 1 ? at : last;
    }
    if (from->kind == ONNX_ROWS) {
        return set_rows(from, rank, moved, out);
    }
    ffwd_status status = ffwd_onnx_tensor_load(&graph->arena, from->tensor, err);
    onnx_tensor *view = ffwd_onnx_keep(&graph->arena, sizeof *view);
    if (status != FFWD_OK || view == NULL) {
        return status != FFWD_OK ? status : ffwd_fail_memory(err, sizeof *view, "a view");
    }
    *view = *from->tensor;
    for (unsigned axis = 0; axis < rank; axis++) {
        view->dims[axis] = from->tensor->dims[order[axis]];
        view->strides[axis] = from->tensor->strides[order[axis]];
    }
    out->kind = ONNX_CONSTANT;
    out->type = from->type;
    out->tensor = view;
    return FFWD_OK;
}

ffwd_status ffwd_onnx_infer_shape(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                  ffwd_error *err) {
    const onnx_value *rows = ffwd_onnx_input(graph, node, 0);
    FfwdOnnxAttribute found = {.i = 0};
    if (rows == NULL || rows->kind != ONNX_ROWS || ffwd_onnx_attribute(node, "start", &found) ||
        ffwd_onnx_attribute(node, "end", &found)) {
        return ffwd_onnx_refuse(node, err, "gives the shape of what is not computed from X");
    }
    out->kind = ONNX_COUNTS;
    out->rank = rows->rank;
    out->dims[0] = ONNX_ROW_COUNT;
    for (unsigned axis = 1; axis < rows->rank; axis++) {
        out->dims[axis] = rows->dims[axis];
    }
    return FFWD_OK;
}

ffwd_status ffwd_onnx_infer_gather(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                   ffwd_error *err) {
    const onnx_value *from = ffwd_onnx_input(graph, node, 0);
    const onnx_value *which = ffwd_onnx_input(graph, node, 1);
    int64_t indices[ONNX_RANK_MAX];
    unsigned count;
    if (from != NULL && from->kind == ONNX_ROWS) {
        return ffwd_onnx_infer_pick(graph, node, out, err);
    }
    if (from == NULL || from->kind != ONNX_COUNTS ||
        !ffwd_onnx_counts(graph, which, indices, &count)) {
        return ffwd_onnx_refuse(node, err, "gathers from what is neither rows nor a shape");
    }
    out->kind = ONNX_COUNTS;
    out->rank = count;
    out->scalar = which->kind == ONNX_CONSTANT ? which->tensor->rank == 0 : which->scalar;
    for (unsigned i = 0; i < count; i++) {
        const int64_t index = indices[i] + (indices[i] < 0 ? from->rank : 0);
        if (index < 0 || index >= from->rank) {
            return ffwd_onnx_refuse(node, err, "index %lld of %u", (long long)indices[i],
                                    from->rank);
        }
        out->dims[i] = from->dims[index];
    }
    return FFWD_OK;
}

ffwd_status ffwd_onnx_infer_slice(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                  ffwd_error *err) {
    const onnx_value *from = ffwd_onnx_input(graph, node, 0);
    int64_t first[ONNX_RANK_MAX], end[ONNX_RANK_MAX], step[ONNX_RANK_MAX];
    unsigned firsts = 0, ends = 0, steps = 0;
    const onnx_value *by = ffwd_onnx_input(graph, node, 4);
    if (from != NULL && from->kind == ONNX_ROWS) {
        return ffwd_onnx_infer_pick(graph, node, out, err);
    }
    if (from == NULL || from->kind != ONNX_COUNTS ||
        !ffwd_onnx_counts(graph, ffwd_onnx_input(graph, node, 1), first, &firsts) ||
        !ffwd_onnx_counts(graph, ffwd_onnx_input(graph, node, 2), end, &ends) || firsts != 1 ||
        ends != 1 ||
        (by != NULL &&
         (!ffwd_onnx_counts(graph, by, step, &steps) || steps != 1 || step[0] != 1))) {
        return ffwd_onnx_refuse(node, err, "cuts what is neither rows nor a shape");
    }
    const int64_t rank = from->rank;
    int64_t low = first[0] + (first[0] < 0 ? rank : 0), high = end[0] + (end[0] < 0 ? rank : 0);
    low = low < 0 ? 0 : low;
    high = high > rank ? rank : high;
    out->kind = ONNX_COUNTS;
    for (int64_t i = low; i < high; i++) {
        out->dims[out->rank++] = from->dims[i];
    }
    return FFWD_OK;
}

/** Of shapes; or of rows of the same height, one beside the other. */
ffwd_status ffwd_onnx_infer_concat(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                   ffwd_error *err) {
    int64_t counts[ONNX_RANK_MAX], width = 0;
    unsigned count, rows = 0;
    out->kind = ONNX_COUNTS;
    for (unsigned i = 0; i < node->input_count; i++) {
        const onnx_value *value = ffwd_onnx_input(graph, node, i);
        if (value != NULL && value->kind == ONNX_ROWS && value->rank == 2) {
            width += ffwd_onnx_width(value) < INT32_MAX ? (int64_t)ffwd_onnx_width(value) : 0;
            rows++;
            out->type = value->type;
            continue;
        }
        if (value == NULL || !ffwd_onnx_counts(graph, value, counts, &count) ||
            out->rank + count > ONNX_RANK_MAX) {
            return ffwd_onnx_refuse(node, err, "input %u is no shape and no row", i + 1);
        }
        for (unsigned k = 0; k < count; k++) {
            out->dims[out->rank++] = counts[k];
        }
    }
    const int64_t axis = ffwd_onnx_int_attribute(node, "axis", 0);
    if (rows == 0) {
        return FFWD_OK;
    }
    if (rows != node->input_count || (axis != 1 && axis != -1)) {
        return ffwd_onnx_refuse(node, err, "puts rows below each other");
    }
    out->kind = ONNX_ROWS;
    out->rank = 2;
    out->dims[0] = ONNX_UNKNOWN;
    out->dims[1] = width > 0 ? width : ONNX_UNKNOWN;
    return FFWD_OK;
}
