// SPDX-License-Identifier: MIT
// What the targets that read models share: what loads is described, and small ones score rows.
#ifndef FFWD_TESTS_FUZZ_MODEL_H
#define FFWD_TESTS_FUZZ_MODEL_H

#include "fuzz.h"

#define ROWS 3
/** What runs is to be fast, not large. */
#define MOST_PARAMETERS 4096
#define MOST_WIDTH      512

static ffwd_device *device;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    (void)argc;
    (void)argv;
    options.threads = 1;
    MUST(ffwd_device_open("cpu", &options, &device, &err) == FFWD_OK);
    return 0;
}

/** The model; NULL where it is refused with a reason. */
static ffwd_model *parse_model(const uint8_t *data, size_t size, const ffwd_load_options *options) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model;
    const ffwd_status status = ffwd_model_parse(data, size, options, &model, &err);
    if (status != FFWD_OK) {
        MUST(model == NULL);
        must_explain(status, &err);
    }
    return model;
}

/** Asks for all operations; returns the widest row. */
static uint64_t describe_operations(const ffwd_model *model, ffwd_model_info *info) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model_describe(model, info);
    uint64_t widest = info->inputs;
    for (size_t i = 0; i < info->operation_count; i++) {
        ffwd_operation layer;
        MUST(ffwd_model_operation(model, i, sizeof layer, &layer, &err) == FFWD_OK);
        MUST(layer.inputs > 0 && ffwd_activation_name(layer.activation)[0] != '\0');
        widest = layer.neurons > widest ? layer.neurons : widest;
    }
    return widest;
}

/** Scores ROWS rows of a model that is small enough. */
static void run_small(ffwd_model *model, const ffwd_model_info *info, uint64_t widest) {
    static const double x[ROWS * MOST_WIDTH] = {1.0, -2.0, 0.5};
    static double y[ROWS * MOST_WIDTH];
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_engine *engine = NULL;
    if (widest > MOST_WIDTH || info->parameters > MOST_PARAMETERS) {
        return;
    }
    ffwd_input in = {.data = x, .dtype = info->dtype, .rows = ROWS, .cols = info->inputs};
    ffwd_output out = {.data = y, .dtype = info->dtype, .rows = ROWS, .cols = info->outputs};
    MUST(ffwd_engine_create(model, &device, 1, NULL, &engine, &err) == FFWD_OK);
    MUST(ffwd_engine_run(engine, &in, &out, NULL, NULL, &err) == FFWD_OK);
    ffwd_engine_destroy(engine);
}

#endif
