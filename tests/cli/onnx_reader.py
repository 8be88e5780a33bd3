# SPDX-License-Identifier: MIT
"""Reads ONNX files by the wire format alone."""

import struct

import numpy as np

import onnx_file

DTYPES = {number: np.dtype(name) for name, number in onnx_file.TYPES.items()}
LIST_FIELDS = {4: "<f4", 10: "<f8"}  # float_data, double_data; the others are varints


def varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return number, at


def fields(data):
    """The fields of a message: tags with numbers or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def all_of(data, wanted):
    return [value for tag, value in fields(data) if tag == wanted]


def first_of(data, wanted, usual=b""):
    return next(iter(all_of(data, wanted)), usual)


def integers(data, tag):
    """A list of integers, packed or not."""
    numbers = []
    for value in all_of(data, tag):
        at = 0
        while isinstance(value, bytes) and at < len(value):
            number, at = varint(value, at)
            numbers.append(number)
        if isinstance(value, int):
            numbers.append(value)
    return [number - (1 << 64) if number >> 63 else number for number in numbers]


def outside(data, folder):
    """The bytes of a TensorProto that are in another file."""
    entries = {first_of(entry, 1): first_of(entry, 2) for entry in all_of(data, 13)}
    start = int(entries.get(b"offset", 0))
    whole = (folder / entries[b"location"].decode()).read_bytes()
    return whole[start:start + int(entries[b"length"])]


def array(data, kind=None, folder=None):
    """The array of a TensorProto of a type; None where NumPy has no such type."""
    shape, kind = integers(data, 1), kind or first_of(data, 2, 0)
    raw = outside(data, folder) if first_of(data, 14, 0) == 1 else first_of(data, 9)
    if kind == onnx_file.BFLOAT16:
        words = np.frombuffer(raw, "<u2") if raw else np.array(integers(data, 5), np.uint16)
        return (words.astype(np.uint32) << 16).view(np.float32).reshape(shape)
    if kind not in DTYPES:
        return None
    if raw:
        return np.frombuffer(raw, DTYPES[kind]).reshape(shape)
    for tag, form in LIST_FIELDS.items():
        packed = b"".join(all_of(data, tag))
        if packed:
            return np.frombuffer(packed, form).astype(DTYPES[kind]).reshape(shape)
    numbers = np.array(integers(data, 5) + integers(data, 7), dtype=object)
    if DTYPES[kind] == np.float16:
        return numbers.astype(np.uint16).view(np.float16).reshape(shape)
    return numbers.astype(DTYPES[kind]).reshape(shape)


def attribute(data):
    """A number, a text, an array, or a list of numbers."""
    if all_of(data, 2):
        return struct.unpack("<f", first_of(data, 2))[0]
    if all_of(data, 4):
        return first_of(data, 4).decode(errors="replace")
    if all_of(data, 5):
        return array(first_of(data, 5))
    if all_of(data, 7):
        return np.frombuffer(b"".join(all_of(data, 7)), "<f4").astype(np.float64)
    return integers(data, 3)[0] if all_of(data, 3) else integers(data, 8)


class Node:
    """Operator, inputs, outputs and attributes of a NodeProto."""

    def __init__(self, data):
        self.op = first_of(data, 4).decode()
        self.inputs = [name.decode() for name in all_of(data, 1)]
        self.outputs = [name.decode() for name in all_of(data, 2)]
        self.attributes = {first_of(item, 1).decode(): attribute(item)
                           for item in all_of(data, 5)}

    def get(self, name, usual=None):
        return self.attributes.get(name, usual)


class Graph:
    """The graph of a ModelProto. Data outside of it is looked for in a folder."""

    def __init__(self, model, folder=None):
        graph = first_of(model, 7)
        self.opset = next((first_of(item, 2, 0) for item in all_of(model, 8)
                           if first_of(item, 1) in (b"", b"ai.onnx")), 0)
        self.nodes = [Node(node) for node in all_of(graph, 1)]
        self.constants = {first_of(item, 8).decode(): array(item, folder=folder)
                          for item in all_of(graph, 5)}
        self.inputs = {first_of(item, 1).decode(): element_of(item)
                       for item in all_of(graph, 11)}
        self.outputs = {first_of(item, 1).decode(): element_of(item)
                        for item in all_of(graph, 12)}
        free = [name for name in self.inputs if name not in self.constants]
        self.x = free[0] if free else None
        self.row = sizes_of(first_of(graph, 11))[1:]  # where X is the first


def sizes_of(info):
    """The shape that a ValueInfoProto says."""
    shape = first_of(first_of(first_of(info, 2), 1), 2)
    return [first_of(dim, 1, None) for dim in all_of(shape, 1)]


def element_of(info):
    """The type of elements that a ValueInfoProto says."""
    return first_of(first_of(first_of(info, 2), 1), 1, 0)


def is_tensor(data):
    """A SequenceProto or OptionalProto has its elements where a TensorProto has numbers."""
    return all(isinstance(value, int) or tag not in (1, 2) for tag, value in fields(data))
