#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The canonical network beside NumPy: 2-3-2-1 step neurons over 5,000,000 rows, turn and turn about.

    numpy_peer.py FFWD_COMMAND [--rounds N] [--rows N]

Each round times NumPy once and ffwd five times on the same dtype; the medians over all rounds and
their ratio are printed. Both use all CPUs that they are given.
"""
import argparse
import json
import statistics
import subprocess
import time

import numpy as np

SHAPES = ((3, 2), (2, 3), (1, 2))


def numpy_ms(x, weights):
    start = time.perf_counter()
    y = x
    for w in weights:
        y = (y @ w.T > 0).astype(x.dtype)
    return (time.perf_counter() - start) * 1e3


def ffwd_result(command, rows, dtype):
    arguments = [command, "bench", "--device", "cpu", "--repeat", "5", "--rows", str(rows),
                 "--dtype", dtype, "--report", "none", "--json", "-"]
    report = subprocess.run(arguments, check=True, stdout=subprocess.PIPE)
    return json.loads(report.stdout)["results"][0]


def compare(command, rows, rounds, dtype, numpy_dtype):
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (rows, 2)).astype(numpy_dtype)
    weights = [rng.uniform(-1, 1, shape).astype(numpy_dtype) for shape in SHAPES]
    theirs, ours, shares = [], [], []
    for _ in range(rounds):
        theirs.append(numpy_ms(x, weights))
        result = ffwd_result(command, rows, dtype)
        ours.append(result["ms"]["total"]["median"])
        if result["of_limit"] is not None:
            shares.append(result["of_limit"])
    their_ms, our_ms = statistics.median(theirs), statistics.median(ours)
    share = f"{statistics.median(shares):.2f}" if shares else "-"
    print(f"{dtype}   NumPy {np.__version__} {their_ms:8.1f} ms   ffwd {our_ms:7.2f} ms   "
          f"{their_ms / our_ms:5.1f} times   of the limit {share}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=5_000_000)
    given = parser.parse_args()
    compare(given.command, given.rows, given.rounds, "f32", np.float32)
    compare(given.command, given.rows, given.rounds, "f64", np.float64)


main()
