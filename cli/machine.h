// SPDX-License-Identifier: MIT
// What the system says about itself.
#ifndef FFWD_CLI_MACHINE_H
#define FFWD_CLI_MACHINE_H

typedef struct machine {
    char cpu[128]; /**< as /proc/cpuinfo names it, or empty */
    char os[256];  /**< distribution and kernel */
} machine;

machine machine_describe(void);

#endif
