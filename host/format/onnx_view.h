// SPDX-License-Identifier: MIT
// What a decoded ONNX message is made of: views of the file in place, and lists that a caller gives
// room to.
#ifndef FFWD_FORMAT_ONNX_VIEW_H
#define FFWD_FORMAT_ONNX_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of the file: a text, data, or a message not decoded yet. */
typedef struct onnx_view {
    const unsigned char *at;
    size_t count;
} onnx_view;

/** What a field that may be repeated holds: all are counted, the first `room` are kept. */
typedef struct onnx_views {
    onnx_view *into;
    size_t room, count;
} onnx_views;

typedef struct onnx_integers {
    int64_t *into;
    size_t room, count;
} onnx_integers;

typedef struct onnx_doubles {
    double *into;
    size_t room, count;
} onnx_doubles;

/** Numbers one behind the other, as the wire has them. */
typedef struct onnx_packed {
    onnx_view bytes;
    bool split; /**< in several pieces, which is legal, and which nobody writes */
} onnx_packed;

#endif
