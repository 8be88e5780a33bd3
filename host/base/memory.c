// SPDX-License-Identifier: MIT
// The one pair of functions that heap memory comes through, and whose memory that is.
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/** What stands before every block: who takes it back. */
typedef struct head {
    _Alignas(FFWD_ALIGNMENT) void (*release)(void *user, void *block);
    void *user;
} head;

static void *heap_allocate(void *user, size_t alignment, size_t bytes) {
    (void)user;
    return aligned_alloc(alignment, bytes);
}

static void heap_release(void *user, void *block) {
    (void)user;
    free(block);
}

static const ffwd_allocator heap = {heap_allocate, heap_release, NULL};
static _Thread_local const ffwd_allocator *current = &heap;

const ffwd_allocator *ffwd_memory_enter(const ffwd_allocator *allocator) {
    const ffwd_allocator *before = current;
    if (allocator != NULL) {
        current = allocator;
    }
    return before;
}

void ffwd_memory_leave(const ffwd_allocator *before) {
    current = before;
}

const ffwd_allocator *ffwd_memory_current(void) {
    return current;
}

ffwd_status ffwd_memory_check(const ffwd_allocator *allocator, ffwd_error *err) {
    if (allocator != NULL && (allocator->allocate == NULL || allocator->release == NULL)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "an allocator without %s",
                         allocator->allocate == NULL ? "allocate" : "release");
    }
    return FFWD_OK;
}

void *ffwd_alloc(uint64_t bytes) {
    uint64_t padded;
    if (!ffwd_add(bytes, sizeof(head) + FFWD_ALIGNMENT - 1, &padded) || padded > PTRDIFF_MAX) {
        return NULL;
    }
    padded -= padded % FFWD_ALIGNMENT;
    head *block = current->allocate(current->user, FFWD_ALIGNMENT, (size_t)padded);
    if (block == NULL) {
        return NULL;
    }
    block->release = current->release;
    block->user = current->user;
    return block + 1;
}

void *ffwd_alloc_zero(uint64_t bytes) {
    void *block = ffwd_alloc(bytes);
    if (block != NULL) {
        memset(block, 0, (size_t)bytes);
    }
    return block;
}

void ffwd_free(const void *block) {
    if (block != NULL) {
        head *whole = (head *)ffwd_unconst(block) - 1;
        whole->release(whole->user, whole);
    }
}

char *ffwd_copy_text(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = ffwd_alloc(bytes);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}
