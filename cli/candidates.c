// SPDX-License-Identifier: MIT
// Enumerates what can compute a model on this machine.
#include "candidates.h"

#include <stdlib.h>
#include <string.h>

#include "device_view.h"
#include "failure.h"
#include "placement.h"

/** Takes the device over. */
static void keep_device(candidates *all, ffwd_device *device) {
    all->devices = need_memory(all->devices, (all->device_count + 1) * sizeof(ffwd_device *));
    all->devices[all->device_count++] = device;
}

static void add_candidate(candidates *all, ffwd_device *device, uint32_t strategy) {
    all->items = need_memory(all->items, (all->count + 1) * sizeof *all->items);
    all->items[all->count++] = (candidate){.device = device, .strategy = strategy};
}

/** Every strategy, or the one that was named; takes the device over. */
static void add_strategies(candidates *all, ffwd_device *device) {
    uint32_t named = all->given->strategy;
    keep_device(all, device);
    for (uint32_t i = FFWD_CHAIN; ffwd_strategy_name(i) != NULL; i++) {
        if (named == FFWD_STRATEGY_AUTO || named == i) {
            add_candidate(all, device, i);
        }
    }
}

static int open_cpu(const char *isa, uint32_t threads, ffwd_device **out) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device_options wanted = FFWD_DEVICE_OPTIONS_INIT;
    wanted.isa = isa;
    wanted.threads = threads;
    if (ffwd_device_open("cpu", &wanted, out, &err) != FFWD_OK) {
        return fail_with(ON_DEVICE, &err);
    }
    return EXIT_DONE;
}

/** One instruction set with `threads` threads; 0: all there are, where those are more than one. */
static int add_cpu(candidates *all, const char *isa, uint32_t threads) {
    ffwd_device *device = NULL;
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    int status = open_cpu(isa, threads, &device);
    if (status != EXIT_DONE) {
        return status;
    }
    ffwd_device_describe(device, &info);
    if (threads > 0 || info.threads > 1) {
        add_strategies(all, device);
    } else {
        ffwd_device_destroy(device);
    }
    return EXIT_DONE;
}

static int add_isa(candidates *all, const char *isa) {
    if (all->given->threads > 0) {
        return add_cpu(all, isa, all->given->threads);
    }
    int status = add_cpu(all, isa, 1);
    return status == EXIT_DONE ? add_cpu(all, isa, 0) : status;
}

static int add_isas(candidates *all) {
    int status = EXIT_DONE, available;
    const char *isa;
    for (size_t i = 0; status == EXIT_DONE && (isa = ffwd_isa_name(i, &available)) != NULL; i++) {
        if (all->given->isa != NULL && strcmp(all->given->isa, isa) != 0) {
            continue;
        }
        if (available) {
            status = add_isa(all, isa);
        } else {
            char what[64];
            (void)snprintf(what, sizeof what, "cpu %s", isa);
            skipped_add(&all->skipped, what, "this machine does not have it");
        }
    }
    return status;
}

static int fail_selected(const options *given, const char *selector, const ffwd_error *err) {
    if (selector != given->device || given->device_named) {
        return fail_with(ON_DEVICE, err);
    }
    return fail(failure_status(ON_DEVICE, err), "FFWD_DEVICE: %s", err->message);
}

static int add_selected(candidates *all, const char *selector) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device *device = NULL;
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    if (ffwd_device_open(selector, NULL, &device, &err) != FFWD_OK) {
        return fail_selected(all->given, selector, &err);
    }
    ffwd_device_describe(device, &info);
    if (!device_is_cpu(&info)) {
        add_strategies(all, device);
        return EXIT_DONE;
    }
    ffwd_device_destroy(device);
    return add_isas(all);
}

/** The device that "auto" takes for the model. */
static int add_chosen(candidates *all) {
    ffwd_engine *engine = NULL;
    int status = placement_selected(all->given, all->model, all->rows, &engine);
    if (status == EXIT_DONE) {
        status = add_selected(all, device_of(engine).id);
    }
    ffwd_engine_destroy(engine);
    return status;
}

static int add_listed(candidates *all, const ffwd_device_list *devices) {
    int status = EXIT_DONE;
    for (size_t i = 0; status == EXIT_DONE && i < ffwd_device_list_count(devices); i++) {
        ffwd_device_info info = device_listed(devices, i);
        if (info.refused[0] == '\0') {
            status = add_selected(all, info.id);
        }
    }
    skipped_add_refused(&all->skipped, devices);
    return status;
}

static int add_all(candidates *all) {
    ffwd_device_list *devices = NULL;
    int status = device_list_open(&devices);
    if (status == EXIT_DONE) {
        status = add_listed(all, devices);
    }
    ffwd_device_list_destroy(devices);
    return status;
}

static int open_reference(candidates *all) {
    ffwd_device *device = NULL;
    int status = open_cpu("portable", 1, &device);
    if (status == EXIT_DONE) {
        keep_device(all, device);
        all->reference = (candidate){.device = device, .strategy = FFWD_FUSED};
    }
    return status;
}

int candidates_open(const options *given, const model_source *model, uint64_t rows,
                    candidates *out) {
    *out = (candidates){.given = given, .model = model, .rows = rows};
    int status = open_reference(out);
    if (status != EXIT_DONE) {
        return status;
    }
    if (given->device == NULL || options_all_devices(given)) {
        return add_all(out);
    }
    return options_auto_device(given) ? add_chosen(out) : add_selected(out, given->device);
}

/** A quarter of the bound, at least 1: one engine is at work beside the reference, and half of the
 *  bound is for their rows. */
static uint64_t engine_memory(uint64_t bound) {
    return bound - bound / 4 * 3;
}

static ffwd_status create_engine(const candidates *all, const candidate *item, ffwd_engine **out,
                                 ffwd_error *err) {
    ffwd_device *device = item->device;
    ffwd_engine_options wanted = FFWD_ENGINE_OPTIONS_INIT;
    wanted.strategy = item->strategy;
    wanted.no_fallback = 1;
    wanted.expected_rows = all->rows;
    wanted.memory_bytes = engine_memory(all->given->memory_bytes);
    return ffwd_engine_create(all->model->model, &device, 1, &wanted, out, err);
}

int candidates_reference(const candidates *all, ffwd_engine **out) {
    ffwd_error err = FFWD_ERROR_INIT;
    return create_engine(all, &all->reference, out, &err) == FFWD_OK ? EXIT_DONE
                                                                     : fail_with(ON_DEVICE, &err);
}

static void note_skipped(candidates *all, const candidate *item, const ffwd_error *err) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    char what[64];
    if (err->status == FFWD_ENODEVICE && all->given->strategy == FFWD_STRATEGY_AUTO) {
        return; // the device does not have this strategy
    }
    ffwd_device_describe(item->device, &info);
    (void)snprintf(what, sizeof what, "%s %s", info.id, ffwd_strategy_name(item->strategy));
    skipped_add(&all->skipped, what, err->message);
}

int candidates_engine(candidates *all, candidate *item, ffwd_engine **out) {
    ffwd_error err = FFWD_ERROR_INIT;
    if (create_engine(all, item, out, &err) == FFWD_OK) {
        return EXIT_DONE;
    }
    if (!skipped_is_reason(&err)) {
        return fail_with(ON_DEVICE, &err);
    }
    item->skipped = true;
    note_skipped(all, item, &err);
    return EXIT_DONE;
}

void candidates_close(candidates *all) {
    for (size_t i = 0; i < all->device_count; i++) {
        ffwd_device_destroy(all->devices[i]);
    }
    skipped_free(&all->skipped);
    free(all->devices);
    free(all->items);
    *all = (candidates){0};
}
