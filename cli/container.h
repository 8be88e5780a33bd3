// SPDX-License-Identifier: MIT
// What a container leaves this process of the machine.
#ifndef FFWD_CLI_CONTAINER_H
#define FFWD_CLI_CONTAINER_H

#include <stdint.h>

/** Bytes of memory that the process's control groups allow; UINT64_MAX where none bounds it. */
uint64_t container_memory(void);

#endif
