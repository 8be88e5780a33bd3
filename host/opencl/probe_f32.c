// SPDX-License-Identifier: MIT
// The host's side of the float32 probe.
#include <inttypes.h>

#include "base/names_scalar.h"

#define DTYPE        "f32"
#define BITS_FORMAT  "%08" PRIx32
#define VALUE_DIGITS 9
#define PROBE_HOST   ffwd_probe_f32
/* 0, 1, 1 + ulp, 1 - ulp / 2, 3, smallest and largest subnormal, smallest normal, its double,
 * largest, infinity; then negative ones, NaN. */
#define SPECIALS                                                                                   \
    0x00000000, 0x3f800000, 0x3f800001, 0x3f7fffff, 0x40400000, 0x00000001, 0x007fffff,            \
        0x00800000, 0x01000000, 0x7f7fffff, 0x7f800000, 0x80000000, 0xbf800000, 0xbf800001,        \
        0x80000001, 0x80800000, 0xff7fffff, 0xff800000, 0x7fc00001

#include "opencl/probe_host.h"
