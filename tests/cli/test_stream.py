# SPDX-License-Identifier: MIT
"""Files of any size, piece by piece: the same bytes, bounded memory, and every way to break off."""

import os
import struct
import subprocess
import time
import zipfile

import numpy as np

import command
from command import ffwd

LONG = "FFWD_LONG" in os.environ
SMALL = "--memory", "1"  # pieces of 64 KiB
MIB = 1 << 20


def map_entry(path, name):
    """An array of an archive, which stores it as it is."""
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        start = archive.getinfo(name).header_offset
        file.seek(start + 26)
        file.seek(start + 30 + sum(struct.unpack("<HH", file.read(4))))
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        return np.memmap(path, dtype, "r", file.tell(), shape)


def sparse_npy(path, descr, rows, planted):
    """[rows][2] of zeros that take no room on the disk, but for some rows; what numpy.save would
    write of it."""
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({rows}, 2), }}"
    head = head.ljust(117) + "\n"
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode()
    size = np.dtype(descr).itemsize
    with open(path, "wb") as file:
        file.write(start)
        for row, values in planted.items():
            file.seek(len(start) + 2 * row * size)
            file.write(np.array(values, descr).tobytes())
        file.truncate(len(start) + 2 * rows * size)


class Pieces(command.Case):
    def run_twice(self, rows, out, *more):
        """In one piece and in many: the bytes of Y and of the layers."""
        found = []
        for bound in (), SMALL:
            ffwd("run", "4-20-3", f"random:{rows}", "--activation", "tanh", "-o", out, *bound, *more,
                 "--report", "none")
            found.append([(command.folder / name).read_bytes() for name in (out, *more[1:])])
        return found

    def test_same_bytes(self):
        """64 KiB are 2340 rows of X and Y."""
        for rows in 0, 1, 2339, 2340, 2341, 4680, 30011:
            for out in "pieces.npy", "pieces.csv":
                whole, cut = self.run_twice(rows, out)
                self.assertEqual(whole, cut, (rows, out))
        whole, cut = self.run_twice(20000, "pieces.npy", "--layers", "pieces.npz")
        self.assertEqual(whole, cut)

    def test_report(self):
        one = command.ffwd_json("run", "4-20-3", "random:30011", "-o", "pieces.npy")
        many = command.ffwd_json("run", "4-20-3", "random:30011", "-o", "pieces.npy", *SMALL)
        for report in one, many:
            (result,) = report["results"]
            self.assertEqual(report["rows"], 30011)
            self.assertGreater(result["ms"]["files"], 0)
            self.assertGreater(result["resident_bytes"]["peak"], result["resident_bytes"]["device"])
            self.assertGreaterEqual(result["resident_bytes"]["peak"], result["pieces_bytes"])
        self.assertEqual(one["results"][0]["output_hash"], many["results"][0]["output_hash"])
        self.assertGreater(many["results"][0]["chunks"], 10)
        self.assertEqual(one["results"][0]["pieces_bytes"], 30011 * 28)
        self.assertEqual(many["results"][0]["pieces_bytes"], 3 * 2340 * 28)


class BreakingOff(command.Case):
    def start_slow(self, *arguments, **more):
        """A command that takes minutes, once it has begun to write."""
        sparse_npy(command.folder / "slow.npy", "<f4", 40_000_000, {})
        process = self.start(["ffwd", "run", "2-256-256-1", "slow.npy", "--activation", "tanh",
                              *arguments], stderr=subprocess.PIPE, **more)
        deadline = time.monotonic() + 60
        while not list(command.folder.glob(".ffwd-*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        return process

    def test_input_that_shrinks(self):
        """The reading station gives up in the middle; nothing is left."""
        process = self.start_slow("-o", "shrunk.npy", "--memory", "1M")
        time.sleep(0.2)
        os.truncate(command.folder / "slow.npy", 4096)
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 65)
        self.assertRegex(said.decode(), r"^ffwd: slow\.npy: ends at byte \d+, data to byte \d+ "
                                        r"expected\n$")
        self.assertFalse((command.folder / "shrunk.npy").exists())

    def test_full_disk(self):
        """The writing station gives up, at once or after some pieces."""
        for out in "/dev/full", "full.npy":
            if out == "full.npy":
                (command.folder / out).symlink_to("/dev/full")
            done = ffwd("run", "4-20-3", "random:1000000", "-o", out, *SMALL, status=74)
            self.assertEqual(done.stderr, f"ffwd: {out}: cannot write: No space left on device\n")

    def test_reader_that_leaves(self):
        """A pipe that nobody reads any more ends the run quietly, and soon."""
        process = self.start(["ffwd", "run", "2-256-256-1", "random:100000000", "--report", "none",
                              *SMALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"y1\n")
        process.stdout.close()
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()

    def test_pipe_that_is_stuck(self):
        """A signal ends a run whose output nobody takes, also when only the writing is left."""
        for rows in 10_000_000, 140_000:
            process = self.start(["ffwd", "run", "2-1", f"random:{rows}", "--report", "none",
                                  *SMALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(os.read(process.stdout.fileno(), 3), b"y1\n")
            time.sleep(0.3)  # the pipe is full
            process.terminate()
            self.assertEqual(process.wait(timeout=10), 143)
            self.assertEqual(process.stderr.read(), b"ffwd: interrupted\n")
            process.stdout.close()
            process.stderr.close()


class AnySize(command.Case):
    def score(self, descr, rows, memory, *more, env=None):
        """A sparse file of rows that step neurons tell apart; the most MiB that were resident in the
        run, and those that came with the device. The kernel's count of a child, ru_maxrss, will not
        do: it starts with the pages of the parent, which has mapped Y."""
        net, x, y = (command.folder / name for name in ("huge.npz", "huge.npy", "huge_y.npy"))
        last = rows - 1
        planted = {0: (1, 0), 1: (0, 1), 12345: (1, 1), rows // 2: (1, 1), last: (1, 0)}
        np.savez(net, W1=np.array([[1, -1], [2, 1], [-1, 1]], "f4"),
                 W2=np.array([[1, 0, -1], [0, 1, 0]], "f4"), W3=np.array([[1, 1]], "f4"),
                 b3=np.array([-1], "f4"), activations=["step"] * 3)
        sparse_npy(x, descr, rows, planted)
        try:
            report = command.ffwd_json("run", net.name, x.name, "-o", y.name, "--memory", memory,
                                       "--report", "none", *more, env=env)
            scored = np.load(y, mmap_mode="r")
            self.assertEqual(scored.shape, (rows, 1))
            for row in {*planted, 2, 12344, rows // 2 - 1, last - 1, *range(0, rows, rows // 997)}:
                a, b = planted.get(row, (0, 0))
                hidden = (a > b, 2 * a + b > 0, b > a)
                expected = (hidden[0] and not hidden[2]) + hidden[1] > 1
                self.assertEqual(scored[row, 0], expected, row)
        finally:
            x.unlink(missing_ok=True)
            y.unlink(missing_ok=True)
        resident = report["results"][0]["resident_bytes"]
        return resident["peak"] / MIB, resident["device"] / MIB

    def test_more_elements_than_32_bits(self):
        """More than 2^31 elements in 8 MiB and the program's own."""
        peak, _ = self.score("|b1", (1 << 30) + 77, "8M", "--device", "cpu", "--out-dtype", "u8")
        self.assertLessEqual(peak, 8 + 32)

    def test_layers_larger_than_4_gib(self):
        """Two entries beyond what an archive's 32-bit fields hold."""
        if not LONG:
            self.skipTest("18 GB out: FFWD_LONG is not set")
        rows = (1 << 30) + 77
        net, x, y, layers = (command.folder / name for name in
                             ("tall.npz", "tall.npy", "tall_y.npy", "tall_layers.npz"))
        np.savez(net, W1=np.array([[2, -3]], "f4"), activations=["identity"])
        sparse_npy(x, "|b1", rows, {0: (1, 0), rows // 2: (0, 1), rows - 1: (1, 1)})
        try:
            ffwd("run", net.name, x.name, "-o", y.name, "--layers", layers.name, "--memory", "64M",
                 "--out-dtype", "f32", "--report", "none")
            for name in "z1.npy", "y1.npy":
                found = map_entry(layers, name)
                self.assertEqual((found.shape, found.dtype), ((rows, 1), np.float32))
                self.assertEqual([found[row, 0] for row in (0, 1, rows // 2, rows - 2, rows - 1)],
                                 [2, 0, -3, 0, -1])
        finally:
            for path in x, y, layers:
                path.unlink(missing_ok=True)

    def test_larger_than_memory(self):
        if not LONG:
            self.skipTest("30 GB in, 15 GB out: FFWD_LONG is not set")
        rows = 3_750_000_000
        peak, _ = self.score("<f4", rows, "256M", "--device", "cpu")
        print(f"figure: any size: 30 GB through --memory 256M on cpu: {peak:.0f} MiB at most")
        self.assertLessEqual(peak, 256 + 32)
        self.need_opencl()
        peak, device = self.score("<f4", rows, "256M", "--device", "opencl",
                                  env=command.with_opencl())
        print(f"figure: any size: the same on PoCL: {peak:.0f} MiB at most, of which {device:.0f} "
              "MiB came with the device")
        self.assertLessEqual(peak - device, 256 + 32)
