// SPDX-License-Identifier: MIT
// Files as libzip reads and writes them: at a place, by pread and pwrite, through file_io.h.
#ifndef FFWD_FORMAT_ZIP_IO_H
#define FFWD_FORMAT_ZIP_IO_H

#include <stdint.h>

#include <zip.h>

/**
 * `bytes` of a file from `start` on, to be read. The fd must outlive the source, and stays open.
 *
 * @return NULL without memory, as `error` says
 */
zip_source_t *ffwd_zip_input(int fd, uint64_t start, uint64_t bytes, zip_error_t *error);

/** An empty file, to be filled with an archive. The fd as above; whether the archive is complete
 *  is for the caller to know, who owns the file. */
zip_source_t *ffwd_zip_output(int fd, zip_error_t *error);

#endif
