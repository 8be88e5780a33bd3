// SPDX-License-Identifier: MIT
// Says of each node of a graph what became of it.
#include <stdio.h>

#include "base/memory.h"
#include "format/onnx_chain.h"
#include "model/model.h"

#define NAME_BYTES 64
#define FATE_BYTES 64

/** The texts of one node, which the model copies. */
typedef struct texts {
    char name[NAME_BYTES], op[NAME_BYTES], fate[FATE_BYTES];
} texts;

static const char *word_of(const onnx_step *step) {
    static const char *const words[] = {"", "dense", "affine", "softmax", "log_softmax", "argmax"};
    if (step->is_bias) {
        return "bias";
    }
    return step->kind == ONNX_STEP_AFFINE && step->activation != NULL ? step->activation
                                                                      : words[step->kind];
}

/** What a node is that became no step. */
static const char *idle_fate(const onnx_graph *graph, const onnx_node *node) {
    const onnx_value *made =
        node->outputs[0] != ONNX_NONE ? &graph->values[node->outputs[0]] : NULL;
    if (node->passes) {
        return "changes nothing";
    }
    return made != NULL && (made->kind == ONNX_CONSTANT || made->kind == ONNX_COUNTS) ? "constant"
                                                                                      : "not used";
}

static void tell_node(const onnx_chain *chain, uint32_t index, texts *text, ffwd_model_node *told) {
    const onnx_node *node = &chain->graph->nodes[index];
    ffwd_onnx_view_text(node->name, text->name, sizeof text->name);
    ffwd_onnx_view_text(node->op, text->op, sizeof text->op);
    *told = (ffwd_model_node){
        .struct_size = sizeof *told, .name = text->name, .op = text->op, .fate = text->fate};
    const onnx_step *step = node->place > 0 ? &chain->steps[node->place - 1] : NULL;
    if (step == NULL || step->operation == 0) {
        (void)snprintf(text->fate, sizeof text->fate, "%s",
                       step != NULL ? "changes nothing" : idle_fate(chain->graph, node));
        return;
    }
    (void)snprintf(text->fate, sizeof text->fate, "%s%s", step->node == index ? "" : "part of ",
                   word_of(step));
    told->folded = step->folded;
    told->operation = step->operation;
}

ffwd_status ffwd_onnx_tell(const onnx_chain *chain, ffwd_model *model, ffwd_error *err) {
    const uint32_t count = chain->graph->node_count;
    texts *text = ffwd_onnx_keep(&chain->graph->arena, count * sizeof *text);
    ffwd_model_node *nodes = ffwd_onnx_keep(&chain->graph->arena, count * sizeof *nodes);
    if (text == NULL || nodes == NULL) {
        return ffwd_fail_memory(err, count * sizeof *text, "nodes");
    }
    for (uint32_t i = 0; i < count; i++) {
        tell_node(chain, i, &text[i], &nodes[i]);
    }
    return ffwd_model_keep_nodes(model, nodes, count, err);
}
