// SPDX-License-Identifier: MIT
// Files for tests.
#include "support/files.h"

#include <check.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/ffwd-test-XXXXXX";

void files_begin(void) {
    if (mkdtemp(directory) == NULL) {
        perror(directory);
        exit(1);
    }
}

const char *scratch(const char *name) {
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static size_t each_file(void (*act)(const char *path)) {
    size_t count = 0;
    DIR *open = opendir(directory);
    if (open == NULL) {
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            act(scratch(entry->d_name));
            count++;
        }
    }
    (void)closedir(open);
    return count;
}

static int remove_entry(const char *path, const struct stat *found, int type, struct FTW *at) {
    (void)found;
    (void)type;
    (void)at;
    return remove(path);
}

static void leave_file(const char *path) {
    (void)path;
}

void files_end(void) {
    (void)nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

size_t count_files(void) {
    return each_file(leave_file);
}

void put_file(const char *path, const void *bytes, size_t count) {
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

unsigned char *get_file(const char *path, size_t *count) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *count = (size_t)ftell(file);
    unsigned char *bytes = calloc(1, *count + 1);
    rewind(file);
    ck_assert_uint_eq(fread(bytes, 1, *count, file), *count);
    (void)fclose(file);
    return bytes;
}

unsigned char *make_npy(unsigned version, const char *dict, const void *data, size_t data_bytes,
                        size_t *count) {
    static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    size_t length = strlen(dict), start = version == 1 ? 10 : 12;
    unsigned char *bytes = calloc(1, start + length + data_bytes + 1);
    memcpy(bytes, magic, sizeof magic);
    bytes[6] = (unsigned char)version;
    bytes[8] = (unsigned char)(length & 0xff);
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + start, dict, length + 1);
    if (data_bytes > 0) {
        memcpy(bytes + start + length, data, data_bytes);
    }
    *count = start + length + data_bytes;
    return bytes;
}

bool run_numpy(const char *script) {
    char command[512];
    if (system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) { // NOLINT(cert-env33-c)
        printf("skipped: a comparison with NumPy, which is not installed\n");
        return false;
    }
    const char *path = scratch("script.py");
    put_file(path, script, strlen(script));
    (void)snprintf(command, sizeof command, "cd %s && /usr/bin/python3 script.py", directory);
    int failed = system(command); // NOLINT(cert-env33-c)
    ck_assert_msg(failed == 0, "NumPy disagrees");
    return true;
}
