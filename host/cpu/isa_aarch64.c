// SPDX-License-Identifier: MIT
// Instruction sets of AArch64.
#include "cpu/isa.h"

extern const ffwd_rowblock ffwd_rowblock_neon_f32, ffwd_rowblock_neon_f64;

/** The architecture's own calling convention passes floating-point values in NEON's registers. */
static bool has_neon(void) {
    return true;
}

const ffwd_isa ffwd_isas[] = {
    {"portable", ffwd_isa_portable_available, &ffwd_rowblock_portable_f32,
     &ffwd_rowblock_portable_f64},
    {"neon", has_neon, &ffwd_rowblock_neon_f32, &ffwd_rowblock_neon_f64},
};
const size_t ffwd_isa_count = sizeof ffwd_isas / sizeof ffwd_isas[0];
