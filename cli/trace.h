// SPDX-License-Identifier: MIT
// The timeline of a command in Chrome's trace event format, for Perfetto and chrome://tracing: what
// the command itself does, and the spans that the engine hands out. A process of the format is the
// command or a device, a thread is a lane: a thread of ours, a queue, the kernels of a device.
//
// Trace Event Format, Google, 2016: complete events ("X") and metadata ("M").
#ifndef FFWD_CLI_TRACE_H
#define FFWD_CLI_TRACE_H

#include <pthread.h>
#include <stdbool.h>

#include <ffwd/ffwd.h>

#include "out_file.h"

/** A lane that has had a span. */
typedef struct trace_lane {
    unsigned process; /**< 1: the command; others: devices */
    char name[32];
} trace_lane;

/** All 0: nothing is traced, and the functions below do nothing. */
typedef struct trace {
    out_file file;
    char *buffer;          /**< of the file's stream */
    pthread_mutex_t mutex; /**< over the rest: every station has spans */
    uint64_t zero_ns;
    char (*devices)[32]; /**< ids, from process 2 on */
    size_t device_count;
    trace_lane *lanes; /**< threads 1, 2, ... of the format */
    size_t lane_count;
    uint64_t events;
    int error; /**< errno of the first write that failed, or 0 */
} trace;

/** Begins the file; NULL as the path: nothing is traced. */
int trace_open(const char *path, const char *command, trace *out);
bool trace_wanted(const trace *t);

/** The time that a phase starts at; 0 where nothing is traced. */
uint64_t trace_start(const trace *t);
/** Something that the command did from then until now, on a lane such as "main" or "read". */
void trace_phase(trace *t, const char *lane, const char *name, uint64_t start_ns);
/** The same to rows [first, first + rows) of X. */
void trace_rows(trace *t, const char *lane, const char *name, uint64_t start_ns, uint64_t first,
                uint64_t rows);
/** A span of the engine, which counts its rows from `first` on. */
void trace_span(trace *t, const ffwd_span *span, uint64_t first);
/** Gives the process of a device a name beside its id. */
void trace_device(trace *t, const ffwd_device_info *info);

/** Makes the file appear. */
int trace_commit(trace *t);
/** Removes what was not committed. */
void trace_close(trace *t);

#endif
