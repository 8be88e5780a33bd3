// SPDX-License-Identifier: MIT
// A text file that appears whole or not at all: written beside its name, which it takes when it is
// complete.
#ifndef FFWD_CLI_OUT_FILE_H
#define FFWD_CLI_OUT_FILE_H

#include <stdio.h>

/** Files of one process that are open at once at most: a report and a timeline. */
enum { OUT_FILES_MOST = 2 };

typedef struct out_file {
    const char *path;
    char *target; /**< the file that the path leads to; NULL where it is written in place */
    char *aside;  /**< the name that it has until it is whole, or NULL */
    FILE *stream;
} out_file;

/** Begins a file early, so that a name that cannot be written is known before the work; the path
 *  must outlive it. */
int out_file_open(const char *path, out_file *out);
/** Sees to it that what was written is on the disk, and makes the file appear. */
int out_file_commit(out_file *file);
/** Removes what was not committed. Also of a file that was never opened, all 0. */
void out_file_close(out_file *file);

#endif
