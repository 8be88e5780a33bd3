// SPDX-License-Identifier: MIT
// Work over rates.
#include "device/predict.h"

#include <math.h>

#include "base/memory.h"

/** What an activation costs beside multiply-adds, in flops: those with exp or log take some thirty
 *  operations and a division, the others one or two. */
#define SMOOTH_FLOPS 40
#define PLAIN_FLOPS  2

/** Every value of X and Y is loaded or stored and changes places with others. */
#define VALUE_FLOPS 4

static double activation_flops(uint32_t activation) {
    switch (activation) {
    case FFWD_IDENTITY:
        return 0;
    case FFWD_SIGMOID:
    case FFWD_TANH:
    case FFWD_ELU:
    case FFWD_SELU:
    case FFWD_CELU:
    case FFWD_SOFTPLUS:
    case FFWD_GELU:
    case FFWD_GELU_TANH:
    case FFWD_SILU:
    case FFWD_MISH:
    case FFWD_EXP:
        return SMOOTH_FLOPS;
    default:
        return PLAIN_FLOPS;
    }
}

static double operation_flops(const ffwd_operation *operation) {
    const double width = (double)ffwd_max(operation->neurons, operation->inputs);
    if (operation->kind == FFWD_SOFTMAX || operation->kind == FFWD_LOG_SOFTMAX) {
        return width * SMOOTH_FLOPS;
    }
    return operation->kind == FFWD_ARGMAX
               ? width * PLAIN_FLOPS
               : (double)operation->neurons * activation_flops(operation->activation);
}

/** Flops a row beside multiply-adds, and values that pass from one operation to the next. */
static double extra_flops(const ffwd_model *model, double *inner_values) {
    double flops = (double)(model->inputs + model->outputs) * VALUE_FLOPS;
    *inner_values = 0;
    for (size_t i = 0; i < model->operation_count; i++) {
        const ffwd_operation *operation = &model->operations[i];
        flops += operation_flops(operation);
        *inner_values += i + 1 < model->operation_count ? (double)operation->neurons : 0;
    }
    return flops;
}

ffwd_work ffwd_work_of(const ffwd_model *model, double flops, size_t stage_count,
                       uint64_t chunk_rows, uint64_t rows) {
    const double value_bytes = (double)ffwd_dtype_size(model->dtype);
    const uint64_t chunks = rows == 0 ? 0 : (rows - 1) / ffwd_max(chunk_rows, 1) + 1;
    const double passes = (double)stage_count / (double)ffwd_max(model->operation_count, 1);
    double inner_values = 0;
    ffwd_work work = {.rows = rows,
                      .x_bytes = (double)model->inputs * value_bytes,
                      .y_bytes = (double)model->outputs * value_bytes,
                      .weight_bytes = (double)ffwd_model_weight_bytes(model),
                      .chunks = (double)chunks,
                      .launches = (double)chunks * (double)stage_count};
    work.flops = flops + extra_flops(model, &inner_values);
    work.between_bytes = stage_count > 1 ? 2 * inner_values * value_bytes * passes : 0;
    return work;
}

/** Nanoseconds of so much at a rate; 0 where nothing has to be done. */
static double over(double amount, double rate) {
    return amount > 0 && rate > 0 ? amount / rate : 0;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

/** Bytes a nanosecond of a pass over so many of them; 0 where nothing is known. More bytes never
 *  pass faster, as noise may have it. */
static double memory_rate(const ffwd_memory_level *levels, double bytes) {
    const ffwd_memory_level *near = &levels[0];
    double rate = near->rate;
    for (size_t i = 1; i < FFWD_MEMORY_LEVELS && bytes > near->bytes; i++) {
        const ffwd_memory_level *far = &levels[i];
        if (far->bytes > near->bytes && far->rate > 0) {
            const double way = log(bytes / near->bytes) / log(far->bytes / near->bytes);
            rate -= (way < 1 ? way : 1) * larger(rate - far->rate, 0);
            near = far;
        }
    }
    return rate;
}

/** Whether one thread does all of it, since waking the others would take longer. */
static bool is_alone(const ffwd_rates *rates, double flops) {
    return rates->threads > 1 && flops < rates->threads * rates->thread_flops;
}

/** Rows in whose time threads are done that take whole units: some have none left for the last. */
static double shared_rows(const ffwd_rates *rates, double rows) {
    const double round = rates->threads * rates->unit_rows;
    return round >= 1 ? ceil(rows / round) * round : rows;
}

void ffwd_predict(const ffwd_work *work, const ffwd_rates *rates, ffwd_prediction *prediction) {
    const double rows = (double)work->rows, flops = rows * work->flops;
    const double moved = rows * (work->x_bytes + work->y_bytes + work->between_bytes) +
                         work->chunks * work->weight_bytes;
    const bool alone = is_alone(rates, flops);
    const double part = alone ? 1 / rates->threads : 1;
    const double counted = alone ? rows : shared_rows(rates, rows);
    const double compute = over(counted * work->flops, rates->flops * part);
    const double memory = over(moved, memory_rate(rates->memory, moved) * part);
    const double upload = over(rows * work->x_bytes, rates->upload);
    const double download = over(rows * work->y_bytes, rates->download);
    const double wake = alone || rates->threads <= 1 ? 0 : rates->wake_ns;
    const double launch =
        work->launches * (rates->launch_ns + wake) + work->chunks * rates->chunk_ns;
    const double kernel = larger(compute, memory) + launch;
    const double beside = larger(kernel, larger(upload, download));
    const double others = upload + kernel + download - beside; // which one chunk cannot hide
    const double first = work->chunks > 0 && !rates->serial ? others / work->chunks : others;
    prediction->measured = rates->measured;
    prediction->rows = work->rows;
    prediction->total_ns = (uint64_t)(beside + first);
    prediction->upload_ns = (uint64_t)upload;
    prediction->compute_ns = (uint64_t)compute;
    prediction->memory_ns = (uint64_t)memory;
    prediction->launch_ns = (uint64_t)launch;
    prediction->download_ns = (uint64_t)download;
}
