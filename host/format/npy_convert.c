// SPDX-License-Identifier: MIT
// One loop for each pair of a stored type and a wanted one.
#include "format/npy_convert.h"

#include <string.h>

#include "base/process.h"

/** float16 is exact in float32; the payload of a NaN stays. */
static inline float half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t magnitude = half & 0x7fff;
    uint32_t bits;
    float value;
    if (magnitude >= 0x7c00) {
        bits = sign | 0x7f800000 | (magnitude & 0x3ff) << 13;
    } else if (magnitude >= 0x0400) {
        bits = sign | (magnitude + ((127 - 15) << 10)) << 13;
    } else {
        value = (float)magnitude * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

typedef void (*convert_fn)(const void *stored, uint64_t count, void *values, uint64_t stride);

#define CONVERT(name, stored_type, wanted_type, expression)                                        \
    static void name(const void *stored, uint64_t count, void *values, uint64_t stride) {          \
        const stored_type *from = stored;                                                          \
        wanted_type *to = values;                                                                  \
        for (uint64_t i = 0; i < count; i++) {                                                     \
            stored_type x = from[i];                                                               \
            to[i * stride] = (wanted_type)(expression);                                            \
        }                                                                                          \
    }

/** Letter and size in the descr, C type, value of an element x. */
#define STORED_TYPES(X)                                                                            \
    X(b, 1, uint8_t, x != 0)                                                                       \
    X(i, 1, int8_t, x)                                                                             \
    X(i, 2, int16_t, x)                                                                            \
    X(i, 4, int32_t, x)                                                                            \
    X(i, 8, int64_t, x)                                                                            \
    X(u, 1, uint8_t, x)                                                                            \
    X(u, 2, uint16_t, x)                                                                           \
    X(u, 4, uint32_t, x)                                                                           \
    X(u, 8, uint64_t, x)                                                                           \
    X(f, 2, uint16_t, half_to_float(x))                                                            \
    X(f, 4, float, x)                                                                              \
    X(f, 8, double, x)

#define DEFINE(letter, bytes, type, expression)                                                    \
    CONVERT(letter##bytes##_to_f32, type, float, expression)                                       \
    CONVERT(letter##bytes##_to_f64, type, double, expression)
STORED_TYPES(DEFINE)

static const struct {
    char letter;
    uint64_t bytes;
    convert_fn to_f32, to_f64;
} conversions[] = {
#define ENTRY(letter, bytes, type, expression)                                                     \
    {#letter[0], bytes, letter##bytes##_to_f32, letter##bytes##_to_f64},
    STORED_TYPES(ENTRY)};

static convert_fn find_conversion(const ffwd_npy_type *type, uint32_t dtype) {
    size_t i = 0;
    while (conversions[i].letter != (char)type->kind || conversions[i].bytes != type->bytes) {
        i++;
    }
    return dtype == FFWD_F32 ? conversions[i].to_f32 : conversions[i].to_f64;
}

#define SWAP(name, type, swap)                                                                     \
    static void name(void *stored, uint64_t count) {                                               \
        type *at = stored;                                                                         \
        for (uint64_t i = 0; i < count; i++) {                                                     \
            at[i] = swap(at[i]);                                                                   \
        }                                                                                          \
    }
SWAP(swap_2, uint16_t, __builtin_bswap16)
SWAP(swap_4, uint32_t, __builtin_bswap32)
SWAP(swap_8, uint64_t, __builtin_bswap64)

static void swap_bytes(void *stored, uint64_t element_bytes, uint64_t count) {
    switch (element_bytes) {
    case 2:
        swap_2(stored, count);
        break;
    case 4:
        swap_4(stored, count);
        break;
    case 8:
        swap_8(stored, count);
        break;
    default:
        break;
    }
}

bool ffwd_npy_is(const ffwd_npy_type *type, uint32_t dtype) {
    return type->kind == FFWD_NPY_FLOAT && type->bytes == ffwd_dtype_size(dtype) && !type->swapped;
}

void ffwd_npy_convert(const ffwd_npy_type *type, void *stored, uint64_t count, uint32_t dtype,
                      void *values, uint64_t stride) {
    if (type->swapped) {
        swap_bytes(stored, type->bytes, count);
    }
    ffwd_fpenv env;
    ffwd_fpenv_enter(&env);
    find_conversion(type, dtype)(stored, count, values, stride);
    ffwd_fpenv_leave(&env);
}

uint64_t ffwd_npy_fortran_column(const ffwd_npy_header *header, uint64_t col) {
    // col = (i1 * n2 + i2) * n3 + i3 becomes i1 + n1 * (i2 + n2 * i3): peel i3, i2, i1 in turn.
    uint64_t stored = 0;
    for (unsigned axis = header->axes; axis-- > 1;) {
        uint64_t extent = header->shape[axis];
        stored = stored * extent + col % extent;
        col /= extent;
    }
    return stored;
}

void ffwd_npy_convert_all(const ffwd_npy_header *header, void *stored, uint32_t dtype,
                          void *values) {
    uint64_t rows = header->rows, cols = header->cols;
    if (!header->fortran) {
        ffwd_npy_convert(&header->type, stored, rows * cols, dtype, values, 1);
        return;
    }
    for (uint64_t col = 0; col < cols; col++) {
        unsigned char *from = stored;
        from += ffwd_npy_fortran_column(header, col) * rows * header->type.bytes;
        ffwd_npy_convert(&header->type, from, rows, dtype,
                         (unsigned char *)values + col * ffwd_dtype_size(dtype), cols);
    }
}
