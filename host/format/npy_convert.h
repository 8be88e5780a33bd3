// SPDX-License-Identifier: MIT
// From the element types that .npy stores to float32 and float64, with one rounding to nearest.
#ifndef FFWD_FORMAT_NPY_CONVERT_H
#define FFWD_FORMAT_NPY_CONVERT_H

#include "format/npy_header.h"

/** Whether the stored elements are those of dtype, bit for bit. */
bool ffwd_npy_is(const ffwd_npy_type *type, uint32_t dtype);

/**
 * values[i * stride] = stored[i] for i in [0, count).
 *
 * @param type   of numbers
 * @param stored aligned to its elements; overwritten where the byte order is swapped
 * @param dtype  FFWD_F32 or FFWD_F64
 */
void ffwd_npy_convert(const ffwd_npy_type *type, void *stored, uint64_t count, uint32_t dtype,
                      void *values, uint64_t stride);

/** The column in the file of column `col` of the flattened [rows][cols], for Fortran order. */
uint64_t ffwd_npy_fortran_column(const ffwd_npy_header *header, uint64_t col);

/** A whole array in memory, not empty, either order, to dense [rows][cols]. `stored` as in
 * ffwd_npy_convert. */
void ffwd_npy_convert_all(const ffwd_npy_header *header, void *stored, uint32_t dtype,
                          void *values);

#endif
