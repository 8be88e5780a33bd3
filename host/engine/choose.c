// SPDX-License-Identifier: MIT
// Which device a model runs on when the caller does not name one, and the sentence that says why.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/structs.h"
#include "engine/engine.h"
#include "engine/opening.h"

/**
 * From host memory a GPU pays only above about this many flops for each value that moves: the bus
 * carries some 12 GB/s, the CPU computes some hundreds of GFLOP/s meanwhile.
 */
#define FLOPS_PER_VALUE 120

/** The fastest bus that rows are reckoned to take, PCIe 4 x16 as measured, in GB/s. */
#define FASTEST_BUS 25

/** What a single slow thread does, in flops and bytes a nanosecond: work that is short even so
 *  needs no measurement. */
#define SLOW_FLOPS  4
#define SLOW_MEMORY 2

/** What the prediction reckons with where many rows are expected: set-up does not count. */
#define MANY_ROWS 1000000

/** Rows a chunk, and neurons of a layer up to which a GPU takes all layers in one kernel. */
#define GPU_CHUNK_ROWS (1ull << 20)
#define GPU_FUSED      128

__attribute__((format(printf, 2, 3))) static void say(ffwd_choice *choice, const char *format,
                                                      ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(choice->why, sizeof choice->why, format, arguments);
    va_end(arguments);
}

static double milliseconds(double ns) {
    return ns / 1e6;
}

/** Nanoseconds of a run by the usual plan for the CPU, all layers in one kernel. */
static double on_cpu(const ffwd_model *model, uint64_t rows, const ffwd_rates *rates) {
    ffwd_prediction prediction = FFWD_PREDICTION_INIT;
    const ffwd_work work = ffwd_work_of(model, (double)model->flops, 1, rows, rows);
    ffwd_predict(&work, rates, &prediction);
    return (double)prediction.total_ns;
}

/** The same for a GPU; wide layers have a kernel each. */
static double on_gpu(const ffwd_model *model, uint64_t rows, const ffwd_rates *rates) {
    ffwd_prediction prediction = FFWD_PREDICTION_INIT;
    const size_t stages = ffwd_model_widest(model) > GPU_FUSED ? model->operation_count : 1;
    const ffwd_work work = ffwd_work_of(model, (double)model->flops, stages, GPU_CHUNK_ROWS, rows);
    ffwd_predict(&work, rates, &prediction);
    return (double)prediction.total_ns;
}

/** The CPU's rates, which may have to be measured: once a choice. */
static const ffwd_rates *rates_of_cpu(const ffwd_model *model, ffwd_choice *choice) {
    if (choice->cpu_rates.flops <= 0) {
        ffwd_find_rates(choice->cpu, choice->cpu, model->dtype, &choice->cpu_rates);
    }
    return &choice->cpu_rates;
}

/** The CPU's time: by measured rates only where the work is not shorter than `enough` on the
 * slowest machine. */
static double time_of_cpu(const ffwd_model *model, uint64_t rows, double enough,
                          ffwd_choice *choice) {
    static const ffwd_rates slow = {.flops = SLOW_FLOPS, .memory = {{.rate = SLOW_MEMORY}}};
    const double most = on_cpu(model, rows, &slow);
    return most < enough ? most : on_cpu(model, rows, rates_of_cpu(model, choice));
}

/** Whether the CPU is done before any GPU could be; says why. */
static bool done_before_opening(const ffwd_model *model, uint64_t rows, const char *cache,
                                ffwd_choice *choice) {
    static const ffwd_rates fastest = {.upload = FASTEST_BUS, .download = FASTEST_BUS};
    if (rows == 0) {
        return false;
    }
    const double opening = ffwd_opening_ns(cache), moving = on_gpu(model, rows, &fastest);
    const double cpu = time_of_cpu(model, rows, opening, choice);
    if (cpu > opening + moving) {
        return false;
    }
    say(choice,
        "cpu takes %.3g ms for %llu rows as predicted; a GPU %.3g ms to open and at least %.3g ms "
        "to move them",
        milliseconds(cpu), (unsigned long long)rows, milliseconds(opening), milliseconds(moving));
    return true;
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
    return done_before_opening(model, options->expected_rows, wanted.cache, choice);
}

/** Whether a GPU that has been opened is the faster one, counting what it takes to make it ready;
 *  says why either way. */
static bool gpu_pays(const ffwd_model *model, const ffwd_engine_options *options,
                     ffwd_device *device, ffwd_choice *choice) {
    const bool many = options->expected_rows == 0;
    const uint64_t rows = many ? MANY_ROWS : options->expected_rows;
    ffwd_rates rates = {0};
    ffwd_find_rates(device, choice->cpu, model->dtype, &rates);
    const double cpu = on_cpu(model, rows, rates_of_cpu(model, choice));
    const double gpu = on_gpu(model, rows, &rates) + (many ? 0 : rates.setup_ns);
    const bool pays = gpu < cpu;
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(device, &info);
    say(choice, "%s takes %.3g ms for %llu rows as predicted, %s %.3g ms", pays ? info.id : "cpu",
        milliseconds(pays ? gpu : cpu), (unsigned long long)rows, pays ? "cpu" : info.id,
        milliseconds(pays ? cpu : gpu));
    return pays;
}

/** The GPU that takes the work; NULL where there is none, or where it does not pay, and why. */
static ffwd_device *open_gpu(const ffwd_model *model, const ffwd_engine_options *options,
                             ffwd_choice *choice) {
    ffwd_device *gpu = NULL;
    ffwd_error reason = FFWD_ERROR_INIT;
    if (ffwd_device_open("gpu", NULL, &gpu, &reason) != FFWD_OK) {
        say(choice, "%s", reason.message);
        return NULL;
    }
    bool taken = ffwd_device_has_strategy(gpu, options->strategy);
    if (!taken) {
        say(choice, "the GPU lacks the strategy %s", ffwd_strategy_name(options->strategy));
    } else {
        taken = gpu_pays(model, options, gpu, choice);
    }
    if (!taken) {
        ffwd_device_destroy(gpu);
    }
    return taken ? gpu : NULL;
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
        choice->device = open_gpu(model, options, choice);
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
        if (options->resident) {
            say(choice, "the first OpenCL device, for rows on a device");
            return ffwd_device_open("opencl", options->device_options, &choice->device, err);
        }
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
