// SPDX-License-Identifier: MIT
// Numbers as text, and how output files appear: whole or not at all.
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ffwd/file.h>

#include "format/csv_number.h"
#include "format/kept.h"
#include "support/files.h"
#include "support/suite.h"

/* -------------------------------------------------------------------------------------- numbers */

static const char *f32_text(float value) {
    static char text[FFWD_CSV_NUMBER_MAX + 1];
    text[ffwd_csv_f32(text, value)] = 0;
    return text;
}

static const char *f64_text(double value) {
    static char text[FFWD_CSV_NUMBER_MAX + 1];
    text[ffwd_csv_f64(text, value)] = 0;
    return text;
}

START_TEST(spellings) {
    ck_assert_str_eq(f32_text(0), "0");
    ck_assert_str_eq(f32_text(-0.0f), "-0");
    ck_assert_str_eq(f32_text(1), "1");
    ck_assert_str_eq(f32_text(-17), "-17");
    ck_assert_str_eq(f32_text(NAN), "nan");
    ck_assert_str_eq(f32_text(-NAN), "nan");
    ck_assert_str_eq(f32_text(INFINITY), "inf");
    ck_assert_str_eq(f32_text(-INFINITY), "-inf");
    ck_assert_str_eq(f32_text(0.1f), "0.1");
    ck_assert_str_eq(f32_text(0.5f), "0.5");
    ck_assert_str_eq(f32_text(1.0f / 3), "0.33333334");
    ck_assert_str_eq(f32_text(16777216), "16777216");
    ck_assert_str_eq(f32_text(123456792), "123456790");
    ck_assert_str_eq(f32_text(0x1.fffffep127f), "3.4028235e38");
    ck_assert_str_eq(f32_text(0x1p-149f), "1e-45");
    ck_assert_str_eq(f32_text(0x1p-126f), "1.1754944e-38");
    ck_assert_str_eq(f64_text(0.1), "0.1");
    ck_assert_str_eq(f64_text(-1.0 / 3), "-0.3333333333333333");
    ck_assert_str_eq(f64_text(0.0001), "0.0001");
    ck_assert_str_eq(f64_text(0.00012345), "0.00012345");
    ck_assert_str_eq(f64_text(0.00001), "1e-5");
    ck_assert_str_eq(f64_text(1.25e-7), "1.25e-7");
    ck_assert_str_eq(f64_text(1e15), "1000000000000000");
    ck_assert_str_eq(f64_text(1e16), "1e16");
    ck_assert_str_eq(f64_text(9007199254740992), "9007199254740992");
    ck_assert_str_eq(f64_text(1.5e300), "1.5e300");
    ck_assert_str_eq(f64_text(123.456), "123.456");
    ck_assert_str_eq(f64_text(1e23), "1e23");
    ck_assert_str_eq(f64_text(0x1p-1074), "5e-324");
    ck_assert_str_eq(f64_text(-0x1.fffffffffffffp1023), "-1.7976931348623157e308");
}
END_TEST

static uint64_t random_bits(void) {
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state ^ state >> 29;
}

/** Digits before an exponent, without zeros at either end. */
static size_t count_digits(const char *text) {
    char digits[64];
    size_t count = 0, first = 0;
    for (; *text != 0 && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9') {
            digits[count++] = *text;
        }
    }
    while (count > 0 && digits[count - 1] == '0') {
        count--;
    }
    while (first < count && digits[first] == '0') {
        first++;
    }
    return count - first;
}

/** The fewest digits with which printf's rounding reads back. */
static size_t printed_digits(double value, bool single) {
    char text[64];
    for (int digits = 1; digits < 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (single ? (double)strtof(text, NULL) == value : strtod(text, NULL) == value) {
            return count_digits(text);
        }
    }
    return 17;
}

/** Checks are called by the hundred thousand, so only a failure reaches Check. */
static void check_text(const char *text, double value, double back, bool single) {
    bool same = back == value && signbit(back) == signbit(value);
    if (!same || count_digits(text) > printed_digits(value, single) ||
        strlen(text) >= FFWD_CSV_NUMBER_MAX) {
        ck_abort_msg("%a is written as %s", value, text);
    }
}

static void check_f32(float value) {
    const char *text = f32_text(value);
    check_text(text, value, strtof(text, NULL), true);
}

static void check_f64(double value) {
    const char *text = f64_text(value);
    check_text(text, value, strtod(text, NULL), false);
}

START_TEST(any_float32) {
    for (int i = 0; i < 20000; i++) {
        uint32_t bits = (uint32_t)random_bits();
        float value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            check_f32(value);
        }
        check_f32((float)(int32_t)bits * 0x1p-31f);
    }
}
END_TEST

START_TEST(any_float64) {
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_bits();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            check_f64(value);
        }
        check_f64((double)(int64_t)bits * 0x1p-63);
    }
}
END_TEST

/** Where the neighbour below is half as far, and around. */
START_TEST(powers) {
    for (int e = -1074; e < 1024; e++) {
        double two = ldexp(1, e);
        check_f64(two);
        check_f64(nextafter(two, INFINITY));
        check_f64(nextafter(two, 0) > 0 ? nextafter(two, 0) : two);
        if (e >= -149 && e < 128) {
            check_f32((float)two);
            check_f32(nextafterf((float)two, INFINITY));
        }
    }
    for (int e = -323; e < 309; e++) {
        char text[16];
        (void)snprintf(text, sizeof text, "1e%d", e);
        double ten = strtod(text, NULL);
        check_f64(ten);
        check_f64(nextafter(ten, INFINITY));
        check_f64(nextafter(ten, 0));
        if (count_digits(f64_text(ten)) != 1) {
            ck_abort_msg("%s is written as %s", text, f64_text(ten));
        }
        if (e >= -45 && e <= 38) {
            check_f32(strtof(text, NULL));
        }
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------- files */

static ffwd_writer *begin(const char *path, uint64_t rows, uint64_t cols, uint32_t dtype) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer *writer;
    ck_assert_msg(ffwd_writer_create(path, rows, cols, dtype, NULL, &writer, &err) == FFWD_OK, "%s",
                  err.message);
    return writer;
}

static void append(ffwd_writer *writer, uint64_t rows, const void *values) {
    ffwd_error err = FFWD_ERROR_INIT;
    ck_assert_msg(ffwd_writer_append(writer, rows, values, NULL, &err) == FFWD_OK, "%s",
                  err.message);
}

static void commit(ffwd_writer *writer) {
    ffwd_error err = FFWD_ERROR_INIT;
    ck_assert_msg(ffwd_writer_commit(writer, &err) == FFWD_OK, "%s", err.message);
    ffwd_writer_destroy(writer);
}

static void expect_text(const char *path, const char *expected) {
    size_t count;
    unsigned char *text = get_file(path, &count);
    ck_assert_str_eq((char *)text, expected);
    free(text);
}

START_TEST(rows_as_text) {
    static const float f32[] = {1, 0.1f, -2.5f, 3e30f};
    static const double f64[] = {1, 0.1, NAN, -INFINITY};
    static const uint8_t u8[] = {0, 1, 254, 255};
    const void *values[] = {f32, f64, u8};
    static const uint32_t dtypes[] = {FFWD_F32, FFWD_F64, FFWD_U8};
    static const char *const expected[] = {"y1,y2\n1,0.1\n-2.5,3e30\n", "y1,y2\n1,0.1\nnan,-inf\n",
                                           "y1,y2\n0,1\n254,255\n"};
    ffwd_writer *writer = begin(scratch("y.CSV"), 2, 2, dtypes[_i]);
    append(writer, 1, values[_i]);
    append(writer, 1, (const unsigned char *)values[_i] + 2 * ffwd_dtype_size(dtypes[_i]));
    commit(writer);
    expect_text(scratch("y.CSV"), expected[_i]);
}
END_TEST

static const char *const two_names[] = {"a \"b\"", "c,d"};

START_TEST(names_are_given) {
    static const float values[] = {1, 2};
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer_options options = FFWD_WRITER_OPTIONS_INIT;
    ffwd_writer *writer;
    options.names = two_names;
    options.name_count = 2;
    ck_assert_int_eq(ffwd_writer_create(scratch("y.csv"), 1, 3, FFWD_F32, &options, &writer, &err),
                     FFWD_EARGUMENT);
    ck_assert_ptr_null(writer);
    ck_assert_str_eq(strrchr(err.message, ':'), ": 2 names for 3 columns");
    ck_assert_int_eq(ffwd_writer_create(scratch("y.csv"), 1, 2, FFWD_F32, &options, &writer, &err),
                     FFWD_OK);
    append(writer, 1, values);
    commit(writer);
    expect_text(scratch("y.csv"), "\"a \"\"b\"\"\",\"c,d\"\n1,2\n");
}
END_TEST

static void keep_cell(ffwd_kept *kept, const char *text) {
    ffwd_error err = FFWD_ERROR_INIT;
    const ffwd_csv_cell cell = {text, strlen(text), false};
    ck_assert_int_eq(ffwd_kept_add(kept, &cell, &err), FFWD_OK);
}

/** A row of two cells. */
static void keep_row(ffwd_kept *kept, const char *first, const char *second) {
    ffwd_error err = FFWD_ERROR_INIT;
    ck_assert_int_eq(ffwd_kept_begin_row(kept, &err), FFWD_OK);
    keep_cell(kept, first);
    keep_cell(kept, second);
    ffwd_kept_end_row(kept);
}

/** Text that needs quotes has them; rows longer than the buffer have room. */
START_TEST(kept_columns) {
    static const float values[] = {1, 2, 3};
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer_options options = FFWD_WRITER_OPTIONS_INIT;
    ffwd_writer *writer;
    ffwd_kept *kept;
    options.kept = two_names;
    options.kept_count = 2;
    ck_assert_int_eq(ffwd_kept_create(8, &kept, &err), FFWD_OK);
    ck_assert(!ffwd_kept_is_full(kept));
    ck_assert_int_eq(ffwd_writer_create(scratch("y.csv"), 3, 1, FFWD_F32, &options, &writer, &err),
                     FFWD_OK);
    ffwd_kept_clear(kept, 2);
    keep_row(kept, "say \"hi\"", "");
    keep_row(kept, "two\nlines", " blank");
    ck_assert(ffwd_kept_is_full(kept));
    ck_assert_int_eq(ffwd_writer_append(writer, 2, values, kept, &err), FFWD_OK);
    ffwd_kept_clear(kept, 2);
    ck_assert_int_eq(ffwd_kept_begin_row(kept, &err), FFWD_OK); // never ended
    keep_cell(kept, "x");
    keep_row(kept, "7", "a,b");
    ck_assert_int_eq(ffwd_writer_append(writer, 1, values + 2, kept, &err), FFWD_OK);
    commit(writer);
    expect_text(scratch("y.csv"), "\"a \"\"b\"\"\",\"c,d\",y1\n"
                                  "\"say \"\"hi\"\"\",,1\n"
                                  "\"two\nlines\",\" blank\",2\n"
                                  "7,\"a,b\",3\n");
    ffwd_kept_destroy(kept);
}
END_TEST

START_TEST(kept_cells_of_other_rows) {
    static const float values[] = {1, 2};
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer_options options = FFWD_WRITER_OPTIONS_INIT;
    ffwd_writer *writer;
    ffwd_kept *kept;
    options.kept = two_names;
    options.kept_count = 2;
    ck_assert_int_eq(ffwd_kept_create(8, &kept, &err), FFWD_OK);
    ck_assert_int_eq(ffwd_writer_create(scratch("y.npy"), 2, 1, FFWD_F32, &options, &writer, &err),
                     FFWD_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "kept columns need a .csv file"));
    ck_assert_int_eq(ffwd_writer_create(scratch("y.csv"), 2, 1, FFWD_F32, &options, &writer, &err),
                     FFWD_OK);
    ck_assert_int_eq(ffwd_writer_append(writer, 1, values, NULL, &err), FFWD_EARGUMENT);
    ck_assert_str_eq(strrchr(err.message, ':'), ": has 2 kept columns, but cells of 0 came");
    ffwd_kept_clear(kept, 2);
    keep_row(kept, "a", "b");
    ck_assert_int_eq(ffwd_writer_append(writer, 2, values, kept, &err), FFWD_EARGUMENT);
    ck_assert_str_eq(strrchr(err.message, ':'), ": kept cells of 1 rows came with 2 rows");
    ck_assert_int_eq(ffwd_writer_append(writer, 1, values, kept, &err), FFWD_OK);
    ffwd_writer_destroy(writer);
    ffwd_kept_destroy(kept);
    ck_assert_int_eq(ffwd_kept_create(UINT64_MAX, &kept, &err), FFWD_EOVERFLOW);
    ck_assert_ptr_null(kept);
}
END_TEST

START_TEST(unknown_rows) {
    static const float values[] = {1, 2};
    ffwd_writer *writer = begin(scratch("y.csv"), UINT64_MAX, 1, FFWD_F32);
    append(writer, 1, values);
    append(writer, 1, values + 1);
    commit(writer);
    expect_text(scratch("y.csv"), "y1\n1\n2\n");
}
END_TEST

START_TEST(foreign_locale_and_rounding) {
    static const double values[] = {0.1, 1e-300, 2.5};
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL) {
        printf("note: no locale with a decimal comma is installed; tested in the C locale\n");
    }
    fesetround(FE_UPWARD);
    ffwd_writer *writer = begin(scratch("y.csv"), 1, 3, FFWD_F64);
    append(writer, 1, values);
    commit(writer);
    ck_assert_int_eq(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    expect_text(scratch("y.csv"), "y1,y2,y3\n0.1,1e-300,2.5\n");
}
END_TEST

START_TEST(more_than_a_buffer) {
    const uint64_t rows = 100000;
    float *values = malloc(rows * sizeof *values);
    size_t count;
    for (uint64_t i = 0; i < rows; i++) {
        values[i] = (float)i / 7;
    }
    ffwd_writer *writer = begin(scratch("y.csv"), rows, 1, FFWD_F32);
    append(writer, rows, values);
    commit(writer);
    char *text = (char *)get_file(scratch("y.csv"), &count), *at = text + strlen("y1\n");
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < rows; i++, at++) {
        wrong += strtof(at, &at) != values[i];
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_ptr_eq(at, text + count);
    free(text);
    free(values);
}
END_TEST

START_TEST(nothing_appears_before_commit) {
    static const float value = 5;
    size_t before = count_files();
    put_file(scratch("old.csv"), "old", 3);
    ffwd_writer *writer = begin(scratch("old.csv"), 1, 1, FFWD_F32);
    append(writer, 1, &value);
    expect_text(scratch("old.csv"), "old");
    ffwd_writer_destroy(writer);
    ck_assert_uint_eq(count_files(), before + 1);
    writer = begin(scratch("old.csv"), 1, 1, FFWD_F32);
    append(writer, 1, &value);
    commit(writer);
    expect_text(scratch("old.csv"), "y1\n5\n");
    ck_assert_uint_eq(count_files(), before + 1);
    ffwd_writer_destroy(NULL);
}
END_TEST

START_TEST(a_link_stays) {
    struct stat status;
    put_file(scratch("target.csv"), "old", 3);
    ck_assert_int_eq(symlink("target.csv", scratch("link.csv")), 0);
    commit(begin(scratch("link.csv"), 0, 1, FFWD_F32));
    expect_text(scratch("target.csv"), "y1\n");
    ck_assert_int_eq(lstat(scratch("link.csv"), &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
}
END_TEST

START_TEST(umask_is_honoured) {
    struct stat status;
    umask(027);
    commit(begin(scratch("mode.csv"), 0, 1, FFWD_F32));
    ck_assert_int_eq(stat(scratch("mode.csv"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0640);
}
END_TEST

START_TEST(complete_is_complete) {
    static const float value = 1;
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer *writer = begin(scratch("y.csv"), 2, 1, FFWD_F32);
    append(writer, 1, &value);
    ck_assert_int_eq(ffwd_writer_commit(writer, &err), FFWD_EARGUMENT);
    append(writer, 1, &value);
    ck_assert_int_eq(ffwd_writer_commit(writer, &err), FFWD_OK);
    ck_assert_int_eq(ffwd_writer_commit(writer, &err), FFWD_ESTATE);
    ck_assert_int_eq(ffwd_writer_append(writer, 0, &value, NULL, &err), FFWD_ESTATE);
    ffwd_writer_destroy(writer);
}
END_TEST

static void refuse(const char *path, ffwd_status status, int native, const char *text) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer *writer;
    ck_assert_int_eq(ffwd_writer_create(path, 1, 1, FFWD_F32, NULL, &writer, &err), status);
    ck_assert_ptr_null(writer);
    ck_assert_int_eq(err.native, native);
    ck_assert_msg(strstr(err.message, text) != NULL, "%s", err.message);
}

START_TEST(what_cannot_be_created) {
    char name[300];
    memset(name, 'y', sizeof name);
    memcpy(name + sizeof name - 5, ".csv", 5);
    refuse("y.txt", FFWD_EUNSUPPORTED, 0, "y.txt: cannot be written; .npy and .csv can");
    refuse("y", FFWD_EUNSUPPORTED, 0, "cannot be written");
    refuse(scratch("nowhere/y.csv"), FFWD_EIO, ENOENT, "nowhere/y.csv: cannot create: ");
    refuse("/proc/y.npy", FFWD_EIO, ENOENT, "/proc/y.npy: cannot create: ");
    refuse("/tmp", FFWD_EIO, EISDIR, "/tmp: cannot create: ");
    refuse(scratch(name), FFWD_EIO, ENAMETOOLONG, ".csv: cannot create: ");
}
END_TEST

START_TEST(a_name_taken_meanwhile) {
    ffwd_error err = FFWD_ERROR_INIT;
    size_t before = count_files();
    ffwd_writer *writer = begin(scratch("taken.csv"), 0, 1, FFWD_F32);
    ck_assert_int_eq(mkdir(scratch("taken.csv"), 0700), 0);
    ck_assert_int_eq(ffwd_writer_commit(writer, &err), FFWD_EIO);
    ck_assert_int_eq(err.native, EISDIR);
    ck_assert_ptr_nonnull(strstr(err.message, "taken.csv: cannot create: "));
    ffwd_writer_destroy(writer);
    ck_assert_uint_eq(count_files(), before + 1);
}
END_TEST

START_TEST(devices_are_written_in_place) {
    static const float value = 1;
    struct stat status;
    ffwd_writer *writer = begin("/dev/null", 1, 1, FFWD_F32);
    append(writer, 1, &value);
    commit(writer);
    ck_assert_int_eq(stat("/dev/null", &status), 0);
    ck_assert(S_ISCHR(status.st_mode));
}
END_TEST

/** Found when rows are appended, which a device gets at once, or else at the end. */
START_TEST(full_disk) {
    static const float value = 1;
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_writer *writer = begin("/dev/full", (uint64_t)_i, 1, FFWD_F32);
    if (_i > 0) {
        ck_assert_int_eq(ffwd_writer_append(writer, 1, &value, NULL, &err), FFWD_EIO);
        ck_assert_int_eq(err.native, ENOSPC);
    }
    ck_assert_int_eq(ffwd_writer_commit(writer, &err), FFWD_EIO);
    ck_assert_ptr_nonnull(strstr(err.message, "/dev/full: "));
    ck_assert_int_eq(err.native, _i == 0 ? ENOSPC : 0);
    ffwd_writer_destroy(writer);
}
END_TEST

START_TEST(file_size_limit) {
    static float values[100000];
    const struct rlimit limit = {4096, 4096};
    ffwd_error err = FFWD_ERROR_INIT;
    size_t before = count_files();
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ffwd_writer *writer = begin(scratch("limit.npy"), 100000, 1, FFWD_F32);
    ck_assert_int_eq(ffwd_writer_append(writer, 100000, values, NULL, &err), FFWD_EIO);
    ck_assert_int_eq(err.native, EFBIG);
    ck_assert_int_eq(ffwd_writer_commit(writer, &err), FFWD_EIO);
    ffwd_writer_destroy(writer);
    ck_assert_uint_eq(count_files(), before);
}
END_TEST

START_TEST(closed_pipe) {
    static const float value = 1;
    int ends[2];
    ffwd_error err = FFWD_ERROR_INIT;
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe(ends), 0);
    (void)close(ends[0]);
    ck_assert_int_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    ffwd_writer *writer = begin("-", 1, 1, FFWD_F32);
    ck_assert_int_eq(ffwd_writer_append(writer, 1, &value, NULL, &err), FFWD_EIO);
    ck_assert_int_eq(err.native, EPIPE);
    ck_assert_ptr_nonnull(strstr(err.message, "standard output: cannot write: "));
    ffwd_writer_destroy(writer);
    ck_assert_int_ge(fcntl(STDOUT_FILENO, F_GETFD), 0);
}
END_TEST

START_TEST(standard_output) {
    static const float value = 1;
    int file = open(scratch("stdout"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
    ffwd_writer *writer = begin("-", 1, 1, FFWD_F32);
    append(writer, 1, &value);
    commit(writer);
    expect_text(scratch("stdout"), "y1\n1\n");
    ck_assert_int_ge(fcntl(STDOUT_FILENO, F_GETFD), 0);
}
END_TEST

/* --------------------------------------------------------------------------------------- Python */

/** repr() is the shortest; digits must be as many, and the value the same. */
static const char compare_numbers[] =
    "import numpy as np\n"
    "def digits(s):\n"
    "    return s.split('e')[0].replace('.', '').replace('-', '').strip('0')\n"
    "for name, dtype in (('f32', np.float32), ('f64', np.float64)):\n"
    "    values = np.fromfile(name + '.raw', dtype)\n"
    "    lines = open(name + '.csv').read().split('\\n')\n"
    "    assert lines[0] == 'y1' and lines[-1] == '' and len(lines) == len(values) + 2\n"
    "    for value, text in zip(values, lines[1:-1]):\n"
    "        assert dtype(text) == value, (value, text)\n"
    "        shortest = np.format_float_scientific(value, unique=True)\n"
    "        assert digits(text) == digits(shortest), (value, text)\n";

START_TEST(as_python_writes) {
    enum { COUNT = 20000 };
    static float f32[COUNT];
    static double f64[COUNT];
    for (int i = 0; i < COUNT; i++) {
        uint64_t bits = random_bits();
        double wide = (double)(int64_t)bits * ldexp(1, -60 - i % 50);
        memcpy(&f64[i], &bits, sizeof f64[i]);
        f64[i] = i % 2 == 0 || !isfinite(f64[i]) ? wide : f64[i];
        f32[i] = (float)wide;
        if (i < 2098) {
            f64[i] = ldexp(1, i - 1074);
            f32[i] = ldexpf(1, i % 277 - 149);
        }
    }
    ffwd_writer *writer = begin(scratch("f32.csv"), COUNT, 1, FFWD_F32);
    append(writer, COUNT, f32);
    commit(writer);
    writer = begin(scratch("f64.csv"), COUNT, 1, FFWD_F64);
    append(writer, COUNT, f64);
    commit(writer);
    put_file(scratch("f32.raw"), f32, sizeof f32);
    put_file(scratch("f64.raw"), f64, sizeof f64);
    (void)run_numpy(compare_numbers);
}
END_TEST

static Suite *csv_suite(void) {
    Suite *suite = suite_create("csv");
    TCase *numbers = tcase_create("numbers");
    tcase_add_test(numbers, spellings);
    tcase_add_test(numbers, any_float32);
    tcase_add_test(numbers, any_float64);
    tcase_add_test(numbers, powers);
    tcase_add_test(numbers, as_python_writes);
    suite_add_tcase(suite, numbers);

    TCase *files = tcase_create("files");
    tcase_add_loop_test(files, rows_as_text, 0, 3);
    tcase_add_test(files, names_are_given);
    tcase_add_test(files, kept_columns);
    tcase_add_test(files, kept_cells_of_other_rows);
    tcase_add_test(files, unknown_rows);
    tcase_add_test(files, foreign_locale_and_rounding);
    tcase_add_test(files, more_than_a_buffer);
    tcase_add_test(files, nothing_appears_before_commit);
    tcase_add_test(files, a_link_stays);
    tcase_add_test(files, umask_is_honoured);
    tcase_add_test(files, complete_is_complete);
    tcase_add_test(files, what_cannot_be_created);
    tcase_add_test(files, a_name_taken_meanwhile);
    tcase_add_test(files, devices_are_written_in_place);
    tcase_add_test(files, full_disk);
    tcase_add_test(files, file_size_limit);
    tcase_add_test(files, closed_pipe);
    tcase_add_test(files, standard_output);
    suite_add_tcase(suite, files);
    return suite;
}

int main(void) {
    files_begin();
    int status = suite_main(csv_suite());
    files_end();
    return status;
}
