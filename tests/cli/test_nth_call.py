# SPDX-License-Identifier: MIT
"""Every call to the system in turn goes wrong: files are whole or absent, errors are one line."""

import json
import os
import random
import subprocess
from collections import Counter

import numpy as np

import command

ROWS = 3000  # several pieces of --memory 64K, and of what libzip copies

RUN = ("run", "nth.npz", "nth_x.npy", "--memory", "64K", "--report", "none")
TABLE = ("run", "nth.npz", "nth_x.csv", "--memory", "64K", "--report", "none", "--threads", "1",
         "--map", "c=no:0,yes:1", "--keep", "key")
LINES = (
    (*RUN, "-o", "nth_y.npy", "--layers", "nth_z.npz"),
    (*RUN, "-o", "nth_y.csv"),
    RUN,
    (*TABLE, "-o", "nth_y.csv"),
    (*TABLE[:-2], "--columns", "a,b,c", "-o", "nth_y.npy", "--layers", "nth_z.npz"),
    (*RUN, "-o", "nth_y.npy", "--json", "nth.json"),
    (*RUN, "-o", "nth_y.npy", "--threads", "1", "--trace", "nth.trace"),
    ("info", "nth.npz", "--device", "cpu", "--json", "nth.json"),
)
MEMORY_LINES = (
    (*RUN, "--threads", "2", "-o", "nth_y.npy", "--layers", "nth_z.npz", "--json", "nth.json"),
    (*RUN, "--threads", "1", "--dtype", "f32", "-o", "nth_y.csv"),
    (*TABLE, "-o", "nth_y.csv"),
    (*TABLE[:-2], "--columns", "a,b,c", "-o", "nth_y.npy", "--layers", "nth_z.npz"),
    ("bench", "3-2", "--rows", "100", "--repeat", "1", "--report", "none", "--json", "nth.json",
     "--trace", "nth.trace"),
    ("verify", "nth.npz", "random:20", "--isa", "portable"),
    ("info", "nth.npz", "--device", "cpu", "--json", "nth.json"),
    ("devices", "--json", "nth.json"),
)
KINDS = {"short": "a transfer is short", "eintr": "a call is interrupted",
         "eio": "a call fails with EIO", "enospc": "a call fails with ENOSPC",
         "nomem": "an allocation fails"}
OUTPUTS = "nth_y.npy", "nth_y.csv", "nth_z.npz", "nth.json", "nth.trace"

LONG = "FFWD_LONG" in os.environ
SAMPLE = 12  # calls of each kind and line, where not all are tried


class Outcome:
    """What a command left: its status, what it said, its outputs, and what the shim told."""

    def __init__(self, line, kind, nth):
        self.line, self.kind, self.nth = line, kind, nth
        for name in OUTPUTS:
            (command.folder / name).unlink(missing_ok=True)
        log = command.folder / "nth.log"
        log.unlink(missing_ok=True)
        before = set(os.listdir(command.folder))
        env = {**command.environment, "LD_PRELOAD": command.nth_call, "FFWD_TEST_KIND": kind,
               "FFWD_TEST_NTH": str(nth), "FFWD_TEST_FOLDER": str(command.folder),
               "FFWD_TEST_LOG": str(log)}
        done = subprocess.run(["ffwd", *line], cwd=command.folder, env=env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        self.status, self.said, self.stdout = done.returncode, done.stderr, done.stdout
        told = log.read_text().splitlines() if log.exists() else []
        self.calls = max([int(text.split()[1]) for text in told if text.startswith("calls ")],
                         default=0)
        self.wrong = next((text for text in told if not text.startswith("calls ")), None)
        self.outputs = {name: (command.folder / name).read_bytes() for name in OUTPUTS
                        if (command.folder / name).exists()}
        self.strays = set(os.listdir(command.folder)) - before - {*OUTPUTS, "nth.log"}
        for name in self.strays:
            (command.folder / name).unlink()

    def __str__(self):
        return (f"ffwd {' '.join(self.line)}\n{self.kind} at call {self.nth}: {self.wrong}\n"
                f"status {self.status}: {self.said}")


def comparable(name, content):
    """JSON without its times, as the names of what it holds. The size of the process is null where
    there was no memory to ask for it. Of a timeline, what happened, in any order."""
    if name.endswith(".trace"):
        return sorted((event["ph"], event["name"]) for event in json.loads(content)["traceEvents"])
    if not name.endswith(".json"):
        return content

    def names(value):
        if isinstance(value, dict):
            return {key: None if key == "resident_bytes" else names(item)
                    for key, item in value.items()}
        return [names(item) for item in value] if isinstance(value, list) else None

    return names(json.loads(content))


def cannot_matter(wrong):
    """Calls whose failure loses nothing: closing what was only read or has no name and goes, and
    the first of two ways to make a file without a name."""
    name, *about = wrong.split()
    return name == "open-unnamed" or (name == "close" and ("input" in about or
                                                           "(deleted)" in about))


class NthCall(command.Case):
    def setUp(self):
        if command.nth_call is None:
            self.skipTest("cannot be preloaded into this build")
        rng = np.random.default_rng(7)
        np.save(command.folder / "nth_x.npy", rng.uniform(-1, 1, (ROWS, 3)).astype(np.float32))
        with open(command.folder / "nth_x.csv", "w", encoding="ascii") as file:
            file.write("key,a,b,c\n")
            file.writelines(f"key {row},{row},{-row / 7},{'yes' if row % 3 else 'no'}\n"
                            for row in range(ROWS))
        np.savez(command.folder / "nth.npz", W1=rng.uniform(-1, 1, (4, 3)),
                 W2=rng.uniform(-1, 1, (2, 4)), b1=np.ones(4), activations=["tanh", "relu"])
        self.seed = int(os.environ.get("FFWD_FAULT_SEED", 1))
        self.random = random.Random(self.seed)
        self.cases = Counter()

    def chosen(self, calls):
        everything = range(1, calls + 1)
        if LONG or calls <= SAMPLE:
            return everything
        return sorted(self.random.sample(everything, SAMPLE))

    def check_same(self, good, outcome):
        self.assertEqual(outcome.status, good.status, outcome)
        if "none" in good.line:
            self.assertEqual(outcome.said, "", outcome)
        self.assertEqual(set(outcome.outputs), set(good.outputs), outcome)
        if "nth_y.npy" in good.line or good.line == RUN:
            self.assertEqual(outcome.stdout, good.stdout, outcome)

    def check_failed(self, outcome, statuses):
        self.assertIn(outcome.status, statuses, outcome)
        self.assertRegex(outcome.said, r"\Affwd: [^\n]+\n\Z", str(outcome))

    def check_files(self, good, outcome):
        """Each output is complete or absent, and nothing else is left."""
        self.assertEqual(outcome.strays, set(), outcome)
        for name, content in outcome.outputs.items():
            self.assertEqual(comparable(name, content), comparable(name, good.outputs[name]),
                             outcome)

    def try_all(self, lines, kind, check):
        for line in lines:
            good = Outcome(line, kind, 0)
            self.assertEqual(good.status, 0, good)
            self.assertGreater(good.calls, 0, good)
            for nth in self.chosen(good.calls):
                outcome = Outcome(line, kind, nth)
                with self.subTest(line=line, nth=nth, seed=self.seed):
                    self.assertIsNotNone(outcome.wrong, outcome)
                    check(good, outcome)
                    self.check_files(good, outcome)
                self.cases[kind] += 1
        print(f"figure: failing calls: {KINDS[kind]}: {self.cases[kind]} cases"
              f"{'' if LONG else f' of a sample, FFWD_FAULT_SEED={self.seed}'}")

    def survive(self, good, outcome):
        self.check_same(good, outcome)

    def fail_or_not_matter(self, good, outcome):
        if outcome.status == 0:
            self.assertTrue(cannot_matter(outcome.wrong), outcome)
            self.check_same(good, outcome)
        else:
            written = " output " in outcome.wrong
            self.check_failed(outcome, {73, 74} if written else {66, 73, 74})

    def run_out_of_memory(self, good, outcome):
        """The C library goes on without some of its buffers."""
        if outcome.status == 0:
            self.check_same(good, outcome)
        else:
            self.check_failed(outcome, {71})

    def test_short(self):
        self.try_all(LINES, "short", self.survive)

    def test_interrupted(self):
        self.try_all(LINES, "eintr", self.survive)

    def test_broken(self):
        self.try_all(LINES, "eio", self.fail_or_not_matter)

    def test_full(self):
        self.try_all(LINES, "enospc", self.fail_or_not_matter)

    def test_memory(self):
        self.try_all(MEMORY_LINES, "nomem", self.run_out_of_memory)
