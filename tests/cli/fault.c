// SPDX-License-Identifier: MIT
// Preloaded before libffwd, makes runs go wrong. FFWD_TEST_FAULT is "flip" for a wrong bit in the
// last output, "once" for one in the first run only, "skip" for runs that write nothing, "redo" for
// a report of chunks redone elsewhere, "limit" for a limit that is measured too low, "rename" for
// files that cannot take their name, or the value of a status to fail with; FFWD_TEST_STRATEGY
// keeps it to one strategy, FFWD_TEST_BACKEND to one backend. FFWD_TEST_PAGES is how large memory
// seems; files of control groups come from the folder FFWD_TEST_GROUPS.
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ffwd/ffwd.h>

typedef ffwd_status run_function(ffwd_engine *, const ffwd_input *, const ffwd_output *,
                                 const ffwd_run_options *, ffwd_report *, ffwd_error *);
typedef ffwd_status limit_function(ffwd_engine *, const ffwd_input *, const ffwd_output *,
                                   ffwd_limit *, ffwd_error *);
typedef long sysconf_function(int);
typedef int rename_function(const char *, const char *);
typedef FILE *fopen_function(const char *, const char *);

static int has_fault(const char *name) {
    const char *fault = getenv("FFWD_TEST_FAULT");
    return fault != NULL && strcmp(fault, name) == 0;
}

static int is_meant(const ffwd_engine *engine) {
    const char *strategy = getenv("FFWD_TEST_STRATEGY"), *backend = getenv("FFWD_TEST_BACKEND");
    ffwd_device_info device = FFWD_DEVICE_INFO_INIT;
    ffwd_engine_device(engine, &device);
    return (strategy == NULL ||
            strcmp(strategy, ffwd_strategy_name(ffwd_engine_strategy(engine))) == 0) &&
           (backend == NULL || strcmp(backend, device.backend) == 0);
}

static void flip(const ffwd_output *y) {
    unsigned char *last = y->data;
    if (y->rows > 0) {
        last[(y->rows * y->cols - 1) * ffwd_dtype_size(y->dtype)] ^= 1;
    }
}

/** With the status that the fault is the value of; the name of a fault has the value of FFWD_OK. */
static ffwd_status fail(const char *fault, ffwd_error *err) {
    long status = strtol(fault, NULL, 10);
    if (status != FFWD_OK) {
        err->status = (int32_t)status;
        (void)snprintf(err->message, sizeof err->message, "fault %s", fault);
    }
    return (ffwd_status)status;
}

FFWD_API ffwd_status ffwd_engine_run(ffwd_engine *engine, const ffwd_input *x, const ffwd_output *y,
                                     const ffwd_run_options *options, ffwd_report *report,
                                     ffwd_error *err) {
    static int runs;
    const char *fault = getenv("FFWD_TEST_FAULT");
    run_function *run;
    void *found = dlsym(RTLD_NEXT, "ffwd_engine_run");
    memcpy(&run, &found, sizeof run);
    if (has_fault("skip") && is_meant(engine)) {
        return FFWD_OK;
    }
    ffwd_status status = run(engine, x, y, options, report, err);
    if (fault == NULL || status != FFWD_OK || !is_meant(engine)) {
        return status;
    }
    if (has_fault("redo")) {
        report->chunks_redone = 1;
    }
    if (has_fault("flip") || (has_fault("once") && runs++ == 0)) {
        flip(y);
    }
    return fail(fault, err);
}

FFWD_API ffwd_status ffwd_engine_limit(ffwd_engine *engine, const ffwd_input *x,
                                       const ffwd_output *y, ffwd_limit *limit, ffwd_error *err) {
    limit_function *measure;
    void *found = dlsym(RTLD_NEXT, "ffwd_engine_limit");
    memcpy(&measure, &found, sizeof measure);
    ffwd_status status = measure(engine, x, y, limit, err);
    if (has_fault("limit")) {
        limit->stream_ns = UINT64_C(1000000000);
    }
    return status;
}

FFWD_API int rename(const char *old, const char *new) {
    rename_function *ask;
    void *found = dlsym(RTLD_NEXT, "rename");
    memcpy(&ask, &found, sizeof ask);
    if (has_fault("rename")) {
        errno = EISDIR;
        return -1;
    }
    return ask(old, new);
}

FFWD_API FILE *fopen(const char *path, const char *mode) {
    const char *groups = getenv("FFWD_TEST_GROUPS");
    char elsewhere[1024];
    fopen_function *ask;
    void *found = dlsym(RTLD_NEXT, "fopen");
    memcpy(&ask, &found, sizeof ask);
    if (groups != NULL && strstr(path, "cgroup") != NULL) {
        (void)snprintf(elsewhere, sizeof elsewhere, "%s%s", groups, path);
        path = elsewhere;
    }
    return ask(path, mode);
}

FFWD_API long sysconf(int name) {
    const char *pages = getenv("FFWD_TEST_PAGES");
    sysconf_function *ask;
    void *found = dlsym(RTLD_NEXT, "sysconf");
    memcpy(&ask, &found, sizeof ask);
    return pages != NULL && name == _SC_PHYS_PAGES ? strtol(pages, NULL, 10) : ask(name);
}
