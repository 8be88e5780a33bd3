// SPDX-License-Identifier: MIT
// What this machine could do at best: a plain pass over the run's rows, and multiply-adds in
// registers, by the same threads.
#include "base/memory.h"
#include "base/process.h"
#include "cpu/cpu_device.h"

/** A share of a stream pass that one thread takes at a time: a thread comes back for more, so that
 *  a slow one leaves its share to the others, but not for less than is worth waking it. */
#define SHARE_BYTES_MAX   (UINT64_C(1) << 20)
#define SHARE_BYTES_MIN   (UINT64_C(64) << 10)
#define SHARES_PER_THREAD 16

typedef struct pass {
    const ffwd_rowblock *code;
    const unsigned char *x;
    unsigned char *y;
    uint64_t x_bytes, y_bytes, shares;
    bool nontemporal;
    atomic_ullong next;
} pass;

/** Where share `share` of `bytes` starts: whole cache lines; the last share has the rest. */
static uint64_t share_start(uint64_t bytes, uint64_t share, uint64_t shares) {
    return share == shares ? bytes : bytes / FFWD_ALIGNMENT / shares * share * FFWD_ALIGNMENT;
}

static void pass_slot(void *context, size_t slot) {
    (void)slot;
    pass *p = context;
    for (;;) {
        const uint64_t share = atomic_fetch_add(&p->next, 1);
        if (share >= p->shares) {
            return;
        }
        const uint64_t x = share_start(p->x_bytes, share, p->shares);
        const uint64_t y = share_start(p->y_bytes, share, p->shares);
        p->code->stream(p->x + x, share_start(p->x_bytes, share + 1, p->shares) - x, p->y + y,
                        share_start(p->y_bytes, share + 1, p->shares) - y, p->nontemporal);
    }
}

/** Nanoseconds of a pass over x and y; one share is not worth a second thread. */
static uint64_t time_pass(ffwd_threads *threads, pass *p, bool nontemporal) {
    const uint32_t count = ffwd_threads_count(threads);
    const uint64_t bytes = p->x_bytes + p->y_bytes;
    const uint64_t share = ffwd_min(bytes / ((uint64_t)count * SHARES_PER_THREAD), SHARE_BYTES_MAX);
    p->shares = bytes / ffwd_max(share, SHARE_BYTES_MIN) + 1;
    p->nontemporal = nontemporal;
    atomic_init(&p->next, 0);
    const uint64_t start = ffwd_now_ns();
    ffwd_threads_run(threads, p->shares > 1 ? count : 1, pass_slot, p);
    return ffwd_now_ns() - start;
}

uint64_t ffwd_cpu_time_pass(ffwd_threads *threads, const ffwd_rowblock *code, const void *x,
                            void *y, uint64_t bytes) {
    pass p = {.code = code, .x = x, .y = y, .x_bytes = bytes, .y_bytes = bytes};
    return time_pass(threads, &p, bytes >= FFWD_CPU_BYPASS_BYTES);
}

/** Reads the weights, which a run reads once as well. */
static uint64_t time_weights(ffwd_threads *threads, const ffwd_rowblock *code,
                             const ffwd_model *model) {
    uint64_t ns = 0;
    for (size_t i = 0; i < model->operation_count; i++) {
        const ffwd_operation *operation = &model->operations[i];
        uint64_t values = 0, all = 0;
        (void)ffwd_operation_count(operation, &values, &all);
        pass p = {.code = code, .x = operation->weights};
        p.x_bytes = values * ffwd_dtype_size(model->dtype);
        ns += time_pass(threads, &p, false);
    }
    return ns;
}

typedef struct burn {
    const ffwd_rowblock *code;
    uint64_t iterations;
    atomic_ullong flops;
} burn;

static void burn_slot(void *context, size_t slot) {
    (void)slot;
    burn *b = context;
    atomic_fetch_add(&b->flops, b->code->multiply_add(b->iterations));
}

/** GFLOP/s of one burst. */
static double burst(ffwd_threads *threads, const ffwd_rowblock *code, uint64_t iterations,
                    uint64_t *ns) {
    burn b = {.code = code, .iterations = iterations};
    atomic_init(&b.flops, 0);
    const uint64_t start = ffwd_now_ns();
    ffwd_threads_run(threads, ffwd_threads_count(threads), burn_slot, &b);
    *ns = ffwd_max(ffwd_now_ns() - start, 1);
    return (double)atomic_load(&b.flops) / (double)*ns;
}

/** The fastest of `count` bursts, so that a thread that was kept waiting does not count. */
static double best_burst(ffwd_threads *threads, const ffwd_rowblock *code, uint64_t iterations,
                         int count, uint64_t *least_ns) {
    double best = 0;
    *least_ns = UINT64_MAX;
    for (int i = 0; i < count; i++) {
        uint64_t ns;
        const double rate = burst(threads, code, iterations, &ns);
        best = rate > best ? rate : best;
        *least_ns = ffwd_min(*least_ns, ns);
    }
    return best;
}

/** Long enough that waking the threads does not count, short enough for each of many pairs. */
#define BURST_NS 500000

/** The best rate of bursts of multiply-adds in registers, GFLOP/s. */
static double multiply_add_rate(ffwd_threads *threads, const ffwd_rowblock *code) {
    uint64_t iterations = 1024, ns = 0;
    double rate;
    while (rate = best_burst(threads, code, iterations, 3, &ns), ns < BURST_NS) {
        iterations *= 2;
    }
    return rate;
}

ffwd_status ffwd_cpu_limit(ffwd_placement *placement, const ffwd_rows *x, const ffwd_rows *y,
                           ffwd_limit *limit, ffwd_error *err) {
    const ffwd_cpu_device *cpu = (const ffwd_cpu_device *)placement->device;
    const ffwd_model *model = placement->model;
    ffwd_status status = ffwd_device_check_fork(&cpu->base, err);
    if (status != FFWD_OK) {
        return status;
    }
    const ffwd_rowblock *code = ffwd_isa_rowblock(ffwd_isa_best(), model->dtype);
    pass p = {.code = code,
              .x = x->data,
              .y = y->data,
              .x_bytes = ffwd_rows_bytes(x),
              .y_bytes = ffwd_rows_bytes(y)};
    const uint64_t plain_ns = time_pass(cpu->threads, &p, false);
    const uint64_t streamed_ns = time_pass(cpu->threads, &p, true);
    const uint64_t weights_ns = time_weights(cpu->threads, code, model);
    limit->stream_ns = ffwd_max(ffwd_min(plain_ns, streamed_ns) + weights_ns, 1);
    limit->stream_bytes = p.x_bytes + p.y_bytes + ffwd_model_weight_bytes(model);
    limit->fma_gflops = multiply_add_rate(cpu->threads, code);
    if (cpu->isa_forced) {
        limit->isa_fma_gflops =
            multiply_add_rate(cpu->threads, ffwd_isa_rowblock(cpu->isa, model->dtype));
    }
    return FFWD_OK;
}
