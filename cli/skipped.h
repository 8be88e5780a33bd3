// SPDX-License-Identifier: MIT
// What was left out, and why: nothing vanishes quietly.
#ifndef FFWD_CLI_SKIPPED_H
#define FFWD_CLI_SKIPPED_H

#include <stdio.h>

#include <ffwd/ffwd.h>

typedef struct skipped_item {
    char what[64]; /**< "1:0", "opencl", "cpu avx512" */
    char reason[496];
} skipped_item;

typedef struct skipped {
    skipped_item *items;
    size_t count;
} skipped;

/** Adds an item, once. */
void skipped_add(skipped *list, const char *what, const char *reason);
/** Adds the refused devices of a list, and what stood in the way of finding more. */
void skipped_add_refused(skipped *list, const ffwd_device_list *devices);
/** Prints a line for each. */
void skipped_print(const skipped *list, FILE *stream);
void skipped_free(skipped *list);

/** Whether a failure to place or run a model is a reason to skip a device, when several were asked
 * for. */
int skipped_is_reason(const ffwd_error *err);

#endif
