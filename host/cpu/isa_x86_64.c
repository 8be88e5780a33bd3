// SPDX-License-Identifier: MIT
// Instruction sets of x86-64.
#include "cpu/isa.h"

extern const ffwd_rowblock ffwd_rowblock_avx2_f32, ffwd_rowblock_avx2_f64;
extern const ffwd_rowblock ffwd_rowblock_avx512_f32, ffwd_rowblock_avx512_f64;

static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw");
}

const ffwd_isa ffwd_isas[] = {
    {"portable", ffwd_isa_portable_available, &ffwd_rowblock_portable_f32,
     &ffwd_rowblock_portable_f64},
    {"avx2", has_avx2, &ffwd_rowblock_avx2_f32, &ffwd_rowblock_avx2_f64},
    {"avx512", has_avx512, &ffwd_rowblock_avx512_f32, &ffwd_rowblock_avx512_f64},
};
const size_t ffwd_isa_count = sizeof ffwd_isas / sizeof ffwd_isas[0];
