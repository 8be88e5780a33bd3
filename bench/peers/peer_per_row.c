// SPDX-License-Identifier: MIT
// A plain OpenCL kernel: one work-item takes one row through the network.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer_opencl.h"

/** Wider ones need more private memory than devices give a work-item. */
#define WIDEST 256

struct peer {
    peer_opencl cl;
    const peer_net *net;
    cl_kernel kernel;
    cl_mem weights;
    real *packed; /**< what the buffer of weights lies over */
};

const char *peer_version(void) {
    return "";
}

static void write_options(const peer_net *net, char *options, size_t size) {
    int used = snprintf(options, size, "-DLAYERS=%u -DWIDEST=%llu -DWIDTHS=", net->layer_count,
                        (unsigned long long)peer_widest(net));
    for (uint32_t i = 0; i <= net->layer_count && (size_t)used < size; i++) {
        used += snprintf(options + used, size - (size_t)used, "%s%llu", i > 0 ? "," : "",
                         (unsigned long long)net->widths[i]);
    }
}

/** All layers' weights, one after the other. */
static int pack(peer *p) {
    const peer_net *net = p->net;
    uint64_t count = 0;
    for (uint32_t i = 0; i < net->layer_count; i++) {
        count += net->widths[i] * net->widths[i + 1];
    }
    p->packed = malloc(count * sizeof(real));
    if (p->packed == NULL) {
        return -1;
    }
    real *to = p->packed;
    for (uint32_t i = 0; i < net->layer_count; i++) {
        const uint64_t some = net->widths[i] * net->widths[i + 1];
        memcpy(to, net->weights[i], some * sizeof(real));
        to += some;
    }
    p->weights = peer_opencl_buffer(&p->cl, p->packed, count * sizeof(real));
    return p->weights != NULL ? 0 : -1;
}

peer *peer_create(const peer_net *net, peer_reason *reason) {
    char options[256];
    if (peer_widest(net) > WIDEST) {
        return peer_refuse(reason, "a work-item's private arrays end at %d values", WIDEST);
    }
    peer *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return peer_refuse(reason, "out of memory");
    }
    p->net = net;
    write_options(net, options, sizeof options);
    if (peer_opencl_open(&p->cl, net, options, reason) != 0) {
        free(p);
        return NULL;
    }
    p->kernel = clCreateKernel(p->cl.program, "per_row", NULL);
    if (p->kernel == NULL || pack(p) != 0) {
        peer_destroy(p);
        return peer_refuse(reason, "OpenCL could not take the network");
    }
    return p;
}

void peer_destroy(peer *p) {
    if (p->kernel != NULL) {
        clReleaseKernel(p->kernel);
    }
    if (p->weights != NULL) {
        clReleaseMemObject(p->weights);
    }
    peer_opencl_close(&p->cl);
    free(p->packed);
    free(p);
}

static cl_int run_over(const peer *p, cl_mem x, cl_mem y, uint64_t rows, uint64_t y_bytes) {
    const size_t items = rows;
    clSetKernelArg(p->kernel, 0, sizeof x, &x);
    clSetKernelArg(p->kernel, 1, sizeof y, &y);
    clSetKernelArg(p->kernel, 2, sizeof p->weights, &p->weights);
    const cl_int code =
        clEnqueueNDRangeKernel(p->cl.queue, p->kernel, 1, NULL, &items, NULL, 0, NULL, NULL);
    return code == CL_SUCCESS ? peer_opencl_take_back(&p->cl, y, y_bytes) : code;
}

int peer_run(peer *p, const real *x, real *y, uint64_t rows) {
    const uint64_t y_bytes = rows * p->net->widths[p->net->layer_count] * sizeof(real);
    cl_mem from = peer_opencl_buffer(&p->cl, x, rows * p->net->widths[0] * sizeof(real));
    cl_mem to = peer_opencl_buffer(&p->cl, y, y_bytes);
    cl_int code = CL_OUT_OF_RESOURCES;
    if (from != NULL && to != NULL) {
        code = run_over(p, from, to, rows, y_bytes);
    }
    if (from != NULL) {
        clReleaseMemObject(from);
    }
    if (to != NULL) {
        clReleaseMemObject(to);
    }
    return code;
}
