// SPDX-License-Identifier: MIT
// The row-block code in plain C, float64: the reference that every other instruction set is
// compared with. Where the target has no fused multiply-add the C library supplies a slow and exact
// one.
#define REAL_IS_F64
#include "base/names_scalar.h"

#define SCALAR       REAL
#define LANES        1
#define VECTORS      4
#define TILE_NEURONS 2
#define FFWD_DTYPE   FFWD_F64

/* Through memcpy, since the stream pass reads whatever bytes it is given. */
static inline REAL load(const void *p) {
    REAL x;
    memcpy(&x, p, sizeof x);
    return x;
}

#define LOAD(p)      load(p)
#define STORE(p, v)  (*(p) = (v))
#define STREAM(p, v) (*(p) = (v))
#define FENCE()      ((void)0)

#define STORE_U8(p, a, b, stream)                                                                  \
    ((p)[0] = (unsigned char)(a), (p)[1] = (unsigned char)(b), (void)(stream))
#define STREAM_U8_BYTES 1

#define TABLE ffwd_rowblock_portable_f64
#include "cpu/rowblock_body.h"
