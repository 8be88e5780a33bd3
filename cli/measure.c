// SPDX-License-Identifier: MIT
// The pairs of a benchmark, and what follows from them.
#include "measure.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "failure.h"
#include "interrupt.h"
#include "progress.h"
#include "row_memory.h"

#define SECOND_NS     UINT64_C(1000000000)
#define WARM_UP_PAIRS 2

/** Without --repeat: at least 10 pairs and a second, but 100 pairs are enough; a slow engine ends
 *  after 10 seconds, with 3 pairs at least. */
#define FEWEST_PAIRS      10
#define MOST_PAIRS        100
#define ENOUGH_NS         SECOND_NS
#define FEWEST_SLOW_PAIRS 3
#define TOO_LONG_NS       (10 * SECOND_NS)

/** Below this a run or its limit is lost in the cost of starting threads or kernels. */
#define LATENCY_NS 20000.0

/** One value a pair. */
typedef struct pairs {
    samples total_ns, upload_ns, kernel_ns, download_ns, hidden_ns;
    samples stream_ns, transfer_ns, fma_gflops, isa_fma_gflops, share;
    samples *stage_ns; /**< [stage count] */
    size_t stage_count;
    ffwd_limit limit; /**< of the last pair */
    bool redone;      /**< another device helped in one of the runs */
} pairs;

static int stop_when_interrupted(void *user, uint64_t rows_done, uint64_t rows) {
    (void)user;
    (void)rows_done;
    (void)rows;
    return interrupt_signal() != 0;
}

static void show_span(void *user, const ffwd_span *span) {
    trace_span(user, span, 0);
}

static double fma_ns(const ffwd_limit *limit, uint64_t flops) {
    return limit->fma_gflops > 0.0 ? (double)flops / limit->fma_gflops : 0.0;
}

/** The least time that the rows, the arithmetic and the transfers each need. */
static double limit_ns(const ffwd_limit *limit, uint64_t flops) {
    double memory = fmax((double)limit->stream_ns, (double)limit->transfer_ns);
    return fmax(memory, fma_ns(limit, flops));
}

static void keep_pair(pairs *kept, const ffwd_report *run, result *found) {
    samples_add(&kept->total_ns, (double)run->total_ns);
    samples_add(&kept->upload_ns, (double)run->upload_ns);
    samples_add(&kept->kernel_ns, (double)run->kernel_ns);
    samples_add(&kept->download_ns, (double)run->download_ns);
    samples_add(&kept->hidden_ns, (double)run->hidden_ns);
    samples_add(&kept->stream_ns, (double)kept->limit.stream_ns);
    samples_add(&kept->transfer_ns, (double)kept->limit.transfer_ns);
    samples_add(&kept->fma_gflops, kept->limit.fma_gflops);
    samples_add(&kept->isa_fma_gflops, kept->limit.isa_fma_gflops);
    if (run->total_ns > 0) {
        samples_add(&kept->share, limit_ns(&kept->limit, run->flops) / (double)run->total_ns);
    }
    for (size_t i = 0; i < kept->stage_count; i++) {
        ffwd_stage stage = result_stage(found->engine, i);
        samples_add(&kept->stage_ns[i], (double)stage.ns);
        found->stage_launches[i] = stage.launches;
    }
    found->rows = run->rows;
    found->bytes = run->bytes;
    found->flops = run->flops;
    found->chunks = run->chunks;
    found->chunks_redone = run->chunks_redone;
    kept->redone = kept->redone || run->chunks_redone > 0;
    found->setup_ms = (double)run->setup_ns * 1e-6;
    result_note_fallback(found, run);
}

static ffwd_status stop(ffwd_error *err, ffwd_status status, int native) {
    err->status = (int32_t)status;
    err->native = native;
    return status;
}

static ffwd_status check_wanted(int report_fd, ffwd_error *err) {
    if (interrupt_signal() != 0) {
        return stop(err, FFWD_ECANCELLED, 0);
    }
    return is_closed_pipe(report_fd) ? stop(err, FFWD_EIO, EPIPE) : FFWD_OK;
}

/** Y loses what the last run has left in it; the limit still sees caches as after a run. */
static ffwd_status measure_pair(const measurement *asked, const result *found, ffwd_limit *limit,
                                ffwd_report *run, ffwd_error *err) {
    const ffwd_output *y = &asked->y;
    ffwd_run_options options = FFWD_RUN_OPTIONS_INIT;
    options.progress = stop_when_interrupted;
    options.trace = trace_wanted(asked->trace) ? show_span : NULL;
    options.user = asked->trace;
    *limit = (ffwd_limit)FFWD_LIMIT_INIT;
    *run = (ffwd_report)FFWD_REPORT_INIT;
    memset(y->data, ROW_NOT_WRITTEN, y->rows * y->cols * ffwd_dtype_size(y->dtype));
    uint64_t started_ns = trace_start(asked->trace);
    ffwd_status status = ffwd_engine_limit(found->engine, &asked->x, y, limit, err);
    trace_phase(asked->trace, "main", "measure the limit", started_ns);
    if (status == FFWD_OK) {
        status = ffwd_engine_run(found->engine, &asked->x, y, &options, run, err);
    }
    return status == FFWD_OK ? check_wanted(asked->report_fd, err) : status;
}

static bool is_enough(uint64_t count, uint64_t elapsed_ns, uint64_t repeat) {
    if (repeat > 0) {
        return count >= repeat;
    }
    return count >= MOST_PAIRS || (count >= FEWEST_PAIRS && elapsed_ns >= ENOUGH_NS) ||
           (count >= FEWEST_SLOW_PAIRS && elapsed_ns >= TOO_LONG_NS);
}

static ffwd_status warm_up(const measurement *asked, const result *found, pairs *kept,
                           ffwd_error *err) {
    ffwd_report run;
    ffwd_status status = FFWD_OK;
    uint64_t started_ns = clock_ns();
    for (int i = 0; status == FFWD_OK && i < WARM_UP_PAIRS && clock_ns() - started_ns < SECOND_NS;
         i++) {
        status = measure_pair(asked, found, &kept->limit, &run, err);
    }
    return status;
}

static ffwd_status measure_pairs(const measurement *asked, pairs *kept, result *found,
                                 ffwd_error *err) {
    ffwd_report run;
    ffwd_status status = warm_up(asked, found, kept, err);
    uint64_t started_ns = clock_ns();
    while (status == FFWD_OK &&
           !is_enough(found->repeats, clock_ns() - started_ns, asked->repeat)) {
        status = measure_pair(asked, found, &kept->limit, &run, err);
        if (status == FFWD_OK) {
            keep_pair(kept, &run, found);
            found->repeats++;
            progress_update(found->repeats);
        }
    }
    return status;
}

static const char *limited_by(const ffwd_limit *median, uint64_t flops) {
    double stream = (double)median->stream_ns, fma = fma_ns(median, flops);
    if ((double)median->transfer_ns > fmax(stream, fma)) {
        return "transfer";
    }
    return fma > stream ? "fma" : "stream";
}

static void conclude_limit(pairs *kept, result *found) {
    ffwd_limit median = kept->limit;
    median.stream_ns = (uint64_t)samples_median(&kept->stream_ns);
    median.transfer_ns = (uint64_t)samples_median(&kept->transfer_ns);
    median.fma_gflops = samples_median(&kept->fma_gflops);
    median.isa_fma_gflops = samples_median(&kept->isa_fma_gflops);
    double total_ns = samples_median(&kept->total_ns);
    bool tells = fmin(total_ns, limit_ns(&median, found->flops)) >= LATENCY_NS;
    bool compares = tells && !kept->redone && kept->share.count > 0;
    found->has_limit = true;
    found->limit = (limit_result){
        .stream_gbps =
            median.stream_ns > 0 ? (double)median.stream_bytes / (double)median.stream_ns : NAN,
        .transfer_ms = (double)median.transfer_ns * 1e-6,
        .fma_gflops = median.fma_gflops > 0.0 ? median.fma_gflops : NAN,
        .isa_fma_gflops = median.isa_fma_gflops,
        .share = compares ? samples_median(&kept->share) : NAN,
        .by = tells ? limited_by(&median, found->flops) : "latency"};
}

static void conclude(pairs *kept, result *found) {
    spread total = samples_spread(&kept->total_ns);
    found->total_ms =
        (spread){total.median * 1e-6, total.p10 * 1e-6, total.p90 * 1e-6, total.min * 1e-6};
    found->upload_ms = samples_median(&kept->upload_ns) * 1e-6;
    found->kernel_ms = samples_median(&kept->kernel_ns) * 1e-6;
    found->download_ms = samples_median(&kept->download_ns) * 1e-6;
    found->hidden_ms = samples_median(&kept->hidden_ns) * 1e-6;
    for (size_t i = 0; i < kept->stage_count; i++) {
        found->stage_ms[i] = samples_median(&kept->stage_ns[i]) * 1e-6;
    }
    conclude_limit(kept, found);
}

static void pairs_free(pairs *kept) {
    samples_free(&kept->total_ns);
    samples_free(&kept->upload_ns);
    samples_free(&kept->kernel_ns);
    samples_free(&kept->download_ns);
    samples_free(&kept->hidden_ns);
    samples_free(&kept->stream_ns);
    samples_free(&kept->transfer_ns);
    samples_free(&kept->fma_gflops);
    samples_free(&kept->isa_fma_gflops);
    samples_free(&kept->share);
    for (size_t i = 0; i < kept->stage_count; i++) {
        samples_free(&kept->stage_ns[i]);
    }
    free(kept->stage_ns);
}

ffwd_status measure(const measurement *asked, result *found, ffwd_error *err) {
    pairs kept = {.stage_count = result_stage_room(found->engine)};
    kept.stage_ns = need_memory(NULL, kept.stage_count * sizeof *kept.stage_ns);
    for (size_t i = 0; i < kept.stage_count; i++) {
        kept.stage_ns[i] = (samples){0};
    }
    ffwd_status status = measure_pairs(asked, &kept, found, err);
    if (status == FFWD_OK) {
        conclude(&kept, found);
    }
    pairs_free(&kept);
    return status;
}
