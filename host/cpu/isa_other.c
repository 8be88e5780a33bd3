// SPDX-License-Identifier: MIT
// Instruction sets of an architecture without code of its own.
#include "cpu/isa.h"

const ffwd_isa ffwd_isas[] = {
    {"portable", ffwd_isa_portable_available, &ffwd_rowblock_portable_f32,
     &ffwd_rowblock_portable_f64},
};
const size_t ffwd_isa_count = sizeof ffwd_isas / sizeof ffwd_isas[0];
