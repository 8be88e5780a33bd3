# SPDX-License-Identifier: MIT
"""What the command computes, against exact arithmetic and against NumPy within a derived bound."""

import csv
import io
from fractions import Fraction

import numpy as np

import command
import fixtures
from command import ffwd


def run(model, x, *options):
    """Y of a run, through a file."""
    ffwd("run", model, x, "-o", "y.npy", "--report", "none", *options)
    return np.load(command.folder / "y.npy")


def run_layers(model, x, *options):
    """The sums and outputs of every layer."""
    run(model, x, "--layers", "layers.npz", *options)
    with np.load(command.folder / "layers.npz") as layers:
        return dict(layers)


def save(name, array):
    np.save(command.folder / name, array)
    return name


def exact_sums(x, w):
    """The chain of float64 fused multiply-adds: exact products and sums, rounded once each."""
    sums = np.zeros((len(x), len(w)))
    for row, values in enumerate(x):
        for neuron, weights in enumerate(w):
            z = 0.0
            for weight, value in zip(weights, values):
                z = float(Fraction(float(weight)) * Fraction(float(value)) + Fraction(z))
            sums[row, neuron] = z
    return sums


def assert_product(case, y, x, w):
    """|y - x w'| is at most gamma_k |x| |w|', with y's own rounding: Higham, Accuracy and Stability.
    """
    unit = np.finfo(y.dtype).eps / 2
    count = x.shape[1] * unit
    wide_x, wide_w = x.astype(np.float64), w.astype(np.float64)
    bound = count / (1 - count) * (np.abs(wide_x) @ np.abs(wide_w).T)
    # NumPy's own product in float64 has the same bound with its own unit.
    count64 = x.shape[1] * np.finfo(np.float64).eps
    slack = count64 / (1 - count64) * (np.abs(wide_x) @ np.abs(wide_w).T)
    case.assertEqual(y.shape, (len(x), len(w)))
    case.assertTrue(np.all(np.abs(y - wide_x @ wide_w.T) <= bound + slack))


class SmallExamples(command.Case):
    def test_neuron_of_three(self):
        layers = run_layers("w3.npz", "x3.npy")
        self.assertEqual(layers["z1"].dtype, np.float64)
        self.assertAlmostEqual(layers["z1"][0, 0], -0.11, 15)
        self.assertEqual(layers["z1"], exact_sums([[0.1, 0.3, 0.4]], [[0.2, -0.3, -0.1]]))
        self.assertEqual(layers["y1"].tolist(), [[0.0]])

    def test_neuron_of_five(self):
        layers = run_layers("w5.npz", "x5.npy")
        self.assertAlmostEqual(layers["z1"][0, 0], 0.03, 15)
        self.assertEqual(layers["y1"].tolist(), [[1.0]])

    def test_neuron_over_four_rows(self):
        layers = run_layers("neuron.npz", "neuron_x.npy")
        self.assertEqual(layers["z1"].round(3).ravel().tolist(), [-7.642, -7.286, 2.506, 4.925])
        self.assertTrue((layers["z1"] == exact_sums(fixtures.NEURON_X, [fixtures.NEURON_W])).all())
        self.assertEqual(run("neuron.npz", "neuron_x.npy").tolist(), [[0.0], [0.0], [1.0], [1.0]])

    def test_neuron_of_ten_thousand(self):
        layers = run_layers("neuron_10000.npz", "neuron_10000_x.npy")
        with np.load(command.folder / "neuron_10000.npz") as model:
            wanted = exact_sums(np.load(command.folder / "neuron_10000_x.npy"), model["W1"])
        self.assertTrue((layers["z1"] == wanted).all())

    def test_layer_of_seven(self):
        x = np.load(command.folder / "layer_x.npy")
        with np.load(command.folder / "layer7.npz") as model:
            z = x @ model["W1"].T + model["b1"]
        layers = run_layers("layer7.npz", "layer_x.npy")
        self.assertEqual(layers["y1"].shape, (11, 7))
        np.testing.assert_allclose(layers["z1"], z, rtol=0, atol=1e-15 * 5)
        np.testing.assert_allclose(layers["y1"], 1 / (1 + np.exp(-z)), rtol=1e-14)

    def test_one_dimension(self):
        """n values are one row for a model that takes n, and n rows for one that takes one."""
        save("ramp.npy", np.arange(-2.0, 3.0))
        self.assertEqual(run("5-2", "ramp.npy").shape, (1, 2))
        self.assertEqual(run("1-2", "ramp.npy").shape, (5, 2))

    def test_stored_types(self):
        """Every type and order that .npy may have gives the rows that it holds."""
        rows = np.array([[-3, 0, 7], [100, 5, -1]])
        wanted = run("3-4", save("rows.npy", rows.astype(np.float32)), "--activation", "identity")
        for dtype in "<i8", ">i4", "i1", "<f2", ">f8":
            for order in "C", "F":
                stored = save("rows.npy", np.asarray(rows, dtype=dtype, order=order))
                y = run("3-4", stored, "--activation", "identity")
                self.assertTrue((y == wanted).all(), (dtype, order))

    def test_no_layers(self):
        """A shape of one width copies."""
        x = np.load(command.folder / "layer_x.npy")
        self.assertTrue((run("3", "layer_x.npy", "--dtype", "f64") == x).all())

    def test_special_values(self):
        save("special.npy", np.array([[np.nan, 1], [np.inf, 0], [-0.0, 0.0]], dtype=np.float32))
        y = run("2-1", "special.npy", "--activation", "identity")
        self.assertEqual(y.view(np.uint32)[0, 0], 0x7FC00000)
        self.assertEqual(run("2-1", "special.npy")[0, 0], 0)


class LargeExamples(command.Case):
    def test_five_million_rows(self):
        y = run("3-1", "random:5000000", "--out-dtype", "u8")
        self.assertEqual((y.shape, y.dtype), ((5000000, 1), np.uint8))
        self.assertLess(abs(y.mean() - 0.5), 0.01)

    def test_chain_of_products(self):
        rng = np.random.default_rng(7)
        x = rng.uniform(-1, 1, (10000, 2))
        weights = [rng.uniform(-1, 1, shape) for shape in ((3, 2), (2, 3), (1, 2))]
        fixtures.model(command.folder / "chain.npz", *weights, activation="identity")
        layers = run_layers("chain.npz", save("chain_x.npy", x))
        self.assertEqual(sorted(layers), ["y1", "y2", "y3", "z1", "z2", "z3"])
        for i, w in enumerate(weights, 1):
            assert_product(self, layers[f"z{i}"], x, w)
            self.assertTrue((layers[f"z{i}"] == layers[f"y{i}"]).all())
            x = layers[f"y{i}"]

    def test_wide_product(self):
        rng = np.random.default_rng(8)
        x = rng.uniform(-1, 1, (5023, 42)).astype(np.float32)
        w = rng.uniform(-1, 1, (4023, 42)).astype(np.float32)
        fixtures.model(command.folder / "wide.npz", w, activation="identity")
        y = run("wide.npz", save("wide_x.npy", x))
        self.assertEqual(y.dtype, np.float32)
        assert_product(self, y, x, w)

    def test_images(self):
        """Axes behind the first are one row."""
        rng = np.random.default_rng(9)
        x = rng.integers(0, 256, (100, 3, 224, 224), dtype=np.uint8)
        w = rng.uniform(-1, 1, (1, 150528)).astype(np.float32)
        fixtures.model(command.folder / "images.npz", w, activation="identity")
        y = run("images.npz", save("images.npy", x))
        assert_product(self, y, x.reshape(100, -1), w)


class TrainedModels(command.Case):
    def score(self, name):
        y = run(command.data / f"{name}.npz", command.data / f"{name}_X.npy")
        return y, np.load(command.data / f"{name}_Y.npy")

    def test_step(self):
        y, wanted = self.score("cancer_step")
        self.assertEqual(len(y), 569)
        self.assertTrue((y.ravel() == wanted.ravel()).all())

    def test_relu(self):
        y, wanted = self.score("diabetes_relu")
        difference = np.abs(y.ravel() - wanted.ravel())
        self.assertTrue((difference <= 1e-5 + 1e-4 * np.abs(wanted.ravel())).all())

    def test_softmax(self):
        for name in "digits_relu", "wine_tanh":
            y, wanted = self.score(name)
            self.assertTrue((np.abs(y - wanted) <= 1e-5 + 1e-4 * np.abs(wanted)).all())
            labels = np.load(command.data / f"{name}_labels.npy")
            self.assertTrue((y.argmax(1) == labels).all())

    def test_layers_of_softmax(self):
        """A layer of that name is two operations: its sums, then what is made of them."""
        layers = run_layers(command.data / "wine_tanh.npz", command.data / "wine_tanh_X.npy")
        self.assertEqual(sorted(layers), ["y1", "y2", "y3", "z1", "z2", "z3"])
        z = layers["z2"].astype(np.float64)
        e = np.exp(z - z.max(1, keepdims=True))
        self.assertTrue((layers["y2"] == layers["z2"]).all())
        self.assertTrue((layers["y3"] == layers["z3"]).all())
        self.assertTrue((layers["y3"] == np.load(command.folder / "y.npy")).all())
        np.testing.assert_allclose(layers["y3"], e / e.sum(1, keepdims=True), rtol=1e-5)


class SameBits(command.Case):
    """Nothing but the model and the row decides about a result."""

    def outputs(self, *options):
        ffwd("run", "16-64-9-3", "random:3000", "--activation", "tanh", "-o", "same.npy",
             "--report", "none", *options)
        return (command.folder / "same.npy").read_bytes()

    def test_memory_and_threads(self):
        wanted = self.outputs()
        for memory in "0", "1", "1k", "100K", "7M", "1G", "99999999999999999999G":
            self.assertEqual(self.outputs("--memory", memory), wanted, memory)
        for threads in "1", "2", "5":
            self.assertEqual(self.outputs("--threads", threads), wanted, threads)
        for more in ("--isa", "portable"), ("--strategy", "layered"), ("--strategy", "fused"):
            self.assertEqual(self.outputs(*more), wanted, more)

    def test_seed(self):
        self.assertNotEqual(self.outputs("--seed", "2"), self.outputs("--seed", "3"))
        self.assertEqual(self.outputs("--seed", "1"), self.outputs())

    def test_memory_raised(self):
        done = ffwd("run", "64-64", "random:50", "--memory", "1", "-o", "y.npy")
        self.assertIn("memory    raised from 1 B to ", done.stderr)

    def test_csv(self):
        """CSV holds the digits that read back as the same bits, to a file and to a pipe."""
        y = run("3-2", "random:500", "--activation", "sigmoid")
        text = ffwd("run", "3-2", "random:500", "--activation", "sigmoid").stdout
        run("3-2", "random:500", "--activation", "sigmoid")
        ffwd("run", "3-2", "random:500", "--activation", "sigmoid", "-o", "y.csv")
        self.assertEqual((command.folder / "y.csv").read_text(), text)
        table = list(csv.reader(io.StringIO(text)))
        self.assertEqual(table[0], ["y1", "y2"])
        self.assertTrue((np.array(table[1:], dtype=np.float32) == y).all())

    def test_output_dtypes(self):
        y = run("3-2", "random:500")
        for name, dtype in ("f32", np.float32), ("f64", np.float64), ("u8", np.uint8):
            other = run("3-2", "random:500", "--out-dtype", name)
            self.assertEqual(other.dtype, dtype)
            self.assertTrue((other == y).all())
