// SPDX-License-Identifier: MIT
// A model planned for an OpenCL device: weights on the device, one kernel a stage, rows a chunk.
// Made once, then constant and shared by a placement and its clones.
#ifndef FFWD_OPENCL_OPENCL_PLAN_H
#define FFWD_OPENCL_OPENCL_PLAN_H

#include "opencl/opencl_device.h"

/** The buffers a placement may need for a chunk. */
typedef enum ffwd_opencl_slot {
    FFWD_SLOT_X,    /**< where X is not used in place */
    FFWD_SLOT_Y,    /**< where Y is not written in place */
    FFWD_SLOT_SUMS, /**< z of the current layer: always in a chain, else where captured */
    FFWD_SLOT_EVEN, /**< y of inner layers, taking turns with ODD where a kernel reads one */
    FFWD_SLOT_ODD,  /**<   while it writes the other */
    FFWD_SLOT_COUNT
} ffwd_opencl_slot;

/** A value of the model's dtype, as a kernel takes it. */
typedef union ffwd_opencl_value {
    cl_float f32;
    cl_double f64;
} ffwd_opencl_value;

/** An operation on the device. */
typedef struct ffwd_opencl_layer {
    cl_mem weights, bias, slopes; /**< NULL: none */
    cl_uint inputs, neurons;
    ffwd_opencl_value alpha, beta;
    size_t first_stage;
    ffwd_opencl_slot slot; /**< that it writes its y into, where it is not the last */
} ffwd_opencl_layer;

typedef enum ffwd_opencl_kind {
    FFWD_KERNEL_MATMUL,
    FFWD_KERNEL_ACTIVATION,
    FFWD_KERNEL_AFFINE, /**< the same, scaled and shifted first */
    FFWD_KERNEL_ROW_OPERATION,
    /* All layers of the model: */
    FFWD_KERNEL_ROWBLOCK,
    FFWD_KERNEL_REGISTERS,
    FFWD_KERNEL_ROWTILE
} ffwd_opencl_kind;

/** Where the weights of a kernel lie; the number is the kernel's. */
typedef enum ffwd_opencl_place {
    FFWD_PLACE_CONSTANT,
    FFWD_PLACE_LOCAL,
    FFWD_PLACE_GLOBAL
} ffwd_opencl_place;

/** One way of taking all layers in one kernel; see opencl_fused.h. */
typedef struct ffwd_opencl_form ffwd_opencl_form;

typedef struct ffwd_opencl_stage {
    char kernel[64];
    cl_program program;
    size_t layer, layer_count;
    ffwd_opencl_kind kind;
    uint32_t activation;              /**< ffwd_activation, where it is of one layer */
    size_t group_rows, group_neurons; /**< items of a work-group; of all but a matmul: 1, all */
    size_t item_rows, item_neurons;   /**< outputs of an item, see matmul.cl, registers.cl */
    size_t tile_k;                    /**< of a matmul */
    bool blocked;                     /**< of a matmul */
    size_t block_rows;                /**< of a kernel of all layers: rows that lie together */
    ffwd_opencl_place place;          /**< of its weights */
} ffwd_opencl_stage;

typedef struct ffwd_opencl_plan {
    atomic_uint references;
    ffwd_opencl_device *device; /**< held by the placements */
    const ffwd_model *model;
    uint32_t strategy;
    size_t value_bytes;
    size_t stage_count;
    ffwd_opencl_stage *stages;
    ffwd_opencl_layer *layers;
    const ffwd_opencl_form *form;          /**< of a kernel of all layers; else NULL */
    cl_mem packed;                         /**< its weights and biases; else NULL */
    bool pipelined;                        /**< chunks of host rows pass through lanes */
    uint64_t slot_values[FFWD_SLOT_COUNT]; /**< values a row; 0: not needed */
    uint64_t capture_rows;                 /**< that SUMS holds: chunk_rows, or fewer at a time */
    uint64_t weight_bytes;                 /**< that are not used in place */
    uint64_t chunk_rows, expected_rows;    /**< expected: 0: many */
    struct ffwd_opencl_plan *next_kept;    /**< of the plans that outlive their lost devices */
} ffwd_opencl_plan;

ffwd_status ffwd_opencl_plan_create(ffwd_opencl_device *device, const ffwd_model *model,
                                    const ffwd_request *request, ffwd_opencl_plan **out,
                                    ffwd_error *err);
ffwd_opencl_plan *ffwd_opencl_plan_retain(ffwd_opencl_plan *plan);
/** Takes NULL. */
void ffwd_opencl_plan_release(ffwd_opencl_plan *plan);

/** Plans all layers as one kernel: its program, and the weights packed for it. */
ffwd_status ffwd_opencl_fused_plan(ffwd_opencl_plan *plan, ffwd_error *err);
/** The form in which a device would take a model in one kernel; NULL: in none. */
const ffwd_opencl_form *ffwd_opencl_form_of(const ffwd_opencl_device *device,
                                            const ffwd_model *model);
/** Shapes and builds the stage of all layers, or the one that also captures. */
ffwd_status ffwd_opencl_fused_stage(const ffwd_opencl_plan *plan, bool captured,
                                    ffwd_opencl_stage *stage, ffwd_error *err);

/** How large a work-group a stage's built kernel may have. */
ffwd_status ffwd_opencl_stage_items(const ffwd_opencl_plan *plan, const ffwd_opencl_stage *stage,
                                    size_t *items, ffwd_error *err);

/** Gives the stage of a dense layer its tile; see matmul.cl. */
void ffwd_opencl_matmul_shape(const ffwd_opencl_plan *plan, uint64_t expected_rows,
                              ffwd_opencl_stage *stage);
/** Writes its definitions as snprintf does. */
int ffwd_opencl_matmul_define(const ffwd_opencl_stage *stage, char *definitions, size_t size);
/** A smaller work-group, where there is one. */
void ffwd_opencl_halve_group(ffwd_opencl_stage *stage);

/** Whether rows or weights at this address are used in place. */
bool ffwd_opencl_in_place(const ffwd_opencl_device *device, const void *data);

/** Decides chunk_rows and capture_rows, at least 1, of a plan whose slots are known. */
void ffwd_opencl_size_chunk(ffwd_opencl_plan *plan, const ffwd_request *request);
/** Bytes of the weights and of the buffers of a chunk of so many rows. */
uint64_t ffwd_opencl_chunk_bytes(const ffwd_opencl_plan *plan, uint64_t rows);

#endif
