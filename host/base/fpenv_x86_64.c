// SPDX-License-Identifier: MIT
// The floating-point environment of x86-64: two registers, in a few cycles, where C11's functions,
// which save the whole x87, take a hundred.
#include <xmmintrin.h>

#include "base/process.h"

/** Round to nearest, subnormals kept, all exceptions masked and none raised. */
#define MXCSR_DEFAULT 0x1f80u

/** The exceptions that it remembers. */
#define MXCSR_RAISED 0x3fu

/** The same for the x87, on which glibc's fma() computes where the machine has none. */
#define X87_DEFAULT 0x037fu

/** The exceptions that the x87 remembers. */
#define X87_RAISED 0x3fu

/** What fnstenv stores and fldenv loads: control word, status word and five more, 32 bits each. */
typedef uint32_t x87_environment[7];

static uint16_t x87_status(void) {
    uint16_t status;
    __asm__ volatile("fnstsw %0" : "=m"(status));
    return status;
}

/** Only the whole environment can be loaded; it costs a hundred cycles, so seldom. */
static void set_x87_raised(uint16_t raised) {
    x87_environment all;
    __asm__ volatile("fnstenv %0" : "=m"(all));
    all[1] = (all[1] & ~X87_RAISED) | (raised & X87_RAISED);
    __asm__ volatile("fldenv %0" : : "m"(all));
}

void ffwd_fpenv_enter(ffwd_fpenv *env) {
    const uint16_t x87 = X87_DEFAULT;
    env->sse = _mm_getcsr();
    env->x87_status = x87_status();
    __asm__ volatile("fnstcw %0" : "=m"(env->x87));
    if ((env->sse & ~MXCSR_RAISED) != MXCSR_DEFAULT) {
        _mm_setcsr(MXCSR_DEFAULT);
    }
    if (env->x87 != x87) {
        __asm__ volatile("fldcw %0" : : "m"(x87));
    }
}

void ffwd_fpenv_leave(const ffwd_fpenv *env) {
    if (_mm_getcsr() != env->sse) {
        _mm_setcsr(env->sse);
    }
    if (((x87_status() ^ env->x87_status) & X87_RAISED) != 0) {
        set_x87_raised(env->x87_status);
    }
    if (env->x87 != X87_DEFAULT) {
        __asm__ volatile("fldcw %0" : : "m"(env->x87));
    }
}
