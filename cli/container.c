// SPDX-License-Identifier: MIT
// Memory limits of control groups, both versions.
#include "container.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** Bytes in a limit's file; UINT64_MAX for "max" and where there is none. */
static uint64_t read_limit(const char *path) {
    FILE *file = fopen(path, "re");
    uint64_t bytes = UINT64_MAX;
    if (file == NULL) {
        return bytes;
    }
    if (fscanf(file, "%" SCNu64, &bytes) != 1) {
        bytes = UINT64_MAX;
    }
    (void)fclose(file);
    return bytes;
}

/** The least limit of a group and of each above it, up to the root, where a container sees its own.
 */
static uint64_t least_limit(const char *root, char *group, const char *file) {
    uint64_t least = UINT64_MAX;
    for (;;) {
        char path[640];
        (void)snprintf(path, sizeof path, "%s%s/%s", root, group, file);
        uint64_t limit = read_limit(path);
        least = limit < least ? limit : least;
        char *slash = strrchr(group, '/');
        if (slash == NULL) {
            return least;
        }
        *slash = '\0';
    }
}

/** The limit that a line of /proc/self/cgroup leads to: "0::/group" in version 2,
 *  "4:memory:/group" in version 1, whose controllers may share a line. */
static uint64_t limit_of_line(char *line) {
    char *controllers = strchr(line, ':');
    char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (group == NULL) {
        return UINT64_MAX;
    }
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (controllers[1] == '\0') {
        return least_limit("/sys/fs/cgroup", group, "memory.max");
    }
    return strstr(controllers, "memory") != NULL
               ? least_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes")
               : UINT64_MAX;
}

uint64_t container_memory(void) {
    FILE *file = fopen("/proc/self/cgroup", "re");
    uint64_t least = UINT64_MAX;
    char line[512];
    if (file == NULL) {
        return least;
    }
    while (fgets(line, (int)sizeof line, file) != NULL) {
        uint64_t limit = limit_of_line(line);
        least = limit < least ? limit : least;
    }
    (void)fclose(file);
    return least;
}
