// SPDX-License-Identifier: MIT
// pthreadpool behind three functions: busy pools do not block, tasks compute in the contract's
// floating-point environment, and ThreadSanitizer is told what the library does not tell it.
#include "base/threads.h"

#include <pthread.h>
#include <pthreadpool.h>
#include <stdatomic.h>

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
    atomic_uint count;    /**< those that there are, or are wanted until `started` */
    pthread_mutex_t busy; /**< held by the caller that has the pool, and around what follows */
    bool started;
    pthreadpool_t pool;  /**< NULL with one thread */
    pthread_t probing[]; /**< [count - 1], those of count_creatable() */
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

/** How many more threads than the caller's can be had at once, of those wanted: pthreadpool waits
 * for ever for one that its pthread_create() did not give it, as under a limit on processes or
 * memory.
 */
static uint32_t count_creatable(ffwd_threads *threads) {
    const uint32_t wanted = ffwd_threads_count(threads) - 1;
    pthread_mutex_t together = PTHREAD_MUTEX_INITIALIZER;
    uint32_t created = 0;
    (void)pthread_mutex_lock(&together);
    while (created < wanted &&
           pthread_create(&threads->probing[created], NULL, wait_turn, &together) == 0) {
        ++created;
    }
    (void)pthread_mutex_unlock(&together);
    for (uint32_t i = 0; i < created; i++) {
        (void)pthread_join(threads->probing[i], NULL);
    }
    return created;
}

/** Creates the pool, of fewer threads than wanted where that will do; false where it is not to be
 *  had. */
static bool start(ffwd_threads *threads, bool fewer) {
    const uint32_t wanted = ffwd_threads_count(threads);
    sigset_t before;
    ffwd_signals_block(&before);
    const uint32_t created = count_creatable(threads);
    if (created > 0 && (fewer || created == wanted - 1)) {
        threads->pool = pthreadpool_create(1 + created);
    }
    ffwd_signals_restore(&before);
    atomic_store(&threads->count, (uint32_t)pthreadpool_get_threads_count(threads->pool));
    threads->started = true;
    return threads->pool != NULL;
}

ffwd_status ffwd_threads_create(uint32_t count, bool fewer, ffwd_threads **out, ffwd_error *err) {
    const uint64_t bytes = sizeof(ffwd_threads) + (count - 1) * sizeof(pthread_t);
    ffwd_threads *threads = ffwd_alloc_zero(bytes);
    if (threads == NULL) {
        return ffwd_fail_memory(err, bytes, "threads");
    }
    atomic_init(&threads->count, count);
    (void)pthread_mutex_init(&threads->busy, NULL);
    threads->started = count == 1;
    if (!threads->started && !fewer && !start(threads, fewer)) {
        ffwd_threads_destroy(threads);
        return ffwd_fail(err, FFWD_ENOMEM, "%u threads cannot be created", count);
    }
    *out = threads;
    return FFWD_OK;
}

/** Takes the pool, started; false where another caller has it, or where there is none. */
static bool take_pool(ffwd_threads *threads) {
    if (pthread_mutex_trylock(&threads->busy) != 0) {
        return false;
    }
    if (threads->pool != NULL || (!threads->started && start(threads, true))) {
        return true;
    }
    (void)pthread_mutex_unlock(&threads->busy);
    return false;
}

void ffwd_threads_start(ffwd_threads *threads) {
    if (take_pool(threads)) {
        (void)pthread_mutex_unlock(&threads->busy);
    }
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
    return atomic_load(&threads->count);
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
    if (slots > 1 && ffwd_threads_count(threads) > 1 && take_pool(threads)) {
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
