// SPDX-License-Identifier: MIT
// How functions fail: a status, and one line of text in the caller's own error structure.
#ifndef FFWD_BASE_ERROR_H
#define FFWD_BASE_ERROR_H

#include <stdbool.h>

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

/** Hands a failure that was kept aside to the caller: *err = *reason unless that is FFWD_OK. */
static inline ffwd_status ffwd_fail_with(ffwd_error *err, ffwd_status status,
                                         const ffwd_error *reason) {
    if (status != FFWD_OK && err != NULL) {
        *err = *reason;
    }
    return status;
}

/** Whether a driver failed, or its device lacks memory: another device may do. A status of the
 * host, of the model or of an option is none. */
static inline bool ffwd_is_device_fault(ffwd_status status, const ffwd_error *reason) {
    return status == FFWD_EDEVICE || (status == FFWD_ENOMEM && reason->native != 0);
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
