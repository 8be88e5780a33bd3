// SPDX-License-Identifier: MIT
// What one writes first in OpenCL C: a work-item takes one row through all layers, its values in
// private arrays; and an activation for the products of a library.
//
//     X, Y     [row][feature]
//     weights  [neuron][input] of each layer, one layer after the other
//
// REAL, ACTIVATION (of peer_activation); for per_row WIDTHS (1, 2, ..), LAYERS and WIDEST.
#ifdef REAL_IS_F64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define REAL double
#else
#define REAL float
#endif

static REAL activated(REAL z) {
#if ACTIVATION == 1
    return z > 0 ? 1 : 0;
#elif ACTIVATION == 2
    return z < 0 ? 0 : z;
#elif ACTIVATION == 3
    return 1 / (1 + exp(-z));
#elif ACTIVATION == 4
    return tanh(z);
#else
    return z;
#endif
}

kernel void activate(global REAL *z) {
    const size_t i = get_global_id(0);
    z[i] = activated(z[i]);
}

#ifdef WIDTHS
constant int widths[] = {WIDTHS};

kernel void per_row(global const REAL *x, global REAL *y, global const REAL *weights) {
    const size_t row = get_global_id(0);
    REAL in[WIDEST], out[WIDEST];
    for (int k = 0; k < widths[0]; k++) {
        in[k] = x[row * widths[0] + k];
    }
    for (int layer = 0; layer < LAYERS; layer++) {
        const int inputs = widths[layer], neurons = widths[layer + 1];
        for (int o = 0; o < neurons; o++) {
            REAL z = 0;
            for (int k = 0; k < inputs; k++) {
                z += weights[o * inputs + k] * in[k];
            }
            out[o] = activated(z);
        }
        for (int o = 0; o < neurons; o++) {
            in[o] = out[o];
        }
        weights += inputs * neurons;
    }
    for (int o = 0; o < widths[LAYERS]; o++) {
        y[row * widths[LAYERS] + o] = in[o];
    }
}
#endif
