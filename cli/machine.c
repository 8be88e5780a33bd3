// SPDX-License-Identifier: MIT
// Reads the names of processor and system.
#include "machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/** Copies what follows the key at the head of a line, without blanks and quotes around it. */
static int take_value(const char *text, const char *key, char *value, size_t size) {
    size_t length = strlen(key);
    if (strncmp(text, key, length) != 0) {
        return 0;
    }
    text += length + strspn(text + length, " \t:=\"");
    (void)snprintf(value, size, "%.*s", (int)strcspn(text, "\"\n"), text);
    return 1;
}

static void read_value(const char *path, const char *key, char *value, size_t size) {
    char text[512];
    FILE *stream = fopen(path, "re");
    if (stream == NULL) {
        return;
    }
    while (fgets(text, sizeof text, stream) != NULL && !take_value(text, key, value, size)) {
    }
    fclose(stream);
}

machine machine_describe(void) {
    machine found = {"", ""};
    char distribution[96] = "";
    struct utsname kernel;
    read_value("/proc/cpuinfo", "model name", found.cpu, sizeof found.cpu);
    read_value("/etc/os-release", "PRETTY_NAME", distribution, sizeof distribution);
    if (uname(&kernel) == 0) {
        (void)snprintf(found.os, sizeof found.os, "%s%s%.32s %.64s %.32s", distribution,
                       distribution[0] != '\0' ? ", " : "", kernel.sysname, kernel.release,
                       kernel.machine);
    }
    return found;
}
