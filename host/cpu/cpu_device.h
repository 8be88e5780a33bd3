// SPDX-License-Identifier: MIT
// The CPU device from the inside: threads, an instruction set, and models packed for it.
#ifndef FFWD_CPU_CPU_DEVICE_H
#define FFWD_CPU_CPU_DEVICE_H

#include <limits.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/isa.h"

/** Y of so many bytes is written past the caches: more than a core's second level, so little of it
 *  would be found. */
#define FFWD_CPU_BYPASS_BYTES (UINT64_C(2) << 20)

typedef struct ffwd_cpu_device {
    ffwd_device base;
    const ffwd_isa *isa;
    bool isa_forced;
    ffwd_threads *threads;
    char name[128];
    char cache[PATH_MAX]; /**< folder that keeps the rates, as ffwd_device_options has it */
    uint64_t memory_bytes;
} ffwd_cpu_device;

/** A model's weights in the order in which one instruction set uses them; shared by clones. */
typedef struct ffwd_cpu_weights {
    atomic_uint references;
    ffwd_block_layer *layers;
    size_t layer_count;
    uint64_t bytes;
    ffwd_block_table table; /**< of strategy table; else entries is NULL */
} ffwd_cpu_weights;

ffwd_status ffwd_cpu_weights_create(const ffwd_model *model, const ffwd_rowblock *code,
                                    ffwd_cpu_weights **out, ffwd_error *err);

ffwd_cpu_weights *ffwd_cpu_weights_retain(ffwd_cpu_weights *weights);
void ffwd_cpu_weights_release(ffwd_cpu_weights *weights);

/** When a slot's thread was at work; both 0 where it found nothing to do. */
typedef struct ffwd_slot_time {
    uint64_t start_ns, end_ns;
} ffwd_slot_time;

typedef struct ffwd_cpu_placement {
    ffwd_placement base;
    const ffwd_rowblock *code;
    ffwd_cpu_weights *weights;
    bool captured; /**< the last chunk was; its stages name the kernels that do that */
    uint64_t block_rows;
    uint64_t scratch_bytes; /**< of one slot */
    unsigned char *scratch; /**< [slots] */
    ffwd_slot_time *times;  /**< [slots] of the last stage, where spans are wanted */
    void *between[2];       /**< layered: [chunk_rows][widest] activations between stages */
} ffwd_cpu_placement;

/** Whether the table that could stand for all but the first layer is the faster way. */
bool ffwd_cpu_table_pays(const ffwd_model *model, const ffwd_rowblock *code,
                         uint64_t expected_rows);
/** Fills the placement's table by its own code; everything else of it is ready. */
ffwd_status ffwd_cpu_table_fill(ffwd_cpu_placement *cpu, ffwd_error *err);

/** Of ffwd_device_ops. */
ffwd_status ffwd_cpu_prepare(ffwd_device *device, const ffwd_model *model,
                             const ffwd_request *request, ffwd_placement **out, ffwd_error *err);
ffwd_status ffwd_cpu_clone(const ffwd_placement *placement, ffwd_placement **out, ffwd_error *err);
ffwd_status ffwd_cpu_run_chunk(ffwd_placement *placement, const ffwd_chunk *chunk,
                               ffwd_timing *timing, ffwd_error *err);
void ffwd_cpu_release(ffwd_placement *placement);
/** By the threads of the placement's device, in the machine's best isa. */
ffwd_status ffwd_cpu_limit(ffwd_placement *placement, const ffwd_rows *x, const ffwd_rows *y,
                           ffwd_limit *limit, ffwd_error *err);
void ffwd_cpu_rates(ffwd_device *device, uint32_t dtype, ffwd_rates *rates);

/** Nanoseconds of a plain pass that reads x and writes y, as a run's Y of so many bytes would be.
 */
uint64_t ffwd_cpu_time_pass(ffwd_threads *threads, const ffwd_rowblock *code, const void *x,
                            void *y, uint64_t bytes);

#endif
