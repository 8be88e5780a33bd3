// SPDX-License-Identifier: MIT
// Numbers as text, whatever the locale of the caller: the few parameters of activations, by the C
// library. Tables have format/decimal.h and csv_number.h, which are much faster and much longer.
#ifndef FFWD_BASE_NUMBER_H
#define FFWD_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/** Room for any number and a final 0. */
#define FFWD_NUMBER_MAX 32

/** The number that text[0 .. length) is, nothing before or behind it: as strtod reads it in C, but
 *  no NaN. */
bool ffwd_number_parse(const char *text, size_t length, double *value);

/** The fewest digits of "%g" that ffwd_number_parse reads back. */
void ffwd_number_format(double value, char text[FFWD_NUMBER_MAX]);

#endif
