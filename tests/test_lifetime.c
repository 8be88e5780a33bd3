// SPDX-License-Identifier: MIT
// What engines and devices own, for how long, in which thread and process; what a build says of
// itself.
#include <dirent.h>
#include <errno.h>
#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "cpu/cpu_device.h"
#include "engine/engine.h"
#include "support/nets.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { ROWS = 20000 };

static const uint64_t widths[] = {3, 7, 2};
static ffwd_model *model;
static ffwd_error err = FFWD_ERROR_INIT;
static float *x, *y, *expected;

static void setup(void) {
    const net_shape shape = net_shape_of(2, widths, FFWD_TANH, 1);
    model = net_create(&shape, FFWD_F32, 4);
    x = net_values(ROWS * 3, FFWD_F32, 1, 0);
    y = net_alloc(ROWS * 2 * sizeof *y);
    expected = net_alloc(ROWS * 2 * sizeof *expected);
    oracle_run(model, ROWS, x, expected, NULL, NULL);
}

static void teardown(void) {
    ffwd_model_destroy(model);
    free(x);
    free(y);
    free(expected);
}

static ffwd_device *open_cpu(uint32_t threads) {
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    options.threads = threads;
    ffwd_device *device = NULL;
    expect_ok(ffwd_device_open("cpu", &options, &device, &err), &err);
    return device;
}

static ffwd_engine *create(ffwd_device *device) {
    ffwd_engine *engine = NULL;
    expect_ok(ffwd_engine_create(model, &device, 1, NULL, &engine, &err), &err);
    return engine;
}

static ffwd_status run(ffwd_engine *engine) {
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, 3);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, 2);
    memset(y, 0xa5, ROWS * 2 * sizeof *y);
    return ffwd_engine_run(engine, &in, &out, NULL, NULL, &err);
}

static void check_run(ffwd_engine *engine) {
    expect_ok(run(engine), &err);
    net_check_bits(y, expected, ROWS, 2, FFWD_F32, "Y");
}

/* ------------------------------------------------------------------------------------- owning */

START_TEST(an_engine_outlives_the_handles_it_was_made_of) {
    ffwd_device *device = open_cpu(2);
    ffwd_engine *engine = create(device), *clone = NULL;
    ffwd_device_destroy(device);
    ffwd_model_destroy(model);
    model = NULL;
    check_run(engine);
    expect_ok(ffwd_engine_clone(engine, &clone, &err), &err);
    ffwd_engine_destroy(engine);
    check_run(clone);
    ffwd_engine_destroy(clone);
}
END_TEST

static const ffwd_cpu_weights *weights_of(const ffwd_engine *engine) {
    return ((const ffwd_cpu_placement *)engine->placements[0])->weights;
}

START_TEST(a_clone_shares_the_packed_weights) {
    ffwd_device *device = open_cpu(2);
    ffwd_engine *engine = create(device), *clone = NULL;
    expect_ok(ffwd_engine_clone(engine, &clone, &err), &err);
    ck_assert_ptr_eq(weights_of(clone), weights_of(engine));
    ck_assert_uint_eq(ffwd_engine_chunk_rows(clone), ffwd_engine_chunk_rows(engine));
    ck_assert_uint_eq(ffwd_engine_strategy(clone), ffwd_engine_strategy(engine));
    ck_assert_uint_eq(ffwd_engine_stage_count(clone), ffwd_engine_stage_count(engine));
    ck_assert_str_eq(ffwd_engine_why(clone), ffwd_engine_why(engine));
    check_run(clone);
    check_run(engine);
    ffwd_engine_destroy(clone);
    check_run(engine);
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(device);
}
END_TEST

/* ------------------------------------------------------------------------------------ threads */

static size_t count_threads(void) {
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(tasks);
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(tasks);
    return count;
}

START_TEST(one_thread_is_the_caller_s) {
    const size_t before = count_threads();
    ffwd_device *device = open_cpu(1);
    ffwd_engine *engine = create(device);
    check_run(engine);
    ck_assert_uint_eq(count_threads(), before);
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(device);

    device = open_cpu(3);
    ck_assert_uint_ge(count_threads(), before + 2);
    ffwd_device_destroy(device);
}
END_TEST

/* -------------------------------------------------------------------------------------- forks */

/** Runs `act` in a forked child; its exit status. */
static int in_child(int (*act)(ffwd_engine *engine), ffwd_engine *engine) {
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)alarm(20);
        _exit(act(engine));
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the child was ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static int run_in_child(ffwd_engine *engine) {
    return (int)run(engine);
}

static int run_nothing_in_child(ffwd_engine *engine) {
    const ffwd_input in = net_input(NULL, FFWD_F32, 0, 3);
    const ffwd_output out = net_output(NULL, FFWD_F32, 0, 2);
    return (int)ffwd_engine_run(engine, &in, &out, NULL, NULL, &err);
}

static int clone_in_child(ffwd_engine *engine) {
    ffwd_engine *clone = NULL;
    return (int)ffwd_engine_clone(engine, &clone, &err);
}

static int limit_in_child(ffwd_engine *engine) {
    const ffwd_input in = net_input(x, FFWD_F32, ROWS, 3);
    const ffwd_output out = net_output(y, FFWD_F32, ROWS, 2);
    ffwd_limit limit = FFWD_LIMIT_INIT;
    return (int)ffwd_engine_limit(engine, &in, &out, &limit, &err);
}

static int create_in_child(ffwd_engine *engine) {
    ffwd_engine *another = NULL;
    return (int)ffwd_engine_create(model, &engine->placements[0]->device, 1, NULL, &another, &err);
}

/** A child may end what it inherited, and open its own. */
static int start_afresh(ffwd_engine *engine) {
    ffwd_engine_destroy(engine);
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    options.threads = 2;
    ffwd_device *device = NULL;
    if (ffwd_device_open("cpu", &options, &device, &err) != FFWD_OK ||
        ffwd_engine_create(model, &device, 1, NULL, &engine, &err) != FFWD_OK) {
        return 1;
    }
    const ffwd_status status = run(engine);
    ffwd_engine_destroy(engine);
    ffwd_device_destroy(device);
    return status == FFWD_OK && memcmp(y, expected, ROWS * 2 * sizeof *y) == 0 ? 0 : 2;
}

START_TEST(a_forked_child_is_told) {
    ffwd_device *device = open_cpu(2);
    ffwd_engine *engine = create(device);
    check_run(engine);
    ck_assert_int_eq(in_child(run_in_child, engine), FFWD_ESTATE);
    ck_assert_int_eq(in_child(run_nothing_in_child, engine), FFWD_ESTATE);
    ck_assert_int_eq(in_child(clone_in_child, engine), FFWD_ESTATE);
    ck_assert_int_eq(in_child(limit_in_child, engine), FFWD_ESTATE);
    ck_assert_int_eq(in_child(create_in_child, engine), FFWD_ESTATE);
    ffwd_device_destroy(device);
    if (UNDER_THREAD_SANITIZER || getenv("FFWD_TESTS_EMULATED") != NULL) {
        skip("threads in a forked child, which ThreadSanitizer and QEMU do not allow");
    } else {
        ck_assert_int_eq(in_child(start_afresh, engine), 0);
    }
    check_run(engine);
    ffwd_engine_destroy(engine);
}
END_TEST

/* ------------------------------------------------------------------------------------ devices */

START_TEST(the_cpu_describes_itself) {
    ffwd_device *device = open_cpu(2);
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(device, &info);
    ck_assert_uint_eq(info.struct_size, sizeof info);
    ck_assert_uint_eq(info.type, FFWD_TYPE_CPU);
    ck_assert_str_eq(info.id, "cpu");
    ck_assert_str_eq(info.backend, "cpu");
    ck_assert_str_ne(info.name, "");
    ck_assert_str_eq(info.platform, "");
    ck_assert_str_eq(info.driver, "");
    ck_assert_str_eq(info.refused, "");
    ck_assert_uint_eq(info.threads, 2);
    ck_assert_uint_eq(info.f64, 1);
    ck_assert_uint_eq(info.shares_memory, 1);
    ck_assert_uint_gt(info.memory_bytes, 0);
    ffwd_device_destroy(device);
    ffwd_device_destroy(NULL);
}
END_TEST

START_TEST(selectors_that_name_no_device) {
    static const struct {
        const char *selector;
        uint32_t threads;
        ffwd_status status;
        const char *message;
    } cases[] = {
        {NULL, 0, FFWD_EARGUMENT, "an empty device selector"},
        {"", 0, FFWD_EARGUMENT, "an empty device selector"},
        {"auto", 0, FFWD_EARGUMENT, "'auto' does not name one device"},
        {"all", 0, FFWD_EARGUMENT, "'all' does not name one device"},
        {"gpu", 2, FFWD_EARGUMENT, "threads is of the CPU path; device gpu has none"},
        {"cpu", 5000, FFWD_EARGUMENT, "5000 threads; at most 4096 are taken"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
        options.threads = cases[i].threads;
        ffwd_device *device = (ffwd_device *)&err;
        expect_failure(ffwd_device_open(cases[i].selector, &options, &device, &err), &err,
                       cases[i].status, cases[i].message);
        ck_assert_ptr_null(device);
    }
}
END_TEST

START_TEST(instruction_sets_can_be_asked_for_and_forced) {
    char known[128] = "unknown instruction set 'mmx', known are", last[32] = "";
    size_t lacking = 0;
    ck_assert_str_eq(ffwd_isa_name(0, NULL), "portable");
    for (size_t i = 0; ffwd_isa_name(i, NULL) != NULL; i++) {
        int available = -1;
        ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
        options.threads = 1;
        options.isa = ffwd_isa_name(i, &available);
        (void)snprintf(known + strlen(known), sizeof known - strlen(known), " %s", options.isa);
        ffwd_device *device = NULL;
        const ffwd_status status = ffwd_device_open("cpu", &options, &device, &err);
        ck_assert_int_eq(status, available ? FFWD_OK : FFWD_EUNSUPPORTED);
        if (available) {
            (void)snprintf(last, sizeof last, "%s", options.isa);
        } else {
            lacking++;
        }
        ffwd_device_destroy(device);
    }
    if (lacking == 0) {
        skip("an instruction set that the machine lacks: it lacks none");
    }
    ffwd_device *device = open_cpu(1);
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(device, &info);
    ck_assert_str_eq(info.isa, last);
    ffwd_device_destroy(device);

    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    options.isa = "mmx";
    expect_failure(ffwd_device_open("cpu", &options, &device, &err), &err, FFWD_EARGUMENT, known);
}
END_TEST

START_TEST(the_list_starts_with_the_cpu) {
    ffwd_device_list *list = NULL;
    expect_ok(ffwd_device_list_create(&list, &err), &err);
    ck_assert_uint_eq(ffwd_device_list_count(list), 1);
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    expect_ok(ffwd_device_list_get(list, 0, &info, &err), &err);
    ck_assert_str_eq(info.id, "cpu");
    ck_assert_str_ne(info.isa, "");
    expect_failure(ffwd_device_list_get(list, 1, &info, &err), &err, FFWD_EARGUMENT,
                   "device 1 of 1");
    ck_assert_msg(strncmp(ffwd_device_list_note(list), "no OpenCL device: ", 18) == 0, "%s",
                  ffwd_device_list_note(list));
    ffwd_device_list_destroy(list);
    ffwd_device_list_destroy(NULL);
}
END_TEST

/* ---------------------------------------------------------------------------------- the build */

START_TEST(versions_agree) {
    char text[32];
    (void)snprintf(text, sizeof text, "%d.%d.%d", FFWD_VERSION_MAJOR, FFWD_VERSION_MINOR,
                   FFWD_VERSION_PATCH);
    ck_assert_str_eq(FFWD_VERSION, text);
    ck_assert_str_eq(ffwd_version(), text);
}
END_TEST

START_TEST(statuses_have_names_and_texts) {
#define CHECK_STATUS(name, value, text)                                                            \
    ck_assert_int_eq(name, value);                                                                 \
    ck_assert_str_eq(ffwd_status_name(name), #name);                                               \
    ck_assert_str_eq(ffwd_status_text(name), text);
    FFWD_STATUS_LIST(CHECK_STATUS)
#undef CHECK_STATUS
    ck_assert_str_eq(ffwd_status_name((ffwd_status)98), "FFWD_?");
    ck_assert_str_eq(ffwd_status_text((ffwd_status)98), "unknown status");
}
END_TEST

START_TEST(errors_of_the_system_are_told_in_words) {
    errno = ENOENT;
    expect_failure(ffwd_fail_errno(&err, "net.npz", "cannot open"), &err, FFWD_EIO,
                   "net.npz: cannot open: No such file or directory");
    ck_assert_int_eq(err.native, ENOENT);
    ck_assert_uint_eq(err.offset, UINT64_MAX);
}
END_TEST

START_TEST(long_messages_are_cut) {
    char name[1000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(ffwd_fail(&err, FFWD_EFORMAT, "%s", name), FFWD_EFORMAT);
    ck_assert_uint_eq(strlen(err.message), sizeof err.message - 1);
    ck_assert_int_eq(ffwd_fail_prefix(&err, FFWD_EFORMAT, "file"), FFWD_EFORMAT);
    ck_assert_uint_eq(strlen(err.message), sizeof err.message - 1);
    ck_assert_int_eq(strncmp(err.message, "file: nnn", 9), 0);
    ck_assert_int_eq(ffwd_fail(NULL, FFWD_EIO, "%s", name), FFWD_EIO);
}
END_TEST

/** Exceptions raised while the library computes are not the caller's, and the caller's stay. */
START_TEST(the_environment_is_given_back) {
    static const int raised[] = {FE_INVALID, FE_DIVBYZERO, FE_OVERFLOW, FE_UNDERFLOW, FE_INEXACT};
    for (size_t before = 0; before < 5; before++) {
        for (size_t during = 0; during < 5; during++) {
            ffwd_fpenv env;
            ck_assert_int_eq(feclearexcept(FE_ALL_EXCEPT), 0);
            ck_assert_int_eq(feraiseexcept(raised[before]), 0);
            ck_assert_int_eq(fesetround(FE_UPWARD), 0);
            const int all = fetestexcept(FE_ALL_EXCEPT);
            ffwd_fpenv_enter(&env);
            ck_assert_int_eq(fegetround(), FE_TONEAREST);
            ck_assert_int_eq(feraiseexcept(raised[during]), 0);
            ffwd_fpenv_leave(&env);
            ck_assert_int_eq(fetestexcept(FE_ALL_EXCEPT), all);
            ck_assert_int_eq(fegetround(), FE_UPWARD);
        }
    }
    ck_assert_int_eq(fesetround(FE_TONEAREST), 0);
}
END_TEST

int main(void) {
    (void)unsetenv("FFWD_DEVICE");
    (void)setenv("FFWD_OPENCL_LIBRARY", "none", 1);
    Suite *suite = suite_create("lifetime");
    TCase *owning = tcase_create("owning");
    tcase_set_timeout(owning, 120);
    tcase_add_checked_fixture(owning, setup, teardown);
    tcase_add_test(owning, an_engine_outlives_the_handles_it_was_made_of);
    tcase_add_test(owning, a_clone_shares_the_packed_weights);
    tcase_add_test(owning, one_thread_is_the_caller_s);
    tcase_add_test(owning, a_forked_child_is_told);
    tcase_add_test(owning, the_environment_is_given_back);
    suite_add_tcase(suite, owning);
    TCase *devices = tcase_create("devices");
    tcase_add_test(devices, the_cpu_describes_itself);
    tcase_add_test(devices, selectors_that_name_no_device);
    tcase_add_test(devices, instruction_sets_can_be_asked_for_and_forced);
    tcase_add_test(devices, the_list_starts_with_the_cpu);
    suite_add_tcase(suite, devices);
    TCase *build = tcase_create("the build");
    tcase_add_test(build, versions_agree);
    tcase_add_test(build, statuses_have_names_and_texts);
    tcase_add_test(build, errors_of_the_system_are_told_in_words);
    tcase_add_test(build, long_messages_are_cut);
    suite_add_tcase(suite, build);
    return suite_main(suite);
}
