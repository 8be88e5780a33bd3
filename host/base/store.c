// SPDX-License-Identifier: MIT
// Finding, keeping and dropping files of the store. No call here follows a link at the end of a
// path, and a file is read before anything in it is believed.
#include "base/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/process.h"

/** Changes with the layout of the files. */
#define MAGIC "ffwd\x01\r\n\x1a"

typedef struct file_head {
    char magic[8];
    uint64_t key_bytes, value_bytes;
    uint64_t checksum; /**< of the two lengths, the key and the value */
} file_head;

/** "0123456789abcdef.ffwd", and behind it what tells files apart that are being written. */
enum { DIGITS = 16, NAME_BYTES = 64 };
#define SUFFIX ".ffwd"

/** Files that go for one that comes. */
enum { DROPPED_MAX = 64 };

/* --------------------------------------------------------------------------------- the tally */

/** Notes what is wrong with the folder, and the system's reason, unless there is a note. */
static void note(ffwd_store *store, const char *what, int error) {
    char buffer[128];
    const char *reason = error != 0 ? strerror_r(error, buffer, sizeof buffer) : "";
    (void)pthread_mutex_lock(&store->mutex);
    if (store->note[0] == '\0') {
        (void)snprintf(store->note, sizeof store->note, "%.160s %s%s%s", store->folder, what,
                       error != 0 ? ": " : "", reason);
    }
    (void)pthread_mutex_unlock(&store->mutex);
}

static void count(ffwd_store *store, bool hit, bool spoilt) {
    (void)pthread_mutex_lock(&store->mutex);
    store->tally.hits += hit;
    store->tally.misses += !hit;
    store->tally.spoilt += spoilt;
    (void)pthread_mutex_unlock(&store->mutex);
}

ffwd_store_tally ffwd_store_count(ffwd_store *store) {
    (void)pthread_mutex_lock(&store->mutex);
    const ffwd_store_tally tally = store->tally;
    (void)pthread_mutex_unlock(&store->mutex);
    return tally;
}

const char *ffwd_store_note(ffwd_store *store) {
    (void)pthread_mutex_lock(&store->mutex);
    const char *text = store->note[0] != '\0' ? store->note : "";
    (void)pthread_mutex_unlock(&store->mutex);
    return text;
}

/* -------------------------------------------------------------------------------- the folder */

/** A folder of the environment's, or NULL; the standard has relative ones ignored. */
static const char *absolute(const char *variable) {
    const char *path = secure_getenv(variable);
    return path != NULL && path[0] == '/' ? path : NULL;
}

/** "" where there is none. */
static void find_folder(ffwd_store *store, const char *folder) {
    const char *home = absolute("HOME"), *cache = absolute("XDG_CACHE_HOME");
    int length = 0;
    if (folder == NULL || folder[0] == '\0') {
        folder = secure_getenv("FFWD_CACHE");
    }
    if (folder != NULL && folder[0] == '\0') {
        folder = NULL;
    }
    if (folder != NULL) {
        length = snprintf(store->folder, sizeof store->folder, "%s",
                          strcmp(folder, "off") == 0 ? "" : folder);
    } else if (cache != NULL) {
        length = snprintf(store->folder, sizeof store->folder, "%s/ffwd", cache);
    } else if (home != NULL) {
        length = snprintf(store->folder, sizeof store->folder, "%s/.cache/ffwd", home);
    }
    if (length == 0 && folder == NULL) {
        (void)snprintf(store->note, sizeof store->note,
                       "neither FFWD_CACHE nor HOME names a folder");
    }
    if (length >= (int)sizeof store->folder) {
        (void)snprintf(store->note, sizeof store->note, "the path of the folder is too long");
        store->folder[0] = '\0';
    }
    // Behind a slash, a link would be followed.
    for (size_t end = strlen(store->folder); end > 1 && store->folder[end - 1] == '/'; end--) {
        store->folder[end - 1] = '\0';
    }
}

void ffwd_store_init(ffwd_store *store, const char *folder) {
    memset(store, 0, sizeof *store);
    (void)pthread_mutex_init(&store->mutex, NULL);
    find_folder(store, folder);
}

void ffwd_store_finish(ffwd_store *store) {
    (void)pthread_mutex_destroy(&store->mutex);
}

/** The folder and those above it, as far as they are missing. */
static void make_folder(const ffwd_store *store) {
    char path[PATH_MAX];
    memcpy(path, store->folder, sizeof path);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    (void)mkdir(path, 0700);
}

/** Whether what is open belongs to the user alone. */
static bool is_own(const struct stat *found) {
    return found->st_uid == geteuid() && (found->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/** The folder, open; -1 where there is none that can be used. */
static int open_folder(ffwd_store *store, bool make) {
    struct stat found;
    if (store->folder[0] == '\0') {
        return -1;
    }
    if (make) {
        make_folder(store);
    }
    const int folder = open(store->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        if (make || errno != ENOENT) {
            note(store, "cannot be opened", errno);
        }
        return -1;
    }
    if (fstat(folder, &found) != 0 || !is_own(&found)) {
        note(store, "is another user's, or others may write in it", 0);
        (void)close(folder);
        return -1;
    }
    return folder;
}

/* ---------------------------------------------------------------------------------- the files */

/** FNV-1a (Fowler, Noll, Vo) of 64 bits, carried on from `hash`: any one changed byte changes it.
 */
static uint64_t fnv1a(uint64_t hash, const void *data, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        hash = (hash ^ ((const unsigned char *)data)[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}
#define FNV_START UINT64_C(0xcbf29ce484222325)

static void name_of(const char *key, char name[NAME_BYTES]) {
    (void)snprintf(name, NAME_BYTES, "%0*llx%s", DIGITS,
                   (unsigned long long)fnv1a(FNV_START, key, strlen(key)), SUFFIX);
}

static file_head head_of(const void *key, uint64_t key_bytes, const void *value,
                         uint64_t value_bytes) {
    file_head head = {.magic = MAGIC, .key_bytes = key_bytes, .value_bytes = value_bytes};
    uint64_t hash = fnv1a(FNV_START, &head.key_bytes, 2 * sizeof head.key_bytes);
    hash = fnv1a(hash, key, (size_t)key_bytes);
    head.checksum = fnv1a(hash, value, (size_t)value_bytes);
    return head;
}

/** All bytes, or false. */
static bool read_all(int file, unsigned char *to, size_t bytes) {
    while (bytes > 0) {
        const ssize_t moved = read(file, to, bytes);
        if (moved == 0 || (moved < 0 && errno != EINTR)) {
            return false;
        }
        to += moved > 0 ? moved : 0;
        bytes -= moved > 0 ? (size_t)moved : 0;
    }
    return true;
}

static bool write_all(int file, const void *data, size_t bytes) {
    const unsigned char *from = data;
    while (bytes > 0) {
        const ssize_t moved = write(file, from, bytes);
        if (moved == 0 || (moved < 0 && errno != EINTR)) {
            return false;
        }
        from += moved > 0 ? moved : 0;
        bytes -= moved > 0 ? (size_t)moved : 0;
    }
    return true;
}

/** The value in a whole file, moved to its start; false where the file is not what it should be. */
static bool unpack(unsigned char *all, size_t bytes, const char *key, size_t *value_bytes) {
    const uint64_t key_bytes = strlen(key);
    const uint64_t before = sizeof(file_head) + key_bytes;
    file_head head;
    if (bytes < before || memcmp(all + sizeof head, key, (size_t)key_bytes) != 0) {
        return false;
    }
    const file_head expected = head_of(key, key_bytes, all + before, bytes - before);
    memcpy(&head, all, sizeof head);
    if (memcmp(&head, &expected, sizeof head) != 0) {
        return false;
    }
    *value_bytes = (size_t)(bytes - before);
    memmove(all, all + before, *value_bytes);
    return true;
}

/** The value in an open file, or NULL. */
static void *read_value(int file, const char *key, size_t *bytes) {
    struct stat found;
    if (fstat(file, &found) != 0 || !S_ISREG(found.st_mode) || !is_own(&found) ||
        found.st_size <= 0 || (uint64_t)found.st_size > FFWD_STORE_BYTES) {
        return NULL;
    }
    unsigned char *all = ffwd_alloc((uint64_t)found.st_size);
    if (all != NULL && read_all(file, all, (size_t)found.st_size) &&
        unpack(all, (size_t)found.st_size, key, bytes)) {
        (void)futimens(file, NULL); // it was used now
        return all;
    }
    ffwd_free(all);
    return NULL;
}

void *ffwd_store_find(ffwd_store *store, const char *key, size_t *bytes) {
    const int folder = open_folder(store, false);
    char name[NAME_BYTES];
    void *value = NULL;
    bool there = false;
    if (folder >= 0) {
        name_of(key, name);
        const int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        there = file >= 0 || errno != ENOENT;
        if (file >= 0) {
            value = read_value(file, key, bytes);
            (void)close(file);
        }
        (void)close(folder);
    }
    if (store->folder[0] != '\0') {
        count(store, value != NULL, there && value == NULL);
    }
    return value;
}

bool ffwd_store_take(ffwd_store *store, const char *key, void *value, size_t bytes) {
    size_t found_bytes = 0;
    void *found = ffwd_store_find(store, key, &found_bytes);
    const bool good = found != NULL && found_bytes == bytes;
    if (good) {
        memcpy(value, found, bytes);
    }
    ffwd_free(found);
    return good;
}

void ffwd_store_spoil(ffwd_store *store, const char *key) {
    const int folder = open_folder(store, false);
    char name[NAME_BYTES];
    (void)pthread_mutex_lock(&store->mutex);
    store->tally.hits--;
    store->tally.misses++;
    store->tally.spoilt++;
    (void)pthread_mutex_unlock(&store->mutex);
    if (folder >= 0) {
        name_of(key, name);
        (void)unlinkat(folder, name, 0);
        (void)close(folder);
    }
}

/* ------------------------------------------------------------------------------------ keeping */

/** Whether a file is one of the store's, or was on the way to become one. */
static bool is_ours(const char *name) {
    return strspn(name, "0123456789abcdef") == DIGITS &&
           strncmp(name + DIGITS, SUFFIX, sizeof SUFFIX - 1) == 0;
}

static bool is_older(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/** Adds up the store's files; the name of the oldest. */
static uint64_t survey(DIR *entries, char oldest[NAME_BYTES]) {
    struct timespec time = {0, 0};
    uint64_t bytes = 0;
    const struct dirent *entry;
    rewinddir(entries);
    oldest[0] = '\0';
    while ((entry = readdir(entries)) != NULL) {
        struct stat found;
        if (!is_ours(entry->d_name) || strlen(entry->d_name) >= NAME_BYTES ||
            fstatat(dirfd(entries), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(found.st_mode)) {
            continue;
        }
        bytes += (uint64_t)found.st_size;
        if (oldest[0] == '\0' || is_older(&found.st_mtim, &time)) {
            time = found.st_mtim;
            memcpy(oldest, entry->d_name, strlen(entry->d_name) + 1);
        }
    }
    return bytes;
}

/** Drops the oldest files until the others have room. */
static void make_room(int folder) {
    char oldest[NAME_BYTES];
    const int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = own >= 0 ? fdopendir(own) : NULL;
    if (entries == NULL) {
        if (own >= 0) {
            (void)close(own);
        }
        return;
    }
    for (int i = 0; i < DROPPED_MAX && survey(entries, oldest) > FFWD_STORE_BYTES; i++) {
        (void)unlinkat(folder, oldest, 0);
    }
    (void)closedir(entries);
}

/** 0, or why a file could not be written and closed. */
static int write_file(int file, const char *key, const void *value, size_t bytes) {
    const size_t key_bytes = strlen(key);
    const file_head head = head_of(key, key_bytes, value, bytes);
    errno = 0;
    const bool written = write_all(file, &head, sizeof head) && write_all(file, key, key_bytes) &&
                         write_all(file, value, bytes);
    const int error = written ? 0 : errno != 0 ? errno : EIO;
    return close(file) != 0 && error == 0 ? errno : error;
}

/** The same of a new file, which takes the place of the name when it is whole. */
static int replace_file(int folder, const char *name, const char *key, const void *value,
                        size_t bytes) {
    char beside[2 * NAME_BYTES];
    (void)snprintf(beside, sizeof beside, "%s-%lx-%llx", name, (unsigned long)getpid(),
                   (unsigned long long)ffwd_now_ns());
    const int file =
        openat(folder, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) {
        return errno;
    }
    int error = write_file(file, key, value, bytes);
    if (error == 0 && renameat(folder, beside, folder, name) != 0) {
        error = errno;
    }
    if (error != 0) {
        (void)unlinkat(folder, beside, 0);
    }
    return error;
}

void ffwd_store_keep(ffwd_store *store, const char *key, const void *value, size_t bytes) {
    char name[NAME_BYTES];
    if (bytes > FFWD_STORE_BYTES / 4) {
        return;
    }
    const int folder = open_folder(store, true);
    if (folder < 0) {
        return;
    }
    name_of(key, name);
    const int error = replace_file(folder, name, key, value, bytes);
    if (error == 0) {
        make_room(folder);
    } else {
        note(store, "cannot be written", error);
    }
    (void)close(folder);
}
