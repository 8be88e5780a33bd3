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
    ffwd_model_node *nodes; /**< of the file; their text lies behind them */
    size_t node_count;
    ffwd_operation *operations; /**< weights, bias and slopes point into the model */
};

/** Whether a kind of operation needs the whole row: it has no weights and no activation. */
static inline bool ffwd_needs_row(uint32_t kind) {
    return kind == FFWD_SOFTMAX || kind == FFWD_LOG_SOFTMAX || kind == FFWD_ARGMAX;
}

/** Outputs of a kind of operation on so many inputs, or of a dense one of so many neurons. */
static inline uint64_t ffwd_row_outputs(uint32_t kind, uint64_t width) {
    return kind == FFWD_ARGMAX ? 1 : width;
}

/** The parameters of an activation: as many as it takes of alpha and beta. */
typedef struct ffwd_parameters {
    size_t count;
    double defaults[2];
} ffwd_parameters;
const ffwd_parameters *ffwd_activation_parameters(uint32_t activation);

/** Room for the word of an operation, numbers and a final 0 included. */
#define FFWD_WORD_MAX 96

/** A caller's structure, which may be older or newer, as one of ours. */
void ffwd_operation_copy(const ffwd_operation *given, size_t size, ffwd_operation *operation);

/** Checks operation number `layer` of a model behind rows of `width` values; sets parameters that
 *  its activation does not have to 0. */
ffwd_status ffwd_operation_check(ffwd_operation *operation, size_t layer, uint64_t width,
                                 uint32_t dtype, ffwd_error *err);

/** Values in weights, and in all arrays; false where these do not fit. */
bool ffwd_operation_count(const ffwd_operation *operation, uint64_t *weights, uint64_t *parameters);

/** A row's, 2 for each fused multiply-add. */
uint64_t ffwd_operation_flops(const ffwd_operation *operation);

/** Keeps a copy of what became of a file's nodes. FFWD_ENOMEM. */
ffwd_status ffwd_model_keep_nodes(ffwd_model *model, const ffwd_model_node *nodes, size_t count,
                                  ffwd_error *err);

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

/** Whether Y may be FFWD_U8: the last operation is a step of either kind. */
int ffwd_model_ends_in_step(const ffwd_model *model);

/** The words of `layer_count` layers, "relu" (all) or "relu,clip:-1:1,argmax" (one each), into
 *  operations as ffwd_operation_parse does; all other members are 0. */
ffwd_status ffwd_words_parse(const char *words, size_t layer_count, ffwd_operation *layers,
                             ffwd_error *err);

#endif
