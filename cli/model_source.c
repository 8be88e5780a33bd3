// SPDX-License-Identifier: MIT
// Loads a model file, or makes a model of a shape: layer i has the weights of random stream i.
#include "model_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "quantity.h"

#define MOST_WIDTH   ((uint64_t)1 << 40)
#define LONGEST_WORD 32

/** A model in the making; the model that is made of it has its own copy of the weights. */
typedef struct shape {
    const char *text;
    uint32_t dtype;
    uint64_t inputs;
    ffwd_operation *layers;
    void **weights; /**< of each layer */
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
    while (*text != '\0') {
        uint64_t width;
        if (!take_width(&text, &width)) {
            return false;
        }
        made->weights[made->layer_count] = NULL;
        made->layers[made->layer_count++] = (ffwd_operation){
            .kind = FFWD_DENSE, .activation = FFWD_STEP, .inputs = before, .neurons = width};
        before = width;
    }
    return true;
}

/** A word that is too long is cut, and then is none that is known. */
static int parse_activation(const char *text, size_t length, uint32_t *activation) {
    char word[LONGEST_WORD];
    ffwd_error err = FFWD_ERROR_INIT;
    (void)snprintf(word, sizeof word, "%.*s", (int)(length < LONGEST_WORD ? length : LONGEST_WORD),
                   text);
    if (ffwd_activation_parse(word, activation, &err) != FFWD_OK) {
        return fail(EX_USAGE, "--activation: %s", err.message);
    }
    return EXIT_DONE;
}

static int set_activations(shape *made, const char *list) {
    size_t count = 0, length;
    uint32_t activation = FFWD_STEP;
    int status;
    do {
        length = strcspn(list, ",");
        status = parse_activation(list, length, &activation);
        if (count < made->layer_count) {
            made->layers[count].activation = activation;
        }
        count++;
        list += length;
    } while (status == EXIT_DONE && *list++ == ',');
    for (size_t i = 1; count == 1 && i < made->layer_count; i++) {
        made->layers[i].activation = activation;
    }
    if (status == EXIT_DONE && count > 1 && count != made->layer_count) {
        return fail(EX_USAGE, "--activation has %zu names, but %s has %zu layers", count,
                    made->text, made->layer_count);
    }
    return status;
}

static int fill_layer(shape *made, size_t index, uint64_t seed) {
    ffwd_operation *layer = &made->layers[index];
    uint64_t count, bytes;
    void *weights = NULL;
    if (!__builtin_mul_overflow(layer->inputs, layer->neurons, &count) &&
        !__builtin_mul_overflow(count, (uint64_t)ffwd_dtype_size(made->dtype), &bytes)) {
        weights = malloc(bytes);
    }
    if (weights == NULL) {
        return fail(EX_OSERR, "out of memory: W%zu of %s is [%" PRIu64 "][%" PRIu64 "]", index + 1,
                    made->text, layer->neurons, layer->inputs);
    }
    layer->weights = made->weights[index] = weights;
    ffwd_error err = FFWD_ERROR_INIT;
    if (ffwd_random_fill(seed, (uint32_t)(index + 1), 0, count, made->dtype, weights, &err) !=
        FFWD_OK) {
        return fail_with(ON_INPUT, &err);
    }
    return EXIT_DONE;
}

static int create(const shape *made, ffwd_model **out) {
    ffwd_error err = FFWD_ERROR_INIT;
    if (ffwd_model_create(made->dtype, made->inputs, made->layers, made->layer_count,
                          sizeof *made->layers, out, &err) != FFWD_OK) {
        return fail_with(ON_INPUT, &err);
    }
    return EXIT_DONE;
}

static int make_shape(shape *made, const options *given, ffwd_model **out) {
    if (!parse_widths(made)) {
        return fail(EX_USAGE, "%s: a shape is widths such as 2-3-2-1, each at least 1", made->text);
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
    }
    free(made->weights);
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

uint64_t model_source_neurons(const model_source *source) {
    uint64_t neurons = 0;
    for (uint64_t i = 0; i < source->info.operation_count; i++) {
        neurons += model_source_operation(source, i).neurons;
    }
    return neurons;
}
