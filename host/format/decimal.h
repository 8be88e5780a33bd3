// SPDX-License-Identifier: MIT
// From decimal text to the nearest float or double, whatever the locale: the bits of strtof and
// strtod in C, an order of magnitude faster.
#ifndef FFWD_FORMAT_DECIMAL_H
#define FFWD_FORMAT_DECIMAL_H

#include "base/error.h"

/** Bytes behind a text that must be readable. */
#define FFWD_DECIMAL_PADDING 8

/** Makes the tables, once in a process, before anything is read. FFWD_ENOMEM. */
ffwd_status ffwd_decimal_prepare(ffwd_error *err);

/**
 * Reads the number that a text begins with: digits with or without a sign, a point and an exponent;
 * or inf, infinity, nan in any case. Rounds to nearest, ties to even, once; beyond the largest
 * number lies infinity. NaN is the canonical quiet NaN. The text ends with a byte that can belong
 * to no number, as a line end.
 *
 * @return the first byte behind the number; NULL where there is none, and *value is unchanged
 */
const char *ffwd_decimal_f32(const char *text, float *value);
const char *ffwd_decimal_f64(const char *text, double *value);

#endif
