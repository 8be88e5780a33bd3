#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark measures what it says: the check of results sees wrong ones, every peer in C that was
built computes right ones, tables say what the numbers are, and README's table is that of its results.

    test_bench.py SOURCE_FOLDER [PEERS_FOLDER]
"""
import pathlib
import subprocess
import sys
import unittest

import numpy as np

SOURCE = pathlib.Path(sys.argv[1])
PEERS = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else None
sys.path.insert(0, str(SOURCE / "bench"))

import tables  # noqa: E402
from errors import Unavailable  # noqa: E402
from native_peers import native_kinds  # noqa: E402
from networks import Check, Network, read_networks  # noqa: E402
from python_peers import Numpy, PlainPython  # noqa: E402
from rounds import Racer, Settings  # noqa: E402

ACTIVATIONS = ["step", "relu", "sigmoid", "tanh"]


def entry(contender, rows, rows_per_s, wrong_rows=0):
    return {"contender": contender, "rows": rows, "ms": rows / rows_per_s * 1e3,
            "rows_per_s": rows_per_s, "wrong_rows": wrong_rows}


REPORT = {
    "machine": {"cpu": "CPU", "threads": 2, "date": "2026-01-02", "commit": "abc"}, "rounds": 3,
    "contenders": [{"key": key, "label": key, "version": ""}
                   for key in ("ffwd_cpu", "slow", "wrong", "never", "absent")],
    "cases": [{"network": "2-1", "activation": "relu", "dtype": "f32", "rows": rows,
               "entries": [entry("ffwd_cpu", rows, 1e9), entry("slow", min(rows, 100), 4e6),
                           entry("wrong", rows, 1e9, 1)] + ([entry("never", rows, 1e8)]
                                                            if rows == 10 else []),
               "commands": [{"device": "cpu", "of_limit": 0.9371, "limited_by": "fma",
                             "wrong_rows": 0}]} for rows in (10, 1000)],
    "limit_check": [{"name": "fma f32", "ratio": 1.02}, {"name": "fma f64", "ratio": 0.9}],
}


class Tables(unittest.TestCase):
    def test_summary(self):
        lines = tables.summary(REPORT).splitlines()
        self.assertIn("CPU, 2 threads, 2026-01-02, commit abc; medians of 3", lines[0])
        self.assertEqual(lines[2], "| network, rows | dtype | ffwd | of the limit | slow | wrong "
                                   "| never |")
        self.assertEqual(lines[4], "| 2-1 relu, 1,000 | f32 | 1 µs | 0.94 fma | ~250 × | wrong "
                                   "| – |")
        self.assertEqual(len(lines), 5)

    def test_problems(self):
        found = tables.problems(REPORT)
        self.assertEqual(found[0], "the two measurements of fma f64 are 10.0% apart")
        self.assertEqual(len(found), 3)

    def test_durations(self):
        told = [tables.duration(ms) for ms in (2500, 99.6, 1.234, 0.0123, 2.6e-4, 1e-8)]
        self.assertEqual(told, ["2.5 s", "100 ms", "1.23 ms", "12.3 µs", "260 ns", "0.01 ns"])

    def test_readme(self):
        done = subprocess.run([sys.executable, SOURCE / "bench" / "tables.py", "--check"],
                              stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


class Networks(unittest.TestCase):
    def test_list(self):
        networks = read_networks()
        rows = {count for network in networks for count in network.rows}
        self.assertEqual((min(rows), max(rows)), (1, 5_000_000))
        self.assertEqual({network.dtype for network in networks}, {"f32", "f64"})
        self.assertEqual(len(read_networks(["2-3-2-1 step f64"], quick=True)), 1)

    def test_check(self):
        for activation in ACTIVATIONS:
            for dtype in ("f32", "f64"):
                network = Network("7-5-3", activation, dtype, [500])
                check = Check(network, 500)
                y = Numpy(network, 1).compute(network.x)
                self.assertEqual(check.wrong_rows(y), 0)
                self.assertLess(check.open.sum(), 50)
                closed = np.flatnonzero(~check.open)
                for value in (y[closed[-1], 2] + 1e-3, np.nan):
                    bad = y.copy()
                    bad[closed[-1], 2] = value
                    self.assertEqual(check.wrong_rows(bad), 1, (activation, dtype, value))


class Peers(unittest.TestCase):
    def check(self, kind, activation, dtype):
        """One peer over rows that end within a block, and a single one."""
        network = Network("16-64-64-3", activation, dtype, [1, 1537])
        try:
            peer = kind(network, 2)
        except Unavailable as reason:
            print(f"skipped: {kind.label}, {network}: {reason}")
            return 0
        for rows in network.rows:
            spent, y = peer.time(rows, 2)
            self.assertEqual(Check(network, rows).wrong_rows(y), 0, (kind.label, str(network)))
            self.assertGreater(min(spent), 0)
        peer.close()
        return 1

    def test_results(self):
        kinds = [Numpy, PlainPython] + (native_kinds(PEERS) if PEERS else [])
        for kind in kinds:
            with self.subTest(kind.label):
                done = sum(self.check(kind, activation, dtype) for activation in ACTIVATIONS
                           for dtype in ("f32", "f64"))
                if kind.label in ("ffwd", "C loops", "NumPy", "Python"):
                    self.assertEqual(done, 8)

    def test_slow_one_takes_fewer_rows(self):
        network = Network("16-64-64-1", "relu", "f32", [100_000])
        racer = Racer("python", PlainPython(network, 1), 100_000,
                      Settings(1, rounds=1, turn_s=0.01, longest_run_s=0.05, longest_s=0.1))
        racer.take_turn()
        self.assertLess(racer.rows, 10_000)
        self.assertEqual(racer.entry()["wrong_rows"], 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
