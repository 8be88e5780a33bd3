// SPDX-License-Identifier: MIT
// What opening a device of OpenCL takes. Each process that opens one leaves it to the next, which
// can so tell, with nothing opened, whether it is worth it.
#ifndef FFWD_ENGINE_OPENING_H
#define FFWD_ENGINE_OPENING_H

#include "device/device.h"

/** Nanoseconds; assumed where none has been opened from here yet. `cache` as the options have it.
 */
double ffwd_opening_ns(const char *cache);

/** One has been opened, or was found not to be there (device NULL), in so many nanoseconds. What
 *  came after the first opening of a process, or had to be compiled, says nothing. */
void ffwd_opening_note(const char *cache, const ffwd_device *device, uint64_t ns);

#endif
