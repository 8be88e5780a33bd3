// SPDX-License-Identifier: MIT
// Rows to features and back within the first-level cache, by width.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "micro.h"
#include "micro_transpose.h"

#define ROWS  96 /**< a multiple of every group of rows */
#define TURNS 21
#define LOOPS 200

static const uint64_t widths[] = {1, 2, 3, 4, 5, 8, 10, 15, 16, 17, 28, 32, 64, 100};
#define WIDTH_COUNT (sizeof widths / sizeof widths[0])

static bool is_available(const char *isa) {
    int available = 0;
    for (size_t i = 0; ffwd_isa_name(i, &available) != NULL; i++) {
        if (strcmp(ffwd_isa_name(i, NULL), isa) == 0) {
            return available != 0;
        }
    }
    return false;
}

/** Bytes a nanosecond, read and written. */
static double rate(void (*transpose)(uint64_t, uint64_t, const void *, void *), uint64_t cols,
                   uint64_t element_bytes, const void *from, void *to) {
    double rates[TURNS];
    for (size_t i = 0; i < TURNS; i++) {
        const uint64_t start = micro_now_ns();
        for (int loop = 0; loop < LOOPS; loop++) {
            transpose(ROWS, cols, from, to);
            __asm__ volatile("" : : : "memory");
        }
        const double bytes = 2.0 * LOOPS * ROWS * (double)(cols * element_bytes);
        rates[i] = bytes / (double)(micro_now_ns() - start);
    }
    return micro_quantile(rates, TURNS, 0.5);
}

static void print_one(const micro_transpose *one, void *from, void *to) {
    for (int back = 0; back < 2; back++) {
        printf("%-9s %s %-12s", one->isa, one->dtype, back ? "to rows" : "to features");
        for (size_t i = 0; i < WIDTH_COUNT; i++) {
            printf(" %6.1f", rate(back ? one->to_rows : one->to_features, widths[i],
                                  one->element_bytes, from, to));
        }
        printf("\n");
    }
}

void micro_transposes(const micro_options *given) {
    (void)given;
    uint64_t count;
    const micro_transpose *const *all = micro_transpose_list(&count);
    const uint64_t bytes = (ROWS * widths[WIDTH_COUNT - 1] + 64) * sizeof(double);
    void *from = micro_alloc(bytes), *to = micro_alloc(bytes);
    memset(from, 0, bytes);
    printf("GB/s read and written, %d rows, one thread, by width\n%-26s", ROWS, "");
    for (size_t i = 0; i < WIDTH_COUNT; i++) {
        printf(" %6llu", (unsigned long long)widths[i]);
    }
    printf("\n");
    for (uint64_t i = 0; i < count; i++) {
        if (is_available(all[i]->isa)) {
            print_one(all[i], from, to);
        }
    }
    free(from);
    free(to);
}
