// SPDX-License-Identifier: MIT
// How the command fails: one line on standard error, and an exit status of sysexits.h.
#ifndef FFWD_CLI_FAILURE_H
#define FFWD_CLI_FAILURE_H

#include <stdbool.h>
#include <stdio.h>
#include <sysexits.h>

#include <ffwd/ffwd.h>

/** Exit statuses beside those of sysexits.h. */
enum {
    EXIT_DONE = 0,
    EXIT_DIFFERENCE = 1,   /**< two devices disagree by a bit */
    EXIT_CLOSED_PIPE = -1, /**< the reader of our output has gone: end at once and quietly, as 0 */
    EXIT_ANSWERED = -2     /**< --help or --version: nothing is left to do, which ends as 0 */
};

/** What a call of the library was about, which decides the exit status of some failures. */
typedef enum subject {
    ON_INPUT,  /**< MODEL or X */
    ON_CREATE, /**< making an output file */
    ON_WRITE,  /**< filling or finishing it */
    ON_DEVICE  /**< choosing a device, planning, running */
} subject;

/** Prints "ffwd: " and one line; returns `status`, so that a failure is one statement. */
int fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The same with errno's text for a file that we handle ourselves. */
int fail_errno(subject about, const char *path, int error);

/** The same for a failure of the library: prints its message, returns the exit status for it. */
int fail_with(subject about, const ffwd_error *err);

/** The exit status for a failure of the library. */
int failure_status(subject about, const ffwd_error *err);

/** Whether nobody reads the pipe any more, which it says before anything is written to it. */
bool is_closed_pipe(int fd);

/** Sees to it that all that was printed to a stream has arrived; an exit status. */
int check_written(FILE *stream, const char *name);

/** The same for standard output, where nothing else has gone wrong. */
int check_stdout(int status);

/** Memory that the command cannot go on without: resizes `block` to `bytes`, or exits with 71. */
void *need_memory(void *block, size_t bytes) __attribute__((warn_unused_result));

#endif
