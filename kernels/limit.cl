// SPDX-License-Identifier: MIT
// What a device can do at best: bytes moved, and fused multiply-adds, in a second.
//
// stream       reads from[reads] and writes to[writes], 16 bytes an element, grid-strided: item i
//              takes elements i, i + items, ...  A run may read more than it writes or less; what
//              was read is stored where there is no write to carry it, under a condition that the
//              compiler cannot decide.
// fma_rate_f32 CHAINS independent chains of `steps` fused multiply-adds an item, one value stored
// fma_rate_f64 for each item so that nothing is dropped.
//
// Launch: any number of items; no local memory; CHAINS registers an item.
#include "names_opencl.h"

#ifndef KERNEL // fma_rate_f32 or fma_rate_f64: named by the host
#define KERNEL fma_rate_f32
#endif
#ifndef CHAINS // enough to hide the latency of one fma
#define CHAINS 16
#endif

#if CHAINS < 1
#error "limit.cl: CHAINS is at least 1"
#endif

kernel void stream(global const uint4 *restrict from, const ulong reads,
                   global uint4 *restrict to, const ulong writes) {
    const size_t items = get_global_size(0);
    uint4 seen = (uint4)(0);
    for (size_t e = get_global_id(0); e < max(reads, writes); e += items) {
        if (e < reads) {
            seen ^= from[e];
        }
        if (e < writes) {
            to[e] = seen;
        }
    }
    if (seen.x == 0x9e3779b9 && seen.y == 0x7f4a7c15 && writes > 0) {
        to[0] = seen;
    }
}

kernel void KERNEL(global REAL *results, const REAL factor, const REAL addend,
                   const uint steps) {
    REAL chain[CHAINS];
    for (uint c = 0; c < CHAINS; c++) {
        chain[c] = K(get_global_id(0) + c);
    }
    for (uint s = 0; s < steps; s++) {
        for (uint c = 0; c < CHAINS; c++) {
            chain[c] = FMA(chain[c], factor, addend);
        }
    }
    REAL sum = K(0);
    for (uint c = 0; c < CHAINS; c++) {
        sum += chain[c];
    }
    results[get_global_id(0)] = sum;
}
