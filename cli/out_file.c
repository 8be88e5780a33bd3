// SPDX-License-Identifier: MIT
// Writes aside and renames.
#include "out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"

/** The files that must not stay behind when need_memory ends the process. */
static char *unfinished[OUT_FILES_MOST];

static void remove_unfinished(void) {
    for (size_t i = 0; i < OUT_FILES_MOST; i++) {
        if (unfinished[i] != NULL) {
            (void)unlink(unfinished[i]);
        }
    }
}

/** Puts `next` in the place of a name, or of none, in the list. */
static void note_unfinished(const char *name, char *next) {
    size_t i = 0;
    while (i < OUT_FILES_MOST && unfinished[i] != name) {
        i++;
    }
    if (i < OUT_FILES_MOST) {
        unfinished[i] = next;
    }
}

/** Devices and pipes are written in place; a name of a file, or of nothing yet, is replaced. */
static bool is_replaced(const char *path) {
    struct stat status;
    return stat(path, &status) != 0 || S_ISREG(status.st_mode);
}

/** The mode of the file that is replaced, or of a new one. */
static mode_t mode_of(const char *path) {
    struct stat status;
    if (stat(path, &status) == 0) {
        return status.st_mode & 0777;
    }
    mode_t mask = umask(0);
    (void)umask(mask);
    return 0666 & ~mask;
}

/** A link to a file is followed, so that the file is replaced and not the link. */
static FILE *open_aside(out_file *out) {
    char *target = realpath(out->path, NULL);
    out->target = target != NULL ? target : strdup(out->path);
    const char *slash = out->target != NULL ? strrchr(out->target, '/') : NULL;
    int folder = slash != NULL ? (int)(slash - out->target) + 1 : 0;
    if (out->target == NULL || asprintf(&out->aside, "%.*s.ffwd-XXXXXX", folder, out->target) < 0) {
        out->aside = NULL;
        return NULL;
    }
    int fd = mkostemp(out->aside, O_CLOEXEC);
    if (fd < 0) {
        free(out->aside);
        out->aside = NULL;
        return NULL;
    }
    note_unfinished(NULL, out->aside);
    (void)fchmod(fd, mode_of(out->target));
    return fdopen(fd, "w");
}

int out_file_open(const char *path, out_file *out) {
    static bool prepared;
    if (!prepared) {
        prepared = true;
        (void)atexit(remove_unfinished);
    }
    *out = (out_file){.path = path};
    out->stream = is_replaced(path) ? open_aside(out) : fopen(path, "we");
    return out->stream != NULL ? EXIT_DONE : fail_errno(ON_CREATE, path, errno);
}

/** Whether what was written to a stream is on the disk. */
static bool synchronise(FILE *stream) {
    int answer;
    do {
        answer = fdatasync(fileno(stream));
    } while (answer != 0 && errno == EINTR);
    return answer == 0;
}

int out_file_commit(out_file *file) {
    FILE *stream = file->stream;
    if (fflush(stream) != 0 || (file->aside != NULL && !synchronise(stream))) {
        return fail_errno(ON_WRITE, file->path, errno);
    }
    file->stream = NULL;
    if (fclose(stream) != 0 || (file->aside != NULL && rename(file->aside, file->target) != 0)) {
        return fail_errno(ON_WRITE, file->path, errno);
    }
    note_unfinished(file->aside, NULL);
    free(file->aside);
    file->aside = NULL;
    return EXIT_DONE;
}

void out_file_close(out_file *file) {
    if (file->stream != NULL) {
        fclose(file->stream);
    }
    if (file->aside != NULL) {
        (void)unlink(file->aside);
        note_unfinished(file->aside, NULL);
    }
    free(file->aside);
    free(file->target);
    *file = (out_file){0};
}
