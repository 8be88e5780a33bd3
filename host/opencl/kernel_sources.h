// SPDX-License-Identifier: MIT
// The kernel files as text, their includes resolved; the build writes the table.
#ifndef FFWD_OPENCL_KERNEL_SOURCES_H
#define FFWD_OPENCL_KERNEL_SOURCES_H

#include <stddef.h>

typedef struct ffwd_kernel_source {
    const char *name; /**< "matmul.cl" */
    const char *text;
    size_t length;
} ffwd_kernel_source;

/** Ends with an entry without a name. */
extern const ffwd_kernel_source ffwd_kernel_sources[];

#endif
