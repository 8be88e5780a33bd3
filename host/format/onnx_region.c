// SPDX-License-Identifier: MIT
// Finds the nodes of an activation: backwards from the last, until all that was met comes from one
// value; then forwards, what they compute of it.
#include <math.h>
#include <string.h>

#include "format/onnx_form_list.h"

#define FRONTIER_MAX 8

static const struct {
    const char *op;
    onnx_form_function *form;
    const char *variant;
    double alpha, beta;
} operators[] = {
    {"Add", ffwd_onnx_form_arithmetic, "+", 0, 0},
    {"Sum", ffwd_onnx_form_arithmetic, "+", 0, 0},
    {"Sub", ffwd_onnx_form_arithmetic, "-", 0, 0},
    {"Mul", ffwd_onnx_form_arithmetic, "*", 0, 0},
    {"Div", ffwd_onnx_form_arithmetic, "/", 0, 0},
    {"Pow", ffwd_onnx_form_power, "", 0, 0},
    {"Identity", ffwd_onnx_form_same, "", 0, 0},
    {"Dropout", ffwd_onnx_form_same, "", 0, 0},
    {"Cast", ffwd_onnx_form_same, "", 0, 0},
    {"Neg", ffwd_onnx_form_negative, "", 0, 0},
    {"Not", ffwd_onnx_form_not, "", 0, 0},
    {"Reciprocal", ffwd_onnx_form_reciprocal, "", 0, 0},
    {"Log", ffwd_onnx_form_log, "", 0, 0},
    {"Relu", ffwd_onnx_form_activation, "relu", 0, 0},
    {"Sigmoid", ffwd_onnx_form_activation, "sigmoid", 0, 0},
    {"Tanh", ffwd_onnx_form_activation, "tanh", 0, 0},
    {"Exp", ffwd_onnx_form_activation, "exp", 0, 0},
    {"Erf", ffwd_onnx_form_activation, "erf", 0, 0},
    {"Abs", ffwd_onnx_form_activation, "abs", 0, 0},
    {"Sign", ffwd_onnx_form_activation, "sign", 0, 0},
    {"Softplus", ffwd_onnx_form_activation, "softplus", 0, 0},
    {"Softsign", ffwd_onnx_form_activation, "softsign", 0, 0},
    {"Mish", ffwd_onnx_form_activation, "mish", 0, 0},
    {"HardSwish", ffwd_onnx_form_activation, "hard_swish", 0, 0},
    {"LeakyRelu", ffwd_onnx_form_activation, "leaky_relu", 0.01F, 0},
    {"ThresholdedRelu", ffwd_onnx_form_activation, "thresholded_relu", 1, 0},
    {"Elu", ffwd_onnx_form_activation, "elu", 1, 0},
    {"Celu", ffwd_onnx_form_activation, "celu", 1, 0},
    {"HardSigmoid", ffwd_onnx_form_activation, "hard_sigmoid", 0.2F, 0.5F},
    {"Selu", ffwd_onnx_form_selu, "", 0, 0},
    {"Gelu", ffwd_onnx_form_gelu, "", 0, 0},
    {"Swish", ffwd_onnx_form_swish, "", 0, 0},
    {"Clip", ffwd_onnx_form_clip, "", 0, 0},
    {"Min", ffwd_onnx_form_bound, "min", 0, 0},
    {"Max", ffwd_onnx_form_bound, "max", 0, 0},
    {"Greater", ffwd_onnx_form_compare, ">", 0, 0},
    {"GreaterOrEqual", ffwd_onnx_form_compare, ">=", 0, 0},
    {"Less", ffwd_onnx_form_compare, "<", 0, 0},
    {"LessOrEqual", ffwd_onnx_form_compare, "<=", 0, 0},
    {"Equal", ffwd_onnx_form_equal, "", 0, 0},
    {"Where", ffwd_onnx_form_where, "", 0, 0},
};

/** Nodes from the last to the first, and the values that they need and do not make. */
typedef struct region {
    onnx_graph *graph;
    uint32_t nodes[ONNX_REGION_MAX];
    onnx_form forms[ONNX_REGION_MAX];
    bool known[ONNX_REGION_MAX]; /**< whether a node has a form */
    uint32_t count;
    uint32_t frontier[FRONTIER_MAX];
    uint32_t width;
} region;

static bool put_frontier(region *r, uint32_t value) {
    for (uint32_t i = 0; i < r->width; i++) {
        if (r->frontier[i] == value) {
            return true;
        }
    }
    if (r->width == FRONTIER_MAX) {
        return false;
    }
    r->frontier[r->width++] = value;
    return true;
}

/** Takes the node that makes the last of the frontier's values into the region. */
static bool grow(region *r) {
    uint32_t last = 0;
    for (uint32_t i = 1; i < r->width; i++) {
        const uint32_t node = r->graph->values[r->frontier[i]].node;
        const uint32_t best = r->graph->values[r->frontier[last]].node;
        if (node != ONNX_NONE && (best == ONNX_NONE || node > best)) {
            last = i;
        }
    }
    const uint32_t index = r->graph->values[r->frontier[last]].node;
    if (index == ONNX_NONE || r->count == ONNX_REGION_MAX) {
        return false;
    }
    r->frontier[last] = r->frontier[--r->width];
    r->nodes[r->count++] = index;
    for (unsigned i = 0; i < ONNX_INPUTS_MAX; i++) {
        if (ffwd_onnx_takes_rows(r->graph, &r->graph->nodes[index], i) &&
            !put_frontier(r, r->graph->nodes[index].inputs[i])) {
            return false;
        }
    }
    return r->width > 0;
}

static bool form_of(const region *r, uint32_t value, onnx_form *form) {
    *form = (onnx_form){.function = NULL};
    if (value == r->frontier[0]) {
        form->a[1] = 1;
        return true;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->graph->nodes[r->nodes[i]].outputs[0] == value) {
            *form = r->forms[i];
            return r->known[i];
        }
    }
    return ffwd_onnx_scalar(r->graph, &r->graph->values[value], &form->a[0]);
}

/** The forms of a product, the one that is a condition, or 1 less a condition, first. */
static bool take_product(const region *r, const onnx_node *sum, unsigned index, onnx_form *forms) {
    const onnx_node *product = ffwd_onnx_maker(r->graph, sum, index, "Mul");
    if (product == NULL || product->inputs[0] == ONNX_NONE || product->inputs[1] == ONNX_NONE ||
        !form_of(r, product->inputs[0], &forms[0]) || !form_of(r, product->inputs[1], &forms[1])) {
        return false;
    }
    if (forms[0].function == NULL || strncmp(forms[0].function, "step", 4) != 0) {
        const onnx_form other = forms[0];
        forms[0] = forms[1];
        forms[1] = other;
    }
    return forms[0].function != NULL && strncmp(forms[0].function, "step", 4) == 0;
}

/** f * condition + g * (1 - condition), as some write Where. */
static bool evaluate_selection(const region *r, const onnx_node *sum, onnx_form *made) {
    onnx_form above[2], below[2], one;
    if (!ffwd_onnx_node_is(sum, "Add") || sum->input_count != 2) {
        return false;
    }
    for (unsigned first = 0; first < 2; first++) {
        if (!take_product(r, sum, first, above) || !take_product(r, sum, 1 - first, below)) {
            return false;
        }
        const onnx_form_call both = {.variant = "+", .count = 2, .inputs = {above[0], below[0]}};
        const onnx_form_call where = {.count = 3, .inputs = {above[0], above[1], below[1]}};
        if (above[0].b[0] == 1 && ffwd_onnx_form_arithmetic(&both, &one) && one.a[0] == 1 &&
            one.b[0] == 0 && ffwd_onnx_form_where(&where, made)) {
            return true;
        }
    }
    return false;
}

static bool evaluate_node(region *r, uint32_t place) {
    const onnx_node *node = &r->graph->nodes[r->nodes[place]];
    onnx_form_call call = {.node = node, .count = node->input_count};
    for (unsigned i = 0; i < 3; i++) {
        call.given[i] = node->inputs[i] != ONNX_NONE;
    }
    const unsigned used = ffwd_onnx_node_is(node, "Dropout") ? 1 : 3; // its ratio is for training
    for (unsigned i = 0; i < used; i++) {
        if (call.given[i] && !form_of(r, node->inputs[i], &call.inputs[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (ffwd_onnx_node_is(node, operators[i].op)) {
            call.variant = operators[i].variant;
            call.alpha = operators[i].alpha;
            call.beta = operators[i].beta;
            return operators[i].form(&call, &r->forms[place]);
        }
    }
    return false;
}

/** A sum may have a form where its terms have none. */
static bool has_form(region *r, uint32_t place) {
    return evaluate_node(r, place) ||
           evaluate_selection(r, &r->graph->nodes[r->nodes[place]], &r->forms[place]);
}

/** How far a constant that was rounded to a type may be from the true one. */
static double tolerance_of(int32_t type) {
    switch (type) {
    case ONNX_DOUBLE:
        return 0x1p-50;
    case ONNX_FLOAT16:
        return 0x1p-9;
    case ONNX_BFLOAT16:
        return 0x1p-6;
    default:
        return 0x1p-21;
    }
}

static bool evaluate(region *r, onnx_activation *found) {
    for (uint32_t i = r->count; i-- > 0;) {
        r->known[i] = has_form(r, i);
    }
    if (!r->known[0]) {
        return false;
    }
    const int32_t type = r->graph->values[r->frontier[0]].type;
    if (!ffwd_onnx_recognise(&r->forms[0], tolerance_of(type), found)) {
        return false;
    }
    found->base = r->frontier[0];
    found->node_count = r->count;
    memcpy(found->nodes, r->nodes, r->count * sizeof *r->nodes);
    return true;
}

bool ffwd_onnx_find_activation(onnx_graph *graph, uint32_t node, onnx_activation *found) {
    region r = {.graph = graph, .width = 1};
    r.frontier[0] = graph->nodes[node].outputs[0];
    while (grow(&r)) {
        if (r.width == 1 && evaluate(&r, found)) {
            return true;
        }
    }
    return false;
}
