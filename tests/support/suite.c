// SPDX-License-Identifier: MIT
// Running suites, and checks of failures.
#include "support/suite.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/** Shared with the processes that Check forks. */
static atomic_uint *skipped;

/** Tests leave no programs to the user's own runs. */
__attribute__((constructor)) static void move_cache(void) {
    (void)setenv("FFWD_CACHE", TEST_CACHE, 0);
}

/** Tests write to disks, and on a loaded one fdatasync alone takes longer than Check's own 4 s.
 *  Check reads the variable where a test case is made, which is before suite_main. */
__attribute__((constructor)) static void raise_timeout(void) {
    (void)setenv("CK_DEFAULT_TIMEOUT", "120", 0);
}

int suite_main(Suite *suite) {
    skipped =
        mmap(NULL, sizeof *skipped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (skipped == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (*skipped > 0) {
        printf("%u skipped\n", *skipped);
    }
    (void)munmap(skipped, sizeof *skipped);
    return failed == 0 ? 0 : 1;
}

void skip(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("skipped: ");
    vprintf(format, arguments);
    printf("\n");
    (void)fflush(stdout);
    va_end(arguments);
    atomic_fetch_add(skipped, 1);
}

void figure(const char *name, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("figure: %s: ", name);
    vprintf(format, arguments);
    printf("\n");
    (void)fflush(stdout);
    va_end(arguments);
}

void expect_failure(ffwd_status got, const ffwd_error *err, ffwd_status status,
                    const char *message) {
    ck_assert_msg(got == status, "%s instead of %s: %s", ffwd_status_name(got),
                  ffwd_status_name(status), err->message);
    ck_assert_int_eq(err->status, (int)status);
    ck_assert_str_eq(err->message, message);
}

void expect_ok(ffwd_status got, const ffwd_error *err) {
    ck_assert_msg(got == FFWD_OK, "%s: %s", ffwd_status_name(got), err->message);
}

void expect_no_opencl(const char *why) {
    ck_assert_msg(getenv("FFWD_TESTS_NEED_OPENCL") == NULL, "%s", why);
}
