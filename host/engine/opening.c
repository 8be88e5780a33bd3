// SPDX-License-Identifier: MIT
#include "engine/opening.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/store.h"

/** 20 ms for the platforms (PoCL 3.1), a context, the probe's program found. */
#define ASSUMED_NS 50e6

/** The times that are believed, and how much a new one differs from the one that is kept: they
 *  vary from process to process, and files are not written for that. */
#define LEAST_NS 1e3
#define MOST_NS  1e11
#define CHANGE   1.5

static void find_key(char *key, size_t bytes) {
    const char *library = getenv("FFWD_OPENCL_LIBRARY"), *vendors = getenv("OCL_ICD_VENDORS");
    (void)snprintf(key, bytes, "opening of OpenCL by ffwd %s\n%.1000s\n%.1000s", FFWD_VERSION,
                   library != NULL ? library : "", vendors != NULL ? vendors : "");
}

/** False where none is kept that can be believed. */
static bool find(ffwd_store *store, const char *key, double *ns) {
    double kept = 0;
    const bool found = ffwd_store_take(store, key, &kept, sizeof kept);
    *ns = kept;
    return found && kept >= LEAST_NS && kept <= MOST_NS;
}

double ffwd_opening_ns(const char *cache) {
    ffwd_store store;
    char key[2200];
    double ns = 0;
    find_key(key, sizeof key);
    ffwd_store_init(&store, cache);
    const bool found = find(&store, key, &ns);
    ffwd_store_finish(&store);
    return found ? ns : ASSUMED_NS;
}

/** Whether programs were compiled for it. */
static bool was_cold(const ffwd_device *device) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    if (device != NULL) {
        ffwd_device_describe(device, &info);
    }
    return info.cache_misses > 0;
}

void ffwd_opening_note(const char *cache, const ffwd_device *device, uint64_t ns) {
    static atomic_bool noted;
    const double now = (double)ns;
    double before = 0;
    if (atomic_exchange(&noted, true) || was_cold(device)) {
        return;
    }
    ffwd_store store;
    char key[2200];
    find_key(key, sizeof key);
    ffwd_store_init(&store, cache);
    if (!find(&store, key, &before) || now > before * CHANGE || now < before / CHANGE) {
        ffwd_store_keep(&store, key, &now, sizeof now);
    }
    ffwd_store_finish(&store);
}
