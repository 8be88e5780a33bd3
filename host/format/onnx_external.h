// SPDX-License-Identifier: MIT
// Data that an ONNX file keeps in another file.
#ifndef FFWD_FORMAT_ONNX_EXTERNAL_H
#define FFWD_FORMAT_ONNX_EXTERNAL_H

#include "format/onnx_tensor.h"

/**
 * Reads `bytes` bytes from where TensorProto.external_data says: a regular file beside the model,
 * named without a folder, no link, and long enough. FFWD_EUNSUPPORTED, FFWD_EFORMAT, FFWD_EIO,
 * FFWD_ENOMEM.
 */
ffwd_status ffwd_onnx_external_read(onnx_arena *arena, const onnx_views *entries, uint64_t bytes,
                                    unsigned char **data, ffwd_error *err);

#endif
