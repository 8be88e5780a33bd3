// SPDX-License-Identifier: MIT
// Any bytes as an ONNX model. What loads is described, and small ones score three rows; folded or
// not, converted or not, scores or labels.
#include "fuzz.h"

#include <string.h>

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

static void must_print(const char *text) {
    for (; *text != '\0'; text++) {
        MUST(*text >= ' ' && *text <= '~');
    }
}

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

static void describe_nodes(const ffwd_model *model, const ffwd_model_info *info) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model_node node = FFWD_MODEL_NODE_INIT;
    const size_t count = ffwd_model_node_count(model);
    for (size_t i = 0; i < count; i++) {
        MUST(ffwd_model_describe_node(model, i, &node, &err) == FFWD_OK);
        MUST(node.operation <= info->operation_count && node.fate[0] != '\0');
        MUST(node.folded == 0 || node.operation > 0);
        must_print(node.name);
        must_print(node.op);
    }
    MUST(ffwd_model_describe_node(model, count, &node, &err) == FFWD_EARGUMENT);
}

static void run_rows(ffwd_model *model, const ffwd_model_info *info) {
    static const double x[ROWS * MOST_WIDTH] = {1.0, -2.0, 0.5};
    static double y[ROWS * MOST_WIDTH];
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_engine *engine = NULL;
    ffwd_input in = {.data = x, .dtype = info->dtype, .rows = ROWS, .cols = info->inputs};
    ffwd_output out = {.data = y, .dtype = info->dtype, .rows = ROWS, .cols = info->outputs};
    MUST(ffwd_engine_create(model, &device, 1, NULL, &engine, &err) == FFWD_OK);
    MUST(ffwd_engine_run(engine, &in, &out, NULL, NULL, &err) == FFWD_OK);
    ffwd_engine_destroy(engine);
}

static void load(const uint8_t *data, size_t size, const ffwd_load_options *options) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model *model;
    ffwd_status status = ffwd_model_parse(data, size, options, &model, &err);
    if (status != FFWD_OK) {
        MUST(model == NULL);
        must_explain(status, &err);
        return;
    }
    const uint64_t widest = describe_operations(model, &info);
    describe_nodes(model, &info);
    if (widest <= MOST_WIDTH && info.parameters <= MOST_PARAMETERS) {
        run_rows(model, &info);
    }
    ffwd_model_destroy(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ffwd_load_options other = FFWD_LOAD_OPTIONS_INIT;
    other.dtype = FFWD_F64;
    other.labels = 1;
    other.no_fold = 1;
    load(data, size, NULL);
    load(data, size, &other);
    return 0;
}
