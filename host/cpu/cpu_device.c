// SPDX-License-Identifier: MIT
// Opening, describing and closing the CPU device.
#include "cpu/cpu_device.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/process.h"

static void describe(const ffwd_device *device, ffwd_device_info *info) {
    const ffwd_cpu_device *cpu = (const ffwd_cpu_device *)device;
    info->type = FFWD_TYPE_CPU;
    info->id = "cpu";
    info->backend = "cpu";
    info->name = cpu->name;
    info->isa = cpu->isa->name;
    info->threads = ffwd_threads_count(cpu->threads);
    info->f64 = 1;
    info->shares_memory = 1;
    info->memory_bytes = cpu->memory_bytes;
}

static bool has_strategy(const ffwd_device *device, uint32_t strategy) {
    (void)device;
    return strategy == FFWD_FUSED || strategy == FFWD_LAYERED || strategy == FFWD_TABLE;
}

static void close_device(ffwd_device *device) {
    ffwd_cpu_device *cpu = (ffwd_cpu_device *)device;
    if (device->fork_generation == ffwd_fork_generation()) {
        ffwd_threads_destroy(cpu->threads);
    } else {
        ffwd_threads_abandon(cpu->threads);
    }
    ffwd_free(cpu);
}

static const ffwd_device_ops cpu_ops = {
    .describe = describe,
    .has_strategy = has_strategy,
    .prepare = ffwd_cpu_prepare,
    .clone = ffwd_cpu_clone,
    .run_chunk = ffwd_cpu_run_chunk,
    .limit = ffwd_cpu_limit,
    .rates = ffwd_cpu_rates,
    .release = ffwd_cpu_release,
    .close = close_device,
};

/** "model name : NAME" of /proc/cpuinfo, or the machine's architecture. */
static void read_name(char *name, size_t size) {
    struct utsname system;
    (void)snprintf(name, size, "%s", uname(&system) == 0 ? system.machine : "CPU");
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (file == NULL) {
        return;
    }
    char line[256];
    while (fgets(line, (int)sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL && colon[1] == ' ') {
            line[strcspn(line, "\n")] = '\0';
            (void)snprintf(name, size, "%s", colon + 2);
            break;
        }
    }
    (void)fclose(file);
}

static uint64_t physical_memory(void) {
    long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && bytes > 0 ? (uint64_t)pages * (uint64_t)bytes : 0;
}

/** More threads than this are a mistake of units, not a machine. */
#define THREADS_MAX 4096

ffwd_status ffwd_cpu_open(const ffwd_device_options *options, ffwd_device **out, ffwd_error *err) {
    const ffwd_isa *isa = ffwd_isa_best();
    ffwd_status status = FFWD_OK;
    if (options->isa != NULL) {
        status = ffwd_isa_find(options->isa, &isa, err);
    }
    if (status != FFWD_OK) {
        return status;
    }
    if (options->threads > THREADS_MAX) {
        return ffwd_fail(err, FFWD_EARGUMENT, "%u threads; at most %d are taken", options->threads,
                         THREADS_MAX);
    }
    ffwd_cpu_device *cpu = ffwd_alloc_zero(sizeof *cpu);
    if (cpu == NULL) {
        return ffwd_fail_memory(err, sizeof *cpu, "the CPU device");
    }
    const bool by_default = options->threads == 0;
    status = ffwd_threads_create(by_default ? ffwd_cpu_count() : options->threads, by_default,
                                 &cpu->threads, err);
    if (status != FFWD_OK) {
        ffwd_free(cpu);
        return status;
    }
    ffwd_device_init(&cpu->base, &cpu_ops);
    cpu->isa = isa;
    cpu->isa_forced = options->isa != NULL;
    cpu->memory_bytes = physical_memory();
    (void)snprintf(cpu->cache, sizeof cpu->cache, "%s",
                   options->cache != NULL ? options->cache : "");
    read_name(cpu->name, sizeof cpu->name);
    *out = &cpu->base;
    return FFWD_OK;
}
