// SPDX-License-Identifier: MIT
// The instruction sets that this build has code for, and which of them this machine can run.
#ifndef FFWD_CPU_ISA_H
#define FFWD_CPU_ISA_H

#include "cpu/rowblock.h"

typedef struct ffwd_isa {
    const char *name;
    bool (*available)(void);
    const ffwd_rowblock *f32, *f64;
} ffwd_isa;

/** Slowest first, "portable" at the start; supplied by one file for each architecture. */
extern const ffwd_isa ffwd_isas[];
extern const size_t ffwd_isa_count;

bool ffwd_isa_portable_available(void);

/** The machine's best. */
const ffwd_isa *ffwd_isa_best(void);
/** By name; FFWD_EARGUMENT where there is none, FFWD_EUNSUPPORTED where the machine lacks it. */
ffwd_status ffwd_isa_find(const char *name, const ffwd_isa **out, ffwd_error *err);
const ffwd_rowblock *ffwd_isa_rowblock(const ffwd_isa *isa, uint32_t dtype);

extern const ffwd_rowblock ffwd_rowblock_portable_f32, ffwd_rowblock_portable_f64;

#endif
