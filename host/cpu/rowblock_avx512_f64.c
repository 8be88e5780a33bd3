// SPDX-License-Identifier: MIT
// The row-block code in AVX-512, float64. A tile's 24 sums and 3 vectors of inputs in 32 registers;
// weights are broadcast from memory.
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

typedef double REAL __attribute__((vector_size(64)));
typedef uint64_t BITS __attribute__((vector_size(64)));
#define SCALAR       double
#define LANES        8
#define VECTORS      3
#define TILE_NEURONS 8
#define FFWD_DTYPE   FFWD_F64
#define REAL_IS_F64

#define K(c)         ((REAL)_mm512_set1_pd(c))
#define FMA(a, b, c) ((REAL)_mm512_fmadd_pd((a), (b), (c)))
#define WHEN_GT(a, b, x, y)                                                                        \
    ((REAL)_mm512_mask_blend_pd(_mm512_cmp_pd_mask((a), (b), _CMP_GT_OQ), (y), (x)))
/* x86's maximum is just that, unlike fmax(). */
#define GREATER(a, b) ((REAL)_mm512_max_pd((a), (b)))
#define AS_BITS(x)    ((BITS)(x))
#define AS_REAL(x)    ((REAL)(x))

#define LOAD(p)      ((REAL)_mm512_loadu_pd(p))
#define STORE(p, v)  _mm512_storeu_pd((p), (v))
#define STREAM(p, v) _mm512_stream_pd((p), (v))
#define FENCE()      _mm_sfence()
#define LOW(a, b)    __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(a, b)   __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define EVEN(a, b)   __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODD(a, b)    __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)

static inline void store_u8(unsigned char *to, REAL a, REAL b, bool stream) {
    const __m128i low = _mm512_cvtepi64_epi8(_mm512_cvtpd_epi64(a));
    const __m128i high = _mm512_cvtepi64_epi8(_mm512_cvtpd_epi64(b));
    const __m128i both = _mm_unpacklo_epi64(low, high);
    if (stream) {
        _mm_stream_si128((__m128i *)(void *)to, both);
    } else {
        _mm_storeu_si128((__m128i *)(void *)to, both);
    }
}

#define STORE_U8        store_u8
#define STREAM_U8_BYTES 16

#define TABLE ffwd_rowblock_avx512_f64
#include "cpu/rowblock_body.h"
