// SPDX-License-Identifier: MIT
// Predicted beside measured times of whole runs, in the same process, on the CPU path and on a
// device of OpenCL; and what "auto" takes, beside the better of the two. Its rows are figures,
// which scripts/figures puts into docs/predictions.md.
#include <stdio.h>
#include <string.h>

#include "micro.h"

/** Beyond these a run takes more than a second or so, or X and Y too much memory. */
#define MOST_FLOPS 3e11
#define MOST_BYTES 1e9

/** From one run to the next, as where a program has something else to do: threads go to sleep. */
#define PAUSE_NS 50000

typedef struct predicted_net {
    const char *name;
    size_t layers;
    uint64_t widths[7];
    uint32_t activation;
} predicted_net;

static const predicted_net nets[] = {
    {"2-3-2-1 step", 3, {2, 3, 2, 1}, FFWD_STEP},
    {"10-32-16-1 relu", 3, {10, 32, 16, 1}, FFWD_RELU},
    {"16-64-64-1 relu", 3, {16, 64, 64, 1}, FFWD_RELU},
    {"16-64-64-1 tanh", 3, {16, 64, 64, 1}, FFWD_TANH},
    {"16-64-64-1 sigmoid", 3, {16, 64, 64, 1}, FFWD_SIGMOID},
    {"32-64-64-16 relu", 3, {32, 64, 64, 16}, FFWD_RELU},
    {"64x5 relu", 5, {64, 64, 64, 64, 64, 64}, FFWD_RELU},
    {"28-128-128-128-2 relu", 4, {28, 128, 128, 128, 2}, FFWD_RELU},
    {"784-512-256-10 relu", 3, {784, 512, 256, 10}, FFWD_RELU},
    {"1024x3 relu", 3, {1024, 1024, 1024, 1024}, FFWD_RELU},
    {"4096-4096-4096 relu", 2, {4096, 4096, 4096}, FFWD_RELU},
};

static const uint64_t row_counts[] = {1000, 10000, 100000, 1000000, 5000000};

/** A network's run on one device, in milliseconds. */
typedef struct trial {
    char device[32];
    double predicted, measured;
} trial;

static void name_device(const ffwd_engine *engine, char *name, size_t bytes) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_engine_device(engine, &info);
    (void)snprintf(name, bytes, "%s", info.id);
}

static trial try_on(const micro_options *given, const char *device, const predicted_net *net,
                    uint64_t rows) {
    micro_options options = *given;
    ffwd_prediction found = FFWD_PREDICTION_INIT;
    ffwd_error err = FFWD_ERROR_INIT;
    trial out;
    options.device = device;
    micro_run run =
        micro_run_begin(&options, FFWD_F32, net->widths, net->layers, net->activation, rows);
    run.pause_ns = PAUSE_NS;
    name_device(run.engine, out.device, sizeof out.device);
    micro_need(ffwd_engine_predict(run.engine, rows, &found, &err), &err);
    out.predicted = (double)found.total_ns / 1e6;
    out.measured = micro_run_median(&run) / 1e6;
    micro_run_end(&run);
    return out;
}

/** The device that "auto" takes. */
static void ask_auto(const predicted_net *net, uint64_t rows, char *name, size_t bytes) {
    const micro_options options = {.device = "auto"};
    ffwd_model *model = micro_model(FFWD_F32, net->widths, net->layers, net->activation);
    ffwd_engine *engine = micro_engine(&options, model, rows);
    name_device(engine, name, bytes);
    ffwd_engine_destroy(engine);
    ffwd_model_destroy(model);
}

static bool too_much(const predicted_net *net, uint64_t rows) {
    uint64_t flops = 0;
    for (size_t i = 0; i < net->layers; i++) {
        flops += 2 * net->widths[i] * net->widths[i + 1];
    }
    const uint64_t values = net->widths[0] + net->widths[net->layers];
    return (double)flops * (double)rows > MOST_FLOPS ||
           (double)values * sizeof(float) * (double)rows > MOST_BYTES;
}

static void print_trial(const trial *t) {
    printf(" %8.4g | %8.4g | %4.2f |", t->predicted, t->measured, t->predicted / t->measured);
}

/** One row of the table: the CPU and `other`, or where that is NULL the device of the options. */
static void compare(const micro_options *given, const char *other, const predicted_net *net,
                    uint64_t rows) {
    const trial one = try_on(given, micro_device(given), net, rows);
    printf("figure: predictions: | %-21s %9llu |", net->name, (unsigned long long)rows);
    print_trial(&one);
    if (other != NULL) {
        char taken[32];
        const trial two = try_on(given, other, net, rows);
        const double better = one.measured < two.measured ? one.measured : two.measured;
        ask_auto(net, rows, taken, sizeof taken);
        print_trial(&two);
        printf(" %s | %4.2f |", taken,
               (strcmp(taken, one.device) == 0 ? one.measured : two.measured) / better);
    }
    printf("\n");
    (void)fflush(stdout);
}

/** Whether there is a device of OpenCL. */
static bool has_opencl(void) {
    ffwd_device *device = NULL;
    const bool found = ffwd_device_open("opencl", NULL, &device, NULL) == FFWD_OK;
    ffwd_device_destroy(device);
    return found;
}

void micro_predictions(const micro_options *given) {
    micro_options options = *given;
    const char *other = given->device == NULL && has_opencl() ? "opencl" : NULL;
    options.device = micro_device(given);
    printf("network and rows, ms predicted, measured, ratio of %s%s\n", options.device,
           other == NULL ? "" : ", then of opencl, then what auto takes over the better");
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        const bool wanted = given->network == NULL || strstr(nets[i].name, given->network) != NULL;
        for (size_t k = 0; k < sizeof row_counts / sizeof row_counts[0]; k++) {
            const uint64_t rows = row_counts[k];
            if (wanted && (given->rows == 0 || given->rows == rows) && !too_much(&nets[i], rows)) {
                compare(&options, other, &nets[i], rows);
            }
        }
    }
}
