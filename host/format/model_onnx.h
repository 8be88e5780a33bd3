// SPDX-License-Identifier: MIT
// From the bytes of an ONNX file to a model.
#ifndef FFWD_FORMAT_MODEL_ONNX_H
#define FFWD_FORMAT_MODEL_ONNX_H

#include "base/error.h"

/** Whether bytes begin as ONNX files do, with the version of their format. */
bool ffwd_is_onnx(const unsigned char *bytes, uint64_t count);

/** `path` is NULL where there is none; then data in other files is refused. */
ffwd_status ffwd_model_of_onnx(const unsigned char *bytes, uint64_t count, const char *path,
                               const ffwd_load_options *options, ffwd_model **out, ffwd_error *err);

#endif
