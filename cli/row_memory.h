// SPDX-License-Identifier: MIT
// Memory for rows.
#ifndef FFWD_CLI_ROW_MEMORY_H
#define FFWD_CLI_ROW_MEMORY_H

#include <stdint.h>

/** Fills outputs before a run, so that what it leaves out shows: no output has all bits set, as the
 *  NaNs that are written are the canonical one. */
#define ROW_NOT_WRITTEN 0xff

/** Pages, so that devices that share memory with the host can use the rows in place, and no row
 *  shares a cache line with anything else. Ends with free(). */
int row_memory(uint64_t rows, uint64_t cols, uint32_t dtype, void **out);

/** How many of `rows` rows a piece holds: what takes `bound` bytes (0: no bound), or a little more
 *  where that would be pieces of a few rows; at least 1. */
uint64_t row_memory_piece(uint64_t rows, uint64_t row_bytes, uint64_t bound);

/** Bytes of memory that the machine has and the container allows; UINT64_MAX where neither says. */
uint64_t row_memory_there_is(void);

/** How many rows of row_bytes fit into a `part`-th of that. */
uint64_t row_memory_fit(uint64_t row_bytes, uint64_t part);

#endif
