// SPDX-License-Identifier: MIT
// What the peers have in common: the clock, reasons, sizes, and activations as plain loops.
#include "peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <tgmath.h>
#include <time.h>

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

__attribute__((weak)) int peer_before(peer *p, const real *x, uint64_t rows) {
    (void)p, (void)x, (void)rows;
    return 0;
}

__attribute__((weak)) int peer_after(peer *p, real *y, uint64_t rows) {
    (void)p, (void)y, (void)rows;
    return 0;
}

int peer_time(peer *p, const real *x, real *y, uint64_t rows, uint64_t repeats, uint64_t *ns) {
    int failed = peer_before(p, x, rows);
    for (uint64_t i = 0; i < repeats && failed == 0; i++) {
        const uint64_t start = now_ns();
        failed = peer_run(p, x, y, rows);
        ns[i] = now_ns() - start;
    }
    const int unfetched = peer_after(p, y, rows);
    return failed != 0 ? failed : unfetched;
}

void *peer_refuse(peer_reason *reason, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(reason->text, sizeof reason->text, format, values);
    va_end(values);
    return NULL;
}

uint64_t peer_widest(const peer_net *net) {
    uint64_t widest = net->widths[0];
    for (uint32_t i = 1; i <= net->layer_count; i++) {
        widest = net->widths[i] > widest ? net->widths[i] : widest;
    }
    return widest;
}

uint64_t peer_chunk_rows(const peer_net *net, uint64_t bytes) {
    const uint64_t rows = bytes / (2 * sizeof(real) * peer_widest(net));
    return rows > 0 ? rows : 1;
}

void peer_activate(uint32_t activation, real *z, uint64_t count) {
    switch (activation) {
    case PEER_STEP:
        for (uint64_t i = 0; i < count; i++) {
            z[i] = z[i] > 0 ? 1 : 0;
        }
        break;
    case PEER_RELU:
        for (uint64_t i = 0; i < count; i++) {
            z[i] = z[i] < 0 ? 0 : z[i];
        }
        break;
    case PEER_SIGMOID:
        for (uint64_t i = 0; i < count; i++) {
            z[i] = 1 / (1 + exp(-z[i]));
        }
        break;
    case PEER_TANH:
        for (uint64_t i = 0; i < count; i++) {
            z[i] = tanh(z[i]);
        }
        break;
    default:
        break;
    }
}
