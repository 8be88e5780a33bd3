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
 * A constant operand of a node as one value for each column of rows that it is broadcast to, or as
 * one value where all are equal. *count is how many; the values live as long as the graph.
 */
ffwd_status ffwd_onnx_columns(onnx_graph *graph, const onnx_node *node, const onnx_value *constant,
                              const onnx_value *rows, double **columns, uint64_t *count,
                              ffwd_error *err);

/** Says what a node makes of what it takes; *out has its name and maker already. */
typedef ffwd_status onnx_infer_function(onnx_graph *graph, onnx_node *node, onnx_value *out,
                                        ffwd_error *err);

/** The same rows again; unary: of floating-point numbers. */
onnx_infer_function ffwd_onnx_infer_same, ffwd_onnx_infer_unary;

/** Of operators that treat each element by itself. */
onnx_infer_function ffwd_onnx_infer_arithmetic, ffwd_onnx_infer_comparison, ffwd_onnx_infer_where;

/** Of operators that take a row as a whole. */
onnx_infer_function ffwd_onnx_infer_gemm, ffwd_onnx_infer_matmul, ffwd_onnx_infer_regressor,
    ffwd_onnx_infer_classifier, ffwd_onnx_infer_softmax, ffwd_onnx_infer_argmax,
    ffwd_onnx_infer_label, ffwd_onnx_infer_normalization;

/** Classes of a linear classifier: those of its labels. */
uint64_t ffwd_onnx_class_count(const onnx_node *node);

/** Of operators that move axes, and of those that compute shapes. */
onnx_infer_function ffwd_onnx_infer_flatten, ffwd_onnx_infer_reshape, ffwd_onnx_infer_squeeze,
    ffwd_onnx_infer_unsqueeze, ffwd_onnx_infer_transpose, ffwd_onnx_infer_shape,
    ffwd_onnx_infer_gather, ffwd_onnx_infer_slice, ffwd_onnx_infer_concat;

/** Of operators that choose columns of rows, ffwd_onnx_match_pick makes a step. */
onnx_infer_function ffwd_onnx_infer_pick;

/** Whether a node is a Slice that takes column `index` alone. */
bool ffwd_onnx_is_column(onnx_graph *graph, const onnx_node *node, uint64_t index);

/** Input 0 where it is rows, or why not. */
ffwd_status ffwd_onnx_take_rows(const onnx_graph *graph, const onnx_node *node,
                                const onnx_value **rows, ffwd_error *err);

/** Makes rows of the shape and type of others. */
void ffwd_onnx_copy_shape(const onnx_value *rows, onnx_value *out);

/** Refuses rows that are no floating-point numbers. */
ffwd_status ffwd_onnx_need_real(const onnx_node *node, const onnx_value *rows, ffwd_error *err);

/** Whether a constant has one value for each column, and where rows' extent is unknown, which. */
ffwd_status ffwd_onnx_check_constant(const onnx_graph *graph, const onnx_node *node,
                                     const onnx_tensor *tensor, onnx_value *rows, ffwd_error *err);

#endif
