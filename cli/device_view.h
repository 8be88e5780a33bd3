// SPDX-License-Identifier: MIT
// What the commands show of devices.
#ifndef FFWD_CLI_DEVICE_VIEW_H
#define FFWD_CLI_DEVICE_VIEW_H

#include <stdbool.h>

#include <ffwd/ffwd.h>

/** Entry `index` of a list, which exists. */
ffwd_device_info device_listed(const ffwd_device_list *devices, size_t index);
/** The first device of an engine. */
ffwd_device_info device_of(const ffwd_engine *engine);

/** Whether it is the CPU path, the only one with instruction sets and threads to choose. */
bool device_is_cpu(const ffwd_device_info *info);
/** "CPU", "GPU", "accelerator", "other". */
const char *device_type_name(uint32_t type);
/** The text, or "-" where it is empty. */
const char *text_or_dash(const char *text);

/** Lists all devices; an exit status. */
int device_list_open(ffwd_device_list **out);

#endif
