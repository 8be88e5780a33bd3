# SPDX-License-Identifier: MIT
"""Columns in ONNX files: of classifiers and their labels, chosen among others, given one by one."""

import unittest

import numpy as np

import command
from command import ffwd
from onnx_file import node, tensor
from test_onnx import B, RNG, W, X, close, refusal, run, save


class Columns(command.Case):
    """Classifiers, their labels, and columns that are chosen."""

    SUMS = X @ W.T.astype(np.float64) + B

    @staticmethod
    def classifier(outputs="label scores", labels=(2, 4, 6, 8), **more):
        kind = "strings" if isinstance(labels[0], str) else "ints"
        return node("LinearClassifier", "x", outputs, "ai.onnx.ml", coefficients=W.ravel().tolist(),
                    intercepts=B.tolist(), **{f"classlabels_{kind}": labels}, **more)

    def test_scores(self):
        close(self, run([self.classifier()], y="label scores"), self.SUMS)
        close(self, run([self.classifier(post_transform="LOGISTIC")], y="label scores"),
              1 / (1 + np.exp(-self.SUMS)))
        exps = np.exp(self.SUMS)
        close(self, run([self.classifier("label s", post_transform="SOFTMAX"),
                         node("Normalizer", "s", "scores", "ai.onnx.ml", norm="L1")],
                        y="label scores"), exps / exps.sum(1, keepdims=True))

    def test_labels(self):
        best = self.SUMS.argmax(1)[:, None]
        for labels, expected in ((2, 4, 6, 8), 2 + 2 * best), (["a", "b", "c", "d"], best):
            for more in {}, {"post_transform": "SOFTMAX"}:
                y = run([self.classifier(labels=labels, **more)], y="label scores",
                        options=["--labels"])
                np.testing.assert_array_equal(y, expected)

    def test_columns(self):
        y = run([node("ArrayFeatureExtractor", "x i", "y", "ai.onnx.ml")],
                [tensor("i", np.array([2, 0]))])
        np.testing.assert_array_equal(y, X[:, [2, 0]])

    def test_slices(self):
        """From, to, by: in the inputs, or before opset 10 in attributes."""
        far = 2**63 - 1
        for first, end, axis, step in ((0, 2, 1, 1), (1, far, 1, 1), (-2, far, -1, 1),
                                       (0, far, 1, 2), (-1, -far, 1, -1), (2, 0, 1, -2)):
            numbers = {"s": first, "e": end, "a": axis, "t": step}
            y = run([node("Slice", "x s e a t", "y")],
                    [tensor(name, np.array([number])) for name, number in numbers.items()])
            np.testing.assert_array_equal(y, X[:, first:end:step])
        y = run([node("Slice", "x", "y", starts=[1], ends=[3], axes=[1])], opset=9)
        np.testing.assert_array_equal(y, X[:, 1:3])

    def test_columns_among_axes(self):
        rows = RNG.uniform(-2, 2, (5, 3, 4)).astype(np.float32)
        for which in np.array([2, 0]), np.array(1), np.array([[-1, 0], [1, 1]], np.int32):
            for axis in 1, 2, -2:
                y = run([node("Gather", "x i", "y", axis=axis)], [tensor("i", which)], x=rows)
                np.testing.assert_array_equal(y, np.take(rows, which, axis).reshape(5, -1))
        y = run([node("Slice", "x i k i", "y")],
                [tensor("i", np.array([1])), tensor("k", np.array([3]))], x=rows)
        np.testing.assert_array_equal(y, rows[:, 1:3].reshape(5, -1))

    def test_columns_by_numbers_of_nodes(self):
        """A Constant's whole number is one, and no double."""
        for index in 0, 2, -1:
            y = run([node("Constant", "", "i", value_int=index),
                     node("Gather", "x i", "y", axis=1)])
            np.testing.assert_array_equal(y[:, 0], X[:, index])
        self.assertIn("or where is not constant", refusal(
            [node("Shape", "x", "s"), node("Slice", "s zero one zero", "n"),
             node("Slice", "x zero n one", "y")],
            [tensor("zero", np.array([0])), tensor("one", np.array([1]))]))

    def test_columns_that_are_none(self):
        for which, text in (([3], "column 3 of 3"), ([-4], "column -4 of 3"), ([], "none of 3")):
            self.assertIn(text, refusal([node("Gather", "x i", "y", axis=1)],
                                        [tensor("i", np.array(which, np.int64))]))
        self.assertIn("axis 0 is none", refusal([node("Gather", "x i", "y")],
                                                [tensor("i", np.array([0]))]))
        places = [tensor(name, np.array([number]))
                  for name, number in (("zero", 0), ("one", 1), ("large", 1 << 40))]
        for inputs, text in (("x zero one", "axis 0 is none"), ("x one one one", "none of 3"),
                             ("x zero one one zero", "steps of 0"),
                             ("x zero one one large", "steps of 1099511627776"),
                             ("x zero x one", "is not constant")):
            self.assertIn(text, refusal([node("Slice", inputs, "y")], places))
        wide = {"x": (None, 1 << 50)}
        self.assertIn("chooses", refusal([node("Slice", "x zero large one", "y")], places, **wide))

    def test_an_output_for_each_column(self):
        """They are Y together where they are all columns of rows, in order; else the first is."""
        places = [tensor(f"p{i}", np.array([i])) for i in range(4)]
        parts = [node("Slice", f"x p{i} p{i + 1} p1", f"c{i}", name=f"c{i}") for i in range(3)]
        for outputs, columns in ("c0 c1 c2", X), ("c1 c0 c2", X[:, 1:2]), ("c0 c1", X[:, :1]):
            np.testing.assert_array_equal(run(parts, places, y=outputs), columns)

    def test_rows_cut_at_the_end(self):
        """What scikit-learn's converter makes of several targets; the rows stay whole."""
        cut = node("Reshape", "h s", "y")
        for shape in (-1, 1), (-1, 2), (-1,), (-1, 2, 1):
            y = run([node("MatMul", "x w", "h"), cut],
                    [tensor("w", W.T.copy()), tensor("s", np.array(shape))])
            close(self, y, X @ W.T.astype(np.float64))
        for shape, more in ((-1, 3), []), ((-1, 1), [node("Relu", "y", "z")]):
            self.assertIn("(Reshape): makes other rows of rows of 4", refusal(
                [node("MatMul", "x w", "h"), cut, *more],
                [tensor("w", W.T.copy()), tensor("s", np.array(shape))], y="z" if more else "y"))

    def test_several_labels(self):
        """Those of a row that are more probable than not."""
        nodes = [node("Sigmoid", "x", "p"), node("Binarizer", "p", "b", "ai.onnx.ml",
                                                 threshold=0.5), node("Cast", "b", "label", to=7)]
        close(self, run(nodes, y="label p"), 1 / (1 + np.exp(-X.astype(np.float64))))
        np.testing.assert_array_equal(run(nodes, y="label p", options=["--labels"]), X > 0)

    def test_both_sides(self):
        score = node("MatMul", "x w", "s")
        for negative, first in ((node("Neg", "s", "n"), 0), (node("Mul", "s minus", "n"), 0),
                                (node("Mul", "minus s", "n"), 0), (node("Sub", "one s", "n"), 1)):
            y = run([score, negative, node("Concat", "n s", "y", axis=1)],
                    [tensor("w", W[:1].T.copy()), tensor("minus", np.float32(-1)),
                     tensor("one", np.float32(1))])
            s = X @ W[:1].T.astype(np.float64)
            close(self, y, np.hstack([first - s, s]))

    def test_refused(self):
        for nodes, text in (
                ([self.classifier(post_transform="PROBIT")], "post_transform = PROBIT"),
                ([self.classifier(labels=(1, 2, 3))], "12 coefficients and 4 intercepts for 3"),
                ([self.classifier("label s"),
                  node("Normalizer", "s", "scores", "ai.onnx.ml", norm="L1")], "known to be 1"),
                ([self.classifier("label s", post_transform="SOFTMAX"),
                  node("Normalizer", "s", "scores", "ai.onnx.ml", norm="L2")], "known to be 1"),
                ([self.classifier("label s", post_transform="LOGISTIC"),
                  node("Normalizer", "s", "scores", "ai.onnx.ml", norm="L1")], "known to be 1"),
                ([node("ArrayFeatureExtractor", "x i", "scores", "ai.onnx.ml"),
                  node("Relu", "x", "label")], "chooses column 3 of 3"),
                ([node("MatMul", "x w", "s"), node("Mul", "s two", "n"), node("Relu", "x", "label"),
                  node("Concat", "n s", "scores", axis=1)], "not 1 - p and p")):
            self.assertIn(text, refusal(nodes, [tensor("i", np.array([3])),
                                                tensor("two", np.float32(-2)),
                                                tensor("w", W[:1].T.copy())], y="scores label"))
        save([self.classifier(labels=(1, 2, 3, 5))], y="label scores")
        done = ffwd("info", "net.onnx", "--labels", status=65)
        self.assertIn("at no equal distances", done.stderr)


if __name__ == "__main__":
    unittest.main()
