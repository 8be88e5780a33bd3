// SPDX-License-Identifier: MIT
// A caller with OpenCL of its own: context, queue and buffers that rows lie in; and the layer that
// counts and fails its calls and the library's.
#ifndef FFWD_TESTS_OPENCL_CALLER_H
#define FFWD_TESTS_OPENCL_CALLER_H

#include <stdbool.h>
#include <stdint.h>

#include "opencl/loader.h"
#include "support/fault_layer.h"

/** Functions that the library itself does not use. */
typedef struct caller_functions {
    __typeof__(&clCreateUserEvent) create_user_event;
    __typeof__(&clSetUserEventStatus) set_user_event_status;
    __typeof__(&clCreateSubBuffer) create_sub_buffer;
} caller_functions;

typedef struct caller {
    const ffwd_opencl_api *cl;
    caller_functions more;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
} caller;

/** False, and a skip, where there is no device. */
bool caller_open(caller *c, cl_command_queue_properties properties);
void caller_close(caller *c);

/* Each of these fails the test where OpenCL does. */
cl_command_queue make_queue(const caller *c, cl_command_queue_properties properties);
cl_mem make_buffer(const caller *c, uint64_t bytes);
void write_buffer(const caller *c, cl_mem buffer, uint64_t bytes, const void *values);
/** Waits for the queue first. */
void read_buffer(const caller *c, cl_mem buffer, uint64_t bytes, void *values);
cl_int state_of(const caller *c, cl_event event);
cl_event user_event(const caller *c);

extern fault_begin_function *begin_faults;
extern fault_tally_function *tally;
extern const fault_plan no_fault;

/** Has every later call pass through the layer at this path, and nothing kept on disk; before
 * OpenCL is loaded. False, and a line on stderr, where that is not possible. */
bool use_fault_layer(const char *path);
/** Objects that live. */
uint64_t count_living(void);

#endif
