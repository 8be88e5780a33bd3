// SPDX-License-Identifier: MIT
// Bytes in order, from a file or a pipe, gzip's compression taken off.
#ifndef FFWD_FORMAT_SOURCE_H
#define FFWD_FORMAT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "format/gunzip.h"

typedef struct ffwd_source {
    int fd;
    const char *name; /**< in messages; its owner keeps it */
    bool seekable;
    bool ended;          /**< a pipe has given its last byte */
    uint64_t size;       /**< of a seekable file, when it was opened */
    uint64_t first;      /**< where a seekable file begins, for who opened it */
    uint64_t offset;     /**< what comes next */
    bool begun;          /**< the first bytes have said whether there is compression */
    ffwd_gunzip *gunzip; /**< NULL: there is none */
    int (*cancelled)(void *user);
    void *user;
} ffwd_source;

/**
 * Opens a file, a pipe or a device for reading, or standard input for "-". Does not wait for a pipe
 * to have a writer. Directories are FFWD_EIO.
 */
ffwd_status ffwd_source_open(ffwd_source *source, const char *path, ffwd_error *err);

/**
 * Reads what is there, at least one byte; *count is 0 at the end alone.
 *
 * @return FFWD_EIO; FFWD_EFORMAT where compressed data are damaged or end early; FFWD_ENOMEM;
 *         FFWD_ECANCELLED when source->cancelled says so, also within 50 ms of waiting
 */
ffwd_status ffwd_source_read(ffwd_source *source, void *bytes, size_t room, size_t *count,
                             ffwd_error *err);

/** Whether ffwd_source_read would wait: a pipe that has nothing to give at the moment. */
bool ffwd_source_is_dry(const ffwd_source *source);

/** The first bytes of a seekable file, as they are stored; of a pipe none. FFWD_EIO. */
ffwd_status ffwd_source_peek(const ffwd_source *source, void *bytes, size_t room, size_t *count,
                             ffwd_error *err);

/** Goes back to the first byte; FFWD_EUNSUPPORTED of a pipe. */
ffwd_status ffwd_source_rewind(ffwd_source *source, ffwd_error *err);

/** Right also after a failed open. */
void ffwd_source_close(ffwd_source *source);

#endif
