// SPDX-License-Identifier: MIT
// Views of rows: strides resolved and checked, and the loops that convert to and from dense blocks.
#include "base/rows.h"

#include <string.h>

#include "base/memory.h"

const char *ffwd_dtype_name(uint32_t dtype) {
    switch (dtype) {
    case FFWD_F32:
        return "f32";
    case FFWD_F64:
        return "f64";
    case FFWD_U8:
        return "u8";
    default:
        return "?";
    }
}

size_t ffwd_dtype_size(uint32_t dtype) {
    switch (dtype) {
    case FFWD_F32:
        return sizeof(float);
    case FFWD_F64:
        return sizeof(double);
    case FFWD_U8:
        return 1;
    default:
        return 0;
    }
}

/** Whether count - 1 steps of `stride` elements, in either direction, stay within 63 bits. */
static bool extent(uint64_t count, int64_t stride, size_t element, uint64_t *bytes) {
    uint64_t step = stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride;
    uint64_t distance;
    return ffwd_multiply(count > 0 ? count - 1 : 0, step, &distance) &&
           ffwd_multiply(distance, element, bytes) && *bytes <= INT64_MAX;
}

static ffwd_status resolve(ffwd_rows *rows, int64_t row_stride, int64_t col_stride,
                           ffwd_error *err) {
    size_t element = ffwd_dtype_size(rows->dtype);
    if (element == 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "dtype %u is none of f32, f64, u8", rows->dtype);
    }
    bool empty = rows->rows == 0 || rows->cols == 0;
    if (rows->data == NULL && !empty) {
        return ffwd_fail(err, FFWD_EARGUMENT, "data is NULL for %llu rows of %llu",
                         (unsigned long long)rows->rows, (unsigned long long)rows->cols);
    }
    if ((uintptr_t)rows->data % element != 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "data at %p is not aligned to %zu bytes",
                         (void *)rows->data, element);
    }
    if (col_stride == 0) {
        col_stride = 1;
    }
    if (rows->cols > INT64_MAX) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "%llu columns do not fit",
                         (unsigned long long)rows->cols);
    }
    if (row_stride == 0) {
        row_stride = (int64_t)rows->cols;
    }
    uint64_t down, across, total;
    if (!extent(rows->rows, row_stride, element, &down) ||
        !extent(rows->cols, col_stride, element, &across) || !ffwd_add(down, across, &total) ||
        total > INT64_MAX) {
        return ffwd_fail(err, FFWD_EOVERFLOW, "%llu rows of %llu with strides %lld and %lld",
                         (unsigned long long)rows->rows, (unsigned long long)rows->cols,
                         (long long)row_stride, (long long)col_stride);
    }
    /* A stride that is never taken may be anything; the dense one keeps the product in range. */
    rows->row_bytes =
        rows->rows > 1 ? row_stride * (int64_t)element : (int64_t)(rows->cols * (uint64_t)element);
    rows->col_bytes = rows->cols > 1 ? col_stride * (int64_t)element : (int64_t)element;
    return FFWD_OK;
}

ffwd_status ffwd_rows_of_input(const ffwd_input *input, ffwd_rows *rows, ffwd_error *err) {
    *rows = (ffwd_rows){.data = ffwd_unconst(input->data),
                        .dtype = input->dtype,
                        .rows = input->rows,
                        .cols = input->cols};
    return resolve(rows, input->row_stride, input->col_stride, err);
}

ffwd_status ffwd_rows_of_output(const ffwd_output *output, ffwd_rows *rows, ffwd_error *err) {
    *rows = (ffwd_rows){
        .data = output->data, .dtype = output->dtype, .rows = output->rows, .cols = output->cols};
    return resolve(rows, output->row_stride, output->col_stride, err);
}

ffwd_rows ffwd_rows_slice(const ffwd_rows *rows, uint64_t first, uint64_t count) {
    ffwd_rows slice = *rows;
    if (slice.data != NULL) {
        slice.data += (int64_t)first * rows->row_bytes;
    }
    slice.rows = count;
    return slice;
}

bool ffwd_rows_dense(const ffwd_rows *rows, uint32_t dtype) {
    int64_t element = (int64_t)ffwd_dtype_size(dtype);
    return rows->dtype == dtype && rows->col_bytes == element &&
           (rows->rows <= 1 || rows->row_bytes == (int64_t)rows->cols * element);
}

/* One loop nest for each pair of dtypes: element (r, c) on both sides, rows outermost. */
#define COPY_LOOP(from_type, to_type)                                                              \
    for (uint64_t r = 0; r < rows; r++) {                                                          \
        const unsigned char *source = from + (int64_t)r * from_row;                                \
        unsigned char *target = to + (int64_t)r * to_row;                                          \
        for (uint64_t c = 0; c < cols; c++) {                                                      \
            *(to_type *)(void *)target = (to_type) * (const from_type *)(const void *)source;      \
            source += from_col;                                                                    \
            target += to_col;                                                                      \
        }                                                                                          \
    }

#define PAIR(from_dtype, to_dtype) ((from_dtype)*8 + (to_dtype))

static void convert(uint64_t rows, uint64_t cols, uint32_t from_dtype, const unsigned char *from,
                    int64_t from_row, int64_t from_col, uint32_t to_dtype, unsigned char *to,
                    int64_t to_row, int64_t to_col) {
    switch (PAIR(from_dtype, to_dtype)) {
    case PAIR(FFWD_F32, FFWD_F32):
        COPY_LOOP(float, float)
        break;
    case PAIR(FFWD_F32, FFWD_F64):
        COPY_LOOP(float, double)
        break;
    case PAIR(FFWD_F32, FFWD_U8):
        COPY_LOOP(float, uint8_t)
        break;
    case PAIR(FFWD_F64, FFWD_F32):
        COPY_LOOP(double, float)
        break;
    case PAIR(FFWD_F64, FFWD_F64):
        COPY_LOOP(double, double)
        break;
    case PAIR(FFWD_F64, FFWD_U8):
        COPY_LOOP(double, uint8_t)
        break;
    case PAIR(FFWD_U8, FFWD_F32):
        COPY_LOOP(uint8_t, float)
        break;
    case PAIR(FFWD_U8, FFWD_F64):
        COPY_LOOP(uint8_t, double)
        break;
    default:
        break;
    }
}

void ffwd_rows_pack(const ffwd_rows *from, uint32_t dtype, void *dense) {
    int64_t element = (int64_t)ffwd_dtype_size(dtype);
    if (from->rows > 0 && ffwd_rows_dense(from, dtype)) {
        memcpy(dense, from->data, (size_t)(from->rows * from->cols * (uint64_t)element));
        return;
    }
    convert(from->rows, from->cols, from->dtype, from->data, from->row_bytes, from->col_bytes,
            dtype, dense, (int64_t)from->cols * element, element);
}

void ffwd_rows_unpack(const ffwd_rows *to, uint32_t dtype, const void *dense) {
    int64_t element = (int64_t)ffwd_dtype_size(dtype);
    if (to->rows > 0 && ffwd_rows_dense(to, dtype)) {
        memcpy(to->data, dense, (size_t)(to->rows * to->cols * (uint64_t)element));
        return;
    }
    convert(to->rows, to->cols, dtype, dense, (int64_t)to->cols * element, element, to->dtype,
            to->data, to->row_bytes, to->col_bytes);
}
