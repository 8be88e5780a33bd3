// SPDX-License-Identifier: MIT
// CLBlast for the products, a kernel for the activations, on the first OpenCL device. Rows go in
// chunks, so that the results of a layer fit the device. As "resident", X and Y are on the device
// before the clock starts and when it stops.
#include <clblast_c.h>
#include <stdlib.h>
#include <string.h>

#include "peer_opencl.h"

#define CHUNK_BYTES (UINT64_C(64) << 20)
#define LAYERS_MOST 16

struct peer {
    peer_opencl cl;
    const peer_net *net;
    cl_kernel activate;
    cl_mem weights[LAYERS_MOST], results[2];
    uint64_t chunk_rows;
    int resident;
    cl_mem x, y; // of all rows, where resident
};

const char *peer_version(void) {
    return CLBLAST_VERSION; // of its pkg-config file: the header has none
}

static int make_buffers(peer *p) {
    const peer_net *net = p->net;
    for (uint32_t i = 0; i < net->layer_count; i++) {
        p->weights[i] = peer_opencl_copy(&p->cl, net->weights[i],
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
    p->resident = strcmp(net->device, "resident") == 0;
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

/** Rows in a buffer, from element `at` on. */
typedef struct span {
    cl_mem buffer;
    size_t at;
} span;

/** y[rows][neurons] = x[rows][inputs] times the transpose of W[neurons][inputs] */
static CLBlastStatusCode product(peer *p, uint32_t layer, span x, span y, uint64_t rows) {
    const size_t inputs = p->net->widths[layer], neurons = p->net->widths[layer + 1];
#ifdef PEER_F64
    return CLBlastDgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, rows,
                        neurons, inputs, 1, x.buffer, x.at, inputs, p->weights[layer], 0, inputs, 0,
                        y.buffer, y.at, neurons, &p->cl.queue, NULL);
#else
    return CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, rows,
                        neurons, inputs, 1, x.buffer, x.at, inputs, p->weights[layer], 0, inputs, 0,
                        y.buffer, y.at, neurons, &p->cl.queue, NULL);
#endif
}

static int enqueue_layers(peer *p, span x, span y, uint64_t rows) {
    const peer_net *net = p->net;
    for (uint32_t i = 0; i < net->layer_count; i++) {
        span out = i + 1 == net->layer_count ? y : (span){p->results[i % 2], 0};
        const size_t items = rows * net->widths[i + 1];
        int code = product(p, i, x, out, rows);
        if (code == CL_SUCCESS && net->activation != PEER_IDENTITY) {
            clSetKernelArg(p->activate, 0, sizeof out.buffer, &out.buffer);
            code = clEnqueueNDRangeKernel(p->cl.queue, p->activate, 1, &out.at, &items, NULL, 0,
                                          NULL, NULL);
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
        code = enqueue_layers(p, (span){from, 0}, (span){to, 0}, rows);
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
        const uint64_t taken = left < p->chunk_rows ? left : p->chunk_rows;
        code = p->resident ? enqueue_layers(p, (span){p->x, done * inputs},
                                            (span){p->y, done * outputs}, taken)
                           : run_chunk(p, x + done * inputs, y + done * outputs, taken);
    }
    return code == 0 && p->resident ? clFinish(p->cl.queue) : code;
}

int peer_before(peer *p, const real *x, uint64_t rows) {
    const uint64_t *widths = p->net->widths;
    if (!p->resident) {
        return 0;
    }
    p->x = peer_opencl_copy(&p->cl, x, rows * widths[0] * sizeof(real));
    p->y = peer_opencl_copy(&p->cl, NULL, rows * widths[p->net->layer_count] * sizeof(real));
    return p->x == NULL || p->y == NULL ? CL_OUT_OF_RESOURCES : 0;
}

int peer_after(peer *p, real *y, uint64_t rows) {
    const uint64_t bytes = rows * p->net->widths[p->net->layer_count] * sizeof(real);
    cl_int code = 0;
    if (p->y != NULL) {
        code = clEnqueueReadBuffer(p->cl.queue, p->y, CL_TRUE, 0, bytes, y, 0, NULL, NULL);
        clReleaseMemObject(p->y);
    }
    if (p->x != NULL) {
        clReleaseMemObject(p->x);
    }
    p->x = p->y = NULL;
    return code;
}
