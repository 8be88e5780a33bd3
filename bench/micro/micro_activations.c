// SPDX-License-Identifier: MIT
// What an activation costs for each element: the time of a layer with it less that of the same
// layer with identity, in turns, rows small enough for the caches.
#include <stdio.h>

#include "micro.h"

#define ROWS    2048
#define INPUTS  4
#define NEURONS 64
#define TURNS   9

static double extra_ns(const micro_run *with, const micro_run *without) {
    double extra[TURNS];
    for (size_t i = 0; i < TURNS; i++) {
        extra[i] = (micro_run_median(with) - micro_run_median(without)) / (ROWS * NEURONS);
    }
    return micro_quantile(extra, TURNS, 0.5);
}

void micro_activations(const micro_options *given) {
    const uint64_t widths[] = {INPUTS, NEURONS};
    micro_options one = *given;
    one.threads = given->threads > 0 ? given->threads : 1;
    printf("ns for each element beyond identity, threads %u\n%-10s %8s %8s\n", one.threads, "",
           "f32", "f64");
    for (uint32_t activation = FFWD_STEP; ffwd_activation_name(activation) != NULL; activation++) {
        printf("%-10s", ffwd_activation_name(activation));
        for (uint32_t dtype = FFWD_F32; dtype <= FFWD_F64; dtype++) {
            micro_run with = micro_run_begin(&one, dtype, widths, 1, activation, ROWS);
            micro_run without = micro_run_begin(&one, dtype, widths, 1, FFWD_IDENTITY, ROWS);
            printf(" %8.3f", extra_ns(&with, &without));
            micro_run_end(&with);
            micro_run_end(&without);
        }
        printf("\n");
    }
}
