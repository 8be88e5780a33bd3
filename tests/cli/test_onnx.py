# SPDX-License-Identifier: MIT
"""Models in ONNX files: what they compute, against NumPy; and what is refused, and why."""

import math
import os
import unittest

import numpy as np

import command
import onnx_file
from command import ffwd
from onnx_file import node, tensor

RNG = np.random.default_rng(7)
X = RNG.uniform(-2, 2, (11, 3)).astype(np.float32)
W = RNG.uniform(-1, 1, (4, 3)).astype(np.float32)
B = RNG.uniform(-1, 1, 4).astype(np.float32)
V = RNG.uniform(-1, 1, (4, 2)).astype(np.float32)


def save(nodes, tensors=(), **more):
    return onnx_file.write(command.folder / "net.onnx", nodes, tensors, **more)


def run(nodes, tensors=(), x=X, options=(), **more):
    """Y of a model on X."""
    np.save(command.folder / "x.npy", x)
    name = save(nodes, tensors, x=(None, *x.shape[1:]), **more)
    ffwd("run", name, "x.npy", "-o", "y.npy", "--report", "none", *options)
    return np.load(command.folder / "y.npy")


def refusal(nodes, tensors=(), status=65, **more):
    """Why a model is refused."""
    return refused_file(save(nodes, tensors, **more), status)


def refused_file(name, status=65):
    done = ffwd("info", name, status=status)
    assert done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix(f"ffwd: {name}: ").rstrip("\n")


def close(case, y, truth):
    """Within what a few roundings of float32 explain."""
    case.assertEqual(y.shape, truth.shape)
    bound = 1e-6 + 1e-5 * np.abs(truth)
    case.assertTrue((np.abs(y - truth) <= bound).all(), np.abs(y - truth).max())


class Shared(command.Case):
    """The trained models are the same bits from .npz and from .onnx."""

    NAMES = ("diabetes_relu", "cancer_step", "digits_relu", "wine_tanh")

    def test_as_from_npz(self):
        for name in self.NAMES:
            outputs = []
            for suffix in "npz", "onnx":
                ffwd("run", command.data / f"{name}.{suffix}", command.data / f"{name}_X.npy",
                     "-o", "y.npy", "--report", "none")
                outputs.append(np.load(command.folder / "y.npy"))
            np.testing.assert_array_equal(*outputs)
            truth = np.load(command.data / f"{name}_Y.npy")
            self.assertTrue((np.abs(outputs[1] - truth.reshape(outputs[1].shape)) <=
                             1e-5 + 1e-4 * np.abs(truth.reshape(outputs[1].shape))).all())

    def test_every_device(self):
        """What the models were trained to, within the bound stated of them, from both formats."""
        for name in self.NAMES:
            files = command.data / f"{name}_X.npy", "--expect", command.data / f"{name}_Y.npy"
            for suffix in "npz", "onnx":
                done = ffwd("verify", command.data / f"{name}.{suffix}", *files, "--tol",
                            "1e-5,1e-4", env=command.with_opencl())
                self.equal_everywhere(done.stdout)
                self.assertRegex(done.stdout, r"\n +0 of [\d,]+ values differ")

    def test_labels(self):
        for name, options in (("digits_relu", ["--labels"]), ("wine_tanh", ["--labels"]),
                              ("cancer_step", [])):
            ffwd("run", command.data / f"{name}.onnx", command.data / f"{name}_X.npy", "-o",
                 "y.npy", "--report", "none", *options)
            np.testing.assert_array_equal(np.load(command.folder / "y.npy").ravel(),
                                          np.load(command.data / f"{name}_labels.npy").ravel())


class Dense(command.Case):
    def test_gemm(self):
        for alpha, beta, transposed in (1.0, 1.0, 1), (0.5, 2.0, 0), (2.0, 0.0, 1):
            w = W if transposed else W.T.copy()
            y = run([node("Gemm", "x w b", "y", alpha=alpha, beta=beta, transB=transposed)],
                    [tensor("w", w), tensor("b", B)])
            close(self, y, (alpha * (X @ W.T.astype(np.float64)) + beta * B))

    def test_biases_of_every_shape(self):
        for bias in B, B.reshape(1, 4), B[:1], B[0]:
            y = run([node("Gemm", "x w b", "y", transB=1)], [tensor("w", W), tensor("b", bias)])
            close(self, y, X @ W.T.astype(np.float64) + bias)

    def test_matmul_and_add_are_one_layer(self):
        truth = np.maximum(X @ W.T.astype(np.float64) + B, 0)
        for order in "h b", "b h":
            y = run([node("MatMul", "x w", "h"), node("Add", order, "s"), node("Relu", "s", "y")],
                    [tensor("w", W.T.copy()), tensor("b", B)])
            close(self, y, truth)
            self.assertEqual(command.ffwd_json("info", "net.onnx")["model"]["parameters"], 16)

    def test_weights_of_every_type(self):
        for kind in np.float16, np.float64:
            w = W.astype(kind)
            y = run([node("Gemm", "x w", "y", transB=1)], [tensor("w", w)])
            close(self, y, X @ w.T.astype(np.float64))
        rounded = (W.view(np.uint32) >> 16 << 16).view(np.float32)
        y = run([node("Gemm", "x w", "y", transB=1)], [onnx_file.bfloat16("w", W)])
        close(self, y, X @ rounded.T.astype(np.float64))

    def test_a_vector_is_one_neuron(self):
        y = run([node("MatMul", "x w", "h"), node("Add", "h b", "y")],
                [tensor("w", W[0]), tensor("b", B[:1])])
        close(self, y, (X @ W[0].astype(np.float64) + B[0])[:, None])

    def test_double_is_float64(self):
        y = run([node("MatMul", "x w", "y")], [tensor("w", W.T.astype(np.float64))],
                x=X.astype(np.float64), element=11)
        self.assertEqual(y.dtype, np.float64)
        np.testing.assert_allclose(y, X.astype(np.float64) @ W.T.astype(np.float64), rtol=1e-14)

    def test_transposed_weights_are_read_in_place(self):
        y = run([node("Transpose", "w", "t", perm=[1, 0]), node("MatMul", "x t", "y")],
                [tensor("w", W)])
        close(self, y, X @ W.T.astype(np.float64))


class Folding(command.Case):
    def test_scaler_chain_before_and_normalization_behind(self):
        mean, deviation = X.mean(0), X.std(0)
        gamma, beta, centre, spread = (RNG.uniform(0.5, 2, 4).astype(np.float32) for _ in range(4))
        y = run([node("Sub", "x mean", "a"), node("Div", "a deviation", "s"),
                 node("MatMul", "s w", "h"), node("Add", "h b", "z"),
                 node("BatchNormalization", "z gamma beta centre spread", "n", epsilon=1e-3),
                 node("Sigmoid", "n", "y")],
                [tensor("mean", mean), tensor("deviation", deviation), tensor("w", W.T.copy()),
                 tensor("b", B), tensor("gamma", gamma), tensor("beta", beta),
                 tensor("centre", centre), tensor("spread", spread)])
        z = (X - mean.astype(np.float64)) / deviation @ W.T + B
        n = (z - centre) / np.sqrt(spread.astype(np.float64) + 1e-3) * gamma + beta
        close(self, y, 1 / (1 + np.exp(-n)))
        self.assertEqual(len(command.ffwd_json("info", "net.onnx")["operations"]), 1)

    def test_constants_on_the_left(self):
        y = run([node("Sub", "c x", "a"), node("Mul", "c a", "b"), node("MatMul", "b w", "y")],
                [tensor("c", np.float32(1.5)), tensor("w", W.T.copy())])
        close(self, y, (1.5 * (1.5 - X.astype(np.float64))) @ W.T)

    def test_scaler_of_machine_learning(self):
        y = run([node("Scaler", "x", "s", "ai.onnx.ml", offset=[1.0, 2.0, 3.0], scale=[0.5] * 3),
                 node("MatMul", "s w", "y")], [tensor("w", W.T.copy())])
        close(self, y, ((X - np.array([1.0, 2, 3])) * 0.5) @ W.T)


class Steps(command.Case):
    """However an exporter writes it, a step is a step."""

    def test_patterns(self):
        zero, one = tensor("zero", np.float32(0)), tensor("one", np.float32(1))
        z = (X @ W.T.astype(np.float64))
        patterns = (
            [node("Greater", "h zero", "g"), node("Cast", "g", "y", to=1)],
            [node("Less", "zero h", "g"), node("Cast", "g", "y", to=1)],
            [node("Greater", "h zero", "g"), node("Where", "g one zero", "y")],
        )
        for pattern in patterns:
            y = run([node("MatMul", "x w", "h"), *pattern], [tensor("w", W.T.copy()), zero, one])
            np.testing.assert_array_equal(y, z > 0)
            described = command.ffwd_json("info", "net.onnx")["model"]["activations"]
            self.assertEqual(described, ["step"])


    ZERO, ONE, HALF = (tensor(name, np.float32(number))
                       for name, number in (("zero", 0), ("one", 1), ("half", 0.5)))
    AROUND_0 = np.float32([[-1.5, 0, 2.5], [-0.0, 1e-30, -1e-30]])

    @staticmethod
    def heaviside(at_0, inside):
        """The value at 0 by a test for it, inside or outside of the other."""
        negative, equal = node("Less", "x zero", "n"), node("Equal", "x zero", "e")
        if inside:
            return [negative, equal, node("Where", f"e {at_0} one", "h"),
                    node("Where", "n zero h", "y")]
        return [negative, equal, node("Where", "n zero one", "h"),
                node("Where", f"e {at_0} h", "y")]

    def test_heaviside(self):
        for inside in False, True:
            for at_0, number in ("zero", 0), ("one", 1):
                y = run(self.heaviside(at_0, inside), [self.ZERO, self.ONE], x=self.AROUND_0)
                np.testing.assert_array_equal(y, np.heaviside(self.AROUND_0, number))
            self.assertIn("no activation that is known" if inside else "takes 2 values of a row",
                          refusal(self.heaviside("half", inside),
                                  [self.ZERO, self.ONE, self.HALF]))
        self.assertIn("no activation that is known",
                      refusal([node("Equal", "x zero", "y")], [self.ZERO]))

    def test_elu_of_another_alpha(self):
        """x where x > 0 by one product, half of elsewhere by another."""
        y = run([node("Greater", "x zero", "g"), node("Not", "g", "n"), node("Cast", "g", "c", to=1),
                 node("Cast", "n", "d", to=1), node("Elu", "x", "e"), node("Mul", "half e", "h"),
                 node("Mul", "h d", "p"), node("Mul", "c e", "q"), node("Add", "q p", "y")],
                [self.ZERO, self.HALF])
        close(self, y, np.where(X > 0, X, 0.5 * np.expm1(X.astype(np.float64))))
        self.assertEqual(command.ffwd_json("info", "net.onnx")["model"]["activations"],
                         ["elu:0.5"])


class Gelus(command.Case):
    """However an exporter writes it, gelu is gelu."""

    CONSTANTS = {"half": 0.5, "one": 1, "two": 2, "three": 3, "cubic": 0.044715,
                 "root": 2**0.5, "inverse": 2**-0.5, "line": (2 / np.pi)**0.5}

    def layer(self, pattern, **changed):
        """The nodes and constants of a dense layer whose sums are h and whose outputs are y."""
        constants = {**self.CONSTANTS, **changed}
        return [node("MatMul", "x w", "h"), *pattern], [
            tensor("w", W.T.copy()), *(tensor(name, np.float32(c)) for name, c in constants.items())]

    def run_layer(self, word, pattern, opset=17):
        y = run(*self.layer(pattern), opset=opset)
        described = command.ffwd_json("info", "net.onnx")["model"]["activations"]
        self.assertEqual(described, [word])
        return y

    def check(self, word, patterns, how, curve):
        """All patterns against the curve, and by bits against the operator itself."""
        operator = [node("Gelu", "h", "y", approximate=how)]
        expected = self.run_layer(word, operator, opset=20)
        close(self, expected, curve(X @ W.T.astype(np.float64)))
        for pattern in patterns:
            y = self.run_layer(word, pattern)
            np.testing.assert_array_equal(y.view(np.uint32), expected.view(np.uint32))

    def erf_patterns(self):
        for divided in node("Div", "h root", "u"), node("Mul", "h inverse", "u"):
            start = [divided, node("Erf", "u", "e"), node("Add", "e one", "f")]
            yield [*start, node("Mul", "h f", "g"), node("Mul", "g half", "y")]
            yield [*start, node("Mul", "f half", "g"), node("Mul", "g h", "y")]
            yield [node("Mul", "half h", "k"), *start, node("Mul", "k f", "y")]
            yield [node("Div", "h two", "k"), divided, node("Erf", "u", "e"),
                   node("Mul", "e k", "f"), node("Add", "f k", "y")]

    def tanh_patterns(self):
        cubes = ([node("Pow", "h three", "c")],
                 [node("Mul", "h h", "s"), node("Mul", "s h", "c")])
        for cube in cubes:
            start = [*cube, node("Mul", "cubic c", "d"), node("Add", "h d", "p"),
                     node("Mul", "line p", "u"), node("Tanh", "u", "t"), node("Add", "one t", "f")]
            yield [*start, node("Mul", "h f", "g"), node("Mul", "g half", "y")]
            yield [node("Mul", "half h", "k"), *start, node("Mul", "k f", "y")]
        yield [node("Mul", "h h", "s"), node("Mul", "s cubic", "d"), node("Add", "d one", "p"),
               node("Mul", "h line", "l"), node("Mul", "l p", "u"), node("Tanh", "u", "t"),
               node("Add", "t one", "f"), node("Mul", "h half", "k"), node("Mul", "k f", "y")]

    def test_by_erf(self):
        erf = np.vectorize(math.erf)
        self.check("gelu", self.erf_patterns(), "none", lambda z: z / 2 * (1 + erf(z / 2**0.5)))

    def test_by_tanh(self):
        self.check("gelu_tanh", self.tanh_patterns(), "tanh", lambda z: z / 2 * (
            1 + np.tanh((2 / np.pi)**0.5 * (z + 0.044715 * z**3))))

    def test_others(self):
        """Nearly is not the same."""
        for patterns, changed in ((self.erf_patterns, {"one": 1.001}),
                                  (self.tanh_patterns, {"one": 0.5}),
                                  (self.tanh_patterns, {"cubic": 0.0448}),
                                  (self.tanh_patterns, {"line": 0.8})):
            self.assertIn("no activation", refusal(*self.layer(next(patterns()), **changed)))


class Nothing(command.Case):
    """What changes nothing of a row."""

    def test_passes(self):
        truth = X @ W.T.astype(np.float64)
        shape = tensor("shape", np.array([-1, 3]))
        for before in ([node("Identity", "x", "h")], [node("Dropout", "x", "h")],
                       [node("Cast", "x", "h", to=1)], [node("Flatten", "x", "h", axis=1)],
                       [node("Reshape", "x shape", "h")],
                       [node("Unsqueeze", "x axes", "u"), node("Squeeze", "u axes", "h")],
                       [node("Transpose", "x", "h", perm=[0, 1])]):
            y = run([*before, node("MatMul", "h w", "y")],
                    [tensor("w", W.T.copy()), shape, tensor("axes", np.array([1]))])
            close(self, y, truth)

    def test_shape_computed_from_x(self):
        y = run([node("Shape", "x", "s"), node("Gather", "s first", "r"),
                 node("Unsqueeze", "r first_list", "l"), node("Concat", "l rest", "t", axis=0),
                 node("Reshape", "x t", "h"), node("MatMul", "h w", "y")],
                [tensor("w", W.T.copy()), tensor("first", np.array(0)),
                 tensor("first_list", np.array([0])), tensor("rest", np.array([-1]))])
        close(self, y, X @ W.T.astype(np.float64))

    def test_images_are_flattened(self):
        images = X[:10].reshape(5, 2, 3)
        np.save(command.folder / "x.npy", images)
        weights = RNG.uniform(-1, 1, (6, 2)).astype(np.float32)
        onnx_file.write(command.folder / "net.onnx",
                        [node("Flatten", "x", "h"), node("MatMul", "h w", "y")],
                        [tensor("w", weights)], x=(None, 2, 3))
        ffwd("run", "net.onnx", "x.npy", "-o", "y.npy", "--report", "none")
        close(self, np.load(command.folder / "y.npy"),
              images.reshape(5, 6).astype(np.float64) @ weights)


class Old(command.Case):
    """Before version 7, an attribute said where operands begin, and whether a model was trained."""

    def test_operands(self):
        rows = RNG.uniform(-2, 2, (5, 2, 3)).astype(np.float32)
        shift = np.float32([1, 2])
        y = run([node("Add", "x c", "y", broadcast=1, axis=1)], [tensor("c", shift)], x=rows,
                opset=6)
        np.testing.assert_array_equal(y, (rows + shift[:, None]).reshape(5, 6))

    def test_slopes_are_those_of_axis_1(self):
        rows = RNG.uniform(-2, 2, (5, 3, 3)).astype(np.float32)
        slopes = np.float32([0.5, 0.25, 2])
        for opset, shaped in (6, slopes[:, None]), (7, slopes):
            y = run([node("PRelu", "x c", "y")], [tensor("c", slopes)], x=rows, opset=opset)
            np.testing.assert_array_equal(y, np.where(rows < 0, rows * shaped, rows).reshape(5, 9))

    def test_training(self):
        for op in "Dropout", "BatchNormalization":
            self.assertIn("training mode", refusal(
                [node(op, "x a a a a" if op[0] == "B" else "x", "y")],
                [tensor("a", np.ones(3, np.float32))], opset=6))
            run([node(op, "x a a a a" if op[0] == "B" else "x", "y", is_test=1)],
                [tensor("a", np.ones(3, np.float32))], opset=6)

    def test_axes_that_are_none(self):
        for axis in -4, 2:
            self.assertIn("more axes", refusal([node("Add", "x c", "y", axis=axis)],
                                               [tensor("c", X[0])], opset=6))


class Refused(command.Case):
    W = tensor("w", W.T.copy())

    def check(self, text, nodes, tensors=(W,), **more):
        self.assertIn(text, refusal(nodes, tensors, **more))

    def test_operators(self):
        self.check("node 'conv' (Conv): no operation of a dense chain", [node("Conv", "x w", "y")])
        self.check("(Relu): no operation", [node("Relu", "x", "y", "com.example")])
        self.check("(Gemm): transA = 1", [node("Gemm", "x w", "y", transA=1)])
        self.check("(Mul): takes 2 values of a row", [node("Mul", "x x", "y")])
        self.check("(Erf): no activation", [node("Erf", "x", "y")])
        self.check("(Reshape): makes other rows", [node("Reshape", "x s", "y")],
                   [tensor("s", np.array([-1, 2]))])
        self.check("(Transpose): puts", [node("Transpose", "x", "y", perm=[1, 0])])
        self.check("(Softmax): axis 0", [node("Softmax", "x", "y", axis=0)])
        self.check("(Dropout): is in training", [node("Dropout", "x - t", "y")],
                   [tensor("t", np.array(True))])
        self.check("differs from row to row", [node("Add", "x c", "y")], [tensor("c", X)])
        self.check("(Cast): makes other numbers of type 7 of those of type 1",
                   [node("Cast", "x", "y", to=7)])
        self.check("(Cast): makes other numbers of type 3 of those of type 6",
                   [node("Cast", "x", "y", to=3)], element=6)

    def test_inputs_that_are_left_out(self):
        for op in "Add", "Sub", "Mul", "Div", "Pow", "PRelu", "Greater", "LessOrEqual":
            self.check(f"({op}): lacks input 2", [node(op, "x -", "y")])
            self.check(f"({op}): lacks input 2", [node(op, "x", "y")])
            self.check(f"({op}): lacks input 1", [node(op, "- x", "y")])
        self.check("(Where): lacks input 3", [node("Where", "x x -", "y")])
        self.check("(Max): lacks input 2", [node("Max", "x - x", "y")])

    def test_graphs(self):
        self.check("takes a second input of the graph, 'b'", [node("Add", "x b", "y")],
                   inputs=[onnx_file.value("b", (3,))])
        self.check("takes 'h', which nothing before it makes",
                   [node("Relu", "h", "y"), node("Relu", "x", "h")])
        self.check("takes 'y', which nothing before it makes", [node("Relu", "y", "y")])
        self.check("two values are called 'y'", [node("Relu", "x", "y"), node("Relu", "x", "y")])
        self.check("'y' is not computed from X", [node("Relu", "x", "z")])
        self.check("'w' is not computed from X", [node("Relu", "x", "z")], y="w")
        self.check("which version of operators", [node("Relu", "x", "y")], opset=0)
        self.check("X has elements of type 8, which are no numbers", [node("Identity", "x", "y")],
                   element=8)
        self.check("nothing says how many values", [node("Relu", "x", "y")], x=None)
        self.check("rows of 1099511627776 values", [node("Relu", "x", "y")], x=(None, 1 << 40))
        self.check("takes 3 inputs, but a row has 5", [node("MatMul", "x w", "y")], x=(None, 5))

    def test_rows_of_another_width(self):
        np.save(command.folder / "x.npy", X)
        for nodes, text in (([node("Relu", "x", "y")], "net.onnx takes 5 inputs"),
                            ([node("MatMul", "x w", "y")], "W1 of net.onnx is [2][5]")):
            save(nodes, [tensor("w", np.ones((5, 2), np.float32))], x=(None, 5))
            done = ffwd("run", "net.onnx", "x.npy", "-o", "none.npy", status=65)
            self.assertEqual(done.stderr, f"ffwd: x.npy: X is [11][3], but {text}\n")

    def test_names_stay_on_their_line(self):
        self.check("node 'a?b' (X?[31m)", [node("X\x1b[31m", "x", "y", name="a\nb")])

    def test_activations_are_the_files(self):
        save([node("Relu", "x", "y")])
        done = ffwd("info", "net.onnx", "--activation", "relu", status=64)
        self.assertIn("has its own", done.stderr)


class Hostile(command.Case):
    """Broken files, and files that reach for others."""

    GEMM = (node("Gemm", "x w", "y", transB=1),)

    def refuse(self, text, tensors, status=65):
        self.assertIn(text, refusal(self.GEMM, tensors, status))

    def setUp(self):
        (command.folder / "w.bin").write_bytes(b"1234" + W.tobytes())

    def test_external_data(self):
        y = run(self.GEMM, [onnx_file.external("w", W.shape, "w.bin", 4, W.nbytes)])
        close(self, y, X @ W.T.astype(np.float64))

    def test_external_names(self):
        (command.folder / "a_folder" / "w.bin").write_bytes(W.tobytes())
        for name in "../w.bin", "/etc/passwd", "a_folder/w.bin", "..", ".", "", "w.bin\0":
            self.refuse("does not name a file beside the model",
                        [onnx_file.external("w", W.shape, name)])
        self.refuse("which is not named", [onnx_file.external("w", W.shape, None)])

    def test_external_links(self):
        (command.folder / "symbolic.bin").symlink_to("w.bin")
        os.link(command.folder / "w.bin", command.folder / "hard.bin")
        self.addCleanup((command.folder / "hard.bin").unlink)
        self.addCleanup((command.folder / "symbolic.bin").unlink)
        for name in "symbolic.bin", "hard.bin":
            self.refuse("a link", [onnx_file.external("w", W.shape, name, 4, W.nbytes)])
        self.refuse("no regular file", [onnx_file.external("w", W.shape, "a_folder")])
        self.refuse("cannot open", [onnx_file.external("w", W.shape, "missing.bin")], status=66)

    def test_external_places(self):
        for offset, length, text in ((5, W.nbytes, "are asked for"),
                                     ((1 << 64) - 1, W.nbytes, "are asked for"),
                                     (0, W.nbytes + 1, "is said to be"), ("-1", None, "broken"),
                                     (1 << 70, None, "broken")):
            self.refuse(text, [onnx_file.external("w", W.shape, "w.bin", offset, length)])

    def test_tensors(self):
        self.refuse("broken", [tensor("w", W)[:-1]])
        good = onnx_file.field(2, 1) + onnx_file.field(8, "w")
        data = onnx_file.field(9, b"\0" * 48)
        dims = onnx_file.field
        self.refuse("has 48 bytes", [dims(1, 5) + dims(1, 3) + good + data])
        self.refuse("has the size -4", [dims(1, -4) + dims(1, 3) + good + data])
        self.refuse("size does not fit", [dims(1, 1 << 62) + dims(1, 1 << 62) + good + data])
        self.refuse("9 axes", [dims(1, 1) * 9 + good + data])
        self.refuse("elements of type 99", [dims(1, 4) + dims(1, 3) + dims(2, 99) +
                                            dims(8, "w") + data])

    def test_every_cut(self):
        whole = onnx_file.model(onnx_file.graph(self.GEMM, [tensor("w", W)]))
        for size in range(0, len(whole), 3):
            (command.folder / "cut.onnx").write_bytes(whole[:size])
            ffwd("info", "cut.onnx", status=65)


if __name__ == "__main__":
    unittest.main()
