// SPDX-License-Identifier: MIT
// Quantiles of samples.
#include "statistics.h"

#include <stdlib.h>

#include "failure.h"

void samples_add(samples *set, double value) {
    if (set->count == set->capacity) {
        set->capacity = 2 * set->capacity + 16;
        set->values = need_memory(set->values, set->capacity * sizeof *set->values);
    }
    set->values[set->count++] = value;
}

void samples_free(samples *set) {
    free(set->values);
    *set = (samples){0};
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const samples *sorted, double share) {
    if (sorted->count == 0) {
        return 0.0;
    }
    double place = share * (double)(sorted->count - 1);
    size_t below = (size_t)place;
    size_t above = below + 1 < sorted->count ? below + 1 : below;
    double part = place - (double)below;
    return sorted->values[below] + part * (sorted->values[above] - sorted->values[below]);
}

spread samples_spread(samples *set) {
    if (set->count > 1) {
        qsort(set->values, set->count, sizeof *set->values, ascending);
    }
    return (spread){.median = quantile(set, 0.5),
                    .p10 = quantile(set, 0.1),
                    .p90 = quantile(set, 0.9),
                    .min = quantile(set, 0.0)};
}

double samples_median(samples *set) {
    return samples_spread(set).median;
}
