// SPDX-License-Identifier: MIT
// What the micro-benchmarks have in common. They are tools: what fails ends the program.
#ifndef FFWD_BENCH_MICRO_H
#define FFWD_BENCH_MICRO_H

#include <ffwd/ffwd.h>
#include <stdbool.h>

typedef struct micro_options {
    bool json;
    uint32_t threads;   /**< 0: all */
    const char *device; /**< NULL: nothing was said, which mostly means "cpu" */

    const char *network; /**< predictions: those that have this in their name; NULL: all */
    uint64_t rows;       /**< predictions: this many alone; 0: all */
} micro_options;

/** One of the benchmarks: prints a table. */
void micro_layers(const micro_options *given);
void micro_activations(const micro_options *given);
void micro_latency(const micro_options *given);
void micro_creation(const micro_options *given);
void micro_transposes(const micro_options *given);
void micro_limits(const micro_options *given);
void micro_predictions(const micro_options *given);

/** The device of the options, or the CPU. */
const char *micro_device(const micro_options *given);

uint64_t micro_now_ns(void);

/** Ends the program with the message where status is not FFWD_OK. */
void micro_need(ffwd_status status, const ffwd_error *err);
/** Memory that starts with a cache line; never NULL. */
void *micro_alloc(uint64_t bytes);
/** Sorts; the value below which `share` of them lie. */
double micro_quantile(double *values, size_t count, double share);

/** Random weights; the same activation everywhere. Destroy the model. */
ffwd_model *micro_model(uint32_t dtype, const uint64_t *widths, size_t layers, uint32_t activation);
/** On the device of the options. Destroy the engine. */
ffwd_engine *micro_engine(const micro_options *given, const ffwd_model *model, uint64_t rows);

/** An engine with rows for it. */
typedef struct micro_run {
    ffwd_engine *engine;
    ffwd_input x;
    ffwd_output y;
    uint64_t pause_ns; /**< in front of each run of a median */
} micro_run;

micro_run micro_run_begin(const micro_options *given, uint32_t dtype, const uint64_t *widths,
                          size_t layers, uint32_t activation, uint64_t rows);
void micro_run_end(micro_run *run);
/** Nanoseconds of one run. */
double micro_run_once(const micro_run *run);
/** The median nanoseconds of runs for about a tenth of a second. */
double micro_run_median(const micro_run *run);

#endif
