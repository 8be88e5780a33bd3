// SPDX-License-Identifier: MIT
// Writes JSON aside and renames it.
#include "json_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"
#include "options.h"

/** Six digits that matter: 0.957, not 0.95699999999999996. */
#define FORMAT (JSON_INDENT(2) | JSON_REAL_PRECISION(6))

/** The file that must not stay behind when need_memory ends the process. */
static char *unfinished;

static void remove_unfinished(void) {
    if (unfinished != NULL) {
        (void)unlink(unfinished);
    }
}

/** Devices and pipes are written in place; a name of a file, or of nothing yet, is replaced. */
static int is_replaced(const char *path) {
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
static FILE *open_aside(json_file *out) {
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
    unfinished = out->aside;
    (void)fchmod(fd, mode_of(out->target));
    return fdopen(fd, "w");
}

static void *need_block(size_t bytes) {
    return need_memory(NULL, bytes);
}

void json_begin(void) {
    json_set_alloc_funcs(need_block, free);
}

int json_file_open(const char *path, json_file *out) {
    *out = (json_file){.path = path};
    if (path == NULL || options_is_stdout(path)) {
        return EXIT_DONE;
    }
    (void)atexit(remove_unfinished);
    out->stream = is_replaced(path) ? open_aside(out) : fopen(path, "we");
    return out->stream != NULL ? EXIT_DONE : fail_errno(ON_CREATE, path, errno);
}

int json_print(json_t *root, FILE *stream, const char *name) {
    // Not json_dumpf: jansson 2.14 does not notice where the name of a value is not written.
    char *text = root != NULL ? json_dumps(root, FORMAT) : NULL;
    json_decref(root);
    if (text == NULL) {
        return fail(EX_OSERR, "out of memory: the report as JSON");
    }
    int failed = fputs(text, stream) == EOF || fputc('\n', stream) == EOF || fflush(stream) != 0;
    int error = errno;
    free(text);
    return failed ? fail_errno(ON_WRITE, name, error) : EXIT_DONE;
}

/** Whether what was written to a stream is on the disk. */
static bool synchronise(FILE *stream) {
    int answer;
    do {
        answer = fdatasync(fileno(stream));
    } while (answer != 0 && errno == EINTR);
    return answer == 0;
}

static int finish(json_file *file) {
    FILE *stream = file->stream;
    if (file->aside != NULL && !synchronise(stream)) {
        return fail_errno(ON_WRITE, file->path, errno);
    }
    file->stream = NULL;
    if (fclose(stream) != 0 || (file->aside != NULL && rename(file->aside, file->target) != 0)) {
        return fail_errno(ON_WRITE, file->path, errno);
    }
    unfinished = NULL;
    free(file->aside);
    file->aside = NULL;
    return EXIT_DONE;
}

int json_file_commit(json_file *file, json_t *root) {
    if (file->path == NULL) {
        json_decref(root);
        return EXIT_DONE;
    }
    if (file->stream == NULL) {
        return json_print(root, stdout, "standard output");
    }
    int status = json_print(root, file->stream, file->path);
    return status == EXIT_DONE ? finish(file) : status;
}

void json_file_close(json_file *file) {
    if (file->stream != NULL) {
        fclose(file->stream);
    }
    if (file->aside != NULL) {
        remove_unfinished();
        unfinished = NULL;
    }
    free(file->aside);
    free(file->target);
    *file = (json_file){0};
}

json_t *json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

/** Bytes of the character that text starts with; 0 where it starts with none of UTF-8. */
static size_t character_bytes(const char *text) {
    for (size_t bytes = 1; bytes <= 4 && text[bytes - 1] != '\0'; bytes++) {
        json_t *character = json_stringn(text, bytes);
        if (character != NULL) {
            json_decref(character);
            return bytes;
        }
    }
    return 0;
}

/** The text with a '?' for each byte that is not UTF-8: file names and drivers may hold any. */
static json_t *mended(const char *text) {
    char *copy = strdup(text);
    if (copy == NULL) {
        return NULL;
    }
    for (char *at = copy; *at != '\0';) {
        size_t bytes = character_bytes(at);
        if (bytes == 0) {
            *at = '?';
            bytes = 1;
        }
        at += bytes;
    }
    json_t *value = json_string(copy);
    free(copy);
    return value;
}

json_t *json_text(const char *text) {
    if (text[0] == '\0') {
        return json_null();
    }
    json_t *value = json_string(text);
    return value != NULL ? value : mended(text);
}

json_t *json_count(uint64_t count) {
    return json_integer((json_int_t)count);
}
