// SPDX-License-Identifier: MIT
// A caller's context, queue and buffers, and what of the fault layer a caller wants.
#include "support/opencl_caller.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

fault_begin_function *begin_faults;
fault_tally_function *tally;
const fault_plan no_fault = {FAULT_NONE, 0, 0, 0};

static ffwd_error err = FFWD_ERROR_INIT;

cl_command_queue make_queue(const caller *c, cl_command_queue_properties properties) {
    cl_int code = CL_SUCCESS;
    cl_command_queue queue = c->cl->clCreateCommandQueue(c->context, c->id, properties, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return queue;
}

static void find_more(caller *c) {
    void *library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    ck_assert_ptr_nonnull(library);
    void *found[] = {dlsym(library, "clCreateUserEvent"), dlsym(library, "clSetUserEventStatus"),
                     dlsym(library, "clCreateSubBuffer")};
    memcpy(&c->more, found, sizeof c->more);
}

bool caller_open(caller *c, cl_command_queue_properties properties) {
    cl_platform_id platform = NULL;
    cl_int code = CL_DEVICE_NOT_FOUND;
    const ffwd_status status = ffwd_opencl_load(&c->cl, &err);
    if (status == FFWD_OK) {
        code = c->cl->clGetPlatformIDs(1, &platform, NULL);
    }
    if (code == CL_SUCCESS) {
        code = c->cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &c->id, NULL);
    }
    if (code != CL_SUCCESS) {
        expect_no_opencl(err.message);
        skip("%s (%d)", err.message, (int)code);
        return false;
    }
    find_more(c);
    c->context = c->cl->clCreateContext(NULL, 1, &c->id, NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    c->queue = make_queue(c, properties);
    return true;
}

void caller_close(caller *c) {
    (void)c->cl->clReleaseCommandQueue(c->queue);
    (void)c->cl->clReleaseContext(c->context);
}

cl_mem make_buffer(const caller *c, uint64_t bytes) {
    cl_int code = CL_SUCCESS;
    cl_mem buffer =
        c->cl->clCreateBuffer(c->context, CL_MEM_READ_WRITE, (size_t)bytes, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return buffer;
}

void write_buffer(const caller *c, cl_mem buffer, uint64_t bytes, const void *values) {
    ck_assert_int_eq(c->cl->clEnqueueWriteBuffer(c->queue, buffer, CL_TRUE, 0, (size_t)bytes,
                                                 values, 0, NULL, NULL),
                     CL_SUCCESS);
}

void read_buffer(const caller *c, cl_mem buffer, uint64_t bytes, void *values) {
    ck_assert_int_eq(c->cl->clFinish(c->queue), CL_SUCCESS);
    ck_assert_int_eq(c->cl->clEnqueueReadBuffer(c->queue, buffer, CL_TRUE, 0, (size_t)bytes, values,
                                                0, NULL, NULL),
                     CL_SUCCESS);
}

cl_int state_of(const caller *c, cl_event event) {
    cl_int state = CL_QUEUED;
    ck_assert_int_eq(
        c->cl->clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL),
        CL_SUCCESS);
    return state;
}

cl_event user_event(const caller *c) {
    cl_int code = CL_SUCCESS;
    cl_event event = c->more.create_user_event(c->context, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return event;
}

uint64_t count_living(void) {
    fault_tally seen;
    uint64_t live = 0;
    tally(&seen);
    for (size_t i = 0; i < FAULT_OBJECTS; i++) {
        live += seen.live[i];
    }
    return live;
}

bool use_fault_layer(const char *path) {
    void *layer = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (layer == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    void *found[] = {dlsym(layer, "fault_layer_begin"), dlsym(layer, "fault_layer_tally")};
    memcpy(&begin_faults, &found[0], sizeof begin_faults);
    memcpy(&tally, &found[1], sizeof tally);
    return begin_faults != NULL && tally != NULL && setenv("OPENCL_LAYERS", path, 1) == 0 &&
           setenv("FFWD_CACHE", "off", 1) == 0;
}
