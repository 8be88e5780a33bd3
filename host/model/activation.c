// SPDX-License-Identifier: MIT
// The words of kinds and activations, and the parameters behind them.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "model/model.h"

const char *ffwd_kind_name(uint32_t kind) {
#define CASE(name, value, word)                                                                    \
    case name:                                                                                     \
        return word;
    switch (kind) { FFWD_KIND_LIST(CASE) }
    return NULL;
}

const char *ffwd_activation_name(uint32_t activation) {
    switch (activation) { FFWD_ACTIVATION_LIST(CASE) }
#undef CASE
    return NULL;
}

const ffwd_parameters *ffwd_activation_parameters(uint32_t activation) {
    static const ffwd_parameters none = {0, {0, 0}};
    static const struct {
        uint32_t activation;
        ffwd_parameters parameters;
    } list[] = {
        {FFWD_STEP, {1, {0, 0}}},
        {FFWD_STEP_GE, {1, {0, 0}}},
        {FFWD_LEAKY_RELU, {1, {0.01, 0}}},
        {FFWD_THRESHOLDED_RELU, {1, {1, 0}}},
        {FFWD_ELU, {1, {1, 0}}},
        {FFWD_SELU, {2, {1.67326319217681884765625, 1.05070102214813232421875}}},
        {FFWD_CELU, {1, {1, 0}}},
        {FFWD_HARD_SIGMOID, {2, {0.2, 0.5}}},
        {FFWD_CLIP, {2, {-INFINITY, INFINITY}}},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        if (list[i].activation == activation) {
            return &list[i].parameters;
        }
    }
    return &none;
}

#define WORD(name, value, word) " " word
static const char known_activations[] = FFWD_ACTIVATION_LIST(WORD);
#undef WORD
#define ROW_OPERATIONS " softmax log_softmax argmax"

/** What a word names: an activation, or an operation on whole rows. */
typedef struct entry {
    uint32_t kind, activation;
} entry;

static bool is_word(const char *word, size_t length, const char *known) {
    return length == strlen(known) && memcmp(word, known, length) == 0;
}

static bool find_activation(const char *word, size_t length, uint32_t *activation) {
#define MATCH(name, value, text)                                                                   \
    if (is_word(word, length, text)) {                                                             \
        *activation = (value);                                                                     \
        return true;                                                                               \
    }
    FFWD_ACTIVATION_LIST(MATCH)
#undef MATCH
    return false;
}

static bool find_entry(const char *word, size_t length, entry *found) {
    *found = (entry){FFWD_DENSE, FFWD_IDENTITY};
    if (find_activation(word, length, &found->activation)) {
        return true;
    }
#define MATCH(name, value, text)                                                                   \
    if (ffwd_needs_row(value) && is_word(word, length, text)) {                                    \
        found->kind = (value);                                                                     \
        return true;                                                                               \
    }
    FFWD_KIND_LIST(MATCH)
#undef MATCH
    return false;
}

/** As much of a word as a message shows. */
static int shown(size_t length) {
    return (int)ffwd_min(length, 40);
}

static ffwd_status parse_parameters(const char *word, size_t length, const ffwd_parameters *known,
                                    double values[2], ffwd_error *err) {
    size_t count = 0, at = strcspn(word, ":,");
    memcpy(values, known->defaults, sizeof known->defaults);
    for (; at < length; count++) {
        const char *text = word + at + 1;
        const size_t digits = strcspn(text, ":,");
        if (count < known->count && !ffwd_number_parse(text, digits, &values[count])) {
            return ffwd_fail(err, FFWD_EARGUMENT, "'%.*s': '%.*s' is no number", shown(length),
                             word, shown(digits), text);
        }
        at += 1 + digits;
    }
    if (count > known->count) {
        return ffwd_fail(err, FFWD_EARGUMENT, "'%.*s' has %zu parameters, but %.*s takes %zu",
                         shown(length), word, count, (int)strcspn(word, ":,"), word, known->count);
    }
    return FFWD_OK;
}

/** word[0 .. length), which ends with the text or at a comma. */
static ffwd_status parse_word(const char *word, size_t length, ffwd_operation *operation,
                              ffwd_error *err) {
    entry found;
    double values[2];
    if (!find_entry(word, strcspn(word, ":,"), &found)) {
        return ffwd_fail(err, FFWD_EARGUMENT,
                         "unknown activation '%.*s', known are%s" ROW_OPERATIONS, shown(length),
                         word, known_activations);
    }
    ffwd_status status =
        parse_parameters(word, length, ffwd_activation_parameters(found.activation), values, err);
    if (status == FFWD_OK) {
        operation->kind = found.kind;
        operation->activation = found.activation;
        operation->alpha = values[0];
        operation->beta = values[1];
    }
    return status;
}

ffwd_status ffwd_activation_parse(const char *word, uint32_t *activation, ffwd_error *err) {
    if (!find_activation(word, strlen(word), activation)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "unknown activation '%.*s', known are%s",
                         shown(strlen(word)), word, known_activations);
    }
    return FFWD_OK;
}

ffwd_status ffwd_operation_parse(const char *word, size_t operation_size, ffwd_operation *operation,
                                 ffwd_error *err) {
    ffwd_operation parsed;
    const size_t length = strcspn(word, ",");
    if (word[length] != '\0') {
        return ffwd_fail(err, FFWD_EARGUMENT, "'%.*s' is more than one word", shown(strlen(word)),
                         word);
    }
    memset(&parsed, 0, sizeof parsed);
    memcpy(&parsed, operation, ffwd_min(operation_size, sizeof parsed));
    ffwd_status status = parse_word(word, length, &parsed, err);
    if (status == FFWD_OK) {
        memcpy(operation, &parsed, ffwd_min(operation_size, sizeof parsed));
    }
    return status;
}

size_t ffwd_operation_word(const ffwd_operation *operation, size_t operation_size, char *text,
                           size_t size) {
    ffwd_operation known = {0};
    ffwd_operation_copy(operation, operation_size, &known);
    const ffwd_parameters *parameters = ffwd_activation_parameters(known.activation);
    const double values[] = {known.alpha, known.beta};
    const char *name = ffwd_needs_row(known.kind) ? ffwd_kind_name(known.kind)
                                                  : ffwd_activation_name(known.activation);
    char word[FFWD_WORD_MAX];
    size_t used = (size_t)snprintf(word, sizeof word, "%s", name != NULL ? name : "?");
    size_t count = ffwd_needs_row(known.kind) ? 0 : parameters->count;
    while (count > 0 && values[count - 1] == parameters->defaults[count - 1]) {
        count--;
    }
    for (size_t i = 0; i < count && i < sizeof values / sizeof *values; i++) {
        char number[FFWD_NUMBER_MAX];
        ffwd_number_format(values[i], number);
        used += (size_t)snprintf(word + used, sizeof word - used, ":%s", number);
    }
    if (size > 0) {
        (void)snprintf(text, size, "%s", word);
    }
    return used;
}

ffwd_status ffwd_words_parse(const char *words, size_t layer_count, ffwd_operation *layers,
                             ffwd_error *err) {
    size_t count = 0;
    for (const char *word = words;; count++) {
        const size_t length = strcspn(word, ",");
        ffwd_operation parsed = {0};
        ffwd_status status = parse_word(word, length, &parsed, err);
        if (status != FFWD_OK) {
            return status;
        }
        if (count < layer_count) {
            layers[count] = parsed;
        }
        word += length;
        if (*word == '\0') {
            count++;
            break;
        }
        word++;
    }
    if (count == 1) {
        for (size_t i = 1; i < layer_count; i++) {
            layers[i] = layers[0];
        }
    } else if (count != layer_count) {
        return ffwd_fail(err, FFWD_EARGUMENT,
                         "%zu activations for %zu layers: name one, or one each", count,
                         layer_count);
    }
    return FFWD_OK;
}
