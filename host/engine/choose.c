// SPDX-License-Identifier: MIT
// Which device a model runs on when the caller does not name one, and the sentence that says why.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/structs.h"
#include "engine/engine.h"

/**
 * From host memory a GPU pays only above about this many flops for each value that moves: the bus
 * carries some 12 GB/s, the CPU computes some hundreds of GFLOP/s meanwhile.
 */
#define FLOPS_PER_VALUE 120

/** Work that the CPU finishes sooner (at some 20 GFLOP/s) than OpenCL opens (20 to 200 ms). */
#define FLOPS_BELOW_OPENING (2ull << 30)

__attribute__((format(printf, 2, 3))) static void say(ffwd_choice *choice, const char *format,
                                                      ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(choice->why, sizeof choice->why, format, arguments);
    va_end(arguments);
}

static bool small_work(const ffwd_model *model, uint64_t expected_rows) {
    return expected_rows > 0 &&
           expected_rows < FLOPS_BELOW_OPENING / (model->flops > 0 ? model->flops : 1);
}

/** A strategy that the CPU lacks narrows the choice to OpenCL, a GPU first. */
static ffwd_status choose_for_strategy(const ffwd_engine_options *options, ffwd_choice *choice,
                                       ffwd_error *err) {
    ffwd_status status = ffwd_device_open("gpu", NULL, &choice->device, NULL);
    if (status != FFWD_OK) {
        status = ffwd_device_open("opencl", NULL, &choice->device, err);
    }
    if (status != FFWD_OK) {
        char prefix[64];
        (void)snprintf(prefix, sizeof prefix, "strategy %s needs OpenCL",
                       ffwd_strategy_name(options->strategy));
        return ffwd_fail_prefix(err, status, prefix);
    }
    say(choice, "the first device that has the strategy %s", ffwd_strategy_name(options->strategy));
    return FFWD_OK;
}

/** Whether the CPU is the better choice whatever GPU there is; says why. */
static bool suits_cpu(const ffwd_model *model, const ffwd_engine_options *options,
                      ffwd_choice *choice) {
    const unsigned long long flops = model->flops,
                             least = FLOPS_PER_VALUE * (model->inputs + model->outputs);
    ffwd_device_options wanted = FFWD_DEVICE_OPTIONS_INIT;
    (void)ffwd_struct_read(&wanted, sizeof wanted, options->device_options, NULL);
    if (flops <= least) {
        say(choice, "%llu flops a row: below %llu, moving rows to a GPU costs more than computing",
            flops, least);
        return true;
    }
    if (ffwd_cpu_option(&wanted) != NULL) {
        say(choice, "%s is asked for, which only the CPU path has", ffwd_cpu_option(&wanted));
        return true;
    }
    if (small_work(model, options->expected_rows)) {
        say(choice, "%llu rows: the CPU is done before OpenCL could open",
            (unsigned long long)options->expected_rows);
        return true;
    }
    say(choice, "%llu flops a row: above %llu, a GPU pays for moving the rows", flops, least);
    return false;
}

/** The GPU that takes the work; NULL where there is none, and why. */
static ffwd_device *open_gpu(const ffwd_engine_options *options, ffwd_choice *choice) {
    ffwd_device *gpu = NULL;
    ffwd_error reason = FFWD_ERROR_INIT;
    if (ffwd_device_open("gpu", NULL, &gpu, &reason) != FFWD_OK) {
        say(choice, "%s", reason.message);
        return NULL;
    }
    if (!ffwd_device_has_strategy(gpu, options->strategy)) {
        say(choice, "the GPU lacks the strategy %s", ffwd_strategy_name(options->strategy));
        ffwd_device_destroy(gpu);
        return NULL;
    }
    return gpu;
}

static ffwd_status choose_auto(const ffwd_model *model, const ffwd_engine_options *options,
                               ffwd_choice *choice, ffwd_error *err) {
    ffwd_status status = ffwd_device_open("cpu", options->device_options, &choice->cpu, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (!ffwd_device_has_strategy(choice->cpu, options->strategy)) {
        return choose_for_strategy(options, choice, err);
    }
    if (!suits_cpu(model, options, choice)) {
        choice->device = open_gpu(options, choice);
    }
    if (choice->device == NULL) {
        choice->device = ffwd_device_retain(choice->cpu);
    }
    return FFWD_OK;
}

ffwd_status ffwd_choose(const ffwd_model *model, const ffwd_engine_options *options,
                        ffwd_choice *choice, ffwd_error *err) {
    const char *selector = options->device, *source = "named by the caller";
    if (selector == NULL) {
        selector = getenv("FFWD_DEVICE");
        source = "named by FFWD_DEVICE";
    }
    if (selector == NULL || *selector == '\0' || strcmp(selector, "auto") == 0) {
        choice->automatic = true;
        return choose_auto(model, options, choice, err);
    }
    ffwd_status status = ffwd_device_open(selector, options->device_options, &choice->device, err);
    if (status != FFWD_OK && options->device == NULL) {
        return ffwd_fail_prefix(err, status, "FFWD_DEVICE");
    }
    say(choice, "%s", source);
    return status;
}
