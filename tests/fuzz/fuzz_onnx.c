// SPDX-License-Identifier: MIT
// Any bytes as an ONNX model. What loads is described, and small ones score three rows; folded or
// not, converted or not, scores or labels.
#include "fuzz_model.h"

static void must_print(const char *text) {
    for (; *text != '\0'; text++) {
        MUST(*text >= ' ' && *text <= '~');
    }
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

static void load(const uint8_t *data, size_t size, const ffwd_load_options *options) {
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_model *model = parse_model(data, size, options);
    if (model == NULL) {
        return;
    }
    const uint64_t widest = describe_operations(model, &info);
    describe_nodes(model, &info);
    run_small(model, &info, widest);
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
