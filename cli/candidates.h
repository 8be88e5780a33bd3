// SPDX-License-Identifier: MIT
// Everything that verify compares: each device, strategy, instruction set and number of threads.
// Their engines are made when they are needed, so that memory holds one at a time.
#ifndef FFWD_CLI_CANDIDATES_H
#define FFWD_CLI_CANDIDATES_H

#include "model_source.h"
#include "skipped.h"

typedef struct candidate {
    ffwd_device *device;
    uint32_t strategy;
    bool skipped;      /**< no engine could be made of it */
    int status;        /**< EXIT_DONE: equal so far */
    char verdict[320]; /**< what is wrong, or empty */
} candidate;

typedef struct candidates {
    const options *given;
    const model_source *model;
    uint64_t rows;
    candidate reference; /**< cpu, portable, one thread, fused */
    candidate *items;
    size_t count;
    ffwd_device **devices; /**< of all candidates */
    size_t device_count;
    skipped skipped;
} candidates;

/** Finds all of them; devices that cannot be used are skipped with their reason. An exit status. */
int candidates_open(const options *given, const model_source *model, uint64_t rows,
                    candidates *out);
/** Makes the engine of the reference; an exit status. */
int candidates_reference(const candidates *all, ffwd_engine **out);
/** Makes the engine of one. *out is NULL where the candidate is skipped instead, with its reason
 *  unless it is that the device does not have a strategy that nobody named. An exit status. */
int candidates_engine(candidates *all, candidate *item, ffwd_engine **out);
void candidates_close(candidates *all);

#endif
