// SPDX-License-Identifier: MIT
// Every way of running a model that this machine has.
#include "paths.h"

#include <stdio.h>

#include "support/suite.h"

const path paths[] = {
    {"cpu", "portable", 1, FFWD_FUSED}, {"cpu", "portable", 3, FFWD_LAYERED},
    {"cpu", "avx2", 1, FFWD_FUSED},     {"cpu", "avx2", 3, FFWD_FUSED},
    {"cpu", "avx2", 2, FFWD_LAYERED},   {"cpu", "avx512", 1, FFWD_FUSED},
    {"cpu", "avx512", 3, FFWD_FUSED},   {"cpu", "avx512", 2, FFWD_LAYERED},
    {"opencl", NULL, 0, FFWD_CHAIN},    {"opencl", NULL, 0, FFWD_LAYERED},
    {"opencl", NULL, 0, FFWD_FUSED},
};
const int path_count = sizeof paths / sizeof paths[0];

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
        /* An instruction set of another architecture is unknown here, not merely lacking. */
        ck_assert_msg(status == FFWD_EUNSUPPORTED || status == FFWD_ENODEVICE ||
                          (p->isa != NULL && status == FFWD_EARGUMENT),
                      "%s: %s", path_text(p), err.message);
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
    ck_assert_msg(status == FFWD_OK, "%s: %s", path_text(p), err.message);
    ck_assert_uint_eq(ffwd_engine_strategy(engine), p->strategy);
    return engine;
}
