// SPDX-License-Identifier: MIT
// A file in the making: written through a buffer beside its name, which it takes when complete.
#ifndef FFWD_FORMAT_OUTFILE_H
#define FFWD_FORMAT_OUTFILE_H

#include <stdbool.h>

#include "base/error.h"

/** The most that ffwd_outfile_room hands out. */
#define FFWD_OUTFILE_BUFFER ((size_t)1 << 18)

typedef struct ffwd_outfile {
    int fd;
    char *name;      /**< in messages */
    char *target;    /**< the name to take; NULL where the output has its place already */
    char *temporary; /**< the name until then */
    unsigned char *buffer;
    size_t used;
    bool failed; /**< part of the output is lost: it must not be committed */
} ffwd_outfile;
/** What may be discarded without having been opened. */
#define FFWD_OUTFILE_NONE                                                                          \
    { .fd = -1 }

/**
 * Begins the file `path`, or standard output for "-". What is there and is no regular file (a
 * device, a pipe) is written in place; a link to a file is followed.
 */
ffwd_status ffwd_outfile_open(ffwd_outfile *file, const char *path, ffwd_error *err);

ffwd_status ffwd_outfile_write(ffwd_outfile *file, const void *data, uint64_t bytes,
                               ffwd_error *err);

/** Room for `bytes` (at most FFWD_OUTFILE_BUFFER) to be filled at buffer + used by the caller, who
 *  then adds to `used`. */
ffwd_status ffwd_outfile_room(ffwd_outfile *file, size_t bytes, ffwd_error *err);

/** Whether the file is written from its start to its end only, as a pipe is. */
bool ffwd_outfile_is_stream(const ffwd_outfile *file);

/** Hands on what is buffered of a stream: who reads it waits for nothing. */
ffwd_status ffwd_outfile_pass_on(ffwd_outfile *file, ffwd_error *err);

/** Writes over what has been written at `offset`; not of a stream. */
ffwd_status ffwd_outfile_rewrite(ffwd_outfile *file, const void *data, uint64_t bytes,
                                 uint64_t offset, ffwd_error *err);

/** Writes what is left, closes, and gives the file its name. To be followed by a discard. */
ffwd_status ffwd_outfile_commit(ffwd_outfile *file, ffwd_error *err);

/** Removes a file that was not committed, and frees everything. Right also after a failed open. */
void ffwd_outfile_discard(ffwd_outfile *file);

#endif
