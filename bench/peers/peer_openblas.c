// SPDX-License-Identifier: MIT
// OpenBLAS for the products, plain loops for the activations. Blocks of rows are divided among the
// threads, each of which takes its own through all layers: faster than products of all rows, whose
// results leave the caches.
#include <cblas.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

/** Enough rows for the products of wide layers. */
#define BLOCK_ROWS 512

struct peer {
    const peer_net *net;
    uint64_t area; /**< elements of the results of one layer */
    real *scratch; /**< [threads][2][area] */
};

const char *peer_version(void) {
    static char version[64];
    const char *config = openblas_get_config() + strlen("OpenBLAS ");
    const size_t length = strcspn(config, " ");
    if (length < sizeof version) {
        memcpy(version, config, length);
    }
    return version;
}

peer *peer_create(const peer_net *net, peer_reason *reason) {
    peer *p = malloc(sizeof *p);
    if (p == NULL) {
        return peer_refuse(reason, "out of memory");
    }
    *p = (peer){.net = net, .area = BLOCK_ROWS * peer_widest(net)};
    p->scratch = aligned_alloc(64, net->threads * 2 * p->area * sizeof(real));
    if (p->scratch == NULL) {
        free(p);
        return peer_refuse(reason, "out of memory");
    }
    openblas_set_num_threads(1);
    return p;
}

void peer_destroy(peer *p) {
    free(p->scratch);
    free(p);
}

/** y[rows][neurons] = x[rows][inputs] times the transpose of weights[neurons][inputs] */
static void product(blasint rows, blasint neurons, blasint inputs, const real *x,
                    const real *weights, real *y) {
#ifdef PEER_F64
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, neurons, inputs, 1, x, inputs,
                weights, inputs, 0, y, neurons);
#else
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, neurons, inputs, 1, x, inputs,
                weights, inputs, 0, y, neurons);
#endif
}

static void block(const peer *p, const real *x, real *y, uint64_t rows, real *scratch) {
    const peer_net *net = p->net;
    for (uint32_t i = 0; i < net->layer_count; i++) {
        const bool last = i + 1 == net->layer_count;
        real *out = last ? y : scratch + i % 2 * p->area;
        product((blasint)rows, (blasint)net->widths[i + 1], (blasint)net->widths[i], x,
                net->weights[i], out);
        peer_activate(net->activation, out, rows * net->widths[i + 1]);
        x = out;
    }
}

int peer_run(peer *p, const real *x, real *y, uint64_t rows) {
    const peer_net *net = p->net;
    const uint64_t inputs = net->widths[0], outputs = net->widths[net->layer_count];
#pragma omp parallel for num_threads(net->threads) if (rows > BLOCK_ROWS) schedule(dynamic)
    for (uint64_t r = 0; r < rows; r += BLOCK_ROWS) {
        const uint64_t count = rows - r < BLOCK_ROWS ? rows - r : BLOCK_ROWS;
        real *scratch = p->scratch + (uint64_t)omp_get_thread_num() * 2 * p->area;
        block(p, x + r * inputs, y + r * outputs, count, scratch);
    }
    return 0;
}
