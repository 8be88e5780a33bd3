// SPDX-License-Identifier: MIT
// Writes each event when it is known: a timeline may be longer than memory.
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "failure.h"
#include "json_file.h"
#include "units.h"

/** The process of the command itself. */
enum { COMMAND_PROCESS = 1 };

/** Some hundreds of events are one call of the system. */
enum { BUFFER_BYTES = 1 << 16 };

/** An event of the format, but for what follows from its lane. */
typedef struct event {
    const char *device; /**< empty: the command */
    const char *lane, *name, *category;
    uint64_t start_ns, end_ns;
    bool has_rows;
    uint64_t first_row, rows;
    uint64_t first_layer, layer_count;
    uint64_t bytes;
} event;

bool trace_wanted(const trace *t) {
    return t->file.stream != NULL;
}

uint64_t trace_start(const trace *t) {
    return trace_wanted(t) ? clock_ns() : 0;
}

/** A station may be cancelled at its work, but not while it holds the mutex; what unlock wants. */
static int lock(trace *t) {
    int before;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    pthread_mutex_lock(&t->mutex);
    return before;
}

static void unlock(trace *t, int before) {
    pthread_mutex_unlock(&t->mutex);
    (void)pthread_setcancelstate(before, NULL);
}

/** Keeps the first error, which the commit tells. */
static void put(trace *t, const char *text) {
    if (t->error == 0 && fputs(text, t->file.stream) == EOF) {
        t->error = errno;
    }
}

/** The same for a few numbers and words. */
__attribute__((format(printf, 2, 3))) static void print(trace *t, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put(t, text);
}

/** Each event has a line; the first ends the line of the array's bracket. */
static void begin_event(trace *t) {
    put(t, t->events++ == 0 ? "\n" : ",\n");
}

/** A text that may hold anything, as a string of the format. */
static void write_text(trace *t, const char *text) {
    json_t *value = json_text(text);
    char *quoted = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    put(t, quoted != NULL ? quoted : "null");
    free(quoted);
    json_decref(value);
}

/** Names a process, or one of its threads. */
static void write_name(trace *t, const char *what, unsigned process, size_t thread,
                       const char *name) {
    begin_event(t);
    print(t, "{\"ph\":\"M\",\"ts\":0,\"pid\":%u,\"tid\":%zu,\"name\":\"%s\",", process, thread,
          what);
    put(t, "\"args\":{\"name\":");
    write_text(t, name);
    put(t, "}}");
}

/** The process of a device, which has a name from its first event on. */
static unsigned find_process(trace *t, const char *device, const char *name) {
    if (device[0] == '\0') {
        return COMMAND_PROCESS;
    }
    size_t i = 0;
    while (i < t->device_count && strcmp(t->devices[i], device) != 0) {
        i++;
    }
    const unsigned process = COMMAND_PROCESS + 1 + (unsigned)i;
    if (i == t->device_count) {
        t->devices = need_memory(t->devices, (i + 1) * sizeof *t->devices);
        t->device_count++;
        (void)snprintf(t->devices[i], sizeof t->devices[i], "%s", device);
        write_name(t, "process_name", process, 0, name);
    }
    return process;
}

/** The thread of the format that a lane is. */
static size_t find_thread(trace *t, unsigned process, const char *name) {
    size_t i = 0;
    while (i < t->lane_count &&
           (t->lanes[i].process != process || strcmp(t->lanes[i].name, name) != 0)) {
        i++;
    }
    if (i == t->lane_count) {
        t->lanes = need_memory(t->lanes, (i + 1) * sizeof *t->lanes);
        t->lane_count++;
        t->lanes[i] = (trace_lane){.process = process};
        (void)snprintf(t->lanes[i].name, sizeof t->lanes[i].name, "%s", name);
        write_name(t, "thread_name", process, i + 1, name);
    }
    return i + 1;
}

/** Microseconds, to the nanosecond. */
static void write_time(trace *t, const char *name, uint64_t ns) {
    print(t, ",\"%s\":%" PRIu64 ".%03" PRIu64, name, ns / 1000, ns % 1000);
}

static void write_arguments(trace *t, const event *e) {
    const char *between = "";
    put(t, ",\"args\":{");
    if (e->has_rows) {
        print(t, "\"first row\":%" PRIu64 ",\"rows\":%" PRIu64, e->first_row, e->rows);
        between = ",";
    }
    if (e->layer_count > 0) {
        print(t, "%s\"layers\":\"%s\"", between, units_layers(e->first_layer, e->layer_count).text);
        between = ",";
    }
    if (e->bytes > 0) {
        print(t, "%s\"bytes\":%" PRIu64, between, e->bytes);
    }
    put(t, "}}");
}

static void write_event(trace *t, const event *e) {
    const int before = lock(t);
    const unsigned process = find_process(t, e->device, e->device);
    const size_t thread = find_thread(t, process, e->lane);
    begin_event(t);
    print(t, "{\"ph\":\"X\",\"pid\":%u,\"tid\":%zu,\"name\":\"%s\",\"cat\":\"%s\"", process, thread,
          e->name, e->category);
    write_time(t, "ts", e->start_ns - t->zero_ns);
    write_time(t, "dur", e->end_ns - e->start_ns);
    write_arguments(t, e);
    unlock(t, before);
}

void trace_phase(trace *t, const char *lane, const char *name, uint64_t start_ns) {
    if (trace_wanted(t)) {
        write_event(t, &(event){.device = "",
                                .lane = lane,
                                .name = name,
                                .category = "host",
                                .start_ns = start_ns,
                                .end_ns = clock_ns()});
    }
}

void trace_rows(trace *t, const char *lane, const char *name, uint64_t start_ns, uint64_t first,
                uint64_t rows) {
    if (trace_wanted(t)) {
        write_event(t, &(event){.device = "",
                                .lane = lane,
                                .name = name,
                                .category = "host",
                                .start_ns = start_ns,
                                .end_ns = clock_ns(),
                                .has_rows = true,
                                .first_row = first,
                                .rows = rows});
    }
}

/** The engine itself works on the thread that called it, which is the command's own. */
void trace_span(trace *t, const ffwd_span *span, uint64_t first) {
    write_event(t, &(event){.device = span->device,
                            .lane = span->device[0] == '\0' ? "main" : span->lane,
                            .name = span->name,
                            .category = ffwd_span_name(span->kind),
                            .start_ns = span->start_ns,
                            .end_ns = span->end_ns,
                            .has_rows = true,
                            .first_row = first + span->first_row,
                            .rows = span->rows,
                            .first_layer = span->first_layer,
                            .layer_count = span->layer_count,
                            .bytes = span->bytes});
}

void trace_device(trace *t, const ffwd_device_info *info) {
    char name[320];
    if (trace_wanted(t)) {
        (void)snprintf(name, sizeof name, "%s %s", info->id, info->name);
        const int before = lock(t);
        (void)find_process(t, info->id, name);
        unlock(t, before);
    }
}

int trace_open(const char *path, const char *command, trace *out) {
    char name[32];
    *out = (trace){.zero_ns = clock_ns()};
    int status = path != NULL ? out_file_open(path, &out->file) : EXIT_DONE;
    if (path == NULL || status != EXIT_DONE) {
        return status;
    }
    (void)snprintf(name, sizeof name, "ffwd %s", command);
    pthread_mutex_init(&out->mutex, NULL);
    out->buffer = need_memory(NULL, BUFFER_BYTES);
    (void)setvbuf(out->file.stream, out->buffer, _IOFBF, BUFFER_BYTES);
    print(out, "{\"otherData\":{\"version\":\"%s\"},\"displayTimeUnit\":\"ms\",\"traceEvents\":[",
          ffwd_version());
    write_name(out, "process_name", COMMAND_PROCESS, 0, name);
    return EXIT_DONE;
}

int trace_commit(trace *t) {
    if (!trace_wanted(t)) {
        return EXIT_DONE;
    }
    const int before = lock(t);
    put(t, "\n]}\n");
    unlock(t, before);
    return t->error != 0 ? fail_errno(ON_WRITE, t->file.path, t->error) : out_file_commit(&t->file);
}

void trace_close(trace *t) {
    if (trace_wanted(t)) {
        pthread_mutex_destroy(&t->mutex);
    }
    out_file_close(&t->file);
    free(t->buffer);
    free(t->devices);
    free(t->lanes);
    *t = (trace){0};
}
