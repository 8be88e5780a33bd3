// SPDX-License-Identifier: MIT
// The known-answer test of a device's arithmetic: what is computed of three operands. The host and
// the device expand the same list over their own seven names and compare the bits.
#ifndef FFWD_KERNELS_PROBE_LIST_H
#define FFWD_KERNELS_PROBE_LIST_H

#include "activations.h"
#include "row_operations.h"

// X(name, operands used, value). The arithmetic needs no more than these.
#define FFWD_PROBE_LIST(X, a, b, c)                                                                \
    X(fma, 3, FMA(a, b, c))                                                                        \
    X(add, 2, (a) + (b))                                                                           \
    X(multiply, 2, (a) * (b))                                                                      \
    X(divide, 2, (a) / (b))                                                                        \
    X(identity, 1, ffwd_identity(a))                                                               \
    X(step, 1, ffwd_step(a))                                                                       \
    X(relu, 1, ffwd_relu(a))                                                                       \
    X(step_ge, 2, ffwd_step_ge(a, b))                                                              \
    X(leaky_relu, 2, ffwd_leaky_relu(a, b))                                                        \
    X(thresholded_relu, 2, ffwd_thresholded_relu(a, b))                                            \
    X(hard_sigmoid, 3, ffwd_hard_sigmoid(a, b, c))                                                 \
    X(clip, 3, ffwd_clip(a, b, c))                                                                 \
    X(beats, 2, ffwd_beats(a, b))                                                                  \
    X(sigmoid, 1, ffwd_sigmoid(a))                                                                 \
    X(tanh, 1, ffwd_tanh(a))                                                                       \
    X(exp, 1, ffwd_exp(a))                                                                         \
    X(elu, 2, ffwd_elu(a, b))                                                                      \
    X(selu, 2, ffwd_selu(a, K(1.75f), b))                                                          \
    X(celu, 2, ffwd_celu(a, ffwd_abs(b)))                                                          \
    X(softsign, 1, ffwd_softsign(a))                                                               \
    X(silu, 1, ffwd_silu(a))                                                                       \
    X(hard_swish, 1, ffwd_hard_swish(a))                                                           \
    X(softplus, 1, ffwd_softplus(a))                                                               \
    X(mish, 1, ffwd_mish(a))                                                                       \
    X(gelu, 1, ffwd_gelu(a))                                                                       \
    X(gelu_tanh, 1, ffwd_gelu_tanh(a))                                                             \
    X(sign, 1, ffwd_sign(a))                                                                       \
    X(abs, 1, ffwd_abs(a))                                                                         \
    X(log, 1, ffwd_log(ffwd_abs(a)))

#define FFWD_PROBE_RESULTS 29

#endif
