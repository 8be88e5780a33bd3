// SPDX-License-Identifier: MIT
#include "micro.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LONGEST_NS  1e8
#define MOST_RUNS   2001
#define FEWEST_RUNS 5

const char *micro_device(const micro_options *given) {
    return given->device != NULL ? given->device : "cpu";
}

uint64_t micro_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

void micro_need(ffwd_status status, const ffwd_error *err) {
    if (status != FFWD_OK) {
        fprintf(stderr, "ffwd_micro: %s\n",
                err->message[0] != '\0' ? err->message : ffwd_status_text(status));
        exit(EXIT_FAILURE);
    }
}

void *micro_alloc(uint64_t bytes) {
    void *block = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (block == NULL) {
        fprintf(stderr, "ffwd_micro: no memory for %llu bytes\n", (unsigned long long)bytes);
        exit(EXIT_FAILURE);
    }
    return block;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double micro_quantile(double *values, size_t count, double share) {
    qsort(values, count, sizeof *values, compare);
    return values[(size_t)lround(share * (double)(count - 1))];
}

ffwd_model *micro_model(uint32_t dtype, const uint64_t *widths, size_t layers,
                        uint32_t activation) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_operation *operations = micro_alloc(layers * sizeof *operations);
    ffwd_model *model = NULL;
    for (size_t i = 0; i < layers; i++) {
        const uint64_t count = widths[i] * widths[i + 1];
        void *weights = micro_alloc(count * ffwd_dtype_size(dtype));
        micro_need(ffwd_random_fill(1, (uint32_t)i, 0, count, dtype, weights, &err), &err);
        operations[i] = (ffwd_operation){.kind = FFWD_DENSE,
                                         .activation = activation,
                                         .inputs = widths[i],
                                         .neurons = widths[i + 1],
                                         .weights = weights};
    }
    micro_need(
        ffwd_model_create(dtype, widths[0], operations, layers, sizeof *operations, &model, &err),
        &err);
    for (size_t i = 0; i < layers; i++) {
        free((void *)(uintptr_t)operations[i].weights);
    }
    free(operations);
    return model;
}

ffwd_engine *micro_engine(const micro_options *given, const ffwd_model *model, uint64_t rows) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device_options device = FFWD_DEVICE_OPTIONS_INIT;
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_engine *engine = NULL;
    device.threads = given->threads;
    options.device = micro_device(given);
    options.device_options = given->threads > 0 ? &device : NULL;
    options.expected_rows = rows;
    options.no_fallback = 1;
    micro_need(ffwd_engine_create(model, NULL, 0, &options, &engine, &err), &err);
    return engine;
}

micro_run micro_run_begin(const micro_options *given, uint32_t dtype, const uint64_t *widths,
                          size_t layers, uint32_t activation, uint64_t rows) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = micro_model(dtype, widths, layers, activation);
    const uint64_t inputs = widths[0], outputs = widths[layers], size = ffwd_dtype_size(dtype);
    void *x = micro_alloc(rows * inputs * size), *y = micro_alloc(rows * outputs * size);
    micro_need(ffwd_random_fill(1, (uint32_t)layers, 0, rows * inputs, dtype, x, &err), &err);
    micro_run run = {.engine = micro_engine(given, model, rows),
                     .x = {.data = x, .dtype = dtype, .rows = rows, .cols = inputs},
                     .y = {.data = y, .dtype = dtype, .rows = rows, .cols = outputs}};
    ffwd_model_destroy(model);
    micro_run_once(&run);
    return run;
}

void micro_run_end(micro_run *run) {
    ffwd_engine_destroy(run->engine);
    free((void *)(uintptr_t)run->x.data);
    free(run->y.data);
}

double micro_run_once(const micro_run *run) {
    ffwd_error err = FFWD_ERROR_INIT;
    const uint64_t start = micro_now_ns();
    micro_need(ffwd_engine_run(run->engine, &run->x, &run->y, NULL, NULL, &err), &err);
    return (double)(micro_now_ns() - start);
}

double micro_run_median(const micro_run *run) {
    double times[MOST_RUNS], spent = 0;
    size_t count = 0;
    while (count < FEWEST_RUNS || (count < MOST_RUNS && spent < LONGEST_NS)) {
        const uint64_t end = micro_now_ns() + run->pause_ns;
        while (micro_now_ns() < end) {
        }
        times[count] = micro_run_once(run);
        spent += times[count++];
    }
    return micro_quantile(times, count, 0.5);
}
