// SPDX-License-Identifier: MIT
// Times an engine against the limit of the machine.
#ifndef FFWD_CLI_MEASURE_H
#define FFWD_CLI_MEASURE_H

#include "result.h"
#include "trace.h"

/** What is measured, and how often. */
typedef struct measurement {
    ffwd_input x;
    ffwd_output y; /**< dense */
    uint64_t repeat;
    int report_fd; /**< a pipe whose reader may lose interest; -1: none */
    trace *trace;
} measurement;

/**
 * Warms up, then measures pairs of the limit and a run, interleaved so that both see the same
 * machine: `repeat` pairs, or with 0 until the median is stable. Leaves the run's rows in y.
 *
 * @return what a run failed with; FFWD_ECANCELLED on a signal; FFWD_EIO, EPIPE when nobody reads
 *         the report any more
 */
ffwd_status measure(const measurement *asked, result *found, ffwd_error *err);

#endif
