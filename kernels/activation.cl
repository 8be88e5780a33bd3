// SPDX-License-Identifier: MIT
// One activation over a block of sums: y[e] = ACTIVATION(z[e]).
//
//   z, y   [count], aligned to one element only
//
// Launch: at least `count` items, item e computes element e, so adjacent items touch adjacent
// elements. No local memory; items past the end do nothing.
#include "names_opencl.h"

#include "activations.h"

#ifndef KERNEL // step_f32, tanh_f64, ...: named by the host
#define KERNEL step_f32
#endif
#ifndef ACTIVATION // ffwd_identity, ffwd_step, ...
#define ACTIVATION ffwd_step
#endif

kernel void KERNEL(global const REAL *restrict z, global REAL *restrict y, const ulong count) {
    const size_t e = get_global_id(0);
    if (e < count) {
        y[e] = ffwd_canonical(ACTIVATION(z[e]));
    }
}
