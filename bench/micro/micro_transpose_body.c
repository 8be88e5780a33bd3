// SPDX-License-Identifier: MIT
// Compiled for each instruction set and dtype: ROWBLOCK is the library's file for them, of which
// only the names of its vectors are wanted, ISA and DTYPE say which, TRANSPOSE is the result.
#include ROWBLOCK

#include "cpu/transpose_body.h"
#include "micro_transpose.h"

static void to_features(uint64_t rows, uint64_t cols, const void *from, void *to) {
    rows_to_features(rows, cols, from, to);
}

static void to_rows(uint64_t rows, uint64_t cols, const void *from, void *to) {
    features_to_rows(rows, cols, from, to);
}

extern const micro_transpose TRANSPOSE;
const micro_transpose TRANSPOSE = {ISA, DTYPE, sizeof(SCALAR), to_features, to_rows};
