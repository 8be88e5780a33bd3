// SPDX-License-Identifier: MIT
// The command line: which command, its arguments, its options.
#ifndef FFWD_CLI_OPTIONS_H
#define FFWD_CLI_OPTIONS_H

#include <stdbool.h>

#include <ffwd/ffwd.h>

#include "column_options.h"
#include "tolerance.h"

typedef enum command { RUN, BENCH, VERIFY, INFO, DEVICES, COMMAND_COUNT } command;

typedef enum report_form { REPORT_TEXT, REPORT_JSON, REPORT_NONE } report_form;

/** What the user wants. Pointers are NULL and numbers 0 where nothing was said. */
typedef struct options {
    command command;
    const char *model, *x; /**< MODEL and X */
    const char *output;    /**< Y, or "-" */
    const char *layers;
    const char *expect; /**< outputs to compare with */
    tolerance allowed;  /**< by bits where nothing was said */
    column_options csv;
    const char *device; /**< --device, else FFWD_DEVICE */
    bool device_named;  /**< by --device */
    const char *activation, *isa;
    uint32_t dtype, out_dtype; /**< ffwd_dtype */
    uint32_t strategy;         /**< ffwd_strategy */
    uint32_t threads;
    uint64_t rows, repeat;
    uint64_t seed;         /**< 1 where nothing was said */
    uint64_t memory_bytes; /**< at least 1 where given */
    bool no_fallback;
    bool resident;        /**< rows are on the device before the clock starts */
    bool labels, no_fold; /**< of an ONNX model */
    report_form report;   /**< text where nothing was said */
    const char *json;     /**< a path, or "-" */
    const char *trace;    /**< a path */
} options;

/** Fills *out; answers --help and --version itself. Returns 0, EX_USAGE,
 *  EX_OSERR or EXIT_ANSWERED. */
int options_parse(int argc, char **argv, options *out);

void options_free(options *given);

/** Whether the device is "all". */
bool options_all_devices(const options *given);

/** Whether the device is said to be "auto", the one that suits the model. */
bool options_auto_device(const options *given);

/** Whether `path` is "-": standard output. */
bool options_is_stdout(const char *path);

#endif
