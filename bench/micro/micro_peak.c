// SPDX-License-Identifier: MIT
#include "micro_peak.h"

#include <string.h>

#ifdef __AVX__
#include <immintrin.h>
#endif

/** The longest vectors of the machine that this is compiled for. */
#define BYTES __BIGGEST_ALIGNMENT__
typedef float vector_f32 __attribute__((vector_size(BYTES)));
typedef double vector_f64 __attribute__((vector_size(BYTES)));
typedef uint64_t vector_u64 __attribute__((vector_size(BYTES)));

/** A turn reads and writes this much of the larger side. */
#define PIECE 1024

static uint64_t read_piece(const vector_u64 *x, uint64_t count) {
    vector_u64 a = {0}, b = {0};
    uint64_t i = 0;
    for (; i + 2 <= count; i += 2) {
        a |= x[i];
        b |= x[i + 1];
    }
    for (; i < count; i++) {
        a |= x[i];
    }
    a |= b;
    return a[0] | a[1];
}

static void write_piece(vector_u64 *y, uint64_t count, uint64_t value, bool past_caches) {
    const vector_u64 all = (vector_u64){0} + value;
    if (!past_caches) {
        for (uint64_t i = 0; i < count; i++) {
            y[i] = all;
        }
        return;
    }
#if defined __AVX512F__
    for (uint64_t i = 0; i < count; i++) {
        _mm512_stream_si512((__m512i *)(y + i), (__m512i)all);
    }
#elif defined __AVX__
    for (uint64_t i = 0; i < count; i++) {
        _mm256_stream_si256((__m256i *)(y + i), (__m256i)all);
    }
#else
    memset(y, (int)(value & 1), count * BYTES);
#endif
}

/** One thread's part: x and y in as many pieces. */
static void stream_part(const vector_u64 *x, uint64_t x_count, vector_u64 *y, uint64_t y_count,
                        bool past_caches) {
    const uint64_t more = x_count > y_count ? x_count : y_count;
    const uint64_t pieces = more * BYTES / PIECE + 1;
    uint64_t read = 0, written = 0;
    for (uint64_t i = 1; i <= pieces; i++) {
        const uint64_t x_end = x_count * i / pieces, y_end = y_count * i / pieces;
        const uint64_t value = read_piece(x + read, x_end - read);
        write_piece(y + written, y_end - written, value, past_caches);
        /* The reads must not be dropped where nothing was written. */
        __asm__ volatile("" : : "r"(value) : "memory");
        read = x_end;
        written = y_end;
    }
}

void micro_stream(const void *x, uint64_t x_bytes, void *y, uint64_t y_bytes, bool past_caches,
                  int threads) {
    const uint64_t x_count = x_bytes / BYTES, y_count = y_bytes / BYTES;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int part = 0; part < threads; part++) {
        const uint64_t t = (uint64_t)part, n = (uint64_t)threads;
        const uint64_t x_start = x_count * t / n, y_start = y_count * t / n;
        stream_part((const vector_u64 *)x + x_start, x_count * (t + 1) / n - x_start,
                    (vector_u64 *)y + y_start, y_count * (t + 1) / n - y_start, past_caches);
#ifdef __AVX__
        _mm_sfence();
#endif
    }
}

/** As many chains as 16 registers hold beside two factors. */
#define CHAINS      14
#define LANES(type) (sizeof(type) / sizeof(((type){0})[0]))

/* The sums of a thread, in registers; contracted to multiply-adds by the compiler. */
#define DEFINE_FMA(name, type)                                                                     \
    double name(uint64_t iterations, int threads) {                                                \
        _Pragma("omp parallel num_threads(threads)") {                                             \
            type sum[CHAINS], w = (type){0} + 0.75F, b = (type){0} + 0.125F;                       \
            __asm__ volatile("" : "+x"(w), "+x"(b));                                               \
            for (int i = 0; i < CHAINS; i++) {                                                     \
                sum[i] = b;                                                                        \
            }                                                                                      \
            for (uint64_t n = 0; n < iterations; n++) {                                            \
                for (int i = 0; i < CHAINS; i++) {                                                 \
                    sum[i] = sum[i] * w + b;                                                       \
                }                                                                                  \
            }                                                                                      \
            __asm__ volatile("" : : "m"(sum));                                                     \
        }                                                                                          \
        return 2.0 * CHAINS * LANES(type) * (double)iterations * threads;                          \
    }

DEFINE_FMA(micro_fma_f32, vector_f32)
DEFINE_FMA(micro_fma_f64, vector_f64)
