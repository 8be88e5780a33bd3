// SPDX-License-Identifier: MIT
// Lists the kernels that the library builds for GPUs: plans representative networks on devices that
// are described here and need not exist, and prints every program that a plan has built, as
//
//   tiles <tab> network <tab> dtype <tab> strategy <tab> kernel <tab> work-group <tab> file <tab>
//   options
//
// test_gpu_kernels.py compiles them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/kernel_sources.h"
#include "opencl/opencl_gather.h"
#include "opencl/opencl_plan.h"
#include "opencl/program.h"
#include "support/nets.h"

/** A network on a kind of device. */
typedef struct variant {
    net_shape shape;
    uint32_t dtype, strategy;
} variant;

/** The driver that builds nothing. A program is a number of `built`. */
static struct {
    const char *file;
    char options[FFWD_OPENCL_DEFINITIONS + 128];
} built[16];
static size_t built_count;

static const char *file_of(const char *text) {
    const ffwd_kernel_source *source = ffwd_kernel_sources;
    while (source->text != text) {
        source++;
    }
    return source->name;
}

static cl_program CL_API_CALL create_program(cl_context context, cl_uint count, const char **texts,
                                             const size_t *lengths, cl_int *code) {
    (void)context, (void)count, (void)lengths;
    *code = CL_SUCCESS;
    if (built_count == sizeof built / sizeof built[0]) {
        abort();
    }
    built[built_count].file = file_of(texts[0]);
    return (cl_program)&built[built_count++];
}

static cl_int CL_API_CALL build_program(cl_program program, cl_uint count, const cl_device_id *ids,
                                        const char *options,
                                        void(CL_CALLBACK *notify)(cl_program, void *), void *user) {
    (void)program, (void)count, (void)ids, (void)notify, (void)user;
    (void)snprintf(built[built_count - 1].options, sizeof built[0].options, "%s", options);
    return CL_SUCCESS;
}

static cl_kernel CL_API_CALL create_kernel(cl_program program, const char *name, cl_int *code) {
    (void)name;
    *code = CL_SUCCESS;
    return (cl_kernel)program;
}

static cl_int CL_API_CALL kernel_group(cl_kernel kernel, cl_device_id id,
                                       cl_kernel_work_group_info what, size_t size, void *value,
                                       size_t *needed) {
    const size_t items = 256;
    (void)kernel, (void)id, (void)what, (void)size, (void)needed;
    memcpy(value, &items, sizeof items);
    return CL_SUCCESS;
}

static cl_command_queue CL_API_CALL create_queue(cl_context context, cl_device_id id,
                                                 cl_command_queue_properties properties,
                                                 cl_int *code) {
    (void)context, (void)id, (void)properties;
    *code = CL_SUCCESS;
    return (cl_command_queue)built;
}

static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t size,
                                        void *host, cl_int *code) {
    (void)context, (void)flags, (void)size, (void)host;
    *code = CL_SUCCESS;
    return (cl_mem)built;
}

static cl_int CL_API_CALL write_buffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                       size_t offset, size_t size, const void *data, cl_uint count,
                                       const cl_event *list, cl_event *event) {
    (void)queue, (void)buffer, (void)blocking, (void)offset, (void)size, (void)data, (void)count;
    (void)list, (void)event;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL release_buffer(cl_mem buffer) {
    (void)buffer;
    return CL_SUCCESS;
}
static cl_int CL_API_CALL release_kernel(cl_kernel kernel) {
    (void)kernel;
    return CL_SUCCESS;
}
static cl_int CL_API_CALL release_queue(cl_command_queue queue) {
    (void)queue;
    return CL_SUCCESS;
}
static cl_int CL_API_CALL release_program(cl_program program) {
    (void)program;
    return CL_SUCCESS;
}

static const ffwd_opencl_api driver = {
    .clCreateProgramWithSource = create_program,
    .clBuildProgram = build_program,
    .clReleaseProgram = release_program,
    .clCreateKernel = create_kernel,
    .clReleaseKernel = release_kernel,
    .clGetKernelWorkGroupInfo = kernel_group,
    .clCreateCommandQueue = create_queue,
    .clReleaseCommandQueue = release_queue,
    .clCreateBuffer = create_buffer,
    .clReleaseMemObject = release_buffer,
    .clEnqueueWriteBuffer = write_buffer,
};

/** What both kinds of GPU have at least: 48 KiB of local memory, groups of 256. */
static void describe(ffwd_opencl_device *device, const ffwd_opencl_tiles *tiles) {
    *device = (ffwd_opencl_device){.cl = &driver,
                                   .type = FFWD_TYPE_GPU,
                                   .tiles = tiles,
                                   .compute_units = 60,
                                   .memory_bytes = UINT64_C(8) << 30,
                                   .buffer_bytes = UINT64_C(1) << 30,
                                   .local_bytes = 48 << 10,
                                   .group_items = 256,
                                   .rows_alignment = 128,
                                   .exact_division = true,
                                   .has_f64 = true};
    ffwd_device_init(&device->base, NULL);
    (void)snprintf(device->name, sizeof device->name, "%s", tiles->name);
    (void)pthread_mutex_init(&device->programs_mutex, NULL);
}

/** The text in options behind "NAME=", up to the next space; 1 where there is none. */
static unsigned long number_in(const char *options, const char *name) {
    const char *at = strstr(options, name);
    return at != NULL ? strtoul(at + strlen(name), NULL, 10) : 1;
}

/** Items of a group: as the kernel is told, or as many as the device has. */
static unsigned long group_of(const char *options) {
    if (strstr(options, "-D ITEMS=") == NULL && strstr(options, "-D WG_ROWS=") == NULL) {
        return 256;
    }
    return number_in(options, "-D ITEMS=") * number_in(options, "-D WG_ROWS=") *
           number_in(options, "-D WG_NEURONS=");
}

static void print_built(const char *network, uint32_t dtype, uint32_t strategy, const char *tiles) {
    for (size_t i = 0; i < built_count; i++) {
        const char *kernel = strstr(built[i].options, "-D KERNEL=") + strlen("-D KERNEL=");
        printf("%s\t%s\t%s\t%s\t%.*s\t%lu\t%s\t%s\n", tiles, network, ffwd_dtype_name(dtype),
               ffwd_strategy_name(strategy), (int)strcspn(kernel, " "), kernel,
               group_of(built[i].options), built[i].file, built[i].options);
    }
    built_count = 0;
}

/** The model, of zeros; ends the program where there is no memory. */
static ffwd_model *model_of(const variant *v) {
    static const double zeros[4096 * 4096];
    ffwd_operation layers[7] = {{0}};
    ffwd_model *model = NULL;
    for (size_t i = 0; i < v->shape.layer_count; i++) {
        layers[i] = (ffwd_operation){.kind = FFWD_DENSE,
                                     .activation = v->shape.activations[i],
                                     .inputs = v->shape.widths[i],
                                     .neurons = v->shape.widths[i + 1],
                                     .weights = zeros,
                                     .bias = zeros};
    }
    if (ffwd_model_create(v->dtype, v->shape.widths[0], layers, v->shape.layer_count,
                          sizeof layers[0], &model, NULL) != FFWD_OK) {
        abort();
    }
    return model;
}

static int plan(const variant *v, const ffwd_opencl_tiles *tiles) {
    static ffwd_opencl_device device;
    const ffwd_request request = {.strategy = v->strategy, .expected_rows = 1000000};
    ffwd_opencl_plan *made = NULL;
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_model *model = model_of(v);
    describe(&device, tiles);
    const ffwd_status status = ffwd_opencl_plan_create(&device, model, &request, &made, &err);
    if (status == FFWD_OK) {
        print_built(net_shape_text(&v->shape), v->dtype, made->strategy, tiles->name);
        ffwd_opencl_plan_release(made);
    } else {
        fprintf(stderr, "%s: %s\n", net_shape_text(&v->shape), err.message);
    }
    ffwd_opencl_programs_destroy(&device);
    (void)pthread_mutex_destroy(&device.programs_mutex);
    ffwd_model_destroy(model);
    return status == FFWD_OK ? 0 : 1;
}

/** The kernels that move rows: strides alone, and the widest of the others. */
static int plan_gathers(const ffwd_opencl_tiles *tiles) {
    static const struct {
        ffwd_opencl_way way;
        uint32_t model, other;
    } moves[] = {{FFWD_WAY_GATHER, FFWD_F32, FFWD_F32},
                 {FFWD_WAY_GATHER, FFWD_F32, FFWD_F64},
                 {FFWD_WAY_SCATTER, FFWD_F32, FFWD_U8}};
    static ffwd_opencl_device device;
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_status status = FFWD_OK;
    describe(&device, tiles);
    for (size_t i = 0; i < sizeof moves / sizeof moves[0] && status == FFWD_OK; i++) {
        ffwd_opencl_gather gather = {0};
        cl_program program = NULL;
        status = ffwd_opencl_gather_build(&device, moves[i].way, moves[i].model, moves[i].other,
                                          &gather, &program, &err);
        print_built("any", moves[i].model, 0, tiles->name);
    }
    ffwd_opencl_programs_destroy(&device);
    (void)pthread_mutex_destroy(&device.programs_mutex);
    return status == FFWD_OK ? 0 : 1;
}

/** The networks that the design sets goals for, in float32, and some of each form in float64. */
int main(void) {
    static const struct {
        size_t layers;
        uint64_t widths[8];
        uint32_t activation, dtype, strategy;
    } nets[] = {
        {3, {2, 3, 2, 1}, FFWD_STEP, FFWD_F32, 0},
        {3, {2, 3, 2, 1}, FFWD_STEP, FFWD_F64, 0},
        {3, {10, 32, 16, 1}, FFWD_RELU, FFWD_F32, 0},
        {2, {8, 16, 8}, FFWD_TANH, FFWD_F32, 0},
        {2, {8, 16, 8}, FFWD_SIGMOID, FFWD_F64, 0},
        {3, {16, 64, 64, 1}, FFWD_RELU, FFWD_F32, 0},
        {3, {16, 64, 64, 1}, FFWD_TANH, FFWD_F32, 0},
        {3, {32, 64, 64, 16}, FFWD_RELU, FFWD_F32, 0},
        {4, {64, 64, 64, 64, 64}, FFWD_RELU, FFWD_F32, 0},
        {4, {28, 128, 128, 128, 2}, FFWD_RELU, FFWD_F32, 0},
        {4, {28, 128, 128, 128, 2}, FFWD_RELU, FFWD_F64, 0},
        {3, {784, 512, 256, 10}, FFWD_RELU, FFWD_F32, 0},
        {3, {784, 512, 256, 10}, FFWD_RELU, FFWD_F32, FFWD_CHAIN},
        {2, {1024, 1024, 1}, FFWD_RELU, FFWD_F64, 0},
        {1, {1024, 1024}, FFWD_TANH, FFWD_F32, 0},
        {1, {4096, 4096}, FFWD_IDENTITY, FFWD_F32, 0},
    };
    const ffwd_opencl_tiles *tiles;
    int failed = 0;
    for (size_t t = 1; (tiles = ffwd_opencl_tiles_at(t)) != NULL; t++) {
        for (size_t n = 0; n < sizeof nets / sizeof nets[0]; n++) {
            variant v = {.dtype = nets[n].dtype, .strategy = nets[n].strategy};
            v.shape = net_shape_of(nets[n].layers, nets[n].widths, nets[n].activation, 1);
            failed |= plan(&v, tiles);
        }
        failed |= plan_gathers(tiles);
    }
    return failed;
}
