// SPDX-License-Identifier: MIT
// What predictions reckon with on the CPU path: multiply-adds in registers and a pass over memory,
// measured once a machine and kept.
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/store.h"
#include "cpu/cpu_device.h"

/** Read and as much written: past the caches that one thread shares with few others. */
#define PASS_BYTES (UINT64_C(16) << 20)
enum { PASSES = 8 };

/** A machine may be busy: the best of many looks at the multiply-adds counts, and what is below
 *  this for a thread was waiting and is not kept for later processes. */
enum { LOOKS = 8 };
#define LEAST_FLOPS  2
#define LEAST_MEMORY 0.5

/** What of the multiply-adds in registers a plan reaches: 0.6 to 0.9, see bench/README.md. */
#define PLAN_SHARE 0.75

/** Begin and end of a run of one block, nothing waiting; see cpu_run.c for a thread's work. */
#define LAUNCH_NS    300
#define THREAD_FLOPS 65536

/** Until other threads are at work, and seen to be done: 2-3-2-1 takes 12 us for 10,000 rows on
 *  two threads, of which some 4 are its work. */
#define WAKE_NS 8000

/** Less than a core's second-level cache. */
#define CACHE_BYTES (256 << 10)

/** Assumed of a thread where nothing can be measured. */
#define ASSUMED_FLOPS  20
#define ASSUMED_MEMORY 5

/** What is kept. */
typedef struct kept_rates {
    double flops, memory;
} kept_rates;

/** False without memory. */
static bool measure(const ffwd_cpu_device *cpu, uint32_t dtype, kept_rates *kept) {
    const ffwd_rowblock *code = ffwd_isa_rowblock(cpu->isa, dtype);
    unsigned char *x = ffwd_alloc_zero(PASS_BYTES), *y = ffwd_alloc_zero(PASS_BYTES);
    const bool able = x != NULL && y != NULL;
    uint64_t ns = UINT64_MAX;
    for (int i = 0; able && i < PASSES; i++) {
        ns = ffwd_min(ns, ffwd_cpu_time_pass(cpu->threads, code, x, y, PASS_BYTES));
    }
    if (able) {
        kept->memory = 2.0 * PASS_BYTES / (double)ffwd_max(ns, 1);
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

static bool plausible(const kept_rates *kept) {
    return kept->flops > 0 && kept->flops < 1e9 && kept->memory > 0 && kept->memory < 1e9;
}

static bool worth_keeping(const ffwd_cpu_device *cpu, const kept_rates *kept) {
    const double threads = ffwd_threads_count(cpu->threads);
    return plausible(kept) && kept->flops >= LEAST_FLOPS * threads &&
           kept->memory >= LEAST_MEMORY * threads;
}

/** What an earlier process measured, or what this one does. */
static bool find(const ffwd_cpu_device *cpu, uint32_t dtype, kept_rates *kept) {
    char key[512];
    (void)snprintf(key, sizeof key, "rates of ffwd %s\n%s, %s, %u threads\n%s", FFWD_VERSION,
                   cpu->name, cpu->isa->name, (unsigned)ffwd_threads_count(cpu->threads),
                   ffwd_dtype_name(dtype));
    ffwd_store store;
    size_t bytes = 0;
    ffwd_store_init(&store, cpu->cache);
    void *found = ffwd_store_find(&store, key, &bytes);
    bool known = found != NULL && bytes == sizeof *kept;
    if (known) {
        memcpy(kept, found, sizeof *kept);
    }
    known = known && worth_keeping(cpu, kept);
    if (!known && measure(cpu, dtype, kept)) {
        known = plausible(kept);
        if (worth_keeping(cpu, kept)) {
            ffwd_store_keep(&store, key, kept, sizeof *kept);
        }
    }
    ffwd_free(found);
    ffwd_store_finish(&store);
    return known;
}

void ffwd_cpu_rates(ffwd_device *device, uint32_t dtype, ffwd_rates *rates) {
    const ffwd_cpu_device *cpu = (const ffwd_cpu_device *)device;
    const double threads = ffwd_threads_count(cpu->threads);
    kept_rates kept = {ASSUMED_FLOPS * threads, ASSUMED_MEMORY * threads};
    const bool measured = find(cpu, dtype, &kept);
    *rates = (ffwd_rates){.flops = kept.flops * PLAN_SHARE,
                          .memory = kept.memory,
                          .launch_ns = LAUNCH_NS,
                          .wake_ns = WAKE_NS,
                          .threads = threads,
                          .cache_bytes = CACHE_BYTES,
                          .thread_flops = THREAD_FLOPS,
                          .measured = measured};
}
