// SPDX-License-Identifier: MIT
// Samples of a repeated measurement and what lies in their middle.
#ifndef FFWD_CLI_STATISTICS_H
#define FFWD_CLI_STATISTICS_H

#include <stddef.h>

typedef struct samples {
    double *values;
    size_t count, capacity;
} samples;

typedef struct spread {
    double median, p10, p90, min;
} spread;

void samples_add(samples *set, double value);
void samples_free(samples *set);

/** Sorts the samples and describes them, interpolating between neighbours; 0 where there are none.
 */
spread samples_spread(samples *set);
/** The median alone. */
double samples_median(samples *set);

#endif
