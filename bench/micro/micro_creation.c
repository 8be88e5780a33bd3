// SPDX-License-Identifier: MIT
// What making and destroying takes: a model from weights in memory, an engine on an open device, a
// clone of it.
#include <stdio.h>

#include "micro.h"
#include "micro_nets.h"

#define TIMES 31

typedef struct costs {
    double model_ns[TIMES], engine_ns[TIMES], clone_ns[TIMES], destroy_ns[TIMES];
} costs;

static double since(uint64_t start) {
    return (double)(micro_now_ns() - start);
}

/** The model's own weights are copied again. */
static double time_model(const ffwd_model *from) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model_info info = FFWD_MODEL_INFO_INIT;
    ffwd_operation operations[8];
    ffwd_model *copy = NULL;
    ffwd_model_describe(from, &info);
    for (size_t i = 0; i < info.operation_count; i++) {
        micro_need(ffwd_model_operation(from, i, sizeof operations[i], &operations[i], &err), &err);
    }
    const uint64_t start = micro_now_ns();
    micro_need(ffwd_model_create(info.dtype, info.inputs, operations, info.operation_count,
                                 sizeof operations[0], &copy, &err),
               &err);
    const double ns = since(start);
    ffwd_model_destroy(copy);
    return ns;
}

static void time_engine(const ffwd_model *model, ffwd_device *device, costs *kept, size_t i) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_engine *engine = NULL, *clone = NULL;
    uint64_t start = micro_now_ns();
    micro_need(ffwd_engine_create(model, &device, 1, NULL, &engine, &err), &err);
    kept->engine_ns[i] = since(start);
    start = micro_now_ns();
    micro_need(ffwd_engine_clone(engine, &clone, &err), &err);
    kept->clone_ns[i] = since(start);
    ffwd_engine_destroy(clone);
    start = micro_now_ns();
    ffwd_engine_destroy(engine);
    kept->destroy_ns[i] = since(start);
}

static void print_costs(const micro_net *net, uint32_t dtype, ffwd_device *device) {
    costs kept;
    ffwd_model *model = micro_model(dtype, net->widths, net->layers, net->activation);
    for (size_t i = 0; i < TIMES; i++) {
        kept.model_ns[i] = time_model(model);
        time_engine(model, device, &kept, i);
    }
    printf("%-20s %s %10.1f %10.1f %10.1f %10.1f\n", net->name, ffwd_dtype_name(dtype),
           micro_quantile(kept.model_ns, TIMES, 0.5) * 1e-3,
           micro_quantile(kept.engine_ns, TIMES, 0.5) * 1e-3,
           micro_quantile(kept.clone_ns, TIMES, 0.5) * 1e-3,
           micro_quantile(kept.destroy_ns, TIMES, 0.5) * 1e-3);
    ffwd_model_destroy(model);
}

void micro_creation(const micro_options *given) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    ffwd_device *device = NULL;
    options.threads = given->threads;
    const uint64_t start = micro_now_ns();
    micro_need(
        ffwd_device_open(micro_device(given), given->threads > 0 ? &options : NULL, &device, &err),
        &err);
    printf("%s opened in %.1f us; then, in us, medians of %d:\n%-24s %10s %10s %10s %10s\n",
           micro_device(given), since(start) * 1e-3, TIMES, "", "model", "engine", "clone",
           "destroy");
    for (uint32_t dtype = FFWD_F32; dtype <= FFWD_F64; dtype++) {
        for (size_t i = 0; i < MICRO_NET_COUNT; i++) {
            print_costs(&micro_nets[i], dtype, device);
        }
    }
    ffwd_device_destroy(device);
}
