// SPDX-License-Identifier: MIT
// From the arrays of an archive to a model: which layers there are, whether they meet, their dtype.
#include "format/model_npz.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "format/npy_convert.h"
#include "model/model.h"

/** Room for "slopes18446744073709551615". */
#define NAME_BYTES 32
/** Room for 64 axes. */
#define SHAPE_BYTES 128

/** The arrays of a layer: W and b of a dense one, scale and shift of an affine one; slopes. */
typedef enum role { WEIGHTS, BIAS, SLOPES, ROLES } role;
static const char *const dense_names[ROLES] = {"W", "b", "slopes"};
static const char *const affine_names[ROLES] = {"scale", "shift", "slopes"};

typedef struct layer {
    const char *const *names; /**< dense_names or affine_names */
    ffwd_npz_array arrays[ROLES];
    void *values[ROLES]; /**< in the model's dtype */
    uint64_t neurons, inputs;
    ffwd_operation word; /**< as ffwd_operation_parse fills it */
} layer;

typedef struct network {
    const ffwd_npz *npz;
    layer *layers;
    size_t count;
    uint32_t dtype;
} network;

static void name_array(char name[NAME_BYTES], const char *prefix, uint64_t number) {
    (void)snprintf(name, NAME_BYTES, "%s%llu", prefix, (unsigned long long)number);
}

static bool has_array(const ffwd_npz *npz, const char *prefix, uint64_t number) {
    char name[NAME_BYTES];
    uint64_t index;
    name_array(name, prefix, number);
    return ffwd_npz_find(npz, name, &index);
}

static void format_shape(const ffwd_npy_header *header, char shape[SHAPE_BYTES]) {
    size_t used = (size_t)snprintf(shape, SHAPE_BYTES, "%s", header->axes == 0 ? "one value" : "");
    for (unsigned axis = 0; axis < header->axes && used < SHAPE_BYTES; axis++) {
        used += (size_t)snprintf(shape + used, SHAPE_BYTES - used, "[%llu]",
                                 (unsigned long long)header->shape[axis]);
    }
}

/* ---------------------------------------------------------------------------------------- names */

/** Whether an entry is called by one of our names and a number, and which. */
static bool parse_name(const char *entry, const char **prefix, uint64_t *number) {
    static const char *const prefixes[] = {"W", "b", "scale", "shift", "slopes"};
    const size_t letters = strcspn(entry, "0123456789.");
    const char *at = entry + letters;
    bool ours = false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes && !ours; i++) {
        *prefix = prefixes[i];
        ours = strlen(prefixes[i]) == letters && memcmp(entry, prefixes[i], letters) == 0;
    }
    if (!ours || at[0] == '.' || (at[0] == '0' && at[1] != '.')) {
        return false;
    }
    *number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (!ffwd_multiply(*number, 10, number) ||
            !ffwd_add(*number, (uint64_t)(*at - '0'), number)) {
            *number = UINT64_MAX;
        }
    }
    return strcmp(at, ".npy") == 0;
}

static bool is_affine(const ffwd_npz *npz, uint64_t number) {
    return has_array(npz, "scale", number) || has_array(npz, "shift", number);
}

static size_t count_layers(const ffwd_npz *npz) {
    size_t count = 0;
    while (has_array(npz, "W", count + 1) || is_affine(npz, count + 1)) {
        count++;
    }
    return count;
}

/** Names that are not ours may be anything; one of ours that no layer would use is a mistake. */
static ffwd_status check_names(const network *net, ffwd_error *err) {
    const char *prefix;
    uint64_t number, entries = ffwd_npz_count(net->npz);
    if (net->count == 0) {
        return ffwd_fail(err, FFWD_EFORMAT,
                         "no W1 among %llu entries; a model is W1 .. WL, perhaps b1 .. bL and "
                         "activations",
                         (unsigned long long)entries);
    }
    for (uint64_t i = 0; i < entries; i++) {
        const char *name = ffwd_npz_name(net->npz, i);
        if (!parse_name(name, &prefix, &number) || (number > 0 && number <= net->count)) {
            continue;
        }
        int length = (int)(strlen(name) - strlen(".npy"));
        if (number == 0) {
            return ffwd_fail(err, FFWD_EFORMAT, "%.*s, but layers are counted from 1", length,
                             name);
        }
        const bool begins = prefix[0] != 'b' && strcmp(prefix, "slopes") != 0;
        return ffwd_fail(err, FFWD_EFORMAT, "%.*s without W%llu", length, name,
                         (unsigned long long)(begins ? net->count + 1 : number));
    }
    return FFWD_OK;
}

/** A layer is dense, by W, or affine, by scale or shift, and has no array of the other. */
static ffwd_status choose_kind(const network *net, size_t index, layer *chosen, ffwd_error *err) {
    const size_t number = index + 1;
    const bool affine = is_affine(net->npz, number);
    if (affine && has_array(net->npz, "W", number)) {
        return ffwd_fail(err, FFWD_EFORMAT, "layer %zu has W%zu, but also scale%zu or shift%zu",
                         number, number, number, number);
    }
    if (affine && has_array(net->npz, "b", number)) {
        return ffwd_fail(err, FFWD_EFORMAT, "b%zu without W%zu", number, number);
    }
    chosen->names = affine ? affine_names : dense_names;
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
    ffwd_npy_header *header = &measured->arrays[WEIGHTS].header;
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

/** Of an affine layer, from the scale, or the shift where there is none. */
static ffwd_status measure_affine(layer *measured, size_t index, ffwd_error *err) {
    const role from = measured->arrays[WEIGHTS].data != NULL ? WEIGHTS : BIAS;
    const ffwd_npy_header *header = &measured->arrays[from].header;
    measured->neurons = measured->inputs = header->rows;
    if (header->axes != 1 || header->rows == 0) {
        char shape[SHAPE_BYTES];
        format_shape(header, shape);
        return ffwd_fail(err, FFWD_EFORMAT, "%s%zu is %s; a value for each column is needed",
                         measured->names[from], index + 1, shape);
    }
    return FFWD_OK;
}

/** Whether an array has a value for each neuron, where there is one. */
static ffwd_status check_vector(const layer *checked, size_t index, role array, ffwd_error *err) {
    const ffwd_npy_header *header = &checked->arrays[array].header;
    if (checked->arrays[array].data != NULL &&
        (header->axes > 1 || header->rows != checked->neurons)) {
        char shape[SHAPE_BYTES];
        format_shape(header, shape);
        return ffwd_fail(err, FFWD_EFORMAT, "%s%zu is %s, but %s%zu has %llu neuron%s",
                         checked->names[array], index + 1, shape, checked->names[WEIGHTS],
                         index + 1, (unsigned long long)checked->neurons,
                         checked->neurons == 1 ? "" : "s");
    }
    return FFWD_OK;
}

static ffwd_status check_meeting(const network *net, size_t index, ffwd_error *err) {
    const layer *below = &net->layers[index - 1], *above = &net->layers[index];
    const role from = above->arrays[WEIGHTS].data != NULL ? WEIGHTS : BIAS;
    const uint64_t width = ffwd_row_outputs(below->word.kind, below->neurons);
    if (above->inputs != width) {
        char shape[SHAPE_BYTES];
        format_shape(&above->arrays[from].header, shape);
        return ffwd_fail(err, FFWD_EFORMAT, "%s%zu is %s, but %s%zu has %llu neuron%s",
                         above->names[from], index + 1, shape, below->names[WEIGHTS], index,
                         (unsigned long long)width, width == 1 ? "" : "s");
    }
    return FFWD_OK;
}

static ffwd_status load_layer(network *net, size_t index, ffwd_error *err) {
    layer *loaded = &net->layers[index];
    char name[NAME_BYTES];
    ffwd_status status;
    FFWD_TRY(status, choose_kind(net, index, loaded, err));
    for (role array = WEIGHTS; array < ROLES; array++) {
        name_array(name, loaded->names[array], index + 1);
        FFWD_TRY(status, load_numbers(net, name, &loaded->arrays[array], err));
        if (array == WEIGHTS && loaded->names == dense_names) {
            FFWD_TRY(status, measure_weights(loaded, name, err));
        }
    }
    if (loaded->names == affine_names) {
        FFWD_TRY(status, measure_affine(loaded, index, err));
    }
    FFWD_TRY(status, check_vector(loaded, index, BIAS, err));
    FFWD_TRY(status, check_vector(loaded, index, SLOPES, err));

cleanup:
    return status;
}

/** float64 where any array is, and where all are integers. */
static uint32_t choose_dtype(const network *net) {
    bool all_integers = true;
    for (size_t i = 0; i < ROLES * net->count; i++) {
        const ffwd_npz_array *array = &net->layers[i / ROLES].arrays[i % ROLES];
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

static ffwd_status parse_word(const ffwd_npz_array *array, size_t number, ffwd_operation *parsed,
                              ffwd_error *err) {
    char word[FFWD_WORD_MAX] = {0}, where[NAME_BYTES];
    for (size_t i = 0; i < FFWD_WORD_MAX - 1; i++) {
        word[i] = read_character(array, number, i);
        if (word[i] == 0) {
            break;
        }
    }
    if (ffwd_operation_parse(word, sizeof *parsed, parsed, err) == FFWD_OK) {
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
        FFWD_TRY(status, parse_word(array, i, &net->layers[i].word, err));
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
    ffwd_operation *parsed = ffwd_alloc(net->count * sizeof *parsed);
    if (parsed == NULL) {
        return ffwd_fail_memory(err, net->count * sizeof *parsed, "activations");
    }
    ffwd_status status = ffwd_words_parse(words, net->count, parsed, err);
    for (size_t i = 0; i < net->count && status == FFWD_OK; i++) {
        net->layers[i].word = parsed[i];
    }
    ffwd_free(parsed);
    return status;
}

/** A prelu needs slopes; others take none, but those of the file that a given word replaced. */
static ffwd_status check_slopes(const network *net, bool given, ffwd_error *err) {
    for (size_t i = 0; i < net->count; i++) {
        layer *checked = &net->layers[i];
        const bool prelu = checked->word.activation == FFWD_PRELU;
        if (prelu && checked->arrays[SLOPES].data == NULL) {
            return ffwd_fail(err, FFWD_EFORMAT, "layer %zu is a prelu, but there is no slopes%zu",
                             i + 1, i + 1);
        }
        if (!prelu && !given && checked->arrays[SLOPES].data != NULL) {
            return ffwd_fail(err, FFWD_EFORMAT, "slopes%zu, but layer %zu is no prelu", i + 1,
                             i + 1);
        }
        if (!prelu) {
            ffwd_npz_array_free(&checked->arrays[SLOPES]);
        }
    }
    return FFWD_OK;
}

/* ---------------------------------------------------------------------------------------- model */

static ffwd_status load_network(network *net, const ffwd_load_options *options, ffwd_error *err) {
    ffwd_status status;
    FFWD_TRY(status, check_names(net, err));
    for (size_t i = 0; i < net->count; i++) {
        FFWD_TRY(status, load_layer(net, i, err));
    }
    const bool given = options->activations != NULL;
    FFWD_TRY(status, given ? given_activations(net, options->activations, err)
                           : stored_activations(net, err));
    FFWD_TRY(status, check_slopes(net, given, err));
    for (size_t i = 1; i < net->count; i++) {
        FFWD_TRY(status, check_meeting(net, i, err));
    }
    net->dtype = options->dtype != 0 ? options->dtype : choose_dtype(net);
    for (size_t i = 0; i < ROLES * net->count; i++) {
        layer *taken = &net->layers[i / ROLES];
        FFWD_TRY(status, take_values(&taken->arrays[i % ROLES], net->dtype,
                                     &taken->values[i % ROLES], err));
    }

cleanup:
    return status;
}

/** The operations of a layer: its own, and the one behind it where its word names one. */
static size_t add_operations(const layer *from, ffwd_operation *operations) {
    operations[0] = from->word;
    operations[0].kind = from->names == affine_names ? FFWD_AFFINE : FFWD_DENSE;
    operations[0].inputs = from->inputs;
    operations[0].neurons = from->neurons;
    operations[0].weights = from->values[WEIGHTS];
    operations[0].bias = from->values[BIAS];
    operations[0].slopes = from->values[SLOPES];
    if (!ffwd_needs_row(from->word.kind)) {
        return 1;
    }
    operations[1] = (ffwd_operation){.kind = from->word.kind,
                                     .inputs = from->neurons,
                                     .neurons = ffwd_row_outputs(from->word.kind, from->neurons)};
    return 2;
}

static ffwd_status create_model(const network *net, ffwd_model **out, ffwd_error *err) {
    const uint64_t bytes = 2 * net->count * sizeof(ffwd_operation);
    ffwd_operation *operations = ffwd_alloc_zero(bytes);
    size_t count = 0;
    if (operations == NULL) {
        return ffwd_fail_memory(err, bytes, "operations");
    }
    for (size_t i = 0; i < net->count; i++) {
        count += add_operations(&net->layers[i], operations + count);
    }
    ffwd_status status = ffwd_model_create(net->dtype, net->layers[0].inputs, operations, count,
                                           sizeof *operations, out, err);
    ffwd_free(operations);
    return status;
}

static void free_network(network *net) {
    for (size_t i = 0; i < ROLES * net->count && net->layers != NULL; i++) {
        ffwd_npz_array_free(&net->layers[i / ROLES].arrays[i % ROLES]);
        ffwd_free(net->layers[i / ROLES].values[i % ROLES]);
    }
    ffwd_free(net->layers);
}

ffwd_status ffwd_model_of_npz(const ffwd_npz *npz, const ffwd_load_options *options,
                              ffwd_model **out, ffwd_error *err) {
    network net = {.npz = npz, .count = count_layers(npz)};
    ffwd_status status;
    if (options->labels != 0) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "labels are asked for, and it has none");
    }
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
