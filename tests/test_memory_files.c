// SPDX-License-Identifier: MIT
// Out of memory at every allocation in turn while files are read and written: each call answers
// FFWD_ENOMEM, hands out nothing, and leaves neither a file nor an open one behind.
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <ffwd/file.h>

#include "support/fail_alloc.h"
#include "support/files.h"
#include "support/suite.h"

enum { ROWS = 40, COLS = 3 };

static const float values[ROWS * COLS] = {1, -2, 0.5F};
static ffwd_error err = FFWD_ERROR_INIT;

/** Forwards a failure from the middle of an attempt. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != FFWD_OK) {                                                                   \
            goto cleanup;                                                                          \
        }                                                                                          \
    } while (0)

static ffwd_status load_model(void) {
    ffwd_model *model;
    ffwd_load_options options = FFWD_LOAD_OPTIONS_INIT;
    options.dtype = FFWD_F64; // weights are converted, which takes memory of its own
    options.activations = "tanh,identity";
    const ffwd_status status = ffwd_model_load(TEST_DATA "/wine_tanh.npz", &options, &model, &err);
    ck_assert((status == FFWD_OK) == (model != NULL));
    ffwd_model_destroy(model);
    return status;
}

static ffwd_status parse_model(void) {
    static unsigned char *file;
    static size_t count;
    ffwd_model *model;
    if (file == NULL) {
        file = get_file(TEST_DATA "/diabetes_relu.npz", &count);
    }
    const ffwd_status status = ffwd_model_parse(file, count, NULL, &model, &err);
    ck_assert((status == FFWD_OK) == (model != NULL));
    ffwd_model_destroy(model);
    return status;
}

static ffwd_status read_rows(void) {
    static double rows[2 * 13];
    ffwd_reader *reader;
    ffwd_status status = ffwd_reader_open(TEST_DATA "/wine_tanh_X.npy", NULL, &reader, &err);
    ck_assert((status == FFWD_OK) == (reader != NULL));
    if (status == FFWD_OK) {
        uint64_t read;
        status = ffwd_reader_next(reader, 2, FFWD_F64, rows, NULL, &read, &err);
    }
    ffwd_reader_destroy(reader);
    return status;
}

/** With everything that takes memory: names, words, kept cells, and a record that outgrows its
 *  buffers. */
static ffwd_status read_csv(void) {
    static const char *const keep[] = {"a"};
    static const ffwd_word words[] = {{"b", "one", 1}, {"b", "two", 2}};
    static char text[400000] = "a,b\n";
    ffwd_reader_options options = FFWD_READER_OPTIONS_INIT;
    ffwd_reader *reader = NULL;
    ffwd_kept *kept = NULL;
    ffwd_status status;
    double value;
    uint64_t read;
    memset(text + 4, 'a', sizeof text - 10);
    memcpy(text + sizeof text - 6, ",two\n", 6);
    put_file(scratch("x.csv"), text, sizeof text);
    options.keep = keep;
    options.keep_count = 1;
    options.words = words;
    options.word_count = 2;
    options.threads = 2;
    TRY(ffwd_reader_open(scratch("x.csv"), &options, &reader, &err));
    TRY(ffwd_kept_create(10, &kept, &err));
    TRY(ffwd_reader_next(reader, 1, FFWD_F64, &value, kept, &read, &err));
    ck_assert(read == 1 && value == 2);

cleanup:
    ffwd_kept_destroy(kept);
    ffwd_reader_destroy(reader);
    (void)remove(scratch("x.csv"));
    return status;
}

/** Compressed, which takes zlib's memory, too. */
static ffwd_status read_gzip(void) {
    ffwd_reader *reader = NULL;
    ffwd_status status;
    double row[2];
    uint64_t read;
    gzFile file = gzopen(scratch("x.csv.gz"), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzputs(file, "a,b\n1,2\n"), 8);
    ck_assert_int_eq(gzclose(file), Z_OK);
    TRY(ffwd_reader_open(scratch("x.csv.gz"), NULL, &reader, &err));
    TRY(ffwd_reader_next(reader, 1, FFWD_F64, row, NULL, &read, &err));
    ck_assert(read == 1 && row[0] == 1 && row[1] == 2);

cleanup:
    ffwd_reader_destroy(reader);
    (void)remove(scratch("x.csv.gz"));
    return status;
}

static ffwd_status write_rows(const char *name) {
    ffwd_writer *writer;
    ffwd_status status;
    TRY(ffwd_writer_create(scratch(name), ROWS, COLS, FFWD_F32, NULL, &writer, &err));
    TRY(ffwd_writer_append(writer, ROWS, values, NULL, &err));
    TRY(ffwd_writer_commit(writer, &err));

cleanup:
    ffwd_writer_destroy(writer);
    return status;
}

static ffwd_status write_npy(void) {
    return write_rows("out.npy");
}

static ffwd_status write_csv(void) {
    return write_rows("out.csv");
}

/** More entries than the archive has room for at first. */
static ffwd_status write_npz(void) {
    ffwd_archive *archive;
    ffwd_status status;
    TRY(ffwd_archive_create(scratch("out.npz"), &archive, &err));
    for (int i = 0; i < 10; i++) {
        char name[8];
        size_t entry;
        (void)snprintf(name, sizeof name, "z%d", i);
        TRY(ffwd_archive_add(archive, name, ROWS, COLS, FFWD_F32, &entry, &err));
        TRY(ffwd_archive_append(archive, entry, ROWS, values, &err));
    }
    TRY(ffwd_archive_commit(archive, &err));

cleanup:
    ffwd_archive_destroy(archive);
    return status;
}

static const struct {
    const char *name;
    ffwd_status (*attempt)(void);
    size_t files; /**< that it makes */
} attempts[] = {
    {"loading a model", load_model, 0}, {"parsing a model", parse_model, 0},
    {"reading rows", read_rows, 0},     {"reading CSV", read_csv, 0},
    {"reading gzip", read_gzip, 0},     {"writing .npy", write_npy, 1},
    {"writing .csv", write_csv, 1},     {"writing .npz", write_npz, 1},
};
#define ATTEMPT_COUNT ((int)(sizeof attempts / sizeof *attempts))

static size_t count_open(void) {
    size_t count = 0;
    DIR *open = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(open);
    while (readdir(open) != NULL) {
        count++;
    }
    (void)closedir(open);
    return count;
}

/** Whether the attempt went as if nothing had happened: no allocation was left to fail. */
static bool try_with(int index, int allowed) {
    const size_t files = count_files(), open = count_open();
    fail_alloc_after(allowed);
    const ffwd_status status = attempts[index].attempt();
    const bool failed = fail_alloc_never();
    ck_assert_uint_eq(count_open(), open);
    if (!failed) {
        expect_ok(status, &err);
        ck_assert_uint_eq(count_files(), files + attempts[index].files);
        return true;
    }
    ck_assert_msg(status == FFWD_ENOMEM, "%s, allocation %d: %s", attempts[index].name, allowed,
                  ffwd_status_name(status));
    ck_assert_int_eq(err.status, FFWD_ENOMEM);
    ck_assert_str_ne(err.message, "");
    ck_assert_uint_eq(count_files(), files);
    return false;
}

START_TEST(every_allocation_may_fail) {
    int allowed = 0;
    while (!try_with(_i, allowed)) {
        allowed++;
    }
    ck_assert_msg(allowed > 0, "%s allocates nothing", attempts[_i].name);
}
END_TEST

/* The graphs of ONNX models are many: the trained ones, and what fuzzing has found. */
static const struct {
    const char *folder;
    ffwd_load_options options;
} onnx_models[] = {
    {TEST_DATA, {.struct_size = sizeof(ffwd_load_options)}},
    {TEST_DATA, {.struct_size = sizeof(ffwd_load_options), .dtype = FFWD_F64, .labels = 1}},
    {TEST_CORPUS "/onnx", {.struct_size = sizeof(ffwd_load_options)}},
    {TEST_CORPUS "/onnx", {.struct_size = sizeof(ffwd_load_options), .labels = 1, .no_fold = 1}},
};
#define ONNX_COUNT ((int)(sizeof onnx_models / sizeof *onnx_models))

/** Parses a model where only so many allocations succeed; whether all did. */
static bool parse_with(const unsigned char *file, size_t count, const ffwd_load_options *options,
                       int allowed, const char *name, ffwd_status *status) {
    ffwd_model *model;
    fail_alloc_after(allowed);
    *status = ffwd_model_parse(file, count, options, &model, &err);
    const bool failed = fail_alloc_never();
    ck_assert((*status == FFWD_OK) == (model != NULL));
    ck_assert_msg(!failed || *status == FFWD_ENOMEM, "%s, allocation %d: %s", name, allowed,
                  err.message);
    ffwd_model_destroy(model);
    return !failed;
}

/** Without memory it says so, and with enough what it always says: nothing is taken for another
 *  reason to refuse the model. Returns the allocations. */
static int check_onnx(const char *path, const ffwd_load_options *options) {
    size_t count;
    unsigned char *file = get_file(path, &count);
    ffwd_status expected, status;
    int allowed = 0;
    (void)parse_with(file, count, options, INT_MAX, path, &expected);
    while (!parse_with(file, count, options, allowed, path, &status)) {
        allowed++;
    }
    ck_assert_int_eq(status, expected);
    free(file);
    return allowed;
}

START_TEST(every_allocation_of_onnx_models) {
    DIR *folder = opendir(onnx_models[_i].folder);
    const struct dirent *entry;
    int files = 0, allocations = 0;
    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder)) != NULL) {
        const char *suffix = strrchr(entry->d_name, '.');
        char path[512];
        if (suffix != NULL && strcmp(suffix, ".onnx") != 0) {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s/%s", onnx_models[_i].folder, entry->d_name);
        allocations += check_onnx(path, &onnx_models[_i].options);
        files++;
    }
    (void)closedir(folder);
    ck_assert_int_gt(files, 3);
    ck_assert_int_gt(allocations / files, 5);
}
END_TEST

int main(void) {
    files_begin();
    Suite *suite = suite_create("memory_files");
    TCase *failing = tcase_create("failing");
    tcase_add_loop_test(failing, every_allocation_may_fail, 0, ATTEMPT_COUNT);
    tcase_add_loop_test(failing, every_allocation_of_onnx_models, 0, ONNX_COUNT);
    tcase_set_timeout(failing, 60);
    suite_add_tcase(suite, failing);
    const int status = suite_main(suite);
    files_end();
    return status;
}
