// SPDX-License-Identifier: MIT
// Any lines as the command's arguments: parsed and not run, but that a small shape is made a model.
#include "fuzz.h"

#include <string.h>

#include "failure.h"
#include "model_source.h"
#include "options.h"
#include "quantity.h"
#include "units.h"

#define MOST_WORDS 64
/** Shapes of this many characters have at most 999 x 999 weights. */
#define SHORT_SHAPE 7

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    (void)unsetenv("FFWD_DEVICE");
    return 0;
}

/** Cuts a text at newlines and zeros into words behind "ffwd"; their number. */
static int cut(char *text, size_t size, char *words[MOST_WORDS + 1]) {
    static char program[] = "ffwd";
    int count = 0;
    words[count++] = program;
    for (size_t at = 0; at < size && count < MOST_WORDS; at += strlen(text + at) + 1) {
        text[at + strcspn(text + at, "\n")] = '\0';
        words[count++] = text + at;
    }
    words[count] = NULL;
    return count;
}

/** What is shown fits its label, and is not cut. */
static void must_fit(label shown) {
    size_t length = strlen(shown.text);
    MUST(length > 0 && length < sizeof shown.text - 1);
}

static void read_number(const char *text) {
    uint64_t number, bytes;
    bool whole = quantity_parse(text, 0, UINT64_MAX, &number);
    MUST(!whole || quantity_parse_bytes(text, &bytes));
    if (!quantity_parse_bytes(text, &bytes)) {
        return;
    }
    MUST(!whole || bytes == number);
    must_fit(units_count(bytes));
    must_fit(units_bytes(bytes));
    must_fit(units_time((double)bytes));
    must_fit(units_number((double)bytes));
    must_fit(units_percent(1.0 / (double)bytes));
}

static void check(const options *given) {
    model_source source;
    MUST(given->command < COMMAND_COUNT);
    MUST(given->strategy <= FFWD_TABLE && given->dtype <= FFWD_F64 && given->out_dtype <= FFWD_U8);
    MUST(given->allowed.kind <= TOLERANCE_BOUND && given->csv.header <= FFWD_HEADER_NO);
    MUST((given->command == DEVICES || given->command == BENCH) || given->model != NULL);
    if (given->model != NULL && strlen(given->model) <= SHORT_SHAPE &&
        given->model[strspn(given->model, "0123456789-")] == '\0') {
        int status = model_source_open(given, &source);
        MUST(status == EXIT_DONE || (status >= EX__BASE && status <= EX__MAX));
        model_source_close(&source);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *words[MOST_WORDS + 1], *text = malloc(size + 1);
    options given;
    MUST(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    int count = cut(text, size, words);
    for (int i = 1; i < count; i++) {
        read_number(words[i]);
    }
    int status = options_parse(count, words, &given);
    MUST(status == EXIT_DONE || status == EX_USAGE || status == EXIT_ANSWERED);
    if (status == EXIT_DONE) {
        check(&given);
    }
    options_free(&given);
    free(text);
    return 0;
}
