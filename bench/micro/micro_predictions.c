// SPDX-License-Identifier: MIT
// Predicted and measured times of the networks of the benchmark, in the same process.
#include <stdio.h>
#include <string.h>

#include "micro.h"

typedef struct predicted_net {
    const char *name;
    size_t layers;
    uint64_t widths[7];
    uint32_t activation;
    uint64_t most_rows;
} predicted_net;

static const predicted_net nets[] = {
    {"2-3-2-1 step", 3, {2, 3, 2, 1}, FFWD_STEP, 5000000},
    {"10-32-16-1 relu", 3, {10, 32, 16, 1}, FFWD_RELU, 2000000},
    {"16-64-64-1 relu", 3, {16, 64, 64, 1}, FFWD_RELU, 1000000},
    {"16-64-64-1 tanh", 3, {16, 64, 64, 1}, FFWD_TANH, 1000000},
    {"32-64-64-16 relu", 3, {32, 64, 64, 16}, FFWD_RELU, 1000000},
    {"64x5 relu", 5, {64, 64, 64, 64, 64, 64}, FFWD_RELU, 500000},
    {"28-128-128-128-2 relu", 4, {28, 128, 128, 128, 2}, FFWD_RELU, 500000},
    {"784-512-256-10 relu", 3, {784, 512, 256, 10}, FFWD_RELU, 50000},
    {"1024x3 relu", 3, {1024, 1024, 1024, 1024}, FFWD_RELU, 16000},
    {"4096-4096-4096 relu", 2, {4096, 4096, 4096}, FFWD_RELU, 2000},
};

static void compare(const micro_options *given, const predicted_net *net, uint64_t rows) {
    micro_run run =
        micro_run_begin(given, FFWD_F32, net->widths, net->layers, net->activation, rows);
    ffwd_prediction found = FFWD_PREDICTION_INIT;
    ffwd_error err = FFWD_ERROR_INIT;
    micro_need(ffwd_engine_predict(run.engine, rows, &found, &err), &err);
    const double measured = micro_run_median(&run);
    const char *limit = found.compute_ns > found.memory_ns ? "computing" : "memory";
    printf("%-22s %8llu  %10.4f  %10.4f  %5.2f  %s\n", net->name, (unsigned long long)rows,
           (double)found.total_ns / 1e6, measured / 1e6, (double)found.total_ns / measured, limit);
    micro_run_end(&run);
}

void micro_predictions(const micro_options *given) {
    static const uint64_t rows[] = {1000, 10000, 100000};
    printf("%-22s %8s  %10s  %10s  %5s  %s\n", "network", "rows", "predicted", "measured", "ratio",
           "limited by");
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
            if (rows[k] < nets[i].most_rows) {
                compare(given, &nets[i], rows[k]);
            }
        }
        compare(given, &nets[i], nets[i].most_rows);
    }
}
