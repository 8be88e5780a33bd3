// SPDX-License-Identifier: MIT
// ffwd devices: what there is to run on, what was refused and why.
#include <inttypes.h>

#include "commands.h"
#include "device_view.h"
#include "failure.h"
#include "json_file.h"
#include "report.h"
#include "table.h"
#include "units.h"

static void add_row(table *grid, const ffwd_device_info *info) {
    table_cell(grid, "%s", info->id);
    table_cell(grid, "%s", info->backend);
    table_cell(grid, "%s", device_type_name(info->type));
    table_cell(grid, "%.40s", text_or_dash(info->name));
    table_cell(grid, "%.20s", text_or_dash(info->driver));
    table_cell(grid, "%s", info->memory_bytes > 0 ? units_bytes(info->memory_bytes).text : "-");
    table_cell(grid, "%" PRIu32, info->threads);
    table_cell(grid, "%s", info->f64 ? "yes" : "no");
}

static void print_devices(const ffwd_device_list *devices) {
    static const char *const head[] = {"device", "backend", "type",  "name",
                                       "driver", "memory",  "units", "f64"};
    table grid;
    table_begin(&grid, "<<<<<>><");
    table_row(&grid, head);
    for (size_t i = 0; i < ffwd_device_list_count(devices); i++) {
        ffwd_device_info info = device_listed(devices, i);
        if (info.refused[0] == '\0') {
            add_row(&grid, &info);
        }
    }
    table_print(&grid, stdout);
}

static void print_isas(void) {
    const char *name;
    int available;
    fputs("\ninstruction sets of cpu\n ", stdout);
    for (size_t i = 0; (name = ffwd_isa_name(i, &available)) != NULL; i++) {
        printf(" %s%s", name, available ? "" : " (not on this machine)");
    }
    putchar('\n');
}

static void print_text(const ffwd_device_list *devices) {
    skipped refused = {0};
    skipped_add_refused(&refused, devices);
    print_devices(devices);
    print_isas();
    skipped_print(&refused, stdout);
    skipped_free(&refused);
}

static json_t *device_json(const ffwd_device_info *info) {
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "device", info->id,
                     "backend", info->backend, "type", device_type_name(info->type), "name",
                     json_text(info->name), "driver", json_text(info->driver), "isa",
                     json_text(info->isa), "threads", json_count(info->threads), "memory_bytes",
                     info->memory_bytes > 0 ? json_count(info->memory_bytes) : json_null(), "f64",
                     (int)info->f64, "platform", json_text(info->platform), "refused",
                     json_text(info->refused));
}

static json_t *isas_json(void) {
    json_t *isas = json_array();
    const char *name;
    int available;
    for (size_t i = 0; (name = ffwd_isa_name(i, &available)) != NULL; i++) {
        json_array_append_new(isas, json_pack("{s:s, s:b}", "isa", name, "available", available));
    }
    return isas;
}

static json_t *devices_json(const ffwd_device_list *devices) {
    json_t *all = json_array();
    for (size_t i = 0; i < ffwd_device_list_count(devices); i++) {
        ffwd_device_info info = device_listed(devices, i);
        json_array_append_new(all, device_json(&info));
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "schema", "ffwd.devices/1", "version",
                     ffwd_version(), "devices", all, "isas", isas_json(), "note",
                     json_text(ffwd_device_list_note(devices)));
}

int command_devices(const options *given) {
    ffwd_device_list *devices = NULL;
    json_file json;
    int status = json_file_open(given->json, &json);
    if (status == EXIT_DONE) {
        status = device_list_open(&devices);
    }
    if (status == EXIT_DONE && !options_is_stdout(given->json)) {
        print_text(devices);
    }
    if (status == EXIT_DONE && given->json != NULL) {
        status = json_file_commit(&json, devices_json(devices));
    }
    ffwd_device_list_destroy(devices);
    json_file_close(&json);
    return status;
}
