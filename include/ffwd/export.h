// SPDX-License-Identifier: MIT
// How the public functions are declared: visible outside the library, results not to be dropped.
#ifndef FFWD_EXPORT_H
#define FFWD_EXPORT_H

#define FFWD_API     __attribute__((visibility("default")))
#define FFWD_CHECKED __attribute__((warn_unused_result))

#endif
