// SPDX-License-Identifier: MIT
// Making, cloning and ending engines, and what can be asked of them.
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "base/structs.h"

static ffwd_status allocate(const ffwd_model *model, size_t capacity, ffwd_engine **out,
                            ffwd_error *err) {
    ffwd_engine *engine = ffwd_alloc_zero(sizeof *engine);
    if (engine == NULL) {
        return ffwd_fail_memory(err, sizeof *engine, "an engine");
    }
    const uint64_t bytes = (uint64_t)capacity * sizeof(ffwd_placement *);
    engine->placements = ffwd_alloc_zero(bytes);
    if (engine->placements == NULL) {
        ffwd_free(engine);
        return ffwd_fail_memory(err, bytes, "an engine's placements");
    }
    engine->allocator = *ffwd_memory_current();
    engine->model = ffwd_model_retain(model);
    *out = engine;
    return FFWD_OK;
}

void ffwd_engine_destroy(ffwd_engine *engine) {
    if (engine == NULL) {
        return;
    }
    for (size_t i = 0; i < engine->placement_count; i++) {
        engine->placements[i]->device->ops->release(engine->placements[i]);
    }
    if (engine->native != NULL) {
        engine->native->device->ops->release(engine->native);
    }
    ffwd_free(engine->placements);
    ffwd_model_release(engine->model);
    ffwd_free(engine);
}

/** What the bound leaves to the next placement: never 0, which would mean that there is none. */
static uint64_t memory_left(const ffwd_engine *engine, uint64_t bound) {
    const uint64_t held = ffwd_engine_memory(engine);
    return bound == 0 ? 0 : bound > held ? bound - held : 1;
}

/** Places the model on one more device. */
static ffwd_status place(ffwd_engine *engine, ffwd_device *device, const ffwd_request *request,
                         ffwd_error *err) {
    ffwd_fpenv env;
    ffwd_fpenv_enter(&env);
    ffwd_status status = device->ops->prepare(device, engine->model, request,
                                              &engine->placements[engine->placement_count], err);
    ffwd_fpenv_leave(&env);
    if (status == FFWD_OK) {
        engine->placement_count++;
    }
    return status;
}

/** The device that runs every chunk: it must have the strategy. */
static ffwd_status place_first(ffwd_engine *engine, ffwd_device *device,
                               const ffwd_engine_options *options, ffwd_error *err) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(device, &info);
    if (!ffwd_device_has_strategy(device, options->strategy)) {
        return ffwd_fail(err, FFWD_ENODEVICE, "device %s (%s) has no strategy %s", info.id,
                         info.name, ffwd_strategy_name(options->strategy));
    }
    if (options->resident && device->ops->run_resident == NULL) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "rows on the device: %s has no OpenCL buffers",
                         info.id);
    }
    const ffwd_request request = {.strategy = options->strategy,
                                  .expected_rows = options->expected_rows,
                                  .memory_bytes = memory_left(engine, options->memory_bytes),
                                  .chunk_rows = options->chunk_rows,
                                  .resident = options->resident != 0};
    return place(engine, device, &request, err);
}

/** A device that only helps out: in a strategy that it has, in half of the memory at most. */
static ffwd_status place_helper(ffwd_engine *engine, ffwd_device *device,
                                const ffwd_engine_options *options, ffwd_error *err) {
    const bool able = ffwd_device_has_strategy(device, options->strategy);
    const uint64_t left = memory_left(engine, options->memory_bytes);
    const ffwd_request request = {.strategy = able ? options->strategy : FFWD_STRATEGY_AUTO,
                                  .expected_rows = options->expected_rows,
                                  .memory_bytes = left == 1 ? 1 : left / 2,
                                  .chunk_rows = options->chunk_rows};
    return place(engine, device, &request, err);
}

bool ffwd_is_cpu(const ffwd_device *device) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(device, &info);
    return strcmp(info.backend, "cpu") == 0;
}

static bool have_cpu(ffwd_device *const *devices, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (ffwd_is_cpu(devices[i])) {
            return true;
        }
    }
    return false;
}

/** The CPU as the last resort; `cpu` where it has been opened. */
static ffwd_status place_cpu(ffwd_engine *engine, ffwd_device *cpu,
                             const ffwd_engine_options *options, ffwd_error *err) {
    if (cpu != NULL) {
        return place_helper(engine, cpu, options, err);
    }
    ffwd_status status = ffwd_device_open("cpu", options->device_options, &cpu, err);
    if (status == FFWD_OK) {
        status = place_helper(engine, cpu, options, err);
        ffwd_device_destroy(cpu);
    }
    return status;
}

/** The first device, put in front of the helpers. */
static ffwd_status place_in_front(ffwd_engine *engine, ffwd_device *device,
                                  const ffwd_engine_options *options, ffwd_error *err) {
    const size_t helpers = engine->placement_count;
    const ffwd_status status = place_first(engine, device, options, err);
    if (status == FFWD_OK) {
        ffwd_placement *first = engine->placements[helpers];
        memmove(engine->placements + 1, engine->placements, helpers * sizeof(ffwd_placement *));
        engine->placements[0] = first;
    }
    return status;
}

/** Says, behind what is said of the device in use, why another one is not there. */
static void leave_out(ffwd_engine *engine, const ffwd_device *device, const ffwd_error *reason) {
    const size_t used = strlen(engine->why);
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(device, &info);
    (void)snprintf(engine->why + used, sizeof engine->why - used, "%s%s is left out (%.200s)",
                   used > 0 ? "; " : "", info.id, reason->message);
}

/** The first of the helpers takes the place of a device that failed. */
static void stand_in(ffwd_engine *engine, const ffwd_device *failed, const ffwd_error *reason) {
    ffwd_device_info from = FFWD_DEVICE_INFO_INIT, to = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(failed, &from);
    ffwd_device_describe(engine->placements[0]->device, &to);
    (void)snprintf(engine->why, sizeof engine->why, "%s failed (%.300s); %s took its place",
                   from.id, reason->message, to.id);
}

/** The devices that may have to take over. One that fails is left out, unless no fallback is
 * wanted: then a list must be whole. */
static ffwd_status place_helpers(ffwd_engine *engine, ffwd_device *const *devices, size_t count,
                                 const ffwd_engine_options *options, ffwd_error *err) {
    for (size_t i = 1; i < count; i++) {
        ffwd_error reason = FFWD_ERROR_INIT;
        const ffwd_status status = place_helper(engine, devices[i], options, &reason);
        if (status == FFWD_OK) {
            continue;
        }
        if (options->no_fallback ||
            !(ffwd_is_device_fault(status, &reason) || status == FFWD_ENODEVICE)) {
            return ffwd_fail_with(err, status, &reason);
        }
        leave_out(engine, devices[i], &reason);
    }
    return FFWD_OK;
}

/** Whether the helpers can do what was asked of a device that failed. */
static bool may_stand_in(const ffwd_engine *engine, const ffwd_engine_options *options) {
    return !options->no_fallback && engine->placement_count > 0 &&
           ffwd_device_has_strategy(engine->placements[0]->device, options->strategy);
}

/** Places the model on the devices in order, and behind them on the CPU unless it is one of them or
 *  no fallback is wanted. The helpers come first, since what the first device makes of its memory
 *  depends on what they leave; where it fails, they take its place. */
static ffwd_status place_all(ffwd_engine *engine, ffwd_device *const *devices, size_t count,
                             ffwd_device *cpu, const ffwd_engine_options *options,
                             ffwd_error *err) {
    ffwd_error reason = FFWD_ERROR_INIT;
    ffwd_status status;
    FFWD_TRY(status, place_helpers(engine, devices, count, options, &reason));
    if (!options->no_fallback && !have_cpu(devices, count)) {
        FFWD_TRY(status, place_cpu(engine, cpu, options, &reason));
    }
    status = place_in_front(engine, devices[0], options, &reason);
    if (ffwd_is_device_fault(status, &reason) && may_stand_in(engine, options)) {
        stand_in(engine, devices[0], &reason);
        status = FFWD_OK;
    }
cleanup:
    return ffwd_fail_with(err, status, &reason);
}

/** A device that nobody named and that cannot take the model leaves it to the CPU, where that can
 *  do what is asked. */
static ffwd_status place_chosen(ffwd_engine *engine, const ffwd_engine_options *options,
                                ffwd_error *err) {
    ffwd_choice choice = {0};
    ffwd_error reason = FFWD_ERROR_INIT;
    ffwd_status status;
    FFWD_TRY(status, ffwd_choose(engine->model, options, &choice, &reason));
    memcpy(engine->why, choice.why, sizeof engine->why);
    status = place_all(engine, &choice.device, 1, choice.cpu, options, &reason);
    if (status != FFWD_OK && choice.automatic && engine->placement_count == 1 &&
        ffwd_device_has_strategy(choice.cpu, options->strategy)) {
        stand_in(engine, choice.device, &reason);
        status = FFWD_OK;
    }
cleanup:
    ffwd_device_destroy(choice.device);
    ffwd_device_destroy(choice.cpu);
    return ffwd_fail_with(err, status, &reason);
}

static ffwd_status create(const ffwd_model *model, ffwd_device *const *devices, size_t device_count,
                          const ffwd_engine_options *options, ffwd_engine **out, ffwd_error *err) {
    const uint64_t start = ffwd_now_ns();
    ffwd_engine *engine = NULL;
    ffwd_status status = allocate(model, device_count + 2, &engine, err);
    if (status != FFWD_OK) {
        return status;
    }
    engine->no_fallback = options->no_fallback != 0;
    engine->resident = options->resident != 0;
    if (device_count == 0) {
        FFWD_TRY(status, place_chosen(engine, options, err));
    } else {
        (void)snprintf(engine->why, sizeof engine->why, "first of the devices given");
        FFWD_TRY(status, place_all(engine, devices, device_count, NULL, options, err));
    }
    engine->setup_ns = ffwd_now_ns() - start;
    *out = engine;
    return FFWD_OK;

cleanup:
    ffwd_engine_destroy(engine);
    return status;
}

ffwd_status ffwd_engine_create(const ffwd_model *model, ffwd_device *const *devices,
                               size_t device_count, const ffwd_engine_options *given,
                               ffwd_engine **out, ffwd_error *err) {
    *out = NULL;
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_status status = ffwd_struct_read(&options, sizeof options, given, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (ffwd_strategy_name(options.strategy) == NULL) {
        return ffwd_fail(err, FFWD_EARGUMENT, "unknown strategy %u", options.strategy);
    }
    status = ffwd_memory_check(options.allocator, err);
    if (status != FFWD_OK) {
        return status;
    }
    options.no_fallback |= options.resident;
    const ffwd_allocator *before = ffwd_memory_enter(options.allocator);
    status = create(model, devices, device_count, &options, out, err);
    ffwd_memory_leave(before);
    return status;
}

/** Clones the placements; a device that fails stays behind where others remain. */
static ffwd_status clone_placements(const ffwd_engine *engine, ffwd_engine *clone,
                                    ffwd_error *err) {
    ffwd_error reason = FFWD_ERROR_INIT;
    for (size_t i = 0; i < engine->placement_count; i++) {
        const ffwd_placement *placement = engine->placements[i];
        ffwd_status status = placement->device->ops->clone(
            placement, &clone->placements[clone->placement_count], &reason);
        clone->placement_count += status == FFWD_OK;
        const bool last = i + 1 == engine->placement_count && clone->placement_count == 0;
        if (status != FFWD_OK &&
            (!ffwd_is_device_fault(status, &reason) || engine->no_fallback || last)) {
            return ffwd_fail_with(err, status, &reason);
        }
        if (status != FFWD_OK) {
            leave_out(clone, placement->device, &reason);
        }
    }
    return FFWD_OK;
}

static ffwd_status clone_engine(const ffwd_engine *engine, ffwd_engine **out, ffwd_error *err) {
    const uint64_t start = ffwd_now_ns();
    ffwd_engine *clone = NULL;
    ffwd_status status = allocate(engine->model, engine->placement_count, &clone, err);
    if (status != FFWD_OK) {
        return status;
    }
    (void)snprintf(clone->why, sizeof clone->why, "%s", engine->why);
    clone->no_fallback = engine->no_fallback;
    clone->resident = engine->resident;
    FFWD_TRY(status, clone_placements(engine, clone, err));
    clone->setup_ns = ffwd_now_ns() - start;
    *out = clone;
    return FFWD_OK;

cleanup:
    ffwd_engine_destroy(clone);
    return status;
}

ffwd_status ffwd_engine_clone(const ffwd_engine *engine, ffwd_engine **out, ffwd_error *err) {
    *out = NULL;
    const ffwd_allocator *before = ffwd_memory_enter(&engine->allocator);
    const ffwd_status status = clone_engine(engine, out, err);
    ffwd_memory_leave(before);
    return status;
}

void ffwd_remember_halving(ffwd_engine *engine, uint64_t rows_before) {
    const ffwd_placement *first = engine->placements[0];
    ffwd_device_info device = FFWD_DEVICE_INFO_INIT;
    engine->fallback[0] = '\0';
    if (first->chunk_rows < rows_before) {
        ffwd_device_describe(first->device, &device);
        (void)snprintf(engine->fallback, sizeof engine->fallback,
                       "%s ran out of memory with %llu rows a chunk", device.id,
                       (unsigned long long)rows_before);
    }
}

size_t ffwd_engine_stage_count(const ffwd_engine *engine) {
    return engine->placements[0]->stage_count + engine->placements[0]->gather_count;
}

ffwd_status ffwd_engine_stage(const ffwd_engine *engine, size_t index, ffwd_stage *stage,
                              ffwd_error *err) {
    const ffwd_placement *first = engine->placements[0];
    if (index >= ffwd_engine_stage_count(engine)) {
        return ffwd_fail(err, FFWD_EARGUMENT, "stage %zu of %zu", index,
                         ffwd_engine_stage_count(engine));
    }
    const ffwd_plan_stage *plan = &first->stages[index];
    const ffwd_stage full = {sizeof full,       plan->kernel, plan->first_layer + 1,
                             plan->layer_count, plan->ns,     plan->launches,
                             plan->bytes};
    ffwd_struct_write(stage, &full, sizeof full);
    return FFWD_OK;
}

uint32_t ffwd_engine_strategy(const ffwd_engine *engine) {
    return engine->placements[0]->strategy;
}

void ffwd_engine_device(const ffwd_engine *engine, ffwd_device_info *info) {
    ffwd_device_describe(engine->placements[0]->device, info);
}

const char *ffwd_engine_why(const ffwd_engine *engine) {
    return engine->why;
}

const char *ffwd_engine_fallback(const ffwd_engine *engine) {
    return engine->fallback;
}

uint64_t ffwd_engine_chunk_rows(const ffwd_engine *engine) {
    return engine->placements[0]->chunk_rows;
}

uint64_t ffwd_engine_memory(const ffwd_engine *engine) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < engine->placement_count; i++) {
        bytes += engine->placements[i]->memory_bytes;
    }
    return bytes;
}
