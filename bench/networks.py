# SPDX-License-Identifier: MIT
"""The networks of the benchmark, their rows, and what a right result is."""
from functools import cached_property
from pathlib import Path

import numpy as np

LIST = Path(__file__).with_name("networks.txt")
DTYPES = {"f32": np.float32, "f64": np.float64}
SAMPLED_ROWS = 2000
SAMPLED_PARAMETERS = 200_000_000  # rows times weights that a check may multiply

ACTIVATIONS = {
    "step": lambda z: (z > 0).astype(z.dtype),
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}


def aligned(shape, dtype):
    """An array that starts with a cache line, as the limit is measured over."""
    bytes_ = np.empty(int(np.prod(shape)) * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -bytes_.ctypes.data % 64
    return bytes_[start:len(bytes_) - 64 + start].view(dtype).reshape(shape)


class Network:
    """Dense layers of one dtype, all with one activation, and random rows for them."""

    def __init__(self, name, activation, dtype, rows):
        self.name, self.activation, self.dtype = name, activation, dtype
        self.rows = rows  # numbers of rows to time, ascending
        self.widths = [int(width) for width in name.split("-")]
        self.fmas = sum(i * o for i, o in zip(self.widths, self.widths[1:]))  # a row

    def __str__(self):
        return f"{self.name} {self.activation} {self.dtype}"

    @cached_property
    def weights(self):
        """[neurons][inputs] of each layer, scaled so that sums stay about 1."""
        rng = np.random.default_rng(2)
        return [(rng.uniform(-1, 1, (o, i)) / np.sqrt(i)).astype(DTYPES[self.dtype])
                for i, o in zip(self.widths, self.widths[1:])]

    @cached_property
    def x(self):
        """The most rows that are timed; fewer are its first ones."""
        rng = np.random.default_rng(1)
        x = aligned((self.rows[-1], self.widths[0]), DTYPES[self.dtype])
        rng.random(dtype=x.dtype, out=x)
        x *= 2
        x -= 1
        return x


class Check:
    """Whether results of a network's first `rows` rows are right, by a sample of them that reaches
    from the first to the last.

    The bound follows from rounding: |z - exact| <= |W| e + gamma(k) |W| |x| for errors e of x
    (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1). A sum so close to
    0 that a step may go either way leaves its row open.
    """

    def __init__(self, network, rows):
        most = min(SAMPLED_ROWS, SAMPLED_PARAMETERS // network.fmas + 1)
        self.at = np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(int))
        self.exact, self.bound, self.open = exact_rows(network, network.x[self.at])

    def wrong_rows(self, y):
        """How many rows of the sample are further from the exact ones than rounding explains."""
        near = np.abs(y[self.at] - self.exact) <= self.bound  # false for NaN
        return int((~near.all(axis=1) & ~self.open).sum())

    def counts(self):
        """What was compared, for the report."""
        return {"checked_rows": len(self.at), "open_rows": int(self.open.sum())}


def exact_rows(network, x):
    """The results in float64, the bound on a dtype's error, and the rows that a step leaves open."""
    unit = np.finfo(x.dtype).eps / 2
    exact = x.astype(np.float64)
    error = np.zeros_like(exact)
    is_open = np.zeros(len(x), bool)
    for w in (w.astype(np.float64) for w in network.weights):
        gamma = w.shape[1] * unit / (1 - w.shape[1] * unit)
        error = error @ np.abs(w).T + gamma * ((np.abs(exact) + error) @ np.abs(w).T)
        z = exact @ w.T
        exact = ACTIVATIONS[network.activation](z)
        if network.activation == "step":
            is_open |= ((np.abs(z) <= error) & (error > 0)).any(axis=1)
            error = np.zeros_like(exact)
        elif network.activation in ("tanh", "sigmoid"):  # slopes of at most 1; results of about 1
            error = error + 4 * unit
    return exact, 2 * error, is_open


def read_networks(only=("",), quick=False):
    """The networks whose line in networks.txt has one of the texts `only`, each for each of its
    dtypes; `quick` takes a tenth of the rows."""
    networks = []
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, activation, dtypes, *rows = line.split()
        rows = sorted({max(int(count) // (10 if quick else 1), 1) for count in rows})
        networks += [Network(name, activation, dtype, rows) for dtype in dtypes.split(",")]
    return [network for network in networks if any(text in str(network) for text in only)]
