// SPDX-License-Identifier: MIT
// The one line of progress on a terminal; nothing anywhere else, and nothing for short work.
#ifndef FFWD_CLI_PROGRESS_H
#define FFWD_CLI_PROGRESS_H

#include <stdint.h>

/** Starts the line for `total` units ("rows") of work, 0 where nobody knows how many; it shows once
 *  the work has taken half a second. */
void progress_begin(const char *what, const char *unit, uint64_t total);

/** `done` units of the work are done. */
void progress_update(uint64_t done);

/** Takes the line away; the next update may bring it back. */
void progress_hide(void);

/** Ends the work. */
void progress_end(void);

#endif
