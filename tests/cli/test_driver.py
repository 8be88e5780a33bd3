# SPDX-License-Identifier: MIT
"""Drivers that fail and small devices, as a user of the command meets them."""

import itertools
import os
import random
import re
import shutil
from pathlib import Path

import command
from command import ffwd

NET = "6-20-3"
CODE, LATE, FLIP = 1, 2, 4  # as fault_layer.h numbers them
LONG = "FFWD_LONG" in os.environ


class Driver(command.Case):
    def setUp(self):
        if command.layer is None:
            self.skipTest("built without OpenCL")
        self.need_opencl()

    def with_layer(self, kind=0, at=0, for_ever=0, code=0):
        """The environment with a fault; rows are copied, so that results are read back, and every
        run makes the same calls."""
        return {**command.with_opencl(), "OPENCL_LAYERS": command.layer, "FFWD_OPENCL_COPY": "1",
                "FFWD_CACHE": "off",
                "FFWD_TEST_LAYER": f"{kind}:{at}:{for_ever}:{code}",
                "FFWD_TEST_LAYER_TALLY": str(command.folder / "tally")}

    def calls(self):
        """How many OpenCL calls the last command made."""
        return int((command.folder / "tally").read_text().split()[0])

    def test_flipped_bit(self):
        """A driver that brings back one wrong bit is found out, with the row."""
        line = "verify", NET, "random:300", "--activation", "relu", "--device", "opencl"
        ffwd(*line, env=self.with_layer())
        calls = self.calls()
        for back in range(4, 40, 4):
            done = ffwd(*line, env=self.with_layer(FLIP, calls - back), status=None)
            if done.returncode == 1:
                break
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"DIFFERS: Y\[150\]\[0\] is 0x[0-9a-f]{8} \(\S+\), not ")
        self.assertIn("1 of ", done.stderr)

    def run_once(self, env, *more):
        """One scoring; its exit status, and Y or None."""
        out = command.folder / "driver.npy"
        out.unlink(missing_ok=True)
        done = ffwd("run", NET, "random:300", "-o", "driver.npy", "--activation", "relu", "--report",
                    "none", "--device", "opencl", *more, env=env, status=None)
        return done, out.read_bytes() if out.exists() else None

    def test_failing_calls(self):
        """Right results from whatever device, or one line and no file."""
        done, expected = self.run_once(self.with_layer())
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        calls = self.calls()
        codes = -4, -14, -36, -9999, 7
        cases = list(itertools.product((CODE, LATE), range(1, calls + 1), (0, 1), codes, (0, 1)))
        for kind, at, for_ever, code, alone in cases if LONG else random.Random(1).sample(cases, 40):
            more = ["--no-fallback"] if alone else []
            done, y = self.run_once(self.with_layer(kind, at, for_ever, code), *more)
            what = f"call {at} of kind {kind}, {for_ever}, {code}, {more}: {done.stderr}"
            if done.returncode == 0:
                self.assertEqual(y, expected, what)
                self.assertEqual(done.stderr, "", what)
            else:
                self.assertIn(done.returncode, (69, 71), what)
                self.assertIsNone(y, what)
                self.assertRegex(done.stderr, r"^ffwd: [^\n]+\n$", what)


class Cache(command.Case):
    def setUp(self):
        self.need_opencl()
        self.env = {**command.with_opencl(), "FFWD_CACHE": str(command.folder / "kept" / "programs")}
        self.addCleanup(shutil.rmtree, command.folder / "kept", True)

    def run_once(self, **more):
        """What the report says of the cache, and the hash of Y."""
        report = command.ffwd_json("run", NET, "random:300", "-o", "driver.npy", "--device",
                                   "opencl", env={**self.env, **more})
        (result,) = report["results"]
        cache = result["cache"]
        return (cache["hits"], cache["misses"], cache["spoilt"]), cache, result["output_hash"]

    def test_second_start(self):
        counts, cache, expected = self.run_once()
        self.assertEqual(cache["folder"], self.env["FFWD_CACHE"])
        self.assertIsNone(cache["note"])
        self.assertEqual((counts[0], counts[2]), (0, 0))
        misses = counts[1]
        self.assertGreater(misses, 1)
        for _ in range(2):
            counts, _, found = self.run_once()
            self.assertEqual(counts, (misses, 0, 0))
            self.assertEqual(found, expected)

    def test_damaged(self):
        """Cut anywhere, a file is made anew, and nobody is told but by the counts."""
        (_, misses, _), _, expected = self.run_once()
        files = sorted(Path(self.env["FFWD_CACHE"]).iterdir())
        self.assertEqual(len(files), misses)
        for path in files:
            whole = path.read_bytes()
            for length in random.Random(1).sample(range(len(whole)), 200 if LONG else 10):
                path.write_bytes(whole[:length])
                counts, _, found = self.run_once()
                self.assertEqual(counts, (misses - 1, 1, 1))
                self.assertEqual(found, expected)
        self.assertEqual(self.run_once()[0], (misses, 0, 0))

    def test_places(self):
        """Without FFWD_CACHE it lies where the user's caches do; off is nowhere."""
        home = command.folder / "kept"
        del self.env["FFWD_CACHE"]
        for env, folder in (({"XDG_CACHE_HOME": str(home / "x")}, home / "x" / "ffwd"),
                            ({"XDG_CACHE_HOME": "", "HOME": str(home)}, home / ".cache" / "ffwd")):
            env["POCL_CACHE_DIR"] = str(command.folder.parent / "pocl")
            _, cache, _ = self.run_once(**env)
            self.assertEqual(cache["folder"], str(folder))
            self.assertEqual(folder.stat().st_mode & 0o7777, 0o700)
        counts, cache, _ = self.run_once(FFWD_CACHE="off")
        self.assertEqual((counts, cache["folder"]), ((0, 0, 0), None))

    def test_said_in_words(self):
        def line(**more):
            done = ffwd("run", NET, "random:300", "-o", "driver.npy", "--device", "opencl",
                        env={**self.env, **more})
            return re.search(r"(?m)^  cache     (.*)$", done.stderr).group(1)
        folder = self.env["FFWD_CACHE"]
        self.assertRegex(line(), rf"^0 hits, [0-9]+ misses; {folder}$")
        program = next(Path(folder).iterdir())  # a warm start keeps what opening takes, too
        self.assertRegex(line(), rf"^[0-9]+ hits, 0 misses; {folder}$")
        program.write_bytes(b"")
        self.assertRegex(line(), rf"^[0-9]+ hits?, 1 miss, 1 of them spoilt; {folder}$")
        self.assertEqual(line(FFWD_CACHE="off"), "off")
        self.assertRegex(line(FFWD_CACHE="/proc/kept"), "/proc/kept cannot be opened: ")


class SmallDevices(command.Case):
    def test_same_bits(self):
        """Work-groups, memory, devices and threads of all sizes: verify compares the bits."""
        self.need_opencl()
        sizes = itertools.product(("1", "8", "64", "4096"), ("", "1"), ("pthread", "pthread basic"),
                                  ("1", "2"))
        for i, (group, memory, devices, threads) in enumerate(sizes):
            if i % 5 and not LONG:
                continue
            env = {**command.with_opencl(), "POCL_MAX_WORK_GROUP_SIZE": group,
                   "POCL_DEVICES": devices, "POCL_MAX_PTHREAD_COUNT": threads}
            if memory:
                env["POCL_MEMORY_LIMIT"] = memory
            for dtype in "f32", "f64":
                done = ffwd("verify", NET, "random:700", "--activation", "tanh,relu", "--dtype",
                            dtype, env=env)
                for p in range(len(devices.split())):
                    self.assertRegex(done.stdout, f"(?m)^ *0:{p} ")
                self.assertNotIn("DIFFERS", done.stdout)
                self.assertNotIn("FAILED", done.stdout)
