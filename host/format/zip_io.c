// SPDX-License-Identifier: MIT
// Sources of libzip over a part of a file.
// https://libzip.org/documentation/zip_source_function.html
#include "format/zip_io.h"

#include <stdio.h>

#include "base/memory.h"
#include "format/file_io.h"

typedef struct zip_io {
    int fd;
    uint64_t start, bytes; /**< the part of the file that there is, or is so far */
    uint64_t read_at, write_at;
    bool writable;
    zip_error_t error;
} zip_io;

static zip_int64_t fail(zip_io *io, int error, int native) {
    zip_error_set(&io->error, error, native);
    return -1;
}

static zip_int64_t read_bytes(zip_io *io, void *data, zip_uint64_t bytes) {
    ffwd_error err = FFWD_ERROR_INIT;
    uint64_t piece = ffwd_min(bytes, io->bytes - io->read_at);
    if (ffwd_file_read_at(io->fd, "", data, piece, io->start + io->read_at, &err) != FFWD_OK) {
        return fail(io, err.status == FFWD_EIO ? ZIP_ER_READ : ZIP_ER_EOF, err.native);
    }
    io->read_at += piece;
    return (zip_int64_t)piece;
}

static zip_int64_t write_bytes(zip_io *io, const void *data, zip_uint64_t bytes) {
    ffwd_error err = FFWD_ERROR_INIT;
    if (ffwd_file_write_at(io->fd, "", data, bytes, io->write_at, &err) != FFWD_OK) {
        return fail(io, ZIP_ER_WRITE, err.native);
    }
    io->write_at += bytes;
    io->bytes = ffwd_max(io->bytes, io->write_at);
    return (zip_int64_t)bytes;
}

static zip_int64_t seek(zip_io *io, uint64_t *at, void *data, zip_uint64_t bytes) {
    zip_int64_t to = zip_source_seek_compute_offset(*at, io->bytes, data, bytes, &io->error);
    if (to < 0) {
        return -1;
    }
    *at = (uint64_t)to;
    return 0;
}

static zip_int64_t describe(const zip_io *io, zip_stat_t *status) {
    zip_stat_init(status);
    status->valid = ZIP_STAT_SIZE;
    status->size = io->bytes;
    return sizeof *status;
}

static zip_int64_t supported(const zip_io *io) {
    return io->writable ? ZIP_SOURCE_SUPPORTS_WRITABLE : ZIP_SOURCE_SUPPORTS_SEEKABLE;
}

/** The callback of zip_source_function_create. */
static zip_int64_t serve(void *user, void *data, zip_uint64_t bytes, zip_source_cmd_t command) {
    zip_io *io = user;
    switch (command) {
    case ZIP_SOURCE_OPEN:
        io->read_at = 0;
        return 0;
    case ZIP_SOURCE_READ:
        return read_bytes(io, data, bytes);
    case ZIP_SOURCE_SEEK:
        return seek(io, &io->read_at, data, bytes);
    case ZIP_SOURCE_TELL:
        return (zip_int64_t)io->read_at;
    case ZIP_SOURCE_STAT:
        return describe(io, data);
    case ZIP_SOURCE_BEGIN_WRITE:
        io->write_at = 0;
        return 0;
    case ZIP_SOURCE_WRITE:
        return write_bytes(io, data, bytes);
    case ZIP_SOURCE_SEEK_WRITE:
        return seek(io, &io->write_at, data, bytes);
    case ZIP_SOURCE_TELL_WRITE:
        return (zip_int64_t)io->write_at;
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_COMMIT_WRITE:
    case ZIP_SOURCE_ROLLBACK_WRITE:
        return 0;
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&io->error, data, bytes);
    case ZIP_SOURCE_FREE:
        ffwd_free(io);
        return 0;
    case ZIP_SOURCE_SUPPORTS:
        return supported(io);
    default:
        return fail(io, ZIP_ER_OPNOTSUPP, 0);
    }
}

static zip_source_t *create(const zip_io *wanted, zip_error_t *error) {
    zip_io *io = ffwd_alloc(sizeof *io);
    if (io == NULL) {
        zip_error_set(error, ZIP_ER_MEMORY, 0);
        return NULL;
    }
    *io = *wanted;
    zip_error_init(&io->error);
    zip_source_t *source = zip_source_function_create(serve, io, error);
    if (source == NULL) {
        ffwd_free(io);
    }
    return source;
}

zip_source_t *ffwd_zip_input(int fd, uint64_t start, uint64_t bytes, zip_error_t *error) {
    return create(&(zip_io){.fd = fd, .start = start, .bytes = bytes}, error);
}

zip_source_t *ffwd_zip_output(int fd, zip_error_t *error) {
    return create(&(zip_io){.fd = fd, .writable = true}, error);
}
