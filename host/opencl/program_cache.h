// SPDX-License-Identifier: MIT
// What one process leaves to the next: programs that a device's driver has compiled, that the
// device has passed the probe, and how fast it was. The key is everything that either depends on:
// the file's text and the options, device, driver and platform with their versions, ours, and the
// arithmetic's. A refusal is not kept, so that no glitch lasts.
#ifndef FFWD_OPENCL_PROGRAM_CACHE_H
#define FFWD_OPENCL_PROGRAM_CACHE_H

#include "opencl/program.h"

/** A program that is kept, ready for its kernels; NULL where there is none, or none of use. What is
 *  in the folder was compiled by this driver, as far as its name tells: kernels prove themselves
 * all the same. */
cl_program ffwd_opencl_find_program(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe);

/** Keeps a program whose kernels have been made, better yet launched: drivers compile late. */
void ffwd_opencl_keep_program(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe,
                              cl_program program);

/** A program that was found computes wrongly, or not at all: it goes. */
void ffwd_opencl_spoil_program(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe);

/** A value that was found out by a program, of so many bytes: `what` names it. False, and the value
 *  left alone, where none is kept. */
bool ffwd_opencl_find_value(ffwd_opencl_device *device, const char *what,
                            const ffwd_opencl_recipe *recipe, void *value, size_t bytes);
void ffwd_opencl_keep_value(ffwd_opencl_device *device, const char *what,
                            const ffwd_opencl_recipe *recipe, const void *value, size_t bytes);

/** Whether the device is known to have passed a probe. */
bool ffwd_opencl_has_passed(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe);
/** It has. */
void ffwd_opencl_note_passed(ffwd_opencl_device *device, const ffwd_opencl_recipe *recipe);

#endif
