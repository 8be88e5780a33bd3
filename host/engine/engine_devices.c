// SPDX-License-Identifier: MIT
// Opening and listing devices: the one file that knows the constructors of both kinds.
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "base/structs.h"
#include "cpu/cpu.h"
#include "engine/engine.h"
#include "engine/opening.h"
#include "opencl/opencl_open.h"

const char *ffwd_cpu_option(const ffwd_device_options *options) {
    return options->isa != NULL ? "isa" : options->threads > 0 ? "threads" : NULL;
}

static ffwd_status check_opencl_options(const char *selector, const ffwd_device_options *options,
                                        ffwd_error *err) {
    const char *option = ffwd_cpu_option(options);
    if (option != NULL) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%s is of the CPU path; device %s has none", option,
                         selector);
    }
    return FFWD_OK;
}

static ffwd_status open_selected(const char *selector, const ffwd_device_options *options,
                                 ffwd_device **out, ffwd_error *err) {
    if (strcmp(selector, "cpu") == 0) {
        return ffwd_cpu_open(options, out, err);
    }
    ffwd_status status = check_opencl_options(selector, options, err);
    if (status == FFWD_OK) {
        const uint64_t start = ffwd_now_ns();
        status = ffwd_opencl_open(selector, options->cache, out, err);
        ffwd_opening_note(options->cache, *out, ffwd_now_ns() - start);
    }
    return status;
}

ffwd_status ffwd_device_open(const char *selector, const ffwd_device_options *given,
                             ffwd_device **out, ffwd_error *err) {
    *out = NULL;
    ffwd_device_options options = FFWD_DEVICE_OPTIONS_INIT;
    ffwd_status status = ffwd_struct_read(&options, sizeof options, given, err);
    if (status != FFWD_OK) {
        return status;
    }
    if (selector == NULL || *selector == '\0') {
        return ffwd_fail(err, FFWD_EARGUMENT, "an empty device selector");
    }
    if (strcmp(selector, "auto") == 0 || strcmp(selector, "all") == 0) {
        return ffwd_fail(err, FFWD_EARGUMENT, "'%s' does not name one device", selector);
    }
    status = ffwd_memory_check(options.allocator, err);
    if (status != FFWD_OK) {
        return status;
    }
    const ffwd_allocator *before = ffwd_memory_enter(options.allocator);
    status = open_selected(selector, &options, out, err);
    ffwd_memory_leave(before);
    return status;
}

typedef struct entry {
    struct entry *next;
    ffwd_device_info info; /**< its strings are our copies */
} entry;

struct ffwd_device_list {
    entry *first;
    entry **end;
    size_t count;
    char note[256];
};

/** The members of an info that are strings. */
static const size_t string_members[] = {
    offsetof(ffwd_device_info, id),         offsetof(ffwd_device_info, backend),
    offsetof(ffwd_device_info, name),       offsetof(ffwd_device_info, platform),
    offsetof(ffwd_device_info, driver),     offsetof(ffwd_device_info, isa),
    offsetof(ffwd_device_info, refused),    offsetof(ffwd_device_info, cache),
    offsetof(ffwd_device_info, cache_note),
};
#define STRING_COUNT (sizeof string_members / sizeof string_members[0])

static const char **string_member(ffwd_device_info *info, size_t index) {
    return (const char **)(void *)((unsigned char *)info + string_members[index]);
}

static void free_entry(entry *e) {
    for (size_t i = 0; i < STRING_COUNT; i++) {
        ffwd_free(*string_member(&e->info, i));
    }
    ffwd_free(e);
}

static ffwd_status add_entry(void *user, const ffwd_device_info *info, ffwd_error *err) {
    ffwd_device_list *list = user;
    entry *e = ffwd_alloc_zero(sizeof *e);
    if (e == NULL) {
        return ffwd_fail_memory(err, sizeof *e, "a device's description");
    }
    ffwd_device_info strings = *info;
    e->info = *info;
    for (size_t i = 0; i < STRING_COUNT; i++) {
        *string_member(&e->info, i) = NULL;
    }
    for (size_t i = 0; i < STRING_COUNT; i++) {
        char *copy = ffwd_copy_text(*string_member(&strings, i));
        if (copy == NULL) {
            free_entry(e);
            return ffwd_fail(err, FFWD_ENOMEM, "out of memory: a device's description");
        }
        *string_member(&e->info, i) = copy;
    }
    *list->end = e;
    list->end = &e->next;
    list->count++;
    return FFWD_OK;
}

static ffwd_status add_cpu(ffwd_device_list *list, ffwd_error *err) {
    ffwd_device *cpu = NULL;
    ffwd_status status = ffwd_device_open("cpu", NULL, &cpu, err);
    if (status == FFWD_OK) {
        ffwd_device_info info = FFWD_DEVICE_INFO_INIT;
        ffwd_device_describe(cpu, &info);
        status = add_entry(list, &info, err);
        ffwd_device_destroy(cpu);
    }
    return status;
}

ffwd_status ffwd_device_list_create(ffwd_device_list **out, ffwd_error *err) {
    *out = NULL;
    ffwd_device_list *list = ffwd_alloc_zero(sizeof *list);
    if (list == NULL) {
        return ffwd_fail_memory(err, sizeof *list, "the list of devices");
    }
    list->end = &list->first;
    ffwd_status status = add_cpu(list, err);
    if (status == FFWD_OK) {
        status = ffwd_opencl_visit(add_entry, list, list->note, sizeof list->note, err);
    }
    if (status != FFWD_OK) {
        ffwd_device_list_destroy(list);
        return status;
    }
    *out = list;
    return FFWD_OK;
}

void ffwd_device_list_destroy(ffwd_device_list *list) {
    if (list == NULL) {
        return;
    }
    for (entry *e = list->first; e != NULL;) {
        entry *next = e->next;
        free_entry(e);
        e = next;
    }
    ffwd_free(list);
}

size_t ffwd_device_list_count(const ffwd_device_list *list) {
    return list->count;
}

ffwd_status ffwd_device_list_get(const ffwd_device_list *list, size_t index, ffwd_device_info *info,
                                 ffwd_error *err) {
    if (index >= list->count) {
        return ffwd_fail(err, FFWD_EARGUMENT, "device %zu of %zu", index, list->count);
    }
    const entry *e = list->first;
    for (size_t i = 0; i < index; i++) {
        e = e->next;
    }
    ffwd_struct_write(info, &e->info, sizeof e->info);
    return FFWD_OK;
}

const char *ffwd_device_list_note(const ffwd_device_list *list) {
    return list->note;
}
