// SPDX-License-Identifier: MIT
// From the arrays of an archive to a model: which layers there are, whether they meet, their dtype.
#include "format/model_npz.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "format/npy_convert.h"
#include "model/model.h"

/** Room for "W18446744073709551615". */
#define NAME_BYTES 24
/** Room for 64 axes. */
#define SHAPE_BYTES 128
/** Room for the words of activations; a longer one is cut, and then is none that is known. */
#define WORD_BYTES 32

typedef struct layer {
    ffwd_npz_array weights, bias;
    uint64_t neurons, inputs;
    void *weight_values, *bias_values; /**< in the model's dtype */
    uint32_t activation;
} layer;

typedef struct network {
    const ffwd_npz *npz;
    layer *layers;
    size_t count;
    uint32_t dtype;
} network;

static void name_array(char name[NAME_BYTES], char letter, uint64_t number) {
    (void)snprintf(name, NAME_BYTES, "%c%llu", letter, (unsigned long long)number);
}

static void format_shape(const ffwd_npy_header *header, char shape[SHAPE_BYTES]) {
    size_t used = (size_t)snprintf(shape, SHAPE_BYTES, "%s", header->axes == 0 ? "one value" : "");
    for (unsigned axis = 0; axis < header->axes && used < SHAPE_BYTES; axis++) {
        used += (size_t)snprintf(shape + used, SHAPE_BYTES - used, "[%llu]",
                                 (unsigned long long)header->shape[axis]);
    }
}

/* ---------------------------------------------------------------------------------------- names */

/** Whether an entry is called "W" or "b" and a number, and which. */
static bool parse_name(const char *entry, uint64_t *number) {
    const char *at = entry + 1;
    *number = 0;
    if ((entry[0] != 'W' && entry[0] != 'b') || (at[0] == '0' && at[1] != '.')) {
        return false;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        if (!ffwd_multiply(*number, 10, number) ||
            !ffwd_add(*number, (uint64_t)(*at - '0'), number)) {
            *number = UINT64_MAX;
        }
    }
    return at > entry + 1 && strcmp(at, ".npy") == 0;
}

static size_t count_layers(const ffwd_npz *npz) {
    char name[NAME_BYTES];
    uint64_t index;
    size_t count = 0;
    name_array(name, 'W', 1);
    while (ffwd_npz_find(npz, name, &index)) {
        count++;
        name_array(name, 'W', count + 1);
    }
    return count;
}

/** Names that are not ours may be anything; a W or b that no layer would use is a mistake. */
static ffwd_status check_names(const network *net, ffwd_error *err) {
    uint64_t number, entries = ffwd_npz_count(net->npz);
    if (net->count == 0) {
        return ffwd_fail(err, FFWD_EFORMAT,
                         "no W1 among %llu entries; a model is W1 .. WL, perhaps b1 .. bL and "
                         "activations",
                         (unsigned long long)entries);
    }
    for (uint64_t i = 0; i < entries; i++) {
        const char *name = ffwd_npz_name(net->npz, i);
        if (!parse_name(name, &number) || (number > 0 && number <= net->count)) {
            continue;
        }
        int length = (int)(strlen(name) - strlen(".npy"));
        if (number == 0) {
            return ffwd_fail(err, FFWD_EFORMAT, "%.*s, but layers are counted from 1", length,
                             name);
        }
        return ffwd_fail(err, FFWD_EFORMAT, "%.*s without W%llu", length, name,
                         (unsigned long long)(name[0] == 'W' ? net->count + 1 : number));
    }
    return FFWD_OK;
}

/* --------------------------------------------------------------------------------------- arrays */

static ffwd_status load_numbers(const network *net, const char *name, ffwd_npz_array *array,
                                ffwd_error *err) {
    uint64_t index;
    if (!ffwd_npz_find(net->npz, name, &index)) {
        return FFWD_OK;
    }
    ffwd_status status = ffwd_npz_load(net->npz, index, name, array, err);
    if (status == FFWD_OK) {
        status = ffwd_npy_check_numbers(&array->header, err);
        status = status != FFWD_OK ? ffwd_fail_prefix(err, status, name) : FFWD_OK;
    }
    return status;
}

/** The layer's widths, from weights of one axis (one neuron) or two. */
static ffwd_status measure_weights(layer *measured, const char *name, ffwd_error *err) {
    ffwd_npy_header *header = &measured->weights.header;
    char shape[SHAPE_BYTES];
    format_shape(header, shape);
    if (header->axes != 1 && header->axes != 2) {
        return ffwd_fail(err, FFWD_EFORMAT, "%s is %s; weights are [neurons][inputs]", name, shape);
    }
    measured->neurons = header->axes == 2 ? header->shape[0] : 1;
    measured->inputs = header->shape[header->axes - 1];
    if (measured->neurons == 0 || measured->inputs == 0) {
        return ffwd_fail(err, FFWD_EFORMAT, "%s is %s: a layer without weights", name, shape);
    }
    return FFWD_OK;
}

static ffwd_status check_bias(const layer *checked, const char *name, const char *weights,
                              ffwd_error *err) {
    const ffwd_npy_header *header = &checked->bias.header;
    if (header->axes > 1 || header->rows != checked->neurons) {
        char shape[SHAPE_BYTES];
        format_shape(header, shape);
        return ffwd_fail(err, FFWD_EFORMAT, "%s is %s, but %s has %llu neuron%s", name, shape,
                         weights, (unsigned long long)checked->neurons,
                         checked->neurons == 1 ? "" : "s");
    }
    return FFWD_OK;
}

static ffwd_status check_meeting(const network *net, size_t index, ffwd_error *err) {
    const layer *below = &net->layers[index - 1], *above = &net->layers[index];
    if (above->inputs != below->neurons) {
        char shape[SHAPE_BYTES];
        format_shape(&above->weights.header, shape);
        return ffwd_fail(err, FFWD_EFORMAT, "W%zu is %s, but W%zu has %llu neuron%s", index + 1,
                         shape, index, (unsigned long long)below->neurons,
                         below->neurons == 1 ? "" : "s");
    }
    return FFWD_OK;
}

static ffwd_status load_layer(network *net, size_t index, ffwd_error *err) {
    char weights[NAME_BYTES], bias[NAME_BYTES];
    layer *loaded = &net->layers[index];
    ffwd_status status;
    name_array(weights, 'W', index + 1);
    name_array(bias, 'b', index + 1);
    FFWD_TRY(status, load_numbers(net, weights, &loaded->weights, err));
    FFWD_TRY(status, measure_weights(loaded, weights, err));
    if (index > 0) {
        FFWD_TRY(status, check_meeting(net, index, err));
    }
    FFWD_TRY(status, load_numbers(net, bias, &loaded->bias, err));
    if (loaded->bias.data != NULL) {
        FFWD_TRY(status, check_bias(loaded, bias, weights, err));
    }

cleanup:
    return status;
}

/** float64 where any array is, and where all are integers. */
static uint32_t choose_dtype(const network *net) {
    bool all_integers = true;
    for (size_t i = 0; i < 2 * net->count; i++) {
        const layer *asked = &net->layers[i / 2];
        const ffwd_npz_array *array = i % 2 == 0 ? &asked->weights : &asked->bias;
        if (array->data != NULL && array->header.type.kind == FFWD_NPY_FLOAT) {
            all_integers = false;
            if (array->header.type.bytes == sizeof(double)) {
                return FFWD_F64;
            }
        }
    }
    return all_integers ? FFWD_F64 : FFWD_F32;
}

/** The array's values in dtype; its own memory where nothing is to be converted. */
static ffwd_status take_values(ffwd_npz_array *array, uint32_t dtype, void **values,
                               ffwd_error *err) {
    const ffwd_npy_header *header = &array->header;
    uint64_t bytes, count = header->rows * header->cols;
    if (array->data == NULL || (ffwd_npy_is(&header->type, dtype) && !header->fortran)) {
        *values = array->data;
        array->data = NULL;
        return FFWD_OK;
    }
    if (!ffwd_multiply(count, ffwd_dtype_size(dtype), &bytes)) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "%llu weights do not fit", (unsigned long long)count);
    }
    *values = ffwd_alloc(bytes);
    if (*values == NULL) {
        return ffwd_fail_memory(err, bytes, "weights");
    }
    ffwd_npy_convert_all(header, array->data, dtype, *values);
    ffwd_npz_array_free(array);
    return FFWD_OK;
}

/* ---------------------------------------------------------------------------------- activations */

/** Character `at` of the stored text; 0 past its end, '?' for what is not ASCII. */
static char read_character(const ffwd_npz_array *array, uint64_t word, uint64_t at) {
    const ffwd_npy_type *type = &array->header.type;
    uint64_t width = type->kind == FFWD_NPY_UNICODE ? 4 : 1;
    uint32_t code = 0;
    if ((at + 1) * width > type->bytes) {
        return 0;
    }
    const unsigned char *from = array->data + word * type->bytes + at * width;
    if (width == 1) {
        code = *from;
    } else {
        memcpy(&code, from, sizeof code);
        code = type->swapped ? __builtin_bswap32(code) : code;
    }
    return code == 0 ? 0 : code >= ' ' && code <= '~' ? (char)code : '?';
}

static ffwd_status parse_word(const ffwd_npz_array *array, size_t number, uint32_t *activation,
                              ffwd_error *err) {
    char word[WORD_BYTES] = {0}, where[WORD_BYTES];
    for (size_t i = 0; i < WORD_BYTES - 1; i++) {
        word[i] = read_character(array, number, i);
        if (word[i] == 0) {
            break;
        }
    }
    if (ffwd_activation_parse(word, activation, err) == FFWD_OK) {
        return FFWD_OK;
    }
    if (err != NULL) {
        err->status = FFWD_EUNSUPPORTED;
    }
    (void)snprintf(where, sizeof where, "layer %zu", number + 1);
    return ffwd_fail_prefix(err, FFWD_EUNSUPPORTED, where);
}

static ffwd_status parse_words(network *net, const ffwd_npz_array *array, ffwd_error *err) {
    const ffwd_npy_header *header = &array->header;
    ffwd_status status = FFWD_OK;
    if (header->type.kind != FFWD_NPY_UNICODE && header->type.kind != FFWD_NPY_BYTES) {
        return ffwd_fail(err, FFWD_EFORMAT, "activations holds '%s', where names are needed",
                         header->type.descr);
    }
    if (header->axes != 1 || header->rows != net->count) {
        char shape[SHAPE_BYTES];
        format_shape(header, shape);
        return ffwd_fail(err, FFWD_EFORMAT, "activations is %s, but there %s %zu layer%s", shape,
                         net->count == 1 ? "is" : "are", net->count, net->count == 1 ? "" : "s");
    }
    for (size_t i = 0; i < net->count; i++) {
        FFWD_TRY(status, parse_word(array, i, &net->layers[i].activation, err));
    }

cleanup:
    return status;
}

static ffwd_status stored_activations(network *net, ffwd_error *err) {
    ffwd_npz_array array = {0};
    uint64_t index;
    ffwd_status status;
    if (!ffwd_npz_find(net->npz, "activations", &index)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "the file names no activations and none were given");
    }
    FFWD_TRY(status, ffwd_npz_load(net->npz, index, "activations", &array, err));
    status = parse_words(net, &array, err);

cleanup:
    ffwd_npz_array_free(&array);
    return status;
}

static ffwd_status given_activations(network *net, const char *words, ffwd_error *err) {
    uint32_t *activations = ffwd_alloc(net->count * sizeof *activations);
    if (activations == NULL) {
        return ffwd_fail_memory(err, net->count * sizeof *activations, "activations");
    }
    ffwd_status status = ffwd_activations_parse(words, net->count, activations, err);
    for (size_t i = 0; i < net->count && status == FFWD_OK; i++) {
        net->layers[i].activation = activations[i];
    }
    ffwd_free(activations);
    return status;
}

/* ---------------------------------------------------------------------------------------- model */

static ffwd_status load_network(network *net, const ffwd_load_options *options, ffwd_error *err) {
    ffwd_status status;
    FFWD_TRY(status, check_names(net, err));
    for (size_t i = 0; i < net->count; i++) {
        FFWD_TRY(status, load_layer(net, i, err));
    }
    FFWD_TRY(status, options->activations != NULL
                         ? given_activations(net, options->activations, err)
                         : stored_activations(net, err));
    net->dtype = options->dtype != 0 ? options->dtype : choose_dtype(net);
    for (size_t i = 0; i < net->count; i++) {
        layer *taken = &net->layers[i];
        FFWD_TRY(status, take_values(&taken->weights, net->dtype, &taken->weight_values, err));
        FFWD_TRY(status, take_values(&taken->bias, net->dtype, &taken->bias_values, err));
    }

cleanup:
    return status;
}

static ffwd_status create_model(const network *net, ffwd_model **out, ffwd_error *err) {
    ffwd_operation *operations = ffwd_alloc_zero(net->count * sizeof *operations);
    if (operations == NULL) {
        return ffwd_fail_memory(err, net->count * sizeof *operations, "operations");
    }
    for (size_t i = 0; i < net->count; i++) {
        const layer *from = &net->layers[i];
        operations[i] = (ffwd_operation){.kind = FFWD_DENSE,
                                         .activation = from->activation,
                                         .inputs = from->inputs,
                                         .neurons = from->neurons,
                                         .weights = from->weight_values,
                                         .bias = from->bias_values};
    }
    ffwd_status status = ffwd_model_create(net->dtype, net->layers[0].inputs, operations,
                                           net->count, sizeof *operations, out, err);
    ffwd_free(operations);
    return status;
}

static void free_network(network *net) {
    for (size_t i = 0; i < net->count && net->layers != NULL; i++) {
        ffwd_npz_array_free(&net->layers[i].weights);
        ffwd_npz_array_free(&net->layers[i].bias);
        ffwd_free(net->layers[i].weight_values);
        ffwd_free(net->layers[i].bias_values);
    }
    ffwd_free(net->layers);
}

ffwd_status ffwd_model_of_npz(const ffwd_npz *npz, const ffwd_load_options *options,
                              ffwd_model **out, ffwd_error *err) {
    network net = {.npz = npz, .count = count_layers(npz)};
    ffwd_status status;
    net.layers = ffwd_alloc_zero(net.count * sizeof *net.layers);
    if (net.layers == NULL) {
        return ffwd_fail_memory(err, net.count * sizeof *net.layers, "layers");
    }
    FFWD_TRY(status, load_network(&net, options, err));
    status = create_model(&net, out, err);

cleanup:
    free_network(&net);
    return status;
}
