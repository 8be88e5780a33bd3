// SPDX-License-Identifier: MIT
// SIGINT, SIGTERM and SIGHUP become a flag that runs look at between chunks, so that no
// half-written file stays behind. A second signal ends the process at once.
#ifndef FFWD_CLI_INTERRUPT_H
#define FFWD_CLI_INTERRUPT_H

/** Installs the handlers; a closed pipe becomes EPIPE instead of a signal, a file that grows past
 *  its limit EFBIG. */
void interrupt_install(void);

/** The signal that has asked us to stop, or 0. */
int interrupt_signal(void);

/** Ends a command that noticed the signal itself: prints that and returns the exit status. */
int interrupt_fail(void);

#endif
