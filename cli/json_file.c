// SPDX-License-Identifier: MIT
// Prints JSON in short numbers, and text from anywhere as UTF-8.
#include "json_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "options.h"

/** Six digits that matter: 0.957, not 0.95699999999999996. */
#define FORMAT (JSON_INDENT(2) | JSON_REAL_PRECISION(6))

static void *need_block(size_t bytes) {
    return need_memory(NULL, bytes);
}

void json_begin(void) {
    json_set_alloc_funcs(need_block, free);
}

int json_file_open(const char *path, json_file *out) {
    *out = (json_file){.path = path};
    return path == NULL || options_is_stdout(path) ? EXIT_DONE : out_file_open(path, &out->file);
}

int json_print(json_t *root, FILE *stream, const char *name) {
    // Not json_dumpf: jansson 2.14 does not notice where the name of a value is not written.
    char *text = root != NULL ? json_dumps(root, FORMAT) : NULL;
    json_decref(root);
    if (text == NULL) {
        return fail(EX_OSERR, "out of memory: the report as JSON");
    }
    int failed = fputs(text, stream) == EOF || fputc('\n', stream) == EOF || fflush(stream) != 0;
    int error = errno;
    free(text);
    return failed ? fail_errno(ON_WRITE, name, error) : EXIT_DONE;
}

int json_file_commit(json_file *file, json_t *root) {
    if (file->path == NULL) {
        json_decref(root);
        return EXIT_DONE;
    }
    if (file->file.stream == NULL) {
        return json_print(root, stdout, "standard output");
    }
    int status = json_print(root, file->file.stream, file->path);
    return status == EXIT_DONE ? out_file_commit(&file->file) : status;
}

void json_file_close(json_file *file) {
    out_file_close(&file->file);
    *file = (json_file){0};
}

json_t *json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

/** Bytes of the character that text starts with; 0 where it starts with none of UTF-8. */
static size_t character_bytes(const char *text) {
    for (size_t bytes = 1; bytes <= 4 && text[bytes - 1] != '\0'; bytes++) {
        json_t *character = json_stringn(text, bytes);
        if (character != NULL) {
            json_decref(character);
            return bytes;
        }
    }
    return 0;
}

/** The text with a '?' for each byte that is not UTF-8: file names and drivers may hold any. */
static json_t *mended(const char *text) {
    char *copy = strdup(text);
    if (copy == NULL) {
        return NULL;
    }
    for (char *at = copy; *at != '\0';) {
        size_t bytes = character_bytes(at);
        if (bytes == 0) {
            *at = '?';
            bytes = 1;
        }
        at += bytes;
    }
    json_t *value = json_string(copy);
    free(copy);
    return value;
}

json_t *json_text(const char *text) {
    if (text[0] == '\0') {
        return json_null();
    }
    json_t *value = json_string(text);
    return value != NULL ? value : mended(text);
}

json_t *json_count(uint64_t count) {
    return json_integer((json_int_t)count);
}
