// SPDX-License-Identifier: MIT
// The linker sends the library's calls here.
#include "support/fail_alloc.h"

#include "base/memory.h"

/** Allocations that still succeed; negative where all do. */
static int left = -1;

void fail_alloc_after(int allowed) {
    left = allowed;
}

bool fail_alloc_never(void) {
    const bool failed = left < 0;
    left = -1;
    return failed;
}

static bool fails(void) {
    return left >= 0 && left-- == 0;
}

void *__real_ffwd_alloc(uint64_t bytes);
void *__wrap_ffwd_alloc(uint64_t bytes);
void *__wrap_ffwd_alloc(uint64_t bytes) {
    return fails() ? NULL : __real_ffwd_alloc(bytes);
}

void *__real_ffwd_alloc_zero(uint64_t bytes);
void *__wrap_ffwd_alloc_zero(uint64_t bytes);
void *__wrap_ffwd_alloc_zero(uint64_t bytes) {
    return fails() ? NULL : __real_ffwd_alloc_zero(bytes);
}

char *__real_ffwd_copy_text(const char *text);
char *__wrap_ffwd_copy_text(const char *text);
char *__wrap_ffwd_copy_text(const char *text) {
    return fails() ? NULL : __real_ffwd_copy_text(text);
}
