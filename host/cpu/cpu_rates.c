// SPDX-License-Identifier: MIT
// What predictions reckon with on the CPU path: multiply-adds in registers, passes over memory, and
// waking threads, measured once a machine and kept.
#include <stdio.h>
#include <stdlib.h>

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
enum { PASSES = 8, LOOKS = 8, WAKES = 64 };

/** What is worse than this, for a thread, was waiting, and is not kept for later processes. */
#define LEAST_FLOPS  2
#define LEAST_MEMORY 0.5
#define MOST_WAKE_NS 50000

/** What of the multiply-adds in registers a plan reaches: 0.6 to 0.9, see bench/README.md. */
#define PLAN_SHARE 0.75

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

/** By one thread, as any other has it: waking them would take longer than the pass. */
static double measure_own(const ffwd_cpu_device *cpu, const ffwd_rowblock *code,
                          const unsigned char *x, unsigned char *y) {
    uint64_t ns = UINT64_MAX;
    for (int i = 0; i < PASSES; i++) {
        const uint64_t start = ffwd_now_ns();
        code->stream(x, OWN_BYTES / 2, y, OWN_BYTES / 2, false);
        ns = ffwd_min(ns, ffwd_now_ns() - start);
    }
    return (double)OWN_BYTES * ffwd_threads_count(cpu->threads) / (double)ffwd_max(ns, 1);
}

static double measure_pass(const ffwd_cpu_device *cpu, const ffwd_rowblock *code,
                           const unsigned char *x, unsigned char *y, uint64_t bytes) {
    uint64_t ns = UINT64_MAX;
    for (int i = 0; i < PASSES; i++) {
        ns = ffwd_min(ns, ffwd_cpu_time_pass(cpu->threads, code, x, y, bytes / 2));
    }
    return (double)bytes / (double)ffwd_max(ns, 1);
}

static void do_nothing(void *context, size_t slot) {
    (void)context;
    (void)slot;
}

static int compare(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/** Until all threads are at work and seen to be done: the median of runs one after the other. */
static double measure_wake(const ffwd_cpu_device *cpu) {
    const uint32_t threads = ffwd_threads_count(cpu->threads);
    uint64_t ns[WAKES];
    for (int i = 0; i < WAKES; i++) {
        const uint64_t start = ffwd_now_ns();
        ffwd_threads_run(cpu->threads, threads, do_nothing, NULL);
        ns[i] = ffwd_now_ns() - start;
    }
    qsort(ns, WAKES, sizeof ns[0], compare);
    return (double)ns[WAKES / 2];
}

/** False without memory. */
static bool measure(const ffwd_cpu_device *cpu, uint32_t dtype, kept_rates *kept) {
    const ffwd_rowblock *code = ffwd_isa_rowblock(cpu->isa, dtype);
    unsigned char *x = ffwd_alloc_zero(FAR_BYTES / 2), *y = ffwd_alloc_zero(FAR_BYTES / 2);
    const bool able = x != NULL && y != NULL;
    if (able) {
        kept->memory[0] = measure_own(cpu, code, x, y);
        kept->memory[1] = measure_pass(cpu, code, x, y, SHARED_BYTES);
        kept->memory[2] = measure_pass(cpu, code, x, y, FAR_BYTES);
        kept->wake_ns = measure_wake(cpu);
        kept->flops = 0;
        for (int i = 0; i < LOOKS; i++) {
            const double rate = ffwd_cpu_multiply_add_rate(cpu->threads, code);
            kept->flops = rate > kept->flops ? rate : kept->flops;
        }
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
    (void)snprintf(key, sizeof key, "rates 2 of ffwd %s\n%s, %s, %u threads\n%s", FFWD_VERSION,
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
