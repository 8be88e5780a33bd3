// SPDX-License-Identifier: MIT
// Every way of running a model that this build has: what the bit tests loop over.
#ifndef FFWD_TESTS_PATHS_H
#define FFWD_TESTS_PATHS_H

#include <stdbool.h>

#include <ffwd/ffwd.h>

typedef struct path {
    const char *selector, *isa;
    uint32_t threads, strategy;
} path;

/** Each instruction set of the build, then OpenCL. */
#define PATHS_MAX 16
extern path paths[PATHS_MAX];
extern int path_count;

/** Whether OpenCL devices that share host memory are treated as if they did not. */
bool paths_copy(void);

/** Whether network n of a family takes part where each is an OpenCL program of its own, compiled in
 *  half a second: one in four, or of m samples sample k with FFWD_TESTS_SAMPLE=k/m. All of them
 * with FFWD_LONG. */
bool path_samples(uint64_t n);

/** "cpu avx2 3 threads fused", into a static buffer. */
const char *path_text(const path *p);

/** Opens the path's device; NULL, with a line that says so, where this machine lacks it. */
ffwd_device *path_open(const path *p);

/** An engine on the device with the path's strategy; chunk_rows 0: its own choice. Fails the test
 *  where it cannot be made. */
ffwd_engine *path_engine(const path *p, ffwd_device *device, const ffwd_model *model,
                         uint64_t chunk_rows);

#endif
