// SPDX-License-Identifier: MIT
// The values of options. Each function answers false after one line that says what is wrong.
#ifndef FFWD_CLI_OPTION_VALUES_H
#define FFWD_CLI_OPTION_VALUES_H

#include <stdbool.h>

#include "options.h"

bool option_number(const char *name, const char *text, uint64_t least, uint64_t most,
                   uint64_t *value);
bool option_memory(const char *text, uint64_t *bytes);
bool option_threads(const char *text, uint64_t most, uint32_t *threads);
/** A dtype up to `last`; `known` lists them for the complaint. */
bool option_dtype(const char *name, const char *text, const char *known, uint32_t last,
                  uint32_t *dtype);
bool option_strategy(const char *text, uint32_t *strategy);
bool option_report(const char *text, report_form *form);
bool option_tolerance(const char *text, tolerance *allowed);
/** Any name, but not standard output. */
bool option_file(const char *name, const char *text, const char **path);
/** A name that ends in .npz; case does not count. */
bool option_layers(const char *text, const char **path);

#endif
