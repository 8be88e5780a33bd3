// SPDX-License-Identifier: MIT
// One layer by its shape: GFLOP/s, and the share of the limit that is measured beside each run.
#include <math.h>
#include <stdio.h>

#include "micro.h"

#define PAIRS   9
#define WORK    2e8 /**< flops of a run, about */
#define LARGEST (UINT64_C(1) << 20)

static const uint64_t inputs[] = {1, 2, 4, 8, 16, 31, 64, 128, 256, 784, 1024, 4096};
static const uint64_t neurons[] = {1, 2, 4, 8, 16, 31, 64, 128, 256, 1024};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/** The median of limit : run over pairs, and the rate of the runs. */
static double share_of_limit(const micro_run *run, double flops, double *gflops) {
    double shares[PAIRS], times[PAIRS];
    for (size_t i = 0; i < PAIRS; i++) {
        ffwd_error err = FFWD_ERROR_INIT;
        ffwd_limit limit = FFWD_LIMIT_INIT;
        micro_need(ffwd_engine_limit(run->engine, &run->x, &run->y, &limit, &err), &err);
        times[i] = micro_run_once(run);
        shares[i] = fmax((double)limit.stream_ns, flops / limit.fma_gflops) / times[i];
    }
    *gflops = flops / micro_quantile(times, PAIRS, 0.5);
    return micro_quantile(shares, PAIRS, 0.5);
}

static void print_shape(const micro_options *given, uint32_t dtype, uint64_t k, uint64_t n) {
    const uint64_t widths[] = {k, n};
    const double fitting = WORK / (2.0 * (double)k * (double)n);
    const uint64_t rows = fitting > (double)LARGEST ? LARGEST : (uint64_t)fitting + 64;
    micro_run run = micro_run_begin(given, dtype, widths, 1, FFWD_IDENTITY, rows);
    double gflops;
    const double share = share_of_limit(&run, 2.0 * (double)k * (double)n * (double)rows, &gflops);
    printf(" %6.1f %3.0f%%", gflops, 100 * share);
    fflush(stdout);
    micro_run_end(&run);
}

void micro_layers(const micro_options *given) {
    for (uint32_t dtype = FFWD_F32; dtype <= FFWD_F64; dtype++) {
        printf("%s, GFLOP/s and share of the limit; inputs down, neurons across\n%6s",
               ffwd_dtype_name(dtype), "");
        for (size_t n = 0; n < COUNT(neurons); n++) {
            printf(" %11llu", (unsigned long long)neurons[n]);
        }
        printf("\n");
        for (size_t k = 0; k < COUNT(inputs); k++) {
            printf("%6llu", (unsigned long long)inputs[k]);
            for (size_t n = 0; n < COUNT(neurons); n++) {
                print_shape(given, dtype, inputs[k], neurons[n]);
            }
            printf("\n");
        }
    }
}
