// SPDX-License-Identifier: MIT
// The normal form of what nodes compute for each element, and the operators that have one.
#ifndef FFWD_FORMAT_ONNX_FORM_LIST_H
#define FFWD_FORMAT_ONNX_FORM_LIST_H

#include "format/onnx_form.h"

#define ONNX_DEGREE 3

/** Functions that are parts of activations alone. */
#define ONNX_TANH_SOFTPLUS "tanh(softplus)"
#define ONNX_INVERSE_ABS   "1/(1+abs)"
#define ONNX_EQUAL         "p=0"

/** a(x) + b(x) function(p(x)); coefficients from the constant up; function NULL: a(x) alone. */
typedef struct onnx_form {
    double a[ONNX_DEGREE + 1], b[ONNX_DEGREE + 1], p[ONNX_DEGREE + 1];
    const char *function; /**< the word of an activation, or a part of one */
    double alpha, beta;
} onnx_form;

/** A node with what its inputs compute. */
typedef struct onnx_form_call {
    const onnx_node *node;
    const char *variant;
    double alpha, beta; /**< what the attributes of that name are where they are left out */
    onnx_form inputs[3];
    bool given[3];
    uint32_t count; /**< of inputs */
} onnx_form_call;

typedef bool onnx_form_function(const onnx_form_call *call, onnx_form *made);
onnx_form_function ffwd_onnx_form_arithmetic, ffwd_onnx_form_power, ffwd_onnx_form_same,
    ffwd_onnx_form_negative, ffwd_onnx_form_not, ffwd_onnx_form_reciprocal,
    ffwd_onnx_form_activation, ffwd_onnx_form_log, ffwd_onnx_form_selu, ffwd_onnx_form_gelu,
    ffwd_onnx_form_swish, ffwd_onnx_form_clip, ffwd_onnx_form_bound, ffwd_onnx_form_compare,
    ffwd_onnx_form_equal, ffwd_onnx_form_where;

/** Whether a form is an activation, with scales and shifts around it; `tolerance` is how far its
 *  constants may be from the true ones, relatively. */
bool ffwd_onnx_recognise(const onnx_form *form, double tolerance, onnx_activation *found);

#endif
