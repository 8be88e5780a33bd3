// SPDX-License-Identifier: MIT
// What a node computes, for each element x, in one normal form: a(x) + b(x) g(p(x)) with
// polynomials a, b, p and one function g. However an exporter writes GELU, it is x/2 + x/2 erf(x /
// sqrt 2) here.
#include "format/onnx_form.h"

#include <math.h>
#include <string.h>

#include "format/onnx_form_list.h"

static const onnx_form zero_form = {.function = NULL};

static onnx_form constant_form(double number) {
    onnx_form form = zero_form;
    form.a[0] = number;
    return form;
}

static bool is_constant(const onnx_form *form, double *number) {
    *number = form->a[0];
    return form->function == NULL && form->a[1] == 0 && form->a[2] == 0 && form->a[3] == 0;
}

static bool multiply(const double *left, const double *right, double *product) {
    double made[2 * ONNX_DEGREE + 1] = {0};
    for (unsigned i = 0; i <= ONNX_DEGREE; i++) {
        for (unsigned k = 0; k <= ONNX_DEGREE; k++) {
            made[i + k] += left[i] * right[k];
        }
    }
    memcpy(product, made, (ONNX_DEGREE + 1) * sizeof *made);
    return made[4] == 0 && made[5] == 0 && made[6] == 0;
}

static bool same_polynomial(const double *left, const double *right) {
    bool same = true;
    for (size_t i = 0; i <= ONNX_DEGREE; i++) {
        same = same && left[i] == right[i];
    }
    return same;
}

static bool same_function(const onnx_form *left, const onnx_form *right) {
    return strcmp(left->function, right->function) == 0 && left->alpha == right->alpha &&
           left->beta == right->beta && same_polynomial(left->p, right->p);
}

/** left + factor * right. */
static bool add_forms(const onnx_form *left, const onnx_form *right, double factor,
                      onnx_form *sum) {
    if (left->function != NULL && right->function != NULL && !same_function(left, right)) {
        return false;
    }
    onnx_form made = left->function != NULL ? *left : *right;
    for (unsigned i = 0; i <= ONNX_DEGREE; i++) {
        made.a[i] = left->a[i] + factor * right->a[i];
        made.b[i] = left->b[i] + factor * right->b[i];
    }
    *sum = made;
    return true;
}

static bool multiply_forms(const onnx_form *left, const onnx_form *right, onnx_form *product) {
    if (left->function == NULL) {
        const onnx_form *other = left;
        left = right;
        right = other;
    }
    onnx_form made = *left;
    *product = made;
    return right->function == NULL && multiply(left->a, right->a, product->a) &&
           multiply(left->b, right->a, product->b);
}

/** 1 / form, where that is a function that is known: of c (1 + exp(p)) and c (1 + |p|). */
static bool invert_form(const onnx_form *form, onnx_form *inverse) {
    double number;
    const double factor = form->a[0];
    if (is_constant(form, &number)) {
        *inverse = constant_form(1 / number);
        return true;
    }
    *inverse = *form;
    memset(inverse->a, 0, sizeof inverse->a);
    inverse->b[0] = 1 / factor;
    if (form->function == NULL || factor != form->b[0] || form->a[1] != 0 || form->b[1] != 0) {
        return false;
    }
    if (strcmp(form->function, "abs") == 0) {
        inverse->function = ONNX_INVERSE_ABS;
        return true;
    }
    inverse->function = "sigmoid";
    for (unsigned i = 0; i <= ONNX_DEGREE; i++) {
        inverse->p[i] = -form->p[i];
    }
    return strcmp(form->function, "exp") == 0;
}

/** Whether a form is exactly scale * function, without parameters. */
static bool is_function(const onnx_form *form, const char *function, double constant) {
    return form->function != NULL && strcmp(form->function, function) == 0 &&
           form->a[0] == constant && form->a[1] == 0 && form->b[0] == 1 && form->b[1] == 0;
}

/** function(form), where form is a polynomial. */
static bool apply(const char *function, double alpha, double beta, const onnx_form *form,
                  onnx_form *made) {
    *made = (onnx_form){.function = function, .b = {1}, .alpha = alpha, .beta = beta};
    memcpy(made->p, form->a, sizeof made->p);
    if (strcmp(function, "tanh") == 0 && is_function(form, "softplus", 0)) {
        made->function = ONNX_TANH_SOFTPLUS;
        memcpy(made->p, form->p, sizeof made->p);
        return true;
    }
    return form->function == NULL;
}

bool ffwd_onnx_form_arithmetic(const onnx_form_call *call, onnx_form *made) {
    const onnx_form *left = &call->inputs[0], *right = &call->inputs[1];
    onnx_form inverse;
    if (call->count == 1) {
        *made = *left;
        return call->variant[0] == '+';
    }
    if (call->count != 2) {
        return false;
    }
    switch (call->variant[0]) {
    case '+':
        return add_forms(left, right, 1, made);
    case '-':
        return add_forms(left, right, -1, made);
    case '*':
        return multiply_forms(left, right, made);
    default:
        return invert_form(right, &inverse) && multiply_forms(left, &inverse, made);
    }
}

bool ffwd_onnx_form_power(const onnx_form_call *call, onnx_form *made) {
    double power;
    *made = call->inputs[0];
    if (call->count != 2 || !is_constant(&call->inputs[1], &power) || power < 1 ||
        power > ONNX_DEGREE || power != floor(power)) {
        return false;
    }
    for (int i = 1; i < (int)power; i++) {
        const onnx_form before = *made;
        if (!multiply_forms(&before, &call->inputs[0], made)) {
            return false;
        }
    }
    return true;
}

bool ffwd_onnx_form_same(const onnx_form_call *call, onnx_form *made) {
    *made = call->inputs[0];
    return true;
}

bool ffwd_onnx_form_negative(const onnx_form_call *call, onnx_form *made) {
    return add_forms(&zero_form, &call->inputs[0], -1, made);
}

/** 1 - condition. */
bool ffwd_onnx_form_not(const onnx_form_call *call, onnx_form *made) {
    const onnx_form one = constant_form(1);
    return add_forms(&one, &call->inputs[0], -1, made);
}

bool ffwd_onnx_form_reciprocal(const onnx_form_call *call, onnx_form *made) {
    return invert_form(&call->inputs[0], made);
}

bool ffwd_onnx_form_activation(const onnx_form_call *call, onnx_form *made) {
    return apply(call->variant, ffwd_onnx_float_attribute(call->node, "alpha", call->alpha),
                 ffwd_onnx_float_attribute(call->node, "beta", call->beta), &call->inputs[0], made);
}

/** Softplus and its like, by logarithms. */
bool ffwd_onnx_form_log(const onnx_form_call *call, onnx_form *made) {
    const onnx_form *form = &call->inputs[0];
    *made = *form;
    made->function = "softplus";
    made->a[0] = 0;
    if (is_function(form, "exp", 1)) {
        return true;
    }
    made->b[0] = -1;
    for (unsigned i = 0; i <= ONNX_DEGREE; i++) {
        made->p[i] = -form->p[i];
    }
    return is_function(form, "sigmoid", 0);
}

/** Its gamma is the activation's beta. */
bool ffwd_onnx_form_selu(const onnx_form_call *call, onnx_form *made) {
    return apply("selu", ffwd_onnx_float_attribute(call->node, "alpha", 1.67326319217681884765625),
                 ffwd_onnx_float_attribute(call->node, "gamma", 1.05070102214813232421875),
                 &call->inputs[0], made);
}

bool ffwd_onnx_form_gelu(const onnx_form_call *call, onnx_form *made) {
    FfwdOnnxAttribute found = {.i = 0};
    const bool by_tanh = ffwd_onnx_attribute(call->node, "approximate", &found) &&
                         ffwd_onnx_view_is(found.s, "tanh");
    return apply(by_tanh ? "gelu_tanh" : "gelu", 0, 0, &call->inputs[0], made);
}

/** x sigmoid(alpha x). */
bool ffwd_onnx_form_swish(const onnx_form_call *call, onnx_form *made) {
    const onnx_form alpha = constant_form(ffwd_onnx_float_attribute(call->node, "alpha", 1));
    onnx_form scaled, gate;
    return multiply_forms(&call->inputs[0], &alpha, &scaled) &&
           apply("sigmoid", 0, 0, &scaled, &gate) && multiply_forms(&gate, &call->inputs[0], made);
}

/** Bounds are attributes before opset 11, then inputs that may be left out. */
bool ffwd_onnx_form_clip(const onnx_form_call *call, onnx_form *made) {
    double low = ffwd_onnx_float_attribute(call->node, "min", -INFINITY);
    double high = ffwd_onnx_float_attribute(call->node, "max", INFINITY);
    if ((call->given[1] && !is_constant(&call->inputs[1], &low)) ||
        (call->given[2] && !is_constant(&call->inputs[2], &high))) {
        return false;
    }
    return apply("clip", low, high, &call->inputs[0], made);
}

/** Min and Max with a constant. */
bool ffwd_onnx_form_bound(const onnx_form_call *call, onnx_form *made) {
    double bound;
    const bool first = is_constant(&call->inputs[0], &bound);
    if (call->count == 1) {
        *made = call->inputs[0];
        return true;
    }
    if (call->count != 2 || (!first && !is_constant(&call->inputs[1], &bound))) {
        return false;
    }
    const bool lower = strcmp(call->variant, "max") == 0;
    return apply("clip", lower ? bound : -INFINITY, lower ? INFINITY : bound,
                 &call->inputs[first ? 1 : 0], made);
}

/** left > right or left >= right, as a step at a constant; "<" and "<=" swap them. */
bool ffwd_onnx_form_compare(const onnx_form_call *call, onnx_form *made) {
    const bool swapped = call->variant[0] == '<';
    const onnx_form *left = &call->inputs[swapped ? 1 : 0], *right = &call->inputs[swapped ? 0 : 1];
    const char *step = call->variant[1] == '=' ? "step_ge" : "step";
    double bound;
    onnx_form difference;
    if (left->function != NULL || right->function != NULL) {
        return false;
    }
    if (is_constant(right, &bound)) {
        return apply(step, bound, 0, left, made);
    }
    if (is_constant(left, &bound)) {
        return add_forms(&zero_form, right, -1, &difference) &&
               apply(step, -bound, 0, &difference, made);
    }
    return add_forms(left, right, -1, &difference) && apply(step, 0, 0, &difference, made);
}

bool ffwd_onnx_form_equal(const onnx_form_call *call, onnx_form *made) {
    onnx_form difference;
    return add_forms(&call->inputs[0], &call->inputs[1], -1, &difference) &&
           apply(ONNX_EQUAL, 0, 0, &difference, made);
}

static bool is_flat(const double *polynomial, double value) {
    return polynomial[0] == value && polynomial[1] == 0 && polynomial[2] == 0 && polynomial[3] == 0;
}

/** Whether a form is a step, not scaled or shifted. */
static bool is_condition(const onnx_form *form) {
    return form->function != NULL && strncmp(form->function, "step", 4) == 0 &&
           is_flat(form->a, 0) && is_flat(form->b, 1);
}

static bool is_equality(const onnx_form *form) {
    return form->function != NULL && strcmp(form->function, ONNX_EQUAL) == 0;
}

/** Whether a step's threshold is where an equality holds. */
static bool is_threshold(const onnx_form *step, const onnx_form *equality) {
    return step->p[2] == 0 && step->p[3] == 0 && equality->p[2] == 0 && equality->p[3] == 0 &&
           (step->p[0] - step->alpha) * equality->p[1] == equality->p[0] * step->p[1];
}

/** low, and high where a condition holds, with the value at its threshold: Heaviside's function. */
static bool make_heaviside(const onnx_form *condition, double low, double threshold, double high,
                           onnx_form *made) {
    *made = *condition;
    made->a[0] = low;
    made->b[0] = high - low;
    made->function = threshold == high ? "step_ge" : "step";
    return threshold == high || threshold == low;
}

/** x < 0 ? high : x == 0 ? threshold : low, and x == 0 ? threshold : x < 0 ? high : low. */
static bool join_heaviside(const onnx_form *condition, const onnx_form *above,
                           const onnx_form *below, onnx_form *made) {
    double first;
    if (!is_constant(above, &first) || below->function == NULL || !is_flat(below->a, below->a[0]) ||
        !is_flat(below->b, below->b[0])) {
        return false;
    }
    const double otherwise = below->a[0], second = otherwise + below->b[0];
    if (is_condition(condition) && is_equality(below)) {
        return is_threshold(condition, below) &&
               make_heaviside(condition, otherwise, second, first, made);
    }
    onnx_form step = *below;
    step.a[0] = 0;
    step.b[0] = 1;
    return is_equality(condition) && is_flat(condition->a, 0) && is_flat(condition->b, 1) &&
           is_condition(&step) && is_threshold(&step, condition) &&
           make_heaviside(&step, otherwise, first, second, made);
}

/** ELU and a multiple of it where it bends: an ELU of another alpha. */
static bool join_elu(const onnx_form *condition, const onnx_form *above, const onnx_form *below,
                     onnx_form *made) {
    if (!is_condition(condition) || condition->alpha != 0 || above->function == NULL ||
        below->function == NULL || strcmp(above->function, "elu") != 0 ||
        !same_function(above, below) || !same_polynomial(above->p, condition->p) ||
        !is_flat(above->a, 0) || !is_flat(below->a, 0) || !is_flat(above->b, above->b[0]) ||
        !is_flat(below->b, below->b[0]) || above->b[0] == 0) {
        return false;
    }
    *made = *above;
    made->alpha *= below->b[0] / above->b[0];
    return true;
}

/** Softplus as some write it: x where x is so large that softplus(x) is x. */
static bool is_linear_softplus(const onnx_form *condition, const onnx_form *above,
                               const onnx_form *below) {
    return condition->function != NULL && strcmp(condition->function, "step") == 0 &&
           condition->alpha >= 20 && condition->a[0] == 0 && condition->b[0] == 1 &&
           below->function != NULL && strcmp(below->function, "softplus") == 0 &&
           above->function == NULL && same_polynomial(condition->p, below->p) &&
           fabs(above->a[1] - below->b[0] * below->p[1]) <= 1e-6 * fabs(above->a[1]) &&
           above->a[0] == 0 && below->p[0] == 0;
}

/** below + condition * (above - below). */
bool ffwd_onnx_form_where(const onnx_form_call *call, onnx_form *made) {
    const onnx_form *condition = &call->inputs[0];
    onnx_form difference, chosen;
    if (call->count != 3) {
        return false;
    }
    if (is_linear_softplus(condition, &call->inputs[1], &call->inputs[2])) {
        *made = call->inputs[2];
        return true;
    }
    if (join_heaviside(condition, &call->inputs[1], &call->inputs[2], made) ||
        join_elu(condition, &call->inputs[1], &call->inputs[2], made)) {
        return true;
    }
    return call->inputs[1].function == NULL && call->inputs[2].function == NULL &&
           add_forms(&call->inputs[1], &call->inputs[2], -1, &difference) &&
           multiply_forms(condition, &difference, &chosen) &&
           add_forms(&chosen, &call->inputs[2], 1, made);
}
