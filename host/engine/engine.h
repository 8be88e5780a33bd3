// SPDX-License-Identifier: MIT
// An engine from the inside: the same model placed on one device after the other.
#ifndef FFWD_ENGINE_ENGINE_H
#define FFWD_ENGINE_ENGINE_H

#include "device/device.h"

/** Bytes of a sentence that says why, errors' messages in it. */
enum { FFWD_REASON_BYTES = 640 };

struct ffwd_engine {
    ffwd_allocator allocator;
    const ffwd_model *model;
    ffwd_placement **placements; /**< the first runs every chunk; the others are fallbacks */
    size_t placement_count;
    bool no_fallback;
    bool resident; /**< runs are timed as over rows on the device */
    uint64_t setup_ns;
    char why[FFWD_REASON_BYTES];
    char fallback[FFWD_REASON_BYTES];

    ffwd_placement *native; /**< what the limit of an OpenCL CPU device was measured on, where none
                                 of the placements could */
};

/** A device and the sentence that says why it is this one. */
typedef struct ffwd_choice {
    ffwd_device *device;
    ffwd_device *cpu;     /**< opened on the way; NULL: it was not */
    ffwd_rates cpu_rates; /**< of it, where the choice needed them; else without flops */
    bool automatic;       /**< not named by anybody: the CPU may take its place */
    char why[FFWD_REASON_BYTES];
} ffwd_choice;

/** Opens the device that the selector, or "auto", comes to for this model, and says why. What was
 *  opened is the caller's, also after a failure. */
ffwd_status ffwd_choose(const ffwd_model *model, const ffwd_engine_options *options,
                        ffwd_choice *choice, ffwd_error *err);

/** The first option that is set and that only the CPU path has, by its name; NULL: none is. */
const char *ffwd_cpu_option(const ffwd_device_options *options);

/** The rates of a device; of a driver on the CPU's silicon those of `cpu`, which may be NULL. */
void ffwd_find_rates(ffwd_device *device, ffwd_device *cpu, uint32_t dtype, ffwd_rates *rates);

bool ffwd_is_cpu(const ffwd_device *device);

/** After a run over rows on the device: says whether that takes smaller chunks than before. */
void ffwd_remember_halving(ffwd_engine *engine, uint64_t rows_before);

/** X and Y as views, checked against the model and each other. */
ffwd_status ffwd_check_rows(const ffwd_model *model, const ffwd_input *x, const ffwd_output *y,
                            ffwd_rows *x_rows, ffwd_rows *y_rows, ffwd_error *err);

#endif
