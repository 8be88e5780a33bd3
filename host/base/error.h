// SPDX-License-Identifier: MIT
// How functions fail: a status, and one line of text in the caller's own error structure.
#ifndef FFWD_BASE_ERROR_H
#define FFWD_BASE_ERROR_H

#include <ffwd/ffwd.h>

/** Fills err, which may be NULL. */
void ffwd_error_set(ffwd_error *err, ffwd_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Fills err and is the status, so that a failure is one statement: ffwd_fail(err, status, ...). A
 *  macro, so that the compiler and its analysers see that it is not FFWD_OK. */
#define ffwd_fail(err, status, ...) (ffwd_error_set((err), (status), __VA_ARGS__), (status))

/** The same with a driver's or system's code beside the text. */
ffwd_status ffwd_fail_native(ffwd_error *err, ffwd_status status, int32_t native,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

/** FFWD_EIO with errno's text: "PATH: WHAT: No such file or directory". */
ffwd_status ffwd_fail_errno(ffwd_error *err, const char *path, const char *what);

/** FFWD_ENOMEM: "out of memory: N bytes for WHAT". */
static inline ffwd_status ffwd_fail_memory(ffwd_error *err, uint64_t bytes, const char *what) {
    return ffwd_fail(err, FFWD_ENOMEM, "out of memory: %llu bytes for %s",
                     (unsigned long long)bytes, what);
}

/** Puts "prefix: " before the message, for a caller who knows the file or the layer. */
ffwd_status ffwd_fail_prefix(ffwd_error *err, ffwd_status status, const char *prefix);

/** Forwards a failure to the function's one clean-up path. */
#define FFWD_TRY(status, call)                                                                     \
    do {                                                                                           \
        (status) = (call);                                                                         \
        if ((status) != FFWD_OK) {                                                                 \
            goto cleanup;                                                                          \
        }                                                                                          \
    } while (0)

#endif
