// SPDX-License-Identifier: MIT
// Statuses, their names, and the text of failures.
#include "base/error.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static ffwd_status fill(ffwd_error *err, ffwd_status status, int32_t native, const char *format,
                        va_list arguments) {
    if (err != NULL) {
        err->status = (int32_t)status;
        err->native = native;
        err->offset = UINT64_MAX;
        (void)vsnprintf(err->message, sizeof err->message, format, arguments);
    }
    return status;
}

void ffwd_error_set(ffwd_error *err, ffwd_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fill(err, status, 0, format, arguments);
    va_end(arguments);
}

ffwd_status ffwd_fail_native(ffwd_error *err, ffwd_status status, int32_t native,
                             const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fill(err, status, native, format, arguments);
    va_end(arguments);
    return status;
}

/** In English whatever the caller's locale, and of one signature in every C library. */
static void describe_errno(int native, char *text, size_t size) {
    locale_t english = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (english == (locale_t)0) {
        (void)snprintf(text, size, "error %d", native);
        return;
    }
    (void)snprintf(text, size, "%s", strerror_l(native, english));
    freelocale(english);
}

ffwd_status ffwd_fail_errno(ffwd_error *err, const char *path, const char *what) {
    const int native = errno;
    char text[128];
    describe_errno(native, text, sizeof text);
    return ffwd_fail_native(err, FFWD_EIO, native, "%s: %s: %s", path, what, text);
}

ffwd_status ffwd_fail_prefix(ffwd_error *err, ffwd_status status, const char *prefix) {
    if (err != NULL) {
        char message[sizeof err->message];
        memcpy(message, err->message, sizeof message);
        size_t used = (size_t)snprintf(err->message, sizeof err->message, "%s: ", prefix);
        if (used < sizeof err->message) {
            (void)snprintf(err->message + used, sizeof err->message - used, "%.*s",
                           (int)(sizeof err->message - used - 1), message);
        }
    }
    return status;
}

const char *ffwd_status_name(ffwd_status status) {
#define CASE(name, value, text)                                                                    \
    case name:                                                                                     \
        return #name;
    switch (status) { FFWD_STATUS_LIST(CASE) }
#undef CASE
    return "FFWD_?";
}

const char *ffwd_status_text(ffwd_status status) {
#define CASE(name, value, text)                                                                    \
    case name:                                                                                     \
        return text;
    switch (status) { FFWD_STATUS_LIST(CASE) }
#undef CASE
    return "unknown status";
}

const char *ffwd_version(void) {
    return FFWD_VERSION;
}
