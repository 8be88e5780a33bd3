# SPDX-License-Identifier: MIT
"""Softmax, its logarithm and argmax in ONNX files: on the axis that is a whole row, in the meaning of
the graph's opset; refused on others."""

import numpy as np

import command
from command import ffwd
from onnx_file import node, tensor
from test_onnx import W, X, close, refusal, save


def run(nodes, tensors=(), x=X, options=(), **more):
    """Y of a model on X, whose shape it knows."""
    np.save(command.folder / "x.npy", x)
    name = save(nodes, tensors, x=(None,) + x.shape[1:], **more)
    ffwd("run", name, "x.npy", "-o", "y.npy", "--report", "none", *options)
    return np.load(command.folder / "y.npy")


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def truth_of(op, z):
    return softmax(z) if op == "Softmax" else np.log(softmax(z))


OPERATORS = "Softmax", "LogSoftmax"
LAYER = node("MatMul", "x w", "h")
WEIGHTS = [tensor("w", W.T.copy())]
SUMS = X.astype(np.float64) @ W.T


class LastAxis(command.Case):
    def test_behind_a_layer(self):
        for op in OPERATORS:
            for opset, attributes in ((7, {}), (7, {"axis": 1}), (12, {}), (12, {"axis": -1}),
                                      (13, {}), (13, {"axis": 1}), (17, {"axis": -1})):
                y = run([LAYER, node(op, "h", "y", **attributes)], WEIGHTS, opset=opset)
                close(self, y, truth_of(op, SUMS))

    def test_of_x_alone(self):
        for op in OPERATORS:
            close(self, run([node(op, "x", "y")]), truth_of(op, X.astype(np.float64)))

    def test_in_double(self):
        for op in OPERATORS:
            y = run([node(op, "x", "y")], x=X.astype(np.float64), element=11)
            self.assertEqual(y.dtype, np.float64)
            np.testing.assert_allclose(y, truth_of(op, X.astype(np.float64)), rtol=1e-14)

    def test_before_other_layers(self):
        y = run([node("Softmax", "x", "p"), node("MatMul", "p w", "y")], WEIGHTS)
        close(self, y, softmax(X.astype(np.float64)) @ W.T)

    def test_scales_are_not_folded_through_it(self):
        y = run([LAYER, node("Softmax", "h", "p"), node("Mul", "p c", "y")],
                WEIGHTS + [tensor("c", np.float32([1, 2, 3, 4]))])
        close(self, y, softmax(SUMS) * [1, 2, 3, 4])

    def test_temperature_is_folded_into_the_layer(self):
        y = run([LAYER, node("Div", "h t", "s"), node("Softmax", "s", "y")],
                WEIGHTS + [tensor("t", np.float32(2))])
        close(self, y, softmax(SUMS / 2))
        operations = command.ffwd_json("info", "net.onnx")["operations"]
        self.assertEqual([told["kind"] for told in operations], ["dense", "softmax"])

    def test_nodes_tell_what_they_became(self):
        run([LAYER, node("LogSoftmax", "h", "y")], WEIGHTS)
        nodes = command.ffwd_json("info", "net.onnx")["nodes"]
        self.assertEqual([told["became"] for told in nodes], ["dense", "log_softmax"])

    def test_labels(self):
        """With labels asked for, the largest probability's."""
        y = run([LAYER, node("Softmax", "h", "y")], WEIGHTS, options=("--labels",))
        self.assertEqual(y.shape, (len(X), 1))
        self.assertTrue((y.ravel() == SUMS.argmax(1)).all())


class Axes(command.Case):
    """Before opset 13 the axis and all behind it are one row; from then on the axis alone is."""

    X3 = np.linspace(-3, 2, 4 * 3 * 2, dtype=np.float32).reshape(4, 3, 2)

    def test_all_axes_behind_the_rows(self):
        for op in OPERATORS:
            for attributes in {}, {"axis": 1}, {"axis": -2}:
                y = run([node(op, "x", "y", **attributes)], x=self.X3, opset=11)
                close(self, y, truth_of(op, self.X3.reshape(4, 6).astype(np.float64)))

    def test_axes_of_one(self):
        for axis, opset in (1, 13), (1, 11), (2, 11), (-2, 17):
            x = X.reshape(11, 1, 3) if axis == 2 else X.reshape(11, 3, 1)
            y = run([node("Softmax", "x", "y", axis=axis)], x=x, opset=opset)
            close(self, y, softmax(X.astype(np.float64)))

    def test_others_are_refused(self):
        for op in OPERATORS:
            for axis, opset, x in ((0, 17, (None, 3)), (0, 11, (None, 3)), (-2, 17, (None, 3)),
                                   (2, 17, (None, 3)), (1, 17, (None, 3, 2)), (-1, 17, (None, 3, 2)),
                                   (2, 11, (None, 3, 2)), (-1, 12, (None, 3, 2))):
                reason = refusal([node(op, "x", "y", axis=axis)], opset=opset, x=x)
                self.assertIn(f"({op}): axis {axis} is not the whole of a row", reason)
        self.assertIn("axis -1 is not", refusal([node("Softmax", "x", "y")], x=(None, 3, 2)))
