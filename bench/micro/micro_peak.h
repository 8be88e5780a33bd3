// SPDX-License-Identifier: MIT
// The limit a second time, by other code than ffwd's: compiled for this machine by the compiler,
// threads by OpenMP.
#ifndef FFWD_BENCH_MICRO_PEAK_H
#define FFWD_BENCH_MICRO_PEAK_H

#include <stdbool.h>
#include <stdint.h>

/** Reads x and writes y once, in `threads` parts, with stores past the caches or plain ones. Both
 *  start with a cache line. */
void micro_stream(const void *x, uint64_t x_bytes, void *y, uint64_t y_bytes, bool past_caches,
                  int threads);

/** Multiply-adds in registers on each of `threads`; returns the flops of all. */
double micro_fma_f32(uint64_t iterations, int threads);
double micro_fma_f64(uint64_t iterations, int threads);

#endif
