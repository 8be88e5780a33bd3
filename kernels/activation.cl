// SPDX-License-Identifier: MIT
// One operation on each value alone: y[r][c] = activation(z[r][c]), where z is x, or with AFFINE
//
//   z[r][c] = fma(x[r][c], scale[c], shift[c])
//
//   x, y          [rows][columns], together `count` values, aligned to one element only
//   scale, shift  [columns], with AFFINE; or NULL: 1 and -0, which change nothing
//   slopes        [columns], of a prelu
//   sums          [rows][columns], with AFFINE, receives z; or NULL
//   x_offset, y_offset   elements in front of the rows in x and in y
//
// Launch: at least `count` items, item e computes element e, so adjacent items touch adjacent
// elements. No local memory; items past the end do nothing.
#ifndef KERNEL // step_f32, affine_tanh_f64, ...: named by the host
#define KERNEL step_f32
#endif
#ifndef ACTIVATION // the number of ffwd_activation
#define ACTIVATION 1
#endif
#ifndef AFFINE // 1: x is scaled and shifted first
#define AFFINE 0
#endif
#define PRELU 7

#include "names_opencl.h"

#define FFWD_USED(number) ((number) == ACTIVATION)
#include "activation_list.h"

kernel void KERNEL(global const REAL *restrict x, global const REAL *restrict scale,
                   global const REAL *restrict shift, global const REAL *restrict slopes,
                   global REAL *restrict sums, global REAL *restrict y, const ulong count,
                   const ulong columns, const REAL alpha, const REAL beta,
                   const ulong x_offset, const ulong y_offset) {
    const size_t e = get_global_id(0);
    if (e < count) {
#if AFFINE || ACTIVATION == PRELU
        const size_t c = e % columns;
#endif
        REAL z = x[x_offset + e];
#if AFFINE
        z = FMA(z, scale != 0 ? scale[c] : K(1), shift != 0 ? shift[c] : K(-0.0f));
        if (sums != 0) {
            sums[e] = ffwd_canonical(z);
        }
#endif
#if ACTIVATION == PRELU
        const REAL slope = slopes[c];
#else
        const REAL slope = K(0);
#endif
        y[y_offset + e] = ffwd_canonical(ffwd_activate(ACTIVATION, z, alpha, beta, slope));
    }
}
