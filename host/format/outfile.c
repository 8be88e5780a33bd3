// SPDX-License-Identifier: MIT
// Buffered output that appears whole or not at all.
#include "format/outfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "format/file_io.h"

static ffwd_status open_in_place(ffwd_outfile *file, const char *path, ffwd_error *err) {
    file->fd = ffwd_file_open_in_place(path);
    return file->fd >= 0 ? FFWD_OK : ffwd_fail_errno(err, path, "cannot create");
}

/** A file keeps its mode when another takes its place. */
static void keep_mode(int fd, const char *replaced) {
    struct stat there;
    if (stat(replaced, &there) == 0) {
        (void)fchmod(fd, there.st_mode & 0777);
    }
}

static ffwd_status open_beside(ffwd_outfile *file, const char *path, ffwd_error *err) {
    char target[PATH_MAX], temporary[PATH_MAX];
    const char *resolved = realpath(path, target) != NULL ? target : path;
    ffwd_status status = ffwd_file_beside(resolved, temporary, &file->fd, err);
    if (status != FFWD_OK) {
        return status;
    }
    keep_mode(file->fd, resolved);
    file->target = ffwd_copy_text(resolved);
    file->temporary = ffwd_copy_text(temporary);
    if (file->target == NULL || file->temporary == NULL) {
        (void)unlink(temporary);
        return ffwd_fail_memory(err, PATH_MAX, "file names");
    }
    return FFWD_OK;
}

static ffwd_status open_path(ffwd_outfile *file, const char *path, ffwd_error *err) {
    struct stat there;
    if (strcmp(path, "-") == 0) {
        file->fd = STDOUT_FILENO;
        return FFWD_OK;
    }
    bool found = stat(path, &there) == 0;
    if (!found && errno != ENOENT) { // a name that no file can take is known before the work
        return ffwd_fail_errno(err, path, "cannot create");
    }
    return found && !S_ISREG(there.st_mode) ? open_in_place(file, path, err)
                                            : open_beside(file, path, err);
}

ffwd_status ffwd_outfile_open(ffwd_outfile *file, const char *path, ffwd_error *err) {
    memset(file, 0, sizeof *file);
    file->fd = -1;
    file->name = ffwd_copy_text(strcmp(path, "-") == 0 ? "standard output" : path);
    file->buffer = ffwd_alloc(FFWD_OUTFILE_BUFFER);
    if (file->name == NULL || file->buffer == NULL) {
        return ffwd_fail_memory(err, FFWD_OUTFILE_BUFFER, "an output buffer");
    }
    return open_path(file, path, err);
}

static ffwd_status put(ffwd_outfile *file, const void *data, uint64_t bytes, ffwd_error *err) {
    ffwd_status status = ffwd_file_write(file->fd, file->name, data, bytes, err);
    file->failed = file->failed || status != FFWD_OK;
    return status;
}

static ffwd_status flush(ffwd_outfile *file, ffwd_error *err) {
    size_t used = file->used;
    file->used = 0;
    return put(file, file->buffer, used, err);
}

ffwd_status ffwd_outfile_room(ffwd_outfile *file, size_t bytes, ffwd_error *err) {
    return bytes <= FFWD_OUTFILE_BUFFER - file->used ? FFWD_OK : flush(file, err);
}

ffwd_status ffwd_outfile_write(ffwd_outfile *file, const void *data, uint64_t bytes,
                               ffwd_error *err) {
    ffwd_status status;
    if (bytes >= FFWD_OUTFILE_BUFFER) {
        FFWD_TRY(status, flush(file, err));
        return put(file, data, bytes, err);
    }
    FFWD_TRY(status, ffwd_outfile_room(file, (size_t)bytes, err));
    if (bytes > 0) {
        memcpy(file->buffer + file->used, data, (size_t)bytes);
        file->used += (size_t)bytes;
    }

cleanup:
    return status;
}

bool ffwd_outfile_is_stream(const ffwd_outfile *file) {
    return file->target == NULL;
}

ffwd_status ffwd_outfile_pass_on(ffwd_outfile *file, ffwd_error *err) {
    return ffwd_outfile_is_stream(file) ? flush(file, err) : FFWD_OK;
}

ffwd_status ffwd_outfile_rewrite(ffwd_outfile *file, const void *data, uint64_t bytes,
                                 uint64_t offset, ffwd_error *err) {
    ffwd_status status = flush(file, err);
    if (status == FFWD_OK) {
        status = ffwd_file_write_at(file->fd, file->name, data, bytes, offset, err);
        file->failed = file->failed || status != FFWD_OK;
    }
    return status;
}

/** After a crash the name must not stand for a file that never reached the disk. */
static ffwd_status synchronise(const ffwd_outfile *file, ffwd_error *err) {
    return file->target != NULL ? ffwd_file_synchronise(file->fd, file->name, err) : FFWD_OK;
}

/** Closes what was opened here; some file systems report a full disk only now. */
static ffwd_status close_checked(ffwd_outfile *file, ffwd_error *err) {
    int fd = file->fd;
    file->fd = -1;
    if (fd != STDOUT_FILENO && close(fd) != 0 && errno != EINTR) {
        return ffwd_fail_errno(err, file->name, "cannot write");
    }
    return FFWD_OK;
}

ffwd_status ffwd_outfile_commit(ffwd_outfile *file, ffwd_error *err) {
    ffwd_status status;
    if (file->failed) {
        return ffwd_fail(err, FFWD_EIO, "%s: an earlier write failed", file->name);
    }
    FFWD_TRY(status, flush(file, err));
    FFWD_TRY(status, synchronise(file, err));
    FFWD_TRY(status, close_checked(file, err));
    if (file->target != NULL && rename(file->temporary, file->target) != 0) {
        return ffwd_fail_errno(err, file->name, "cannot create");
    }
    ffwd_free(file->temporary);
    file->temporary = NULL;

cleanup:
    return status;
}

void ffwd_outfile_discard(ffwd_outfile *file) {
    if (file->fd >= 0 && file->fd != STDOUT_FILENO) {
        (void)close(file->fd);
    }
    if (file->temporary != NULL) {
        (void)unlink(file->temporary);
    }
    ffwd_free(file->name);
    ffwd_free(file->target);
    ffwd_free(file->temporary);
    ffwd_free(file->buffer);
    memset(file, 0, sizeof *file);
    file->fd = -1;
}
