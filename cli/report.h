// SPDX-License-Identifier: MIT
// Reports of runs and benchmarks: as text for people, as JSON for programs.
#ifndef FFWD_CLI_REPORT_H
#define FFWD_CLI_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "model_source.h"
#include "result.h"
#include "skipped.h"

/** All that a report tells. */
typedef struct report {
    const char *schema; /**< "ffwd.run/1", "ffwd.bench/1" */
    const model_source *model;
    uint64_t rows, seed;
    const result *results;
    size_t result_count;
    const skipped *skipped; /**< NULL: nobody looked */
} report;

/** A new object, NULL when out of memory. */
json_t *report_json(const report *told);
/** The model as an object: where it is from, widths, activations, dtype, parameters. */
json_t *report_json_model(const model_source *model);
/** The stages of a plan as an array: their kernels and the layers that they cover. */
json_t *report_json_stages(const ffwd_engine *engine);
/** What was skipped as an array; empty for NULL. */
json_t *report_json_skipped(const skipped *list);

/** One line about the model and the rows. */
void report_text_model(const model_source *model, uint64_t rows, FILE *stream);
/** Where `asked` bytes of memory (0: no bound) were too few: `lead`, and what they became. */
void report_text_memory(const char *lead, uint64_t asked, uint64_t used, FILE *stream);
/** A block about one result. */
void report_text_result(const result *found, FILE *stream);
/** A table that compares results with the first one. */
void report_text_comparison(const report *told, FILE *stream);

#endif
