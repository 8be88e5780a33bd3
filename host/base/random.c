// SPDX-License-Identifier: MIT
// Reproducible random numbers: Philox4x32-10 of Random123, mapped exactly to [-1, 1).
#include <Random123/philox.h>

#include "base/error.h"

/** Block `block` of a stream: four words for the counter (block, stream) under the key seed. */
static philox4x32_ctr_t random_block(uint64_t seed, uint32_t stream, uint64_t block) {
    philox4x32_ctr_t counter = {{(uint32_t)block, (uint32_t)(block >> 32), stream, 0}};
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    return philox4x32(counter, key);
}

/* Steps are counted from the middle in integers, so that the caller's rounding mode has no say: in
 * floating point 1 - 1 is -0 where that is downward. */

/** Element e is word e % 4 of block e / 4; its upper 24 bits count steps of 2^-23 from -1. */
static void fill_f32(uint64_t seed, uint32_t stream, uint64_t first, uint64_t count,
                     float *values) {
    philox4x32_ctr_t block = random_block(seed, stream, first / 4);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t element = first + i;
        if (element % 4 == 0) {
            block = random_block(seed, stream, element / 4);
        }
        const int32_t steps = (int32_t)(block.v[element % 4] >> 8) - (1 << 23);
        values[i] = (float)steps * 0x1p-23f;
    }
}

/** Element e is half e % 2 of block e / 2, its upper 53 bits count steps of 2^-52 from -1. */
static void fill_f64(uint64_t seed, uint32_t stream, uint64_t first, uint64_t count,
                     double *values) {
    philox4x32_ctr_t block = random_block(seed, stream, first / 2);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t element = first + i;
        if (element % 2 == 0) {
            block = random_block(seed, stream, element / 2);
        }
        unsigned word = (unsigned)(element % 2) * 2;
        uint64_t bits = (uint64_t)block.v[word + 1] << 32 | block.v[word];
        const int64_t steps = (int64_t)(bits >> 11) - (INT64_C(1) << 52);
        values[i] = (double)steps * 0x1p-52;
    }
}

ffwd_status ffwd_random_fill(uint64_t seed, uint32_t stream, uint64_t first, uint64_t count,
                             uint32_t dtype, void *values, ffwd_error *err) {
    switch (dtype) {
    case FFWD_F32:
        fill_f32(seed, stream, first, count, values);
        return FFWD_OK;
    case FFWD_F64:
        fill_f64(seed, stream, first, count, values);
        return FFWD_OK;
    default:
        return ffwd_fail(err, FFWD_EARGUMENT, "random numbers are f32 or f64, not dtype %u", dtype);
    }
}
