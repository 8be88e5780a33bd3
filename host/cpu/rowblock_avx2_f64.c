// SPDX-License-Identifier: MIT
// The row-block code in AVX2 with FMA, float64. A tile's 12 sums, 3 vectors of inputs and a weight
// fill the 16 registers.
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

typedef double REAL __attribute__((vector_size(32)));
typedef uint64_t BITS __attribute__((vector_size(32)));
#define SCALAR       double
#define LANES        4
#define VECTORS      3
#define TILE_NEURONS 4
#define FFWD_DTYPE   FFWD_F64
#define REAL_IS_F64

#define K(c)                ((REAL)_mm256_set1_pd(c))
#define FMA(a, b, c)        ((REAL)_mm256_fmadd_pd((a), (b), (c)))
#define GT(a, b)            _mm256_cmp_pd((a), (b), _CMP_GT_OQ)
#define WHEN_GT(a, b, x, y) ((REAL)_mm256_blendv_pd((y), (x), GT(a, b)))
#define ONE_WHEN_GT(a, b)   ((REAL)_mm256_and_pd(GT(a, b), K(1)))
/* x86's maximum and minimum are just that, unlike fmax() and fmin(). */
#define GREATER(a, b) ((REAL)_mm256_max_pd((a), (b)))
#define LESSER(a, b)  ((REAL)_mm256_min_pd((a), (b)))
#define AS_BITS(x)    ((BITS)(x))
#define AS_REAL(x)    ((REAL)(x))

#define LOAD(p)      ((REAL)_mm256_loadu_pd(p))
#define STORE(p, v)  _mm256_storeu_pd((p), (v))
#define STREAM(p, v) _mm256_stream_pd((p), (v))
#define LOAD_HALVES(p, q)                                                                          \
    ((REAL)_mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p)), _mm_loadu_pd(q), 1))
#define FENCE() _mm_sfence()
#define LOW(a, b)                                                                                  \
    ((REAL)_mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x20))
#define HIGH(a, b)                                                                                 \
    ((REAL)_mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x31))
/* Within each half of 128 bits first, then the values into order. */
#define EVEN(a, b) ((REAL)_mm256_permute4x64_pd(_mm256_unpacklo_pd(a, b), 0xd8))
#define ODD(a, b)  ((REAL)_mm256_permute4x64_pd(_mm256_unpackhi_pd(a, b), 0xd8))

static inline void store_u8(unsigned char *to, REAL a, REAL b, bool stream) {
    const __m128i words = _mm_packs_epi32(_mm256_cvtpd_epi32(a), _mm256_cvtpd_epi32(b));
    const __m128i both = _mm_packus_epi16(words, words);
    if (stream) {
        _mm_stream_si64((long long *)(void *)to, _mm_cvtsi128_si64(both));
    } else {
        _mm_storel_epi64((__m128i *)(void *)to, both);
    }
}

#define STORE_U8        store_u8
#define STREAM_U8_BYTES 8

#define TABLE ffwd_rowblock_avx2_f64
#include "cpu/rowblock_body.h"
