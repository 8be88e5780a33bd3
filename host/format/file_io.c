// SPDX-License-Identifier: MIT
// Whole transfers, and temporary files beside others.
#include "format/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/** Names tried before a directory is believed to be full of temporary files. */
#define NAME_ATTEMPTS 100

static ffwd_status check_regular(const char *path, const struct stat *status, ffwd_error *err) {
    if (S_ISREG(status->st_mode)) {
        return FFWD_OK;
    }
    if (S_ISDIR(status->st_mode)) {
        errno = EISDIR;
        return ffwd_fail_errno(err, path, "cannot read");
    }
    return ffwd_fail_native(err, FFWD_EIO, ESPIPE,
                            "%s: cannot read: a pipe or a device, where a file is needed", path);
}

/** Network file systems let signals interrupt even an open. */
static int open_uninterrupted(const char *path, int flags, mode_t mode) {
    int opened;
    do {
        opened = open(path, flags | O_CLOEXEC, mode);
    } while (opened < 0 && errno == EINTR);
    return opened;
}

int ffwd_file_open_at_once(const char *path) {
    return open_uninterrupted(path, O_RDONLY | O_NONBLOCK, 0);
}

ffwd_status ffwd_file_open(const char *path, int *fd, uint64_t *bytes, ffwd_error *err) {
    struct stat status;
    int opened = ffwd_file_open_at_once(path);
    if (opened < 0 || fstat(opened, &status) != 0) {
        ffwd_status failed = ffwd_fail_errno(err, path, "cannot open");
        if (opened >= 0) {
            (void)close(opened);
        }
        return failed;
    }
    ffwd_status checked = check_regular(path, &status, err);
    if (checked != FFWD_OK) {
        (void)close(opened);
        return checked;
    }
    *fd = opened;
    *bytes = (uint64_t)status.st_size;
    return FFWD_OK;
}

static ffwd_status ends_early(const char *path, uint64_t at, uint64_t wanted, ffwd_error *err) {
    ffwd_status status =
        ffwd_fail(err, FFWD_EFORMAT, "%s: ends at byte %llu, data to byte %llu expected", path,
                  (unsigned long long)at, (unsigned long long)wanted);
    if (err != NULL) {
        err->offset = at;
    }
    return status;
}

ffwd_status ffwd_file_read_at(int fd, const char *path, void *data, uint64_t bytes, uint64_t offset,
                              ffwd_error *err) {
    unsigned char *to = data;
    uint64_t done = 0;
    while (done < bytes) {
        ssize_t got = pread(fd, to + done, bytes - done, (off_t)(offset + done));
        if (got == 0) {
            return ends_early(path, offset + done, offset + bytes, err);
        }
        if (got < 0 && errno != EINTR) {
            return ffwd_fail_errno(err, path, "cannot read");
        }
        done += got > 0 ? (uint64_t)got : 0;
    }
    return FFWD_OK;
}

ffwd_status ffwd_file_write_at(int fd, const char *path, const void *data, uint64_t bytes,
                               uint64_t offset, ffwd_error *err) {
    const unsigned char *from = data;
    uint64_t done = 0;
    while (done < bytes) {
        ssize_t put = pwrite(fd, from + done, bytes - done, (off_t)(offset + done));
        if (put < 0 && errno != EINTR) {
            return ffwd_fail_errno(err, path, "cannot write");
        }
        done += put > 0 ? (uint64_t)put : 0;
    }
    return FFWD_OK;
}

int ffwd_file_open_in_place(const char *path) {
    return open_uninterrupted(path, O_WRONLY, 0);
}

ffwd_status ffwd_file_synchronise(int fd, const char *path, ffwd_error *err) {
    while (fdatasync(fd) != 0) {
        if (errno != EINTR) {
            return ffwd_fail_errno(err, path, "cannot write");
        }
    }
    return FFWD_OK;
}

/** Whether a failed write may be tried again, once a full non-blocking pipe has room. */
static bool may_write_again(int fd) {
    struct pollfd wait = {fd, POLLOUT, 0};
    if (errno == EAGAIN) {
        return poll(&wait, 1, -1) >= 0 || errno == EINTR;
    }
    return errno == EINTR;
}

ffwd_status ffwd_file_write(int fd, const char *path, const void *data, uint64_t bytes,
                            ffwd_error *err) {
    const unsigned char *from = data;
    uint64_t done = 0;
    while (done < bytes) {
        ssize_t put = write(fd, from + done, bytes - done);
        if (put < 0 && !may_write_again(fd)) {
            return ffwd_fail_errno(err, path, "cannot write");
        }
        done += put > 0 ? (uint64_t)put : 0;
    }
    return FFWD_OK;
}

/** The directory of a path: its part before the last slash, or "."; false with errno. */
static bool directory_of(const char *path, char directory[PATH_MAX]) {
    const char *slash = strrchr(path, '/');
    const char *from = slash == NULL ? "." : path;
    int length = slash == NULL || slash == path ? 1 : (int)(slash - path);
    errno = ENAMETOOLONG;
    return snprintf(directory, PATH_MAX, "%.*s", length, from) < PATH_MAX;
}

static bool random_name(const char *directory, char name[PATH_MAX]) {
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number) {
        return false;
    }
    errno = ENAMETOOLONG;
    return snprintf(name, PATH_MAX, "%s/.ffwd-%016llx", directory, (unsigned long long)number) <
           PATH_MAX;
}

/** A new file in a directory, open; -1 with errno. */
static int create_unique(const char *directory, char name[PATH_MAX]) {
    for (int attempt = 0; attempt < NAME_ATTEMPTS && random_name(directory, name); attempt++) {
        int opened = open_uninterrupted(name, O_RDWR | O_CREAT | O_EXCL, 0666);
        if (opened >= 0 || errno != EEXIST) {
            return opened;
        }
    }
    return -1;
}

ffwd_status ffwd_file_beside(const char *path, char name[PATH_MAX], int *fd, ffwd_error *err) {
    char directory[PATH_MAX];
    int opened = directory_of(path, directory) ? create_unique(directory, name) : -1;
    if (opened < 0) {
        return ffwd_fail_errno(err, path, "cannot create");
    }
    *fd = opened;
    return FFWD_OK;
}

ffwd_status ffwd_file_unnamed(const char *path, int *fd, ffwd_error *err) {
    char name[PATH_MAX];
    int opened = directory_of(path, name) ? open_uninterrupted(name, O_TMPFILE | O_RDWR, 0600) : -1;
    if (opened >= 0) {
        *fd = opened;
        return FFWD_OK;
    }
    // A file system without O_TMPFILE, or a failure that this will meet again.
    ffwd_status status = ffwd_file_beside(path, name, fd, err);
    if (status == FFWD_OK) {
        (void)unlink(name);
    }
    return status;
}

bool ffwd_file_ends_in(const char *path, const char *ending) {
    size_t length = strlen(path), tail = strlen(ending);
    return length >= tail && strcasecmp(path + length - tail, ending) == 0;
}
