// SPDX-License-Identifier: MIT
// FANN, one copy of the network for each thread, rows divided among them. It takes the activations
// that it has exactly: no relu.
#ifdef PEER_F64
#include <doublefann.h>
#else
#include <floatfann.h>
#endif
#include <limits.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

/** FANN's threshold takes a sum of 0 for above it. As a bias this makes such a sum negative, and
 *  rounds away in any other. */
#define BELOW_ZERO ((real)-1e-30)

struct peer {
    const peer_net *net;
    struct fann **copies; /**< [threads] */
};

/** FANN's activations take steepness * z, the sigmoids twice that. */
typedef struct equivalent {
    enum fann_activationfunc_enum function;
    real steepness;
} equivalent;

static const equivalent equivalents[] = {
    [PEER_IDENTITY] = {FANN_LINEAR, 1},
    [PEER_STEP] = {FANN_THRESHOLD, 1},
    [PEER_SIGMOID] = {FANN_SIGMOID, (real)0.5},
    [PEER_TANH] = {FANN_SIGMOID_SYMMETRIC, 1},
};

const char *peer_version(void) {
    return FANN_VERSION; // of its pkg-config file: the header has none
}

/** Connections stand neuron by neuron, in the order of the inputs, the bias last. */
static void set_weights(struct fann *ann, const peer_net *net) {
    for (uint32_t i = 0; i < net->layer_count; i++) {
        const struct fann_layer *layer = &ann->first_layer[i + 1];
        const uint64_t inputs = net->widths[i];
        for (uint64_t o = 0; o < net->widths[i + 1]; o++) {
            real *weights = &ann->weights[layer->first_neuron[o].first_con];
            memcpy(weights, net->weights[i] + o * inputs, inputs * sizeof(real));
            weights[inputs] = net->activation == PEER_STEP ? BELOW_ZERO : 0;
        }
    }
}

static struct fann *build(const peer_net *net) {
    unsigned widths[32];
    for (uint32_t i = 0; i <= net->layer_count; i++) {
        widths[i] = (unsigned)net->widths[i];
    }
    struct fann *ann = fann_create_standard_array(net->layer_count + 1, widths);
    if (ann == NULL) {
        return NULL;
    }
    const equivalent *same = &equivalents[net->activation];
    fann_set_activation_function_hidden(ann, same->function);
    fann_set_activation_function_output(ann, same->function);
    fann_set_activation_steepness_hidden(ann, same->steepness);
    fann_set_activation_steepness_output(ann, same->steepness);
    set_weights(ann, net);
    return ann;
}

peer *peer_create(const peer_net *net, peer_reason *reason) {
    if (net->activation == PEER_RELU) {
        return peer_refuse(reason, "FANN %s has no relu", FANN_VERSION);
    }
    if (net->layer_count >= 32 || peer_widest(net) > INT_MAX) {
        return peer_refuse(reason, "more layers than expected");
    }
    peer *p = malloc(sizeof *p);
    struct fann **copies = calloc(net->threads, sizeof *copies);
    if (p == NULL || copies == NULL) {
        free(p);
        free(copies);
        return peer_refuse(reason, "out of memory");
    }
    *p = (peer){.net = net, .copies = copies};
    for (uint32_t i = 0; i < net->threads; i++) {
        copies[i] = build(net);
        if (copies[i] == NULL) {
            peer_destroy(p);
            return peer_refuse(reason, "FANN could not create the network");
        }
    }
    return p;
}

void peer_destroy(peer *p) {
    for (uint32_t i = 0; i < p->net->threads && p->copies[i] != NULL; i++) {
        fann_destroy(p->copies[i]);
    }
    free(p->copies);
    free(p);
}

int peer_run(peer *p, const real *x, real *y, uint64_t rows) {
    const peer_net *net = p->net;
    const uint64_t inputs = net->widths[0], outputs = net->widths[net->layer_count];
#pragma omp parallel for num_threads(net->threads) if (rows > 1) schedule(static)
    for (uint64_t r = 0; r < rows; r++) {
        const real *found = fann_run(p->copies[omp_get_thread_num()], (real *)(x + r * inputs));
        memcpy(y + r * outputs, found, outputs * sizeof(real));
    }
    return 0;
}
