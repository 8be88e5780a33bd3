// SPDX-License-Identifier: MIT
// What became of the nodes of the file that a model was loaded from.
#include <string.h>

#include "base/memory.h"
#include "base/structs.h"
#include "model/model.h"

/** Copies a text to where the next one goes. */
static const char *keep_text(const char *text, char **next) {
    const size_t bytes = strlen(text) + 1;
    char *kept = *next;
    memcpy(kept, text, bytes);
    *next += bytes;
    return kept;
}

ffwd_status ffwd_model_keep_nodes(ffwd_model *model, const ffwd_model_node *nodes, size_t count,
                                  ffwd_error *err) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes +=
            sizeof *nodes + strlen(nodes[i].name) + strlen(nodes[i].op) + strlen(nodes[i].fate) + 3;
    }
    model->nodes = ffwd_alloc(bytes);
    if (model->nodes == NULL) {
        return ffwd_fail_memory(err, bytes, "a model's nodes");
    }
    char *next = (char *)(model->nodes + count);
    for (size_t i = 0; i < count; i++) {
        model->nodes[i] = nodes[i];
        model->nodes[i].name = keep_text(nodes[i].name, &next);
        model->nodes[i].op = keep_text(nodes[i].op, &next);
        model->nodes[i].fate = keep_text(nodes[i].fate, &next);
    }
    model->node_count = count;
    return FFWD_OK;
}

size_t ffwd_model_node_count(const ffwd_model *model) {
    return model->node_count;
}

ffwd_status ffwd_model_describe_node(const ffwd_model *model, size_t index, ffwd_model_node *node,
                                     ffwd_error *err) {
    if (index >= model->node_count) {
        return ffwd_fail(err, FFWD_EARGUMENT, "node %zu of %zu", index, model->node_count);
    }
    ffwd_model_node full = model->nodes[index];
    full.struct_size = sizeof full;
    ffwd_struct_write(node, &full, sizeof full);
    return FFWD_OK;
}
