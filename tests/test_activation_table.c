// SPDX-License-Identifier: MIT
// Every activation alone, on every instruction set and on OpenCL: hashes of what it makes of a
// sample of arguments and, with FFWD_LONG set, of all 2^32 of float32, whose errors and falls are
// then measured, too. All must be as docs/arithmetic.md lists them.
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "support/nets.h"
#include "support/suite.h"

#define HEAD "<!-- figures activations -->"

enum { CHUNK = 1 << 22, SAMPLE = 1 << 18, PATHS_MAX = 8, ROW_MAX = 256 };

/* -------------------------------------------------------------------------------------- paths */

/** Instruction sets, then NULL for OpenCL. */
static const char *isas[PATHS_MAX];
static int path_count;

__attribute__((constructor)) static void collect_paths(void) {
    const char *isa;
    for (size_t i = 0; path_count < PATHS_MAX - 1 && (isa = ffwd_isa_name(i, NULL)) != NULL; i++) {
        isas[path_count++] = isa;
    }
    isas[path_count++] = NULL;
}

/** NULL, and the test is skipped, where the machine lacks it. */
static ffwd_device *open_path(const char *isa, const char *word) {
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    options.isa = isa;
    ffwd_device *device = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_status status = ffwd_device_open(isa != NULL ? "cpu" : "opencl", &options, &device, &err);
    if (status != FFWD_OK) {
        ck_assert_msg(status == FFWD_EUNSUPPORTED || status == FFWD_ENODEVICE, "%s", err.message);
        if (isa == NULL) {
            expect_no_opencl(err.message);
        }
        skip("%s: %s", word, err.message);
    }
    return device;
}

/** As float32 has it. Volatile, because GCC 12 leaves two such roundings side by side out. */
static double rounded(double value) {
    const volatile float kept = (float)value;
    return (double)kept;
}

/** A model of nothing but an activation of one value, its parameters those of its bare word as
 *  float32 has them; of a prelu the slope is that of PyTorch. */
static ffwd_model *alone(uint32_t activation, uint32_t dtype) {
    const float slope_f32 = 0.25f;
    const double slope_f64 = 0.25;
    ffwd_operation operation = {0};
    ffwd_model *model = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(
        ffwd_operation_parse(ffwd_activation_name(activation), sizeof operation, &operation, &err),
        &err);
    operation.kind = FFWD_AFFINE;
    operation.inputs = operation.neurons = 1;
    operation.alpha = rounded(operation.alpha);
    operation.beta = rounded(operation.beta);
    if (activation == FFWD_PRELU) {
        operation.slopes = dtype == FFWD_F64 ? (const void *)&slope_f64 : &slope_f32;
    }
    expect_ok(ffwd_model_create(dtype, 1, &operation, 1, sizeof operation, &model, &err), &err);
    return model;
}

static ffwd_engine *engine_of(ffwd_device *device, uint32_t activation, uint32_t dtype) {
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    options.no_fallback = 1;
    ffwd_model *model = alone(activation, dtype);
    ffwd_engine *engine = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(ffwd_engine_create(model, &device, 1, &options, &engine, &err), &err);
    ffwd_model_destroy(model);
    return engine;
}

static void run(ffwd_engine *engine, uint64_t rows, const void *x, uint32_t x_dtype, void *y,
                uint32_t y_dtype) {
    const ffwd_input input = net_input(x, x_dtype, rows, 1);
    const ffwd_output output = net_output(y, y_dtype, rows, 1);
    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(ffwd_engine_run(engine, &input, &output, NULL, NULL, &err), &err);
}

/* ------------------------------------------------------------------------------------- hashes */

static XXH3_state_t *hash_start(void) {
    XXH3_state_t *state = XXH3_createState();
    ck_assert_ptr_nonnull(state);
    ck_assert_int_eq(XXH3_64bits_reset(state), XXH_OK);
    return state;
}

static uint64_t hash_end(XXH3_state_t *state) {
    const uint64_t hash = XXH3_64bits_digest(state);
    (void)XXH3_freeState(state);
    return hash;
}

/** Of SAMPLE bit patterns of a dtype, (2^bits / SAMPLE + 1) i. */
static uint64_t hash_of_sample(ffwd_device *device, uint32_t activation, uint32_t dtype) {
    ffwd_engine *engine = engine_of(device, activation, dtype);
    const size_t bytes = SAMPLE * ffwd_dtype_size(dtype);
    uint32_t *x32 = net_alloc(bytes);
    uint64_t *x64 = (void *)x32;
    void *y = net_alloc(bytes);
    for (uint64_t i = 0; i < SAMPLE; i++) {
        if (dtype == FFWD_F32) {
            x32[i] = (uint32_t)(((1ull << 32) / SAMPLE + 1) * i);
        } else {
            x64[i] = ((1ull << 63) / SAMPLE * 2 + 1) * i;
        }
    }
    run(engine, SAMPLE, x32, dtype, y, dtype);
    const uint64_t hash = XXH3_64bits(y, bytes);
    free(x32);
    free(y);
    ffwd_engine_destroy(engine);
    return hash;
}

static void fill_arguments(uint64_t first, uint32_t *x) {
    for (uint64_t i = 0; i < CHUNK; i++) {
        x[i] = (uint32_t)(first + i);
    }
}

/** Of all bit patterns of float32. */
static uint64_t hash_of_all(ffwd_device *device, uint32_t activation) {
    ffwd_engine *engine = engine_of(device, activation, FFWD_F32);
    uint32_t *x = net_alloc(CHUNK * sizeof *x);
    float *y = net_alloc(CHUNK * sizeof *y);
    XXH3_state_t *state = hash_start();
    for (uint64_t first = 0; first <= UINT32_MAX; first += CHUNK) {
        fill_arguments(first, x);
        run(engine, CHUNK, x, FFWD_F32, y, FFWD_F32);
        ck_assert_int_eq(XXH3_64bits_update(state, y, CHUNK * sizeof *y), XXH_OK);
    }
    free(x);
    free(y);
    ffwd_engine_destroy(engine);
    return hash_end(state);
}

/* ------------------------------------------------------------------------------------- errors */

typedef struct measured {
    double error; /**< in ulp */
    float where;
    uint64_t falls;
    float zero, last; /**< of +0, of the argument before */
    uint64_t hash;
} measured;

/** One unit of the last place of float32 at a value. */
static double ulp(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint64_t exponent = bits >> 52 & 0x7ff, least = 1023 - 126;
    bits = ((exponent < least ? least : exponent) - 23) << 52;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/** Arguments whose bits follow one another: from +0 to NaN, then from -0 to NaN. */
static void measure(const float *z, const float *y, const double *right, measured *found) {
    for (uint64_t i = 0; i < CHUNK; i++) {
        if (isnan(z[i])) {
            continue;
        }
        const bool negative = signbit(z[i]) != 0;
        if (z[i] == 0 && !negative) {
            found->zero = y[i];
        } else if (z[i] == 0) {
            found->falls += !(y[i] <= found->zero);
        } else {
            found->falls += negative ? !(y[i] <= found->last) : !(y[i] >= found->last);
        }
        found->last = y[i];
        const bool infinite = isinf(y[i]) && (float)right[i] == y[i];
        const double error = infinite ? 0 : fabs((double)y[i] - right[i]) / ulp(right[i]);
        if (!(error <= found->error)) {
            found->error = error;
            found->where = z[i];
        }
    }
}

/** Of float32 over all arguments, against the same activation in float64. */
static measured measure_all(ffwd_device *device, uint32_t activation) {
    ffwd_engine *engine = engine_of(device, activation, FFWD_F32);
    ffwd_engine *reference = engine_of(device, activation, FFWD_F64);
    uint32_t *x = net_alloc(CHUNK * sizeof *x);
    float *y = net_alloc(CHUNK * sizeof *y);
    double *right = net_alloc(CHUNK * sizeof *right);
    measured found = {0};
    XXH3_state_t *state = hash_start();
    for (uint64_t first = 0; first <= UINT32_MAX; first += CHUNK) {
        fill_arguments(first, x);
        run(engine, CHUNK, x, FFWD_F32, y, FFWD_F32);
        run(reference, CHUNK, x, FFWD_F32, right, FFWD_F64);
        measure((const float *)(const void *)x, y, right, &found);
        ck_assert_int_eq(XXH3_64bits_update(state, y, CHUNK * sizeof *y), XXH_OK);
    }
    found.hash = hash_end(state);
    free(x);
    free(y);
    free(right);
    ffwd_engine_destroy(engine);
    ffwd_engine_destroy(reference);
    return found;
}

/* -------------------------------------------------------------------------------------- table */

/** What the documents say of an activation: the row, and its hashes. */
typedef struct listed {
    char row[ROW_MAX];
    uint64_t all, sample_f32, sample_f64;
} listed;

static listed listed_of(uint32_t activation) {
    listed found = {0};
    char start[64];
    char line[ROW_MAX];
    FILE *file = fopen(TEST_DOCS "/arithmetic.md", "r");
    ck_assert_ptr_nonnull(file);
    const int length = snprintf(start, sizeof start, "| %s |", ffwd_activation_name(activation));
    bool in_table = false;
    while (fgets(line, sizeof line, file) != NULL) {
        in_table = in_table || strncmp(line, HEAD, strlen(HEAD)) == 0;
        if (in_table && strncmp(line, start, (size_t)length) == 0) {
            line[strcspn(line, "\n")] = '\0';
            memcpy(found.row, line, sizeof found.row);
            const char *hashes = strchr(line, '`');
            (void)sscanf(hashes != NULL ? hashes : "",
                         "`%" SCNx64 "` | `%" SCNx64 "` | `%" SCNx64 "`", &found.all,
                         &found.sample_f32, &found.sample_f64);
            break;
        }
    }
    (void)fclose(file);
    return found;
}

/** A test of an activation on a path, from Check's number of a loop. */
#define ACTIVATION(i) net_activations[(i) / path_count]
#define ISA(i)        isas[(i) % path_count]

static const char *text_of(int i) {
    static char text[96];
    (void)snprintf(text, sizeof text, "%s on %s", ffwd_activation_name(ACTIVATION(i)),
                   ISA(i) != NULL ? ISA(i) : "opencl");
    return text;
}

static void check_hash(int i, const char *what, uint64_t hash, uint64_t expected) {
    ck_assert_msg(hash == expected,
                  "%s, %s: %016" PRIx64 ", but docs/arithmetic.md has %016" PRIx64, text_of(i),
                  what, hash, expected);
}

START_TEST(hashes_of_a_sample) {
    ffwd_device *device = open_path(ISA(_i), text_of(_i));
    const listed expected = listed_of(ACTIVATION(_i));
    if (device != NULL) {
        check_hash(_i, "a sample", hash_of_sample(device, ACTIVATION(_i), FFWD_F32),
                   expected.sample_f32);
        check_hash(_i, "a sample of float64", hash_of_sample(device, ACTIVATION(_i), FFWD_F64),
                   expected.sample_f64);
    }
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(hash_of_every_argument) {
    if (getenv("FFWD_LONG") == NULL) {
        skip("%s, all 2^32 arguments: FFWD_LONG is not set", text_of(_i));
        return;
    }
    ffwd_device *device = open_path(ISA(_i), text_of(_i));
    if (device != NULL) {
        check_hash(_i, "all 2^32 arguments", hash_of_all(device, ACTIVATION(_i)),
                   listed_of(ACTIVATION(_i)).all);
    }
    ffwd_device_destroy(device);
}
END_TEST

/** The row of the table, by the best instruction set. */
START_TEST(row_of_the_table) {
    const uint32_t activation = net_activations[_i];
    const char *word = ffwd_activation_name(activation);
    if (getenv("FFWD_LONG") == NULL) {
        skip("%s, errors of all 2^32 arguments: FFWD_LONG is not set", word);
        return;
    }
    ffwd_device *device = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(ffwd_device_open("cpu", NULL, &device, &err), &err);
    const measured found = measure_all(device, activation);
    char row[ROW_MAX], where[32] = "";
    if (found.error > 0) {
        (void)snprintf(where, sizeof where, "%.9g", (double)found.where);
    }
    (void)snprintf(
        row, sizeof row,
        "| %s | %.4f | %s | %s | `%016" PRIx64 "` | `%016" PRIx64 "` | `%016" PRIx64 "` |", word,
        found.error, where, found.falls == 0 ? "yes" : "no", found.hash,
        hash_of_sample(device, activation, FFWD_F32), hash_of_sample(device, activation, FFWD_F64));
    ffwd_device_destroy(device);
    figure("activations", "%s", row);
    ck_assert_str_eq(row, listed_of(activation).row);
}
END_TEST

/** One case for each activation, so that CK_RUN_CASE=tanh is all there is of it. */
int main(void) {
    Suite *suite = suite_create("activation table");
    for (int i = 0; i < (int)net_activation_count; i++) {
        TCase *tcase = tcase_create(ffwd_activation_name(net_activations[i]));
        tcase_set_timeout(tcase, getenv("FFWD_LONG") != NULL ? 3600 : 120);
        tcase_add_loop_test(tcase, hashes_of_a_sample, i * path_count, (i + 1) * path_count);
        tcase_add_loop_test(tcase, hash_of_every_argument, i * path_count, (i + 1) * path_count);
        tcase_add_loop_test(tcase, row_of_the_table, i, i + 1);
        suite_add_tcase(suite, tcase);
    }
    return suite_main(suite);
}
