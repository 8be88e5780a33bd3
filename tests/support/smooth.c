// SPDX-License-Identifier: MIT
#include "support/smooth.h"

#include <math.h>

#include <ffwd/ffwd.h>

static long double sigmoid(long double z) {
    return z < 0 ? expl(z) / (1 + expl(z)) : 1 / (1 + expl(-z));
}

static long double elu(long double z) {
    return z < 0 ? expm1l(z) : z;
}

static long double selu(long double z) {
    return 1.05070102214813232421875L * (z < 0 ? 1.67326319217681884765625L * expm1l(z) : z);
}

static long double softsign(long double z) {
    return isinf(z) ? copysignl(1, z) : z / (1 + fabsl(z));
}

/** z / (1 + exp(-u)). */
static long double gated(long double z, long double u) {
    return u < -11000 ? 0 : z / (1 + expl(-u));
}

static long double silu(long double z) {
    return gated(z, z);
}

static long double gelu(long double z) {
    return z < -200 ? 0 : z * erfcl(z * -0.70710678118654752440084436210484904L) / 2;
}

static long double gelu_tanh(long double z) {
    return gated(z, 1.59576912160573071175978423973752747L * (z + 0.044715L * z * z * z));
}

static long double softplus(long double z) {
    return (z > 0 ? z : 0) + log1pl(expl(-fabsl(z)));
}

static long double mish(long double z) {
    const long double e = expl(z < 50 ? z : 50), m = e * (e + 2);
    return e == 0 ? 0 : z * m / (m + 2);
}

static long double hard_swish(long double z) {
    return z < -3 ? 0 : z > 3 ? z : z * (z + 3) / 6;
}

/* In float64, those of gelu and gelu_tanh allow for the errors of long double in large arguments.
 */
const smooth_activation smooth[] = {
    {FFWD_SIGMOID, true, false, 0.9625, 1.0735, sigmoid},
    {FFWD_TANH, true, true, 0.9225, 0.9545, tanhl},
    {FFWD_ELU, true, false, 0.8185, 0.8185, elu},
    {FFWD_SELU, true, false, 0.7965, 0.7965, selu},
    {FFWD_CELU, true, false, 0.8185, 0.8185, elu},
    {FFWD_SOFTPLUS, true, false, 0.9345, 0.9005, softplus},
    {FFWD_SOFTSIGN, true, true, 0.5015, 0.5015, softsign},
    {FFWD_GELU, false, false, 1.3005, 1.9005, gelu},
    {FFWD_GELU_TANH, false, false, 0.7985, 1.6005, gelu_tanh},
    {FFWD_SILU, false, false, 0.8265, 0.8265, silu},
    {FFWD_HARD_SWISH, false, false, 0.5005, 0.5005, hard_swish},
    {FFWD_MISH, false, false, 0.8065, 0.7905, mish},
    {FFWD_EXP, true, false, 0.8445, 0.8445, expl},
};

const size_t smooth_count = sizeof smooth / sizeof *smooth;
