// SPDX-License-Identifier: MIT
// The door to the CPU device.
#ifndef FFWD_CPU_CPU_H
#define FFWD_CPU_CPU_H

#include "device/device.h"

/**
 * Opens the CPU path. FFWD_EARGUMENT for an unknown isa, FFWD_EUNSUPPORTED for one that this
 * machine lacks, FFWD_ENOMEM.
 */
ffwd_status ffwd_cpu_open(const ffwd_device_options *options, ffwd_device **out, ffwd_error *err);

#endif
