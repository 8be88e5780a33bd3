// SPDX-License-Identifier: MIT
// Preloaded, makes one call to the system go wrong: the FFWD_TEST_NTH-th on files in the folder
// FFWD_TEST_FOLDER and on standard output, or the n-th allocation. FFWD_TEST_KIND is "short" (half
// of the bytes), "eintr", "eio", "enospc" or "nomem". FFWD_TEST_LOG is a file that gets a line for
// the call that went wrong, and at the end the number of calls that could have.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind { NONE, SHORT, EINTR_ONCE, EIO_ONCE, ENOSPC_ONCE, NOMEM };

static const char *const kind_names[] = {
    [SHORT] = "short",        [EINTR_ONCE] = "eintr", [EIO_ONCE] = "eio",
    [ENOSPC_ONCE] = "enospc", [NOMEM] = "nomem",
};

static enum kind kind; /**< NONE until the libraries have begun */
static long nth;
static const char *folder, *log_path;
static atomic_long calls;

/* ------------------------------------------------------------------------------------- the log */

/** By system calls alone, which are not counted, and without memory. */
static void tell(const char *name, const char *about) {
    char line[512];
    int length = snprintf(line, sizeof line, "%s %s\n", name, about);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)syscall(SYS_write, fd, line, (size_t)length);
    (void)syscall(SYS_close, fd);
}

__attribute__((constructor)) static void begin(void) {
    const char *wanted = getenv("FFWD_TEST_KIND"), *number = getenv("FFWD_TEST_NTH");
    folder = getenv("FFWD_TEST_FOLDER");
    log_path = getenv("FFWD_TEST_LOG");
    if (wanted == NULL || number == NULL || folder == NULL || log_path == NULL) {
        return;
    }
    nth = strtol(number, NULL, 10);
    for (enum kind known = SHORT; known <= NOMEM; known++) {
        kind = strcmp(wanted, kind_names[known]) == 0 ? known : kind;
    }
}

__attribute__((destructor)) static void end(void) {
    char number[32];
    if (kind != NONE) {
        (void)snprintf(number, sizeof number, "%ld", atomic_load(&calls));
        kind = NONE;
        tell("calls", number);
    }
}

/* ---------------------------------------------------------------------------------- the choice */

enum {
    CAN_BE_SHORT = 1 << SHORT,
    CAN_BE_INTERRUPTED = 1 << EINTR_ONCE,
    CAN_FAIL = 1 << EIO_ONCE | 1 << ENOSPC_ONCE
};
enum {
    TRANSFER = CAN_BE_SHORT | CAN_BE_INTERRUPTED | CAN_FAIL,
    SLOW = CAN_BE_INTERRUPTED | CAN_FAIL
};

/** Whether it is this call that goes wrong, in one of the ways that it can; then errno is set. */
static bool goes_wrong(const char *name, const char *about, unsigned can) {
    static const int numbers[] = {
        [EINTR_ONCE] = EINTR, [EIO_ONCE] = EIO, [ENOSPC_ONCE] = ENOSPC, [NOMEM] = ENOMEM};
    if ((can & 1U << kind) == 0 || kind == NONE || atomic_fetch_add(&calls, 1) + 1 != nth) {
        return false;
    }
    tell(name, about);
    errno = numbers[kind];
    return true;
}

static bool is_in_folder(const char *path) {
    return path[0] != '/' || strncmp(path, folder, strlen(folder)) == 0;
}

/** The same for a call on an open file. */
static bool goes_wrong_on(const char *name, int fd, unsigned can) {
    char link[64], path[384] = "standard output", about[512];
    if (kind == NONE || kind == NOMEM) {
        return false;
    }
    if (fd != STDOUT_FILENO) {
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        path[length > 0 ? length : 0] = '\0';
        if (length <= 0 || !is_in_folder(path) || path[0] != '/') {
            return false;
        }
    }
    bool input = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
    (void)snprintf(about, sizeof about, "%s %s", input ? "input" : "output", path);
    return goes_wrong(name, about, can);
}

static bool goes_wrong_at(const char *name, const char *path, unsigned can) {
    return kind != NONE && kind != NOMEM && is_in_folder(path) && goes_wrong(name, path, can);
}

/** Finds what a call stands before. */
#define REAL(name)                                                                                 \
    static __typeof__(&name) real;                                                                 \
    if (real == NULL) {                                                                            \
        void *found = dlsym(RTLD_NEXT, #name);                                                     \
        memcpy(&real, &found, sizeof real);                                                        \
    }

/* --------------------------------------------------------------------------------------- files */

static mode_t mode_of(int flags, va_list arguments) {
    return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    REAL(open)
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;
    return goes_wrong_at(unnamed ? "open-unnamed" : "open", path, SLOW) ? -1
                                                                        : real(path, flags, mode);
}

int mkostemp(char *template, int flags) {
    REAL(mkostemp)
    return goes_wrong_at("mkostemp", template, CAN_FAIL) ? -1 : real(template, flags);
}

int fstat(int fd, struct stat *status) {
    REAL(fstat)
    return goes_wrong_on("fstat", fd, CAN_FAIL) ? -1 : real(fd, status);
}

int close(int fd) {
    REAL(close)
    bool wrong = goes_wrong_on("close", fd, SLOW);
    int error = errno, answer = real(fd); // Linux closes in any case
    errno = wrong ? error : errno;
    return wrong ? -1 : answer;
}

int rename(const char *old, const char *new) {
    REAL(rename)
    return goes_wrong_at("rename", new, CAN_FAIL) ? -1 : real(old, new);
}

int fsync(int fd) {
    REAL(fsync)
    return goes_wrong_on("fsync", fd, SLOW) ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(fdatasync)
    return goes_wrong_on("fdatasync", fd, SLOW) ? -1 : real(fd);
}

int ftruncate(int fd, off_t bytes) {
    REAL(ftruncate)
    return goes_wrong_on("ftruncate", fd, SLOW) ? -1 : real(fd, bytes);
}

off_t lseek(int fd, off_t offset, int from) {
    REAL(lseek)
    return goes_wrong_on("lseek", fd, CAN_FAIL) ? -1 : real(fd, offset, from);
}

/* ----------------------------------------------------------------------------------- transfers */

/** Bytes that a transfer moves: all, or about half where it goes wrong in that way; -1 where it
 *  fails. */
static ssize_t bytes_moved(const char *name, int fd, size_t bytes) {
    if (bytes == 0 || !goes_wrong_on(name, fd, TRANSFER)) {
        return (ssize_t)bytes;
    }
    return kind == SHORT ? (ssize_t)((bytes + 1) / 2) : -1;
}

ssize_t read(int fd, void *data, size_t bytes) {
    REAL(read)
    ssize_t moved = bytes_moved("read", fd, bytes);
    return moved < 0 ? -1 : real(fd, data, (size_t)moved);
}

ssize_t pread(int fd, void *data, size_t bytes, off_t offset) {
    REAL(pread)
    ssize_t moved = bytes_moved("pread", fd, bytes);
    return moved < 0 ? -1 : real(fd, data, (size_t)moved, offset);
}

ssize_t write(int fd, const void *data, size_t bytes) {
    REAL(write)
    ssize_t moved = bytes_moved("write", fd, bytes);
    return moved < 0 ? -1 : real(fd, data, (size_t)moved);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
    REAL(pwrite)
    ssize_t moved = bytes_moved("pwrite", fd, bytes);
    return moved < 0 ? -1 : real(fd, data, (size_t)moved, offset);
}

/* ------------------------------------------------------------------------------------- streams */

// A stream hides short transfers itself.

size_t fwrite(const void *data, size_t size, size_t count, FILE *stream) {
    REAL(fwrite)
    return goes_wrong_on("fwrite", fileno(stream), CAN_FAIL) ? 0 : real(data, size, count, stream);
}

int fputs(const char *text, FILE *stream) {
    REAL(fputs)
    return goes_wrong_on("fputs", fileno(stream), CAN_FAIL) ? EOF : real(text, stream);
}

size_t fread(void *data, size_t size, size_t count, FILE *stream) {
    REAL(fread)
    return goes_wrong_on("fread", fileno(stream), CAN_FAIL) ? 0 : real(data, size, count, stream);
}

int fflush(FILE *stream) {
    REAL(fflush)
    return stream != NULL && goes_wrong_on("fflush", fileno(stream), CAN_FAIL) ? EOF : real(stream);
}

int fclose(FILE *stream) {
    REAL(fclose)
    bool wrong = goes_wrong_on("fclose", fileno(stream), CAN_FAIL);
    int error = errno, answer = real(stream);
    errno = wrong ? error : errno;
    return wrong ? EOF : answer;
}

/* -------------------------------------------------------------------------------------- memory */

// The C library's own names: dlsym would allocate.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static bool no_memory(const char *name) {
    return kind == NOMEM && goes_wrong(name, "", 1U << NOMEM);
}

void *malloc(size_t bytes) {
    return no_memory("malloc") ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
    return no_memory("calloc") ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes) {
    return no_memory("realloc") ? NULL : __libc_realloc(block, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    return no_memory("aligned_alloc") ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes) {
    void *made = no_memory("posix_memalign") ? NULL : __libc_memalign(alignment, bytes);
    if (made != NULL) {
        *block = made;
    }
    return made != NULL ? 0 : ENOMEM;
}
