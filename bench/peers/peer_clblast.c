// SPDX-License-Identifier: MIT
// CLBlast for the products, a kernel for the activations, on the first OpenCL device. Rows go in
// chunks, so that the results of a layer fit the device.
#include <clblast_c.h>
#include <stdlib.h>

#include "peer_opencl.h"

#define CHUNK_BYTES (UINT64_C(64) << 20)
#define LAYERS_MOST 16

struct peer {
    peer_opencl cl;
    const peer_net *net;
    cl_kernel activate;
    cl_mem weights[LAYERS_MOST], results[2];
    uint64_t chunk_rows;
};

const char *peer_version(void) {
    return CLBLAST_VERSION; // of its pkg-config file: the header has none
}

static int make_buffers(peer *p) {
    const peer_net *net = p->net;
    for (uint32_t i = 0; i < net->layer_count; i++) {
        p->weights[i] = peer_opencl_buffer(&p->cl, net->weights[i],
                                           net->widths[i] * net->widths[i + 1] * sizeof(real));
        if (p->weights[i] == NULL) {
            return -1;
        }
    }
    for (int i = 0; i < 2; i++) {
        p->results[i] =
            peer_opencl_buffer(&p->cl, NULL, p->chunk_rows * peer_widest(net) * sizeof(real));
        if (p->results[i] == NULL) {
            return -1;
        }
    }
    return 0;
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
    if (peer_opencl_open(&p->cl, net, "", reason) != 0) {
        free(p);
        return NULL;
    }
    p->activate = clCreateKernel(p->cl.program, "activate", NULL);
    if (p->activate == NULL || make_buffers(p) != 0) {
        peer_destroy(p);
        return peer_refuse(reason, "OpenCL could not take the network");
    }
    return p;
}

void peer_destroy(peer *p) {
    for (int i = 0; i < LAYERS_MOST; i++) {
        if (p->weights[i] != NULL) {
            clReleaseMemObject(p->weights[i]);
        }
    }
    for (int i = 0; i < 2; i++) {
        if (p->results[i] != NULL) {
            clReleaseMemObject(p->results[i]);
        }
    }
    if (p->activate != NULL) {
        clReleaseKernel(p->activate);
    }
    peer_opencl_close(&p->cl);
    free(p);
}

/** y[rows][neurons] = x[rows][inputs] times the transpose of W[neurons][inputs] */
static CLBlastStatusCode product(peer *p, uint32_t layer, cl_mem x, cl_mem y, uint64_t rows) {
    const size_t inputs = p->net->widths[layer], neurons = p->net->widths[layer + 1];
#ifdef PEER_F64
    return CLBlastDgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, rows,
                        neurons, inputs, 1, x, 0, inputs, p->weights[layer], 0, inputs, 0, y, 0,
                        neurons, &p->cl.queue, NULL);
#else
    return CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, rows,
                        neurons, inputs, 1, x, 0, inputs, p->weights[layer], 0, inputs, 0, y, 0,
                        neurons, &p->cl.queue, NULL);
#endif
}

static int enqueue_layers(peer *p, cl_mem x, cl_mem y, uint64_t rows) {
    const peer_net *net = p->net;
    for (uint32_t i = 0; i < net->layer_count; i++) {
        cl_mem out = i + 1 == net->layer_count ? y : p->results[i % 2];
        const size_t items = rows * net->widths[i + 1];
        int code = product(p, i, x, out, rows);
        if (code == CL_SUCCESS && net->activation != PEER_IDENTITY) {
            clSetKernelArg(p->activate, 0, sizeof out, &out);
            code = clEnqueueNDRangeKernel(p->cl.queue, p->activate, 1, NULL, &items, NULL, 0, NULL,
                                          NULL);
        }
        if (code != CL_SUCCESS) {
            return code;
        }
        x = out;
    }
    return CL_SUCCESS;
}

static int run_chunk(peer *p, const real *x, real *y, uint64_t rows) {
    const uint64_t y_bytes = rows * p->net->widths[p->net->layer_count] * sizeof(real);
    cl_mem from = peer_opencl_buffer(&p->cl, x, rows * p->net->widths[0] * sizeof(real));
    cl_mem to = peer_opencl_buffer(&p->cl, y, y_bytes);
    int code = CL_OUT_OF_RESOURCES;
    if (from != NULL && to != NULL) {
        code = enqueue_layers(p, from, to, rows);
        const cl_int taken = peer_opencl_take_back(&p->cl, to, y_bytes);
        code = code == CL_SUCCESS ? taken : code;
    }
    if (from != NULL) {
        clReleaseMemObject(from);
    }
    if (to != NULL) {
        clReleaseMemObject(to);
    }
    return code;
}

int peer_run(peer *p, const real *x, real *y, uint64_t rows) {
    const uint64_t inputs = p->net->widths[0], outputs = p->net->widths[p->net->layer_count];
    int code = 0;
    for (uint64_t done = 0; code == 0 && done < rows; done += p->chunk_rows) {
        const uint64_t left = rows - done;
        code = run_chunk(p, x + done * inputs, y + done * outputs,
                         left < p->chunk_rows ? left : p->chunk_rows);
    }
    return code;
}
