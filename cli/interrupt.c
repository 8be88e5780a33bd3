// SPDX-License-Identifier: MIT
// The signal handlers of the command.
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "failure.h"

/** Atomic, because all stations of a pipeline look at what a handler sets on one thread. */
static atomic_int caught;

static void catch_signal(int number) {
    caught = number;
}

/** What was told to ignore a signal, as by nohup, goes on ignoring it. */
static void catch_unless_ignored(int number) {
    struct sigaction action = {.sa_handler = catch_signal, .sa_flags = SA_RESTART | SA_RESETHAND};
    struct sigaction inherited;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN) {
        sigaction(number, &action, NULL);
    }
}

void interrupt_install(void) {
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    catch_unless_ignored(SIGINT);
    catch_unless_ignored(SIGTERM);
    catch_unless_ignored(SIGHUP);
    sigaction(SIGPIPE, &ignored, NULL);
    sigaction(SIGXFSZ, &ignored, NULL);
}

int interrupt_signal(void) {
    return caught;
}

int interrupt_fail(void) {
    return fail(128 + caught, "interrupted");
}
