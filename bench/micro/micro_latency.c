// SPDX-License-Identifier: MIT
// One row through a prepared engine, each run timed by itself: the distribution, less what the
// clock itself takes.
#include <stdio.h>
#include <stdlib.h>

#include "micro.h"
#include "micro_nets.h"

#define MOST_RUNS  200000
#define LONGEST_NS 500000000U

static const double shares[] = {0, 0.01, 0.5, 0.9, 0.99, 0.999, 1};
#define SHARE_COUNT (sizeof shares / sizeof shares[0])

static double clock_cost_ns(double *times) {
    for (size_t i = 0; i < MOST_RUNS; i++) {
        const uint64_t start = micro_now_ns();
        times[i] = (double)(micro_now_ns() - start);
    }
    return micro_quantile(times, MOST_RUNS, 0.5);
}

static void print_distribution(const micro_options *given, uint32_t dtype, const micro_net *net,
                               double *times, double clock_ns) {
    micro_run run = micro_run_begin(given, dtype, net->widths, net->layers, net->activation, 1);
    const uint64_t end = micro_now_ns() + LONGEST_NS;
    size_t count = 0;
    while (count < MOST_RUNS && micro_now_ns() < end) {
        times[count++] = micro_run_once(&run) - clock_ns;
    }
    printf("%-20s %s", net->name, ffwd_dtype_name(dtype));
    for (size_t i = 0; i < SHARE_COUNT; i++) {
        printf(" %9.0f", micro_quantile(times, count, shares[i]));
    }
    printf(" %8zu\n", count);
    micro_run_end(&run);
}

void micro_latency(const micro_options *given) {
    double *times = micro_alloc(MOST_RUNS * sizeof *times);
    const double clock_ns = clock_cost_ns(times);
    printf("ns of one row; %.0f ns of the clock are taken off\n%-24s %9s %9s %9s %9s %9s %9s %9s "
           "%8s\n",
           clock_ns, "", "least", "1 %", "median", "90 %", "99 %", "99.9 %", "most", "runs");
    for (uint32_t dtype = FFWD_F32; dtype <= FFWD_F64; dtype++) {
        for (size_t i = 0; i < MICRO_NET_COUNT; i++) {
            print_distribution(given, dtype, &micro_nets[i], times, clock_ns);
        }
    }
    free(times);
}
