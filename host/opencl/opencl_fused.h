// SPDX-License-Identifier: MIT
// All layers of a model as one kernel. It has several forms, each a kernel file that is specialised
// on the widths; a device has some of them, and the first one that a model fits is taken.
#ifndef FFWD_OPENCL_OPENCL_FUSED_H
#define FFWD_OPENCL_OPENCL_FUSED_H

#include "opencl/opencl_plan.h"

struct ffwd_opencl_form {
    const char *name; /**< of the kernel, before its dtype */
    const char *source;
    ffwd_opencl_kind kind;
    uint32_t width_max; /**< of a row, whatever else decides */
    uint32_t line_fill; /**< weights come in lines of a multiple of so many values */

    bool (*fits)(const ffwd_opencl_device *device, const ffwd_model *model);
    /** Gives a stage its shape, with at most so many items a group. */
    void (*shape)(const ffwd_opencl_plan *plan, size_t items, ffwd_opencl_stage *stage);
    /** Appends the definitions that the form has beside those of all. */
    size_t (*define)(const ffwd_opencl_plan *plan, const ffwd_opencl_stage *stage,
                     char *definitions, size_t used);
    /** Neurons whose weights lie together. */
    uint32_t (*tile)(const ffwd_opencl_plan *plan);
};

extern const ffwd_opencl_form ffwd_opencl_rowblock, ffwd_opencl_registers, ffwd_opencl_rowtile;

/** Appends to definitions, which are long enough for what any form takes. */
size_t ffwd_opencl_define(char *definitions, size_t used, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Values in front of an operation's weights, not filled up: slopes, or alpha and beta. */
uint64_t ffwd_opencl_parameter_count(const ffwd_operation *operation);

/** Values of a packed model, at least one line. */
uint64_t ffwd_opencl_packed_count(const ffwd_model *model, uint32_t tile, uint32_t fill);

/** Packs parameters, weights and biases of all operations as the kernel files say, into zeros. */
void ffwd_opencl_pack(const ffwd_model *model, uint32_t tile, uint32_t fill, void *packed);

#endif
