// SPDX-License-Identifier: MIT
// What became of the nodes of the ONNX graph that a model came from.
#ifndef FFWD_CLI_MODEL_NODES_H
#define FFWD_CLI_MODEL_NODES_H

#include <stdio.h>

#include <jansson.h>

#include "model_source.h"

/** A table of all nodes; nothing where there are none. */
void model_nodes_print(const model_source *model, FILE *stream);

/** One line with the nodes that were folded into dense layers; nothing where there are none. */
void model_nodes_print_folded(const model_source *model, FILE *stream);

/** An array of all nodes. */
json_t *model_nodes_json(const model_source *model);

#endif
