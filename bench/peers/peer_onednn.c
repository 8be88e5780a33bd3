// SPDX-License-Identifier: MIT
// oneDNN 2: one matmul primitive a layer with the activation as its post-operation, over weights in
// the layout that it asks for. Rows go in chunks whose results stay in the caches.
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>

#include "peer.h"

#define CHUNK_BYTES (UINT64_C(8) << 20)
#define LAYERS_MOST 16
#define FORWARD(call)                                                                              \
    do {                                                                                           \
        const dnnl_status_t status_ = (call);                                                      \
        if (status_ != dnnl_success) {                                                             \
            return status_;                                                                        \
        }                                                                                          \
    } while (0)

typedef struct layer {
    dnnl_primitive_t product;
    dnnl_memory_t weights; /**< as the primitive wants them */
    dnnl_memory_t x, y;    /**< their data is set at each run */
} layer;

/** The layers for one number of rows, which is a part of a primitive. */
typedef struct plan {
    uint64_t rows; /**< 0: not made yet */
    layer layers[LAYERS_MOST];
} plan;

struct peer {
    const peer_net *net;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_t zero; /**< what a step compares with */
    uint64_t chunk_rows;
    real *scratch; /**< [2][chunk_rows][widest] */
    plan whole, rest;
};

const char *peer_version(void) {
    static char text[32];
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", version->major, version->minor, version->patch);
    return text;
}

static dnnl_memory_desc_t matrix(uint64_t rows, uint64_t cols, dnnl_format_tag_t tag) {
    dnnl_memory_desc_t desc;
    const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)cols};
    dnnl_memory_desc_init_by_tag(&desc, 2, dims, dnnl_f32, tag);
    return desc;
}

static dnnl_status_t append_activation(dnnl_post_ops_t operations, uint32_t activation) {
    const dnnl_memory_desc_t one = matrix(1, 1, dnnl_ab);
    switch (activation) {
    case PEER_STEP:
        return dnnl_post_ops_append_binary(operations, dnnl_binary_gt, &one);
    case PEER_RELU:
        return dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0);
    case PEER_SIGMOID:
        return dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_logistic, 0, 0);
    case PEER_TANH:
        return dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_tanh, 0, 0);
    default:
        return dnnl_success;
    }
}

static dnnl_status_t make_attributes(uint32_t activation, dnnl_primitive_attr_t *attributes) {
    dnnl_post_ops_t operations;
    FORWARD(dnnl_primitive_attr_create(attributes));
    FORWARD(dnnl_post_ops_create(&operations));
    dnnl_status_t status = append_activation(operations, activation);
    if (status == dnnl_success) {
        status = dnnl_primitive_attr_set_post_ops(*attributes, operations);
    }
    dnnl_post_ops_destroy(operations);
    return status;
}

/** Copies W, [neurons][inputs], into the layout of `want`: the product takes its transpose. */
static dnnl_status_t pack(const peer *p, uint32_t index, const dnnl_memory_desc_t *want,
                          dnnl_memory_t *packed) {
    const peer_net *net = p->net;
    const dnnl_memory_desc_t plain = matrix(net->widths[index], net->widths[index + 1], dnnl_ba);
    dnnl_memory_t from = NULL;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t reorder = NULL;
    FORWARD(dnnl_memory_create(&from, &plain, p->engine, (void *)net->weights[index]));
    FORWARD(dnnl_memory_create(packed, want, p->engine, DNNL_MEMORY_ALLOCATE));
    FORWARD(dnnl_reorder_primitive_desc_create(&desc, &plain, p->engine, want, p->engine, NULL));
    FORWARD(dnnl_primitive_create(&reorder, desc));
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, *packed}};
    FORWARD(dnnl_primitive_execute(reorder, p->stream, 2, arguments));
    FORWARD(dnnl_stream_wait(p->stream));
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(desc);
    return dnnl_memory_destroy(from);
}

static dnnl_status_t make_layer(const peer *p, uint32_t index, uint64_t rows, layer *made) {
    const peer_net *net = p->net;
    const uint64_t inputs = net->widths[index], neurons = net->widths[index + 1];
    const dnnl_memory_desc_t x = matrix(rows, inputs, dnnl_ab), y = matrix(rows, neurons, dnnl_ab);
    const dnnl_memory_desc_t weights = matrix(inputs, neurons, dnnl_format_tag_any);
    dnnl_matmul_desc_t product;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t desc = NULL;
    FORWARD(dnnl_matmul_desc_init(&product, &x, &weights, NULL, &y));
    FORWARD(make_attributes(net->activation, &attributes));
    FORWARD(dnnl_primitive_desc_create(&desc, &product, attributes, p->engine, NULL));
    FORWARD(dnnl_primitive_create(&made->product, desc));
    FORWARD(pack(p, index, dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0),
                 &made->weights));
    FORWARD(dnnl_memory_create(&made->x, &x, p->engine, DNNL_MEMORY_NONE));
    FORWARD(dnnl_memory_create(&made->y, &y, p->engine, DNNL_MEMORY_NONE));
    dnnl_primitive_attr_destroy(attributes);
    return dnnl_primitive_desc_destroy(desc);
}

static void clear_plan(const peer *p, plan *made) {
    for (uint32_t i = 0; i < p->net->layer_count; i++) {
        dnnl_primitive_destroy(made->layers[i].product);
        dnnl_memory_destroy(made->layers[i].weights);
        dnnl_memory_destroy(made->layers[i].x);
        dnnl_memory_destroy(made->layers[i].y);
    }
    *made = (plan){0};
}

static dnnl_status_t need_plan(const peer *p, plan *made, uint64_t rows) {
    if (made->rows == rows) {
        return dnnl_success;
    }
    clear_plan(p, made);
    for (uint32_t i = 0; i < p->net->layer_count; i++) {
        FORWARD(make_layer(p, i, rows, &made->layers[i]));
    }
    made->rows = rows;
    return dnnl_success;
}

static dnnl_status_t open_engine(peer *p) {
    const dnnl_memory_desc_t one = matrix(1, 1, dnnl_ab);
    static real zero = 0;
    FORWARD(dnnl_engine_create(&p->engine, dnnl_cpu, 0));
    FORWARD(dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags));
    FORWARD(dnnl_memory_create(&p->zero, &one, p->engine, &zero));
    return need_plan(p, &p->whole, p->chunk_rows);
}

peer *peer_create(const peer_net *net, peer_reason *reason) {
    if (net->layer_count > LAYERS_MOST) {
        return peer_refuse(reason, "%u layers are more than %d", net->layer_count, LAYERS_MOST);
    }
    peer *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return peer_refuse(reason, "out of memory");
    }
    p->net = net;
    p->chunk_rows = peer_chunk_rows(net, CHUNK_BYTES);
    p->scratch = aligned_alloc(64, (2 * p->chunk_rows * peer_widest(net) * sizeof(real) + 63) &
                                       ~UINT64_C(63));
    const dnnl_status_t status = p->scratch == NULL ? dnnl_out_of_memory : open_engine(p);
    if (status != dnnl_success) {
        peer_destroy(p);
        return peer_refuse(reason, "oneDNN failed with status %d", status);
    }
    return p;
}

void peer_destroy(peer *p) {
    clear_plan(p, &p->whole);
    clear_plan(p, &p->rest);
    dnnl_memory_destroy(p->zero);
    dnnl_stream_destroy(p->stream);
    dnnl_engine_destroy(p->engine);
    free(p->scratch);
    free(p);
}

static dnnl_status_t run_chunk(const peer *p, const plan *made, const real *x, real *y) {
    const peer_net *net = p->net;
    const uint64_t area = p->chunk_rows * peer_widest(net);
    for (uint32_t i = 0; i < net->layer_count; i++) {
        const layer *l = &made->layers[i];
        real *out = i + 1 == net->layer_count ? y : p->scratch + i % 2 * area;
        FORWARD(dnnl_memory_set_data_handle(l->x, (void *)x));
        FORWARD(dnnl_memory_set_data_handle(l->y, out));
        const dnnl_exec_arg_t arguments[] = {
            {DNNL_ARG_SRC, l->x},
            {DNNL_ARG_WEIGHTS, l->weights},
            {DNNL_ARG_DST, l->y},
            {DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, p->zero}};
        const int count = net->activation == PEER_STEP ? 4 : 3;
        FORWARD(dnnl_primitive_execute(l->product, p->stream, count, arguments));
        x = out;
    }
    return dnnl_stream_wait(p->stream);
}

int peer_run(peer *p, const real *x, real *y, uint64_t rows) {
    const uint64_t inputs = p->net->widths[0], outputs = p->net->widths[p->net->layer_count];
    for (uint64_t done = 0; done < rows; done += p->chunk_rows) {
        const uint64_t left = rows - done;
        plan *made = left < p->chunk_rows ? &p->rest : &p->whole;
        FORWARD(need_plan(p, made, left < p->chunk_rows ? left : p->chunk_rows));
        FORWARD(run_chunk(p, made, x + done * inputs, y + done * outputs));
    }
    return dnnl_success;
}
