// SPDX-License-Identifier: MIT
// The pipeline of `ffwd run`: order, slots, threads, and each station failing at each piece.
#include "pipeline.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "support/suite.h"

/** The signal that seems to have come. */
static atomic_int signalled;

int interrupt_signal(void) {
    return signalled;
}

/* ---------------------------------------------------------------------------------- the threads */

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
create_function __real_pthread_create, __wrap_pthread_create;
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result);

/** Threads asked for, the one of them that is refused (0: none), and threads at work. */
static int asked, refused, living;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *user) {
    if (++asked == refused) {
        return EAGAIN;
    }
    living++;
    return __real_pthread_create(thread, attributes, start, user);
}

int __wrap_pthread_join(pthread_t thread, void **result) {
    living--;
    return __real_pthread_join(thread, result);
}

/* ----------------------------------------------------------------------------------- the pieces */

enum { PIECES = 7 };

typedef struct journey {
    pipeline line;
    uint64_t pieces;
    bool foreseen;                  /**< the reading station knows its last piece when it has it */
    uint64_t seen[STATIONS];        /**< pieces that each station has taken */
    uint64_t slots[PIPELINE_SLOTS]; /**< mark of the piece in a slot */
    atomic_bool wrong;              /**< a piece out of order, or in a slot that another one has */
    station breaks_at;              /**< STATIONS: nowhere */
    uint64_t breaks_in;             /**< piece */
    int signal;                     /**< what breaks: a signal comes; 0: the station fails */
} journey;

static uint64_t mark(uint64_t piece, station left) {
    return piece * STATIONS + (uint64_t)left + 1;
}

static bool break_off(const journey *j, station at, uint64_t piece, problem *why) {
    if (j->signal != 0) {
        signalled = j->signal;
        return true;
    }
    why->about = at == STATION_READ ? ON_INPUT : at == STATION_COMPUTE ? ON_DEVICE : ON_WRITE;
    why->err.status = FFWD_EIO;
    (void)snprintf(why->err.message, sizeof why->err.message, "station %d, piece %d", (int)at,
                   (int)piece);
    return false;
}

static bool travel(journey *j, station at, uint64_t piece, size_t slot, problem *why) {
    bool first = at == STATION_READ;
    if (piece != j->seen[at] || slot >= j->line.slots ||
        (!first && j->slots[slot] != mark(piece, at - 1)) ||
        (first && j->slots[slot] != 0 && j->slots[slot] % STATIONS != 0)) {
        j->wrong = true;
    }
    j->slots[slot] = mark(piece, at);
    j->seen[at]++;
    return at != j->breaks_at || piece != j->breaks_in || break_off(j, at, piece, why);
}

static bool read_piece(void *user, uint64_t piece, size_t slot, problem *why) {
    journey *j = user;
    if (piece == j->pieces || (j->foreseen && piece + 1 == j->pieces)) {
        pipeline_end(&j->line, j->pieces);
    }
    return piece == j->pieces || travel(user, STATION_READ, piece, slot, why);
}

static bool compute_piece(void *user, uint64_t piece, size_t slot, problem *why) {
    return travel(user, STATION_COMPUTE, piece, slot, why);
}

static bool write_piece(void *user, uint64_t piece, size_t slot, problem *why) {
    return travel(user, STATION_WRITE, piece, slot, why);
}

static journey begin(uint64_t pieces, size_t slots) {
    signalled = 0;
    asked = refused = living = 0;
    journey j = {.line = {.work = {read_piece, compute_piece, write_piece}, .slots = slots},
                 .pieces = pieces,
                 .foreseen = true,
                 .breaks_at = STATIONS};
    return j;
}

static bool run(journey *j) {
    j->line.user = j;
    bool done = pipeline_run(&j->line);
    ck_assert(!j->wrong);
    ck_assert_int_eq(living, 0);
    return done;
}

static void expect_all(const journey *j) {
    for (int at = 0; at < STATIONS; at++) {
        ck_assert_uint_eq(j->seen[at], j->pieces);
    }
}

/* ------------------------------------------------------------------------------------ the tests */

START_TEST(all_pieces_in_order) {
    for (uint64_t pieces = 1; pieces <= 3 * PIPELINE_SLOTS + 1; pieces++) {
        for (size_t slots = 1; slots <= PIPELINE_SLOTS; slots++) {
            journey j = begin(pieces, slots);
            ck_assert(run(&j));
            expect_all(&j);
            ck_assert_int_eq(asked, pieces == 1 || slots == 1 ? 0 : 2);
            j = begin(pieces, slots);
            j.foreseen = false;
            ck_assert(run(&j));
            expect_all(&j);
        }
    }
}
END_TEST

START_TEST(without_threads) {
    for (int nth = 1; nth <= 2; nth++) {
        journey j = begin(PIECES, PIPELINE_SLOTS);
        refused = nth;
        ck_assert(run(&j));
        expect_all(&j);
    }
}
END_TEST

/** The station that breaks off, the piece, and slots enough for threads or not. */
static void break_everywhere(int number, void (*check)(const journey *)) {
    for (int at = 0; at < STATIONS; at++) {
        for (uint64_t piece = 0; piece < PIECES; piece++) {
            for (size_t slots = 1; slots <= PIPELINE_SLOTS; slots++) {
                journey j = begin(PIECES, slots);
                j.breaks_at = (station)at;
                j.breaks_in = piece;
                j.signal = number;
                ck_assert(!run(&j) || number != 0);
                check(&j);
            }
        }
    }
}

static void check_failed(const journey *j) {
    char expected[64];
    (void)snprintf(expected, sizeof expected, "station %d, piece %d", (int)j->breaks_at,
                   (int)j->breaks_in);
    ck_assert_str_eq(j->line.why.err.message, expected);
    ck_assert_int_eq(j->line.why.err.status, FFWD_EIO);
    ck_assert_int_eq(j->line.why.about, j->breaks_at == STATION_READ      ? ON_INPUT
                                        : j->breaks_at == STATION_COMPUTE ? ON_DEVICE
                                                                          : ON_WRITE);
    ck_assert_uint_eq(j->seen[j->breaks_at], j->breaks_in + 1);
    for (int after = j->breaks_at + 1; after < STATIONS; after++) {
        ck_assert_uint_le(j->seen[after], j->breaks_in);
    }
}

START_TEST(failure_at_each_station) {
    break_everywhere(0, check_failed);
}
END_TEST

/** A signal after the last piece was written is for the caller to notice. */
static void check_interrupted(const journey *j) {
    if (j->line.failed) {
        ck_assert_int_eq(j->line.why.err.status, FFWD_ECANCELLED);
        ck_assert_uint_le(j->seen[STATION_WRITE], PIECES);
    } else {
        expect_all(j);
    }
    ck_assert(j->line.failed || j->breaks_in + 1 == PIECES);
}

START_TEST(signal_at_each_station) {
    break_everywhere(SIGTERM, check_interrupted);
}
END_TEST

/** Fails, but only after another station has. */
static bool fail_late(void *user, uint64_t piece, size_t slot, problem *why) {
    journey *j = user;
    (void)piece;
    (void)slot;
    while (!pipeline_ends(&j->line)) {
        usleep(1000);
    }
    why->err.status = FFWD_EDEVICE;
    return false;
}

START_TEST(first_failure_wins) {
    journey j = begin(PIECES, PIPELINE_SLOTS);
    j.line.work[STATION_COMPUTE] = fail_late;
    j.breaks_at = STATION_READ;
    j.breaks_in = 1;
    ck_assert(!run(&j));
    ck_assert_str_eq(j.line.why.err.message, "station 0, piece 1");
}
END_TEST

/** Never returns by itself, as a write to a pipe that nobody empties. */
static bool get_stuck(void *user, uint64_t piece, size_t slot, problem *why) {
    (void)user;
    (void)piece;
    (void)slot;
    (void)why;
    signalled = SIGTERM;
    while (pause() != 0) {
    }
    return false;
}

/** The same at the last piece, when the caller has computed all and waits for nothing else. */
static bool get_stuck_at_the_end(void *user, uint64_t piece, size_t slot, problem *why) {
    const struct timespec a_while = {0, 100000000};
    if (piece + 1 < PIECES) {
        return write_piece(user, piece, slot, why);
    }
    (void)nanosleep(&a_while, NULL);
    return get_stuck(user, piece, slot, why);
}

START_TEST(signal_while_waiting_for_the_last) {
    journey j = begin(PIECES, PIPELINE_SLOTS);
    j.line.work[STATION_WRITE] = get_stuck_at_the_end;
    ck_assert(!run(&j));
    ck_assert_int_eq(j.line.why.err.status, FFWD_ECANCELLED);
}
END_TEST

START_TEST(signal_while_stuck) {
    journey j = begin(PIECES, PIPELINE_SLOTS);
    j.line.work[STATION_WRITE] = get_stuck;
    ck_assert(!run(&j));
    ck_assert_int_eq(j.line.why.err.status, FFWD_ECANCELLED);
}
END_TEST

/** Waits for what never comes, as from a pipe that nobody writes to, and asks whether to go on. */
static bool wait_for_rows(void *user, uint64_t piece, size_t slot, problem *why) {
    journey *j = user;
    if (piece < j->breaks_in) {
        return read_piece(user, piece, slot, why);
    }
    signalled = SIGINT;
    while (!pipeline_ends(&j->line)) {
        usleep(1000);
    }
    why->err.status = FFWD_ECANCELLED;
    return false;
}

START_TEST(signal_while_rows_are_awaited) {
    for (uint64_t piece = 0; piece < 3; piece++) {
        journey j = begin(PIECES, PIPELINE_SLOTS);
        j.line.work[STATION_READ] = wait_for_rows;
        j.breaks_in = piece;
        ck_assert(!run(&j));
        ck_assert_int_eq(j.line.why.err.status, FFWD_ECANCELLED);
        ck_assert_uint_eq(j.seen[STATION_READ], piece);
    }
}
END_TEST

static bool is_blocked(int number) {
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    return sigismember(&blocked, number) == 1;
}

/** Signals are for the thread that computes, the caller's, which also reads the first piece. */
static bool look_at_signals(void *user, uint64_t piece, size_t slot, problem *why) {
    journey *j = user;
    (void)slot;
    (void)why;
    if (piece > 0 && (!is_blocked(SIGINT) || !is_blocked(SIGTERM))) {
        j->wrong = true;
    }
    return true;
}

static bool look_at_signals_and_end(void *user, uint64_t piece, size_t slot, problem *why) {
    journey *j = user;
    if (piece + 1 == j->pieces) {
        pipeline_end(&j->line, j->pieces);
    }
    return look_at_signals(user, piece, slot, why);
}

static bool do_nothing(void *user, uint64_t piece, size_t slot, problem *why) {
    (void)user;
    (void)piece;
    (void)slot;
    (void)why;
    return true;
}

START_TEST(signals_blocked) {
    journey j = begin(PIECES, PIPELINE_SLOTS);
    j.line.work[STATION_READ] = look_at_signals_and_end;
    j.line.work[STATION_WRITE] = look_at_signals;
    j.line.work[STATION_COMPUTE] = do_nothing;
    ck_assert(run(&j));
    ck_assert(!is_blocked(SIGINT) && !is_blocked(SIGTERM));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("pipeline");
    TCase *pieces = tcase_create("pieces");
    tcase_add_test(pieces, all_pieces_in_order);
    tcase_add_test(pieces, without_threads);
    tcase_add_test(pieces, failure_at_each_station);
    tcase_add_test(pieces, signal_at_each_station);
    tcase_add_test(pieces, first_failure_wins);
    tcase_add_test(pieces, signal_while_stuck);
    tcase_add_test(pieces, signal_while_rows_are_awaited);
    tcase_add_test(pieces, signal_while_waiting_for_the_last);
    tcase_add_test(pieces, signals_blocked);
    suite_add_tcase(suite, pieces);
    return suite_main(suite);
}
