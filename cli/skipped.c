// SPDX-License-Identifier: MIT
// The list of what was left out.
#include "skipped.h"

#include <stdlib.h>
#include <string.h>

#include "device_view.h"
#include "failure.h"
#include "table.h"

static int holds(const skipped *list, const char *what, const char *reason) {
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].what, what) == 0 && strcmp(list->items[i].reason, reason) == 0) {
            return 1;
        }
    }
    return 0;
}

void skipped_add(skipped *list, const char *what, const char *reason) {
    if (holds(list, what, reason)) {
        return;
    }
    list->items = need_memory(list->items, (list->count + 1) * sizeof *list->items);
    skipped_item *item = &list->items[list->count++];
    (void)snprintf(item->what, sizeof item->what, "%s", what);
    (void)snprintf(item->reason, sizeof item->reason, "%s", reason);
}

void skipped_add_refused(skipped *list, const ffwd_device_list *devices) {
    for (size_t i = 0; i < ffwd_device_list_count(devices); i++) {
        ffwd_device_info info = device_listed(devices, i);
        if (info.refused[0] != '\0') {
            skipped_add(list, info.id, info.refused);
        }
    }
    if (ffwd_device_list_note(devices)[0] != '\0') {
        skipped_add(list, "opencl", ffwd_device_list_note(devices));
    }
}

void skipped_print(const skipped *list, FILE *stream) {
    if (list->count == 0) {
        return;
    }
    table grid;
    table_begin(&grid, "<<");
    for (size_t i = 0; i < list->count; i++) {
        table_cell(&grid, "%s", list->items[i].what);
        table_cell(&grid, "%s", list->items[i].reason);
    }
    fputs("\nskipped\n", stream);
    table_print(&grid, stream);
}

void skipped_free(skipped *list) {
    free(list->items);
    *list = (skipped){0};
}

int skipped_is_reason(const ffwd_error *err) {
    return err->status == FFWD_ENODEVICE || err->status == FFWD_EDEVICE ||
           err->status == FFWD_EUNSUPPORTED || err->status == FFWD_ENOMEM;
}
