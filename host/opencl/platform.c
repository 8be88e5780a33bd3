// SPDX-License-Identifier: MIT
// Finding OpenCL devices: what the platforms list, and which of it a selector means.
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "opencl/opencl_device.h"
#include "opencl/opencl_error.h"
#include "opencl/opencl_open.h"

/** More are not looked at. */
enum { PLATFORMS_MAX = 32, DEVICES_MAX = 128 };

typedef struct found_device {
    cl_platform_id platform;
    cl_device_id device;
    uint32_t p, d;
} found_device;

/** What is there. Where nothing is, `reason` says why. */
typedef struct device_inventory {
    const ffwd_opencl_api *cl;
    found_device found[DEVICES_MAX];
    size_t count;
    cl_uint platform_count;
    char reason[FFWD_OPENCL_REASON];
} device_inventory;

/** What the caller's thread had before drivers were started from it. */
typedef struct thread_guard {
    ffwd_fpenv fpenv;
    struct sigaction sigfpe;
    sigset_t signals;
} thread_guard;

/** Drivers' threads inherit this thread's floating-point environment and signal mask: the caller's
 *  handlers are not for them. PoCL takes SIGFPE. */
static void guard_enter(thread_guard *guard) {
    ffwd_signals_block(&guard->signals);
    ffwd_fpenv_enter(&guard->fpenv);
    (void)sigaction(SIGFPE, NULL, &guard->sigfpe);
}

static void guard_leave(const thread_guard *guard) {
    (void)sigaction(SIGFPE, &guard->sigfpe, NULL);
    ffwd_fpenv_leave(&guard->fpenv);
    ffwd_signals_restore(&guard->signals);
}

static void list_devices(device_inventory *inventory, cl_platform_id platform, uint32_t p) {
    cl_device_id devices[DEVICES_MAX];
    cl_uint count = 0;
    cl_int code =
        inventory->cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, DEVICES_MAX, devices, &count);
    if (code == CL_SUCCESS && count == 0) {
        code = CL_DEVICE_NOT_FOUND;
    }
    if (code != CL_SUCCESS) {
        (void)snprintf(inventory->reason, sizeof inventory->reason,
                       "no device on OpenCL platform %u (clGetDeviceIDs: %s (%d))", (unsigned)p,
                       ffwd_opencl_code_name(code), (int)code);
        return;
    }
    for (uint32_t d = 0; d < ffwd_min(count, DEVICES_MAX); d++) {
        if (inventory->count < DEVICES_MAX) {
            inventory->found[inventory->count++] = (found_device){platform, devices[d], p, d};
        }
    }
}

/** FFWD_ENODEVICE where there is not one device, FFWD_ESTATE in a forked child. */
static ffwd_status take_inventory(device_inventory *inventory, ffwd_error *err) {
    cl_platform_id platforms[PLATFORMS_MAX];
    memset(inventory, 0, sizeof *inventory);
    ffwd_status status = ffwd_opencl_load(&inventory->cl, err);
    if (status != FFWD_OK) {
        return status;
    }
    cl_int code =
        inventory->cl->clGetPlatformIDs(PLATFORMS_MAX, platforms, &inventory->platform_count);
    if (code != CL_SUCCESS || inventory->platform_count == 0) {
        return ffwd_fail_native(err, FFWD_ENODEVICE, code,
                                "no OpenCL platform (clGetPlatformIDs: %d)", (int)code);
    }
    inventory->platform_count = (cl_uint)ffwd_min(inventory->platform_count, PLATFORMS_MAX);
    for (uint32_t p = 0; p < inventory->platform_count; p++) {
        list_devices(inventory, platforms[p], p);
    }
    if (inventory->count == 0) {
        return ffwd_fail(err, FFWD_ENODEVICE, "%s", inventory->reason);
    }
    return FFWD_OK;
}

static ffwd_status describe_found(const device_inventory *inventory, size_t index,
                                  ffwd_opencl_device **out, ffwd_error *err) {
    const found_device *found = &inventory->found[index];
    return ffwd_opencl_device_create(inventory->cl, found->platform, found->device, found->p,
                                     found->d, out, err);
}

typedef struct parsed_selector {
    const char *text;
    bool by_number;
    unsigned long p, d;
} parsed_selector;

static parsed_selector parse_selector(const char *text) {
    parsed_selector selector = {text, false, 0, 0};
    int used = 0;
    selector.by_number = isdigit((unsigned char)text[0]) &&
                         sscanf(text, "%9lu:%9lu%n", &selector.p, &selector.d, &used) == 2 &&
                         text[used] == '\0';
    return selector;
}

static bool name_contains(const char *name, const char *part) {
    size_t length = strlen(part);
    for (; *name != '\0'; name++) {
        if (strncasecmp(name, part, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool selects(const parsed_selector *selector, const found_device *found,
                    const ffwd_opencl_device *device) {
    if (selector->by_number) {
        return selector->p == found->p && selector->d == found->d;
    }
    if (strcmp(selector->text, "opencl") == 0) {
        return true;
    }
    if (strcmp(selector->text, "gpu") == 0) {
        return device->type == FFWD_TYPE_GPU;
    }
    return name_contains(device->name, selector->text);
}

/** Why nothing was selected. */
static ffwd_status fail_selection(const parsed_selector *selector,
                                  const device_inventory *inventory, ffwd_error *err) {
    if (selector->by_number && selector->p >= inventory->platform_count) {
        return ffwd_fail(err, FFWD_ENODEVICE, "OpenCL device %s: there are %u platform(s)",
                         selector->text, (unsigned)inventory->platform_count);
    }
    if (selector->by_number) {
        unsigned count = 0;
        for (size_t i = 0; i < inventory->count; i++) {
            count += inventory->found[i].p == selector->p;
        }
        return ffwd_fail(err, FFWD_ENODEVICE, "OpenCL device %s: platform %lu has %u device(s)",
                         selector->text, selector->p, count);
    }
    if (strcmp(selector->text, "gpu") == 0) {
        return ffwd_fail(err, FFWD_ENODEVICE, "no GPU among %zu OpenCL device(s)",
                         inventory->count);
    }
    return ffwd_fail(err, FFWD_ENODEVICE, "\"%s\" is in the name of none of %zu OpenCL device(s)",
                     selector->text, inventory->count);
}

/** Starts the first device that is selected and not refused; the first refusal is the reason. Lack
 *  of memory refuses no device: it ends the search. */
static ffwd_status open_selected(const parsed_selector *selector, const device_inventory *inventory,
                                 const char *cache, ffwd_device **out, ffwd_error *err) {
    ffwd_error refusal = FFWD_ERROR_INIT;
    for (size_t i = 0; i < inventory->count; i++) {
        ffwd_opencl_device *device = NULL;
        ffwd_error reason = FFWD_ERROR_INIT;
        ffwd_status status = describe_found(inventory, i, &device, err);
        if (status != FFWD_OK) {
            return status;
        }
        if (selects(selector, &inventory->found[i], device)) {
            ffwd_opencl_device_keep(device, cache);
            status = ffwd_opencl_device_start(device, &reason);
            if (status == FFWD_OK) {
                *out = &device->base;
                return FFWD_OK;
            }
            if (status == FFWD_ENOMEM) {
                ffwd_device_destroy(&device->base);
                return ffwd_fail(err, FFWD_ENOMEM, "%s", reason.message);
            }
            if (refusal.status == FFWD_OK) {
                (void)ffwd_fail_native(&refusal, FFWD_ENODEVICE, reason.native,
                                       "OpenCL device %s (%s) is refused: %.300s", device->selector,
                                       device->name, reason.message);
            }
        }
        ffwd_device_destroy(&device->base);
    }
    if (refusal.status != FFWD_OK) {
        return ffwd_fail_native(err, FFWD_ENODEVICE, refusal.native, "%s", refusal.message);
    }
    return fail_selection(selector, inventory, err);
}

ffwd_status ffwd_opencl_open(const char *selector_text, const char *cache, ffwd_device **out,
                             ffwd_error *err) {
    const parsed_selector selector = parse_selector(selector_text);
    device_inventory inventory;
    thread_guard guard;
    *out = NULL;
    guard_enter(&guard);
    ffwd_status status = take_inventory(&inventory, err);
    if (status == FFWD_OK) {
        status = open_selected(&selector, &inventory, cache, out, err);
    }
    guard_leave(&guard);
    return status;
}

/** Its numbers where the platforms list it, as they do all but a part of a device. */
static void name_adopted(const device_inventory *inventory, ffwd_opencl_device *device) {
    (void)snprintf(device->selector, sizeof device->selector, "context");
    for (size_t i = 0; i < inventory->count; i++) {
        const found_device *found = &inventory->found[i];
        if (found->device == device->id) {
            (void)snprintf(device->selector, sizeof device->selector, "%u:%u", (unsigned)found->p,
                           (unsigned)found->d);
        }
    }
}

static ffwd_status adopt(const device_inventory *inventory, cl_context context, cl_device_id id,
                         const char *cache, ffwd_device **out, ffwd_error *err) {
    ffwd_opencl_device *device = NULL;
    cl_platform_id platform = NULL;
    ffwd_error reason = FFWD_ERROR_INIT;
    ffwd_status status;
    cl_int code =
        inventory->cl->clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    if (code != CL_SUCCESS) {
        return ffwd_fail_native(err, FFWD_EARGUMENT, code,
                                "no such device (clGetDeviceInfo: %s (%d))",
                                ffwd_opencl_code_name(code), (int)code);
    }
    FFWD_TRY(status, ffwd_opencl_device_create(inventory->cl, platform, id, 0, 0, &device, err));
    name_adopted(inventory, device);
    ffwd_opencl_device_keep(device, cache);
    FFWD_TRY(status, ffwd_opencl_device_adopt(device, context, err));
    status = ffwd_opencl_device_start(device, &reason);
    if (status != FFWD_OK) {
        (void)ffwd_fail_native(err, status, reason.native,
                               "OpenCL device %s (%s) is refused: %.300s", device->selector,
                               device->name, reason.message);
        goto cleanup;
    }
    *out = &device->base;
    return FFWD_OK;
cleanup:
    if (device != NULL) {
        ffwd_device_destroy(&device->base);
    }
    return status;
}

ffwd_status ffwd_opencl_open_in(cl_context context, cl_device_id id, const char *cache,
                                ffwd_device **out, ffwd_error *err) {
    device_inventory inventory;
    thread_guard guard;
    *out = NULL;
    guard_enter(&guard);
    ffwd_status status = take_inventory(&inventory, err);
    if (status == FFWD_OK) {
        status = adopt(&inventory, context, id, cache, out, err);
    }
    guard_leave(&guard);
    return status;
}

/** Starts and probes one device in both dtypes, so that what is shown of it is true. */
static ffwd_status try_found(const device_inventory *inventory, size_t index,
                             ffwd_opencl_device **out, ffwd_error *err) {
    ffwd_error reason = FFWD_ERROR_INIT;
    thread_guard guard;
    ffwd_status status = describe_found(inventory, index, out, err);
    if (status != FFWD_OK) {
        return status;
    }
    guard_enter(&guard);
    status = ffwd_opencl_device_start(*out, &reason);
    if (status == FFWD_OK) {
        status = ffwd_opencl_device_trust(*out, FFWD_F64, &reason);
        (*out)->has_f64 = status == FFWD_OK;
    }
    guard_leave(&guard);
    const bool host_memory =
        status == FFWD_ENOMEM && !ffwd_opencl_is_out_of_memory(status, &reason);
    return host_memory ? ffwd_fail(err, FFWD_ENOMEM, "%s", reason.message) : FFWD_OK;
}

/** Shows one device. The caller's function runs as the caller's thread was. */
static ffwd_status visit_found(const device_inventory *inventory, size_t index,
                               ffwd_status (*visit)(void *user, const ffwd_device_info *info,
                                                    ffwd_error *err),
                               void *user, ffwd_error *err) {
    ffwd_opencl_device *device = NULL;
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_status status = try_found(inventory, index, &device, err);
    if (status == FFWD_OK) {
        ffwd_device_describe(&device->base, &info);
        status = visit(user, &info, err);
    }
    if (device != NULL) {
        ffwd_device_destroy(&device->base);
    }
    return status;
}

ffwd_status ffwd_opencl_visit(ffwd_status (*visit)(void *user, const ffwd_device_info *info,
                                                   ffwd_error *err),
                              void *user, char *note, size_t note_size, ffwd_error *err) {
    ffwd_error none = FFWD_ERROR_INIT;
    ffwd_status status = FFWD_OK;
    device_inventory inventory;
    thread_guard guard;
    guard_enter(&guard);
    const char *text =
        take_inventory(&inventory, &none) == FFWD_OK ? inventory.reason : none.message;
    guard_leave(&guard);
    (void)snprintf(note, note_size, "%s", text);
    for (size_t i = 0; i < inventory.count && status == FFWD_OK; i++) {
        status = visit_found(&inventory, i, visit, user, err);
    }
    return status;
}
