// SPDX-License-Identifier: MIT
// Files as the formats need them: whole transfers at a place, interruptions and short ones hidden,
// and temporary files in the directory of the file that they are for.
#ifndef FFWD_FORMAT_FILE_IO_H
#define FFWD_FORMAT_FILE_IO_H

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"

/** Opens what is there for reading, also a pipe that nobody writes to: without waiting for one who
 *  does, and its reads do not wait either. -1 with errno. */
int ffwd_file_open_at_once(const char *path);

/** Opens a regular file for reading. Directories, pipes and devices are FFWD_EIO. */
ffwd_status ffwd_file_open(const char *path, int *fd, uint64_t *bytes, ffwd_error *err);

/** Reads exactly `bytes` at `offset`; FFWD_EFORMAT where the file ends before. */
ffwd_status ffwd_file_read_at(int fd, const char *path, void *data, uint64_t bytes, uint64_t offset,
                              ffwd_error *err);

/** Writes all of `bytes` at `offset`. */
ffwd_status ffwd_file_write_at(int fd, const char *path, const void *data, uint64_t bytes,
                               uint64_t offset, ffwd_error *err);

/** Writes all of `bytes` where the file stands; also into pipes, even non-blocking ones. */
ffwd_status ffwd_file_write(int fd, const char *path, const void *data, uint64_t bytes,
                            ffwd_error *err);

/** Opens what is there already, a device or a pipe, for writing; -1 with errno. */
int ffwd_file_open_in_place(const char *path);

/** Waits until what was written is on the disk. */
ffwd_status ffwd_file_synchronise(int fd, const char *path, ffwd_error *err);

/** Creates a file of a new name in the directory of `path`, its mode 0666 less the umask. */
ffwd_status ffwd_file_beside(const char *path, char name[PATH_MAX], int *fd, ffwd_error *err);

/** Creates a file without a name in the file system of `path`; it goes when closed. */
ffwd_status ffwd_file_unnamed(const char *path, int *fd, ffwd_error *err);

/** Whether `path` ends in `ending`, as ".npy"; case does not count. */
bool ffwd_file_ends_in(const char *path, const char *ending);

#endif
