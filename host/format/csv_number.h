// SPDX-License-Identifier: MIT
// Numbers of tables as text: the fewest digits that read back exactly, whatever the locale, with no
// search by printf and strtod for most, as base/number.h has it for a parameter or two.
#ifndef FFWD_FORMAT_CSV_NUMBER_H
#define FFWD_FORMAT_CSV_NUMBER_H

#include <stddef.h>

/** Room for any number. */
#define FFWD_CSV_NUMBER_MAX 32

/**
 * Writes a number, without a final 0, and returns its length. Of the shortest digit strings that
 * round to the value (to nearest, ties to even) it is the one closest to the value. From 1e-4 to
 * below 1e16 without an exponent; "nan", "inf", "-inf", "-0".
 */
size_t ffwd_csv_f32(char text[FFWD_CSV_NUMBER_MAX], float value);
size_t ffwd_csv_f64(char text[FFWD_CSV_NUMBER_MAX], double value);

#endif
