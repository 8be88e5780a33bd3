// SPDX-License-Identifier: MIT
// The activations that are rounded more than once: what they are, and what is promised of them.
#ifndef FFWD_TESTS_SMOOTH_H
#define FFWD_TESTS_SMOOTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct smooth_activation {
    uint32_t activation; /**< with the parameters of its bare word */
    bool rises;          /**< never falls from one argument to the next */
    bool odd;            /**< y(-z) = -y(z), by bits */
    double f32_ulp;      /**< largest error over all arguments, in units of the last place */
    double f64_ulp;      /**< over dense sets of arguments */
    long double (*exact)(long double z);
} smooth_activation;

extern const smooth_activation smooth[];
extern const size_t smooth_count;

#endif
