// SPDX-License-Identifier: MIT
// The floating-point environment by C11. glibc's default environment also keeps subnormals.
#include "base/process.h"

void ffwd_fpenv_enter(ffwd_fpenv *env) {
    (void)fegetenv(&env->all);
    (void)fesetenv(FE_DFL_ENV);
}

void ffwd_fpenv_leave(const ffwd_fpenv *env) {
    (void)fesetenv(&env->all);
}
