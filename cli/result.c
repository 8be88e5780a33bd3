// SPDX-License-Identifier: MIT
// Life of a result, and what is derived from it.
#include "result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device_view.h"
#include "failure.h"

result result_begin(ffwd_engine *engine) {
    size_t stages = result_stage_room(engine);
    result empty = {.engine = engine};
    empty.stage_ms = need_memory(NULL, stages * sizeof *empty.stage_ms);
    empty.stage_launches = need_memory(NULL, stages * sizeof *empty.stage_launches);
    for (size_t i = 0; i < stages; i++) {
        empty.stage_ms[i] = 0.0;
        empty.stage_launches[i] = 0;
    }
    return empty;
}

void result_note_memory(result *found, uint64_t asked, uint64_t used) {
    found->memory_asked_bytes = asked;
    found->memory_raised_bytes = asked > 0 && used > asked ? used : 0;
}

void result_note_fallback(result *found, const ffwd_report *run) {
    bool first = found->fallback[0] == '\0' && (run->chunks_redone > 0 || run->chunks_halved > 0);
    bool worse = run->chunks_redone > 0 && !found->has_redone;
    found->chunks_halved += run->chunks_halved;
    found->has_redone = found->has_redone || run->chunks_redone > 0;
    if (first || worse) {
        (void)snprintf(found->fallback, sizeof found->fallback, "%s",
                       ffwd_engine_fallback(found->engine));
    }
}

void result_end(result *found) {
    ffwd_engine_destroy(found->engine);
    free(found->stage_ms);
    free(found->stage_launches);
    *found = (result){0};
}

double result_per_second(const result *found, uint64_t amount) {
    double seconds = found->total_ms.median * 1e-3;
    return seconds > 0.0 ? (double)amount / seconds : NAN;
}

double result_overlap(const result *found) {
    const double moving_ms = found->upload_ms + found->download_ms;
    return moving_ms > 0.0 && !found->resident && !device_of(found->engine).shares_memory
               ? fmin(found->hidden_ms / moving_ms, 1.0)
               : NAN;
}

size_t result_stage_room(const ffwd_engine *engine) {
    return ffwd_engine_stage_count(engine) + 2;
}

ffwd_stage result_stage(const ffwd_engine *engine, size_t index) {
    ffwd_stage stage = FFWD_STAGE_INIT;
    if (ffwd_engine_stage(engine, index, &stage, NULL) != FFWD_OK) {
        return (ffwd_stage)FFWD_STAGE_INIT;
    }
    return stage;
}
