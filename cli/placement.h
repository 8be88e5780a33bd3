// SPDX-License-Identifier: MIT
// Places a model as the options say.
#ifndef FFWD_CLI_PLACEMENT_H
#define FFWD_CLI_PLACEMENT_H

#include "model_source.h"
#include "skipped.h"

/**
 * Makes an engine for one entry of the list of devices; *out is NULL where the device is skipped
 * instead, with its reason. Only the CPU path is told of instruction set and threads.
 *
 * @return an exit status
 */
int placement_listed(const ffwd_device_info *device, const options *given,
                     const model_source *model, uint64_t rows, skipped *left_out,
                     ffwd_engine **out);

/** Makes an engine on the device that the user named, or on the one that is chosen for the model;
 *  an exit status. */
int placement_selected(const options *given, const model_source *model, uint64_t rows,
                       ffwd_engine **out);

#endif
