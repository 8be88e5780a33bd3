#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The example with rows of its own on the device, under the layer that counts and fails calls:
runs copy nothing, nothing is left behind, and a call that fails is an error and no leak.

    test_resident_example.py EXAMPLE LAYER
"""
import os
import pathlib
import subprocess
import sys
import tempfile

SKIP = 77
ROWS, WEIGHTS = 100000, (0.5, 0.25, -0.5)
CODE = 1  # the layer's number of a call that returns a code


def value(index):
    return index * 37 % 129 / 64 - 1


def expected_line():
    """All of it is exact in any precision."""
    ones = sum(sum(w * value(3 * r + k) for k, w in enumerate(WEIGHTS)) > 0 for r in range(ROWS))
    return f"{ones} of {ROWS} rows are above the threshold\n"


class Layer:
    """Runs the example under the layer."""

    def __init__(self, example, layer, folder):
        self.example, self.tally = example, folder / "tally"
        self.environment = {**os.environ, "OPENCL_LAYERS": layer,
                            "FFWD_TEST_LAYER_TALLY": str(self.tally)}

    def run(self, runs, plan=""):
        """What it did, and the layer's calls, struck calls, transfers, waits and live objects."""
        self.tally.unlink(missing_ok=True)
        done = subprocess.run([self.example, str(runs)], timeout=60, text=True, check=False,
                              env={**self.environment, "FFWD_TEST_LAYER": plan},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        counted = self.tally.read_text().split() if self.tally.exists() else []
        return done, dict(zip(("calls", "struck", "transfers", "waits", "live"),
                              map(int, counted)))


def check_runs(layer, line):
    """Of each run, only the example's own count is cleared, read and waited for."""
    one, first = layer.run(1)
    many, last = layer.run(11)
    assert one.returncode == 0 and one.stdout == line, one
    assert many.returncode == 0 and many.stdout == 11 * line, many
    assert last["transfers"] - first["transfers"] == 10 * 2, (first, last)
    assert last["waits"] - first["waits"] == 10, (first, last)
    assert first["live"] == last["live"] == 0, (first, last)
    return first["calls"]


def check_failures(layer, line, calls):
    """Lack of memory, a refusal: neither loses the device, so nothing may be left."""
    step = 1 if "FFWD_LONG" in os.environ else 9
    refused = 0
    for code in (-5, -30):
        for at in range(1 + code % step, calls + 1, step):
            done, seen = layer.run(1, f"{CODE}:{at}:0:{code}")
            what = f"call {at}, code {code}: {done} {seen}"
            assert seen["live"] == 0, what
            assert done.returncode in (0, 1), what
            assert done.returncode == 1 or done.stdout == line, what
            assert done.returncode == 0 or (seen["struck"] == 1 and done.stderr != ""), what
            refused += done.returncode
    assert refused > 0
    print(f"{refused} failures were errors, and nothing was left behind")


def main():
    example, library = sys.argv[1:]
    line = expected_line()
    with tempfile.TemporaryDirectory() as folder:
        layer = Layer(example, library, pathlib.Path(folder))
        done, seen = layer.run(1)
        if done.returncode != 0 and "FFWD_TESTS_NEED_OPENCL" not in os.environ:
            print(f"skipped: {done.stderr}")
            return SKIP
        if done.returncode == 0 and not seen.get("calls"):
            print("skipped: the ICD loader knows no layers")
            return SKIP
        check_failures(layer, line, check_runs(layer, line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
