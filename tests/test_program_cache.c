// SPDX-License-Identifier: MIT
// Programs, verdicts and rates from process to process: found the second time, and made anew where
// what is there is damaged, another driver's, refused, or computes wrongly.
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "opencl/opencl_device.h"
#include "opencl/opencl_open.h"
#include "opencl/program_cache.h"
#include "support/files.h"
#include "support/opencl_net.h"
#include "support/suite.h"

/** A driver between the device and its own. */
static struct {
    ffwd_opencl_api real;
    int compiled, launched;
    bool fails;           /**< every launch */
    cl_int refusal;       /**< of the next binary, or CL_SUCCESS */
    const void *replaced; /**< what the next binary is instead, or NULL */
    size_t replaced_bytes;
} driver;

static cl_int CL_API_CALL build(cl_program program, cl_uint count, const cl_device_id *ids,
                                const char *options, void(CL_CALLBACK *done)(cl_program, void *),
                                void *user) {
    driver.compiled++;
    return driver.real.clBuildProgram(program, count, ids, options, done, user);
}

static cl_program CL_API_CALL create_with_binary(cl_context context, cl_uint count,
                                                 const cl_device_id *ids, const size_t *bytes,
                                                 const unsigned char **binaries, cl_int *states,
                                                 cl_int *code) {
    *code = driver.refusal;
    driver.refusal = CL_SUCCESS;
    if (*code != CL_SUCCESS) {
        return NULL;
    }
    cl_program program =
        driver.real.clCreateProgramWithBinary(context, count, ids, bytes, binaries, states, code);
    // Its build compiles nothing.
    driver.compiled -= *code == CL_SUCCESS && states[0] == CL_SUCCESS;
    return program;
}

static cl_int CL_API_CALL get_program_info(cl_program program, cl_program_info what, size_t size,
                                           void *value, size_t *used) {
    if (driver.replaced == NULL) {
        return driver.real.clGetProgramInfo(program, what, size, value, used);
    }
    if (what == CL_PROGRAM_BINARY_SIZES) {
        *(size_t *)value = driver.replaced_bytes;
    } else {
        memcpy(*(unsigned char **)value, driver.replaced, driver.replaced_bytes);
    }
    return CL_SUCCESS;
}

/** The first OpenCL device, as another process would open it, with the driver before it; NULL, and
 *  a skip, where there is none. */
static ffwd_opencl_device *open_device(void) {
    ffwd_opencl_device *device = (ffwd_opencl_device *)open_opencl();
    static ffwd_opencl_api api;
    if (device == NULL) {
        return NULL;
    }
    driver.real = *device->cl;
    api = driver.real;
    api.clBuildProgram = build;
    api.clCreateProgramWithBinary = create_with_binary;
    api.clGetProgramInfo = get_program_info;
    device->cl = &api;
    driver.compiled = 0;
    return device;
}

static void close_device(ffwd_opencl_device *device) {
    device->cl = &driver.real;
    ffwd_device_destroy(&device->base);
}

typedef struct tally {
    uint32_t hits, misses, spoilt;
} tally;

static void expect_tally(const ffwd_opencl_device *device, tally expected) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device_describe(&device->base, &info);
    ck_assert_uint_eq(info.cache_hits, expected.hits);
    ck_assert_uint_eq(info.cache_misses, expected.misses);
    ck_assert_uint_eq(info.cache_spoilt, expected.spoilt);
    ck_assert_str_eq(info.cache_note, "");
    ck_assert_str_eq(info.cache, getenv("FFWD_CACHE"));
}

/** Opens a device, checks a network on it, and closes it; false where there is none. */
static bool use_device(int compiled, tally expected) {
    ffwd_opencl_device *device = open_device();
    small_net net;
    if (device == NULL) {
        return false;
    }
    small_net_init(&net, &device->base, FFWD_LAYERED);
    small_net_check(&net);
    ck_assert_int_eq(driver.compiled, compiled);
    expect_tally(device, expected);
    small_net_finish(&net);
    close_device(device);
    return true;
}

/* The probe's verdict, and a program for each of two layers. */
static const tally cold = {0, 3, 0}, warm = {3, 0, 0};

START_TEST(second_start) {
    if (use_device(2, cold)) {
        use_device(0, warm);
        use_device(0, warm);
    }
}
END_TEST

/* In one process, what has been made is not looked for again. */
START_TEST(once_in_a_process) {
    ffwd_opencl_device *device = open_device();
    small_net first, second;
    if (device == NULL) {
        return;
    }
    small_net_init(&first, &device->base, FFWD_LAYERED);
    small_net_init(&second, &device->base, FFWD_LAYERED);
    small_net_check(&second);
    ck_assert_int_eq(driver.compiled, 2);
    expect_tally(device, cold);
    small_net_finish(&first);
    small_net_finish(&second);
    close_device(device);
}
END_TEST

/* What captures is a program of its own, which comes later. */
START_TEST(captures) {
    for (int i = 0; i < 2; i++) {
        ffwd_opencl_device *device = open_device();
        small_net net;
        if (device == NULL) {
            return;
        }
        if (!device->base.ops->has_strategy(&device->base, FFWD_FUSED)) {
            skip("captures of a fused kernel: the device has none");
            close_device(device);
            return;
        }
        small_net_init(&net, &device->base, FFWD_FUSED);
        small_net_check(&net);
        ck_assert_int_eq(driver.compiled, i == 0 ? 2 : 0);
        expect_tally(device, i == 0 ? cold : warm);
        small_net_finish(&net);
        close_device(device);
    }
}
END_TEST

START_TEST(off) {
    ck_assert_int_eq(setenv("FFWD_CACHE", "off", 1), 0);
    ffwd_opencl_device *device = open_device();
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    small_net net;
    if (device == NULL) {
        return;
    }
    small_net_init(&net, &device->base, FFWD_LAYERED);
    ffwd_device_describe(&device->base, &info);
    ck_assert_str_eq(info.cache, "");
    ck_assert_uint_eq(info.cache_hits + info.cache_misses, 0);
    small_net_finish(&net);
    close_device(device);
    ck_assert_uint_eq(count_files(), 0);
}
END_TEST

/* A folder in the device's options comes before the environment's. */
START_TEST(folder_of_the_options) {
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_device *device = NULL;
    options.cache = scratch("other");
    if (ffwd_device_open("opencl", &options, &device, NULL) != FFWD_OK) {
        skip("options of an OpenCL device: there is none");
        return;
    }
    ffwd_device_describe(device, &info);
    ck_assert_str_eq(info.cache, options.cache);
    ck_assert_uint_eq(info.cache_misses, 1);
    ffwd_device_destroy(device);
    ck_assert_int_eq(access(scratch("other"), F_OK), 0);
    ck_assert_int_ne(access(getenv("FFWD_CACHE"), F_OK), 0);
}
END_TEST

/** Calls `act` for each file in the folder; how many there are. */
static size_t each_file(void (*act)(const char *path)) {
    DIR *entries = opendir(getenv("FFWD_CACHE"));
    size_t count = 0;
    ck_assert_ptr_nonnull(entries);
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[1024];
        if (entry->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%.500s/%s", getenv("FFWD_CACHE"), entry->d_name);
            act(path);
            count++;
        }
    }
    (void)closedir(entries);
    return count;
}

static double share; /**< of each file that cut leaves */

static void cut(const char *path) {
    size_t bytes;
    unsigned char *file = get_file(path, &bytes);
    put_file(path, file, (size_t)(share * (double)bytes));
    free(file);
}

static void turn_bit(const char *path) {
    size_t bytes;
    unsigned char *file = get_file(path, &bytes);
    file[(size_t)(share * (double)bytes)] ^= 1;
    put_file(path, file, bytes);
    free(file);
}

START_TEST(damaged_files) {
    static const tally spoilt = {0, 3, 3};
    if (!use_device(2, cold)) {
        return;
    }
    for (share = 0; share < 1; share += 0.0999) {
        ck_assert_uint_eq(each_file(cut), 3);
        use_device(2, spoilt);
        ck_assert_uint_eq(each_file(turn_bit), 3);
        use_device(2, spoilt);
        use_device(0, warm);
    }
}
END_TEST

/** What tells drivers, platforms and devices apart. */
static char *texts_of(ffwd_opencl_device *device, int index) {
    char *const texts[] = {device->name, device->driver, device->version, device->platform_name,
                           device->platform_version};
    return texts[index];
}

START_TEST(another_driver) {
    ffwd_opencl_device *device = NULL;
    ffwd_opencl_recipe recipe;
    if (!use_device(2, cold) || (device = open_device()) == NULL) {
        return;
    }
    ffwd_status status =
        ffwd_opencl_recipe_make(device, "probe.cl", "-D KERNEL=probe_f32", &recipe, NULL);
    ck_assert_int_eq(status, FFWD_OK);
    ck_assert(ffwd_opencl_has_passed(device, &recipe));
    for (int i = 0; i < 5; i++) {
        texts_of(device, i)[0] ^= 1;
        ck_assert(!ffwd_opencl_has_passed(device, &recipe));
        texts_of(device, i)[0] ^= 1;
    }
    (void)snprintf(recipe.options, sizeof recipe.options, "other options");
    ck_assert(!ffwd_opencl_has_passed(device, &recipe));
    expect_tally(device, (tally){2, 6, 0});
    close_device(device);
}
END_TEST

static const cl_int refusals[] = {CL_INVALID_BINARY, CL_INVALID_VALUE, CL_OUT_OF_HOST_MEMORY};

START_TEST(refused_binary) {
    static const tally spoilt = {2, 1, 1};
    if (use_device(2, cold)) {
        driver.refusal = refusals[_i];
        use_device(1, spoilt);
        use_device(0, warm);
    }
}
END_TEST

/* What a driver says is a program, and is none. */
START_TEST(useless_binary) {
    static const tally spoilt = {1, 2, 2};
    static const char text[] = "this is no program";
    driver.replaced = text;
    driver.replaced_bytes = sizeof text;
    if (use_device(2, cold)) {
        driver.replaced = NULL;
        use_device(2, spoilt);
        use_device(0, warm);
    }
}
END_TEST

/** The binary of a kernel of the name that the first layer has, with a sigmoid for its relu. */
static unsigned char *wrong_binary(ffwd_opencl_device *device, const char *definitions,
                                   size_t *bytes) {
    char text[FFWD_OPENCL_DEFINITIONS];
    ffwd_opencl_recipe recipe;
    cl_program program = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    (void)snprintf(text, sizeof text, "%s", definitions);
    char *activation = strstr(text, "ACTIVATION=2");
    ck_assert_ptr_nonnull(activation);
    activation[sizeof "ACTIVATION=" - 1] = '3';
    expect_ok(ffwd_opencl_recipe_make(device, "matmul.cl", text, &recipe, &err), &err);
    expect_ok(ffwd_opencl_compile(device, &recipe, &program, &err), &err);
    ck_assert_int_eq(
        driver.real.clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof *bytes, bytes, NULL),
        CL_SUCCESS);
    unsigned char *binary = malloc(*bytes);
    ck_assert_int_eq(
        driver.real.clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL),
        CL_SUCCESS);
    ffwd_opencl_release_program(device, program);
    return binary;
}

/** The definitions of the first program that is built. */
static char first_definitions[FFWD_OPENCL_DEFINITIONS];

static cl_int CL_API_CALL build_and_note(cl_program program, cl_uint count, const cl_device_id *ids,
                                         const char *options,
                                         void(CL_CALLBACK *done)(cl_program, void *), void *user) {
    if (first_definitions[0] == '\0') {
        (void)snprintf(first_definitions, sizeof first_definitions, "%s", strstr(options, "-D "));
    }
    return driver.real.clBuildProgram(program, count, ids, options, done, user);
}

/* The proof of the kernels finds it out, whatever was found where. */
START_TEST(wrong_program) {
    ffwd_opencl_device *device = open_device();
    small_net net;
    if (device == NULL) {
        return;
    }
    ffwd_opencl_api noting = *device->cl;
    noting.clBuildProgram = build_and_note;
    device->cl = &noting;
    small_net_init(&net, &device->base, FFWD_LAYERED);
    small_net_finish(&net);
    ffwd_opencl_recipe recipe;
    ck_assert_int_eq(ffwd_opencl_recipe_make(device, "matmul.cl", first_definitions, &recipe, NULL),
                     FFWD_OK);
    driver.replaced = wrong_binary(device, first_definitions, &driver.replaced_bytes);
    ffwd_opencl_keep_program(device, &recipe, NULL);
    free(ffwd_unconst(driver.replaced));
    driver.replaced = NULL;
    close_device(device);
    use_device(2, (tally){1, 4, 2}); // both go, and are looked for once more
    use_device(0, warm);
}
END_TEST

static cl_int CL_API_CALL read_wrong(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                     size_t offset, size_t size, void *values, cl_uint waits,
                                     const cl_event *list, cl_event *event) {
    cl_int code = driver.real.clEnqueueReadBuffer(queue, buffer, blocking, offset, size, values,
                                                  waits, list, event);
    ((unsigned char *)values)[0] ^= 1;
    return code;
}

/* A device that does not pass is asked again each time. */
START_TEST(refusal_is_not_kept) {
    ffwd_opencl_device *device = open_device();
    if (device == NULL) {
        return;
    }
    ffwd_opencl_api wrong = *device->cl;
    wrong.clEnqueueReadBuffer = read_wrong;
    device->cl = &wrong;
    ck_assert_int_eq(ffwd_opencl_device_trust(device, FFWD_F64, NULL), FFWD_EUNSUPPORTED);
    close_device(device);
    device = open_device();
    ck_assert_int_eq(ffwd_opencl_device_trust(device, FFWD_F64, NULL), FFWD_OK);
    expect_tally(device, (tally){1, 1, 0});
    close_device(device);
    device = open_device();
    ck_assert_int_eq(ffwd_opencl_device_trust(device, FFWD_F64, NULL), FFWD_OK);
    expect_tally(device, (tally){2, 0, 0});
    close_device(device);
}
END_TEST

static cl_int CL_API_CALL launch(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                 const size_t *offset, const size_t *items, const size_t *group,
                                 cl_uint count, const cl_event *list, cl_event *event) {
    driver.launched++;
    return driver.fails ? CL_INVALID_VALUE
                        : driver.real.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset,
                                                             items, group, count, list, event);
}

/** What another process reckons with, and whether it had to launch anything to know. */
static ffwd_rates ask_rates(uint32_t dtype, bool launched) {
    ffwd_opencl_device *device = open_device();
    ffwd_rates rates;
    ck_assert_ptr_nonnull(device);
    ffwd_opencl_api counting = *device->cl;
    counting.clEnqueueNDRangeKernel = launch;
    device->cl = &counting;
    driver.launched = 0;
    device->base.ops->rates(&device->base, dtype, &rates);
    ck_assert_int_eq(driver.launched > 0, launched);
    close_device(device);
    return rates;
}

static void expect_same(const ffwd_rates *a, const ffwd_rates *b) {
    ck_assert(a->measured && b->measured);
    ck_assert_double_eq(a->launch_ns, b->launch_ns);
    ck_assert_double_eq(a->chunk_ns, b->chunk_ns);
    ck_assert_double_eq(a->flops, b->flops);
    ck_assert_double_eq(a->memory[0].rate, b->memory[0].rate);
    ck_assert_double_eq(a->upload, b->upload);
    ck_assert_double_eq(a->download, b->download);
}

/* A later process measures nothing, unless what it finds is of no use. */
START_TEST(rates_are_kept) {
    const bool copied = _i == 1;
    ck_assert_int_eq(setenv("FFWD_OPENCL_COPY", copied ? "1" : "0", 1), 0);
    ffwd_opencl_device *device = open_device();
    if (device == NULL) {
        return;
    }
    const bool native = device->type == FFWD_TYPE_CPU, far = !device->shares_memory;
    close_device(device);
    const ffwd_rates first = ask_rates(FFWD_F32, true), second = ask_rates(FFWD_F32, false);
    expect_same(&first, &second);
    ck_assert_double_gt(first.launch_ns + first.chunk_ns, 0);
    ck_assert_int_eq(first.flops == 0 && first.memory[0].rate == 0, native);
    ck_assert_int_eq(first.upload > 0 && first.download > 0, far);
    for (share = 0; share < 1; share += 0.333) {
        (void)each_file(turn_bit);
        (void)ask_rates(FFWD_F32, true);
        (void)ask_rates(FFWD_F32, false);
    }
    if (first.flops == 0) { // of f64 there may be none elsewhere
        ck_assert(ask_rates(FFWD_F64, true).measured);
    }
}
END_TEST

START_TEST(rates_are_assumed_where_a_device_fails) {
    ffwd_opencl_device *device = open_device();
    if (device == NULL) {
        return;
    }
    const bool far = !device->shares_memory;
    close_device(device);
    driver.fails = true;
    const ffwd_rates assumed = ask_rates(FFWD_F32, true);
    ck_assert(!assumed.measured);
    ck_assert_double_gt(assumed.launch_ns, 0);
    ck_assert_int_eq(assumed.upload > 0 && assumed.download > 0, far);
    driver.fails = false;
    ck_assert(ask_rates(FFWD_F32, true).measured);
}
END_TEST

static void begin(void) {
    files_begin();
    ck_assert_int_eq(setenv("FFWD_CACHE", scratch("cache"), 1), 0);
}

static Suite *cache_suite(void) {
    Suite *suite = suite_create("program cache");
    TCase *tests = tcase_create("program cache");
    tcase_set_timeout(tests, 300);
    tcase_add_checked_fixture(tests, begin, files_end);
    tcase_add_test(tests, second_start);
    tcase_add_test(tests, once_in_a_process);
    tcase_add_test(tests, captures);
    tcase_add_test(tests, off);
    tcase_add_test(tests, folder_of_the_options);
    tcase_add_test(tests, damaged_files);
    tcase_add_test(tests, another_driver);
    tcase_add_loop_test(tests, refused_binary, 0, sizeof refusals / sizeof refusals[0]);
    tcase_add_test(tests, useless_binary);
    tcase_add_test(tests, wrong_program);
    tcase_add_test(tests, refusal_is_not_kept);
    tcase_add_loop_test(tests, rates_are_kept, 0, 2);
    tcase_add_test(tests, rates_are_assumed_where_a_device_fails);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return suite_main(cache_suite());
}
