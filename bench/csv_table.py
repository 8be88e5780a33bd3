#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A CSV table through a network, start to finish: `ffwd run` beside pandas.read_csv and NumPy.

    csv_table.py FFWD [--rows N] [--rounds N] [--threads N]

Whole processes, turn and turn about: time and the most memory, to .npy and to CSV; results must be
equal. Wants a Python with NumPy and pandas."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SHAPES = (3, 2), (2, 3), (1, 2)
PANDAS = """
import sys
import numpy as np
import pandas as pd
rows = pd.read_csv("X.csv", dtype=np.float32).to_numpy()
with np.load("net.npz") as net:
    for i in 1, 2, 3:
        rows = (rows @ net[f"W{i}"].T > 0).astype(np.float32)
if sys.argv[1].endswith(".npy"):
    np.save(sys.argv[1], rows)
else:
    pd.DataFrame(rows, columns=["y1"]).to_csv(sys.argv[1], index=False)
"""


def write_files(folder, rows):
    """Weights of few bits: every order of their sums is exact, so that all must agree."""
    rng = np.random.default_rng(1)
    weights = {f"W{i}": (rng.integers(-8, 9, shape) / 8).astype(np.float32)
               for i, shape in enumerate(SHAPES, 1)}
    np.savez(folder / "net.npz", activations=["step"] * 3, **weights)
    x = rng.integers(-2**10, 2**10, (rows, 2)) / 2**9
    with open(folder / "X.csv", "w") as out:
        out.write("a,b\n")
        for first in range(0, rows, 100_000):
            out.writelines(f"{a!r},{b!r}\n" for a, b in x[first:first + 100_000].tolist())


def most_resident(process):
    """MiB so far; what a child inherits from us until it is another program does not count."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return max((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), default=0)


def spend(command, folder, environment):
    """Seconds and MiB of one process."""
    start, most = time.perf_counter(), 0
    process = subprocess.Popen(command, cwd=folder, env=environment)
    while process.poll() is None:
        most = max(most, most_resident(process))
        time.sleep(0.005)
    if process.returncode != 0:
        sys.exit(f"{command[0]}: status {process.returncode}")
    return time.perf_counter() - start, most


def values(path):
    return np.load(path) if path.suffix == ".npy" else np.loadtxt(path, skiprows=1, ndmin=2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ffwd")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    ffwd = [str(Path(given.ffwd).resolve()), "run", "net.npz", "X.csv", "--report", "none",
            "--device", "cpu", "--threads", str(given.threads), "-o"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(given.threads),
                   "OPENBLAS_NUM_THREADS": str(given.threads)}
    commands = {"ffwd": ffwd, "pandas": [sys.executable, "-c", PANDAS]}
    spent = {}
    with tempfile.TemporaryDirectory(prefix="ffwd-csv-") as name:
        folder = Path(name)
        write_files(folder, given.rows)
        size = (folder / "X.csv").stat().st_size / 1e6
        print(f"{given.rows:,} rows of 2 columns, {size:.0f} MB, {given.threads} threads, "
              f"medians of {given.rounds}")
        for _ in range(given.rounds):
            for suffix in ".npy", ".csv":
                for who, command in commands.items():
                    output = f"{who}{suffix}"
                    spent.setdefault(output, []).append(
                        spend([*command, output], folder, environment))
        for suffix in ".npy", ".csv":
            equal = np.array_equal(*(values(folder / f"{who}{suffix}") for who in commands))
            for who in commands:
                seconds, memory = zip(*spent[f"{who}{suffix}"])
                print(f"  {who:6} to {suffix}  {statistics.median(seconds):6.2f} s  "
                      f"{statistics.median(memory):6.0f} MiB")
            print("  equal" if equal else "  different")
            if not equal:
                sys.exit(1)


if __name__ == "__main__":
    main()
