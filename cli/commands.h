// SPDX-License-Identifier: MIT
// The commands. Each returns an exit status and has printed what there was to say.
#ifndef FFWD_CLI_COMMANDS_H
#define FFWD_CLI_COMMANDS_H

#include "options.h"

int command_run(const options *given);
int command_bench(const options *given);
int command_verify(const options *given);
int command_info(const options *given);
int command_devices(const options *given);

#endif
