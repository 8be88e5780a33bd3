// SPDX-License-Identifier: MIT
// Structures that start with struct_size, and so may be older or newer than the library.
#ifndef FFWD_BASE_STRUCTS_H
#define FFWD_BASE_STRUCTS_H

#include "base/error.h"

#include <string.h>

/**
 * Fills *options (of `size` bytes, holding the defaults) with what the caller's structure has.
 * FFWD_EARGUMENT for one without its size, or with options that this library does not know.
 */
static inline ffwd_status ffwd_struct_read(void *options, uint32_t size, const void *given,
                                           ffwd_error *err) {
    uint32_t given_size;
    if (given == NULL) {
        return FFWD_OK;
    }
    memcpy(&given_size, given, sizeof given_size);
    if (given_size < sizeof given_size) {
        return ffwd_fail(err, FFWD_EARGUMENT, "struct_size is %u: use the _INIT macro", given_size);
    }
    for (uint32_t i = size; i < given_size; i++) {
        if (((const unsigned char *)given)[i] != 0) {
            return ffwd_fail(err, FFWD_EARGUMENT,
                             "options of %u bytes set what this library of %u does not know",
                             given_size, size);
        }
    }
    memcpy(options, given, given_size < size ? given_size : size);
    memcpy(options, &size, sizeof size);
    return FFWD_OK;
}

/** Hands out as much of *value (of `size` bytes) as the caller's structure has room for. */
static inline void ffwd_struct_write(void *wanted, const void *value, uint32_t size) {
    uint32_t wanted_size;
    memcpy(&wanted_size, wanted, sizeof wanted_size);
    memcpy(wanted, value, wanted_size < size ? wanted_size : size);
    memcpy(wanted, &wanted_size, sizeof wanted_size);
}

#endif
