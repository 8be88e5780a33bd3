// SPDX-License-Identifier: MIT
// How far a value may be from the one that is expected, and how far it is.
#ifndef FFWD_CLI_TOLERANCE_H
#define FFWD_CLI_TOLERANCE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum tolerance_kind {
    TOLERANCE_BITS, /**< none: -0 is not 0 */
    TOLERANCE_ULP,  /**< so many steps from one number of the dtype to the next */
    TOLERANCE_BOUND /**< |value - expected| <= absolute + relative * |expected| */
} tolerance_kind;

/** Whatever its kind: NaN is NaN, whichever, and nothing else is; an infinity is within a bound of
 *  itself alone. */
typedef struct tolerance {
    tolerance_kind kind;
    uint64_t ulp;
    double absolute, relative;
    const char *text; /**< as the user wrote it; NULL: by bits */
} tolerance;

/** "4ulp", "1e-5" (absolute), "1e-5,1e-4" (absolute, relative); false where it is none of them. */
bool tolerance_parse(const char *text, tolerance *out);

/** A number with its place among those of its dtype, counted from 0, which -0 shares. */
typedef struct placed_number {
    double number;
    int64_t place;
} placed_number;

/** Value `index` of an array of FFWD_F32 or FFWD_F64. */
placed_number placed_at(const void *values, uint64_t index, uint32_t dtype);

bool tolerance_allows(const tolerance *allowed, const placed_number *value,
                      const placed_number *expected);

/** Only one of two values is NaN. */
#define ULP_NAN UINT64_MAX

/** Steps from one to the other, 0 between NaNs, else ULP_NAN where one is NaN. */
uint64_t placed_ulp(const placed_number *value, const placed_number *expected);

#endif
