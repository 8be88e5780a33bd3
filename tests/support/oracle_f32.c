// SPDX-License-Identifier: MIT
// The oracle in float32.
#include <stdint.h>

typedef float REAL;
typedef uint32_t BITS;
#define FUSED        fmaf
#define QUIET_NAN    0x7fc00000u
#define ORACLE(name) oracle_##name##_f32
#include "oracle_body.h"
