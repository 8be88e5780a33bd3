// SPDX-License-Identifier: MIT
// The known-answer test of a device's arithmetic, before it is trusted with rows.
//
//   operands  [count][3], bits of a, b, c
//   results   [count][FFWD_PROBE_RESULTS], bits of every value of the list, NaN canonical
//
// Operands and results travel as integers, so that no conversion on the way hides a flush to zero.
// Launch: at least `count` items in groups of any size, item i computes case i; items past the end
// do nothing.
#include "names_opencl.h"

#include "probe_list.h"

#ifndef KERNEL // probe_f32 or probe_f64: named by the host
#define KERNEL probe_f32
#endif

kernel void KERNEL(global const BITS *operands, global BITS *results, const uint count) {
    const uint i = get_global_id(0);
    if (i < count) {
        const REAL a = AS_REAL(operands[3 * i]);
        const REAL b = AS_REAL(operands[3 * i + 1]);
        const REAL c = AS_REAL(operands[3 * i + 2]);
        global BITS *result = results + i * FFWD_PROBE_RESULTS;
#define STORE(name, arity, value) *result++ = AS_BITS(ffwd_canonical(value));
        FFWD_PROBE_LIST(STORE, a, b, c)
#undef STORE
    }
}
