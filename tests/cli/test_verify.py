# SPDX-License-Identifier: MIT
"""verify --expect: what is found against NumPy's own comparison."""

import re

import numpy as np

import command
from command import ffwd

ONE = "--strategy", "fused", "--isa", "portable", "--threads", "1"
DTYPES = {"f32": (np.float32, np.int32), "f64": (np.float64, np.int64)}


def places(values, integer):
    """Each number's place among those of its dtype; zeros share one."""
    bits = values.view(integer).astype(object)
    lowest = -(1 << 8 * values.itemsize - 1)
    return np.where(values.view(integer) < 0, lowest - bits, bits)


class Expectation(command.Case):
    def save(self, name, array):
        np.save(command.folder / name, array)
        return name

    def verify(self, *arguments, status):
        """The numbers of what was found: values that differ, values, the largest error in ulp, and
        the table's rows."""
        text = ffwd("verify", *arguments, status=status).stdout
        found = re.search(r"\nexpected .*\n +(\S+) of (\S+) values differ"
                          r"(?:; largest error (\S+) ulp: .*)?\n((?:  .*\n)*)", text)
        self.assertIsNotNone(found, text)
        counts = [int((number or "0").replace(",", "")) for number in found.groups()[:3]]
        return *counts, [line.split() for line in found[4].splitlines()[1:]]

    def shifted(self, dtype, rows=4001, most=9):
        """Numbers of all sizes, and others up to so many steps away in either direction."""
        rng = np.random.default_rng(11)
        real, integer = DTYPES[dtype]
        x = (rng.uniform(-1, 1, (rows, 3)) * 10.0 ** rng.integers(-40, 30, (rows, 3))).astype(real)
        steps = rng.integers(-most, most + 1, x.shape).astype(integer)
        steps[rng.random(x.shape) < 0.7] = 0
        y = (x.view(integer) + steps).view(real)
        return x, y, np.abs(places(x, integer) - places(y, integer))

    def test_ulp(self):
        """Counted in both dtypes, in one piece and in many."""
        for dtype in DTYPES:
            x, y, ulp = self.shifted(dtype)
            names = self.save("ulp_x.npy", x), "--expect", self.save("ulp_y.npy", y)
            for allowed in None, 0, 4, 8:
                wrong = ulp > (allowed or 0)
                rows = np.flatnonzero(wrong.any(axis=1))[:5]
                more = () if allowed is None else ("--tol", f"{allowed}ulp")
                for memory in (), ("--memory", "1"):
                    differing, values, largest, shown = self.verify(
                        "3", *names, "--dtype", dtype, *ONE, *more, *memory, status=1)
                    self.assertEqual((differing, values, largest),
                                     (wrong.sum(), x.size, ulp.max()))
                    self.assertEqual(
                        [[int(row[0]), int(row[1]), int(row[4])] for row in shown],
                        [[row, wrong[row].argmax(), ulp[row, wrong[row].argmax()]] for row in rows])
            self.verify("3", *names, "--dtype", dtype, *ONE, "--tol", "9ulp", status=0)

    def test_bounds(self):
        rng = np.random.default_rng(12)
        x = rng.uniform(-1, 1, (3001, 3))
        y = x + rng.uniform(-1e-4, 1e-4, x.shape) * rng.integers(0, 2, x.shape)
        names = self.save("bound_x.npy", x), "--expect", self.save("bound_y.npy", y)
        for absolute, relative in (1e-5, 0), (1e-5, 5e-5), (0, 1e-4), (0.0, 1e-9):
            wrong = ~np.isclose(x, y, atol=absolute, rtol=relative)
            spec = f"{absolute},{relative}" if relative else f"{absolute}"
            differing, _, _, shown = self.verify("3", *names, "--dtype", "f64", *ONE, "--tol", spec,
                                                 status=1)
            self.assertEqual(differing, wrong.sum(), spec)
            self.assertEqual(int(shown[0][0]), wrong.any(axis=1).argmax())
        self.verify("3", *names, "--dtype", "f64", *ONE, "--tol", "1.0001e-4", status=0)

    def test_trained(self):
        """Outputs that another program has computed, in float64."""
        model, x, y = (command.data / f"diabetes_relu{end}" for end in (".npz", "_X.npy", "_Y.npy"))
        self.verify(model, x, "--expect", y, "--tol", "1e-5,1e-4", status=0)
        self.verify(model, x, "--expect", y, status=1)

    def test_one_row(self):
        """One dimension is a row of outputs, or rows of one."""
        self.save("row_x.npy", np.arange(3.0))
        self.verify("3", "row_x.npy", "--expect", "row_x.npy", *ONE, status=0)
        self.verify("1", "row_x.npy", "--expect", "row_x.npy", *ONE, status=0)

    def test_integers(self):
        """Labels and steps come as integers."""
        ffwd("run", "3-4", "random:100", "-o", "steps.npy", "--out-dtype", "u8", "--report", "none")
        steps = np.load(command.folder / "steps.npy")
        self.save("labels.npy", steps.astype(np.int64))
        for name in "steps.npy", "labels.npy":
            self.verify("3-4", "random:100", "--expect", name, status=0)

    def test_difference_of_a_device(self):
        """A device that errs is told, and what is expected is compared with the reference."""
        if command.fault is None:
            self.skipTest("ffwd is linked statically")
        ffwd("run", "3-2", "random:10", "-o", "right.npy", "--report", "none")
        env = {**command.environment, "LD_PRELOAD": command.fault, "FFWD_TEST_FAULT": "flip",
               "FFWD_TEST_STRATEGY": "layered"}
        done = ffwd("verify", "3-2", "random:10", "--expect", "right.npy", "--isa", "portable",
                    "--threads", "1", env=env, status=1)
        self.assertIn("layered   DIFFERS: Y[9][1] is ", done.stdout)
        self.assertIn("          0 of 20 values differ\n", done.stdout)
        self.assertEqual(done.stderr, "ffwd: 1 of 2 do not agree with the reference\n")
