// SPDX-License-Identifier: MIT
// What every test program does: run a suite, check failures by their text, count what it skips.
#ifndef FFWD_TESTS_SUITE_H
#define FFWD_TESTS_SUITE_H

#include <check.h>

#include <ffwd/ffwd.h>

/** Runs the suite and frees it; what main returns. Prints how much was skipped. */
int suite_main(Suite *suite);

/** Says what is not tested here and why, and counts it, also in a test's forked process. */
void skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Prints something measured, for the documents: see scripts/figures. */
void figure(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* GCC defines the first, Clang knows the second. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_THREAD_SANITIZER 1
#elif defined(__has_feature)
#define UNDER_THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#define UNDER_THREAD_SANITIZER 0
#endif

/** Fails the test unless a call failed with this status and exactly this message. */
void expect_failure(ffwd_status got, const ffwd_error *err, ffwd_status status,
                    const char *message);

/** Fails the test, with the error's message, unless a call was successful. */
void expect_ok(ffwd_status got, const ffwd_error *err);

/** Fails the test, saying why there is no OpenCL device, where FFWD_TESTS_NEED_OPENCL wants one: it
 *  must not vanish from a green run. */
void expect_no_opencl(const char *why);

#endif
