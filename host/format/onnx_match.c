// SPDX-License-Identifier: MIT
// From Y back to X: each node on the way is an operation of the chain, a part of one, changes
// nothing, or is refused with its name and the reason.
#include "format/onnx_match.h"

#include <string.h>

#include "base/memory.h"
#include "format/onnx_infer.h"

onnx_step *ffwd_onnx_step(onnx_chain *chain, onnx_node *node, uint32_t kind) {
    if (chain->count == chain->room) {
        const uint32_t room = 2 * chain->room + 8;
        onnx_step *steps = ffwd_onnx_keep(&chain->graph->arena, room * sizeof *steps);
        if (steps == NULL) {
            return NULL;
        }
        if (chain->count > 0) {
            memcpy(steps, chain->steps, chain->count * sizeof *steps);
        }
        chain->steps = steps;
        chain->room = room;
    }
    onnx_step *step = &chain->steps[chain->count++];
    *step = (onnx_step){.kind = kind, .node = ONNX_NONE, .factor = 1};
    if (node != NULL) {
        const onnx_value *made = &chain->graph->values[node->outputs[0]];
        step->node = (uint32_t)(node - chain->graph->nodes);
        chain->is_double = chain->is_double || made->type == ONNX_DOUBLE;
        node->place = chain->count;
    }
    return step;
}

ffwd_status ffwd_onnx_fail_steps(ffwd_error *err) {
    return ffwd_fail_memory(err, sizeof(onnx_step), "a step");
}

ffwd_status ffwd_onnx_put_number(onnx_chain *chain, double number, onnx_columns *to,
                                 ffwd_error *err) {
    to->values = ffwd_onnx_keep(&chain->graph->arena, sizeof *to->values);
    if (to->values == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    to->values[0] = number;
    to->count = 1;
    return FFWD_OK;
}

ffwd_status ffwd_onnx_add_affine(onnx_chain *chain, onnx_node *node, double scale, double shift,
                                 ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    if (scale == 1 && shift == 0) {
        return FFWD_OK;
    }
    onnx_step *step = ffwd_onnx_step(chain, node, ONNX_STEP_AFFINE);
    if (step == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    if (scale != 1) {
        FFWD_TRY(status, ffwd_onnx_put_number(chain, scale, &step->scale, err));
    }
    if (shift != 0) {
        FFWD_TRY(status, ffwd_onnx_put_number(chain, shift, &step->shift, err));
    }

cleanup:
    return status;
}

ffwd_status ffwd_onnx_list_attribute(onnx_chain *chain, const onnx_node *node, const char *name,
                                     onnx_columns *to, ffwd_error *err) {
    FfwdOnnxAttribute found = {.floats = {.room = 0}};
    *to = (onnx_columns){NULL, 0};
    if (!ffwd_onnx_attribute(node, name, &found) || found.floats.count == 0) {
        return FFWD_OK;
    }
    to->count = found.floats.count;
    to->values = ffwd_onnx_keep(&chain->graph->arena, to->count * sizeof *to->values);
    if (to->values == NULL) {
        return ffwd_onnx_fail_steps(err);
    }
    found = (FfwdOnnxAttribute){.floats = {.into = to->values, .room = to->count}};
    (void)ffwd_onnx_attribute(node, name, &found);
    return FFWD_OK;
}

static ffwd_status match_nothing(onnx_chain *chain, onnx_node *node, uint32_t *next,
                                 ffwd_error *err) {
    (void)chain;
    (void)err;
    node->passes = true;
    *next = node->inputs[0];
    return FFWD_OK;
}

static const struct {
    const char *op;
    bool ml;
    onnx_match_function *match;
} matchers[] = {
    {"Gemm", false, ffwd_onnx_match_gemm},
    {"MatMul", false, ffwd_onnx_match_gemm},
    {"LinearRegressor", true, ffwd_onnx_match_regressor},
    {"Concat", false, ffwd_onnx_match_concat},
    {"Slice", false, ffwd_onnx_match_pick},
    {"Gather", false, ffwd_onnx_match_pick},
    {"Add", false, ffwd_onnx_match_arithmetic},
    {"Sum", false, ffwd_onnx_match_arithmetic},
    {"Sub", false, ffwd_onnx_match_arithmetic},
    {"Mul", false, ffwd_onnx_match_arithmetic},
    {"Div", false, ffwd_onnx_match_arithmetic},
    {"BatchNormalization", false, ffwd_onnx_match_normalization},
    {"Scaler", true, ffwd_onnx_match_scaler},
    {"Binarizer", true, ffwd_onnx_match_binarizer},
    {"PRelu", false, ffwd_onnx_match_prelu},
    {"Greater", false, ffwd_onnx_match_comparison},
    {"GreaterOrEqual", false, ffwd_onnx_match_comparison},
    {"Less", false, ffwd_onnx_match_comparison},
    {"LessOrEqual", false, ffwd_onnx_match_comparison},
    {"Softmax", false, ffwd_onnx_match_row},
    {"LogSoftmax", false, ffwd_onnx_match_row},
    {"ArgMax", false, ffwd_onnx_match_row},
    {"ArrayFeatureExtractor", true, ffwd_onnx_match_label},
    {"LinearClassifier", true, ffwd_onnx_match_classifier},
    {"Normalizer", true, ffwd_onnx_match_normalizer},
    {"ZipMap", true, match_nothing},
    {"Identity", false, match_nothing},
    {"Dropout", false, match_nothing},
    {"Cast", false, match_nothing},
    {"Flatten", false, match_nothing},
    {"Reshape", false, match_nothing},
    {"Squeeze", false, match_nothing},
    {"Unsqueeze", false, match_nothing},
    {"Transpose", false, match_nothing},
};

static onnx_match_function *find_matcher(const onnx_node *node) {
    for (size_t i = 0; i < sizeof matchers / sizeof *matchers; i++) {
        if (matchers[i].ml ? ffwd_onnx_node_is_ml(node, matchers[i].op)
                           : ffwd_onnx_node_is(node, matchers[i].op)) {
            return matchers[i].match;
        }
    }
    return ffwd_onnx_match_activation;
}

static ffwd_status match_value(onnx_chain *chain, uint32_t *value, ffwd_error *err) {
    const onnx_value *made = &chain->graph->values[*value];
    char name[64];
    ffwd_onnx_view_text(made->name, name, sizeof name);
    if (made->node == ONNX_NONE) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "'%s' is not computed from X", name);
    }
    onnx_node *node = &chain->graph->nodes[made->node];
    if (made->kind != ONNX_ROWS) {
        ffwd_status status = ffwd_onnx_explain(chain->graph, node, err);
        return status != FFWD_OK ? status
                                 : ffwd_onnx_refuse(node, err, "'%s' is not computed from X", name);
    }
    return find_matcher(node)(chain, node, value, err);
}

ffwd_status ffwd_onnx_match(onnx_chain *chain, uint32_t output, ffwd_error *err) {
    uint32_t value = output;
    while (value != chain->graph->x) {
        const ffwd_status status = match_value(chain, &value, err);
        if (status != FFWD_OK) {
            return status;
        }
    }
    for (uint32_t i = 0; i < chain->count / 2; i++) {
        const onnx_step step = chain->steps[i];
        chain->steps[i] = chain->steps[chain->count - 1 - i];
        chain->steps[chain->count - 1 - i] = step;
    }
    for (uint32_t i = 0; i < chain->graph->node_count; i++) {
        onnx_node *node = &chain->graph->nodes[i];
        node->place = node->place > 0 ? chain->count + 1 - node->place : 0;
    }
    return FFWD_OK;
}

ffwd_status ffwd_onnx_append_argmax(onnx_chain *chain, ffwd_error *err) {
    return ffwd_onnx_step(chain, NULL, ONNX_STEP_ARGMAX) != NULL ? FFWD_OK
                                                                 : ffwd_onnx_fail_steps(err);
}

/** Whether an output is labels: whole numbers, or an ArgMax, perhaps with a label chosen by it. */
static bool is_label(const onnx_graph *graph, uint32_t value) {
    if (graph->values[value].type == ONNX_INT64 || graph->values[value].type == ONNX_INT32) {
        return true;
    }
    while (graph->values[value].node != ONNX_NONE) {
        const onnx_node *node = &graph->nodes[graph->values[value].node];
        if (ffwd_onnx_node_is(node, "ArgMax") ||
            (ffwd_onnx_node_is_ml(node, "ArrayFeatureExtractor") &&
             !ffwd_onnx_takes_rows(graph, node, 0)) ||
            (ffwd_onnx_node_is_ml(node, "LinearClassifier") && value == node->outputs[0])) {
            return true;
        }
        if (find_matcher(node) != match_nothing || node->inputs[0] == ONNX_NONE) {
            return false;
        }
        value = node->inputs[0];
    }
    return false;
}

/** The node that makes a value, behind nodes that change nothing; NULL where none does. */
static onnx_node *find_maker(const onnx_graph *graph, uint32_t value) {
    while (graph->values[value].node != ONNX_NONE) {
        onnx_node *node = &graph->nodes[graph->values[value].node];
        if (find_matcher(node) != match_nothing || node->inputs[0] == ONNX_NONE) {
            return node;
        }
        value = node->inputs[0];
    }
    return NULL;
}

/** Where each score is an output by itself, a column of rows in their order: those rows. */
static bool find_columns(onnx_graph *graph, uint32_t *rows) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < graph->output_count; i++) {
        if (is_label(graph, graph->outputs[i])) {
            continue;
        }
        const onnx_node *node = find_maker(graph, graph->outputs[i]);
        if (node == NULL || !ffwd_onnx_is_column(graph, node, count) ||
            (count > 0 && node->inputs[0] != *rows)) {
            return false;
        }
        *rows = node->inputs[0];
        count++;
    }
    return count > 1 && count == ffwd_onnx_width(&graph->values[*rows]);
}

/** The nodes between such outputs and their rows are no operations. */
static void pass_columns(const onnx_graph *graph) {
    for (uint32_t i = 0; i < graph->output_count; i++) {
        uint32_t value = graph->outputs[i];
        const onnx_node *last = is_label(graph, value) ? NULL : find_maker(graph, value);
        for (onnx_node *node = NULL; last != NULL && node != last; value = node->inputs[0]) {
            node = &graph->nodes[graph->values[value].node];
            node->passes = true;
        }
    }
}

ffwd_status ffwd_onnx_choose_output(onnx_graph *graph, bool labels, uint32_t *output, bool *append,
                                    ffwd_error *err) {
    uint32_t rows = ONNX_NONE;
    if (!labels && find_columns(graph, &rows)) {
        pass_columns(graph);
        *append = false;
        *output = rows;
        return FFWD_OK;
    }
    *append = false;
    *output = graph->outputs[0];
    for (uint32_t i = 0; i < graph->output_count; i++) {
        if (is_label(graph, graph->outputs[i]) == labels) {
            *output = graph->outputs[i];
            return FFWD_OK;
        }
    }
    *append = labels;
    const onnx_value *scores = &graph->values[*output];
    if (labels && scores->kind == ONNX_ROWS && ffwd_onnx_width(scores) == 1) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "one score a row, of which no label is made");
    }
    return FFWD_OK;
}
