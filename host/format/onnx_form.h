// SPDX-License-Identifier: MIT
// Activations, alone or as the nodes that exporters make of them: recognised by what they compute.
#ifndef FFWD_FORMAT_ONNX_FORM_H
#define FFWD_FORMAT_ONNX_FORM_H

#include "format/onnx_graph.h"

#define ONNX_REGION_MAX 24

/** out_scale * activation(in_scale * x + in_shift) + out_shift, x the value `base`. */
typedef struct onnx_activation {
    const char *word; /**< "identity" and so on */
    double alpha, beta;
    double in_scale, in_shift, out_scale, out_shift;
    uint32_t base;
    uint32_t nodes[ONNX_REGION_MAX]; /**< that compute it */
    uint32_t node_count;
} onnx_activation;

/** Whether a node, with nodes before it that it needs, is an activation of one value. */
bool ffwd_onnx_find_activation(onnx_graph *graph, uint32_t node, onnx_activation *found);

#endif
