// SPDX-License-Identifier: MIT
// The one place that knows which failure ends with which exit status.
#include "failure.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "progress.h"

int fail(int status, const char *format, ...) {
    progress_hide();
    va_list arguments;
    va_start(arguments, format);
    fputs("ffwd: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return status;
}

/** Errors of a name: there is no such input, or no output can take it; as opposed to a file that
 *  breaks while it is read or written. */
static int is_naming(int error) {
    return error == ENOENT || error == EACCES || error == EPERM || error == ENOTDIR ||
           error == EISDIR || error == ENAMETOOLONG || error == ELOOP || error == ENXIO ||
           error == ESPIPE;
}

/** Errors of the medium, which may show up as early as when a file is made. */
static int is_medium(int error) {
    return error == ENOSPC || error == EDQUOT || error == EFBIG || error == EIO;
}

static int status_of_errno(subject about, int error) {
    if (error == EPIPE && about != ON_INPUT) {
        return EXIT_CLOSED_PIPE;
    }
    if (error == ENOMEM) {
        return EX_OSERR;
    }
    if (about == ON_INPUT && is_naming(error)) {
        return EX_NOINPUT;
    }
    bool creating = about == ON_CREATE ? !is_medium(error) : about == ON_WRITE && is_naming(error);
    return creating ? EX_CANTCREAT : EX_IOERR;
}

static int status_of_unsupported(subject about) {
    switch (about) {
    case ON_INPUT:
        return EX_DATAERR;
    case ON_DEVICE:
        return EX_UNAVAILABLE;
    case ON_CREATE:
    case ON_WRITE:
        break;
    }
    return EX_USAGE;
}

int failure_status(subject about, const ffwd_error *err) {
    switch ((ffwd_status)err->status) {
    case FFWD_OK:
        return EXIT_DONE;
    case FFWD_EARGUMENT:
        return EX_USAGE;
    case FFWD_ECANCELLED:
        return 128 + interrupt_signal();
    case FFWD_ENOMEM:
        return EX_OSERR;
    case FFWD_ENODEVICE:
    case FFWD_EDEVICE:
        return EX_UNAVAILABLE;
    case FFWD_EIO:
        return status_of_errno(about, err->native);
    case FFWD_EFORMAT:
    case FFWD_EOVERFLOW:
        return EX_DATAERR;
    case FFWD_EUNSUPPORTED:
        return status_of_unsupported(about);
    case FFWD_ESTATE:
    case FFWD_EINTERNAL:
        break;
    }
    return EX_SOFTWARE;
}

int fail_errno(subject about, const char *path, int error) {
    int status = status_of_errno(about, error);
    return status == EXIT_CLOSED_PIPE ? status : fail(status, "%s: %s", path, strerror(error));
}

int fail_with(subject about, const ffwd_error *err) {
    int status = failure_status(about, err);
    if (err->status == FFWD_ECANCELLED) {
        return fail(status, "interrupted");
    }
    return status == EXIT_CLOSED_PIPE ? status : fail(status, "%s", err->message);
}

bool is_closed_pipe(int fd) {
    struct pollfd pipe = {.fd = fd};
    return poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR) != 0;
}

int check_written(FILE *stream, const char *name) {
    bool failed_before = ferror(stream) != 0;
    if (fflush(stream) != 0) {
        return fail_errno(ON_WRITE, name, errno);
    }
    if (!failed_before) {
        return EXIT_DONE;
    }
    return fail_errno(ON_WRITE, name, is_closed_pipe(fileno(stream)) ? EPIPE : EIO);
}

int check_stdout(int status) {
    return status == EXIT_DONE ? check_written(stdout, "standard output") : status;
}

void *need_memory(void *block, size_t bytes) {
    void *resized = realloc(block, bytes > 0 ? bytes : 1);
    if (resized == NULL) {
        exit(fail(EX_OSERR, "out of memory: %zu bytes", bytes));
    }
    return resized;
}
