// SPDX-License-Identifier: MIT
// Views of rows in anybody's memory, and their way into and out of dense blocks of one dtype.
#ifndef FFWD_BASE_ROWS_H
#define FFWD_BASE_ROWS_H

#include <stdbool.h>

#include "base/error.h"

/** Element (r, c) is at data + r * row_bytes + c * col_bytes. A view of an input is never written.
 */
typedef struct ffwd_rows {
    unsigned char *data;
    uint32_t dtype;
    uint64_t rows, cols;
    int64_t row_bytes, col_bytes;
} ffwd_rows;

/** The view of a public input or output, its strides resolved; FFWD_EARGUMENT or FFWD_EOVERFLOW. */
ffwd_status ffwd_rows_of_input(const ffwd_input *input, ffwd_rows *rows, ffwd_error *err);
ffwd_status ffwd_rows_of_output(const ffwd_output *output, ffwd_rows *rows, ffwd_error *err);

/** Bytes of the values themselves, whatever lies between them. */
static inline uint64_t ffwd_rows_bytes(const ffwd_rows *rows) {
    return rows->rows * rows->cols * ffwd_dtype_size(rows->dtype);
}

/** Rows [first, first + count) of a view. */
ffwd_rows ffwd_rows_slice(const ffwd_rows *rows, uint64_t first, uint64_t count);

/** Whether the view is a dense [rows][cols] array of dtype, to be used in place. */
bool ffwd_rows_dense(const ffwd_rows *rows, uint32_t dtype);

/** dense[rows][cols] of dtype (FFWD_F32 or FFWD_F64) from the view. */
void ffwd_rows_pack(const ffwd_rows *from, uint32_t dtype, void *dense);
/** The view from dense[rows][cols] of dtype. */
void ffwd_rows_unpack(const ffwd_rows *to, uint32_t dtype, const void *dense);

#endif
