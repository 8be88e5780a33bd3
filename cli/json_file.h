// SPDX-License-Identifier: MIT
// JSON into a file that appears whole or not at all, or to standard output.
#ifndef FFWD_CLI_JSON_FILE_H
#define FFWD_CLI_JSON_FILE_H

#include <jansson.h>
#include <stdint.h>

#include "out_file.h"

typedef struct json_file {
    const char *path;
    out_file file; /**< where the path leads to a file */
} json_file;

/** To be called before all else. Without memory, jansson makes objects that lack a part; from here
 *  on the process ends with 71 instead. */
void json_begin(void);

/** Begins the file early, so that a name that cannot be written is known before the work. NULL as
 *  the path: nothing is written, and nothing below fails. */
int json_file_open(const char *path, json_file *out);
/** Writes the object, which it takes over, and makes the file appear. */
int json_file_commit(json_file *file, json_t *root);
/** Removes what was not committed. */
void json_file_close(json_file *file);

/** Prints an object, in short numbers; takes it over. */
int json_print(json_t *root, FILE *stream, const char *name);

/** A number in JSON; null where it is none. */
json_t *json_number(double value);
/** A text from anywhere, a '?' for each byte that is not UTF-8; null where it is empty. */
json_t *json_text(const char *text);
json_t *json_count(uint64_t count);

#endif
