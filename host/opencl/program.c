// SPDX-License-Identifier: MIT
// The programs of a device, each made once: found where an earlier process left it, or compiled.
#include "opencl/program.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "opencl/opencl_error.h"
#include "opencl/program_cache.h"

struct ffwd_opencl_program {
    ffwd_opencl_program *next;
    cl_program program;
    ffwd_opencl_recipe recipe;
    bool found;  /**< by ffwd_opencl_find_program, not compiled */
    bool unkept; /**< compiled, and not left to others yet */
    bool spoilt; /**< not handed out any more; who has it keeps it */
};

static const ffwd_kernel_source *find_source(const char *name) {
    const ffwd_kernel_source *source = ffwd_kernel_sources;
    while (source->name != NULL && strcmp(source->name, name) != 0) {
        source++;
    }
    return source->name != NULL ? source : NULL;
}

/** Puts the head of the build log behind the message, as part of its one line. */
static void append_log(const ffwd_opencl_device *device, cl_program program, ffwd_error *err) {
    char *log = NULL;
    size_t bytes = 0;
    if (err == NULL || !ffwd_opencl_device_reachable(device) ||
        device->cl->clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL,
                                          &bytes) != CL_SUCCESS ||
        bytes == 0 || (log = ffwd_alloc_zero((uint64_t)bytes + 1)) == NULL) {
        return;
    }
    if (device->cl->clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, bytes, log,
                                          NULL) == CL_SUCCESS) {
        for (char *c = log; *c != '\0'; c++) {
            if ((unsigned char)*c < ' ') {
                *c = ' ';
            }
        }
        size_t used = strlen(err->message);
        (void)snprintf(err->message + used, sizeof err->message - used, ": %s", log);
    }
    ffwd_free(log);
}

ffwd_status ffwd_opencl_recipe_make(const ffwd_opencl_device *device, const char *source,
                                    const char *definitions, ffwd_opencl_recipe *out,
                                    ffwd_error *err) {
    const int length = snprintf(
        out->options, sizeof out->options, "-cl-std=CL1.2%s %s",
        device->exact_division ? " -cl-fp32-correctly-rounded-divide-sqrt" : "", definitions);
    out->source = find_source(source);
    if (out->source == NULL) {
        return ffwd_fail(err, FFWD_EINTERNAL, "no kernel file %s", source);
    }
    if (length < 0 || (size_t)length >= sizeof out->options) {
        return ffwd_fail(err, FFWD_EINTERNAL, "%s: definitions are too long", source);
    }
    return FFWD_OK;
}

ffwd_status ffwd_opencl_compile(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe,
                                cl_program *out, ffwd_error *err) {
    const ffwd_kernel_source *source = recipe->source;
    cl_int code = CL_SUCCESS;
    const char *text = source->text;
    cl_program program =
        device->cl->clCreateProgramWithSource(device->context, 1, &text, &source->length, &code);
    ffwd_status status =
        ffwd_opencl_check(device, code, "clCreateProgramWithSource", source->name, err);
    if (status != FFWD_OK) {
        return status;
    }
    code = device->cl->clBuildProgram(program, 1, &device->id, recipe->options, NULL, NULL);
    status = ffwd_opencl_check(device, code, "clBuildProgram", source->name, err);
    if (status != FFWD_OK) {
        append_log(device, program, err);
        ffwd_opencl_release_program(device, program);
        return status;
    }
    *out = program;
    return FFWD_OK;
}

/** Finds or compiles a program that the device has not got yet. */
static ffwd_status add_program(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe,
                               ffwd_opencl_program **out, ffwd_error *err) {
    ffwd_opencl_program *entry = ffwd_alloc_zero(sizeof *entry);
    ffwd_status status = FFWD_OK;
    if (entry == NULL) {
        return ffwd_fail_memory(err, sizeof *entry, "a program");
    }
    entry->recipe = *recipe;
    entry->program = ffwd_opencl_find_program(device, recipe);
    entry->found = entry->program != NULL;
    entry->unkept = !entry->found;
    if (!entry->found) {
        FFWD_TRY(status, ffwd_opencl_device_check(device, err)); // what was found may have lost it
        FFWD_TRY(status, ffwd_opencl_compile(device, recipe, &entry->program, err));
    }
    entry->next = device->programs;
    device->programs = entry;
    *out = entry;
    return FFWD_OK;
cleanup:
    ffwd_free(entry);
    return status;
}

static ffwd_opencl_program *find_program(const ffwd_opencl_device *device,
                                         const ffwd_opencl_recipe *recipe) {
    ffwd_opencl_program *entry = device->programs;
    while (entry != NULL && (entry->spoilt || entry->recipe.source != recipe->source ||
                             strcmp(entry->recipe.options, recipe->options) != 0)) {
        entry = entry->next;
    }
    return entry;
}

ffwd_status ffwd_opencl_build(ffwd_opencl_device *device, const char *source,
                              const char *definitions, cl_program *out, ffwd_error *err) {
    ffwd_opencl_recipe recipe;
    ffwd_status status = ffwd_opencl_recipe_make(device, source, definitions, &recipe, err);
    if (status != FFWD_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&device->programs_mutex);
    ffwd_opencl_program *entry = find_program(device, &recipe);
    if (entry == NULL) { // the device's, whoever asks for it
        const ffwd_allocator *before = ffwd_memory_enter(&device->base.allocator);
        status = add_program(device, &recipe, &entry, err);
        ffwd_memory_leave(before);
    }
    (void)pthread_mutex_unlock(&device->programs_mutex);
    if (status == FFWD_OK) {
        *out = entry->program;
    }
    return status;
}

void ffwd_opencl_keep_programs(ffwd_opencl_device *device) {
    (void)pthread_mutex_lock(&device->programs_mutex);
    ffwd_opencl_program *entry = device->programs;
    for (; entry != NULL && ffwd_opencl_device_reachable(device); entry = entry->next) {
        if (entry->unkept) {
            entry->unkept = false;
            ffwd_opencl_keep_program(device, &entry->recipe, entry->program);
        }
    }
    (void)pthread_mutex_unlock(&device->programs_mutex);
}

bool ffwd_opencl_spoil_programs(ffwd_opencl_device *device) {
    bool any = false;
    (void)pthread_mutex_lock(&device->programs_mutex);
    for (ffwd_opencl_program *entry = device->programs; entry != NULL; entry = entry->next) {
        if (entry->found && !entry->spoilt) {
            entry->spoilt = true;
            ffwd_opencl_spoil_program(device, &entry->recipe);
            any = true;
        }
    }
    (void)pthread_mutex_unlock(&device->programs_mutex);
    return any;
}

ffwd_status ffwd_opencl_kernel(ffwd_opencl_device *device, cl_program program, const char *name,
                               cl_kernel *out, ffwd_error *err) {
    cl_int code = CL_SUCCESS;
    *out = device->cl->clCreateKernel(program, name, &code);
    return ffwd_opencl_check(device, code, "clCreateKernel", name, err);
}

ffwd_status ffwd_opencl_group_items(ffwd_opencl_device *device, cl_kernel kernel, const char *name,
                                    size_t *items, ffwd_error *err) {
    size_t most = 0;
    cl_int code = device->cl->clGetKernelWorkGroupInfo(
        kernel, device->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most, NULL);
    *items = (size_t)ffwd_max(most, 1);
    return ffwd_opencl_check(device, code, "clGetKernelWorkGroupInfo", name, err);
}

ffwd_status ffwd_opencl_set_arguments(ffwd_opencl_device *device, cl_kernel kernel,
                                      const char *name, const ffwd_opencl_argument *arguments,
                                      size_t count, ffwd_error *err) {
    cl_int code = CL_SUCCESS;
    for (cl_uint i = 0; i < count && code == CL_SUCCESS; i++) {
        code = device->cl->clSetKernelArg(kernel, i, arguments[i].size, arguments[i].value);
    }
    return ffwd_opencl_check(device, code, "clSetKernelArg", name, err);
}

void ffwd_opencl_programs_destroy(ffwd_opencl_device *device) {
    while (device->programs != NULL) {
        ffwd_opencl_program *entry = device->programs;
        device->programs = entry->next;
        ffwd_opencl_release_program(device, entry->program);
        ffwd_free(entry);
    }
}
