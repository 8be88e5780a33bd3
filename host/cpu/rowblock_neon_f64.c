// SPDX-License-Identifier: MIT
// The row-block code in NEON, float64. A tile's 24 sums, 3 vectors of inputs and weights of its
// neurons fill the 32 registers.
#include <arm_neon.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef float64x2_t REAL;
typedef uint64x2_t BITS;
#define SCALAR       double
#define LANES        2
#define VECTORS      3
#define TILE_NEURONS 8
#define CHAINS       24 // up to four ports
#define FFWD_DTYPE   FFWD_F64
#define REAL_IS_F64

#define K(c)                vdupq_n_f64(c)
#define FMA(a, b, c)        vfmaq_f64((c), (a), (b))
#define WHEN_GT(a, b, x, y) vbslq_f64(vcgtq_f64((a), (b)), (x), (y))
#define AS_BITS(x)          vreinterpretq_u64_f64(x)
#define AS_REAL(x)          vreinterpretq_f64_u64(x)

/* Through memcpy, since the stream pass reads whatever bytes it is given. */
static inline REAL load(const void *p) {
    REAL x;
    memcpy(&x, p, sizeof x);
    return x;
}

#define LOAD(p)     load(p)
#define STORE(p, v) vst1q_f64((p), (v))
/* Cores see for themselves that they are written a stream; GCC has no name for STNP. */
#define STREAM(p, v) STORE(p, v)
#define FENCE()      ((void)0)
#define LOW(a, b)    vzip1q_f64((a), (b))
#define HIGH(a, b)   vzip2q_f64((a), (b))
#define EVEN(a, b)   vuzp1q_f64((a), (b))
#define ODD(a, b)    vuzp2q_f64((a), (b))

static inline void store_u8(unsigned char *to, REAL a, REAL b) {
    const uint32x2_t low = vmovn_u64(vcvtq_u64_f64(a)), high = vmovn_u64(vcvtq_u64_f64(b));
    const uint16x4_t words = vmovn_u32(vcombine_u32(low, high));
    const uint8x8_t both = vmovn_u16(vcombine_u16(words, words));
    memcpy(to, &both, 4);
}

#define STORE_U8(p, a, b, stream) (store_u8((p), (a), (b)), (void)(stream))
#define STREAM_U8_BYTES           4

#define TABLE ffwd_rowblock_neon_f64
#include "cpu/rowblock_body.h"
