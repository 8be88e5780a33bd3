// SPDX-License-Identifier: MIT
// What predictions reckon with on the CPU path: multiply-adds in registers, passes over memory, and
// waking threads, measured once a machine and kept.
#include <stdio.h>

#include "base/memory.h"
#include "base/process.h"
#include "base/store.h"
#include "cpu/cpu_device.h"

/** X and Y together, of which Y is half: for each thread in its core's own cache, in one that cores
 *  share, and behind both. Y goes past the caches where a run's would. */
#define OWN_BYTES    (UINT64_C(512) << 10)
#define SHARED_BYTES (UINT64_C(8) << 20)
#define FAR_BYTES    (UINT64_C(64) << 20)

/** A machine may be busy: the best of many looks counts. */
enum { LOOKS = 16, WAKES = 64 };
/** Passes over as many bytes, all together. */
#define PASSES_NS 10000000

/** After so long threads that had nothing to do sleep, as they do from one run to the next. */
#define SLEEP_NS 50000

/** Of multiply-adds, each thread: long enough that reading the clock does not count. */
#define BURST_NS 200000

/** What is worse than this, for a thread, was waiting, and is not kept for later processes. */
#define LEAST_FLOPS  2
#define LEAST_MEMORY 0.5
#define MOST_WAKE_NS 50000

/** What of the multiply-adds in registers a plan reaches: docs/predictions.md has 0.8 to 1. */
#define PLAN_SHARE 0.85

/** Begin and end of a run of one block, nothing waiting; see cpu_run.c for a thread's work. */
#define LAUNCH_NS    300
#define THREAD_FLOPS 65536

/** Assumed of a thread where nothing can be measured. */
#define ASSUMED_FLOPS   20
#define ASSUMED_MEMORY  5
#define ASSUMED_WAKE_NS 8000

/** What is kept. */
typedef struct kept_rates {
    double flops, memory[FFWD_MEMORY_LEVELS], wake_ns;
} kept_rates;

/** The least nanoseconds of passes over so many bytes; by one thread alone where they are its own.
 */
static double least_pass(const ffwd_cpu_device *cpu, const ffwd_rowblock *code,
                         const unsigned char *x, unsigned char *y, uint64_t bytes, bool alone) {
    const uint64_t begin = ffwd_now_ns();
    uint64_t least = UINT64_MAX, end = begin;
    while (end - begin < PASSES_NS) {
        const uint64_t start = end;
        if (alone) {
            code->stream(x, bytes / 2, y, bytes / 2, false);
        } else {
            (void)ffwd_cpu_time_pass(cpu->threads, code, x, y, bytes / 2);
        }
        end = ffwd_now_ns();
        least = ffwd_min(least, end - start);
    }
    return (double)ffwd_max(least, 1);
}

/** Bytes a nanosecond. In a core's own cache one thread tells what each of them has: waking them
 *  would take longer than the pass. */
static void measure_memory(const ffwd_cpu_device *cpu, const ffwd_rowblock *code,
                           const unsigned char *x, unsigned char *y, double *rates) {
    const double threads = ffwd_threads_count(cpu->threads);
    rates[0] = (double)OWN_BYTES * threads / least_pass(cpu, code, x, y, OWN_BYTES, true);
    rates[1] = (double)SHARED_BYTES / least_pass(cpu, code, x, y, SHARED_BYTES, false);
    rates[2] = (double)FAR_BYTES / least_pass(cpu, code, x, y, FAR_BYTES, false);
}

static void do_nothing(void *context, size_t slot) {
    (void)context;
    (void)slot;
}

/** Until all threads, which have gone to sleep, are at work and seen to be done. */
static double measure_wake(const ffwd_cpu_device *cpu) {
    const uint32_t threads = ffwd_threads_count(cpu->threads);
    uint64_t ns[WAKES];
    for (int i = 0; i < WAKES; i++) {
        ffwd_pass_ns(SLEEP_NS);
        const uint64_t start = ffwd_now_ns();
        ffwd_threads_run(cpu->threads, threads, do_nothing, NULL);
        ns[i] = ffwd_now_ns() - start;
    }
    return (double)ffwd_quartile_ns(ns, WAKES);
}

/** Multiply-adds of all threads at once. */
typedef struct burn {
    const ffwd_rowblock *code;
    uint64_t iterations;
    atomic_ullong rate; /**< in flops a second, of all threads */
} burn;

/** By the time that the thread had a processor: others may want it too. */
static void burn_slot(void *context, size_t slot) {
    (void)slot;
    burn *b = context;
    const uint64_t start = ffwd_thread_ns();
    const uint64_t flops = b->code->multiply_add(b->iterations);
    const uint64_t ns = ffwd_max(ffwd_thread_ns() - start, 1);
    atomic_fetch_add(&b->rate, (uint64_t)((double)flops / (double)ns * 1e9));
}

static double measure_flops(const ffwd_cpu_device *cpu, const ffwd_rowblock *code) {
    burn b = {.code = code, .iterations = 1024};
    uint64_t start = ffwd_thread_ns(), best = 0;
    while (code->multiply_add(b.iterations), ffwd_thread_ns() - start < BURST_NS) {
        b.iterations *= 2;
        start = ffwd_thread_ns();
    }
    for (int i = 0; i < LOOKS; i++) {
        atomic_init(&b.rate, 0);
        ffwd_threads_run(cpu->threads, ffwd_threads_count(cpu->threads), burn_slot, &b);
        best = ffwd_max(best, atomic_load(&b.rate));
    }
    return (double)best / 1e9;
}

/** False without memory. */
static bool measure(const ffwd_cpu_device *cpu, uint32_t dtype, kept_rates *kept) {
    const ffwd_rowblock *code = ffwd_isa_rowblock(cpu->isa, dtype);
    unsigned char *x = ffwd_alloc_zero(FAR_BYTES / 2), *y = ffwd_alloc_zero(FAR_BYTES / 2);
    const bool able = x != NULL && y != NULL;
    if (able) {
        measure_memory(cpu, code, x, y, kept->memory);
        kept->wake_ns = measure_wake(cpu);
        kept->flops = measure_flops(cpu, code);
    }
    ffwd_free(x);
    ffwd_free(y);
    return able;
}

/** Whether all of it lies between what so many threads do at least and what none does. */
static bool plausible(const kept_rates *kept, double threads) {
    bool good = kept->flops > 0 && kept->flops >= LEAST_FLOPS * threads && kept->flops < 1e9;
    for (size_t i = 0; i < FFWD_MEMORY_LEVELS; i++) {
        const double rate = kept->memory[i];
        good = good && rate > 0 && rate >= LEAST_MEMORY * threads && rate < 1e9;
    }
    return good && kept->wake_ns >= 0 && (threads == 0 || kept->wake_ns <= MOST_WAKE_NS);
}

/** What an earlier process measured, or what this one does. */
static bool find(const ffwd_cpu_device *cpu, uint32_t dtype, kept_rates *kept) {
    const double threads = ffwd_threads_count(cpu->threads);
    char key[512];
    (void)snprintf(key, sizeof key, "rates 4 of ffwd %s\n%s, %s, %u threads\n%s", FFWD_VERSION,
                   cpu->name, cpu->isa->name, (unsigned)ffwd_threads_count(cpu->threads),
                   ffwd_dtype_name(dtype));
    ffwd_store store;
    kept_rates own = {0};
    ffwd_store_init(&store, cpu->cache);
    bool known = ffwd_store_take(&store, key, &own, sizeof own) && plausible(&own, threads);
    if (!known && measure(cpu, dtype, &own)) {
        known = plausible(&own, 0);
        if (plausible(&own, threads)) {
            ffwd_store_keep(&store, key, &own, sizeof own);
        }
    }
    if (known) {
        *kept = own;
    }
    ffwd_store_finish(&store);
    return known;
}

void ffwd_cpu_rates(ffwd_device *device, uint32_t dtype, ffwd_rates *rates) {
    const ffwd_cpu_device *cpu = (const ffwd_cpu_device *)device;
    const double threads = ffwd_threads_count(cpu->threads);
    kept_rates kept = {.flops = ASSUMED_FLOPS * threads, .wake_ns = ASSUMED_WAKE_NS};
    for (size_t i = 0; i < FFWD_MEMORY_LEVELS; i++) {
        kept.memory[i] = ASSUMED_MEMORY * threads;
    }
    const bool measured = find(cpu, dtype, &kept);
    *rates = (ffwd_rates){.flops = kept.flops * PLAN_SHARE,
                          .launch_ns = LAUNCH_NS,
                          .wake_ns = kept.wake_ns,
                          .threads = threads,
                          .thread_flops = THREAD_FLOPS,
                          .unit_rows = ffwd_isa_rowblock(cpu->isa, dtype)->group_rows,
                          .measured = measured};
    const double bytes[] = {threads * OWN_BYTES, SHARED_BYTES, FAR_BYTES};
    for (size_t i = 0; i < FFWD_MEMORY_LEVELS; i++) {
        rates->memory[i] = (ffwd_memory_level){bytes[i], kept.memory[i]};
    }
}
