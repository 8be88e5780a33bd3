// SPDX-License-Identifier: MIT
// The seven names of the shared arithmetic in OpenCL C, one value a work-item. REAL_IS_F64 selects
// double; every kernel includes this file first, since it also forbids contraction.
#ifndef FFWD_KERNELS_NAMES_OPENCL_H
#define FFWD_KERNELS_NAMES_OPENCL_H

#pragma OPENCL FP_CONTRACT OFF

#ifdef REAL_IS_F64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define REAL    double
#define BITS    ulong
#define AS_BITS as_ulong
#define AS_REAL as_double
#else
#define REAL    float
#define BITS    uint
#define AS_BITS as_uint
#define AS_REAL as_float
#endif

#define K(c)                ((REAL)(c))
#define FMA(a, b, c)        fma((a), (b), (c))
#define WHEN_GT(a, b, x, y) ((a) > (b) ? (x) : (y))

#endif
