# SPDX-License-Identifier: MIT
"""Models that exporters wrote: as near to ONNX Runtime as the roundings of both explain, and the same
bits on every device."""

import unittest
from pathlib import Path

import numpy as np

import command
import onnx_error
import onnx_reader
from command import ffwd

FOLDER = Path(__file__).resolve().parents[1] / "exported"
UNITS = {"float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
LABELS = {"ArgMax", "ArrayFeatureExtractor", "LinearClassifier", "Binarizer"}
SAME = {"Identity", "Reshape", "Cast"}


def is_label(graph, name):
    """Whether an output is chosen by the scores."""
    makers = {each: node for node in graph.nodes for each in node.outputs}
    while makers[name].op in SAME and makers[name].inputs[0] in makers:
        name = makers[name].inputs[0]
    made = makers[name]
    chosen = made.op == "ArrayFeatureExtractor" and made.inputs[0] not in graph.constants
    return made.op in LABELS and not chosen and name == made.outputs[0]


class Model:
    """A model of the folder, with rows for it and what ONNX Runtime made of them."""

    def __init__(self, path):
        self.path, self.name = path, path.stem
        self.graph = onnx_reader.Graph(path.read_bytes(), FOLDER)
        self.x = FOLDER / f"x{'x'.join(map(str, self.graph.row))}.npy"

    def given(self, what):
        path = FOLDER / f"{self.name}_{what}.npy"
        return np.load(path) if path.exists() else None

    def scores(self, dtype):
        """In float64, and how far a computation may be from them."""
        x = np.load(self.x)
        evaluation = onnx_error.Evaluation(self.graph, x, UNITS[dtype.name])
        values = [evaluation.value(name) for name in self.graph.outputs
                  if not is_label(self.graph, name)]
        if any(value.v.ndim > 1 for value in values):
            values = values[:1]
        return [np.column_stack([each.reshape(len(x), -1) for each in parts]) for parts in
                ([value.v for value in values], [evaluation.error(value) for value in values])]

    def run(self, *options):
        ffwd("run", self.path, self.x, "-o", "y.npy", "--report", "none", *options)
        return np.load(command.folder / "y.npy")


def models():
    return [Model(path) for path in sorted(FOLDER.glob("*.onnx"))]


class Exported(command.Case):
    def near(self, y, truth, error):
        self.assertTrue((np.abs(y - truth) <= error).all(), f"{y} is not {truth} +- {error}")

    def test_scores(self):
        for model in models():
            with self.subTest(model.name):
                given = model.given("Y")
                if given is None:
                    continue
                y = model.run()
                self.assertEqual(y.shape, given.shape)
                truth, error = model.scores(y.dtype)
                self.near(y, truth, error)
                self.near(y, given.astype(np.float64), error + model.scores(given.dtype)[1])

    def test_labels(self):
        for model in models():
            with self.subTest(model.name):
                labels = model.given("labels")
                if labels is None:
                    continue
                if labels.dtype.kind == "U":  # their places stand for them
                    labels = np.unique(labels, return_inverse=True)[1]
                y = model.run("--labels")
                self.assertEqual(y.shape, (len(labels), labels.size // len(labels)))
                np.testing.assert_array_equal(y.reshape(labels.shape), labels)

    def test_every_device(self):
        self.need_opencl()
        seen = set()
        for model in models():
            with self.subTest(model.name):
                info = command.ffwd_json("info", model.path)["model"]
                text = str((info["widths"], info["activations"], info["dtype"]))
                if text not in seen:  # the same kernels
                    done = ffwd("verify", model.path, model.x, env=command.with_opencl())
                    self.equal_everywhere(done.stdout)
                seen.add(text)


if __name__ == "__main__":
    unittest.main()
