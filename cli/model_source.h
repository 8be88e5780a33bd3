// SPDX-License-Identifier: MIT
// MODEL: a file, or a shape such as 2-3-2-1 with random weights.
#ifndef FFWD_CLI_MODEL_SOURCE_H
#define FFWD_CLI_MODEL_SOURCE_H

#include "options.h"

typedef struct model_source {
    const char *name; /**< as the user wrote it */
    bool is_file;     /**< as opposed to a shape */
    ffwd_model *model;
    ffwd_model_info info;
} model_source;

/** Loads or makes what options->model names. */
int model_source_open(const options *given, model_source *out);
void model_source_close(model_source *source);

/** Operation `index` from 0, which exists. */
ffwd_operation model_source_operation(const model_source *source, uint64_t index);

/** "leaky_relu:0.1", "softmax"; valid to the end of the expression it is made in. */
typedef struct operation_word {
    char text[96];
} operation_word;
operation_word model_source_word(const ffwd_operation *operation);

/** Values a row that all sums of the operations take; as many again for their outputs. */
uint64_t model_source_neurons(const model_source *source);

#endif
