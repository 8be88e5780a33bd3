// SPDX-License-Identifier: MIT
// The row-block code in AVX-512, float32. A tile's 24 sums and 3 vectors of inputs in 32 registers;
// weights are broadcast from memory.
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef float REAL __attribute__((vector_size(64)));
typedef uint32_t BITS __attribute__((vector_size(64)));
#define SCALAR       float
#define LANES        16
#define VECTORS      3
#define TILE_NEURONS 8
#define FFWD_DTYPE   FFWD_F32

#define K(c)         ((REAL)_mm512_set1_ps(c))
#define FMA(a, b, c) ((REAL)_mm512_fmadd_ps((a), (b), (c)))
#define WHEN_GT(a, b, x, y)                                                                        \
    ((REAL)_mm512_mask_blend_ps(_mm512_cmp_ps_mask((a), (b), _CMP_GT_OQ), (y), (x)))
/* x86's maximum and minimum are just that, unlike fmax() and fmin(). */
#define GREATER(a, b) ((REAL)_mm512_max_ps((a), (b)))
#define LESSER(a, b)  ((REAL)_mm512_min_ps((a), (b)))
#define AS_BITS(x)    ((BITS)(x))
#define AS_REAL(x)    ((REAL)(x))

#define LOAD(p)      ((REAL)_mm512_loadu_ps(p))
#define STORE(p, v)  _mm512_storeu_ps((p), (v))
#define STREAM(p, v) _mm512_stream_ps((p), (v))
#define LOAD_HALVES(p, q)                                                                          \
    ((REAL)_mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(p)), _mm256_loadu_ps(q), 1))
#define FENCE() _mm_sfence()
#define LOW(a, b)                                                                                  \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b)                                                                                 \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define EVEN(a, b)                                                                                 \
    __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define ODD(a, b)                                                                                  \
    __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)

static inline void store_u8(unsigned char *to, REAL a, REAL b, bool stream) {
    const __m128i low = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a));
    const __m128i high = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(b));
    if (stream) {
        _mm_stream_si128((__m128i *)(void *)to, low);
        _mm_stream_si128((__m128i *)(void *)(to + 16), high);
    } else {
        _mm_storeu_si128((__m128i *)(void *)to, low);
        _mm_storeu_si128((__m128i *)(void *)(to + 16), high);
    }
}

#define STORE_U8        store_u8
#define STREAM_U8_BYTES 16

/** 64 bytes: 1 where z is above the threshold, else 0. As integers, floats keep their sign and
 * whether they are 0 through any saturation. */
static inline __m512i above_bytes(const REAL *z, float threshold) {
    __m512i d[4];
    for (int v = 0; v < 4; v++) {
        d[v] = (__m512i)(threshold == 0 ? z[v] : z[v] - K(threshold));
    }
    return _mm512_min_epu8(
        _mm512_packus_epi16(_mm512_packs_epi32(d[0], d[1]), _mm512_packs_epi32(d[2], d[3])),
        _mm512_set1_epi8(1));
}

static inline float sign_threshold(float threshold) {
    return threshold;
}

static inline void stream_scalar(float *to, const float *from) {
    int bits;
    memcpy(&bits, from, sizeof bits);
    _mm_stream_si32((int *)(void *)to, bits);
}

/** Indices of rows from the order of bytes of above_bytes(), interleaved, to that of rows. */
static inline __m512i order_signs(__m512i index) {
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), index);
}

#define ABOVE_SIGNS
#define TABLE ffwd_rowblock_avx512_f32
#include "cpu/rowblock_body.h"
