// SPDX-License-Identifier: MIT
// Parses the command line with argp.
#include "options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "option_values.h"
#include "syntax.h"

#define MOST_THREADS 4096
/** What still fits in a JSON integer. */
#define MOST_NUMBER ((uint64_t)INT64_MAX)

/** What argp carries from the command line to the options. */
typedef struct parsing {
    options *out;
    const syntax *syntax;
    char *name; /**< "ffwd run" */
    size_t argument_count;
    bool answered; /**< by --help or --version: nothing is left to do */
} parsing;

static error_t take_argument(parsing *p, const char *argument) {
    if (p->argument_count == p->syntax->most) {
        fail(EX_USAGE, "unexpected argument '%s' (see %s --help)", argument, p->name);
        return EINVAL;
    }
    *(p->argument_count++ == 0 ? &p->out->model : &p->out->x) = argument;
    return 0;
}

static error_t check_arguments(const parsing *p) {
    if (p->argument_count < p->syntax->least) {
        fail(EX_USAGE, "%s needs %s (see %s --help)", p->syntax->name, p->syntax->needs, p->name);
        return EINVAL;
    }
    return 0;
}

/** Ends the parsing: an error to argp, which says nothing of it. */
static error_t end_answered(parsing *p) {
    p->answered = true;
    return ECANCELED;
}

static error_t print_version(parsing *p) {
    printf("ffwd %s (arithmetic %d)\n", ffwd_version(), FFWD_ARITHMETIC_VERSION);
    return end_answered(p);
}

static error_t print_help(struct argp_state *state, parsing *p) {
    state->name = p->name;
    (void)setenv("ARGP_HELP_FMT", "no-dup-args-note", 0); // -o Y says it as well
    argp_state_help(state, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK);
    return end_answered(p);
}

/** An argp key without a value of ours is not known. */
static error_t take_option(options *out, int key, const char *text) {
    bool taken = true;
    switch (key) {
    case KEY_OUTPUT:
        out->output = text;
        break;
    case KEY_OUT_DTYPE:
        taken = option_dtype("--out-dtype", text, "f32, f64 or u8", FFWD_U8, &out->out_dtype);
        break;
    case KEY_LAYERS:
        taken = option_layers(text, &out->layers);
        break;
    case KEY_COLUMNS:
        taken = column_options_columns(text, &out->csv);
        break;
    case KEY_MAP:
        taken = column_options_map(text, &out->csv);
        break;
    case KEY_MISSING:
        taken = column_options_missing(text, &out->csv);
        break;
    case KEY_KEEP:
        taken = column_options_keep(text, &out->csv);
        break;
    case KEY_DELIMITER:
        taken = column_options_delimiter(text, &out->csv);
        break;
    case KEY_HEADER:
        taken = column_options_header(text, &out->csv);
        break;
    case KEY_NAMES:
        taken = column_options_names(text, &out->csv);
        break;
    case KEY_EXPECT:
        out->expect = text;
        break;
    case KEY_TOL:
        taken = option_tolerance(text, &out->allowed);
        break;
    case KEY_ACTIVATION:
        out->activation = text;
        break;
    case KEY_DTYPE:
        taken = option_dtype("--dtype", text, "f32 or f64", FFWD_F64, &out->dtype);
        break;
    case KEY_LABELS:
        out->labels = true;
        break;
    case KEY_NO_FOLD:
        out->no_fold = true;
        break;
    case KEY_SEED:
        taken = option_number("--seed", text, 0, MOST_NUMBER, &out->seed);
        break;
    case KEY_ROWS:
        taken = option_number("--rows", text, 1, MOST_NUMBER, &out->rows);
        break;
    case KEY_REPEAT:
        taken = option_number("--repeat", text, 1, MOST_NUMBER, &out->repeat);
        break;
    case KEY_DEVICE:
        out->device = text;
        break;
    case KEY_STRATEGY:
        taken = option_strategy(text, &out->strategy);
        break;
    case KEY_ISA:
        out->isa = text;
        break;
    case KEY_THREADS:
        taken = option_threads(text, MOST_THREADS, &out->threads);
        break;
    case KEY_MEMORY:
        taken = option_memory(text, &out->memory_bytes);
        break;
    case KEY_NO_FALLBACK:
        out->no_fallback = true;
        break;
    case KEY_RESIDENT:
        out->resident = true;
        break;
    case KEY_REPORT:
        taken = option_report(text, &out->report);
        break;
    case KEY_JSON:
        out->json = text;
        break;
    case KEY_TRACE:
        taken = option_file("--trace", text, &out->trace);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return taken ? 0 : EINVAL;
}

/** argp prints nothing but help: getopt and option_* have said in one line what is wrong. */
static error_t parse_key(int key, char *argument, struct argp_state *state) {
    parsing *p = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->err_stream = NULL;
        return 0;
    case ARGP_KEY_ARG:
        return take_argument(p, argument);
    case ARGP_KEY_END:
        return check_arguments(p);
    case KEY_HELP:
        return print_help(state, p);
    case KEY_VERSION:
        return print_version(p);
    default:
        return take_option(p->out, key, argument);
    }
}

/** `argv[0]` is what getopt puts before its complaints. */
static int parse(int argc, char **argv, command which, options *out) {
    static char program[] = "ffwd";
    struct argp_option chosen[SYNTAX_MOST_OPTIONS];
    char name[32];
    parsing p = {.out = out, .syntax = syntax_of(which), .name = name};
    (void)snprintf(name, sizeof name, "ffwd%s%s", p.syntax->name[0] != '\0' ? " " : "",
                   p.syntax->name);
    syntax_options(which, chosen);
    struct argp parser = {chosen, parse_key, p.syntax->arguments, p.syntax->doc, NULL, NULL, NULL};
    argv[0] = program;
    out->command = which;
    error_t error = argp_parse(&parser, argc, argv, ARGP_NO_HELP, NULL, &p);
    if (p.answered) {
        return EXIT_ANSWERED;
    }
    if (error == ENOMEM) {
        return fail(EX_OSERR, "out of memory: the command line");
    }
    return error == 0 ? EXIT_DONE : EX_USAGE;
}

static command find_command(const char *word) {
    command which = RUN;
    while (which < COMMAND_COUNT && strcmp(word, syntax_of(which)->name) != 0) {
        which++;
    }
    return which;
}

/** `ffwd` without a command answers --help and --version; all else is a mistake. */
static int parse_no_command(int argc, char **argv, options *out) {
    static const char list[] = "run, bench, verify, info or devices (see ffwd --help)";
    if (argc > 1 && argv[1][0] != '-') {
        return fail(EX_USAGE, "unknown command '%s': it is %s", argv[1], list);
    }
    int status = parse(argc, argv, COMMAND_COUNT, out);
    return status != EXIT_DONE ? status : fail(EX_USAGE, "a command is needed: %s", list);
}

/** `ffwd help run' is `ffwd run --help'. */
static int rewrite_help(int argc, char **argv) {
    static char option[] = "--help";
    if (argc < 2 || strcmp(argv[1], "help") != 0) {
        return argc;
    }
    argv[1] = argc > 2 ? argv[2] : option;
    if (argc > 2) {
        argv[2] = option;
    }
    return argc > 2 ? 3 : 2;
}

static void choose_device(options *out) {
    const char *usual = getenv("FFWD_DEVICE");
    out->device_named = out->device != NULL;
    if (!out->device_named && usual != NULL && usual[0] != '\0') {
        out->device = usual;
    }
}

int options_parse(int argc, char **argv, options *out) {
    *out = (options){.seed = 1};
    argc = rewrite_help(argc, argv);
    command which = argc > 1 ? find_command(argv[1]) : COMMAND_COUNT;
    int status = which < COMMAND_COUNT ? parse(argc - 1, argv + 1, which, out)
                                       : parse_no_command(argc, argv, out);
    choose_device(out);
    return status;
}

void options_free(options *given) {
    column_options_free(&given->csv);
}

bool options_all_devices(const options *given) {
    return given->device != NULL && strcmp(given->device, "all") == 0;
}

bool options_auto_device(const options *given) {
    return given->device != NULL &&
           (given->device[0] == '\0' || strcmp(given->device, "auto") == 0);
}

bool options_is_stdout(const char *path) {
    return path != NULL && strcmp(path, "-") == 0;
}
