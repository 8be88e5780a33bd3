// SPDX-License-Identifier: MIT
// The networks whose latency and creation are measured.
#ifndef FFWD_BENCH_MICRO_NETS_H
#define FFWD_BENCH_MICRO_NETS_H

#include <ffwd/ffwd.h>

typedef struct micro_net {
    const char *name;
    uint32_t activation;
    size_t layers;
    uint64_t widths[6];
} micro_net;

static const micro_net micro_nets[] = {
    {"2-3-2-1 step", FFWD_STEP, 3, {2, 3, 2, 1}},
    {"10-32-16-1 relu", FFWD_RELU, 3, {10, 32, 16, 1}},
    {"16-64-64-1 relu", FFWD_RELU, 3, {16, 64, 64, 1}},
    {"16-64-64-1 tanh", FFWD_TANH, 3, {16, 64, 64, 1}},
    {"784-512-256-10 relu", FFWD_RELU, 3, {784, 512, 256, 10}},
    {"1024-1024-1024 relu", FFWD_RELU, 2, {1024, 1024, 1024}},
};
#define MICRO_NET_COUNT (sizeof micro_nets / sizeof micro_nets[0])

#endif
