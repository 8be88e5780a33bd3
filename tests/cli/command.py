# SPDX-License-Identifier: MIT
"""Runs the ffwd command in a folder of its own, filled with fixtures."""

import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import fixtures

folder = None  # where commands run
data = None  # the trained models
fault = None  # a library to preload that makes runs go wrong
layer = None  # an OpenCL layer that makes calls go wrong
nth_call = None  # a library to preload that makes one call to the system go wrong
environment = {}


@contextlib.contextmanager
def workplace(ffwd, data_folder, fault_library, layer_library, nth_call_library):
    """The folder, with fixtures, while the tests run. OpenCL only for tests that ask for it."""
    global folder, data, fault, layer, nth_call, environment
    data = Path(data_folder).resolve()
    fault, layer, nth_call = (str(Path(library).resolve()) if library else None
                              for library in (fault_library, layer_library, nth_call_library))
    with tempfile.TemporaryDirectory(prefix="ffwd-cli-") as name:
        root = Path(name)
        (root / "bin").mkdir()
        (root / "bin" / "ffwd").symlink_to(Path(ffwd).resolve())
        folder = root / "work"
        folder.mkdir()
        kept = {key: value for key, value in os.environ.items() if not key.startswith("FFWD_")}
        environment = {**kept, "LC_ALL": "C", "FFWD_OPENCL_LIBRARY": "none", "TERM": "xterm",
                       "FFWD_CACHE": str(root / "cache")}
        environment["PATH"] = f"{root / 'bin'}:{kept['PATH']}"
        fixtures.write(folder)
        yield


def with_opencl(platforms=True):
    """The environment with whatever OpenCL the machine has, or with a loader that finds no platform.

    GCC 12's leak check crashes on the thread-local storage of PoCL's threads where a process ends
    soon; without a driver it needs that storage, for what dlerror keeps there."""
    found = {key: value for key, value in environment.items() if key != "FFWD_OPENCL_LIBRARY"}
    if platforms:
        return {**found, "LSAN_OPTIONS": found.get("LSAN_OPTIONS", "") + ":use_tls=0"}
    return {**found, "OCL_ICD_VENDORS": "/nonexistent"}


def shell(line, env=None):
    """Runs a line of shell; the finished process with its text."""
    return subprocess.run(["/bin/sh", "-c", line], cwd=folder, env=env or environment, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=600)


def ffwd(*arguments, env=None, status=0):
    """Runs ffwd; fails unless it ends with the status, if that is given."""
    done = subprocess.run(["ffwd", *map(str, arguments)], cwd=folder, env=env or environment,
                          text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
    said = f"ffwd {' '.join(map(str, arguments))}: {done.returncode}\n{done.stderr}"
    assert status is None or done.returncode == status, said
    return done


def ffwd_json(*arguments, env=None):
    """The report of a command that is told to write JSON to standard output."""
    return json.loads(ffwd(*arguments, "--json", "-", env=env).stdout)


class Case(unittest.TestCase):
    """A test after which no file may be left that is not finished."""

    def tearDown(self):
        left = sorted(folder.glob(".ffwd-*"))
        for path in left:
            path.unlink()  # the next test is not to blame
        self.assertEqual(left, [])

    def start(self, line, **more):
        """A process in the folder that does not outlive the test."""
        process = subprocess.Popen(line, **{"cwd": folder, "env": environment, **more})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def wait_for_handler(self, process, number):
        """Until a running process takes a signal: before, it would just end."""
        status = Path(f"/proc/{process.pid}/status")
        for _ in range(600):
            self.assertIsNone(process.poll())
            caught = re.search(r"^SigCgt:\s*(\w+)$", status.read_text(), re.MULTILINE)
            if int(caught[1], 16) >> (number - 1) & 1:
                return
            time.sleep(0.1)
        self.fail(f"signal {number} is not taken")

    def opencl_ids(self):
        """The OpenCL devices. There must be one where FFWD_TESTS_NEED_OPENCL is set, so that they
        cannot vanish from a green run."""
        devices = ffwd_json("devices", env=with_opencl())["devices"]
        ids = [item["device"] for item in devices
               if item["backend"] == "opencl" and item["refused"] is None]
        self.assertTrue(ids or "FFWD_TESTS_NEED_OPENCL" not in os.environ, "no OpenCL device")
        return ids

    def equal_everywhere(self, told):
        """Every OpenCL device stands in what verify has told, and agrees."""
        for device in self.opencl_ids():
            self.assertRegex(told, rf"(?m)^  {device} .* equal$")

    def need_opencl(self):
        """Skips the test where there is no OpenCL device."""
        if not self.opencl_ids():
            self.skipTest("no OpenCL device")
