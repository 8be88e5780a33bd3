// SPDX-License-Identifier: MIT
// ffwd itself as one of its peers, so that one clock times them all.
#include <ffwd/ffwd.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

#ifdef PEER_F64
#define DTYPE FFWD_F64
#else
#define DTYPE FFWD_F32
#endif

struct peer {
    ffwd_engine *engine;
    uint64_t inputs, outputs;
};

const char *peer_version(void) {
    return ffwd_version();
}

static ffwd_status build_model(const peer_net *net, ffwd_model **model, ffwd_error *err) {
    ffwd_operation *layers = calloc(net->layer_count, sizeof *layers);
    if (layers == NULL) {
        return FFWD_ENOMEM;
    }
    for (uint32_t i = 0; i < net->layer_count; i++) {
        layers[i] = (ffwd_operation){.kind = FFWD_DENSE,
                                     .activation = net->activation,
                                     .inputs = net->widths[i],
                                     .neurons = net->widths[i + 1],
                                     .weights = net->weights[i]};
    }
    const ffwd_status status = ffwd_model_create(DTYPE, net->widths[0], layers, net->layer_count,
                                                 sizeof *layers, model, err);
    free(layers);
    return status;
}

static ffwd_status build_engine(const peer_net *net, const ffwd_model *model, ffwd_engine **engine,
                                ffwd_error *err) {
    ffwd_device_options cpu = FFWD_DEVICE_OPTIONS_INIT;
    cpu.threads = net->threads;
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.device = net->device;
    options.no_fallback = 1;
    if (strcmp(net->device, "cpu") == 0) {
        options.device_options = &cpu;
    }
    return ffwd_engine_create(model, NULL, 0, &options, engine, err);
}

peer *peer_create(const peer_net *net, peer_reason *reason) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = NULL;
    ffwd_engine *engine = NULL;
    peer *p = malloc(sizeof *p);
    ffwd_status status = p == NULL ? FFWD_ENOMEM : build_model(net, &model, &err);
    if (status == FFWD_OK) {
        status = build_engine(net, model, &engine, &err);
    }
    ffwd_model_destroy(model);
    if (status != FFWD_OK) {
        free(p);
        return peer_refuse(reason, "%s",
                           err.message[0] != '\0' ? err.message : ffwd_status_text(status));
    }
    *p = (peer){engine, net->widths[0], net->widths[net->layer_count]};
    return p;
}

void peer_destroy(peer *p) {
    ffwd_engine_destroy(p->engine);
    free(p);
}

int peer_run(peer *p, const real *x, real *y, uint64_t rows) {
    const ffwd_input in = {.data = x, .dtype = DTYPE, .rows = rows, .cols = p->inputs};
    const ffwd_output out = {.data = y, .dtype = DTYPE, .rows = rows, .cols = p->outputs};
    return ffwd_engine_run(p->engine, &in, &out, NULL, NULL, NULL) != FFWD_OK;
}
