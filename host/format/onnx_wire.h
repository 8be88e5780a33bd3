// SPDX-License-Identifier: MIT
// ONNX messages by nanopb: decoded one at a time, in place, over the trimmed schema of onnx.proto.
#ifndef FFWD_FORMAT_ONNX_WIRE_H
#define FFWD_FORMAT_ONNX_WIRE_H

#include "format/onnx_view.h"
#include <onnx.pb.h>

/**
 * Fills *message, whose lists have been given their room, with the fields of `bytes`. False where
 * the bytes are no such message. Views point into them.
 */
bool ffwd_onnx_decode(onnx_view bytes, const pb_msgdesc_t *fields, void *message);

/** The next of numbers packed as varints; false at their end, and where one is broken. */
bool ffwd_onnx_next_varint(onnx_view *packed, uint64_t *value);

bool ffwd_onnx_view_is(onnx_view view, const char *text);

/** At most `size` bytes of a name for a message: one line of ASCII whatever the file holds. */
void ffwd_onnx_view_text(onnx_view view, char *text, size_t size);

#endif
