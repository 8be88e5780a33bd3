// SPDX-License-Identifier: MIT
// Constants of an ONNX graph: where their elements lie in the file, beside it, or in own memory.
#ifndef FFWD_FORMAT_ONNX_TENSOR_H
#define FFWD_FORMAT_ONNX_TENSOR_H

#include "base/error.h"
#include "format/onnx_wire.h"

#define ONNX_RANK_MAX 8
/** Room for the shape of a tensor in a message. */
#define ONNX_SHAPE_BYTES 96

/** TensorProto.DataType, as far as it means something here. */
typedef enum onnx_type {
    ONNX_UNDEFINED = 0,
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_UINT16 = 4,
    ONNX_INT16 = 5,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_STRING = 8,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_UINT32 = 12,
    ONNX_UINT64 = 13,
    ONNX_BFLOAT16 = 16
} onnx_type;

/** Where blocks come from that live as long as the graph, and where external data lies. */
typedef struct onnx_arena {
    struct onnx_block *blocks;
    const char *path; /**< of the model; NULL where it came as bytes */
    uint64_t lacking; /**< bytes of a block for which there was no memory; else 0 */
} onnx_arena;

typedef struct onnx_tensor {
    int32_t type; /**< onnx_type */
    unsigned rank;
    uint64_t dims[ONNX_RANK_MAX];
    uint64_t strides[ONNX_RANK_MAX]; /**< in elements: a transposed tensor is a view */
    uint64_t count;
    const unsigned char *data; /**< elements; NULL until loaded */
    bool wide;                 /**< elements are int64_t each, whatever the type says */
    onnx_view message;         /**< what the rest is to be read from */
} onnx_tensor;

/** `bytes` bytes of 0 that live as long as the arena, or NULL. */
void *ffwd_onnx_keep(onnx_arena *arena, uint64_t bytes);
void ffwd_onnx_arena_free(onnx_arena *arena);

/** Whether elements of a type are floating-point numbers; numbers at all, bool among them. */
bool ffwd_onnx_is_real(int32_t type);
bool ffwd_onnx_is_number(int32_t type);

/** Type and shape of a TensorProto, checked; its name goes to *name. FFWD_EFORMAT. */
ffwd_status ffwd_onnx_tensor_parse(onnx_view message, onnx_tensor *tensor, onnx_view *name,
                                   ffwd_error *err);

/** Makes the elements accessible. FFWD_EFORMAT, FFWD_EUNSUPPORTED, FFWD_EIO, FFWD_ENOMEM. */
ffwd_status ffwd_onnx_tensor_load(onnx_arena *arena, onnx_tensor *tensor, ffwd_error *err);

/** A tensor of one axis over values of double in memory that outlives it. */
void ffwd_onnx_tensor_of(const double *values, uint64_t count, onnx_tensor *tensor);

/** An element of a loaded tensor by its place in memory: the sum of index x stride. */
double ffwd_onnx_number(const onnx_tensor *tensor, uint64_t place);
int64_t ffwd_onnx_integer(const onnx_tensor *tensor, uint64_t place);

/** "[3][2]" or "one value". */
void ffwd_onnx_tensor_shape(const onnx_tensor *tensor, char text[ONNX_SHAPE_BYTES]);

#endif
