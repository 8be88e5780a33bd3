// SPDX-License-Identifier: MIT
// The words of activations.
#include <stdio.h>
#include <string.h>

#include "model/model.h"

const char *ffwd_activation_name(uint32_t activation) {
#define CASE(name, value, word)                                                                    \
    case name:                                                                                     \
        return word;
    switch (activation) { FFWD_ACTIVATION_LIST(CASE) }
#undef CASE
    return NULL;
}

#define WORD(name, value, word) " " word
static const char known_words[] = FFWD_ACTIVATION_LIST(WORD);
#undef WORD

static ffwd_status parse_word(const char *word, size_t length, uint32_t *activation,
                              ffwd_error *err) {
#define MATCH(name, value, text)                                                                   \
    if (length == sizeof(text) - 1 && memcmp(word, text, length) == 0) {                           \
        *activation = (value);                                                                     \
        return FFWD_OK;                                                                            \
    }
    FFWD_ACTIVATION_LIST(MATCH)
#undef MATCH
    return ffwd_fail(err, FFWD_EARGUMENT, "unknown activation '%.*s', known are%s",
                     (int)(length < 40 ? length : 40), word, known_words);
}

ffwd_status ffwd_activation_parse(const char *word, uint32_t *activation, ffwd_error *err) {
    return parse_word(word, strlen(word), activation, err);
}

ffwd_status ffwd_activations_parse(const char *words, size_t layer_count, uint32_t *activations,
                                   ffwd_error *err) {
    size_t count = 0;
    for (const char *word = words;; count++) {
        size_t length = strcspn(word, ",");
        uint32_t activation = FFWD_IDENTITY;
        ffwd_status status = parse_word(word, length, &activation, err);
        if (status != FFWD_OK) {
            return status;
        }
        if (count < layer_count) {
            activations[count] = activation;
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
            activations[i] = activations[0];
        }
    } else if (count != layer_count) {
        return ffwd_fail(err, FFWD_EARGUMENT,
                         "%zu activations for %zu layers: name one, or one each", count,
                         layer_count);
    }
    return FFWD_OK;
}
