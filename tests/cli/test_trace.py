# SPDX-License-Identifier: MIT
"""Timelines against the format that Perfetto and chrome://tracing read."""

import itertools
import json
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import command
from command import ffwd

ROOT = Path(__file__).resolve().parents[2]
NET = "6-20-3"
CATEGORIES = {"host", "run", "chunk", "upload", "kernel", "download", "copy", "thread"}


class Trace(command.Case):
    def assert_format(self, timeline):
        """Every event has what its phase demands, and a name for its process and thread."""
        events = timeline["traceEvents"]
        names = {(event["name"], event["pid"], event["tid"]) for event in events
                 if event["ph"] == "M"}
        for event in events:
            self.assertIn(event["ph"], "XM", event)
            self.assertIsInstance(event["name"], str, event)
            self.assertIsInstance(event["pid"], int, event)
            self.assertIsInstance(event["tid"], int, event)
            self.assertGreaterEqual(event["ts"], 0, event)
            self.assertIsInstance(event["args"], dict, event)
            if event["ph"] == "X":
                self.assertGreaterEqual(event["dur"], 0, event)
                self.assertIn(event["cat"], CATEGORIES, event)
                self.assertIn(("process_name", event["pid"], 0), names, event)
                self.assertIn(("thread_name", event["pid"], event["tid"]), names, event)
            else:
                self.assertIsInstance(event["args"]["name"], str, event)
        self.assertEqual(len(names), sum(event["ph"] == "M" for event in events))

    def assert_nested(self, timeline):
        """Spans of one thread nest or do not overlap: else viewers draw nonsense."""
        def nanoseconds(event):
            start = round(event["ts"] * 1000)
            return start, start + round(event["dur"] * 1000)

        def lane(event):
            return event["pid"], event["tid"]

        spans = sorted((event for event in timeline["traceEvents"] if event["ph"] == "X"),
                       key=lambda event: (lane(event), nanoseconds(event)[0], -event["dur"]))
        for _, group in itertools.groupby(spans, lane):
            around = []
            for event in group:
                start, end = nanoseconds(event)
                while around and around[-1] <= start:
                    around.pop()
                self.assertTrue(not around or end <= around[-1], event)
                around.append(end)

    def traced(self, *arguments, env=None):
        """The timeline of a command, checked; by category the events that have rows."""
        ffwd(*arguments, "--trace", "trace.json", env=env)
        timeline = json.loads((command.folder / "trace.json").read_text())
        self.assert_format(timeline)
        self.assert_nested(timeline)
        spans = {category: [] for category in CATEGORIES}
        for event in timeline["traceEvents"]:
            if event["ph"] == "X":
                spans[event["cat"]].append(event)
        return timeline, spans

    def assert_covers(self, events, rows):
        """The events' rows are all rows, each once."""
        done = 0
        for event in sorted(events, key=lambda event: event["args"]["first row"]):
            self.assertEqual(event["args"]["first row"], done)
            done += event["args"]["rows"]
        self.assertEqual(done, rows)

    def test_run(self):
        """Many pieces: what is read, computed and written, each on a lane of its own."""
        timeline, spans = self.traced("run", NET, "random:20000", "-o", "y.npy", "--memory", "64K",
                                      "--device", "cpu")
        for name in "read", "write", "hash":
            of_name = [event for event in spans["host"] if event["name"] == name]
            self.assertGreater(len(of_name), 3, name)
            self.assert_covers(of_name, 20000)
        for category in "run", "chunk":
            self.assert_covers(spans[category], 20000)
        self.assertTrue(spans["kernel"] and spans["thread"])
        self.assertEqual(spans["kernel"][0]["args"]["layers"], "1-2")
        lanes = {event["args"]["name"] for event in timeline["traceEvents"]
                 if event["name"] == "thread_name"}
        self.assertLessEqual({"main", "read", "write", "chunks", "kernels", "thread 1"}, lanes)

    def test_layered(self):
        _, spans = self.traced("run", NET, "random:100", "-o", "y.npy", "--strategy", "layered",
                               "--device", "cpu")
        self.assertEqual([event["args"]["layers"] for event in spans["kernel"]], ["1", "2"])

    def test_opencl(self):
        """Every strategy, rows in place and copied: transfers are told by their bytes."""
        self.need_opencl()
        for copy, strategy in itertools.product("01", ("chain", "layered", "fused")):
            env = {**command.with_opencl(), "FFWD_OPENCL_COPY": copy}
            timeline, spans = self.traced("run", NET, "random:5000", "-o", "y.npy", "--device",
                                          "opencl", "--strategy", strategy, env=env)
            names = [event["args"]["name"] for event in timeline["traceEvents"]
                     if event["name"] == "process_name"]
            self.assertEqual(names[0], "ffwd run")
            self.assertRegex(names[1], r"^\d:\d .")
            self.assert_covers(spans["chunk"], 5000)
            self.assertTrue(spans["kernel"])
            if copy == "1":
                moved = [sum(event["args"].get("bytes", 0) for event in spans[category])
                         for category in ("upload", "download")]
                self.assertEqual(moved, [5000 * 6 * 4, 5000 * 3 * 4])

    def test_copies_beside_kernels(self):
        """Of a device with memory of its own: two chunks are under way, and while the kernels of
        one queue are at work, the rows of the next chunk come and those of the last go."""
        def interval(event):
            return event["ts"], event["ts"] + event["dur"]

        def beside(a, b):
            (a_start, a_end), (b_start, b_end) = interval(a), interval(b)
            return a["tid"] != b["tid"] and a_start < b_end and b_start < a_end

        self.need_opencl()
        env = {**command.with_opencl(), "FFWD_OPENCL_COPY": "1"}
        timeline, spans = self.traced("run", NET, "random:1500000", "-o", "y.npy", "--device",
                                      "opencl", env=env)
        lanes = {event["tid"]: event["args"]["name"] for event in timeline["traceEvents"]
                 if event["name"] == "thread_name"}
        self.assert_covers(spans["chunk"], 1500000)
        self.assertEqual(len(spans["run"]), 1)
        self.assertGreater(len(spans["chunk"]), 4)
        for category, name in ("chunk", "chunks"), ("upload", "queue"), ("kernel", "queue"):
            self.assertEqual({lanes[event["tid"]] for event in spans[category]},
                             {f"{name} 1", f"{name} 2"})
        chunks = sorted(spans["chunk"], key=lambda event: event["args"]["first row"])
        self.assertTrue(any(map(beside, chunks, chunks[1:])))
        moves = spans["copy"] + spans["upload"] + spans["download"]
        self.assertTrue(any(beside(move, kernel) and
                            move["args"]["first row"] != kernel["args"]["first row"]
                            for move, kernel in itertools.product(moves, spans["kernel"])))

    def test_picture(self):
        """scripts/draw-trace shows each span of the runs in a bar, and names the lanes."""
        _, spans = self.traced("run", NET, "random:20000", "-o", "y.npy", "--memory", "64K",
                               "--device", "cpu")
        subprocess.run([ROOT / "scripts" / "draw-trace", command.folder / "trace.json",
                        command.folder / "trace.svg"], check=True)
        picture = ElementTree.parse(command.folder / "trace.svg").getroot()
        titles = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
        for category in "run", "chunk", "kernel":
            for event in spans[category]:
                name, row = event["name"], event["args"]["first row"]
                self.assertTrue(any(title.startswith(f"{name}, ") and
                                    title.endswith(f"rows from {row:,}") for title in titles), event)
        texts = {text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")}
        self.assertLessEqual({"command: main", "command: read", "chunks", "kernels"}, texts)

    def test_picture_of_nothing(self):
        """A timeline without a run is said to have none."""
        (command.folder / "trace.json").write_text('{"traceEvents": []}')
        done = subprocess.run([ROOT / "scripts" / "draw-trace", command.folder / "trace.json",
                               command.folder / "none.svg"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^\S+trace.json: no run\n$")

    def test_bench(self):
        """A run and a limit each for two pairs that warm up and three that count."""
        for device in self.opencl_ids()[:1] + ["cpu"]:
            _, spans = self.traced("bench", NET, "--rows", "1000", "--repeat", "3", "--device",
                                   device, "--report", "none", env=command.with_opencl())
            self.assertEqual(len(spans["run"]), 5)
            limits = [event for event in spans["host"] if event["name"] == "measure the limit"]
            self.assertEqual(len(limits), 5)

    def test_same_results(self):
        """A timeline changes no byte of Y."""
        ffwd("run", NET, "random:3000", "-o", "plain.npy", "--activation", "tanh")
        self.traced("run", NET, "random:3000", "-o", "traced.npy", "--activation", "tanh")
        self.assertEqual((command.folder / "plain.npy").read_bytes(),
                         (command.folder / "traced.npy").read_bytes())

    def test_absent_after_a_failure(self):
        (command.folder / "trace.json").unlink(missing_ok=True)
        ffwd("run", "disagree.npz", "x3.npy", "-o", "y.npy", "--trace", "trace.json", status=65)
        self.assertFalse((command.folder / "trace.json").exists())

    def test_absent_after_a_signal(self):
        (command.folder / "trace.json").unlink(missing_ok=True)
        process = self.start(["ffwd", "run", NET, "random:100000000000", "-o", "y.npy", "--trace",
                              "trace.json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not any(path.stat().st_size > 1 << 16 for path in command.folder.glob(".ffwd-*")):
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertFalse((command.folder / "trace.json").exists())
