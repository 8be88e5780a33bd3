// SPDX-License-Identifier: MIT
// Rows of a caller's, of any dtype and strides, into dense ones of the model's dtype, or (SCATTER)
// back, value by value:
//
//   to[to_offset + r * to_row + c * to_col] = (TO)from[from_offset + r * from_row + c * from_col]
//
//   from, to   the caller's elements are OTHER, the others REAL; nothing between those of `to` is
//              touched. float64 is rounded to nearest, NaN is canonical
//   strides    elements, of either sign
//
// Launch: two dimensions; groups count row tiles first, items columns first, as in matmul.cl: item
// (i, j) of group (a, b) takes row a * L1 + j and column b * L0 + i of a group of L0 x L1 items, so
// that neighbours take neighbouring columns. No local memory; items past the edges do nothing.
#include "names_opencl.h"

#ifndef KERNEL // gather_f64_f32: from, to
#define KERNEL gather_f32_f32
#endif
#ifndef OTHER_DTYPE // the number of ffwd_dtype
#define OTHER_DTYPE 1
#endif
#ifndef SCATTER
#define SCATTER 0
#endif

#if OTHER_DTYPE == 1
#define OTHER float
#elif OTHER_DTYPE == 2
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define OTHER double
#elif OTHER_DTYPE == 3
#define OTHER uchar
#else
#error "gather.cl: OTHER_DTYPE is 1, 2 or 3"
#endif

#ifdef REAL_IS_F64
#define REAL_DTYPE 2
#else
#define REAL_DTYPE 1
#endif

#if SCATTER
#define FROM     REAL
#define TO       OTHER
#define TO_DTYPE OTHER_DTYPE
#else
#define FROM     OTHER
#define TO       REAL
#define TO_DTYPE REAL_DTYPE
#endif

#if TO_DTYPE == 1
#define CANONICAL(x) ((x) == (x) ? (x) : as_float(0x7fc00000u))
#elif TO_DTYPE == 2
#define CANONICAL(x) ((x) == (x) ? (x) : as_double(0x7ff8000000000000ul))
#else
#define CANONICAL(x) (x)
#endif

kernel void KERNEL(global const FROM *restrict from, const long from_offset, const long from_row,
                   const long from_col, global TO *restrict to, const long to_offset,
                   const long to_row, const long to_col, const uint rows, const uint cols) {
    const ulong r = get_group_id(0) * get_local_size(1) + get_local_id(1);
    const ulong c = get_group_id(1) * get_local_size(0) + get_local_id(0);
    if (r < rows && c < cols) {
        const TO value = (TO)from[from_offset + (long)r * from_row + (long)c * from_col];
        to[to_offset + (long)r * to_row + (long)c * to_col] = CANONICAL(value);
    }
}
