// SPDX-License-Identifier: MIT
// The folder of kept values: what is found is what was kept, whatever happens to the files; nobody
// else's folder, file or link is trusted; processes share it; it does not grow for ever.
#include <check.h>
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/store.h"
#include "support/files.h"
#include "support/suite.h"

static ffwd_store store;

static void open_store(const char *folder) {
    ffwd_store_init(&store, folder);
}

/** What every test begins with: an empty folder that is not there yet. */
static void open_fresh(void) {
    open_store(scratch("kept"));
    ck_assert_str_eq(store.folder, scratch("kept"));
}

static void expect_tally(uint32_t hits, uint32_t misses, uint32_t spoilt) {
    const ffwd_store_tally tally = ffwd_store_count(&store);
    ck_assert_uint_eq(tally.hits, hits);
    ck_assert_uint_eq(tally.misses, misses);
    ck_assert_uint_eq(tally.spoilt, spoilt);
}

static void expect_note(const char *part) {
    const char *note = ffwd_store_note(&store);
    ck_assert_msg(part[0] == '\0' ? note[0] == '\0' : strstr(note, part) != NULL, "'%s'", note);
}

/** Whether a key has a value; which must be this one. */
static bool holds(const char *key, const void *value, size_t bytes) {
    size_t found_bytes = SIZE_MAX;
    void *found = ffwd_store_find(&store, key, &found_bytes);
    if (found != NULL) {
        ck_assert_uint_eq(found_bytes, bytes);
        ck_assert_mem_eq(found, value, bytes);
    }
    ffwd_free(found);
    return found != NULL;
}

/** The only file in the folder. */
static const char *only_file(void) {
    static char path[PATH_MAX];
    size_t count = 0;
    DIR *entries = opendir(store.folder);
    ck_assert_ptr_nonnull(entries);
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%.2000s/%s", store.folder, entry->d_name);
            count++;
        }
    }
    (void)closedir(entries);
    ck_assert_uint_eq(count, 1);
    return path;
}

START_TEST(kept_is_found) {
    open_fresh();
    ck_assert(!holds("a", "1", 1));
    ck_assert_int_ne(access(store.folder, F_OK), 0); // asking makes nothing
    ffwd_store_keep(&store, "a", "1", 1);
    ffwd_store_keep(&store, "b", "", 0);
    ck_assert(holds("a", "1", 1));
    ck_assert(holds("b", "", 0));
    ck_assert(!holds("c", "", 0));
    ffwd_store_keep(&store, "a", "22", 2);
    ck_assert(holds("a", "22", 2));
    expect_tally(3, 2, 0);
    ffwd_store_finish(&store);
    open_fresh(); // another process
    ck_assert(holds("a", "22", 2));
    ffwd_store_spoil(&store, "a");
    ck_assert(!holds("a", "22", 2));
    expect_tally(0, 2, 1);
    expect_note("");
}
END_TEST

START_TEST(nobody_else_may_read) {
    struct stat found;
    open_fresh();
    (void)umask(0);
    ffwd_store_keep(&store, "a", "1", 1);
    ck_assert_int_eq(stat(store.folder, &found), 0);
    ck_assert_uint_eq(found.st_mode & 07777, 0700);
    ck_assert_int_eq(stat(only_file(), &found), 0);
    ck_assert_uint_eq(found.st_mode & 07777, 0600);
}
END_TEST

/* A whole file, cut, changed or lengthened anywhere. */
START_TEST(damage_is_seen) {
    static const char value[] = "a program of some bytes";
    size_t count;
    open_fresh();
    ffwd_store_keep(&store, "a key", value, sizeof value);
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", only_file());
    unsigned char *file = get_file(path, &count);
    for (size_t length = 0; length < count; length++) {
        put_file(path, file, length);
        ck_assert_msg(!holds("a key", value, sizeof value), "cut to %zu", length);
    }
    for (size_t i = 0; i < 8 * count; i++) {
        file[i / 8] ^= (unsigned char)(1 << i % 8);
        put_file(path, file, count);
        ck_assert_msg(!holds("a key", value, sizeof value), "bit %zu", i);
        file[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    put_file(path, file, count + 1); // the 0 behind it
    ck_assert(!holds("a key", value, sizeof value));
    expect_tally(0, (uint32_t)(9 * count + 1), (uint32_t)(9 * count + 1));
    ffwd_store_keep(&store, "a key", value, sizeof value);
    ck_assert(holds("a key", value, sizeof value));
    free(file);
}
END_TEST

/* As if two keys had one name. */
START_TEST(another_key_is_not_taken) {
    char path[PATH_MAX], name[PATH_MAX];
    open_fresh();
    ffwd_store_keep(&store, "driver 1", "1", 1);
    (void)snprintf(path, sizeof path, "%s", only_file());
    ffwd_store_spoil(&store, "driver 1");
    ffwd_store_keep(&store, "driver 2", "2", 1);
    (void)snprintf(name, sizeof name, "%s", only_file());
    ck_assert_int_eq(rename(name, path), 0);
    ck_assert(!holds("driver 1", "1", 1));
    ffwd_store_keep(&store, "driver 1", "1", 1);
    ck_assert(holds("driver 1", "1", 1));
    ck_assert_str_eq(only_file(), path);
}
END_TEST

/** Makes `path` something that is not to be trusted. */
static void make_link_to_file(const char *path) {
    ck_assert_int_eq(rename(path, scratch("elsewhere")), 0);
    ck_assert_int_eq(symlink(scratch("elsewhere"), path), 0);
}
static void make_pipe(const char *path) {
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}
static void let_others_write(const char *path) {
    ck_assert_int_eq(chmod(path, 0666), 0);
}
static void give_away(const char *path) {
    ck_assert(geteuid() != 0 || chown(path, 12345, 12345) == 0);
}
static void (*const distrusted_files[])(const char *path) = {make_link_to_file, make_pipe,
                                                             let_others_write, give_away};

START_TEST(distrusted_file) {
    open_fresh();
    if (distrusted_files[_i] == give_away && geteuid() != 0) {
        skip("files of other users: not root");
        return;
    }
    ffwd_store_keep(&store, "a", "1", 1);
    distrusted_files[_i](only_file());
    ck_assert(!holds("a", "1", 1));
    expect_tally(0, 1, 1);
    ffwd_store_keep(&store, "a", "1", 1); // takes its place
    ck_assert(holds("a", "1", 1));
}
END_TEST

static void make_link_to_folder(const char *path) {
    ck_assert_int_eq(mkdir(scratch("elsewhere"), 0700), 0);
    ck_assert_int_eq(symlink(scratch("elsewhere"), path), 0);
}
static void make_open_folder(const char *path) {
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(chmod(path, 0770), 0);
}
static void make_file(const char *path) {
    put_file(path, "", 0);
}
static void make_foreign_folder(const char *path) {
    ck_assert_int_eq(mkdir(path, 0700), 0);
    give_away(path);
}
static const struct {
    void (*make)(const char *path);
    const char *folder, *note;
} distrusted_folders[] = {
    {make_link_to_folder, "kept", "/kept cannot be opened: "},
    {make_link_to_folder, "kept/", "/kept cannot be opened: "},
    {make_open_folder, "kept", "/kept is another user's, or others may write in it"},
    {make_file, "kept", "/kept cannot be opened: Not a directory"},
    {make_file, "kept/below", "/kept/below cannot be opened: Not a directory"},
    {make_foreign_folder, "kept", "/kept is another user's, or others may write in it"},
};

START_TEST(distrusted_folder) {
    open_store(scratch(distrusted_folders[_i].folder));
    if (distrusted_folders[_i].make == make_foreign_folder && geteuid() != 0) {
        skip("folders of other users: not root");
        return;
    }
    distrusted_folders[_i].make(scratch("kept"));
    ck_assert(!holds("a", "1", 1));
    ffwd_store_keep(&store, "a", "1", 1);
    ck_assert(!holds("a", "1", 1));
    expect_tally(0, 2, 0);
    expect_note(distrusted_folders[_i].note);
}
END_TEST

START_TEST(folder_that_cannot_be_made) {
    open_store("/proc/ffwd");
    ck_assert(!holds("a", "1", 1));
    expect_note("");
    ffwd_store_keep(&store, "a", "1", 1);
    ck_assert(!holds("a", "1", 1));
    expect_note("/proc/ffwd cannot be opened: No such file or directory");
}
END_TEST

/* A limit on files stands for a full disk: writing stops in the middle. */
START_TEST(full_disk) {
    static const char value[20000];
    const struct rlimit few = {10000, RLIM_INFINITY};
    open_fresh();
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
    ffwd_store_keep(&store, "a", value, sizeof value);
    ck_assert(!holds("a", value, sizeof value));
    expect_note("/kept cannot be written: File too large");
    ck_assert_int_eq(rmdir(store.folder), 0); // nothing is left in it
    ffwd_store_keep(&store, "b", value, 100);
    ck_assert(holds("b", value, 100));
}
END_TEST

/** A value that says how long it is, of a key that others write, too. */
static size_t make_value(unsigned char value[4096], unsigned seed) {
    const size_t bytes = 1 + seed % 4096;
    memset(value, (int)(bytes % 251), bytes);
    return bytes;
}

static void expect_whole(const char *key) {
    size_t bytes = 0;
    unsigned char *found = ffwd_store_find(&store, key, &bytes);
    for (size_t i = 0; found != NULL && i < bytes; i++) {
        ck_assert_uint_eq(found[i], bytes % 251);
    }
    ffwd_free(found);
}

START_TEST(many_processes) {
    enum { PROCESSES = 8, ROUNDS = 200 };
    unsigned char value[4096];
    open_fresh();
    for (unsigned p = 0; p < PROCESSES; p++) {
        if (fork() == 0) {
            for (unsigned n = 0; n < ROUNDS; n++) {
                const char key[] = {(char)('a' + n % 3), '\0'};
                ffwd_store_keep(&store, key, value, make_value(value, n * 1234567 + p * 891));
                expect_whole(key);
            }
            _exit(ffwd_store_count(&store).spoilt == 0 && ffwd_store_note(&store)[0] == '\0' ? 0
                                                                                             : 1);
        }
    }
    for (unsigned p = 0; p < PROCESSES; p++) {
        int status = 0;
        ck_assert_int_gt(wait(&status), 0);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    expect_whole("a");
    expect_tally(1, 0, 0);
}
END_TEST

/** A value of a MiB; the clock of files is coarse. */
static void keep_mib(const unsigned char *value, int number) {
    const struct timespec tick = {0, 10000000};
    char key[16];
    (void)snprintf(key, sizeof key, "%d", number);
    ffwd_store_keep(&store, key, value, 1 << 20);
    (void)nanosleep(&tick, NULL);
}

START_TEST(oldest_goes) {
    enum { COUNT = 70 };
    unsigned char *value = calloc(1, 1 << 20);
    open_fresh();
    for (int i = 0; i < COUNT; i++) {
        keep_mib(value, i);
        if (i == 0) {
            put_file(scratch("kept/notes.txt"), "", 0);
        }
        ck_assert(holds("0", value, 1 << 20)); // in use
    }
    ck_assert(!holds("1", value, 1 << 20));
    ck_assert(holds("69", value, 1 << 20));
    ck_assert_int_eq(access(scratch("kept/notes.txt"), F_OK), 0); // nobody's file
    ffwd_store_keep(&store, "large", value, FFWD_STORE_BYTES / 4 + 1);
    ck_assert(!holds("large", value, 1));
    free(value);
}
END_TEST

static const struct {
    const char *ffwd_cache, *xdg, *home, *given, *folder;
} places[] = {
    {NULL, NULL, "/h", NULL, "/h/.cache/ffwd"},
    {NULL, "/x", "/h", NULL, "/x/ffwd"},
    {NULL, "relative", "/h", NULL, "/h/.cache/ffwd"},
    {"", "", "/h", "", "/h/.cache/ffwd"},
    {"/f/", "/x", "/h", NULL, "/f"},
    {"here", "/x", "/h", NULL, "here"},
    {"off", "/x", "/h", NULL, ""},
    {"/f", "/x", "/h", "/g", "/g"},
    {"/f", "/x", "/h", "off", ""},
    {NULL, NULL, NULL, NULL, ""},
};

static void set(const char *name, const char *value) {
    ck_assert_int_eq(value != NULL ? setenv(name, value, 1) : unsetenv(name), 0);
}

START_TEST(where_it_is) {
    set("FFWD_CACHE", places[_i].ffwd_cache);
    set("XDG_CACHE_HOME", places[_i].xdg);
    set("HOME", places[_i].home);
    open_store(places[_i].given);
    ck_assert_str_eq(store.folder, places[_i].folder);
    expect_note(places[_i].home == NULL ? "neither FFWD_CACHE nor HOME" : "");
}
END_TEST

START_TEST(off) {
    open_store("off");
    ffwd_store_keep(&store, "a", "1", 1);
    ck_assert(!holds("a", "1", 1));
    expect_tally(0, 0, 0);
    char *path = calloc(1, 5000);
    memset(path, '/', 4999);
    memset(path, 'p', 4998);
    ffwd_store_finish(&store);
    open_store(path);
    ck_assert_str_eq(store.folder, "");
    expect_note("too long");
    free(path);
}
END_TEST

static Suite *store_suite(void) {
    Suite *suite = suite_create("store");
    TCase *tests = tcase_create("store");
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_test(tests, kept_is_found);
    tcase_add_test(tests, nobody_else_may_read);
    tcase_add_test(tests, damage_is_seen);
    tcase_add_test(tests, another_key_is_not_taken);
    tcase_add_loop_test(tests, distrusted_file, 0,
                        sizeof distrusted_files / sizeof distrusted_files[0]);
    tcase_add_loop_test(tests, distrusted_folder, 0,
                        sizeof distrusted_folders / sizeof distrusted_folders[0]);
    tcase_add_test(tests, folder_that_cannot_be_made);
    tcase_add_test(tests, full_disk);
    tcase_add_test(tests, many_processes);
    tcase_add_test(tests, oldest_goes);
    tcase_add_loop_test(tests, where_it_is, 0, sizeof places / sizeof places[0]);
    tcase_add_test(tests, off);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return suite_main(store_suite());
}
