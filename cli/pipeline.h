// SPDX-License-Identifier: MIT
// Pieces of a file on their way: read, computed, written, a few of them at once. Each station works
// on its own thread, the computing one on the caller's, since an engine belongs to one thread.
#ifndef FFWD_CLI_PIPELINE_H
#define FFWD_CLI_PIPELINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

typedef enum station { STATION_READ, STATION_COMPUTE, STATION_WRITE, STATIONS } station;

/** Pieces under way at most: one at each station. */
enum { PIPELINE_SLOTS = STATIONS };

/** Why a station gave up; said by whoever ran the pipeline, so that it is said once. */
typedef struct problem {
    subject about;
    ffwd_error err;
} problem;

/** What a station does with a piece, in the slot that is the piece's alone until it is written. The
 * reading one says when there are no more. After a signal the writing one may end at any of its
 * system calls, never to return. */
typedef bool station_work(void *user, uint64_t piece, size_t slot, problem *why);

typedef struct pipeline {
    station_work *work[STATIONS];
    void *user;
    size_t slots; /**< 1 to PIPELINE_SLOTS */

    pthread_mutex_t mutex; /**< over the rest, which pipeline_run sets up */
    pthread_cond_t moved;
    uint64_t pieces;           /**< UINT64_MAX until pipeline_end */
    uint64_t passed[STATIONS]; /**< pieces that have left a station */
    bool failed;
    problem why; /**< the first */
} pipeline;

/**
 * Takes all pieces through all stations, the first of them in any case. A single piece, or one
 * slot, needs no threads. False after a failure or a signal, with the first reason in line->why;
 * then no thread is left at work.
 */
bool pipeline_run(pipeline *line);

/** For the reading station: there are so many pieces, of which it may be taking one too many. */
void pipeline_end(pipeline *line, uint64_t pieces);

/** Whether a station has given up or a signal came, for work that can be cut short. */
bool pipeline_ends(pipeline *line);

#endif
