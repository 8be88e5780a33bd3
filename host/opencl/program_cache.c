// SPDX-License-Identifier: MIT
// Keys, and binaries in and out of the driver. Nothing here fails: what is not found is made.
#include "opencl/program_cache.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "opencl/opencl_error.h"

/** The key as text, for ffwd_free; NULL where nothing is kept, or without memory. */
static char *make_key(const ffwd_opencl_device *device, const char *what,
                      const ffwd_opencl_recipe *recipe) {
    static const char format[] = "%s of ffwd %s, arithmetic %d\n%s\n%s\n%s\n%s\n%s\n%zu items\n"
                                 "%s %s\n%s";
    const size_t most = sizeof format + 5 * sizeof device->name + strlen(what) +
                        sizeof recipe->options + strlen(recipe->source->name) +
                        recipe->source->length + 64;
    char *key = device->store.folder[0] != '\0' ? ffwd_alloc(most) : NULL;
    if (key != NULL) {
        (void)snprintf(key, most, format, what, FFWD_VERSION, FFWD_ARITHMETIC_VERSION,
                       device->platform_name, device->platform_version, device->name,
                       device->version, device->driver, device->group_items, recipe->source->name,
                       recipe->options, recipe->source->text);
    }
    return key;
}

static cl_program create_from_binary(ffwd_opencl_device *device, const char *options,
                                     const unsigned char *binary, size_t bytes) {
    const ffwd_opencl_api *cl = device->cl;
    cl_int code = CL_SUCCESS;
    cl_int loaded = CL_SUCCESS;
    cl_program program = cl->clCreateProgramWithBinary(device->context, 1, &device->id, &bytes,
                                                       &binary, &loaded, &code);
    code = code != CL_SUCCESS ? code : loaded;
    if (code == CL_SUCCESS) {
        code = cl->clBuildProgram(program, 1, &device->id, options, NULL, NULL);
    }
    if (ffwd_opencl_check(device, code, "clCreateProgramWithBinary", NULL, NULL) != FFWD_OK) {
        ffwd_opencl_release_program(device, program);
        return NULL;
    }
    return program;
}

cl_program ffwd_opencl_find_program(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe) {
    char *key = make_key(device, "program", recipe);
    size_t bytes = 0;
    unsigned char *binary = key != NULL ? ffwd_store_find(&device->store, key, &bytes) : NULL;
    cl_program program = NULL;
    if (binary != NULL) {
        program = create_from_binary(device, recipe->options, binary, bytes);
        if (program == NULL) {
            ffwd_store_spoil(&device->store, key);
        }
    }
    ffwd_free(binary);
    ffwd_free(key);
    return program;
}

/** The driver's binary of a program for its one device, for ffwd_free; NULL where it has none. */
static unsigned char *get_binary(ffwd_opencl_device *device, cl_program program, size_t *bytes) {
    const ffwd_opencl_api *cl = device->cl;
    unsigned char *binary = NULL;
    cl_int code =
        cl->clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof *bytes, bytes, NULL);
    if (code == CL_SUCCESS && *bytes > 0) {
        binary = ffwd_alloc(*bytes);
    }
    if (binary != NULL) {
        code = cl->clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL);
    }
    if (ffwd_opencl_check(device, code, "clGetProgramInfo", NULL, NULL) != FFWD_OK) {
        ffwd_free(binary);
        return NULL;
    }
    return binary;
}

void ffwd_opencl_keep_program(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe,
                              cl_program program) {
    size_t bytes = 0;
    char *key = make_key(device, "program", recipe);
    unsigned char *binary = key != NULL ? get_binary(device, program, &bytes) : NULL;
    if (binary != NULL) {
        ffwd_store_keep(&device->store, key, binary, bytes);
    }
    ffwd_free(binary);
    ffwd_free(key);
}

void ffwd_opencl_spoil_program(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe) {
    char *key = make_key(device, "program", recipe);
    if (key != NULL) {
        ffwd_store_spoil(&device->store, key);
    }
    ffwd_free(key);
}

bool ffwd_opencl_find_value(ffwd_opencl_device *device, const char *what,
                            const ffwd_opencl_recipe *recipe, void *value, size_t bytes) {
    char *key = make_key(device, what, recipe);
    const bool found = key != NULL && ffwd_store_take(&device->store, key, value, bytes);
    ffwd_free(key);
    return found;
}

void ffwd_opencl_keep_value(ffwd_opencl_device *device, const char *what,
                            const ffwd_opencl_recipe *recipe, const void *value, size_t bytes) {
    char *key = make_key(device, what, recipe);
    if (key != NULL) {
        ffwd_store_keep(&device->store, key, value, bytes);
    }
    ffwd_free(key);
}

static const char passed[] = "passed";

bool ffwd_opencl_has_passed(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe) {
    char verdict[sizeof passed];
    return ffwd_opencl_find_value(device, "verdict", recipe, verdict, sizeof verdict) &&
           memcmp(verdict, passed, sizeof passed) == 0;
}

void ffwd_opencl_note_passed(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe) {
    ffwd_opencl_keep_value(device, "verdict", recipe, passed, sizeof passed);
}
