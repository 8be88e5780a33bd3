// SPDX-License-Identifier: MIT
// Rows that never leave the device: a kernel of one's own makes them, ffwd classifies them where
// they are, another kernel counts the ones; four bytes come back.   usage: resident_rows [RUNS]
#include <ffwd/opencl.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 100000, COLS = 3 };

static const char source[] = "kernel void make_rows(global float *x) {\n"
                             "    const uint i = get_global_id(0);\n"
                             "    x[i] = (float)(i * 37 % 129) / 64 - 1;\n"
                             "}\n"
                             "kernel void count_ones(global const float *y, global uint *count) {\n"
                             "    if (y[get_global_id(0)] == 1) {\n"
                             "        atomic_inc(count);\n"
                             "    }\n"
                             "}\n";

/** Everything that is the caller's own. */
typedef struct own {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel make_rows, count_ones;
    cl_mem x, y, count;
} own;

static int failed(const char *call, cl_int code) {
    if (code != CL_SUCCESS) {
        fprintf(stderr, "%s: %d\n", call, (int)code);
    }
    return code != CL_SUCCESS;
}

static int open_device(own *o) {
    cl_platform_id platform = NULL;
    cl_int code = clGetPlatformIDs(1, &platform, NULL);
    if (failed("clGetPlatformIDs", code) ||
        failed("clGetDeviceIDs",
               clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &o->device, NULL))) {
        return 0;
    }
    o->context = clCreateContext(NULL, 1, &o->device, NULL, NULL, &code);
    if (failed("clCreateContext", code)) {
        return 0;
    }
    o->queue = clCreateCommandQueue(o->context, o->device, CL_QUEUE_PROFILING_ENABLE, &code);
    return !failed("clCreateCommandQueue", code);
}

static int make_kernels(own *o) {
    const char *text = source;
    cl_int code = CL_SUCCESS;
    o->program = clCreateProgramWithSource(o->context, 1, &text, NULL, &code);
    if (failed("clCreateProgramWithSource", code) ||
        failed("clBuildProgram", clBuildProgram(o->program, 1, &o->device, "", NULL, NULL))) {
        return 0;
    }
    o->make_rows = clCreateKernel(o->program, "make_rows", &code);
    if (failed("clCreateKernel", code)) {
        return 0;
    }
    o->count_ones = clCreateKernel(o->program, "count_ones", &code);
    return !failed("clCreateKernel", code);
}

static int make_buffer(own *o, size_t bytes, cl_mem *out) {
    cl_int code = CL_SUCCESS;
    *out = clCreateBuffer(o->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    return !failed("clCreateBuffer", code);
}

static int make_buffers(own *o) {
    return make_buffer(o, ROWS * COLS * sizeof(float), &o->x) &&
           make_buffer(o, ROWS * sizeof(float), &o->y) &&
           make_buffer(o, sizeof(cl_uint), &o->count);
}

static int make_rows(own *o, cl_event *made) {
    const size_t items = ROWS * COLS;
    return !failed("clSetKernelArg", clSetKernelArg(o->make_rows, 0, sizeof o->x, &o->x)) &&
           !failed("clEnqueueNDRangeKernel", clEnqueueNDRangeKernel(o->queue, o->make_rows, 1, NULL,
                                                                    &items, NULL, 0, NULL, made));
}

static int count_ones(own *o, const cl_event *done, cl_uint *count) {
    const cl_uint zero = 0;
    const size_t items = ROWS;
    return !failed("clEnqueueFillBuffer",
                   clEnqueueFillBuffer(o->queue, o->count, &zero, sizeof zero, 0, sizeof zero, 0,
                                       NULL, NULL)) &&
           !failed("clSetKernelArg", clSetKernelArg(o->count_ones, 0, sizeof o->y, &o->y)) &&
           !failed("clSetKernelArg",
                   clSetKernelArg(o->count_ones, 1, sizeof o->count, &o->count)) &&
           !failed("clEnqueueNDRangeKernel",
                   clEnqueueNDRangeKernel(o->queue, o->count_ones, 1, NULL, &items, NULL, 1, done,
                                          NULL)) &&
           !failed("clEnqueueReadBuffer", clEnqueueReadBuffer(o->queue, o->count, CL_TRUE, 0,
                                                              sizeof *count, count, 0, NULL, NULL));
}

/** One neuron with a step, on the device of the context. */
static ffwd_status place_model(const own *o, ffwd_engine **engine, ffwd_error *err) {
    static const float weights[COLS] = {0.5F, 0.25F, -0.5F};
    const ffwd_operation neuron = {.kind = FFWD_DENSE,
                                   .activation = FFWD_STEP,
                                   .inputs = COLS,
                                   .neurons = 1,
                                   .weights = weights};
    ffwd_engine_options options = FFWD_ENGINE_OPTIONS_INIT;
    ffwd_model *model = NULL;
    ffwd_device *device = NULL;
    options.no_fallback = 1;
    ffwd_status status = ffwd_model_create(FFWD_F32, COLS, &neuron, 1, sizeof neuron, &model, err);
    if (status == FFWD_OK) {
        status = ffwd_opencl_device_open(o->context, o->device, NULL, &device, err);
    }
    if (status == FFWD_OK) {
        status = ffwd_engine_create(model, &device, 1, &options, engine, err);
    }
    ffwd_device_destroy(device);
    ffwd_model_destroy(model);
    return status;
}

static int run(own *o, ffwd_engine *engine, ffwd_error *err) {
    const ffwd_opencl_rows x = {o->x, FFWD_F32, 0, ROWS, COLS, 0, 0};
    const ffwd_opencl_rows y = {o->y, FFWD_F32, 0, ROWS, 1, 0, 0};
    ffwd_report report = FFWD_REPORT_INIT;
    cl_event made = NULL, done = NULL;
    cl_uint count = 0;
    int right = make_rows(o, &made);
    if (right) {
        right = ffwd_opencl_enqueue(engine, o->queue, &x, &y, 1, &made, &done, err) == FFWD_OK &&
                count_ones(o, &done, &count) && ffwd_opencl_report(engine, &report, err) == FFWD_OK;
    }
    if (right) {
        printf("%u of %d rows are above the threshold\n", (unsigned)count, ROWS);
        fprintf(stderr, "%.3f ms of kernels\n", (double)report.kernel_ns * 1e-6);
    } else if (err->message[0] != '\0') {
        fprintf(stderr, "%s\n", err->message);
    }
    if (made != NULL) {
        clReleaseEvent(made);
    }
    if (done != NULL) {
        clReleaseEvent(done);
    }
    return right;
}

#define RELEASE(object, call)                                                                      \
    do {                                                                                           \
        if ((object) != NULL) {                                                                    \
            call(object);                                                                          \
        }                                                                                          \
    } while (0)

static void close_own(own *o) {
    RELEASE(o->x, clReleaseMemObject);
    RELEASE(o->y, clReleaseMemObject);
    RELEASE(o->count, clReleaseMemObject);
    RELEASE(o->make_rows, clReleaseKernel);
    RELEASE(o->count_ones, clReleaseKernel);
    RELEASE(o->program, clReleaseProgram);
    RELEASE(o->queue, clReleaseCommandQueue);
    RELEASE(o->context, clReleaseContext);
}

int main(int argc, char **argv) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_engine *engine = NULL;
    own o = {0};
    int right = open_device(&o) && make_kernels(&o) && make_buffers(&o);
    if (right && place_model(&o, &engine, &err) != FFWD_OK) {
        fprintf(stderr, "%s\n", err.message);
        right = 0;
    }
    for (long runs = argc > 1 ? strtol(argv[1], NULL, 10) : 1; right && runs > 0; runs--) {
        right = run(&o, engine, &err);
    }
    ffwd_engine_destroy(engine);
    close_own(&o);
    return right ? 0 : 1;
}
