// SPDX-License-Identifier: MIT
// How much memory this process really holds.
#ifndef FFWD_CLI_RESIDENT_H
#define FFWD_CLI_RESIDENT_H

#include <stdint.h>

/** Bytes resident now; 0 where the system does not say. */
uint64_t resident_now(void);

/** The most bytes that were resident so far; 0 where the system does not say. */
uint64_t resident_peak(void);

#endif
