# SPDX-License-Identifier: MIT
"""Interruptions, terminals, and files that appear whole or not at all."""

import os
import pty
import select
import signal
import subprocess
import time

import command

LONG_RUN = ["ffwd", "run", "64-256-256-1", "random:40000000", "-o", "long.npy", "--activation",
            "tanh"]


def left_behind():
    """Files under the names of a long run, and those that are not finished."""
    return sorted(path.name for path in command.folder.iterdir()
                  if "long" in path.name or path.name.startswith(".ffwd-"))


class Interruption(command.Case):
    def start_long(self, line):
        """A command at work: the file that it writes has begun beside its name."""
        process = self.start(line, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not left_behind() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return process

    def interrupt(self, number, line):
        process = self.start_long(line)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 128 + number)
        self.assertEqual(said, "ffwd: interrupted\n")
        self.assertEqual(left_behind(), [])

    def test_sigint(self):
        self.interrupt(signal.SIGINT, LONG_RUN)

    def test_sigterm(self):
        self.interrupt(signal.SIGTERM, [*LONG_RUN, "--layers", "long.npz"])

    def test_sighup(self):
        self.interrupt(signal.SIGHUP, LONG_RUN)

    def test_sigkill(self):
        """Nobody can tidy up, but what is left does not have the name of an output."""
        for more in ([], ["--layers", "long.npz"]):
            process = self.start_long([*LONG_RUN, *more])
            process.kill()
            self.assertEqual(process.wait(timeout=60), -signal.SIGKILL)
            process.stderr.close()
            left = left_behind()
            self.assertEqual([name for name in left if not name.startswith(".ffwd-")], [])
            for name in left:
                (command.folder / name).unlink()

    def test_ignored(self):
        """What is started to ignore a signal, as by nohup, goes on ignoring it."""
        line = "trap '' HUP; exec " + " ".join(LONG_RUN)
        process = self.start_long(["/bin/sh", "-c", line])
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        self.assertEqual((process.returncode, said), (143, "ffwd: interrupted\n"))

    def test_bench(self):
        self.interrupt(signal.SIGINT, ["ffwd", "bench", "256-256-256", "--rows", "20000",
                                       "--repeat", "1000000", "--report", "none", "--json",
                                       "long.json"])


class Terminal(command.Case):
    def on_terminal(self, line, env=None, stop_after=0):
        """What a command writes to standard error when that is a terminal, and its status. It is
        interrupted after as many shares of progress."""
        outside, inside = pty.openpty()
        process = self.start(line, env=env or command.environment, stdout=subprocess.DEVNULL,
                             stderr=inside)
        os.close(inside)
        said = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([outside], [], [], 0.1)[0]:
                try:
                    said += os.read(outside, 65536)
                except OSError:
                    break
            if stop_after and said.count(b"%") >= stop_after:
                process.send_signal(signal.SIGINT)
                stop_after = 0  # a second signal would end it at once
        os.close(outside)
        return said.decode(), process.wait(timeout=60)

    def test_progress(self):
        said, status = self.on_terminal(LONG_RUN, stop_after=3)
        self.assertEqual(status, 130)
        self.assertRegex(said, r"run \[=* *\] \d+ %, [\d,]+ rows, \S+ \S*\s*rows/s, \d+ s left")
        self.assertTrue(said.endswith("\r\x1b[Kffwd: interrupted\r\n"))

    def test_short_work(self):
        said, status = self.on_terminal(["ffwd", "run", "2-1", "random:10", "-o", "y.npy",
                                         "--report", "none"])
        self.assertEqual((said, status), ("", 0))

    def test_dumb_terminal(self):
        said, status = self.on_terminal(["ffwd", "bench", "--repeat", "60", "--report", "none"],
                                        env={**command.environment, "TERM": "dumb"})
        self.assertEqual((said, status), ("", 0))


class ClosedPipe(command.Case):
    def test_report(self):
        """A report that nobody reads is no failure, and ends a benchmark that would go on."""
        for line in (["run", "2-1", "random:3", "-o", "y.npy"],
                     ["run", "2-1", "random:3", "-o", "y.npy", "--report", "json"],
                     ["bench", "--rows", "1000", "--repeat", "100000000"]):
            outside, inside = os.pipe()
            os.close(outside)
            process = self.start(["ffwd", *line], stdout=subprocess.PIPE, stderr=inside)
            os.close(inside)
            said, _ = process.communicate(timeout=60)
            self.assertEqual((process.returncode, said), (0, b""), line)


class FullDisk(command.Case):
    """A disk of 256 KiB, which is too small for what is written."""

    LINES = (
        ["run", "2-3-1", "random:100000", "-o", "small/long.npy"],
        ["run", "2-3-1", "random:100000", "-o", "small/long.csv", "--activation", "tanh"],
        ["run", "2-3-1", "random:10000", "-o", "small/long.npy", "--layers", "small/long.npz"],
        ["run", "2-1", "random:10", "-o", "small/y.npy", "--json", "small/long.json"],
    )

    def setUp(self):
        small = command.folder / "small"
        small.mkdir()
        self.addCleanup(small.rmdir)
        mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small]
        if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
            self.skipTest("no file system can be mounted")
        self.addCleanup(subprocess.run, ["umount", small], check=True)
        self.small = small

    def test_no_space(self):
        for line in self.LINES:
            if "--json" in line:
                (self.small / "filler").write_bytes(bytes(256 << 10))
            done = command.ffwd(*line, "--report", "none", status=74)
            self.assertRegex(done.stderr, r"\Affwd: small/\S+: .*No space left on device\n\Z")
            left = [path.name for path in self.small.iterdir() if path.name != "filler"]
            self.assertEqual(left, [])


class Files(command.Case):
    def test_replaced(self):
        """A new file takes the place of the old one; a failed run leaves the old one alone."""
        path = command.folder / "kept.csv"
        command.ffwd("run", "2-1", "random:2", "-o", "kept.csv", "--report", "none")
        before = path.read_text()
        command.ffwd("run", "neuron.npz", "short.npy", "-o", "kept.csv", status=65)
        self.assertEqual(path.read_text(), before)
        command.ffwd("run", "2-1", "random:3", "-o", "kept.csv", "--report", "none")
        self.assertEqual(len(path.read_text().splitlines()), 4)

    def test_same_file(self):
        """Y may have the name of X."""
        source = (command.folder / "neuron_x.npy").read_bytes()
        (command.folder / "both.npy").write_bytes(source)
        command.ffwd("run", "neuron.npz", "both.npy", "-o", "both.npy", "--report", "none")
        command.ffwd("run", "1", "both.npy", "--report", "none")
