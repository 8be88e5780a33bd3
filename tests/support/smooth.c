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

static long double silu(long double z) {
    return z < -11000 ? 0 : z / (1 + expl(-z));
}

/* What is large in an exponent has the error of its rounding beside it, and constants have 64 bits
 * and the rest: else the errors here were as large as those that are looked for. */

static long double gelu(long double z) {
    const long double root = 0xb504f333f9de6484p-64L, root_low = 0x1.65f626cdd52bp-66L;
    const long double u = z * -root, low = fmal(z, -root, -u) - z * root_low;
    const long double slope = 1.12837916709551257389615890312154517L * expl(-u * u);
    return z < -200 ? 0 : z * (erfcl(u) - slope * low) / 2;
}

/* z / (1 + exp(-a - b)), a = 0.044715 2 sqrt(2 / pi) z^3, b = 2 sqrt(2 / pi) z. */
static long double gelu_tanh(long double z) {
    const long double line = 0xcc42299ea1b28468p-63L, line_low = 0x1.f9678a017571cp-65L;
    const long double cubic = 0x922279526c5a57a5p-67L, cubic_low = -0x1.087453a38e0f3p-70L;
    const long double square = z * z, cube = square * z;
    const long double cube_low = fmal(square, z, -cube) + fmal(z, z, -square) * z;
    const long double a = cubic * cube, b = line * z, u = a + b;
    const long double a_low = fmal(cubic, cube, -a) + cubic * cube_low + cubic_low * cube;
    const long double b_low = fmal(line, z, -b) + line_low * z;
    const long double u_low = fabsl(a) > fabsl(b) ? b - (u - a) : a - (u - b);
    return u < -11000 ? 0 : z / (1 + expl(-u) * (1 - (a_low + b_low + u_low)));
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

const smooth_activation smooth[] = {
    {FFWD_SIGMOID, true, false, 0.9625, 1.0735, sigmoid},
    {FFWD_TANH, true, true, 0.9225, 0.9545, tanhl},
    {FFWD_ELU, true, false, 0.8185, 0.8185, elu},
    {FFWD_SELU, true, false, 0.7965, 0.7965, selu},
    {FFWD_CELU, true, false, 0.8185, 0.8185, elu},
    {FFWD_SOFTPLUS, true, false, 0.9345, 0.9005, softplus},
    {FFWD_SOFTSIGN, true, true, 0.5015, 0.5015, softsign},
    {FFWD_GELU, false, false, 1.3005, 1.4005, gelu},
    {FFWD_GELU_TANH, false, false, 0.7985, 0.7905, gelu_tanh},
    {FFWD_SILU, false, false, 0.8265, 0.8265, silu},
    {FFWD_HARD_SWISH, false, false, 0.5005, 0.5005, hard_swish},
    {FFWD_MISH, false, false, 0.8065, 0.7905, mish},
    {FFWD_EXP, true, false, 0.8445, 0.8445, expl},
};

const size_t smooth_count = sizeof smooth / sizeof *smooth;
