# SPDX-License-Identifier: MIT
"""Reads the tests of Debian's libonnx-testdata: models of few nodes, with inputs and outputs."""

import struct
from pathlib import Path

import numpy as np

import onnx_file

ROOT = Path("/usr/share/libonnx-testdata/data")
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


def array(data, kind=None):
    """The array of a TensorProto of a type; None where NumPy has no such type."""
    shape, kind = integers(data, 1), kind or first_of(data, 2, 0)
    raw = first_of(data, 9)
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
    """A number, an array or a list of integers."""
    if all_of(data, 2):
        return struct.unpack("<f", first_of(data, 2))[0]
    if all_of(data, 5):
        return array(first_of(data, 5))
    return integers(data, 3)[0] if all_of(data, 3) else integers(data, 8)


class Node:
    """Operator, inputs and attributes of a NodeProto."""

    def __init__(self, data):
        self.op = first_of(data, 4).decode()
        self.inputs = [name.decode() for name in all_of(data, 1)]
        self.output = first_of(data, 2).decode()
        self.attributes = {first_of(item, 1).decode(): attribute(item)
                           for item in all_of(data, 5)}

    def constant(self, constants):
        """The array that it makes of constants alone; None where it does not."""
        if self.op == "Constant":
            return self.attributes.get("value")
        if self.op == "Transpose" and self.inputs[0] in constants:
            return constants[self.inputs[0]].transpose(self.attributes.get("perm"))
        return None


class Case:
    """One test, its inputs but the first made initializers."""

    def __init__(self, folder):
        self.name = folder.name.removeprefix("test_")
        sets = sorted(folder.glob("test_data_set_*"))
        parts = list(fields((folder / "model.onnx").read_bytes()))
        graph = dict(parts)[7]
        self.nodes = [Node(node) for node in all_of(graph, 1)]
        self.constants = {first_of(item, 8).decode(): array(item) for item in all_of(graph, 5)}
        for node in self.nodes:
            made = node.constant(self.constants)
            if made is not None:
                self.constants[node.output] = made
        inputs = {first_of(item, 1).decode(): element_of(item) for item in all_of(graph, 11)}
        given = [name for name in inputs if name not in self.constants]
        self.x = None
        self.elements = [element_of(all_of(graph, 12)[0])]  # of Y and X
        for name, path in zip(given, sorted(sets[0].glob("input_*.pb"), key=_number)):
            data = path.read_bytes()
            if name == given[0]:
                self.elements.append(inputs[name])
                self.x = self.tensor(data, inputs[name])
            elif is_tensor(data):
                self.constants[name] = array(data)
                kept = b"".join(onnx_file.field(*part) for part in fields(data) if part[0] != 8)
                graph += onnx_file.field(5, kept + onnx_file.field(8, name))
        self.y = self.tensor((sets[0] / "output_0.pb").read_bytes(), self.elements[0])
        self.model = b"".join(onnx_file.field(tag, graph if tag == 7 else value)
                              for tag, value in parts)

    @staticmethod
    def tensor(data, element):
        """bfloat16 is kept as uint16 by some."""
        return array(data, element) if is_tensor(data) else None


def element_of(info):
    """The type of elements that a ValueInfoProto says."""
    return first_of(first_of(first_of(info, 2), 1), 1, 0)


def is_tensor(data):
    """A SequenceProto or OptionalProto has its elements where a TensorProto has numbers."""
    return all(isinstance(value, int) or tag not in (1, 2) for tag, value in fields(data))


def _number(path):
    return int(path.stem.split("_")[1])


def cases(*folders):
    """The tests of these folders of the package, in their order."""
    for folder in folders:
        for path in sorted((ROOT / folder).iterdir()):
            if (path / "model.onnx").exists() and any(path.glob("test_data_set_*/output_0.pb")):
                yield Case(path)
