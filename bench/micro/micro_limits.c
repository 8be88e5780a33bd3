// SPDX-License-Identifier: MIT
// The limit that ffwd measures and the one of micro_peak.c, in turns over the same rows: the
// canonical network's, larger than the caches. Neighbours in time are compared, and the median of
// many such ratios counts: others may have a part of the machine at any time, and then have as much
// of it from both.
#include <math.h>
#include <stdio.h>

#include "micro.h"
#include "micro_peak.h"

#define ROWS  5000000
#define TURNS 1001
/** As ffwd's own. */
#define BURST_NS 500000
#define BURSTS   3

typedef struct rates {
    double ffwd_stream[TURNS], second_stream[TURNS], ffwd_fma[TURNS], second_fma[TURNS];
} rates;

static int thread_count(const micro_run *run) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_engine_device(run->engine, &info);
    return (int)info.threads;
}

static double stream_gbps(const micro_run *run, int threads) {
    const uint64_t size = ffwd_dtype_size(run->x.dtype);
    const uint64_t x_bytes = run->x.rows * run->x.cols * size, y_bytes = run->y.rows * size;
    double best = 0;
    for (int past_caches = 0; past_caches < 2; past_caches++) {
        const uint64_t start = micro_now_ns();
        micro_stream(run->x.data, x_bytes, run->y.data, y_bytes, past_caches != 0, threads);
        best = fmax(best, (double)(x_bytes + y_bytes) / (double)(micro_now_ns() - start));
    }
    return best;
}

/** The rate of the fastest of some bursts, each long enough that waking the threads does not count.
 */
static double fma_gflops(uint32_t dtype, int threads) {
    double (*burn)(uint64_t, int) = dtype == FFWD_F64 ? micro_fma_f64 : micro_fma_f32;
    double flops = 0, least_ns = 0;
    for (uint64_t iterations = 1024; least_ns < BURST_NS; iterations *= 2) {
        least_ns = INFINITY;
        for (int burst = 0; burst < BURSTS; burst++) {
            const uint64_t start = micro_now_ns();
            flops = burn(iterations, threads);
            least_ns = fmin(least_ns, (double)(micro_now_ns() - start));
        }
    }
    return flops / least_ns;
}

/** Each stream follows multiply-adds, which left the memory alone, and they a stream: what rested
 * is faster for a while. */
static void take_turn(const micro_run *run, rates *kept, size_t turn) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_limit limit = FFWD_LIMIT_INIT;
    const int threads = thread_count(run);
    micro_need(ffwd_engine_limit(run->engine, &run->x, &run->y, &limit, &err), &err);
    kept->second_stream[turn] = stream_gbps(run, threads);
    kept->second_fma[turn] = fma_gflops(run->x.dtype, threads);
    kept->ffwd_stream[turn] = (double)limit.stream_bytes / (double)limit.stream_ns;
    kept->ffwd_fma[turn] = limit.fma_gflops;
}

static double median_ratio(const double *ffwd, const double *second) {
    double ratios[TURNS];
    for (size_t turn = 0; turn < TURNS; turn++) {
        ratios[turn] = ffwd[turn] / second[turn];
    }
    return micro_quantile(ratios, TURNS, 0.5);
}

static void print_pair(const micro_options *given, const char *what, uint32_t dtype,
                       const char *unit, double *ffwd, double *second) {
    const double ratio = median_ratio(ffwd, second);
    const double a = micro_quantile(ffwd, TURNS, 0.5), b = micro_quantile(second, TURNS, 0.5);
    const char *format = given->json ? "{\"name\": \"%s %s\", \"unit\": \"%s\", \"ffwd\": %.6g, "
                                       "\"second\": %.6g, \"ratio\": %.4f}"
                                     : "%-6s %s, %-8s %10.4g %10.4g %8.3f\n";
    printf(format, what, ffwd_dtype_name(dtype), unit, a, b, ratio);
}

void micro_limits(const micro_options *given) {
    static const uint64_t widths[] = {2, 3, 2, 1};
    printf(given->json ? "[" : "%-20s %10s %10s %8s\n", "", "ffwd", "second", "ratio");
    for (uint32_t dtype = FFWD_F32; dtype <= FFWD_F64; dtype++) {
        rates kept;
        micro_run run = micro_run_begin(given, dtype, widths, 3, FFWD_STEP, ROWS);
        for (size_t turn = 0; turn < TURNS; turn++) {
            take_turn(&run, &kept, turn);
        }
        print_pair(given, "stream", dtype, "GB/s", kept.ffwd_stream, kept.second_stream);
        printf(given->json ? ",\n " : "");
        print_pair(given, "fma", dtype, "GFLOP/s", kept.ffwd_fma, kept.second_fma);
        printf(given->json && dtype == FFWD_F32 ? ",\n " : "");
        micro_run_end(&run);
    }
    printf(given->json ? "]\n" : "");
}
