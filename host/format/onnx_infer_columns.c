// SPDX-License-Identifier: MIT
// What treats each element by itself: rows keep their shape, and a constant has a value for each
// column.
#include "base/memory.h"
#include "format/onnx_infer.h"

/** The rows' axis at which a constant's first lies. The last axes are those of the rows, but before
 *  version 7 an attribute said where, and slopes belonged to axis 1. */
static int64_t first_axis(const onnx_graph *graph, const onnx_node *node, const onnx_tensor *tensor,
                          const onnx_value *rows) {
    const int64_t last = (int64_t)rows->rank - tensor->rank;
    if (graph->opset >= 7) {
        return last;
    }
    if (ffwd_onnx_node_is(node, "PRelu")) {
        return tensor->rank == 1 && rows->rank > 1 ? 1 : last;
    }
    const int64_t given = ffwd_onnx_int_attribute(node, "axis", last);
    return given < 0 ? given + rows->rank : given;
}

ffwd_status ffwd_onnx_check_constant(const onnx_graph *graph, const onnx_node *node,
                                     const onnx_tensor *tensor, onnx_value *rows, ffwd_error *err) {
    char shape[ONNX_SHAPE_BYTES];
    const int64_t first = first_axis(graph, node, tensor, rows);
    ffwd_onnx_tensor_shape(tensor, shape);
    if (first < 0 || first + tensor->rank > rows->rank) {
        return ffwd_onnx_refuse(node, err, "an operand is %s, which has more axes than the rows",
                                shape);
    }
    for (unsigned i = 0; i < tensor->rank; i++) {
        const uint64_t extent = tensor->dims[i];
        int64_t *across = &rows->dims[first + i];
        if (extent == 1) {
            continue;
        }
        if (first + i == 0) {
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

/** Inputs that must all be there: two of an operator between values, any number of a sum or an
 *  extremum, and of a Clip the first alone. */
static unsigned needed_inputs(const onnx_node *node) {
    if (ffwd_onnx_node_is(node, "Sum") || ffwd_onnx_node_is(node, "Min") ||
        ffwd_onnx_node_is(node, "Max")) {
        return node->input_count;
    }
    return ffwd_onnx_node_is(node, "Clip") ? 1 : ffwd_onnx_node_is(node, "Where") ? 3 : 2;
}

/** Rows of one shape, and constants with a value for each column. */
static ffwd_status infer_columns(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                 ffwd_error *err) {
    const onnx_value *rows = NULL;
    const unsigned needed = needed_inputs(node);
    for (unsigned i = 0; i < ONNX_INPUTS_MAX; i++) {
        const onnx_value *value = ffwd_onnx_input(graph, node, i);
        if (value == NULL && i < needed) {
            return ffwd_onnx_refuse(node, err, "lacks input %u", i + 1);
        }
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
    ffwd_onnx_copy_shape(rows, out);
    for (unsigned i = 0; i < ONNX_INPUTS_MAX; i++) {
        const onnx_value *value = ffwd_onnx_input(graph, node, i);
        ffwd_status status = value != NULL && value->kind == ONNX_CONSTANT
                                 ? ffwd_onnx_check_constant(graph, node, value->tensor, out, err)
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

ffwd_status ffwd_onnx_infer_arithmetic(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                       ffwd_error *err) {
    ffwd_status status = infer_columns(graph, node, out, err);
    return status == FFWD_OK ? ffwd_onnx_need_real(node, out, err) : status;
}

ffwd_status ffwd_onnx_infer_comparison(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                       ffwd_error *err) {
    ffwd_status status = ffwd_onnx_infer_arithmetic(graph, node, out, err);
    out->type = ONNX_BOOL;
    return status;
}

ffwd_status ffwd_onnx_infer_where(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                  ffwd_error *err) {
    ffwd_status status = infer_columns(graph, node, out, err);
    const onnx_value *chosen = ffwd_onnx_input(graph, node, 1);
    if (status == FFWD_OK && chosen != NULL) {
        out->type = chosen->type;
    }
    return status;
}

/** The element of a constant that column `column` of rows meets; `first` is its first axis. */
static uint64_t place_of(const onnx_tensor *tensor, int64_t first, const onnx_value *rows,
                         uint64_t column) {
    uint64_t place = 0;
    for (int64_t axis = rows->rank - 1; axis > 0; axis--) {
        const uint64_t extent = (uint64_t)rows->dims[axis], index = column % extent;
        const int64_t own = axis - first; // of the constant
        column /= extent;
        if (own >= 0 && own < tensor->rank && tensor->dims[own] > 1) {
            place += index * tensor->strides[own];
        }
    }
    return place;
}

ffwd_status ffwd_onnx_columns(onnx_graph *graph, const onnx_node *node, const onnx_value *constant,
                              const onnx_value *rows, double **columns, uint64_t *count,
                              ffwd_error *err) {
    const int64_t first = first_axis(graph, node, constant->tensor, rows);
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
        (*columns)[i] = ffwd_onnx_number(tensor, one ? 0 : place_of(tensor, first, rows, i));
    }
    return FFWD_OK;
}
