// SPDX-License-Identifier: MIT
// Finding an instruction set, by name or the best.
#include "cpu/isa.h"

#include <stdio.h>
#include <string.h>

bool ffwd_isa_portable_available(void) {
    return true;
}

const ffwd_isa *ffwd_isa_best(void) {
    size_t best = ffwd_isa_count - 1;
    while (!ffwd_isas[best].available()) {
        best--;
    }
    return &ffwd_isas[best];
}

const char *ffwd_isa_name(size_t index, int *available) {
    if (index >= ffwd_isa_count) {
        return NULL;
    }
    if (available != NULL) {
        *available = ffwd_isas[index].available();
    }
    return ffwd_isas[index].name;
}

static ffwd_status fail_unknown(const char *name, ffwd_error *err) {
    char known[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < ffwd_isa_count && used < sizeof known; i++) {
        used += (size_t)snprintf(known + used, sizeof known - used, " %s", ffwd_isas[i].name);
    }
    return ffwd_fail(err, FFWD_EARGUMENT, "unknown instruction set '%s', known are%s", name, known);
}

ffwd_status ffwd_isa_find(const char *name, const ffwd_isa **out, ffwd_error *err) {
    for (size_t i = 0; i < ffwd_isa_count; i++) {
        if (strcmp(ffwd_isas[i].name, name) != 0) {
            continue;
        }
        if (!ffwd_isas[i].available()) {
            return ffwd_fail(err, FFWD_EUNSUPPORTED, "this machine lacks %s; its best is %s", name,
                             ffwd_isa_best()->name);
        }
        *out = &ffwd_isas[i];
        return FFWD_OK;
    }
    return fail_unknown(name, err);
}

const ffwd_rowblock *ffwd_isa_rowblock(const ffwd_isa *isa, uint32_t dtype) {
    return dtype == FFWD_F64 ? isa->f64 : isa->f32;
}
