// SPDX-License-Identifier: MIT
// The one pair of functions that heap memory comes through.
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void *ffwd_alloc(uint64_t bytes) {
    uint64_t padded;
    if (!ffwd_add(ffwd_max(bytes, 1), FFWD_ALIGNMENT - 1, &padded) || padded > PTRDIFF_MAX) {
        return NULL;
    }
    return aligned_alloc(FFWD_ALIGNMENT, (size_t)(padded / FFWD_ALIGNMENT * FFWD_ALIGNMENT));
}

void *ffwd_alloc_zero(uint64_t bytes) {
    void *block = ffwd_alloc(bytes);
    if (block != NULL) {
        memset(block, 0, (size_t)bytes);
    }
    return block;
}

void ffwd_free(const void *block) {
    free(ffwd_unconst(block));
}

char *ffwd_copy_text(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = ffwd_alloc(bytes);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}
