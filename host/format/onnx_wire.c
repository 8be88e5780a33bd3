// SPDX-License-Identifier: MIT
// How nanopb hands over the fields of a message: the one callback of all messages in onnx.proto.
#include "format/onnx_wire.h"

#include <string.h>

#include <pb_decode.h>

static bool read_view(pb_istream_t *stream, pb_byte_t *to, size_t count) {
    const unsigned char **at = stream->state;
    memcpy(to, *at, count);
    *at += count;
    return true;
}

/** All that is left of the stream, in place. A number where bytes belong comes in a stream of
 *  nanopb's own, over memory that does not last. */
static bool take_view(pb_istream_t *stream, onnx_view *view) {
    if (stream->callback != read_view) {
        return false;
    }
    const unsigned char **at = stream->state;
    *view = (onnx_view){*at, stream->bytes_left};
    *at += stream->bytes_left;
    stream->bytes_left = 0;
    return true;
}

static bool take_views(pb_istream_t *stream, onnx_views *list) {
    onnx_view view;
    if (!take_view(stream, &view)) {
        return false;
    }
    if (list->count < list->room) {
        list->into[list->count] = view;
    }
    list->count++;
    return true;
}

static bool take_integers(pb_istream_t *stream, onnx_integers *list) {
    while (stream->bytes_left > 0) {
        uint64_t value;
        if (!pb_decode_varint(stream, &value)) {
            return false;
        }
        if (list->count < list->room) {
            list->into[list->count] = (int64_t)value;
        }
        list->count++;
    }
    return true;
}

static bool take_floats(pb_istream_t *stream, onnx_doubles *list) {
    while (stream->bytes_left > 0) {
        float value;
        if (!pb_decode_fixed32(stream, &value)) {
            return false;
        }
        if (list->count < list->room) {
            list->into[list->count] = value;
        }
        list->count++;
    }
    return true;
}

static bool take_packed(pb_istream_t *stream, onnx_packed *packed) {
    onnx_view view;
    if (!take_view(stream, &view)) {
        packed->split = true;
        return pb_read(stream, NULL, stream->bytes_left);
    }
    packed->split = packed->split || packed->bytes.count > 0;
    packed->bytes = view;
    return true;
}

/** nanopb calls this, by its declaration in onnx.pb.h, for every field that is not one number. */
bool ffwd_onnx_field(pb_istream_t *istream, pb_ostream_t *ostream, const pb_field_iter_t *field) {
    (void)ostream;
    if (PB_LTYPE(field->type) == PB_LTYPE_BYTES || PB_LTYPE(field->type) == PB_LTYPE_STRING) {
        return PB_HTYPE(field->type) == PB_HTYPE_REPEATED ? take_views(istream, field->pData)
                                                          : take_view(istream, field->pData);
    }
    if (field->descriptor == FfwdOnnxTensor_fields && field->tag != FfwdOnnxTensor_dims_tag) {
        return take_packed(istream, field->pData);
    }
    return PB_LTYPE(field->type) == PB_LTYPE_FIXED32 ? take_floats(istream, field->pData)
                                                     : take_integers(istream, field->pData);
}

bool ffwd_onnx_decode(onnx_view bytes, const pb_msgdesc_t *fields, void *message) {
    const unsigned char *at = bytes.at;
    pb_istream_t stream = {.callback = read_view, .state = &at, .bytes_left = bytes.count};
    return pb_decode_ex(&stream, fields, message, PB_DECODE_NOINIT);
}

bool ffwd_onnx_next_varint(onnx_view *packed, uint64_t *value) {
    pb_istream_t stream = {
        .callback = read_view, .state = &packed->at, .bytes_left = packed->count};
    const bool read = packed->count > 0 && pb_decode_varint(&stream, value);
    packed->count = stream.bytes_left;
    return read;
}

bool ffwd_onnx_view_is(onnx_view view, const char *text) {
    return view.count == strlen(text) && memcmp(view.at, text, view.count) == 0;
}

void ffwd_onnx_view_text(onnx_view view, char *text, size_t size) {
    size_t used = 0;
    for (; used < view.count && used + 1 < size; used++) {
        const unsigned char byte = view.at[used];
        text[used] = byte >= ' ' && byte <= '~' ? (char)byte : '?';
    }
    text[used] = '\0';
}
