// SPDX-License-Identifier: MIT
// The OpenCL device by itself, without an engine: bits against the scalar oracle in chunks and
// little memory, on drivers that are made small, in tiles that no table has, and by the copying
// path.
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/opencl_gather.h"
#include "opencl/opencl_plan.h"
#include "opencl/program.h"
#include "support/nets.h"
#include "support/opencl_net.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { LAYERS_MAX = 7 };

/** One way of placing and feeding a model. */
typedef struct trial {
    uint32_t strategy, dtype;
    uint64_t rows, seed;
    ffwd_request request;
    bool strided, captured;
    uint32_t y_dtype; /**< 0: the model's */
} trial;

/** The kind of device decides over the kernels and their tiles: an entry of the table. */
static void pretend(ffwd_device *device, const char *name) {
    const ffwd_opencl_tiles *tiles;
    for (size_t i = 0; device != NULL && (tiles = ffwd_opencl_tiles_at(i)) != NULL; i++) {
        if (strcmp(tiles->name, name) == 0) {
            ((ffwd_opencl_device *)device)->tiles = tiles;
            ((ffwd_opencl_device *)device)->type = i == 0 ? FFWD_TYPE_CPU : FFWD_TYPE_GPU;
        }
    }
}

/** A view of a dense block, or of one with gaps of three elements behind every row. */
static ffwd_rows view_of(void *data, uint32_t dtype, uint64_t rows, uint64_t cols, bool strided) {
    const int64_t size = (int64_t)ffwd_dtype_size(dtype);
    return (ffwd_rows){.data = data,
                       .dtype = dtype,
                       .rows = rows,
                       .cols = cols,
                       .row_bytes = ((int64_t)cols + (strided ? 3 : 0)) * size,
                       .col_bytes = size};
}

static void *block_for(uint64_t rows, uint64_t cols) {
    return net_alloc(rows * (cols + 3) * sizeof(double));
}

/** Compares a view, as the model's dtype, with dense expected values. */
static void check_view(const ffwd_rows *view, uint32_t dtype, const void *expected,
                       const char *what) {
    const uint64_t count = view->rows * view->cols;
    void *dense = net_alloc(count * ffwd_dtype_size(dtype));
    ffwd_rows_pack(view, dtype, dense);
    net_check_bits(dense, expected, view->rows, view->cols, dtype, what);
    free(dense);
}

/** Runs all rows, chunk by chunk. */
static void run_all(ffwd_placement *placement, const ffwd_chunk *all, size_t layers) {
    ffwd_rows sums[LAYERS_MAX], outputs[LAYERS_MAX];
    ffwd_timing timing = {0};
    ffwd_error err = FFWD_ERROR_INIT;
    for (uint64_t first = 0; first < all->x.rows; first += placement->chunk_rows) {
        const uint64_t left = all->x.rows - first;
        const uint64_t count = left < placement->chunk_rows ? left : placement->chunk_rows;
        for (size_t i = 0; all->sums != NULL && i < layers; i++) {
            sums[i] = ffwd_rows_slice(&all->sums[i], first, count);
            outputs[i] = ffwd_rows_slice(&all->outputs[i], first, count);
            sums[i].data = all->sums[i].data == NULL ? NULL : sums[i].data;
            outputs[i].data = all->outputs[i].data == NULL ? NULL : outputs[i].data;
        }
        const ffwd_chunk chunk = {.x = ffwd_rows_slice(&all->x, first, count),
                                  .y = ffwd_rows_slice(&all->y, first, count),
                                  .sums = all->sums != NULL ? sums : NULL,
                                  .outputs = all->sums != NULL ? outputs : NULL};
        ffwd_status status = placement->device->ops->run_chunk(placement, &chunk, &timing, &err);
        expect_ok(status, &err);
    }
}

static ffwd_placement *prepare(ffwd_device *device, const ffwd_model *model, const trial *t) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_placement *placement = NULL;
    ffwd_request request = t->request;
    request.strategy = t->strategy;
    if (t->strategy == FFWD_FUSED &&
        ffwd_opencl_form_of((ffwd_opencl_device *)device, model) == NULL) {
        request.strategy = FFWD_LAYERED; // too wide for this device's kernels of all layers
    }
    ffwd_status status = device->ops->prepare(device, model, &request, &placement, &err);
    expect_ok(status, &err);
    return placement;
}

/** Runs a prepared model as the trial says and compares everything that comes back. */
static void check_placement(ffwd_placement *placement, const net_shape *shape, const trial *t) {
    const size_t layers = shape->layer_count;
    const uint64_t inputs = shape->widths[0], outputs = shape->widths[layers];
    const uint32_t y_dtype = t->y_dtype != 0 ? t->y_dtype : t->dtype;
    void *expected[2][LAYERS_MAX], *got[2][LAYERS_MAX];
    ffwd_rows captures[2][LAYERS_MAX];
    void *dense = net_values(t->rows * inputs, t->dtype, t->seed, 1);
    void *x = block_for(t->rows, inputs), *y = block_for(t->rows, outputs);
    void *y_expected = block_for(t->rows, outputs);
    for (size_t i = 0; i < layers; i++) {
        for (size_t k = 0; k < 2; k++) {
            const uint64_t cols = shape->widths[i + 1];
            expected[k][i] = block_for(t->rows, cols);
            got[k][i] = block_for(t->rows, cols);
            captures[k][i] = view_of(got[k][i], t->dtype, t->rows, cols, (i + k) % 2 == 0);
        }
    }
    if (layers > 2) {
        captures[0][layers - 1].data = NULL;
    }
    const ffwd_chunk all = {.x = view_of(x, t->dtype, t->rows, inputs, t->strided),
                            .y = view_of(y, y_dtype, t->rows, outputs, t->strided),
                            .sums = t->captured ? captures[0] : NULL,
                            .outputs = t->captured ? captures[1] : NULL};
    char what[320];
    (void)snprintf(what, sizeof what, "%s %s %s, seed %llu", net_shape_text(shape),
                   ffwd_dtype_name(t->dtype), ffwd_strategy_name(t->strategy),
                   (unsigned long long)t->seed);

    ffwd_rows_unpack(&all.x, t->dtype, dense);
    oracle_run(placement->model, t->rows, dense, y_expected, expected[0], expected[1]);
    run_all(placement, &all, layers);
    check_view(&all.y, t->dtype, y_expected, what);
    for (size_t i = 0; i < layers; i++) {
        for (size_t k = 0; k < 2; k++) {
            if (t->captured && captures[k][i].data != NULL) {
                check_view(&captures[k][i], t->dtype, expected[k][i], what);
            }
            free(expected[k][i]);
            free(got[k][i]);
        }
    }
    free(dense);
    free(x);
    free(y);
    free(y_expected);
}

static void check_trial(ffwd_device *device, const net_shape *shape, const trial *t) {
    ffwd_model *model = net_create(shape, t->dtype, t->seed);
    ffwd_placement *placement = prepare(device, model, t);
    check_placement(placement, shape, t);
    device->ops->release(placement);
    ffwd_model_destroy(model);
}

enum { TRIALS = 6 };

/** Strategy and dtype of a loop test with TRIALS rounds. */
static trial trial_of(int round) {
    static const uint32_t strategies[] = {FFWD_CHAIN, FFWD_LAYERED, FFWD_FUSED};
    return (trial){.strategy = strategies[round % 3],
                   .dtype = round / 3 == 0 ? FFWD_F32 : FFWD_F64,
                   .rows = 1,
                   .seed = 1};
}

START_TEST(every_activation_deep) {
    static const uint64_t widths[] = {4, 3, 2, 4, 2, 3};
    ffwd_device *device = open_opencl();
    for (uint32_t n = 0; device != NULL && n < 5; n++) {
        trial t = trial_of(_i);
        net_shape shape = net_shape_of(5, widths, FFWD_IDENTITY, n % 2 == 1);
        for (uint32_t i = 0; i < 5; i++) {
            shape.activations[i] = (n + i) % 5;
        }
        t.rows = 301;
        t.seed = 200 + n;
        t.captured = true;
        t.strided = n % 2 == 0;
        check_trial(device, &shape, &t);
    }
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(chunks_and_expected_rows) {
    static const uint64_t widths[] = {4, 6, 3};
    static const uint64_t chunk_rows[] = {1, 7, 64, 65, 1000};
    ffwd_device *device = open_opencl();
    const net_shape shape = net_shape_of(2, widths, FFWD_TANH, 1);
    for (uint64_t n = 0; device != NULL && n < 5; n++) {
        trial t = trial_of(_i);
        t.rows = 200;
        t.seed = 300 + n;
        t.captured = n % 2 == 0;
        t.request.chunk_rows = chunk_rows[n];
        check_trial(device, &shape, &t);
        t.request.chunk_rows = 0;
        t.request.expected_rows = chunk_rows[n];
        check_trial(device, &shape, &t);
    }
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(bounded_memory) {
    static const uint64_t widths[] = {9, 70, 20, 5};
    ffwd_device *device = open_opencl();
    const net_shape shape = net_shape_of(3, widths, FFWD_RELU, 1);
    for (uint64_t bytes = 1; device != NULL && bytes < 1 << 20; bytes *= 16) {
        trial t = trial_of(_i);
        ffwd_model *model = net_create(&shape, t.dtype, 4);
        t.rows = 150;
        t.request.memory_bytes = bytes;
        ffwd_placement *placement = prepare(device, model, &t);
        ck_assert(placement->chunk_rows == 1 || placement->memory_bytes <= bytes);
        check_placement(placement, &shape, &t);
        device->ops->release(placement);
        ffwd_model_destroy(model);
    }
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(bytes_out) {
    static const uint64_t widths[] = {5, 9, 3};
    ffwd_device *device = open_opencl();
    const net_shape shape = net_shape_of(2, widths, FFWD_STEP, 1);
    trial t = trial_of(_i);
    t.rows = 130;
    t.y_dtype = FFWD_U8;
    if (device != NULL) {
        check_trial(device, &shape, &t);
    }
    ffwd_device_destroy(device);
}
END_TEST

/** What the next tests repeat where the environment changes the device: every second trial of dense
 *  rows without captures, the others of strided ones with them; the other way round where odd. */
static void check_a_few(ffwd_device *device, int odd) {
    static const uint64_t widths[] = {17, 66, 2, 5};
    for (int round = 0; device != NULL && round < TRIALS; round++) {
        trial t = trial_of(round);
        const net_shape shape = net_shape_of(3, widths, FFWD_SIGMOID, round / 2 % 2);
        t.rows = 131;
        t.seed = 400 + (uint64_t)round;
        t.strided = (round + odd) % 2 != 0;
        t.captured = t.strided;
        check_trial(device, &shape, &t);
    }
    ffwd_device_destroy(device);
}

START_TEST(copying_to_a_gpu) {
    ck_assert_int_eq(setenv("FFWD_OPENCL_COPY", "1", 1), 0);
    ffwd_device *device = open_opencl();
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    if (device != NULL) {
        ffwd_device_describe(device, &info);
        ck_assert_uint_eq(info.shares_memory, 0);
    }
    pretend(device, "gpu");
    check_a_few(device, 0);
}
END_TEST

static const char *const group_sizes[] = {"1", "8", "64"};
enum { GROUP_SIZES = sizeof group_sizes / sizeof group_sizes[0] };

START_TEST(small_work_groups) {
    ck_assert_int_eq(setenv("POCL_MAX_WORK_GROUP_SIZE", group_sizes[_i % GROUP_SIZES], 1), 0);
    ffwd_device *device = open_opencl();
    pretend(device, _i < GROUP_SIZES ? "cpu" : "gpu");
    check_a_few(device, _i);
}
END_TEST

/** Values of a row that an operation reads and writes, of the one that has most. */
static uint64_t widest_operation(const net_shape *shape) {
    uint64_t widest = 0;
    for (size_t i = 0; i < shape->layer_count; i++) {
        const uint64_t width = shape->widths[i] + shape->widths[i + 1];
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* Rows an item, places of weights and groups that no entry of the table has together, over rows of
 * whole vectors and of others. */
START_TEST(activations_in_registers) {
    static const size_t items[] = {1, 8, 64};
    static const uint64_t places[][2] = {{1 << 20, 0}, {0, 1 << 20}, {0, 0}};
    static const net_shape shapes[] = {
        {3, {2, 3, 2, 1}, {FFWD_STEP, FFWD_PRELU, FFWD_STEP}, {0}, 0},
        {2, {4, 7, 4}, {FFWD_RELU, FFWD_IDENTITY}, {0}, 1},
        {2, {3, 5, 3}, {FFWD_CLIP, FFWD_TANH}, {0}, 1},
        {2, {8, 5, 12}, {FFWD_SIGMOID, FFWD_RELU}, {0}, 1},
        {3, {7, 7, 9, 6}, {FFWD_LEAKY_RELU, FFWD_RELU, FFWD_PRELU}, {FFWD_AFFINE, 0, 0}, 1},
        {3, {9, 16, 5, 1}, {FFWD_RELU, FFWD_RELU, 0}, {0, 0, FFWD_ARGMAX}, 0},
    };
    enum { SHAPES = sizeof shapes / sizeof shapes[0] };
    const net_shape *shape = &shapes[_i % SHAPES];
    const uint64_t *place = places[_i / SHAPES];
    ffwd_device *device = open_opencl();
    pretend(device, "gpu");
    for (int n = 0; device != NULL && n < 3; n++) {
        ffwd_opencl_device *opencl = (ffwd_opencl_device *)device;
        ffwd_opencl_tiles tiles = *opencl->tiles;
        trial t = trial_of(2 + 3 * ((n + _i) % 2));
        const size_t rows = (size_t)1 << (n + _i) % 3;
        const uint64_t words = rows * widest_operation(shape) * ffwd_dtype_size(t.dtype) / 4;
        tiles.registers =
            (ffwd_opencl_registers_tile){items[n], (uint32_t)words, place[0], place[1]};
        opencl->tiles = &tiles;
        t.rows = items[n] * rows * 2 + (uint64_t)_i % 3 - 1;
        t.seed = 500 + (uint64_t)n;
        t.captured = n == 1;
        t.strided = (n + _i) % 4 == 3;
        check_trial(device, shape, &t);
    }
    ffwd_device_destroy(device);
}
END_TEST

/* Work-groups of one item to more than the table's, over networks too wide for registers. */
START_TEST(activations_in_local_memory) {
    static const size_t items[] = {1, 8, 64, 256};
    static const net_shape shapes[] = {
        {2, {40, 33, 7}, {FFWD_RELU, FFWD_TANH}, {0}, 1},
        {3, {17, 128, 66, 12}, {FFWD_SIGMOID, FFWD_PRELU, FFWD_STEP}, {0}, 0},
        {3, {64, 64, 65, 1}, {FFWD_RELU, FFWD_CLIP, FFWD_IDENTITY}, {0}, 1},
        {3, {37, 37, 41, 41}, {FFWD_PRELU, FFWD_RELU, 0}, {FFWD_AFFINE, 0, FFWD_SOFTMAX}, 1},
        {2, {100, 68, 1}, {FFWD_LEAKY_RELU, 0}, {0, FFWD_ARGMAX}, 1},
    };
    enum { SHAPES = sizeof shapes / sizeof shapes[0] };
    static const uint64_t rows[] = {1, 3, 31, 64, 131};
    ffwd_device *device = open_opencl();
    pretend(device, "gpu");
    for (int n = 0; device != NULL && n < SHAPES; n++) {
        ffwd_opencl_device *opencl = (ffwd_opencl_device *)device;
        ffwd_opencl_tiles tiles = *opencl->tiles;
        trial t = trial_of(2 + 3 * ((n + _i) % 2));
        tiles.rowtile_items = items[_i];
        opencl->tiles = &tiles;
        t.rows = rows[(n + _i) % 5];
        t.seed = 600 + (uint64_t)n;
        t.captured = (n + _i / 2) % 2 == 0;
        t.strided = (n + _i) % 4 == 3;
        check_trial(device, &shapes[n], &t);
    }
    ffwd_device_destroy(device);
}
END_TEST

START_TEST(two_devices) {
    ck_assert_int_eq(setenv("POCL_DEVICES", "basic pthread", 1), 0);
    check_a_few(open_opencl(), 1);
}
END_TEST

typedef struct clone_run {
    ffwd_placement *placement;
    const net_shape *shape;
    trial t;
} clone_run;

static void *run_clone(void *user) {
    const clone_run *run = user;
    for (int i = 0; i < 5; i++) {
        check_placement(run->placement, run->shape, &run->t);
    }
    return NULL;
}

START_TEST(clones_on_threads) {
    static const uint64_t widths[] = {6, 33, 4};
    ffwd_device *device = open_opencl();
    if (device == NULL) {
        return;
    }
    const net_shape shape = net_shape_of(2, widths, FFWD_RELU, 1);
    trial t = trial_of(_i);
    t.rows = 500;
    ffwd_model *model = net_create(&shape, t.dtype, 7);
    ffwd_placement *original = prepare(device, model, &t);
    clone_run runs[3];
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        runs[i] = (clone_run){NULL, &shape, t};
        ck_assert_int_eq(device->ops->clone(original, &runs[i].placement, NULL), FFWD_OK);
        ck_assert_uint_eq(runs[i].placement->chunk_rows, original->chunk_rows);
    }
    device->ops->release(original);
    ffwd_device_destroy(device);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_clone, &runs[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        runs[i].placement->device->ops->release(runs[i].placement);
    }
    ffwd_model_destroy(model);
}
END_TEST

START_TEST(plan_and_times) {
    static const uint64_t widths[] = {2, 3, 2, 1};
    static const char *const chain[] = {"matmul_f32", "step_f32"};
    ffwd_device *device = open_opencl();
    if (device == NULL) {
        return;
    }
    const net_shape shape = net_shape_of(3, widths, FFWD_STEP, 0);
    ffwd_model *model = net_create(&shape, FFWD_F32, 1);
    static const char *const kernels[] = {"matmul_f32", "matmul_step_f32", "rowblock_f32"};
    for (int round = 0; round < 3; round++) {
        static const size_t stage_counts[] = {6, 3, 1};
        trial t = trial_of(round);
        t.rows = 1000;
        t.request.chunk_rows = 300;
        ffwd_placement *placement = prepare(device, model, &t);
        ck_assert_uint_eq(placement->stage_count, stage_counts[round]);
        check_placement(placement, &shape, &t);
        for (size_t i = 0; i < placement->stage_count; i++) {
            const ffwd_plan_stage *stage = &placement->stages[i];
            ck_assert_str_eq(stage->kernel, round == 0 ? chain[i % 2] : kernels[round]);
            ck_assert_uint_eq(stage->first_layer, round == 0 ? i / 2 : i);
            ck_assert_uint_eq(stage->layer_count, round == 2 ? 3 : 1);
            ck_assert_uint_eq(stage->launches, 4);
        }
        device->ops->release(placement);
    }
    ffwd_model_destroy(model);
    ffwd_device_destroy(device);
}
END_TEST

/* No kernel takes long, also on a slow GPU: 50 GFLOP/s, a sixteenth for float64. */
START_TEST(launches_end_soon) {
    static const uint64_t widths[] = {1024, 1024};
    static const uint64_t expected[] = {5888, 256};
    const net_shape shape = net_shape_of(1, widths, FFWD_RELU, 0);
    ffwd_device *device = open_opencl();
    pretend(device, "gpu");
    for (int n = 0; device != NULL && n < 2; n++) {
        trial t = trial_of((int)n * 3 + 1);
        ffwd_model *model = net_create(&shape, t.dtype, 1);
        ffwd_placement *placement = prepare(device, model, &t);
        ck_assert_uint_eq(placement->chunk_rows, expected[n]);
        device->ops->release(placement);
        ffwd_model_destroy(model);
    }
    ffwd_device_destroy(device);
}
END_TEST

/* A GPU's limit, measured on whatever device there is. */
START_TEST(limit_of_a_device) {
    static const uint64_t widths[] = {3, 8, 1};
    ck_assert_int_eq(setenv("FFWD_OPENCL_COPY", "1", 1), 0);
    ffwd_device *device = open_opencl();
    if (device == NULL) {
        return;
    }
    trial t = trial_of(_i);
    const net_shape shape = net_shape_of(2, widths, FFWD_RELU, 0);
    ffwd_model *model = net_create(&shape, t.dtype, 1);
    ffwd_placement *placement = prepare(device, model, &t);
    void *x = block_for(5000, 3), *y = block_for(5000, 1);
    const ffwd_rows x_rows = view_of(x, t.dtype, 5000, 3, false);
    const ffwd_rows y_rows = view_of(y, t.dtype, 5000, 1, false);
    ffwd_limit limit = FFWD_LIMIT_INIT;
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_status status = ffwd_opencl_limit(placement, &x_rows, &y_rows, &limit, &err);
    expect_ok(status, &err);
    ck_assert_uint_eq(limit.stream_bytes, (5000 * 4 + 32) * ffwd_dtype_size(t.dtype));
    ck_assert_uint_gt(limit.stream_ns, 0);
    ck_assert_uint_gt(limit.transfer_ns, 0);
    ck_assert(limit.fma_gflops > 0);
    device->ops->release(placement);
    ffwd_model_destroy(model);
    ffwd_device_destroy(device);
    free(x);
    free(y);
}
END_TEST

/** Every kernel in small shapes, for an interpreter that watches them. One model a process:
 *  oclgrind 21.10 takes a second one's buffers for uninitialised. */
START_TEST(kernels_in_small_shapes) {
    static const uint64_t narrow[] = {19, 5, 2}, wide[] = {45, 21, 2};
    static const char *const kinds[] = {"gpu", "cpu", "nvidia", "cpu", "amd"};
    const uint32_t n = (uint32_t)_i / TRIALS;
    ffwd_device *device = open_opencl();
    if (device == NULL) {
        return;
    }
    trial t = trial_of(_i % TRIALS);
    const net_shape shape = net_shape_of(2, n == 2 ? wide : narrow, n, n % 2 == 0);
    pretend(device, kinds[n]);
    t.rows = 9;
    t.request.expected_rows = t.rows;
    t.captured = n == 1;
    t.strided = n == 2;
    check_trial(device, &shape, &t);
    ffwd_device_destroy(device);
}
END_TEST

/** The kernels that gather and scatter rows prove themselves, in groups of every size. */
START_TEST(gathers_in_small_shapes) {
    static const uint32_t dtypes[][2] = {{FFWD_F32, FFWD_F32}, {FFWD_F32, FFWD_F64},
                                         {FFWD_F32, FFWD_U8},  {FFWD_F64, FFWD_F32},
                                         {FFWD_F64, FFWD_F64}, {FFWD_F64, FFWD_U8}};
    static const size_t group_items[] = {256, 64, 6, 1};
    const uint32_t *pair = dtypes[_i / FFWD_WAYS];
    ffwd_opencl_device *device = (ffwd_opencl_device *)open_opencl();
    ffwd_error err = FFWD_ERROR_INIT;
    cl_command_queue queue = NULL;
    if (device == NULL) {
        return;
    }
    if ((pair[0] == FFWD_F64 || pair[1] == FFWD_F64) && !device->has_f64) {
        skip("%s has no float64", device->name);
        ffwd_device_destroy(&device->base);
        return;
    }
    expect_ok(ffwd_opencl_queue(device, &queue, &err), &err);
    for (size_t i = 0; i < sizeof group_items / sizeof *group_items; i++) {
        ffwd_opencl_gather gather = {0};
        device->group_items = group_items[i];
        expect_ok(ffwd_opencl_gather_make(device, queue, (ffwd_opencl_way)(_i % FFWD_WAYS), pair[0],
                                          pair[1], &gather, &err),
                  &err);
        ffwd_opencl_gather_end(&gather);
    }
    ffwd_opencl_release_queue(device, queue);
    ffwd_device_destroy(&device->base);
}
END_TEST

enum { ITEMS = 4, READS = 11, WRITES = 7, STEPS = 5, CHAINS = 3 };

/** Launches a kernel of limit.cl over ITEMS items and reads `bytes` of a result back. */
static void run_limit_kernel(ffwd_opencl_device *device, const char *name,
                             const ffwd_opencl_argument *arguments, cl_mem result, size_t bytes,
                             void *values) {
    const size_t items = ITEMS;
    char definitions[64];
    cl_program program = NULL;
    cl_kernel kernel = NULL;
    cl_command_queue queue = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    (void)snprintf(definitions, sizeof definitions, "-D CHAINS=%d", CHAINS);
    expect_ok(ffwd_opencl_build(device, "limit.cl", definitions, &program, &err), &err);
    expect_ok(ffwd_opencl_kernel(device, program, name, &kernel, &err), &err);
    expect_ok(ffwd_opencl_queue(device, &queue, &err), &err);
    expect_ok(ffwd_opencl_set_arguments(device, kernel, name, arguments, 4, &err), &err);
    ck_assert_int_eq(
        device->cl->clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &items, &items, 0, NULL, NULL),
        CL_SUCCESS);
    ck_assert_int_eq(
        device->cl->clEnqueueReadBuffer(queue, result, CL_TRUE, 0, bytes, values, 0, NULL, NULL),
        CL_SUCCESS);
    ffwd_opencl_release_queue(device, queue);
    ffwd_opencl_release_kernel(device, kernel);
}

/** What item i of the stream kernel has read so far is what it writes. */
static void check_stream(ffwd_opencl_device *device) {
    const cl_ulong reads = READS, writes = WRITES;
    uint32_t from[READS][4], to[WRITES][4];
    cl_mem from_buffer = NULL, to_buffer = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    for (uint32_t e = 0; e < READS * 4; e++) {
        from[e / 4][e % 4] = 1u << (e % 31);
    }
    expect_ok(ffwd_opencl_buffer(device, CL_MEM_READ_ONLY, sizeof from, from, &from_buffer, &err),
              &err);
    expect_ok(ffwd_opencl_buffer(device, CL_MEM_WRITE_ONLY, sizeof to, NULL, &to_buffer, &err),
              &err);
    const ffwd_opencl_argument arguments[] = {{sizeof(cl_mem), &from_buffer},
                                              {sizeof reads, &reads},
                                              {sizeof(cl_mem), &to_buffer},
                                              {sizeof writes, &writes}};
    run_limit_kernel(device, "stream", arguments, to_buffer, sizeof to, to);
    for (size_t e = 0; e < WRITES; e++) {
        for (size_t c = 0; c < 4; c++) {
            const uint32_t before = e >= ITEMS ? to[e - ITEMS][c] : 0;
            ck_assert_uint_eq(to[e][c], before ^ from[e][c]);
        }
    }
    ffwd_opencl_release_buffer(device, from_buffer);
    ffwd_opencl_release_buffer(device, to_buffer);
}

static void check_fma_rate(ffwd_opencl_device *device) {
    const float factor = 0.75f, addend = 0.5f;
    const cl_uint steps = STEPS;
    float results[ITEMS];
    cl_mem buffer = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    expect_ok(ffwd_opencl_buffer(device, CL_MEM_WRITE_ONLY, sizeof results, NULL, &buffer, &err),
              &err);
    const ffwd_opencl_argument arguments[] = {{sizeof(cl_mem), &buffer},
                                              {sizeof factor, &factor},
                                              {sizeof addend, &addend},
                                              {sizeof steps, &steps}};
    run_limit_kernel(device, "fma_rate_f32", arguments, buffer, sizeof results, results);
    for (int i = 0; i < ITEMS; i++) {
        float sum = 0;
        for (int c = 0; c < CHAINS; c++) {
            float chain = (float)(i + c);
            for (int s = 0; s < STEPS; s++) {
                chain = fmaf(chain, factor, addend);
            }
            sum += chain;
        }
        ck_assert_float_eq(results[i], sum);
    }
    ffwd_opencl_release_buffer(device, buffer);
}

START_TEST(limit_kernels_in_small_shapes) {
    ffwd_device *device = open_opencl();
    if (device != NULL) {
        check_stream((ffwd_opencl_device *)device);
        check_fma_rate((ffwd_opencl_device *)device);
    }
    ffwd_device_destroy(device);
}
END_TEST

static Suite *opencl_suite(void) {
    Suite *suite = suite_create("opencl");
    TCase *bits = tcase_create("bits");
    tcase_set_timeout(bits, 300);
    tcase_add_loop_test(bits, every_activation_deep, 0, TRIALS);
    tcase_add_loop_test(bits, chunks_and_expected_rows, 0, TRIALS);
    tcase_add_loop_test(bits, bounded_memory, 0, TRIALS);
    tcase_add_loop_test(bits, bytes_out, 0, TRIALS);
    tcase_add_loop_test(bits, clones_on_threads, 0, TRIALS);
    tcase_add_test(bits, plan_and_times);
    tcase_add_test(bits, launches_end_soon);
    suite_add_tcase(suite, bits);

    TCase *devices = tcase_create("devices");
    tcase_set_timeout(devices, 300);
    tcase_add_test(devices, copying_to_a_gpu);
    tcase_add_loop_test(devices, small_work_groups, 0, 2 * GROUP_SIZES);
    tcase_add_loop_test(devices, activations_in_registers, 0, 3 * 6);
    tcase_add_loop_test(devices, activations_in_local_memory, 0, 4);
    tcase_add_test(devices, two_devices);
    tcase_add_loop_test(devices, limit_of_a_device, 0, TRIALS);
    suite_add_tcase(suite, devices);

    TCase *kernels = tcase_create("kernels");
    tcase_set_timeout(kernels, 300);
    tcase_add_loop_test(kernels, kernels_in_small_shapes, 0, 5 * TRIALS);
    tcase_add_loop_test(kernels, gathers_in_small_shapes, 0, 6 * FFWD_WAYS);
    tcase_add_test(kernels, limit_kernels_in_small_shapes);
    suite_add_tcase(suite, kernels);
    return suite;
}

int main(void) {
    return suite_main(opencl_suite());
}
