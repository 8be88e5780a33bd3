// SPDX-License-Identifier: MIT
// Every activation as one call, for code that is given its number and its parameters.
#ifndef FFWD_ACTIVATION_LIST_H
#define FFWD_ACTIVATION_LIST_H

#include "activations.h"

// X(NAME, number, y): y of z, alpha, beta and slope; name and number are those of ffwd.h.
#define FFWD_ACTIVATION_CALLS(X)                                                                   \
    X(IDENTITY, 0, ffwd_identity(z))                                                               \
    X(STEP, 1, WHEN_GT(z, alpha, K(1), K(0)))                                                      \
    X(RELU, 2, ffwd_relu(z))                                                                       \
    X(SIGMOID, 3, ffwd_sigmoid(z))                                                                 \
    X(TANH, 4, ffwd_tanh(z))                                                                       \
    X(STEP_GE, 5, ffwd_step_ge(z, alpha))                                                          \
    X(LEAKY_RELU, 6, ffwd_leaky_relu(z, alpha))                                                    \
    X(PRELU, 7, ffwd_leaky_relu(z, slope))                                                         \
    X(THRESHOLDED_RELU, 8, ffwd_thresholded_relu(z, alpha))                                        \
    X(ELU, 9, ffwd_elu(z, alpha))                                                                  \
    X(SELU, 10, ffwd_selu(z, alpha, beta))                                                         \
    X(CELU, 11, ffwd_celu(z, alpha))                                                               \
    X(HARD_SIGMOID, 12, ffwd_hard_sigmoid(z, alpha, beta))                                         \
    X(CLIP, 13, ffwd_clip(z, alpha, beta))                                                         \
    X(SOFTPLUS, 14, ffwd_softplus(z))                                                              \
    X(SOFTSIGN, 15, ffwd_softsign(z))                                                              \
    X(GELU, 16, ffwd_gelu(z))                                                                      \
    X(GELU_TANH, 17, ffwd_gelu_tanh(z))                                                            \
    X(SILU, 18, ffwd_silu(z))                                                                      \
    X(HARD_SWISH, 19, ffwd_hard_swish(z))                                                          \
    X(MISH, 20, ffwd_mish(z))                                                                      \
    X(EXP, 21, ffwd_exp(z))                                                                        \
    X(SIGN, 22, ffwd_sign(z))                                                                      \
    X(ABS, 23, ffwd_abs(z))

// Which activations an includer may ask for; the others are not compiled.
#ifndef FFWD_USED
#define FFWD_USED(number) 1
#endif

static inline REAL ffwd_activate(const unsigned activation, const REAL z, const REAL alpha,
                                 const REAL beta, const REAL slope) {
    switch (activation) {
#define CASE(name, number, y)                                                                      \
    case number:                                                                                   \
        return FFWD_USED(number) ? (y) : z;
        FFWD_ACTIVATION_CALLS(CASE)
#undef CASE
    default:
        return z;
    }
}

#endif
