// SPDX-License-Identifier: MIT
// Running the known-answer test: one program, one kernel, one launch for a dtype.
#include "opencl/probe.h"

#include <string.h>

#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/program_cache.h"

/** Cases: the special values crossed, and a few hundred more. */
#define CASES 640

/** Launches the kernel over the operands and reads its results back. Its work-groups are an
 *  activation's, since a compiler that makes vectors of items does so by the group. */
static ffwd_status ask_device(ffwd_opencl_device *device, const char *name,
                              const ffwd_opencl_recipe *recipe, void *operands,
                              size_t operand_bytes, void *results, size_t result_bytes,
                              ffwd_error *err) {
    const ffwd_opencl_api *cl = device->cl;
    cl_program program = NULL;
    cl_kernel kernel = NULL;
    cl_command_queue queue = NULL;
    cl_mem in = NULL;
    cl_mem out = NULL;
    const cl_uint count = CASES;
    size_t group = 1;
    ffwd_status status;
    FFWD_TRY(status, ffwd_opencl_compile(device, recipe, &program, err));
    FFWD_TRY(status, ffwd_opencl_kernel(device, program, name, &kernel, err));
    FFWD_TRY(status, ffwd_opencl_group_items(device, kernel, name, &group, err));
    group = ffwd_min(group, device->group_items);
    const size_t items = (size_t)ffwd_round_up(CASES, group);
    FFWD_TRY(status, ffwd_opencl_queue(device, &queue, err));
    FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_READ_ONLY, operand_bytes, NULL, &in, err));
    FFWD_TRY(status, ffwd_opencl_buffer(device, CL_MEM_WRITE_ONLY, result_bytes, NULL, &out, err));
    FFWD_TRY(status,
             ffwd_opencl_check(device,
                               cl->clEnqueueWriteBuffer(queue, in, CL_TRUE, 0, operand_bytes,
                                                        operands, 0, NULL, NULL),
                               "clEnqueueWriteBuffer", name, err));
    const ffwd_opencl_argument arguments[] = {
        {sizeof(cl_mem), &in}, {sizeof(cl_mem), &out}, {sizeof count, &count}};
    FFWD_TRY(status, ffwd_opencl_set_arguments(device, kernel, name, arguments, 3, err));
    FFWD_TRY(status, ffwd_opencl_check(device,
                                       cl->clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &items,
                                                                  &group, 0, NULL, NULL),
                                       "clEnqueueNDRangeKernel", name, err));
    FFWD_TRY(status, ffwd_opencl_check(device,
                                       cl->clEnqueueReadBuffer(queue, out, CL_TRUE, 0, result_bytes,
                                                               results, 0, NULL, NULL),
                                       "clEnqueueReadBuffer", name, err));
cleanup:
    ffwd_opencl_release_buffer(device, out);
    ffwd_opencl_release_buffer(device, in);
    ffwd_opencl_release_queue(device, queue);
    ffwd_opencl_release_kernel(device, kernel);
    ffwd_opencl_release_program(device, program);
    return status;
}

/** FFWD_ENODEVICE with the first result that differs. */
static ffwd_status compare(const ffwd_probe_host *host, const void *operands, const char *got,
                           const char *expected, ffwd_error *err) {
    const size_t bytes = host->value_bytes;
    for (size_t i = 0; i < CASES * host->result_count; i++) {
        if (memcmp(got + i * bytes, expected + i * bytes, bytes) != 0) {
            char text[256];
            host->explain(operands, got, expected, i, text, sizeof text);
            return ffwd_fail(err, FFWD_ENODEVICE, "arithmetic probe: %s", text);
        }
    }
    return FFWD_OK;
}

/** Asks the device, and compares with the host's answers. */
static ffwd_status examine(ffwd_opencl_device *device, uint32_t dtype,
                           const ffwd_opencl_recipe *recipe, ffwd_error *err) {
    const ffwd_probe_host *host = dtype == FFWD_F64 ? &ffwd_probe_f64 : &ffwd_probe_f32;
    const char *name = dtype == FFWD_F64 ? "probe_f64" : "probe_f32";
    const size_t operand_bytes = (size_t)CASES * 3 * host->value_bytes;
    const size_t result_bytes = CASES * host->result_count * host->value_bytes;
    char *operands = ffwd_alloc(operand_bytes);
    char *got = ffwd_alloc_zero(result_bytes);
    char *expected = ffwd_alloc(result_bytes);
    ffwd_status status;
    if (operands == NULL || got == NULL || expected == NULL) {
        FFWD_TRY(status, ffwd_fail_memory(err, operand_bytes + 2 * result_bytes, "the probe"));
    }
    host->fill(operands, CASES);
    host->answer(operands, CASES, expected);
    FFWD_TRY(status,
             ask_device(device, name, recipe, operands, operand_bytes, got, result_bytes, err));
    FFWD_TRY(status, compare(host, operands, got, expected, err));
cleanup:
    ffwd_free(operands);
    ffwd_free(got);
    ffwd_free(expected);
    return status;
}

ffwd_status ffwd_opencl_probe(ffwd_opencl_device *device, uint32_t dtype, ffwd_error *err) {
    const char *definitions =
        dtype == FFWD_F64 ? "-D KERNEL=probe_f64 -D REAL_IS_F64" : "-D KERNEL=probe_f32";
    ffwd_opencl_recipe recipe;
    ffwd_status status = ffwd_opencl_recipe_make(device, "probe.cl", definitions, &recipe, err);
    if (status != FFWD_OK || ffwd_opencl_has_passed(device, &recipe)) {
        return status;
    }
    status = examine(device, dtype, &recipe, err);
    if (status == FFWD_OK) {
        ffwd_opencl_note_passed(device, &recipe);
    }
    return status;
}
