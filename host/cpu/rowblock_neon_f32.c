// SPDX-License-Identifier: MIT
// The row-block code in NEON, float32. A tile's 24 sums, 3 vectors of inputs and weights of its
// neurons fill the 32 registers.
#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef float32x4_t REAL;
typedef uint32x4_t BITS;
#define SCALAR       float
#define LANES        4
#define VECTORS      3
#define TILE_NEURONS 8
#define CHAINS       24 // up to four ports
#define FFWD_DTYPE   FFWD_F32

#define K(c)                vdupq_n_f32(c)
#define FMA(a, b, c)        vfmaq_f32((c), (a), (b))
#define WHEN_GT(a, b, x, y) vbslq_f32(vcgtq_f32((a), (b)), (x), (y))
#define AS_BITS(x)          vreinterpretq_u32_f32(x)
#define AS_REAL(x)          vreinterpretq_f32_u32(x)

/* Through memcpy, since the stream pass reads whatever bytes it is given. */
static inline REAL load(const void *p) {
    REAL x;
    memcpy(&x, p, sizeof x);
    return x;
}

#define LOAD(p)     load(p)
#define STORE(p, v) vst1q_f32((p), (v))
/* Cores see for themselves that they are written a stream; GCC has no name for STNP. */
#define STREAM(p, v)      STORE(p, v)
#define LOAD_HALVES(p, q) vcombine_f32(vld1_f32(p), vld1_f32(q))
#define FENCE()           ((void)0)
#define LOW(a, b)         vzip1q_f32((a), (b))
#define HIGH(a, b)        vzip2q_f32((a), (b))
#define EVEN(a, b)        vuzp1q_f32((a), (b))
#define ODD(a, b)         vuzp2q_f32((a), (b))

static inline void store_u8(unsigned char *to, REAL a, REAL b) {
    const uint16x4_t low = vmovn_u32(vcvtq_u32_f32(a)), high = vmovn_u32(vcvtq_u32_f32(b));
    vst1_u8(to, vmovn_u16(vcombine_u16(low, high)));
}

#define STORE_U8(p, a, b, stream) (store_u8((p), (a), (b)), (void)(stream))
#define STREAM_U8_BYTES           8

#define TABLE ffwd_rowblock_neon_f32
#include "cpu/rowblock_body.h"
