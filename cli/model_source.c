// SPDX-License-Identifier: MIT
// Loads a model file, or makes a model of a shape: layer i has the weights of random stream i, and
// a prelu the slopes of stream 2^31 + i.
#include "model_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "quantity.h"

#define MOST_WIDTH    ((uint64_t)1 << 40)
#define LONGEST_WORD  96
#define SLOPES_STREAM ((uint32_t)1 << 31)

/** A model in the making; the model that is made of it has its own copy of the weights. */
typedef struct shape {
    const char *text;
    uint32_t dtype;
    uint64_t inputs;
    ffwd_operation *layers;   /**< of a kind that comes behind a dense one where its word says so */
    void **weights, **slopes; /**< of each layer */
    size_t layer_count;
} shape;

static bool is_shape(const char *text) {
    return text[0] != '\0' && text[strspn(text, "0123456789-")] == '\0';
}

/** Takes the next width and what stands between it and the one behind. */
static bool take_width(const char **text, uint64_t *width) {
    char digits[24] = "";
    size_t length = strcspn(*text, "-");
    if (length >= sizeof digits) {
        return false;
    }
    memcpy(digits, *text, length);
    *text += length;
    if (**text == '-' && *++*text == '\0') {
        return false;
    }
    return quantity_parse(digits, 1, MOST_WIDTH, width);
}

static bool parse_widths(shape *made) {
    const char *text = made->text;
    uint64_t before;
    if (!take_width(&text, &before)) {
        return false;
    }
    made->inputs = before;
    size_t most_layers = strlen(text) + 1;
    made->layers = need_memory(NULL, most_layers * sizeof *made->layers);
    made->weights = need_memory(NULL, most_layers * sizeof *made->weights);
    made->slopes = need_memory(NULL, most_layers * sizeof *made->slopes);
    while (*text != '\0') {
        uint64_t width;
        if (!take_width(&text, &width)) {
            return false;
        }
        made->weights[made->layer_count] = made->slopes[made->layer_count] = NULL;
        made->layers[made->layer_count++] = (ffwd_operation){
            .kind = FFWD_DENSE, .activation = FFWD_STEP, .inputs = before, .neurons = width};
        before = width;
    }
    return true;
}

/** A word that is too long is cut, and then is none that is known. */
static int parse_word(const char *text, size_t length, ffwd_operation *parsed) {
    char word[LONGEST_WORD];
    ffwd_error err = FFWD_ERROR_INIT;
    (void)snprintf(word, sizeof word, "%.*s", (int)(length < LONGEST_WORD ? length : LONGEST_WORD),
                   text);
    if (ffwd_operation_parse(word, sizeof *parsed, parsed, &err) != FFWD_OK) {
        return fail(EX_USAGE, "--activation: %s", err.message);
    }
    return EXIT_DONE;
}

static void set_word(shape *made, size_t index, const ffwd_operation *parsed) {
    ffwd_operation *layer = &made->layers[index];
    layer->kind = parsed->kind;
    layer->activation = parsed->activation;
    layer->alpha = parsed->alpha;
    layer->beta = parsed->beta;
}

static int set_activations(shape *made, const char *list) {
    size_t count = 0, length;
    ffwd_operation parsed = {.kind = FFWD_DENSE, .activation = FFWD_STEP};
    int status;
    do {
        length = strcspn(list, ",");
        status = parse_word(list, length, &parsed);
        if (count < made->layer_count) {
            set_word(made, count, &parsed);
        }
        count++;
        list += length;
    } while (status == EXIT_DONE && *list++ == ',');
    for (size_t i = 1; count == 1 && i < made->layer_count; i++) {
        set_word(made, i, &parsed);
    }
    if (status == EXIT_DONE && count > 1 && count != made->layer_count) {
        return fail(EX_USAGE, "--activation has %zu names, but %s has %zu layers", count,
                    made->text, made->layer_count);
    }
    return status;
}

/** Neurons that a layer's successor sees. */
static uint64_t outputs_of(const ffwd_operation *layer) {
    return layer->kind == FFWD_ARGMAX ? 1 : layer->neurons;
}

/** Random values of a stream, [rows][cols]; *out is to be freed. */
static int fill_values(const shape *made, const char *name, size_t index, uint64_t rows,
                       uint64_t cols, uint64_t seed, uint32_t stream, void **out) {
    uint64_t count, bytes;
    if (!__builtin_mul_overflow(rows, cols, &count) &&
        !__builtin_mul_overflow(count, (uint64_t)ffwd_dtype_size(made->dtype), &bytes)) {
        *out = malloc(bytes);
    }
    if (*out == NULL) {
        return fail(EX_OSERR, "out of memory: %s%zu of %s is [%" PRIu64 "][%" PRIu64 "]", name,
                    index + 1, made->text, rows, cols);
    }
    ffwd_error err = FFWD_ERROR_INIT;
    if (ffwd_random_fill(seed, stream, 0, count, made->dtype, *out, &err) != FFWD_OK) {
        return fail_with(ON_INPUT, &err);
    }
    return EXIT_DONE;
}

static int fill_layer(shape *made, size_t index, uint64_t seed) {
    ffwd_operation *layer = &made->layers[index];
    const uint32_t stream = (uint32_t)(index + 1);
    if (index > 0) {
        layer->inputs = outputs_of(layer - 1);
    }
    int status = fill_values(made, "W", index, layer->neurons, layer->inputs, seed, stream,
                             &made->weights[index]);
    if (status == EXIT_DONE && layer->activation == FFWD_PRELU) {
        status = fill_values(made, "slopes", index, layer->neurons, 1, seed, SLOPES_STREAM + stream,
                             &made->slopes[index]);
    }
    layer->weights = made->weights[index];
    layer->slopes = made->slopes[index];
    return status;
}

/** The operations of all layers: a dense one each, and those behind it. */
static size_t list_operations(const shape *made, ffwd_operation *operations) {
    size_t count = 0;
    for (size_t i = 0; i < made->layer_count; i++) {
        const ffwd_operation *layer = &made->layers[i];
        operations[count] = *layer;
        operations[count++].kind = FFWD_DENSE;
        if (layer->kind != FFWD_DENSE) {
            operations[count++] = (ffwd_operation){
                .kind = layer->kind, .inputs = layer->neurons, .neurons = outputs_of(layer)};
        }
    }
    return count;
}

static int create(const shape *made, ffwd_model **out) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_operation *operations =
        need_memory(NULL, (2 * made->layer_count + 1) * sizeof *operations);
    const size_t count = list_operations(made, operations);
    ffwd_status status = ffwd_model_create(made->dtype, made->inputs, operations, count,
                                           sizeof *operations, out, &err);
    free(operations);
    return status != FFWD_OK ? fail_with(ON_INPUT, &err) : EXIT_DONE;
}

static int make_shape(shape *made, const options *given, ffwd_model **out) {
    if (!parse_widths(made)) {
        return fail(EX_USAGE, "%s: a shape is widths such as 2-3-2-1, each at least 1", made->text);
    }
    if (given->labels) {
        return fail(EX_USAGE, "--labels: a shape has none");
    }
    int status = given->activation != NULL ? set_activations(made, given->activation) : EXIT_DONE;
    for (size_t i = 0; status == EXIT_DONE && i < made->layer_count; i++) {
        status = fill_layer(made, i, given->seed);
    }
    return status == EXIT_DONE ? create(made, out) : status;
}

static void shape_free(shape *made) {
    for (size_t i = 0; i < made->layer_count; i++) {
        free(made->weights[i]);
        free(made->slopes[i]);
    }
    free(made->weights);
    free(made->slopes);
    free(made->layers);
}

/** Without --activation the file's own may be missing. */
static int fail_load(const options *given, const ffwd_error *err) {
    if (err->status == FFWD_EARGUMENT && given->activation == NULL) {
        return fail(EX_USAGE, "%s; --activation names them", err->message);
    }
    return fail_with(ON_INPUT, err);
}

static int load_file(const options *given, ffwd_model **out) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_load_options wanted = FFWD_LOAD_OPTIONS_INIT;
    wanted.dtype = given->dtype;
    wanted.activations = given->activation;
    wanted.labels = given->labels;
    wanted.no_fold = given->no_fold;
    if (ffwd_model_load(given->model, &wanted, out, &err) != FFWD_OK) {
        return fail_load(given, &err);
    }
    return EXIT_DONE;
}

int model_source_open(const options *given, model_source *out) {
    int status;
    *out = (model_source){
        .name = given->model, .is_file = !is_shape(given->model), .info = FFWD_MODEL_INFO_INIT};
    if (out->is_file) {
        status = load_file(given, &out->model);
    } else {
        shape made = {.text = given->model,
                      .dtype = given->dtype != 0 ? given->dtype : (uint32_t)FFWD_F32};
        status = make_shape(&made, given, &out->model);
        shape_free(&made);
    }
    if (status == EXIT_DONE) {
        ffwd_model_describe(out->model, &out->info);
    }
    return status;
}

void model_source_close(model_source *source) {
    ffwd_model_destroy(source->model);
    source->model = NULL;
}

ffwd_operation model_source_operation(const model_source *source, uint64_t index) {
    ffwd_operation operation = {0};
    if (ffwd_model_operation(source->model, (size_t)index, sizeof operation, &operation, NULL) !=
        FFWD_OK) {
        return (ffwd_operation){0};
    }
    return operation;
}

operation_word model_source_word(const ffwd_operation *operation) {
    operation_word word;
    (void)ffwd_operation_word(operation, sizeof *operation, word.text, sizeof word.text);
    return word;
}

uint64_t model_source_neurons(const model_source *source) {
    uint64_t neurons = 0;
    for (uint64_t i = 0; i < source->info.operation_count; i++) {
        neurons += model_source_operation(source, i).neurons;
    }
    return neurons;
}
