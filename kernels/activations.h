// SPDX-License-Identifier: MIT
// The activations, written once for scalar and vector types of C11 and OpenCL C 1.2, so that they
// give the same bits everywhere. Float32 is the default, REAL_IS_F64 selects float64.
//
// The including file supplies seven names for its type of one or more lanes:
//
//     REAL                    the floating-point type; native + - * and a correctly rounded /
//     BITS                    the unsigned integer type of as many lanes, each as wide as REAL's
//     K(c)                    the constant c in every lane
//     FMA(a, b, c)            a * b + c, rounded once
//     WHEN_GT(a, b, x, y)     a > b ? x : y lane by lane; y where a or b is NaN
//     AS_BITS(x), AS_REAL(b)  the same bits as the other type
//
// It also forbids contraction and fast-math, rounds to nearest and keeps denormals. NaN passes
// through all functions but the step, with bits that only ffwd_canonical defines.
#ifndef FFWD_ACTIVATIONS_H
#define FFWD_ACTIVATIONS_H

/* a > b ? a : b and a < b ? a : b; b where they are equal or one is NaN. An includer may know one
 * operation for each. */
#ifndef GREATER
#define GREATER(a, b) WHEN_GT(a, b, a, b)
#define LESSER(a, b)  WHEN_GT(b, a, a, b)
#endif

/* a > b ? 1 : 0. Another one. */
#ifndef ONE_WHEN_GT
#define ONE_WHEN_GT(a, b) WHEN_GT(a, b, K(1), K(0))
#endif

#ifdef REAL_IS_F64
#include "activations_f64.h"
#else
#include "activations_f32.h"
#endif
#include "pairs.h"

#include "activations_exp.h"
#include "activations_gate.h"
#include "activations_log.h"

static inline REAL ffwd_identity(REAL z) {
    return z;
}

/* number where z is one; z where it is NaN. */
static inline REAL ffwd_or_nan(REAL z, REAL number) {
    return WHEN_GT(z, K(0), number, WHEN_GT(K(1), z, number, z));
}

/* z > 0 ? 1 : 0; 0 for NaN. */
static inline REAL ffwd_step(REAL z) {
    return ONE_WHEN_GT(z, K(0));
}

/* z >= alpha ? 1 : 0; 0 for NaN. */
static inline REAL ffwd_step_ge(REAL z, REAL alpha) {
    return WHEN_GT(ffwd_or_nan(z, WHEN_GT(alpha, z, K(0), K(1))), K(0), K(1), K(0));
}

/* 1 above 0, -1 below, +0 at both zeros. */
static inline REAL ffwd_sign(REAL z) {
    return WHEN_GT(z, K(0), K(1), WHEN_GT(K(0), z, K(-1), ffwd_or_nan(z, K(0))));
}

/* z < 0 ? 0 : z; -0 stays -0. */
static inline REAL ffwd_relu(REAL z) {
    return GREATER(K(0), z);
}

/* z < 0 ? alpha z : z */
static inline REAL ffwd_leaky_relu(REAL z, REAL alpha) {
    return WHEN_GT(K(0), z, alpha * z, z);
}

/* z > alpha ? z : 0 */
static inline REAL ffwd_thresholded_relu(REAL z, REAL alpha) {
    return WHEN_GT(z, alpha, z, ffwd_or_nan(z, K(0)));
}

/* z, but not below alpha, and then not above beta. */
static inline REAL ffwd_clip(REAL z, REAL alpha, REAL beta) {
    const REAL y = GREATER(alpha, z);
    return LESSER(beta, y);
}

/* alpha z + beta, between 0 and 1. */
static inline REAL ffwd_hard_sigmoid(REAL z, REAL alpha, REAL beta) {
    return ffwd_clip(FMA(alpha, z, beta), K(0), K(1));
}

#endif
