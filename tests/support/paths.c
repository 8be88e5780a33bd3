// SPDX-License-Identifier: MIT
// Every way of running a model that this build has.
#include "paths.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

path paths[PATHS_MAX];
int path_count;

static void add_path(path added) {
    if (path_count == PATHS_MAX) {
        abort(); // rather than leave one out
    }
    paths[path_count++] = added;
}

bool paths_copy(void) {
    const char *copy = getenv("FFWD_OPENCL_COPY");
    return copy != NULL && strcmp(copy, "1") == 0;
}

/* With kernels of another kind of device the CPU takes no part, and matmul.cl only once: the tables
 * of GPUs differ in what fused takes. */
static void collect_opencl(void) {
    const char *kernels = getenv("FFWD_OPENCL_KERNELS");
    if (kernels == NULL || strcmp(kernels, "nvidia") == 0 || getenv("FFWD_LONG") != NULL) {
        add_path((path){"opencl", NULL, 0, FFWD_CHAIN});
        add_path((path){"opencl", NULL, 0, FFWD_LAYERED});
    }
    add_path((path){"opencl", NULL, 0, FFWD_FUSED});
}

/* Before main, which tells Check how many there are. Of the portable code, which is slow, one path
 * fewer. Where OpenCL devices are made others than they are, they are what is tested. */
__attribute__((constructor)) static void collect_paths(void) {
    const char *isa;
    const bool cpu = getenv("FFWD_OPENCL_KERNELS") == NULL && !paths_copy();
    for (size_t i = 0; cpu && (isa = ffwd_isa_name(i, NULL)) != NULL; i++) {
        add_path((path){"cpu", isa, 1, FFWD_FUSED});
        add_path((path){"cpu", isa, 2, FFWD_LAYERED});
        if (i > 0) {
            add_path((path){"cpu", isa, 3, FFWD_FUSED});
        }
    }
    collect_opencl();
}

bool path_samples(uint64_t n) {
    const char *sample = getenv("FFWD_TESTS_SAMPLE");
    unsigned first = 0, step = 4;
    if (getenv("FFWD_LONG") != NULL) {
        return true;
    }
    if (sample != NULL && (sscanf(sample, "%u/%u", &first, &step) != 2 || first >= step)) {
        (void)fprintf(stderr, "FFWD_TESTS_SAMPLE=%s: not K/M with K < M\n", sample);
        abort();
    }
    // Scattered, so that what alternates with n, such as the dtype, does not in a sample.
    return (n * UINT64_C(0x9e3779b97f4a7c15) >> 32) % step == first;
}

const char *path_text(const path *p) {
    static char text[96];
    if (p->isa != NULL) {
        (void)snprintf(text, sizeof text, "%s %s %u threads %s", p->selector, p->isa, p->threads,
                       ffwd_strategy_name(p->strategy));
    } else {
        (void)snprintf(text, sizeof text, "%s %s", p->selector, ffwd_strategy_name(p->strategy));
    }
    return text;
}

ffwd_device *path_open(const path *p) {
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    options.isa = p->isa;
    options.threads = p->threads;
    ffwd_device *device = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_status status = ffwd_device_open(p->selector, &options, &device, &err);
    if (status != FFWD_OK) {
        ck_assert_msg(status == FFWD_EUNSUPPORTED || status == FFWD_ENODEVICE, "%s: %s",
                      path_text(p), err.message);
        if (p->isa == NULL) {
            expect_no_opencl(err.message);
        }
        skip("%s: %s", path_text(p), err.message);
    }
    return device;
}

ffwd_engine *path_engine(const path *p, ffwd_device *device, const ffwd_model *model,
                         uint64_t chunk_rows) {
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.strategy = p->strategy;
    options.no_fallback = 1;
    options.chunk_rows = chunk_rows;
    ffwd_engine *engine = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_status status = ffwd_engine_create(model, &device, 1, &options, &engine, &err);
    if (status == FFWD_EUNSUPPORTED &&
        strstr(err.message, ": fused takes up to 32 layers and 128 values a row, ") != NULL) {
        options.strategy = FFWD_STRATEGY_AUTO;
        status = ffwd_engine_create(model, &device, 1, &options, &engine, &err);
    }
    ck_assert_msg(status == FFWD_OK, "%s: %s", path_text(p), err.message);
    if (options.strategy != FFWD_STRATEGY_AUTO) {
        ck_assert_uint_eq(ffwd_engine_strategy(engine), p->strategy);
    }
    return engine;
}
