// SPDX-License-Identifier: MIT
// Threads that share out work: the one place that knows pthreadpool.
#ifndef FFWD_BASE_THREADS_H
#define FFWD_BASE_THREADS_H

#include <stdbool.h>

#include "base/error.h"

typedef struct ffwd_threads ffwd_threads;

/** `count` threads, the caller's among them: with 1 no thread is ever created. Where the system
 * does not give so many, FFWD_ENOMEM, or, with `fewer`, those that it gives when they are first
 * needed: a short run never pays for them. */
ffwd_status ffwd_threads_create(uint32_t count, bool fewer, ffwd_threads **out, ffwd_error *err);
/** The threads will be needed: the next job finds them there. */
void ffwd_threads_start(ffwd_threads *threads);
void ffwd_threads_destroy(ffwd_threads *threads);
/** May fall, once, when they are first needed. */
uint32_t ffwd_threads_count(const ffwd_threads *threads);

/**
 * for (slot = 0; slot < slots; slot++) task(context, slot);
 *
 * with the slots spread over the threads, in the contract's floating-point environment. While
 * another caller has the threads, the caller's own runs all slots.
 */
void ffwd_threads_run(ffwd_threads *threads, uint32_t slots,
                      void (*task)(void *context, size_t slot), void *context);

/** Forgets the threads without joining them, for a forked child in which they do not exist. */
void ffwd_threads_abandon(ffwd_threads *threads);

/** min(CPUs in the affinity mask, CPU quota of the cgroup), at least 1. */
uint32_t ffwd_cpu_count(void);

#endif
