// SPDX-License-Identifier: MIT
// What every path is compared with: plain scalar loops with fma, one row, one neuron, one input
// after the other, as the header promises.
#ifndef FFWD_TESTS_ORACLE_H
#define FFWD_TESTS_ORACLE_H

#include <ffwd/ffwd.h>

/**
 * y[rows][outputs] of x[rows][inputs], dense, in the model's dtype. sums and outputs, [operation
 * count] pointers to [rows][neurons] or NULL, receive every layer's. Aborts when out of memory.
 */
void oracle_run(const ffwd_model *model, uint64_t rows, const void *x, void *y, void *const *sums,
                void *const *outputs);

/** activation(z) for one value of a dtype, with the parameters of its bare word. */
void oracle_activate(uint32_t dtype, uint32_t activation, const void *z, void *y);

#endif
