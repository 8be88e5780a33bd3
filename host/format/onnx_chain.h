// SPDX-License-Identifier: MIT
// The chain of operations that a graph becomes, step by step, before it is folded and made a model.
#ifndef FFWD_FORMAT_ONNX_CHAIN_H
#define FFWD_FORMAT_ONNX_CHAIN_H

#include "format/onnx_graph.h"

/** Values of ffwd_kind. */
enum {
    ONNX_STEP_DENSE = 1,
    ONNX_STEP_AFFINE = 2,
    ONNX_STEP_SOFTMAX = 3,
    ONNX_STEP_LOG_SOFTMAX = 4,
    ONNX_STEP_ARGMAX = 5
};

/** One number for each column, or one for all; NULL where there are none. */
typedef struct onnx_columns {
    double *values;
    uint64_t count;
} onnx_columns;

/** One operation in the making; all numbers are double until the model is made. */
typedef struct onnx_step {
    uint32_t kind;
    uint32_t node; /**< it comes from; ONNX_NONE: an option */
    uint64_t inputs, neurons;
    // dense: weights[o * neuron_stride + k * input_stride] * factor * rows[o] * columns[k]
    const onnx_tensor *weights;
    uint64_t neuron_stride, input_stride;
    double factor;
    onnx_columns rows, columns, bias;
    onnx_columns scale, shift; /**< affine */
    const char *activation;    /**< its word; NULL: identity */
    double alpha, beta;
    onnx_columns slopes;
    uint32_t operation; /**< what it has become or become a part of, from 1; 0: nothing */
    bool folded;        /**< an affine step that became part of a dense one */
    bool is_bias;
} onnx_step;

typedef struct onnx_chain {
    onnx_graph *graph;
    onnx_step *steps; /**< from Y to X while nodes are matched, then from X to Y */
    uint32_t count, room;
    bool is_double; /**< some step computes in float64 */
    uint64_t inputs;
    onnx_step **operations;
    uint32_t operation_count;
} onnx_chain;

/** A new step of a node, or NULL without memory. It makes place for the node's others. */
onnx_step *ffwd_onnx_step(onnx_chain *chain, onnx_node *node, uint32_t kind);

/** From Y to X: finds the steps by which `output` is computed. */
ffwd_status ffwd_onnx_match(onnx_chain *chain, uint32_t output, ffwd_error *err);

/** The output of the graph that is wanted: the scores, or with `labels` the labels. *append is set
 *  where labels are the largest of scores. Scores that are an output each are one value. */
ffwd_status ffwd_onnx_choose_output(onnx_graph *graph, bool labels, uint32_t *output, bool *append,
                                    ffwd_error *err);

/** From steps to operations: widths, biases, activations, and, with `fold`, affine steps that
 *  become part of a dense one. */
ffwd_status ffwd_onnx_fold(onnx_chain *chain, bool fold, ffwd_error *err);

/** One column at the end, the index of the largest score. */
ffwd_status ffwd_onnx_append_argmax(onnx_chain *chain, ffwd_error *err);

/** What became of each node, kept with the model. */
ffwd_status ffwd_onnx_tell(const onnx_chain *chain, ffwd_model *model, ffwd_error *err);

/** The model. */
ffwd_status ffwd_onnx_emit(const onnx_chain *chain, uint32_t dtype, ffwd_model **out,
                           ffwd_error *err);

#endif
