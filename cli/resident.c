// SPDX-License-Identifier: MIT
// Reads /proc/self/status. What getrusage calls the peak also counts the program that started us.
#include "resident.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** The line "VmHWM:     1234 kB" as bytes. */
static uint64_t status_bytes(const char *name) {
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    uint64_t kib = 0;
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, (int)sizeof line, file) != NULL) {
        size_t length = strlen(name);
        if (strncmp(line, name, length) == 0 && sscanf(line + length, "%" SCNu64, &kib) == 1) {
            break;
        }
    }
    (void)fclose(file);
    return kib * 1024;
}

uint64_t resident_now(void) {
    return status_bytes("VmRSS:");
}

uint64_t resident_peak(void) {
    return status_bytes("VmHWM:");
}
