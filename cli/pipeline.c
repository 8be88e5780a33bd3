// SPDX-License-Identifier: MIT
// Stations wait for each other on one condition; the first failure ends them all.
#include "pipeline.h"

#include <signal.h>
#include <time.h>

#include "interrupt.h"

/** How long a signal that came while all stations wait goes unnoticed. */
#define PATIENCE_MS 50

/** A station on its own thread. */
typedef struct worker {
    pipeline *line;
    station at;
    pthread_t thread;
    bool ended; /**< under the pipeline's mutex */
} worker;

/** Keeps the first reason. */
static void give_up(pipeline *line, const problem *why) {
    pthread_mutex_lock(&line->mutex);
    if (!line->failed) {
        line->failed = true;
        line->why = *why;
    }
    pthread_cond_broadcast(&line->moved);
    pthread_mutex_unlock(&line->mutex);
}

bool pipeline_ends(pipeline *line) {
    pthread_mutex_lock(&line->mutex);
    bool failed = line->failed;
    pthread_mutex_unlock(&line->mutex);
    return failed || interrupt_signal() != 0;
}

void pipeline_end(pipeline *line, uint64_t pieces) {
    pthread_mutex_lock(&line->mutex);
    line->pieces = pieces;
    pthread_cond_broadcast(&line->moved);
    pthread_mutex_unlock(&line->mutex);
}

/** Reading waits for a free slot, the others for the station before. */
static bool may_enter(const pipeline *line, station at, uint64_t piece) {
    return at == STATION_READ ? piece < line->passed[STATION_WRITE] + line->slots
                              : piece < line->passed[at - 1];
}

static void wait_a_while(pipeline *line) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += PATIENCE_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&line->moved, &line->mutex, &until);
}

typedef enum entrance { ENTERED, NO_SUCH_PIECE, BROKEN_OFF } entrance;

/** Waits until a piece may enter a station, or it is known that there is no such piece. */
static entrance enter(pipeline *line, station at, uint64_t piece) {
    pthread_mutex_lock(&line->mutex);
    while (!line->failed && interrupt_signal() == 0 && piece < line->pieces &&
           !may_enter(line, at, piece)) {
        wait_a_while(line);
    }
    entrance found = piece >= line->pieces                     ? NO_SUCH_PIECE
                     : line->failed || interrupt_signal() != 0 ? BROKEN_OFF
                                                               : ENTERED;
    pthread_mutex_unlock(&line->mutex);
    return found;
}

static void leave(pipeline *line, station at) {
    pthread_mutex_lock(&line->mutex);
    line->passed[at]++;
    pthread_cond_broadcast(&line->moved);
    pthread_mutex_unlock(&line->mutex);
}

/** What a station says that ended because of a signal. */
static const problem interrupted = {.about = ON_DEVICE, .err = {.status = FFWD_ECANCELLED}};

/** The writing thread can be cancelled at its work alone, where it holds nothing but its piece. The
 * others end by themselves: a reader asks pipeline_ends while it waits. */
static bool do_work(pipeline *line, station at, uint64_t piece, problem *why) {
    int before;
    if (at == STATION_WRITE) {
        (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
    }
    bool done = line->work[at](line->user, piece, (size_t)(piece % line->slots), why);
    if (at == STATION_WRITE) {
        (void)pthread_setcancelstate(before, NULL);
    }
    return done;
}

/** One piece at one station; false where there is nothing more to do. */
static bool pass(pipeline *line, station at, uint64_t piece) {
    problem why = interrupted;
    entrance found = enter(line, at, piece);
    if (found == NO_SUCH_PIECE) {
        return false;
    }
    if (found == BROKEN_OFF || !do_work(line, at, piece, &why)) {
        give_up(line, &why);
        return false;
    }
    leave(line, at);
    return true;
}

static void pass_all(pipeline *line, station at) {
    while (pass(line, at, line->passed[at])) {
    }
}

static void *work(void *user) {
    worker *own = user;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pass_all(own->line, own->at);
    pthread_mutex_lock(&own->line->mutex);
    own->ended = true;
    pthread_cond_broadcast(&own->line->moved);
    pthread_mutex_unlock(&own->line->mutex);
    return NULL;
}

/** All stations on this thread, one piece after the other; the first has been read. */
static void run_alone(pipeline *line) {
    while (pass(line, STATION_COMPUTE, line->passed[STATION_COMPUTE]) &&
           pass(line, STATION_WRITE, line->passed[STATION_WRITE]) &&
           pass(line, STATION_READ, line->passed[STATION_READ])) {
    }
}

/** Starts a station with all signals blocked: they are for the caller's thread. */
static bool start(worker *own) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool started = pthread_create(&own->thread, NULL, work, own) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/** Waits for a station. When a signal comes it may be stuck for good, as in a write to a pipe that
 * nobody empties, and its piece is not wanted any more. */
static void join(worker *own) {
    pthread_mutex_lock(&own->line->mutex);
    while (!own->ended && interrupt_signal() == 0) {
        wait_a_while(own->line);
    }
    if (!own->ended) {
        (void)pthread_cancel(own->thread);
    }
    pthread_mutex_unlock(&own->line->mutex);
    pthread_join(own->thread, NULL);
}

/** False where the machine has no threads left, and nothing was done. */
static bool run_together(pipeline *line) {
    worker reading = {.line = line, .at = STATION_READ};
    worker writing = {.line = line, .at = STATION_WRITE};
    if (!start(&writing)) {
        return false;
    }
    if (!start(&reading)) {
        give_up(line, &interrupted);
        join(&writing);
        line->failed = false;
        return false;
    }
    pass_all(line, STATION_COMPUTE);
    join(&reading);
    join(&writing);
    if (line->passed[STATION_WRITE] < line->pieces) {
        give_up(line, &interrupted); // unless something else was the reason
    }
    return true;
}

static void prepare(pipeline *line) {
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&line->moved, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&line->mutex, NULL);
    line->failed = false;
    line->pieces = UINT64_MAX;
    for (int at = 0; at < STATIONS; at++) {
        line->passed[at] = 0;
    }
}

bool pipeline_run(pipeline *line) {
    prepare(line);
    bool begun = pass(line, STATION_READ, 0);
    if (begun && (line->slots == 1 || line->pieces == 1 || !run_together(line))) {
        run_alone(line);
    }
    pthread_cond_destroy(&line->moved);
    pthread_mutex_destroy(&line->mutex);
    return !line->failed;
}
