// SPDX-License-Identifier: MIT
// A model: an immutable, counted chain of operations with its own copy of the weights.
#ifndef FFWD_MODEL_MODEL_H
#define FFWD_MODEL_MODEL_H

#include <stdatomic.h>

#include "base/error.h"

struct ffwd_model {
    atomic_uint references;
    uint32_t dtype;
    uint64_t inputs, outputs;
    uint64_t parameters;
    uint64_t flops; /**< a row */
    size_t operation_count;
    ffwd_operation *operations; /**< weights and bias point into the model */
};

/** Another owner, and one less; models are const to everybody but the count. */
const ffwd_model *ffwd_model_retain(const ffwd_model *model);
void ffwd_model_release(const ffwd_model *model);

/** The widest row anywhere in the chain, X included. */
uint64_t ffwd_model_widest(const ffwd_model *model);

/** Bytes of weights and biases. */
uint64_t ffwd_model_weight_bytes(const ffwd_model *model);

/**
 * The neurons of the first layer where they are steps, so that all behind it is a function of as
 * many bits and fits a table; else 0.
 */
#define FFWD_TABLE_BITS 16
uint32_t ffwd_model_table_bits(const ffwd_model *model);

/** Whether Y may be FFWD_U8: the last operation is a step. */
int ffwd_model_ends_in_step(const ffwd_model *model);

/** The activations of `layer_count` layers from "relu" (all) or "relu,relu,identity" (one each). */
ffwd_status ffwd_activations_parse(const char *words, size_t layer_count, uint32_t *activations,
                                   ffwd_error *err);

#endif
