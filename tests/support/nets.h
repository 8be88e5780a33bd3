// SPDX-License-Identifier: MIT
// Random networks and rows for tests, with the values that break arithmetic among them.
#ifndef FFWD_TESTS_NETS_H
#define FFWD_TESTS_NETS_H

#include <ffwd/ffwd.h>

/** Every activation, and how many there are. */
extern const uint32_t net_activations[];
extern const size_t net_activation_count;

/** A network by its widths, inputs first. */
typedef struct net_shape {
    size_t layer_count;
    uint64_t widths[8];
    uint32_t activations[7];
    uint32_t kinds[7]; /**< 0: dense */
    int bias;          /**< every layer has one */
} net_shape;

/** All layers with one activation. */
net_shape net_shape_of(size_t layer_count, const uint64_t *widths, uint32_t activation, int bias);

/** "7-5-3 relu+bias", into a static buffer. */
const char *net_shape_text(const net_shape *shape);

/** A model with weights from the seed; those that are odd give activations other parameters than
 * the bare word does. Fails the test where it cannot be made. */
ffwd_model *net_create(const net_shape *shape, uint32_t dtype, uint64_t seed);

/** count values of a dtype from the seed, malloc'ed; with `special`, one in 16 is NaN, an infinity,
 *  a zero of either sign, subnormal, huge or tiny. */
void *net_values(uint64_t count, uint32_t dtype, uint64_t seed, int special);

/** Dense rows of a dtype. */
ffwd_input net_input(const void *x, uint32_t dtype, uint64_t rows, uint64_t cols);
ffwd_output net_output(void *y, uint32_t dtype, uint64_t rows, uint64_t cols);

/** malloc, or the test fails. */
void *net_alloc(uint64_t bytes);

/** Fails the test unless both hold the same bits; says where they first differ. */
void net_check_bits(const void *got, const void *expected, uint64_t rows, uint64_t cols,
                    uint32_t dtype, const char *what);

#endif
