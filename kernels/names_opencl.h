// SPDX-License-Identifier: MIT
// The seven names of the shared arithmetic in OpenCL C, for one value or for LANES of them.
// REAL_IS_F64 selects double; every kernel includes this file first, since it also forbids
// contraction.
#ifndef FFWD_KERNELS_NAMES_OPENCL_H
#define FFWD_KERNELS_NAMES_OPENCL_H

#pragma OPENCL FP_CONTRACT OFF

#ifdef REAL_IS_F64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define SCALAR      double
#define FOUR        double4
#define BYTES_16    double2
#define VALUES_16   2
#define SCALAR_BITS ulong
#else
#define SCALAR      float
#define FOUR        float4
#define BYTES_16    float4
#define VALUES_16   4
#define SCALAR_BITS uint
#endif

#define ON_BOUNDARY_16(p) ((size_t)(p) % 16 == 0)

#ifdef LANES
#define PASTE_(a, b)        a##b
#define PASTE(a, b)         PASTE_(a, b)
#define REAL                PASTE(SCALAR, LANES)
#define BITS                PASTE(SCALAR_BITS, LANES)
#define WHEN_GT(a, b, x, y) select((y), (x), (a) > (b))
#else
#define PASTE(a, b)         a
#define REAL                SCALAR
#define BITS                SCALAR_BITS
#define WHEN_GT(a, b, x, y) ((a) > (b) ? (x) : (y))
#endif

#define AS_BITS(x)   PASTE_AS(BITS)(x)
#define AS_REAL(b)   PASTE_AS(REAL)(b)
#define PASTE_AS_(t) as_##t
#define PASTE_AS(t)  PASTE_AS_(t)
#define K(c)         ((REAL)(c))
#define FMA(a, b, c) fma((a), (b), (c))

#endif
