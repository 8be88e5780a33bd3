// SPDX-License-Identifier: MIT
// Files by pread, whatever else moves their position; pipes by poll and read.
#include "format/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "format/file_io.h"

/** How long a wish to cancel goes unnoticed. */
#define PATIENCE_MS 50

ffwd_status ffwd_source_open(ffwd_source *source, const char *path, ffwd_error *err) {
    bool standard_input = strcmp(path, "-") == 0;
    struct stat there;
    *source = (ffwd_source){.name = standard_input ? "standard input" : path};
    source->fd =
        standard_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ffwd_file_open_at_once(path);
    if (source->fd < 0 || fstat(source->fd, &there) != 0) {
        return ffwd_fail_errno(err, source->name, "cannot open");
    }
    if (S_ISDIR(there.st_mode)) {
        errno = EISDIR;
        return ffwd_fail_errno(err, source->name, "cannot read");
    }
    source->seekable = S_ISREG(there.st_mode);
    if (source->seekable) {
        off_t at = lseek(source->fd, 0, SEEK_CUR); // standard input may have been read from before
        if (at < 0) {
            return ffwd_fail_errno(err, source->name, "cannot read");
        }
        source->size = (uint64_t)there.st_size;
        source->first = (uint64_t)at;
        source->offset = source->first;
    }
    return FFWD_OK;
}

static ffwd_status read_file(ffwd_source *source, char *bytes, size_t room, size_t *count,
                             ffwd_error *err) {
    ssize_t got = 1;
    while (*count < room && got != 0) {
        got = pread(source->fd, bytes + *count, room - *count, (off_t)source->offset);
        if (got < 0 && errno != EINTR) {
            return ffwd_fail_errno(err, source->name, "cannot read");
        }
        *count += got > 0 ? (size_t)got : 0;
        source->offset += got > 0 ? (uint64_t)got : 0;
    }
    return FFWD_OK;
}

ffwd_status ffwd_source_peek(const ffwd_source *source, void *bytes, size_t room, size_t *count,
                             ffwd_error *err) {
    ffwd_source beside = *source;
    beside.offset = 0;
    *count = 0;
    return source->seekable ? read_file(&beside, bytes, room, count, err) : FFWD_OK;
}

static bool is_cancelled(const ffwd_source *source) {
    return source->cancelled != NULL && source->cancelled(source->user) != 0;
}

/** Waits until there is something to read, or the end, or an error that reading will tell. */
static ffwd_status wait_for_bytes(ffwd_source *source, ffwd_error *err) {
    struct pollfd wait = {.fd = source->fd, .events = POLLIN};
    int ready = 0;
    while (ready == 0) {
        if (is_cancelled(source)) {
            return ffwd_fail(err, FFWD_ECANCELLED, "%s: reading was cancelled", source->name);
        }
        ready = poll(&wait, 1, source->cancelled != NULL ? PATIENCE_MS : -1);
        if (ready < 0 && errno != EINTR) {
            return ffwd_fail_errno(err, source->name, "cannot read");
        }
        ready = ready < 0 ? 0 : ready;
    }
    return FFWD_OK;
}

static bool has_more(const ffwd_source *source) {
    struct pollfd now = {.fd = source->fd, .events = POLLIN};
    return poll(&now, 1, 0) == 1;
}

/** Fills the room while the other side keeps up. */
static ffwd_status read_pipe(ffwd_source *source, char *bytes, size_t room, size_t *count,
                             ffwd_error *err) {
    while (!source->ended && *count < room && (*count == 0 || has_more(source))) {
        ffwd_status status = *count == 0 ? wait_for_bytes(source, err) : FFWD_OK;
        if (status != FFWD_OK) {
            return status;
        }
        ssize_t got = read(source->fd, bytes + *count, room - *count);
        if (got < 0 && errno != EINTR && errno != EAGAIN) {
            return ffwd_fail_errno(err, source->name, "cannot read");
        }
        source->ended = got == 0;
        *count += got > 0 ? (size_t)got : 0;
    }
    return FFWD_OK;
}

/** As they are stored. */
static ffwd_status read_stored(ffwd_source *source, void *bytes, size_t room, size_t *count,
                               ffwd_error *err) {
    *count = 0;
    if (is_cancelled(source)) {
        return ffwd_fail(err, FFWD_ECANCELLED, "%s: reading was cancelled", source->name);
    }
    return source->seekable ? read_file(source, bytes, room, count, err)
                            : read_pipe(source, bytes, room, count, err);
}

/** The first bytes, of which a pipe may give one at first. */
static ffwd_status begin(ffwd_source *source, void *bytes, size_t room, size_t *count,
                         ffwd_error *err) {
    ffwd_status status;
    size_t more = 1;
    *count = 0;
    while (*count < 2 && more > 0) {
        FFWD_TRY(status, read_stored(source, (unsigned char *)bytes + *count,
                                     ffwd_min(room, FFWD_GUNZIP_ROOM) - *count, &more, err));
        *count += more;
    }
    if (ffwd_gunzip_is(bytes, *count)) {
        FFWD_TRY(status, ffwd_gunzip_create(&source->gunzip, err));
        memcpy(ffwd_gunzip_room(source->gunzip), bytes, *count);
        ffwd_gunzip_take(source->gunzip, *count);
    }
    source->begun = true;

cleanup:
    return status;
}

static ffwd_status unzip(ffwd_source *source, void *bytes, size_t room, size_t *count,
                         ffwd_error *err) {
    ffwd_gunzip *gunzip = source->gunzip;
    ffwd_status status = FFWD_OK;
    size_t stored = 1;
    *count = 0;
    while (*count == 0 && stored > 0) {
        if (ffwd_gunzip_is_hungry(gunzip)) {
            FFWD_TRY(status,
                     read_stored(source, ffwd_gunzip_room(gunzip), FFWD_GUNZIP_ROOM, &stored, err));
            ffwd_gunzip_take(gunzip, stored);
        }
        FFWD_TRY(status, ffwd_gunzip_give(gunzip, source->name, bytes, room, count, err));
    }
    if (*count == 0 && !ffwd_gunzip_is_complete(gunzip)) {
        return ffwd_fail(err, FFWD_EFORMAT, "%s: the compressed data end early", source->name);
    }

cleanup:
    return status;
}

ffwd_status ffwd_source_read(ffwd_source *source, void *bytes, size_t room, size_t *count,
                             ffwd_error *err) {
    if (!source->begun) {
        ffwd_status status = begin(source, bytes, room, count, err);
        if (status != FFWD_OK || source->gunzip == NULL) {
            return status;
        }
    }
    return source->gunzip != NULL ? unzip(source, bytes, room, count, err)
                                  : read_stored(source, bytes, room, count, err);
}

bool ffwd_source_is_dry(const ffwd_source *source) {
    const bool holds = source->gunzip != NULL && !ffwd_gunzip_is_hungry(source->gunzip);
    return !source->seekable && !source->ended && !holds && !has_more(source);
}

ffwd_status ffwd_source_rewind(ffwd_source *source, ffwd_error *err) {
    if (!source->seekable) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "%s: a pipe cannot be read twice", source->name);
    }
    source->offset = source->first;
    if (source->gunzip != NULL) {
        ffwd_gunzip_restart(source->gunzip);
    }
    return FFWD_OK;
}

void ffwd_source_close(ffwd_source *source) {
    if (source->fd >= 0) {
        (void)close(source->fd);
    }
    ffwd_gunzip_destroy(source->gunzip);
    source->gunzip = NULL;
    source->fd = -1;
}
