// SPDX-License-Identifier: MIT
// The ffwd command: picks the command, and sees to it that a failure to print is one.
#include <fcntl.h>
#include <unistd.h>

#include "commands.h"
#include "failure.h"
#include "interrupt.h"
#include "json_file.h"

static int (*const commands[COMMAND_COUNT])(const options *) = {
    [RUN] = command_run,   [BENCH] = command_bench,     [VERIFY] = command_verify,
    [INFO] = command_info, [DEVICES] = command_devices,
};

/** Refuses an instruction set by name before any work, whichever device will run. */
static int check_isa(const char *isa) {
    ffwd_error err = FFWD_ERROR_INIT;
    ffwd_device *device = NULL;
    ffwd_device_options wanted = FFWD_DEVICE_OPTIONS_INIT;
    wanted.isa = isa;
    wanted.threads = 1;
    if (isa != NULL && ffwd_device_open("cpu", &wanted, &device, &err) != FFWD_OK) {
        return fail_with(ON_DEVICE, &err);
    }
    ffwd_device_destroy(device);
    return EXIT_DONE;
}

/** Streams that were closed would lend their numbers to our files. What goes to a standard output
 *  that is none stays an error. */
static void open_standard_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
        }
    }
}

int main(int argc, char **argv) {
    options given;
    open_standard_streams();
    interrupt_install();
    json_begin();
    int status = options_parse(argc, argv, &given);
    if (status == EXIT_DONE) {
        status = check_isa(given.isa);
    }
    if (status == EXIT_DONE) {
        status = commands[given.command](&given);
    }
    options_free(&given);
    status = check_stdout(status == EXIT_ANSWERED ? EXIT_DONE : status);
    return status == EXIT_CLOSED_PIPE ? EXIT_DONE : status;
}
