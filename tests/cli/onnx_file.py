# SPDX-License-Identifier: MIT
"""Writes ONNX files, right and wrong ones, by the wire format alone."""

import struct

import numpy as np

TYPES = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7,
         "bool": 9, "float16": 10, "float64": 11, "uint32": 12, "uint64": 13}
BFLOAT16 = 16


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(tag, value):
    """A field: numbers as varints, text and bytes with their length."""
    if isinstance(value, int):
        return varint(tag << 3) + varint(value)
    if isinstance(value, float):
        return varint(tag << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(tag << 3 | 2) + varint(len(value)) + value


def tensor(name, array, element=None):
    """A TensorProto with raw data; `element` overrides the type."""
    array = np.asarray(array)
    dims = b"".join(field(1, size) for size in array.shape)
    return (dims + field(2, element or TYPES[array.dtype.name]) + field(8, name) +
            field(9, array.tobytes()))


def text_tensor(name, words):
    return (field(1, len(words)) + field(2, 8) + b"".join(field(6, word) for word in words) +
            field(8, name))


def bfloat16(name, array):
    bits = np.asarray(array, dtype=np.float32).view(np.uint32) >> 16
    return tensor(name, bits.astype(np.uint16), BFLOAT16)


def external(name, shape, location, offset=None, length=None, element=1):
    """A TensorProto whose data is in another file."""
    entries = {"location": location, "offset": offset, "length": length}
    dims = b"".join(field(1, size) for size in shape)
    return dims + field(2, element) + field(8, name) + field(14, 1) + b"".join(
        field(13, field(1, key) + field(2, str(value)))
        for key, value in entries.items() if value is not None)


def attribute(name, value):
    if isinstance(value, (int, np.integer)):
        return field(1, name) + field(3, int(value)) + field(20, 2)
    if isinstance(value, float):
        return field(1, name) + field(2, value) + field(20, 1)
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    if isinstance(value, bytes):
        return field(1, name) + field(5, value) + field(20, 4)
    if all(isinstance(item, str) for item in value):
        return field(1, name) + b"".join(field(9, item) for item in value) + field(20, 8)
    if all(isinstance(item, int) for item in value):
        return field(1, name) + b"".join(field(8, item) for item in value) + field(20, 7)
    return field(1, name) + b"".join(field(7, float(item)) for item in value) + field(20, 6)


def node(op, inputs, output, domain="", name=None, **attributes):
    """A NodeProto; inputs are words of one text, - where one is left out."""
    names = ["" if word == "-" else word for word in inputs.split()]
    return (b"".join(field(1, word) for word in names) +
            b"".join(field(2, word) for word in output.split()) + field(3, name or op.lower()) +
            field(4, op) + b"".join(field(5, attribute(*item)) for item in attributes.items()) +
            (field(7, domain) if domain else b""))


def value(name, shape=None, element=1):
    """A ValueInfoProto; None among the sizes is one that is not said, as is a whole shape."""
    dims = b"" if shape is None else field(2, b"".join(
        field(1, field(2, "rows") if size is None else field(1, size)) for size in shape))
    return field(1, name) + field(2, field(1, field(1, element) + dims))


def graph(nodes, tensors=(), x=(None, 3), y="y", element=1, inputs=()):
    outputs = y.split()
    return (b"".join(field(1, item) for item in nodes) +
            b"".join(field(5, item) for item in tensors) +
            field(11, value("x", x, element)) + b"".join(field(11, item) for item in inputs) +
            b"".join(field(12, value(name)) for name in outputs))


def model(graph_bytes, opset=17):
    """A ModelProto."""
    return (field(1, 8) + field(7, graph_bytes) + field(8, field(1, "ai.onnx.ml") + field(2, 3)) +
            field(8, field(1, "") + field(2, opset)))


def write(path, nodes, tensors=(), opset=17, **more):
    path.write_bytes(model(graph(nodes, tensors, **more), opset))
    return path.name
