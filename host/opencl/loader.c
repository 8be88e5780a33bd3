// SPDX-License-Identifier: MIT
// Loading the ICD loader by dlopen, so that one binary runs with and without OpenCL.
#include "opencl/loader.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static ffwd_opencl_api api;
static bool loaded;
/** 1 + the fork generation of the process that loads or has loaded OpenCL; 0 where none has. */
static atomic_uint owner;

static const struct {
    const char *name;
    size_t offset;
} calls[] = {
#define CALL(name) {#name, offsetof(ffwd_opencl_api, name)},
    FFWD_OPENCL_CALLS(CALL)
#undef CALL
};

static ffwd_status find_calls(void *library, const char *path, ffwd_error *err) {
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        void *symbol = dlsym(library, calls[i].name);
        if (symbol == NULL) {
            return ffwd_fail(err, FFWD_ENODEVICE, "no OpenCL device: %s has no %s", path,
                             calls[i].name);
        }
        memcpy((char *)&api + calls[i].offset, &symbol, sizeof symbol);
    }
    return FFWD_OK;
}

static ffwd_status load(const char *path, ffwd_error *err) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *reason = dlerror();
        return ffwd_fail(err, FFWD_ENODEVICE, "no OpenCL device: %s cannot be loaded (%s)", path,
                         reason != NULL ? reason : "no reason given");
    }
    return find_calls(library, path, err);
}

/** Whether this process is the one that loaded OpenCL, or the first to try. Asked without the
 *  mutex, which another thread may have held when this process was forked. */
static bool owns_opencl(void) {
    unsigned mine = 1 + ffwd_fork_generation();
    unsigned found = 0;
    return atomic_compare_exchange_strong(&owner, &found, mine) || found == mine;
}

/** Loads the library unless one is loaded; nobody owns what could not be loaded. */
static ffwd_status load_once(const char *path, ffwd_error *err) {
    ffwd_status status = FFWD_OK;
    (void)pthread_mutex_lock(&mutex);
    if (!loaded) {
        atomic_store(&owner, 1 + ffwd_fork_generation());
        status = load(path, err);
        loaded = status == FFWD_OK;
        if (!loaded) {
            atomic_store(&owner, 0);
        }
    }
    (void)pthread_mutex_unlock(&mutex);
    return status;
}

ffwd_status ffwd_opencl_load(const ffwd_opencl_api **out, ffwd_error *err) {
    const char *path = getenv("FFWD_OPENCL_LIBRARY");
    *out = NULL;
    if (path == NULL || path[0] == '\0') {
        path = "libOpenCL.so.1";
    }
    if (strcmp(path, "none") == 0) {
        return ffwd_fail(err, FFWD_ENODEVICE, "no OpenCL device: FFWD_OPENCL_LIBRARY is none");
    }
    if (!owns_opencl()) {
        return ffwd_fail(err, FFWD_ESTATE,
                         "OpenCL was in use before fork(): drivers do not work in the child");
    }
    ffwd_status status = load_once(path, err);
    if (status == FFWD_OK) {
        *out = &api;
    }
    return status;
}
