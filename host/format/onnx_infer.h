// SPDX-License-Identifier: MIT
// What is known of a value before anything is computed: whether it is constant, or rows of a shape.
#ifndef FFWD_FORMAT_ONNX_INFER_H
#define FFWD_FORMAT_ONNX_INFER_H

#include "format/onnx_graph.h"

/** Goes through the nodes once; what cannot be known stays opaque. FFWD_ENOMEM alone fails. */
ffwd_status ffwd_onnx_infer(onnx_graph *graph, ffwd_error *err);

/** Why the value that a node makes is opaque, or FFWD_OK where it is not. */
ffwd_status ffwd_onnx_explain(onnx_graph *graph, onnx_node *node, ffwd_error *err);

/**
 * A constant operand as one value for each column of rows that it is broadcast to, or as one value
 * where all are equal. *count is how many; the values live as long as the graph.
 */
ffwd_status ffwd_onnx_columns(onnx_graph *graph, const onnx_value *constant, const onnx_value *rows,
                              double **columns, uint64_t *count, ffwd_error *err);

/** The infer functions of operators that move axes, and of those that compute shapes. */
typedef ffwd_status onnx_infer_function(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                        ffwd_error *err);
onnx_infer_function ffwd_onnx_infer_flatten, ffwd_onnx_infer_reshape, ffwd_onnx_infer_squeeze,
    ffwd_onnx_infer_unsqueeze, ffwd_onnx_infer_transpose, ffwd_onnx_infer_shape,
    ffwd_onnx_infer_gather, ffwd_onnx_infer_slice, ffwd_onnx_infer_concat;

#endif
