// SPDX-License-Identifier: MIT
// How many CPUs this process may use: what its affinity mask and its container leave it.
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

/** The kernel refuses a set that is smaller than its own: room for 8192 CPUs, as many as it has. */
static uint32_t affinity_count(void) {
    cpu_set_t sets[8192 / CPU_SETSIZE];
    if (sched_getaffinity(0, sizeof sets, sets) != 0) {
        return 1;
    }
    return (uint32_t)CPU_COUNT_S(sizeof sets, sets);
}

/** The first line of a small file; false where there is none. */
static bool read_line(const char *path, char *line, size_t size) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool read = fgets(line, (int)size, file) != NULL;
    (void)fclose(file);
    return read;
}

/** CPUs of a quota of `quota` microseconds a period, rounded up; UINT32_MAX for none. */
static uint32_t quota_count(long long quota, long long period) {
    if (quota <= 0 || period <= 0) {
        return UINT32_MAX;
    }
    return (uint32_t)((quota + period - 1) / period);
}

/** cgroup v2: "QUOTA PERIOD" or "max PERIOD" in cpu.max of the group and of each above it. */
static uint32_t unified_quota(char *group) {
    uint32_t least = UINT32_MAX;
    for (;;) {
        char path[600], line[64];
        long long quota, period;
        (void)snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        if (read_line(path, line, sizeof line) && sscanf(line, "%lld %lld", &quota, &period) == 2) {
            least = (uint32_t)ffwd_min(least, quota_count(quota, period));
        }
        char *slash = strrchr(group, '/');
        if (slash == NULL) {
            return least;
        }
        *slash = '\0';
    }
}

/** cgroup v1: two files of the cpu controller, seen from inside a container at its root. */
static uint32_t legacy_quota(void) {
    char line[64];
    long long quota, period;
    if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", line, sizeof line) ||
        sscanf(line, "%lld", &quota) != 1 ||
        !read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", line, sizeof line) ||
        sscanf(line, "%lld", &period) != 1) {
        return UINT32_MAX;
    }
    return quota_count(quota, period);
}

/** The line "0::/path" of /proc/self/cgroup names the process's unified group. */
static uint32_t cgroup_count(void) {
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[512];
    uint32_t least = legacy_quota();
    if (file == NULL) {
        return least;
    }
    while (fgets(line, (int)sizeof line, file) != NULL) {
        if (strncmp(line, "0::/", 4) == 0) {
            line[strcspn(line, "\n")] = '\0';
            least = (uint32_t)ffwd_min(least, unified_quota(line + 3));
        }
    }
    (void)fclose(file);
    return least;
}

uint32_t ffwd_cpu_count(void) {
    uint64_t count = ffwd_min(affinity_count(), cgroup_count());
    return (uint32_t)ffwd_max(count, 1);
}
