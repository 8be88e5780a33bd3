// SPDX-License-Identifier: MIT
// pthreadpool behind three functions: busy pools do not block, tasks compute in the contract's
// floating-point environment, and ThreadSanitizer is told what the library does not tell it.
#include "base/threads.h"

#include <pthread.h>
#include <pthreadpool.h>

#include "base/memory.h"
#include "base/process.h"

/* GCC defines the first, Clang knows the second. */
#if !defined(__SANITIZE_THREAD__) && defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
/* Debian's pthreadpool is not instrumented: its hand-over and its barrier are invisible. */
#define HAND_OVER(address) __tsan_release(address)
#define TAKE_OVER(address) __tsan_acquire(address)
#else
#define HAND_OVER(address) ((void)(address))
#define TAKE_OVER(address) ((void)(address))
#endif

struct ffwd_threads {
    uint32_t count;
    pthreadpool_t pool;   /**< NULL with one thread */
    pthread_mutex_t busy; /**< held by the caller that has the pool */
};

/** Two addresses for ThreadSanitizer: with one, each slot would seem to wait for those that have
 *  ended before it began, and a race between them would go unseen. */
typedef struct job {
    void (*task)(void *context, size_t slot);
    void *context;
    char begins, ends;
} job;

static void *wait_turn(void *mutex) {
    (void)pthread_mutex_lock(mutex);
    (void)pthread_mutex_unlock(mutex);
    return NULL;
}

/** How many of `count` more threads can be had at once: pthreadpool waits for ever for one that its
 *  pthread_create() did not give it, as under a limit on processes or memory. */
static ffwd_status count_creatable(uint32_t count, uint32_t *created, ffwd_error *err) {
    pthread_mutex_t together = PTHREAD_MUTEX_INITIALIZER;
    const uint64_t bytes = count * sizeof(pthread_t);
    pthread_t *threads = ffwd_alloc(bytes);
    if (threads == NULL) {
        return ffwd_fail_memory(err, bytes, "threads");
    }
    *created = 0;
    (void)pthread_mutex_lock(&together);
    while (*created < count &&
           pthread_create(&threads[*created], NULL, wait_turn, &together) == 0) {
        ++*created;
    }
    (void)pthread_mutex_unlock(&together);
    for (uint32_t i = 0; i < *created; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    ffwd_free(threads);
    return FFWD_OK;
}

/** Makes the pool of threads->count threads, or of fewer where that will do. */
static ffwd_status create_pool(ffwd_threads *threads, bool fewer, ffwd_error *err) {
    const uint32_t wanted = threads->count;
    uint32_t created;
    ffwd_status status = count_creatable(wanted - 1, &created, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (fewer || created == wanted - 1) {
        threads->count = 1 + created;
        threads->pool = created > 0 ? pthreadpool_create(threads->count) : NULL;
    }
    return threads->pool != NULL || threads->count == 1
               ? FFWD_OK
               : ffwd_fail(err, FFWD_ENOMEM, "%u threads cannot be created", wanted);
}

ffwd_status ffwd_threads_create(uint32_t count, bool fewer, ffwd_threads **out, ffwd_error *err) {
    ffwd_threads *threads = ffwd_alloc_zero(sizeof *threads);
    if (threads == NULL) {
        return ffwd_fail_memory(err, sizeof *threads, "threads");
    }
    ffwd_status status = FFWD_OK;
    threads->count = count;
    if (count > 1) {
        sigset_t before;
        ffwd_signals_block(&before);
        status = create_pool(threads, fewer, err);
        ffwd_signals_restore(&before);
    }
    if (status != FFWD_OK) {
        ffwd_free(threads);
        return status;
    }
    (void)pthread_mutex_init(&threads->busy, NULL);
    *out = threads;
    return FFWD_OK;
}

void ffwd_threads_destroy(ffwd_threads *threads) {
    pthreadpool_destroy(threads->pool);
    (void)pthread_mutex_destroy(&threads->busy);
    ffwd_free(threads);
}

void ffwd_threads_abandon(ffwd_threads *threads) {
    ffwd_free(threads);
}

uint32_t ffwd_threads_count(const ffwd_threads *threads) {
    return threads->count;
}

static void run_slot(void *context, size_t slot) {
    job *j = context;
    TAKE_OVER(&j->begins);
    ffwd_fpenv env;
    ffwd_fpenv_enter(&env);
    j->task(j->context, slot);
    ffwd_fpenv_leave(&env);
    HAND_OVER(&j->ends);
}

void ffwd_threads_run(ffwd_threads *threads, uint32_t slots,
                      void (*task)(void *context, size_t slot), void *context) {
    job j = {.task = task, .context = context};
    if (slots > 1 && threads->pool != NULL && pthread_mutex_trylock(&threads->busy) == 0) {
        HAND_OVER(&j.begins);
        pthreadpool_parallelize_1d(threads->pool, run_slot, &j, slots,
                                   PTHREADPOOL_FLAG_YIELD_WORKERS);
        TAKE_OVER(&j.ends);
        (void)pthread_mutex_unlock(&threads->busy);
        return;
    }
    for (size_t slot = 0; slot < slots; slot++) {
        run_slot(&j, slot);
    }
}
