// SPDX-License-Identifier: MIT
// The row-block code in AVX2 with FMA, float32. A tile's 12 sums, 3 vectors of inputs and a weight
// fill the 16 registers.
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

typedef float REAL __attribute__((vector_size(32)));
typedef uint32_t BITS __attribute__((vector_size(32)));
#define SCALAR       float
#define LANES        8
#define VECTORS      3
#define TILE_NEURONS 4
#define FFWD_DTYPE   FFWD_F32

#define K(c)                ((REAL)_mm256_set1_ps(c))
#define FMA(a, b, c)        ((REAL)_mm256_fmadd_ps((a), (b), (c)))
#define GT(a, b)            _mm256_cmp_ps((a), (b), _CMP_GT_OQ)
#define WHEN_GT(a, b, x, y) ((REAL)_mm256_blendv_ps((y), (x), GT(a, b)))
#define ONE_WHEN_GT(a, b)   ((REAL)_mm256_and_ps(GT(a, b), K(1)))
/* x86's maximum and minimum are just that, unlike fmax() and fmin(). */
#define GREATER(a, b) ((REAL)_mm256_max_ps((a), (b)))
#define LESSER(a, b)  ((REAL)_mm256_min_ps((a), (b)))
#define AS_BITS(x)    ((BITS)(x))
#define AS_REAL(x)    ((REAL)(x))

#define LOAD(p)      ((REAL)_mm256_loadu_ps(p))
#define STORE(p, v)  _mm256_storeu_ps((p), (v))
#define STREAM(p, v) _mm256_stream_ps((p), (v))
#define LOAD_HALVES(p, q)                                                                          \
    ((REAL)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(q), 1))
#define FENCE() _mm_sfence()
#define LOW(a, b)                                                                                  \
    ((REAL)_mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20))
#define HIGH(a, b)                                                                                 \
    ((REAL)_mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31))
/* Within each half of 128 bits first, then the pairs into order. */
#define EVEN(a, b) ((REAL)_mm256_permute4x64_pd((__m256d)_mm256_shuffle_ps(a, b, 0x88), 0xd8))
#define ODD(a, b)  ((REAL)_mm256_permute4x64_pd((__m256d)_mm256_shuffle_ps(a, b, 0xdd), 0xd8))

static inline void store_u8(unsigned char *to, REAL a, REAL b, bool stream) {
    const __m256i halves = _mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b));
    const __m256i words = _mm256_permute4x64_epi64(halves, 0xd8);
    const __m128i both =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    if (stream) {
        _mm_stream_si128((__m128i *)(void *)to, both);
    } else {
        _mm_storeu_si128((__m128i *)(void *)to, both);
    }
}

#define STORE_U8        store_u8
#define STREAM_U8_BYTES 16

#define TABLE ffwd_rowblock_avx2_f32
#include "cpu/rowblock_body.h"
