// SPDX-License-Identifier: MIT
#include "peer_opencl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Reads peers.cl, which FFWD_PEER_KERNELS names where the peer was carried; false where it is not
 * there or longer than `size`. */
static int read_source(char *text, size_t size) {
    const char *named = getenv("FFWD_PEER_KERNELS");
    FILE *file = fopen(named != NULL ? named : PEER_KERNELS, "r");
    if (file == NULL) {
        return 0;
    }
    const size_t length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
    return length > 0 && length < size - 1;
}

static cl_int build(peer_opencl *cl, cl_device_id device, const peer_net *net, const char *more) {
    char source[8192], options[512];
    const char *text = source;
    cl_int code;
    if (!read_source(source, sizeof source)) {
        return CL_INVALID_VALUE;
    }
    snprintf(options, sizeof options, "-cl-std=CL1.2 -DACTIVATION=%u %s %s", net->activation,
             sizeof(real) == 8 ? "-DREAL_IS_F64" : "", more);
    cl->program = clCreateProgramWithSource(cl->context, 1, &text, NULL, &code);
    return code != CL_SUCCESS ? code : clBuildProgram(cl->program, 1, &device, options, NULL, NULL);
}

static cl_int open_device(peer_opencl *cl, cl_device_id *device) {
    cl_platform_id platform;
    cl_int code = clGetPlatformIDs(1, &platform, NULL);
    if (code == CL_SUCCESS) {
        code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, device, NULL);
    }
    if (code == CL_SUCCESS) {
        cl->context = clCreateContext(NULL, 1, device, NULL, NULL, &code);
    }
    if (code == CL_SUCCESS) {
        cl->queue = clCreateCommandQueue(cl->context, *device, 0, &code);
    }
    return code;
}

int peer_opencl_open(peer_opencl *cl, const peer_net *net, const char *options,
                     peer_reason *reason) {
    cl_device_id device;
    *cl = (peer_opencl){0};
    cl_int code = open_device(cl, &device);
    if (code == CL_SUCCESS) {
        code = build(cl, device, net, options);
    }
    if (code != CL_SUCCESS) {
        peer_opencl_close(cl);
        peer_refuse(reason, "OpenCL failed with %d", code);
        return -1;
    }
    return 0;
}

void peer_opencl_close(peer_opencl *cl) {
    if (cl->program != NULL) {
        clReleaseProgram(cl->program);
    }
    if (cl->queue != NULL) {
        clReleaseCommandQueue(cl->queue);
    }
    if (cl->context != NULL) {
        clReleaseContext(cl->context);
    }
}

cl_mem peer_opencl_buffer(const peer_opencl *cl, const void *host, uint64_t bytes) {
    const cl_mem_flags flags = CL_MEM_READ_WRITE | (host != NULL ? CL_MEM_USE_HOST_PTR : 0);
    return clCreateBuffer(cl->context, flags, bytes, (void *)host, NULL);
}

cl_mem peer_opencl_copy(const peer_opencl *cl, const void *host, uint64_t bytes) {
    const cl_mem_flags flags = CL_MEM_READ_WRITE | (host != NULL ? CL_MEM_COPY_HOST_PTR : 0);
    return clCreateBuffer(cl->context, flags, bytes, (void *)host, NULL);
}

cl_int peer_opencl_take_back(const peer_opencl *cl, cl_mem buffer, uint64_t bytes) {
    cl_int code;
    void *mapped =
        clEnqueueMapBuffer(cl->queue, buffer, CL_TRUE, CL_MAP_READ, 0, bytes, 0, NULL, NULL, &code);
    if (code == CL_SUCCESS) {
        code = clEnqueueUnmapMemObject(cl->queue, buffer, mapped, 0, NULL, NULL);
    }
    return code == CL_SUCCESS ? clFinish(cl->queue) : code;
}
