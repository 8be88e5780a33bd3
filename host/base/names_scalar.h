// SPDX-License-Identifier: MIT
// The seven names that kernels/activations.h asks for, in plain C, one value at a time. REAL_IS_F64
// selects double.
#ifndef FFWD_BASE_NAMES_SCALAR_H
#define FFWD_BASE_NAMES_SCALAR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef REAL_IS_F64
typedef double REAL;
typedef uint64_t BITS;
#define FMA(a, b, c) fma((a), (b), (c))
#else
typedef float REAL;
typedef uint32_t BITS;
#define FMA(a, b, c) fmaf((a), (b), (c))
#endif

static inline BITS as_bits(REAL real) {
    BITS bits;
    memcpy(&bits, &real, sizeof bits);
    return bits;
}

static inline REAL as_real(BITS bits) {
    REAL real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

#define K(c)                ((REAL)(c))
#define WHEN_GT(a, b, x, y) ((a) > (b) ? (x) : (y))
#define AS_BITS(x)          as_bits(x)
#define AS_REAL(b)          as_real(b)

#endif
