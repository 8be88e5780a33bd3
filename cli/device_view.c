// SPDX-License-Identifier: MIT
// Asks lists, engines and infos for what is shown of devices.
#include "device_view.h"

#include <string.h>

#include "failure.h"

ffwd_device_info device_listed(const ffwd_device_list *devices, size_t index) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    if (ffwd_device_list_get(devices, index, &info, NULL) != FFWD_OK) {
        return (ffwd_device_info)FFWD_DEVICE_INFO_INIT;
    }
    return info;
}

ffwd_device_info device_of(const ffwd_engine *engine) {
    ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
    ffwd_engine_device(engine, &info);
    return info;
}

bool device_is_cpu(const ffwd_device_info *info) {
    return strcmp(info->backend, "cpu") == 0;
}

const char *device_type_name(uint32_t type) {
    static const char *const names[] = {"?", "CPU", "GPU", "accelerator", "other"};
    return names[type < sizeof names / sizeof *names ? type : 0];
}

const char *text_or_dash(const char *text) {
    return text[0] != '\0' ? text : "-";
}

int device_list_open(ffwd_device_list **out) {
    ffwd_error err = FFWD_ERROR_INIT;
    return ffwd_device_list_create(out, &err) == FFWD_OK ? EXIT_DONE : fail_with(ON_DEVICE, &err);
}
