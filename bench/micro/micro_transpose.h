// SPDX-License-Identifier: MIT
// The transposes of one instruction set and dtype, which no header of the library shows.
#ifndef FFWD_BENCH_MICRO_TRANSPOSE_H
#define FFWD_BENCH_MICRO_TRANSPOSE_H

#include <stdint.h>

typedef struct micro_transpose {
    const char *isa, *dtype;
    uint64_t element_bytes;
    void (*to_features)(uint64_t rows, uint64_t cols, const void *from, void *to);
    void (*to_rows)(uint64_t rows, uint64_t cols, const void *from, void *to);
} micro_transpose;

/** Those of this build, slowest first; the count in `*count`. */
const micro_transpose *const *micro_transpose_list(uint64_t *count);

#endif
