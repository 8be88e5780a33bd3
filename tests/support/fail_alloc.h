// SPDX-License-Identifier: MIT
// Makes the library's n-th allocation fail. Programs that use it are linked with the options
// --wrap=ffwd_alloc, --wrap=ffwd_alloc_zero and --wrap=ffwd_copy_text.
#ifndef FFWD_TESTS_FAIL_ALLOC_H
#define FFWD_TESTS_FAIL_ALLOC_H

#include <stdbool.h>

/** The next `allowed` allocations succeed, and the one behind them fails. */
void fail_alloc_after(int allowed);
/** From now on none fails; whether one has. */
bool fail_alloc_never(void);

#endif
