// SPDX-License-Identifier: MIT
// The loop that one writes first: for each row, for each neuron, for each input. Rows are divided
// among the threads.
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>

#include "peer.h"

struct peer {
    const peer_net *net;
    uint64_t widest;
    real *scratch; /**< [threads][2][widest] */
};

const char *peer_version(void) {
    return "";
}

peer *peer_create(const peer_net *net, peer_reason *reason) {
    peer *p = malloc(sizeof *p);
    if (p == NULL) {
        return peer_refuse(reason, "out of memory");
    }
    *p = (peer){.net = net, .widest = peer_widest(net)};
    p->scratch = malloc(net->threads * 2 * p->widest * sizeof(real));
    if (p->scratch == NULL) {
        free(p);
        return peer_refuse(reason, "out of memory");
    }
    return p;
}

void peer_destroy(peer *p) {
    free(p->scratch);
    free(p);
}

static void dense(const real *weights, uint64_t inputs, uint64_t neurons, const real *x, real *y) {
    for (uint64_t o = 0; o < neurons; o++) {
        real z = 0;
        for (uint64_t k = 0; k < inputs; k++) {
            z += weights[o * inputs + k] * x[k];
        }
        y[o] = z;
    }
}

static void one_row(const peer_net *net, const real *x, real *y, real *scratch, uint64_t widest) {
    for (uint32_t i = 0; i < net->layer_count; i++) {
        const bool last = i + 1 == net->layer_count;
        real *out = last ? y : scratch + i % 2 * widest;
        dense(net->weights[i], net->widths[i], net->widths[i + 1], x, out);
        peer_activate(net->activation, out, net->widths[i + 1]);
        x = out;
    }
}

int peer_run(peer *p, const real *x, real *y, uint64_t rows) {
    const peer_net *net = p->net;
    const uint64_t inputs = net->widths[0], outputs = net->widths[net->layer_count];
#pragma omp parallel for num_threads(net->threads) if (rows > 1) schedule(static)
    for (uint64_t r = 0; r < rows; r++) {
        real *scratch = p->scratch + (uint64_t)omp_get_thread_num() * 2 * p->widest;
        one_row(net, x + r * inputs, y + r * outputs, scratch, p->widest);
    }
    return 0;
}
