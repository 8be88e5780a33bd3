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

typedef struct ffwd_opencl_layer {
    cl_mem weights, bias; /**< bias NULL: none */
    cl_uint inputs, neurons;
} ffwd_opencl_layer;

typedef struct ffwd_opencl_stage {
    char kernel[64];
    cl_program program;
    size_t layer;
    bool matmul;                      /**< else an activation alone */
    size_t group_rows, group_neurons; /**< items of a work-group; of an activation: 1, all */
    size_t item_rows, item_neurons;   /**< outputs of an item of a matmul, see matmul.cl */
    size_t tile_k;
    bool blocked;
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
    uint64_t slot_values[FFWD_SLOT_COUNT]; /**< values a row; 0: not needed */
    uint64_t weight_bytes;                 /**< that are not used in place */
    uint64_t chunk_rows;
    uint64_t memory_bytes;
} ffwd_opencl_plan;

ffwd_status ffwd_opencl_plan_create(ffwd_opencl_device *device, const ffwd_model *model,
                                    const ffwd_request *request, ffwd_opencl_plan **out,
                                    ffwd_error *err);
ffwd_opencl_plan *ffwd_opencl_plan_retain(ffwd_opencl_plan *plan);
/** Takes NULL. */
void ffwd_opencl_plan_release(ffwd_opencl_plan *plan);

/** The slot that layer `index` writes its y into, where that is not the last layer. */
ffwd_opencl_slot ffwd_opencl_plan_slot(const ffwd_opencl_plan *plan, size_t index);

/** Whether rows or weights at this address are used in place. */
bool ffwd_opencl_in_place(const ffwd_opencl_device *device, const void *data);

/** Rows a chunk for a plan whose slots are known; at least 1. */
uint64_t ffwd_opencl_chunk_rows(const ffwd_opencl_plan *plan, const ffwd_request *request);

#endif
