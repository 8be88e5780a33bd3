# SPDX-License-Identifier: MIT
"""The files that the tests work on."""

import zipfile

import numpy as np

NEURON_X = [[-12, 5, 0], [-10, 1, 1], [3, 0, 1], [5, 3, 0]]
NEURON_W = [0.77958501, 0.34250588, 0.16699085]


def model(path, *weights, activation="step", biases=(), **more):
    """A .npz model of float64 weights, all layers with one activation."""
    arrays = {f"W{i}": np.asarray(w) for i, w in enumerate(weights, 1)}
    arrays.update({f"b{i}": np.asarray(b) for i, b in enumerate(biases, 1)})
    if activation:
        arrays["activations"] = np.array([activation] * len(weights))
    np.savez(path, **arrays, **more)


def write(folder):
    """Fills the folder."""
    rng = np.random.default_rng(20240501)

    np.save(folder / "x3.npy", np.array([[0.1, 0.3, 0.4]]))
    model(folder / "w3.npz", [[0.2, -0.3, -0.1]])
    np.save(folder / "x5.npy", np.array([0.1, 0.3, 0.4, 0.4, 0.2]))
    model(folder / "w5.npz", [0.2, -0.3, -0.1, 0.1, 0.5])
    np.save(folder / "neuron_x.npy", np.array(NEURON_X, dtype=np.float64))
    model(folder / "neuron.npz", [NEURON_W])
    np.save(folder / "neuron_10000_x.npy", rng.uniform(-1, 1, (3, 10000)))
    model(folder / "neuron_10000.npz", rng.uniform(-1, 1, (1, 10000)))
    np.save(folder / "layer_x.npy", rng.uniform(-1, 1, (11, 3)))
    model(folder / "layer7.npz", rng.uniform(-1, 1, (7, 3)), activation="sigmoid",
          biases=[rng.uniform(-1, 1, 7)])

    x = np.ones((8, 3), dtype=np.float32)
    x[1, 0], x[2, 2], x[3, :] = 0, np.inf, [-0.0, np.inf, np.nan]
    x[5, 1], x[7, :2] = np.nan, [-3, 5]
    y = x.astype(np.float64)
    y[0, 1], y[1, 0], y[2, 2] = 1 + 2.0 ** -23, -0.0, -np.inf
    y[4], y[5, 1], y[6, 1], y[7, :2] = [2, 2, 1], 1, np.nan, [-1, 7]
    np.save(folder / "expect_x.npy", x)
    np.save(folder / "expect_y.npy", y)

    (folder / "plain.csv").write_text("a,b,c\n1,2,3\n4,5,6\n")
    (folder / "headless.csv").write_text("1 ; 2,5 ; -3\n4;5;6\n".replace(",", "."))
    (folder / "header.csv").write_text("a,b,c\n")
    (folder / "nothing.csv").write_text("")
    (folder / "people.csv").write_text('id,name,Sex,Age,Fare\n7,"Day, A.",male,22,7.25\n'
                                       '8,"O""Hara",female,,71.28\n9,Lee,female,26,NA\n')

    np.save(folder / "x10.npy", np.zeros((7, 10), dtype=np.float32))
    model(folder / "w40x12.npz", np.zeros((40, 12)))
    np.save(folder / "x_count.npy", np.arange(12.0))
    np.save(folder / "x_empty.npy", np.zeros((0, 3)))
    model(folder / "no_names.npz", np.ones((2, 3)), activation=None)
    model(folder / "disagree.npz", np.ones((3, 2)), np.ones((2, 4)))
    model(folder / "softmax.npz", np.ones((3, 2)), activation="softmax")
    model(folder / "unknown.npz", np.ones((3, 2)), activation="swish")
    np.savez(folder / "empty.npz")

    (folder / "garbage.npy").write_bytes(b"nothing of the kind")
    (folder / "garbage.npz").write_bytes(b"nothing of the kind")
    (folder / "garbage.onnx").write_bytes(b"nothing of the kind")
    (folder / "x.csv").write_text("1,2,3\n")
    whole = (folder / "neuron_x.npy").read_bytes()
    (folder / "short.npy").write_bytes(whole[:-1])
    np.save(folder / "complex.npy", np.zeros((2, 3), dtype=np.complex64))
    np.save(folder / "objects.npy", np.array([["a", 1, None]], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(folder / "no_npy.npz", "w") as archive:
        archive.writestr("readme.txt", "no arrays here")
    (folder / "a_folder").mkdir()
