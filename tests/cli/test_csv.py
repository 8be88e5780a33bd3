# SPDX-License-Identifier: MIT
"""CSV as X: the same results as of .npy, whichever way the text comes, and how waiting for it ends."""

import csv
import io
import os
import select
import signal
import subprocess
import threading
import time

import numpy as np

import command
from command import ffwd

SMALL = "--memory", "1"  # pieces of 64 KiB
ROWS = 40_003  # more than 1 MiB of text: nobody counts them


def write_table(name, x, head="a,b,c\n"):
    """Digits that read back exactly."""
    with open(command.folder / name, "w", encoding="ascii") as file:
        file.write(head)
        file.writelines(",".join(map(repr, row)) + "\n" for row in x.tolist())
    return name


def feed(process, text):
    """Writes to a command's standard input until that is closed on either side."""
    def write():
        try:
            process.stdin.write(text)
            process.stdin.flush()
        except BrokenPipeError:
            pass

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


class SameResults(command.Case):
    def outputs(self, x, *options, piped=False):
        """The bytes of Y and of the layers."""
        line = ["ffwd", "run", "3-20-2", "-" if piped else x, "--activation", "tanh", "-o",
                "same.npy", "--layers", "same.npz", "--report", "none", *options]
        with open(command.folder / x, "rb") as file:
            process = self.start(line, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
            if piped:
                process.stdin.write(file.read())
            _, said = process.communicate(timeout=120)
        self.assertEqual((process.returncode, said), (0, b""))
        return [(command.folder / name).read_bytes() for name in ("same.npy", "same.npz")]

    def test_every_way(self):
        """Counted and not, from a file and a pipe, in one piece and in many, by one thread and
        two."""
        rng = np.random.default_rng(21)
        for rows in 1, 7, 2730, 5461, ROWS:
            x = rng.normal(0, 1, (rows, 3)) * 10.0 ** rng.integers(-9, 9, (rows, 3))
            np.save(command.folder / "table.npy", x)
            write_table("table.csv", x)
            for dtype in "f32", "f64":
                wanted = self.outputs("table.npy", "--dtype", dtype)
                for more in (), SMALL, ("--threads", "1"):
                    for piped in False, True:
                        found = self.outputs("table.csv", "--dtype", dtype, *more, piped=piped)
                        self.assertEqual(found, wanted, (rows, dtype, more, piped))

    def test_exact_pieces(self):
        """The file ends where a piece does: 65536 bytes are 3276 rows of X and Y."""
        for rows in 3276, 3277, 6552, 60_000 // 3276 * 3276:
            x = np.arange(rows * 3.0).reshape(rows, 3)
            write_table("exact.csv", x)
            ffwd("run", "3-2", "exact.csv", "-o", "exact.npy", "--activation", "identity", *SMALL,
                 "--report", "none")
            self.assertEqual(np.load(command.folder / "exact.npy").shape, (rows, 2))

    def test_verify(self):
        """X is read again for each candidate, and expected outputs may be CSV themselves."""
        x = np.random.default_rng(22).normal(0, 1, (ROWS, 3)).astype(np.float32)
        write_table("again.csv", x.astype(np.float64))
        ffwd("run", "3-2", "again.csv", "-o", "again_y.csv", "--activation", "sigmoid", "--report",
             "none")
        for more in (), SMALL:
            done = ffwd("verify", "3-2", "again.csv", "--activation", "sigmoid", "--expect",
                        "again_y.csv", "--device", "cpu", "--strategy", "fused", *more)
            self.assertIn(f"          0 of {2 * ROWS:,} values differ\n", done.stdout)
            self.assertIn(f", {ROWS:,} rows\n", done.stdout)

    def test_report(self):
        """Rows that nobody had counted are in the report."""
        x = np.zeros((ROWS, 3))
        for report in (command.ffwd_json("run", "3-2", write_table("counted.csv", x), "-o", "y.npy",
                                         "--report", "none"),
                       command.ffwd_json("run", "3-2", write_table("counted.csv", x[:5]), "-o",
                                         "y.npy", "--report", "none")):
            self.assertIn(report["rows"], (ROWS, 5))
        self.assertEqual(report["results"][0]["pieces_bytes"], 5 * 20)


class Columns(command.Case):
    def table(self, rows):
        """Text of all lengths, which needs quotes or not, beside numbers."""
        rng = np.random.default_rng(23)
        texts = ["", " ", "plain", "a,b", 'a "b"', "two\nlines", "é" * 40, ";"]
        lines = [[texts[i] * int(rng.integers(0, 9)), f"{rng.integers(0, 100)}",
                  ["no", "yes"][rng.integers(0, 2)], rng.choice(["", "NA", "1.5", "-2"]), str(row)]
                 for row, i in enumerate(rng.integers(0, len(texts), rows))]
        with open(command.folder / "texts.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\r\n").writerows(
                [["text", "n", "yes?", "holes", "row"], *lines])
        return lines

    def test_all_together(self):
        """Kept texts stay beside their rows, in one piece and in many."""
        lines = self.table(9001)
        for more in (), SMALL:
            text = ffwd("run", "3", "texts.csv", "--columns", "holes,n,3", "--map", "yes?=no:0,yes:1",
                        "--missing", "holes=0.25", "--keep", "row,text", "--report", "none",
                        *more).stdout
            head, *found = csv.reader(io.StringIO(text, newline=""))
            self.assertEqual(head, ["row", "text", "y1", "y2", "y3"])
            self.assertEqual(len(found), len(lines))
            for (row, kept, holes, n, yes), line in zip(found, lines):
                wanted = 0.25 if line[3] in ("", "NA") else float(line[3])
                self.assertEqual((row, kept.strip(), float(holes), n, yes),
                                 (line[4], line[0].strip(), wanted, line[1],
                                  str(int(line[2] == "yes"))))

    def test_wide(self):
        """As many columns as pixels, by a range."""
        x = np.random.default_rng(24).integers(0, 256, (50, 785)).astype(np.float64)
        write_table("wide.csv", x, head="label," + ",".join(f"p{i}" for i in range(784)) + "\n")
        np.save(command.folder / "wide.npy", x[:, 1:])
        wanted = ffwd("run", "784-3", "wide.npy", "--report", "none", "--activation", "tanh").stdout
        for choice in ("--columns", "2-785"), ("--keep", "label"):
            found = ffwd("run", "784-3", "wide.csv", "--report", "none", "--activation", "tanh",
                         *choice).stdout
            if choice[0] == "--keep":
                found = "".join(line.split(",", 1)[1] for line in found.splitlines(True))
            self.assertEqual(found, wanted)

    def test_broken_in_the_middle(self):
        """The line of a cell that cannot be read is told, and nothing is left."""
        x = np.ones((ROWS, 3))
        write_table("broken.csv", x)
        lines = (command.folder / "broken.csv").read_text().splitlines(True)
        lines[30_000] = "1,2,x\n"
        (command.folder / "broken.csv").write_text("".join(lines))
        for more in (), SMALL:
            done = ffwd("run", "3-2", "broken.csv", "-o", "unbroken.npy", *more, status=65)
            self.assertEqual(done.stderr,
                             "ffwd: broken.csv: line 30001, column c: 'x' is no number; --map gives texts numbers\n")
            self.assertFalse((command.folder / "unbroken.npy").exists())


class Pipes(command.Case):
    def start_run(self, *arguments):
        return self.start(["ffwd", "run", "3-2", "-", "--report", "none", *arguments],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, process):
        process.stdin.close()
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()
        return said

    def test_interrupted(self):
        """While nothing has come, a part of a line, a part of a piece, some pieces."""
        for text in b"", b"1,2", b"1,2,3\n", b"1,2,3\n" * 20_000:
            for more in ("-o", "piped.npy"), SMALL:
                for number in signal.SIGINT, signal.SIGTERM:
                    process = self.start_run(*more)
                    feed(process, text).join(timeout=60)
                    time.sleep(0.2)
                    self.wait_for_handler(process, number)
                    process.send_signal(number)
                    self.assertEqual(process.wait(timeout=10), 128 + number)
                    self.assertEqual(self.finish(process), b"ffwd: interrupted\n")
                    self.assertFalse((command.folder / "piped.npy").exists())

    def test_reader_that_leaves(self):
        """Nobody takes the output any more: the end, however much input is still to come."""
        process = self.start_run(*SMALL)
        process.stdout.close()
        feed(process, b"1,2,3\n" * 1_000_000)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(self.finish(process), b"")

    def test_slow(self):
        """A pipe that gives a few bytes at a time."""
        process = self.start_run()
        for part in b"a,b", b",c\n1,", b"2,3", b"\n4,5,6\n7", b",8,9":
            process.stdin.write(part)
            process.stdin.flush()
            time.sleep(0.07)
        out, said = process.communicate(timeout=60)
        self.assertEqual((process.returncode, said), (0, b""))
        self.assertEqual(out.count(b"\n"), 4)

    def test_row_by_row(self):
        """A row that is there is answered before the next one comes."""
        process = self.start(["ffwd", "run", "3", "-", "--delimiter", ",", "--report", "none"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        given, wanted = [b"a,b,c\n1,2,3\n", b"4,5,6\n", b"7,8,9\n"], b"y1,y2,y3\n1,2,3\n"
        for part in given:
            process.stdin.write(part)
            process.stdin.flush()
            for line in wanted.splitlines(keepends=True):
                self.assertTrue(select.select([process.stdout], [], [], 60)[0], "nothing came")
                self.assertEqual(os.read(process.stdout.fileno(), len(line)), line)
            wanted = given[(given.index(part) + 1) % len(given)]
        out, _ = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (0, b""))

    def test_named(self):
        """A pipe by its name, which nobody writes to at first."""
        os.mkfifo(command.folder / "named.csv")
        self.addCleanup((command.folder / "named.csv").unlink)
        process = self.start(["ffwd", "run", "3", "named.csv", "--report", "none"],
                             stdout=subprocess.PIPE)
        time.sleep(0.2)
        (command.folder / "named.csv").write_text("1,2,3\n")
        out, _ = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (0, b"y1,y2,y3\n1,2,3\n"))

    def test_npy_stream(self):
        """Y as .npy into a pipe begins with the number of rows."""
        (command.folder / "stream.npy").symlink_to("/dev/null")
        self.addCleanup((command.folder / "stream.npy").unlink)
        done = command.shell("yes 1,2,3 | head -n 9 | ffwd run 3 - -o stream.npy")
        self.assertEqual(done.returncode, 64)
        self.assertRegex(done.stderr, "^ffwd: stream.npy: a .npy stream starts with the number of its "
                                      "rows, which is not known\n$")


class AnySize(command.Case):
    def test_bounded_memory(self):
        """A table of 60 MB, with text that is kept, in 8 MiB and the program's own."""
        rows = 1_500_000
        with open(command.folder / "long.csv", "w", encoding="ascii") as file:
            file.write("key,a,b,c\n")
            for first in range(0, rows, 100_000):
                file.writelines(f"key-of-row-{row},{row},0.5,-1e-3\n"
                                for row in range(first, first + 100_000))
        self.addCleanup((command.folder / "long.csv").unlink)
        report = command.ffwd_json("run", "3", "long.csv", "--keep", "key", "-o", "long_y.csv",
                                   "--device", "cpu", "--memory", "8M", "--report", "none")
        self.addCleanup((command.folder / "long_y.csv").unlink)
        self.assertLessEqual(report["results"][0]["resident_bytes"]["peak"], (8 + 32) << 20)
        with open(command.folder / "long_y.csv", encoding="ascii") as file:
            self.assertEqual(file.readline(), "key,y1,y2,y3\n")
            for row, line in enumerate(file):
                if row % 99_991 == 0:
                    self.assertEqual(line, f"key-of-row-{row},{row},0.5,-0.001\n")
        self.assertEqual(row + 1, rows)
