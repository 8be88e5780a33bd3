// SPDX-License-Identifier: MIT
// What the operators of a graph become: each makes steps of the chain and says where to go on.
#ifndef FFWD_FORMAT_ONNX_MATCH_H
#define FFWD_FORMAT_ONNX_MATCH_H

#include "format/onnx_chain.h"

/** Makes the steps by which a node makes the value *next, which becomes the value they take. */
typedef ffwd_status onnx_match_function(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                        ffwd_error *err);

/** Of operators that treat each element by itself. Activation is that of all that stand in no
 *  table: it finds what a node computes with those before it. */
onnx_match_function ffwd_onnx_match_activation, ffwd_onnx_match_prelu, ffwd_onnx_match_arithmetic,
    ffwd_onnx_match_comparison, ffwd_onnx_match_normalization, ffwd_onnx_match_scaler,
    ffwd_onnx_match_binarizer;

/** Of operators that take a row as a whole; of ai.onnx.ml. */
onnx_match_function ffwd_onnx_match_gemm, ffwd_onnx_match_concat, ffwd_onnx_match_row,
    ffwd_onnx_match_pick;
onnx_match_function ffwd_onnx_match_regressor, ffwd_onnx_match_classifier,
    ffwd_onnx_match_normalizer, ffwd_onnx_match_label;

/** There is no memory for a step. */
ffwd_status ffwd_onnx_fail_steps(ffwd_error *err);

/** One number for all columns. */
ffwd_status ffwd_onnx_put_number(onnx_chain *chain, double number, onnx_columns *to,
                                 ffwd_error *err);

/** A step scale * x + shift, unless that changes nothing. */
ffwd_status ffwd_onnx_add_affine(onnx_chain *chain, onnx_node *node, double scale, double shift,
                                 ffwd_error *err);

/** An attribute that is a list of floats; count 0 where there is none. */
ffwd_status ffwd_onnx_list_attribute(onnx_chain *chain, const onnx_node *node, const char *name,
                                     onnx_columns *to, ffwd_error *err);

#endif
