// SPDX-License-Identifier: MIT
// Heap memory through one pair of functions, and sizes through checked arithmetic.
#ifndef FFWD_BASE_MEMORY_H
#define FFWD_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ffwd/ffwd.h>

/** Every block starts on a cache line, which is also the widest vector. */
#define FFWD_ALIGNMENT 64

/**
 * From here on this thread's blocks come from an object's allocator (NULL: as before), until leave
 * is given what enter returned. So a call that may allocate names its object's allocator once, and
 * a block goes back to where it came from.
 */
const ffwd_allocator *ffwd_memory_enter(const ffwd_allocator *allocator);
void ffwd_memory_leave(const ffwd_allocator *before);
/** The one in use, of which an object that will allocate later takes a copy. */
const ffwd_allocator *ffwd_memory_current(void);
/** FFWD_EARGUMENT for hooks of which one is missing. */
ffwd_status ffwd_memory_check(const ffwd_allocator *allocator, ffwd_error *err);

/** `bytes` uninitialised bytes or NULL. */
void *ffwd_alloc(uint64_t bytes) __attribute__((malloc, warn_unused_result));
/** The same filled with 0. */
void *ffwd_alloc_zero(uint64_t bytes) __attribute__((malloc, warn_unused_result));
/** Const blocks too: who owns a block may free what nobody may write. */
void ffwd_free(const void *block);

/** The same block for its owner, who counts or frees what nobody else may write. */
static inline void *ffwd_unconst(const void *block) {
    union {
        const void *given;
        void *own;
    } pointer = {block};
    return pointer.own;
}

/** A copy of a string, or NULL. */
char *ffwd_copy_text(const char *text) __attribute__((malloc, warn_unused_result));

/** *product = a * b; false, and *product unchanged, where that does not fit in 64 bits. */
static inline bool ffwd_multiply(uint64_t a, uint64_t b, uint64_t *product) {
    uint64_t result;
    if (__builtin_mul_overflow(a, b, &result)) {
        return false;
    }
    *product = result;
    return true;
}

/** *sum = a + b; false, and *sum unchanged, where that does not fit in 64 bits. */
static inline bool ffwd_add(uint64_t a, uint64_t b, uint64_t *sum) {
    uint64_t result;
    if (__builtin_add_overflow(a, b, &result)) {
        return false;
    }
    *sum = result;
    return true;
}

static inline uint64_t ffwd_min(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static inline uint64_t ffwd_max(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/** `value` rounded up to a multiple; the caller knows that it fits. */
static inline uint64_t ffwd_round_up(uint64_t value, uint64_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

#endif
