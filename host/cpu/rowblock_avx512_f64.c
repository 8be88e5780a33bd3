// SPDX-License-Identifier: MIT
// The row-block code in AVX-512, float64. A tile's 24 sums and 3 vectors of inputs in 32 registers;
// weights are broadcast from memory.
#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
/* x86's maximum and minimum are just that, unlike fmax() and fmin(). */
#define GREATER(a, b) ((REAL)_mm512_max_pd((a), (b)))
#define LESSER(a, b)  ((REAL)_mm512_min_pd((a), (b)))
#define AS_BITS(x)    ((BITS)(x))
#define AS_REAL(x)    ((REAL)(x))

#define LOAD(p)      ((REAL)_mm512_loadu_pd(p))
#define STORE(p, v)  _mm512_storeu_pd((p), (v))
#define STREAM(p, v) _mm512_stream_pd((p), (v))
#define LOAD_HALVES(p, q)                                                                          \
    ((REAL)_mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_loadu_pd(p)), _mm256_loadu_pd(q), 1))
#define FENCE()    _mm_sfence()
#define LOW(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define EVEN(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODD(a, b)  __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)

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

/** The higher halves of two vectors, 128 bits of each in turn. */
static inline __m512i higher_halves(REAL a, REAL b) {
    return (__m512i)_mm512_shuffle_ps((__m512)a, (__m512)b, 0xdd);
}

/** 64 bytes: 1 where z is at or above the threshold, else 0. The sign of a difference is exact, and
 * that of its higher half stays through any saturation. */
static inline __m512i above_bytes(const REAL *z, double threshold) {
    __m512i words[2];
    for (int i = 0; i < 2; i++) {
        const REAL *d = z + (ptrdiff_t)4 * i;
        words[i] = _mm512_packs_epi32(higher_halves(d[0] - K(threshold), d[1] - K(threshold)),
                                      higher_halves(d[2] - K(threshold), d[3] - K(threshold)));
    }
    return _mm512_andnot_si512(_mm512_srli_epi16(_mm512_packs_epi16(words[0], words[1]), 7),
                               _mm512_set1_epi8(1));
}

/** z > threshold is z >= the next value above it. */
static inline double sign_threshold(double threshold) {
    return nextafter(threshold, INFINITY);
}

static inline void stream_scalar(double *to, const double *from) {
    long long bits;
    memcpy(&bits, from, sizeof bits);
    _mm_stream_si64((long long *)(void *)to, bits);
}

/** Indices of rows from the order of bytes of above_bytes(), interleaved, to that of rows. */
static inline __m512i order_signs(__m512i index) {
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), index);
}

#define ABOVE_SIGNS
#define TABLE ffwd_rowblock_avx512_f64
#include "cpu/rowblock_body.h"
