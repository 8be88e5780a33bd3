// SPDX-License-Identifier: MIT
// What commands and options are called, what they take, and what --help says of them.
#ifndef FFWD_CLI_SYNTAX_H
#define FFWD_CLI_SYNTAX_H

#include <argp.h>
#include <stddef.h>

#include "options.h"

enum {
    KEY_HELP = 'h',
    KEY_OUTPUT = 'o',
    KEY_DEVICE = 256,
    KEY_COLUMNS,
    KEY_MAP,
    KEY_MISSING,
    KEY_KEEP,
    KEY_DELIMITER,
    KEY_HEADER,
    KEY_NAMES,
    KEY_EXPECT,
    KEY_TOL,
    KEY_ACTIVATION,
    KEY_DTYPE,
    KEY_STRATEGY,
    KEY_ISA,
    KEY_THREADS,
    KEY_OUT_DTYPE,
    KEY_LAYERS,
    KEY_ROWS,
    KEY_REPEAT,
    KEY_SEED,
    KEY_MEMORY,
    KEY_NO_FALLBACK,
    KEY_RESIDENT,
    KEY_LABELS,
    KEY_NO_FOLD,
    KEY_REPORT,
    KEY_JSON,
    KEY_TRACE,
    KEY_VERSION
};

typedef struct syntax {
    const char *name;      /**< "run"; "" of `ffwd` alone */
    const char *arguments; /**< as in the usage line: "MODEL X" */
    const char *needs;     /**< those that must be there, in words: "MODEL and X" */
    size_t least, most;    /**< arguments */
    const char *doc;       /**< before and, behind \v, after the options */
} syntax;

/** Of a command, or of COMMAND_COUNT: `ffwd` alone. */
const syntax *syntax_of(command which);

/** No command has more options. */
#define SYNTAX_MOST_OPTIONS 64

/** The options of a command, ended as argp wants it. */
void syntax_options(command which, struct argp_option chosen[SYNTAX_MOST_OPTIONS]);

#endif
