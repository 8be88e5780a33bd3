// SPDX-License-Identifier: MIT
// Reads TensorProto: shapes that are checked against the bytes there are, elements in place.
#include "format/onnx_tensor.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx_external.h"

typedef struct onnx_block {
    struct onnx_block *next;
    double values[]; /**< aligned for any of them */
} onnx_block;

void *ffwd_onnx_keep(onnx_arena *arena, uint64_t bytes) {
    uint64_t whole;
    onnx_block *block = ffwd_add(bytes, sizeof *block, &whole) ? ffwd_alloc_zero(whole) : NULL;
    if (block == NULL) {
        arena->lacking = ffwd_max(bytes, 1);
        return NULL;
    }
    block->next = arena->blocks;
    arena->blocks = block;
    return block->values;
}

void ffwd_onnx_arena_free(onnx_arena *arena) {
    while (arena->blocks != NULL) {
        onnx_block *block = arena->blocks;
        arena->blocks = block->next;
        ffwd_free(block);
    }
}

bool ffwd_onnx_is_real(int32_t type) {
    return type == ONNX_FLOAT || type == ONNX_DOUBLE || type == ONNX_FLOAT16 ||
           type == ONNX_BFLOAT16;
}

/** Bytes of an element; 0 for what has no fixed size, or no meaning here. */
static unsigned element_bytes(int32_t type) {
    switch (type) {
    case ONNX_UINT8:
    case ONNX_INT8:
    case ONNX_BOOL:
        return 1;
    case ONNX_UINT16:
    case ONNX_INT16:
    case ONNX_FLOAT16:
    case ONNX_BFLOAT16:
        return 2;
    case ONNX_FLOAT:
    case ONNX_INT32:
    case ONNX_UINT32:
        return 4;
    case ONNX_DOUBLE:
    case ONNX_INT64:
    case ONNX_UINT64:
        return 8;
    default:
        return 0;
    }
}

bool ffwd_onnx_is_number(int32_t type) {
    return element_bytes(type) > 0;
}

/** Sets strides and count of a dense tensor; false where its size does not fit. */
static bool lay_out(onnx_tensor *tensor) {
    tensor->count = 1;
    for (unsigned axis = tensor->rank; axis-- > 0;) {
        tensor->strides[axis] = tensor->count;
        if (!ffwd_multiply(tensor->count, tensor->dims[axis], &tensor->count)) {
            return false;
        }
    }
    return tensor->count <= UINT64_MAX / sizeof(double);
}

ffwd_status ffwd_onnx_tensor_parse(onnx_view message, onnx_tensor *tensor, onnx_view *name,
                                   ffwd_error *err) {
    int64_t dims[ONNX_RANK_MAX];
    char text[64];
    FfwdOnnxTensor decoded = {.dims = {.into = dims, .room = ONNX_RANK_MAX}};
    *tensor = (onnx_tensor){.message = message};
    if (!ffwd_onnx_decode(message, FfwdOnnxTensor_fields, &decoded)) {
        return ffwd_fail(err, FFWD_EFORMAT, "a tensor that is broken");
    }
    *name = decoded.name;
    ffwd_onnx_view_text(*name, text, sizeof text);
    if (decoded.dims.count > ONNX_RANK_MAX) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "tensor '%s' has %zu axes, more than %d", text,
                         decoded.dims.count, ONNX_RANK_MAX);
    }
    tensor->type = decoded.data_type;
    tensor->rank = (unsigned)decoded.dims.count;
    for (unsigned axis = 0; axis < tensor->rank; axis++) {
        if (dims[axis] < 0) {
            return ffwd_fail(err, FFWD_EFORMAT, "tensor '%s': axis %u has the size %lld", text,
                             axis, (long long)dims[axis]);
        }
        tensor->dims[axis] = (uint64_t)dims[axis];
    }
    if (!lay_out(tensor)) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "tensor '%s': its size does not fit", text);
    }
    return FFWD_OK;
}

static ffwd_status refuse_size(const onnx_tensor *tensor, const char *name, uint64_t bytes,
                               ffwd_error *err) {
    char shape[ONNX_SHAPE_BYTES];
    ffwd_onnx_tensor_shape(tensor, shape);
    return ffwd_fail(err, FFWD_EFORMAT, "tensor '%s' is %s with %u bytes each, but has %llu bytes",
                     name, shape, element_bytes(tensor->type), (unsigned long long)bytes);
}

static ffwd_status take_bytes(onnx_tensor *tensor, onnx_view bytes, const char *name,
                              ffwd_error *err) {
    const unsigned each = element_bytes(tensor->type);
    if (bytes.count % each != 0 || bytes.count / each != tensor->count) {
        return refuse_size(tensor, name, bytes.count, err);
    }
    tensor->data = bytes.at;
    return FFWD_OK;
}

/** Elements that the file has as varints, in own memory. */
static ffwd_status take_varints(onnx_arena *arena, onnx_tensor *tensor, onnx_view packed,
                                const char *name, ffwd_error *err) {
    uint64_t value = 0, done = 0;
    if (packed.count < tensor->count) { // each takes a byte at least
        return refuse_size(tensor, name, packed.count, err);
    }
    int64_t *values = ffwd_onnx_keep(arena, tensor->count * sizeof *values);
    if (values == NULL) {
        return ffwd_fail_memory(err, tensor->count * sizeof *values, "a tensor");
    }
    for (; done < tensor->count && ffwd_onnx_next_varint(&packed, &value); done++) {
        values[done] = (int64_t)value;
    }
    if (done < tensor->count || packed.count > 0) {
        char shape[ONNX_SHAPE_BYTES];
        ffwd_onnx_tensor_shape(tensor, shape);
        return ffwd_fail(err, FFWD_EFORMAT, "tensor '%s' is %s, but has other numbers", name,
                         shape);
    }
    tensor->data = (const unsigned char *)values;
    tensor->wide = true;
    return FFWD_OK;
}

static ffwd_status take_external(onnx_arena *arena, onnx_tensor *tensor,
                                 const FfwdOnnxTensor *decoded, const char *name, ffwd_error *err) {
    unsigned char *data = NULL;
    uint64_t bytes = tensor->count * element_bytes(tensor->type);
    ffwd_status status = ffwd_onnx_external_read(arena, &decoded->external_data, bytes, &data, err);
    if (status != FFWD_OK) {
        char prefix[80];
        (void)snprintf(prefix, sizeof prefix, "tensor '%s'", name);
        return ffwd_fail_prefix(err, status, prefix);
    }
    tensor->data = data;
    return FFWD_OK;
}

static ffwd_status take_fields(onnx_arena *arena, onnx_tensor *tensor,
                               const FfwdOnnxTensor *decoded, const char *name, ffwd_error *err) {
    const onnx_packed *packed = tensor->type == ONNX_FLOAT    ? &decoded->float_data
                                : tensor->type == ONNX_DOUBLE ? &decoded->double_data
                                : tensor->type == ONNX_INT64  ? &decoded->int64_data
                                                              : &decoded->int32_data;
    if (packed->split) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "tensor '%s' has its numbers in pieces", name);
    }
    if (tensor->type == ONNX_FLOAT || tensor->type == ONNX_DOUBLE) {
        return take_bytes(tensor, packed->bytes, name, err);
    }
    return take_varints(arena, tensor, packed->bytes, name, err);
}

ffwd_status ffwd_onnx_tensor_load(onnx_arena *arena, onnx_tensor *tensor, ffwd_error *err) {
    onnx_view entries[8];
    char name[64];
    FfwdOnnxTensor decoded = {.external_data = {.into = entries, .room = 8}};
    if (tensor->data != NULL) {
        return FFWD_OK;
    }
    if (!ffwd_onnx_decode(tensor->message, FfwdOnnxTensor_fields, &decoded)) {
        return ffwd_fail(err, FFWD_EFORMAT, "a tensor that is broken");
    }
    ffwd_onnx_view_text(decoded.name, name, sizeof name);
    if (element_bytes(tensor->type) == 0) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "tensor '%s' has elements of type %d", name,
                         tensor->type);
    }
    if (decoded.segment.at != NULL) {
        return ffwd_fail(err, FFWD_EUNSUPPORTED, "tensor '%s' is a segment of one", name);
    }
    if (decoded.data_location == 1) {
        return take_external(arena, tensor, &decoded, name, err);
    }
    if (decoded.raw_data.at != NULL) {
        return take_bytes(tensor, decoded.raw_data, name, err);
    }
    return take_fields(arena, tensor, &decoded, name, err);
}

void ffwd_onnx_tensor_of(const double *values, uint64_t count, onnx_tensor *tensor) {
    *tensor = (onnx_tensor){.type = ONNX_DOUBLE,
                            .rank = 1,
                            .dims = {count},
                            .strides = {1},
                            .count = count,
                            .data = (const unsigned char *)values};
}

/** The number that 16 bits of IEEE-754 binary16 mean. */
static double half(uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double magnitude = 0;
    if (exponent == 31) {
        magnitude = fraction == 0 ? __builtin_inf() : __builtin_nan("");
    } else {
        magnitude = exponent == 0 ? fraction * 0x1p-24
                                  : (fraction + 1024) * 0x1p-25 * (double)(1U << exponent);
    }
    return bits >> 15 ? -magnitude : magnitude;
}

static double bfloat(uint16_t bits) {
    const uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

/** Elements may lie anywhere in the file: no alignment is taken for granted. */
#define READ(type, of)                                                                             \
    type of;                                                                                       \
    memcpy(&(of), tensor->data + place * sizeof(of), sizeof(of))

int64_t ffwd_onnx_integer(const onnx_tensor *tensor, uint64_t place) {
    READ(uint8_t, byte);
    if (tensor->wide) {
        READ(int64_t, value);
        return value;
    }
    switch (tensor->type) {
    case ONNX_INT8:
        return (int8_t)byte;
    case ONNX_UINT16:
    case ONNX_FLOAT16:
    case ONNX_BFLOAT16: {
        READ(uint16_t, value);
        return value;
    }
    case ONNX_INT16: {
        READ(int16_t, value);
        return value;
    }
    case ONNX_INT32: {
        READ(int32_t, value);
        return value;
    }
    case ONNX_UINT32: {
        READ(uint32_t, value);
        return value;
    }
    case ONNX_INT64:
    case ONNX_UINT64: {
        READ(int64_t, value);
        return value;
    }
    default:
        return byte;
    }
}

double ffwd_onnx_number(const onnx_tensor *tensor, uint64_t place) {
    switch (tensor->type) {
    case ONNX_FLOAT: {
        READ(float, value);
        return value;
    }
    case ONNX_DOUBLE: {
        READ(double, value);
        return value;
    }
    case ONNX_FLOAT16:
        return half((uint16_t)ffwd_onnx_integer(tensor, place));
    case ONNX_BFLOAT16:
        return bfloat((uint16_t)ffwd_onnx_integer(tensor, place));
    case ONNX_UINT64:
        return (double)(uint64_t)ffwd_onnx_integer(tensor, place);
    default:
        return (double)ffwd_onnx_integer(tensor, place);
    }
}

void ffwd_onnx_tensor_shape(const onnx_tensor *tensor, char text[ONNX_SHAPE_BYTES]) {
    size_t used =
        (size_t)snprintf(text, ONNX_SHAPE_BYTES, "%s", tensor->rank == 0 ? "one value" : "");
    for (unsigned axis = 0; axis < tensor->rank && used < ONNX_SHAPE_BYTES; axis++) {
        used += (size_t)snprintf(text + used, ONNX_SHAPE_BYTES - used, "[%llu]",
                                 (unsigned long long)tensor->dims[axis]);
    }
}
