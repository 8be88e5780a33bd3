# SPDX-License-Identifier: MIT
"""The tests of Debian's libonnx-testdata: models of few nodes, with inputs and outputs."""

from pathlib import Path

import onnx_file
from onnx_reader import Graph, array, fields, first_of, is_tensor

ROOT = Path("/usr/share/libonnx-testdata/data")


class Case:
    """One test, its inputs but the first made initializers."""

    def __init__(self, folder):
        self.name = folder.name.removeprefix("test_")
        data = sorted(folder.glob("test_data_set_*"))[0]
        parts = list(fields((folder / "model.onnx").read_bytes()))
        given = Graph(b"".join(onnx_file.field(*part) for part in parts))
        free = [name for name in given.inputs if name not in given.constants]
        added, self.x = b"", None
        for name, path in zip(free, sorted(data.glob("input_*.pb"), key=_number)):
            tensor = path.read_bytes()
            if name == given.x:
                self.x = _numbers(tensor, given.inputs[name])
            elif is_tensor(tensor):
                kept = b"".join(onnx_file.field(*part) for part in fields(tensor) if part[0] != 8)
                added += onnx_file.field(5, kept + onnx_file.field(8, name))
        self.y = _numbers((data / "output_0.pb").read_bytes(), [*given.outputs.values()][0])
        self.model = b"".join(onnx_file.field(tag, value + added if tag == 7 else value)
                              for tag, value in parts)
        self.graph = Graph(self.model)


def _numbers(tensor, element):
    """bfloat16 is kept as uint16 by some."""
    return array(tensor, element) if is_tensor(tensor) else None


def _number(path):
    return int(path.stem.split("_")[1])


def cases(*folders):
    """The tests of these folders of the package, in their order."""
    for folder in folders:
        for path in sorted((ROOT / folder).iterdir()):
            if (path / "model.onnx").exists() and any(path.glob("test_data_set_*/output_0.pb")):
                yield Case(path)
