// SPDX-License-Identifier: MIT
// The host's side of the float64 probe.
#include <inttypes.h>

#define REAL_IS_F64
#include "base/names_scalar.h"

#define DTYPE        "f64"
#define BITS_FORMAT  "%016" PRIx64
#define VALUE_DIGITS 17
#define PROBE_HOST   ffwd_probe_f64
/* As in probe_f32.c. */
#define SPECIALS                                                                                   \
    0x0000000000000000, 0x3ff0000000000000, 0x3ff0000000000001, 0x3fefffffffffffff,                \
        0x4008000000000000, 0x0000000000000001, 0x000fffffffffffff, 0x0010000000000000,            \
        0x0020000000000000, 0x7fefffffffffffff, 0x7ff0000000000000, 0x8000000000000000,            \
        0xbff0000000000000, 0xbff0000000000001, 0x8000000000000001, 0x8010000000000000,            \
        0xffefffffffffffff, 0xfff0000000000000, 0x7ff8000000000001

#include "opencl/probe_host.h"
