// SPDX-License-Identifier: MIT
// What an object must know of its process and thread: time, forks, the floating-point environment.
#ifndef FFWD_BASE_PROCESS_H
#define FFWD_BASE_PROCESS_H

#include <fenv.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/** Monotonic nanoseconds. */
uint64_t ffwd_now_ns(void);
/** Nanoseconds that this thread has had a processor. */
uint64_t ffwd_thread_ns(void);
/** Keeps the thread busy, meanwhile others that have nothing to do go to sleep. */
void ffwd_pass_ns(uint64_t ns);
/** The lower quartile of times, which it sorts: half of a busy machine is somebody else's. */
uint64_t ffwd_quartile_ns(uint64_t *ns, size_t count);

/**
 * Grows by one in every forked child. An object that owns threads or a driver remembers it, since
 * neither survives a fork; cheaper than getpid().
 */
uint32_t ffwd_fork_generation(void);

/**
 * Blocks all signals but those that a thread's own instructions raise, while threads are created
 * that inherit the mask: the application's signals are for its own threads.
 */
void ffwd_signals_block(sigset_t *before);
void ffwd_signals_restore(const sigset_t *before);

/** The caller's floating-point environment while this thread computes in the contract's. */
typedef struct ffwd_fpenv {
    uint32_t sse;
    uint16_t x87, x87_status;
    fenv_t all; /**< where there are no such registers */
} ffwd_fpenv;

/** Round to nearest, subnormals kept, traps masked. */
void ffwd_fpenv_enter(ffwd_fpenv *env);
/** Gives back what enter found, its exception flags too. */
void ffwd_fpenv_leave(const ffwd_fpenv *env);

#endif
