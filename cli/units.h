// SPDX-License-Identifier: MIT
// Numbers as people read them: three digits that matter, and a unit; NaN, which is not known, as
// "-".
#ifndef FFWD_CLI_UNITS_H
#define FFWD_CLI_UNITS_H

#include <stdint.h>

/** Text by value: valid to the end of the expression it is made in. */
typedef struct label {
    char text[48];
} label;

label units_count(uint64_t count);                  /**< "5,000,000" */
label units_bytes(uint64_t bytes);                  /**< "64.0 MiB" */
label units_time(double ms);                        /**< "1.10 ms", "2.31 s", "350 us", "80 ns" */
label units_rate(double rate, const char *unit);    /**< "54.5 GB/s"; " rows/s": "4.55 G rows/s" */
label units_number(double value);                   /**< "0.00123", "1.10", "54.5", "127" */
label units_percent(double share);                  /**< "95.7 %" */
label units_layers(uint64_t first, uint64_t count); /**< "1-3", "2", "-": none */

#endif
