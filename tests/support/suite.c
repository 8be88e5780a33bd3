// SPDX-License-Identifier: MIT
// Running suites, and checks of failures.
#include "support/suite.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

/** Shared with the processes that Check forks. */
static atomic_uint *skipped;

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
