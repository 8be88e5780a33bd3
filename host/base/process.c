// SPDX-License-Identifier: MIT
// Time, forks and signals, by POSIX.
#include "base/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static atomic_uint fork_generation;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static uint64_t read_clock(clockid_t clock) {
    struct timespec time;
    (void)clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t ffwd_now_ns(void) {
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t ffwd_thread_ns(void) {
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void ffwd_pass_ns(uint64_t ns) {
    const uint64_t end = ffwd_now_ns() + ns;
    while (ffwd_now_ns() < end) {
    }
}

static int compare(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t ffwd_quartile_ns(uint64_t *ns, size_t count) {
    qsort(ns, count, sizeof *ns, compare);
    return ns[count / 4];
}

static void count_fork(void) {
    atomic_fetch_add(&fork_generation, 1);
}

static void watch_forks(void) {
    (void)pthread_atfork(NULL, NULL, count_fork);
}

uint32_t ffwd_fork_generation(void) {
    (void)pthread_once(&fork_once, watch_forks);
    return atomic_load(&fork_generation);
}

void ffwd_signals_block(sigset_t *before) {
    static const int kept[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    sigset_t blocked;
    (void)sigfillset(&blocked);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        (void)sigdelset(&blocked, kept[i]);
    }
    (void)pthread_sigmask(SIG_BLOCK, &blocked, before);
}

void ffwd_signals_restore(const sigset_t *before) {
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}
