// SPDX-License-Identifier: MIT
// The OpenCL that the peers on OpenCL have in common: the first device, its queue, a program.
#ifndef FFWD_BENCH_PEER_OPENCL_H
#define FFWD_BENCH_PEER_OPENCL_H

#include <CL/cl.h>

#include "peer.h"

typedef struct peer_opencl {
    cl_context context;
    cl_command_queue queue;
    cl_program program;
} peer_opencl;

/** Opens the first device there is and builds peers.cl with `options`; -1: failed, with the reason.
 */
int peer_opencl_open(peer_opencl *cl, const peer_net *net, const char *options,
                     peer_reason *reason);
void peer_opencl_close(peer_opencl *cl);

/** A buffer over host memory in place, or of its own where host is NULL; NULL: failed. */
cl_mem peer_opencl_buffer(const peer_opencl *cl, const void *host, uint64_t bytes);

/** One of the device's own, with a copy of what is in host memory, or NULL. */
cl_mem peer_opencl_copy(const peer_opencl *cl, const void *host, uint64_t bytes);

/** Waits until a buffer over host memory that was written is there, and lets go of it. */
cl_int peer_opencl_take_back(const peer_opencl *cl, cl_mem buffer, uint64_t bytes);

#endif
