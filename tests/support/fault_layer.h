// SPDX-License-Identifier: MIT
// An OpenCL layer between the ICD loader and the drivers that makes one call go wrong and counts
// what lives. A test finds these functions with dlsym in the layer, which the loader loads when
// OPENCL_LAYERS names it; FFWD_TEST_LAYER="KIND:AT:FOR_EVER:CODE" plans a fault for a command,
// which leaves its tally (calls, struck ones, transfers, waits, live objects) in the file that
// FFWD_TEST_LAYER_TALLY names.
#ifndef FFWD_TESTS_FAULT_LAYER_H
#define FFWD_TESTS_FAULT_LAYER_H

#include <stdint.h>

typedef enum fault_kind {
    FAULT_NONE,
    FAULT_CODE,  /**< the call is not made and returns the code */
    FAULT_LATE,  /**< the call is made, and the next one that waits returns the code */
    FAULT_STATE, /**< the command whose state is asked for next ended with the code */
    FAULT_FLIP,  /**< of what the next call brings back that does, one bit is wrong */
    FAULT_DELAY, /**< the call takes long */
    FAULT_KINDS
} fault_kind;

/** What goes wrong. Calls count from 1 at fault_layer_begin; releases are not counted. */
typedef struct fault_plan {
    fault_kind kind;
    uint64_t at;
    int for_ever; /**< all later calls, too */
    int32_t code;
} fault_plan;

enum { FAULT_OBJECTS = 6 }; /**< contexts, queues, buffers, programs, kernels, events */

typedef struct fault_tally {
    uint64_t calls;
    uint64_t struck;    /**< calls that really went wrong */
    uint64_t transfers; /**< writes, reads, fills, copies, maps and their ends */
    uint64_t waits;     /**< of the host, for a queue, events or a transfer */
    uint64_t live[FAULT_OBJECTS];
} fault_tally;

typedef void fault_begin_function(const fault_plan *plan);
typedef void fault_tally_function(fault_tally *out);
typedef void fault_wait_function(void);

/** Starts counting calls and plans a fault. */
fault_begin_function fault_layer_begin;
fault_tally_function fault_layer_tally;
/** Waits until every queue since the last end is idle: what was abandoned may still be at work in a
 *  caller's rows. */
fault_wait_function fault_layer_wait;
/** The same; then there are no more faults, and no such queues. */
fault_wait_function fault_layer_end;

#endif
