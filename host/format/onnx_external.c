// SPDX-License-Identifier: MIT
// External data is where hostile models have read any file of the machine: names with folders,
// "..", symbolic and hard links, offsets outside. Here the file stands beside the model, or is
// refused.
#include "format/onnx_external.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "format/file_io.h"

typedef struct place {
    char name[NAME_MAX + 1]; /**< in the folder of the model */
    uint64_t offset, length;
} place;

static bool parse_number(onnx_view text, uint64_t *number) {
    *number = 0;
    for (size_t i = 0; i < text.count; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || !ffwd_multiply(*number, 10, number) ||
            !ffwd_add(*number, (uint64_t)(text.at[i] - '0'), number)) {
            return false;
        }
    }
    return text.count > 0;
}

static ffwd_status take_name(onnx_view name, place *to, ffwd_error *err) {
    char shown[64];
    ffwd_onnx_view_text(name, shown, sizeof shown);
    if (name.count == 0 || name.count > NAME_MAX || memchr(name.at, '/', name.count) != NULL ||
        memchr(name.at, '\0', name.count) != NULL || ffwd_onnx_view_is(name, ".") ||
        ffwd_onnx_view_is(name, "..")) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED,
                         "its data is said to be in '%s', which does not name a file beside the "
                         "model",
                         shown);
    }
    memcpy(to->name, name.at, name.count);
    to->name[name.count] = '\0';
    return FFWD_OK;
}

static ffwd_status take_entry(onnx_view entry, place *to, ffwd_error *err) {
    FfwdOnnxEntry decoded = {0};
    char value[32];
    bool read = ffwd_onnx_decode(entry, FfwdOnnxEntry_fields, &decoded);
    ffwd_onnx_view_text(decoded.value, value, sizeof value);
    if (read && ffwd_onnx_view_is(decoded.key, "location")) {
        return take_name(decoded.value, to, err);
    }
    if (read && ffwd_onnx_view_is(decoded.key, "offset")) {
        read = parse_number(decoded.value, &to->offset);
    } else if (read && ffwd_onnx_view_is(decoded.key, "length")) {
        read = parse_number(decoded.value, &to->length);
    }
    return read ? FFWD_OK
                : ffwd_fail(err, FFWD_EFORMAT, "where its data lies is broken: '%s'", value);
}

static ffwd_status find_place(const onnx_views *entries, uint64_t bytes, place *found,
                              ffwd_error *err) {
    found->length = bytes;
    if (entries->count > entries->room) {
        return ffwd_fail(err, FFWD_EFORMAT, "%zu entries say where its data lies", entries->count);
    }
    for (size_t i = 0; i < entries->count; i++) {
        ffwd_status status = take_entry(entries->into[i], found, err);
        if (status != FFWD_OK) {
            return status;
        }
    }
    if (found->name[0] == '\0') {
        return ffwd_fail(err, FFWD_EFORMAT, "its data is in another file, which is not named");
    }
    if (found->length != bytes) {
        return ffwd_fail(err, FFWD_EFORMAT, "its data is said to be %llu bytes, but takes %llu",
                         (unsigned long long)found->length, (unsigned long long)bytes);
    }
    return FFWD_OK;
}

/** The folder of the model, for openat; -1 with errno. */
static int open_folder(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const int length = slash == NULL || slash == path ? 1 : (int)(slash - path);
    errno = ENAMETOOLONG;
    if (snprintf(folder, sizeof folder, "%.*s", length, slash == NULL ? "." : path) >= PATH_MAX) {
        return -1;
    }
    return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static ffwd_status check_file(int fd, const place *found, ffwd_error *err) {
    struct stat status;
    uint64_t end;
    if (fstat(fd, &status) != 0) {
        return ffwd_fail_errno(err, found->name, "cannot read");
    }
    if (!S_ISREG(status.st_mode) || status.st_nlink > 1) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "%s: %s, where data needs a file of its own",
                         found->name, S_ISREG(status.st_mode) ? "a link" : "no regular file");
    }
    if (!ffwd_add(found->offset, found->length, &end) || end > (uint64_t)status.st_size) {
        return ffwd_fail(err, FFWD_EFORMAT, "%s has %lld bytes, but %llu at %llu are asked for",
                         found->name, (long long)status.st_size, (unsigned long long)found->length,
                         (unsigned long long)found->offset);
    }
    return FFWD_OK;
}

static ffwd_status open_data(const char *path, const place *found, int *fd, ffwd_error *err) {
    const int folder = open_folder(path);
    *fd = folder >= 0 ? openat(folder, found->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
                      : -1;
    const int reason = errno;
    if (folder >= 0) {
        (void)close(folder);
    }
    errno = reason;
    if (*fd < 0 && errno == ELOOP) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "%s: a link, where data needs a file of its own",
                         found->name);
    }
    return *fd < 0 ? ffwd_fail_errno(err, found->name, "cannot open") : FFWD_OK;
}

ffwd_status ffwd_onnx_external_read(onnx_arena *arena, const onnx_views *entries, uint64_t bytes,
                                    unsigned char **data, ffwd_error *err) {
    place found = {.offset = 0};
    int fd = -1;
    ffwd_status status;
    if (arena->path == NULL) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED,
                         "its data is in another file, and the model came without a path");
    }
    FFWD_TRY(status, find_place(entries, bytes, &found, err));
    FFWD_TRY(status, open_data(arena->path, &found, &fd, err));
    FFWD_TRY(status, check_file(fd, &found, err));
    *data = ffwd_onnx_keep(arena, bytes);
    if (*data == NULL) {
        FFWD_TRY(status, ffwd_fail_memory(err, bytes, "external data"));
    }
    status = ffwd_file_read_at(fd, found.name, *data, bytes, found.offset, err);

cleanup:
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}
