// SPDX-License-Identifier: MIT
// From a normal form to an activation. With u = p(x) linear, the table of what is recognised is
//
//     a + b g(u)                     g itself            (a, b constant)
//     b u sigmoid(u)                 silu                b u tanh(softplus(u))     mish
//     b u / (1 + |u|)                softsign            b u hard_sigmoid(u)       hard_swish
//     b (u - 3) clip(u, 0, 6)        hard_swish          b u step(u - alpha)       thresholded_relu
//     b u (1 + erf(u / sqrt 2))      gelu                a u + b u step(u)         leaky_relu
//     b u (1 + tanh(sqrt(2/pi) (u + 0.044715 u^3)))      gelu_tanh
#include <math.h>
#include <string.h>

#include "format/onnx_form_list.h"

#define CUBIC       0.044715
#define SQRT_2      1.41421356237309504880
#define SQRT_2_PI   0.79788456080286535588 /* sqrt(2 / pi) */
#define HARD_FACTOR (1.0 / 6.0)

static bool near(double value, double truth, double tolerance) {
    return fabs(value - truth) <= tolerance * fmax(fabs(truth), fabs(value));
}

static bool is_level(const double *polynomial) {
    return polynomial[1] == 0 && polynomial[2] == 0 && polynomial[3] == 0;
}

static bool is_linear(const double *polynomial) {
    return polynomial[1] != 0 && polynomial[2] == 0 && polynomial[3] == 0;
}

static bool is(const onnx_form *form, const char *function) {
    return strcmp(form->function, function) == 0;
}

/** activation(scale * p + shift) * out + a. */
static bool set(const onnx_form *form, const char *word, double scale, double shift, double out,
                onnx_activation *found) {
    found->word = word;
    found->in_scale = scale * form->p[1];
    found->in_shift = scale * form->p[0] + shift;
    found->out_scale = out;
    found->out_shift = form->a[0];
    found->alpha = form->alpha;
    found->beta = form->beta;
    return out != 0 && isfinite(out) && isfinite(found->out_shift);
}

/** Whether b(x) = factor * (p(x) - offset). */
static bool is_multiple(const double *b, const double *p, double offset, double tolerance,
                        double *factor) {
    *factor = b[1] / p[1];
    const double wanted = *factor * (p[0] - offset);
    return is_linear(b) &&
           fabs(b[0] - wanted) <= tolerance * fmax(fabs(*factor * offset), fabs(b[0]));
}

/** A condition times something: as x > alpha, not as a negation of it. */
static void turn_step(onnx_form *form) {
    const bool over = is(form, "step");
    if (!(over || is(form, "step_ge")) || is_level(form->b)) {
        return;
    }
    if (form->p[1] < 0) { // step(p > alpha) = 1 - step_ge(-p >= -alpha), and the other way round
        for (unsigned i = 0; i <= ONNX_DEGREE; i++) {
            form->a[i] += form->b[i];
            form->b[i] = -form->b[i];
            form->p[i] = -form->p[i];
        }
        form->alpha = 0 - form->alpha;
        form->function = over ? "step_ge" : "step";
    }
    if (form->alpha == 0) { // at 0 it is a matter of the zero's sign
        form->function = "step";
    }
}

static bool recognise_step(const onnx_form *form, double tolerance, onnx_activation *found) {
    double above, below;
    if (!is(form, "step") || !is_multiple(form->b, form->p, 0, tolerance, &above)) {
        return false;
    }
    if (is_level(form->a)) {
        return set(form, "thresholded_relu", 1, 0, above, found);
    }
    if (form->alpha != 0 || !is_multiple(form->a, form->p, 0, tolerance, &below)) {
        return false;
    }
    const bool made = set(form, "leaky_relu", 1, 0, above + below, found);
    found->alpha = below / (above + below);
    found->out_shift = 0;
    return made;
}

static bool recognise_gelu(const onnx_form *form, double tolerance, onnx_activation *found) {
    double factor;
    if (!is(form, "erf") || !is_multiple(form->b, form->p, 0, tolerance, &factor) ||
        !is_linear(form->a) || !near(form->a[1], form->b[1], tolerance)) {
        return false;
    }
    const bool made = set(form, "gelu", SQRT_2, 0, SQRT_2 * factor, found);
    found->out_shift = form->a[0] - form->b[0];
    if (near(found->in_scale, 1, 4 * tolerance)) { // the root was rounded, the factor was not
        found->out_scale = 2 * form->b[1];
    }
    return made;
}

static bool recognise_gelu_tanh(const onnx_form *form, double tolerance, onnx_activation *found) {
    const double scale = form->p[1] / SQRT_2_PI;
    if (!is(form, "tanh") || form->p[0] != 0 || form->p[2] != 0 || scale == 0 ||
        !near(form->p[3], SQRT_2_PI * CUBIC * scale * scale * scale, 4 * tolerance) ||
        !is_linear(form->a) || !is_linear(form->b) || form->b[0] != 0 ||
        !near(form->a[1], form->b[1], tolerance)) {
        return false;
    }
    *found = (onnx_activation){.word = "gelu_tanh",
                               .in_scale = near(scale, 1, tolerance) ? 1 : scale,
                               .out_scale = 2 * form->b[1] / scale,
                               .out_shift = form->a[0]};
    if (near(scale, 1, tolerance)) {
        found->out_scale = 2 * form->b[1];
    }
    return true;
}

static bool recognise_hard_swish(const onnx_form *form, double tolerance, onnx_activation *found) {
    double factor;
    if (is(form, "hard_sigmoid") && near(form->alpha, HARD_FACTOR, tolerance) &&
        form->beta == 0.5 && is_multiple(form->b, form->p, 0, tolerance, &factor)) {
        return set(form, "hard_swish", 1, 0, factor, found);
    }
    if (!is(form, "clip") || form->alpha != 0) {
        return false;
    }
    if (form->beta == 6 && is_multiple(form->b, form->p, 3, tolerance, &factor)) {
        return set(form, "hard_swish", 1, -3, 6 * factor, found);
    }
    return form->beta == 1 && is_multiple(form->b, form->p, 0.5, tolerance, &factor) &&
           set(form, "hard_swish", 6, -3, factor * HARD_FACTOR, found);
}

/** x times a function of x. */
static bool recognise_product(const onnx_form *form, double tolerance, onnx_activation *found) {
    static const struct {
        const char *function, *word;
    } list[] = {{"sigmoid", "silu"}, {ONNX_TANH_SOFTPLUS, "mish"}, {ONNX_INVERSE_ABS, "softsign"}};
    double factor;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        if (is(form, list[i].function) && is_multiple(form->b, form->p, 0, tolerance, &factor)) {
            return set(form, list[i].word, 1, 0, factor, found);
        }
    }
    return recognise_hard_swish(form, tolerance, found);
}

static bool is_part(const onnx_form *form) {
    return is(form, "erf") || is(form, ONNX_TANH_SOFTPLUS) || is(form, ONNX_INVERSE_ABS) ||
           is(form, ONNX_EQUAL);
}

/** Scales that should be 1 are, where they differ by what a rounded constant explains. */
static void round_scales(onnx_activation *found, double tolerance) {
    if (near(found->in_scale, 1, tolerance)) {
        found->in_scale = 1;
    }
    if (near(found->out_scale, 1, tolerance)) {
        found->out_scale = 1;
    }
}

bool ffwd_onnx_recognise(const onnx_form *given, double tolerance, onnx_activation *found) {
    onnx_form form = *given;
    if (form.function == NULL) {
        *found = (onnx_activation){
            .word = "identity", .in_scale = 1, .out_scale = form.a[1], .out_shift = form.a[0]};
        return is_linear(form.a);
    }
    turn_step(&form);
    if (is_level(form.a) && is_level(form.b) && is_linear(form.p) && !is_part(&form)) {
        return set(&form, form.function, 1, 0, form.b[0], found);
    }
    if (!is_linear(form.p)) {
        return recognise_gelu_tanh(&form, tolerance, found);
    }
    const bool recognised = (is_level(form.a) && recognise_product(&form, tolerance, found)) ||
                            recognise_step(&form, tolerance, found) ||
                            recognise_gelu(&form, tolerance, found);
    if (recognised) {
        round_scales(found, 4 * tolerance);
    }
    return recognised;
}
