// SPDX-License-Identifier: MIT
// Numbers as people type them in options.
#ifndef FFWD_CLI_QUANTITY_H
#define FFWD_CLI_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/** A whole number in [least, most]; false for signs, blanks, junk, and numbers outside. */
bool quantity_parse(const char *text, uint64_t least, uint64_t most, uint64_t *value);

/** Bytes: a whole number, K, M or G behind it multiply by powers of 1024; what does not fit in 64
 *  bits is the largest number that does, as it is a bound. */
bool quantity_parse_bytes(const char *text, uint64_t *bytes);

#endif
