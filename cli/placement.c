// SPDX-License-Identifier: MIT
// Options of the command line become options of engines.
#include "placement.h"

#include "device_view.h"
#include "failure.h"

/** What an engine is asked for; the first member's address may be in the second. */
typedef struct placement {
    ffwd_device_options device;
    ffwd_engine_options engine;
} placement;

/** Fills *out, which must not move, for `selector`; NULL: the library's own default. */
static void ask(const options *given, uint64_t rows, const char *selector, placement *out) {
    *out = (placement){FFWD_DEVICE_OPTIONS_INIT, FFWD_ENGINE_OPTIONS_INIT};
    out->device.isa = given->isa;
    out->device.threads = given->threads;
    out->engine.strategy = given->strategy;
    out->engine.no_fallback = given->no_fallback;
    out->engine.resident = given->resident;
    out->engine.expected_rows = rows;
    out->engine.memory_bytes = given->memory_bytes;
    out->engine.device = selector;
    out->engine.device_options = &out->device;
}

/** Only the CPU path has an instruction set and threads to choose. No other device takes the place
 * of one in a list: it has a line of its own. */
static ffwd_status place_listed(const ffwd_device_info *device, const options *given,
                                const model_source *model, uint64_t rows, ffwd_engine **out,
                                ffwd_error *err) {
    placement asked;
    ask(given, rows, device->id, &asked);
    asked.engine.no_fallback = 1;
    if (!device_is_cpu(device)) {
        asked.engine.device_options = NULL;
    }
    return ffwd_engine_create(model->model, NULL, 0, &asked.engine, out, err);
}

int placement_listed(const ffwd_device_info *device, const options *given,
                     const model_source *model, uint64_t rows, skipped *left_out,
                     ffwd_engine **out) {
    ffwd_error err = FFWD_ERROR_INIT;
    *out = NULL;
    if (device->refused[0] != '\0') {
        skipped_add(left_out, device->id, device->refused);
        return EXIT_DONE;
    }
    if (place_listed(device, given, model, rows, out, &err) == FFWD_OK) {
        return EXIT_DONE;
    }
    if (!skipped_is_reason(&err)) {
        return fail_with(ON_DEVICE, &err);
    }
    skipped_add(left_out, device->id, err.message);
    return EXIT_DONE;
}

int placement_selected(const options *given, const model_source *model, uint64_t rows,
                       ffwd_engine **out) {
    ffwd_error err = FFWD_ERROR_INIT;
    placement asked;
    ask(given, rows, given->device_named ? given->device : NULL, &asked);
    if (ffwd_engine_create(model->model, NULL, 0, &asked.engine, out, &err) != FFWD_OK) {
        return fail_with(ON_DEVICE, &err);
    }
    return EXIT_DONE;
}
