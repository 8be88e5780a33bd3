// SPDX-License-Identifier: MIT
// Prints the nodes of an ONNX graph beside the operations that they became.
#include "model_nodes.h"

#include <inttypes.h>

#include "json_file.h"
#include "table.h"

/** Folded nodes that a line names; the rest are counted. */
#define MOST_NAMED 6

static ffwd_model_node node_of(const model_source *model, size_t index) {
    ffwd_model_node node = FFWD_MODEL_NODE_INIT;
    if (ffwd_model_describe_node(model->model, index, &node, NULL) != FFWD_OK) {
        return (ffwd_model_node)FFWD_MODEL_NODE_INIT;
    }
    return node;
}

void model_nodes_print(const model_source *model, FILE *stream) {
    static const char *const head[] = {"node", "operator", "became", "of layer"};
    const size_t count = ffwd_model_node_count(model->model);
    table grid;
    if (count == 0) {
        return;
    }
    table_begin(&grid, "<<<>");
    table_row(&grid, head);
    for (size_t i = 0; i < count; i++) {
        const ffwd_model_node node = node_of(model, i);
        table_cell(&grid, "%s", node.name);
        table_cell(&grid, "%s", node.op);
        table_cell(&grid, "%s%s", node.fate, node.folded != 0 ? ", folded" : "");
        if (node.operation > 0) {
            table_cell(&grid, "%" PRIu64, node.operation);
        } else {
            table_cell(&grid, "-");
        }
    }
    table_print(&grid, stream);
    fputc('\n', stream);
}

void model_nodes_print_folded(const model_source *model, FILE *stream) {
    const size_t count = ffwd_model_node_count(model->model);
    size_t folded = 0;
    for (size_t i = 0; i < count; i++) {
        const ffwd_model_node node = node_of(model, i);
        if (node.folded != 0 && folded++ < MOST_NAMED) {
            fprintf(stream, "%s %s (%s) into layer %" PRIu64, folded == 1 ? "folded:" : ",",
                    node.name, node.op, node.operation);
        }
    }
    if (folded > MOST_NAMED) {
        fprintf(stream, ", and %zu more", folded - MOST_NAMED);
    }
    if (folded > 0) {
        fputc('\n', stream);
    }
}

json_t *model_nodes_json(const model_source *model) {
    json_t *nodes = json_array();
    const size_t count = ffwd_model_node_count(model->model);
    for (size_t i = 0; i < count; i++) {
        const ffwd_model_node node = node_of(model, i);
        json_array_append_new(
            nodes, json_pack("{s:o, s:o, s:o, s:b, s:o}", "name", json_text(node.name), "operator",
                             json_text(node.op), "became", json_text(node.fate), "folded",
                             node.folded != 0, "layer",
                             node.operation > 0 ? json_count(node.operation) : json_null()));
    }
    return nodes;
}
