#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a GPU day does without a GPU: finding drivers, choosing cases, and, over a build whose programs
answer what was recorded, every step from the tests to the summary.

    test_gpu_day.py SOURCE_FOLDER
"""
import contextlib
import io
import json
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv[1])
BENCH = SOURCE / "bench"
sys.path.insert(0, str(BENCH))

import gpu_day  # noqa: E402
import gpu_machine  # noqa: E402
import gpu_summary  # noqa: E402
from errors import Unavailable  # noqa: E402

SCRIPT = BENCH / "gpu-day"
GPU = {"device": "1:0", "backend": "opencl", "type": "GPU", "name": "Some GPU", "driver": "1.2",
       "platform": "Platform", "refused": None}
CPU_TYPE = {**GPU, "device": "0:0", "type": "CPU", "name": "pthread"}
REFUSED = {**GPU, "device": "2:0", "name": "Broken", "refused": "wrong bits"}
# The command, of a card that reaches its goals on the device and misses those of transfers.
COMMAND = """#!/usr/bin/env python3
import json, sys
words = sys.argv[1:]
if words[0] == "bench" and "--help" in words:
    print("--resident")
elif words[0] == "devices":
    print(json.dumps({"devices": %r}))
elif words[0] == "verify":
    sys.exit(1 if "f64" in words else 0)
elif words[0] == "info":
    print("the plan")
elif words[0] == "bench" and "--trace" in words:
    open(words[words.index("--trace") + 1], "w").write("[]")
else:
    resident = "--resident" in words
    if resident and "f64" in words:
        sys.exit("ffwd: out of memory")
    print(json.dumps({"skipped": [], "results": [{
        "strategy": "fused", "rows_per_s": 1e9, "gbps": 12, "gflops": 28, "limits": {},
        "of_limit": 0.9 if resident else 0.5, "limited_by": "stream" if resident else "transfer",
        "stages": [{"kernel": "registers_f32", "layers": [1, 2, 3], "ms": 0.25}],
        "output_hash": "0", "ms": {"total": {"median": 1 if resident else 4}, "setup": 9,
                                   "upload": 2, "kernel": 0.25, "download": 1}}]}))
"""
TEST = """#!/bin/sh
echo "100%: Checks: 28, Failures: 0, Errors: 0"
"""
FAILING_TEST = """#!/bin/sh
echo "96%: Checks: 28, Failures: 1, Errors: 0"
echo "test.c:1:F:case:name:0: it is wrong"
exit 1
"""


def write_program(path, text):
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


class Drivers(unittest.TestCase):
    def test_driver(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            given = folder / "libsome.so"
            with self.assertRaisesRegex(Unavailable, "no such file"):
                gpu_machine.driver_of(given, {}, folder, [folder])
            given.touch()
            told = {"OCL_ICD_VENDORS": str(given), "OCL_ICD_FILENAMES": str(given)}
            self.assertEqual(gpu_machine.driver_of(given, {}, folder, [folder]), told)
            self.assertEqual(gpu_machine.driver_of(None, {"OCL_ICD_VENDORS": "x"}, folder, []), {})
            with self.assertRaisesRegex(Unavailable, "no OpenCL driver: .*--icd names one"):
                gpu_machine.driver_of(None, {}, folder, [folder])
            driver = folder / "libnvidia-opencl.so.1"
            driver.touch()
            found = gpu_machine.driver_of(None, {}, folder, [folder])
            self.assertEqual(found["OCL_ICD_VENDORS"], str(driver))
            (folder / "pocl.icd").touch()
            self.assertEqual(gpu_machine.driver_of(None, {}, folder, [folder]), {})

    def test_loader(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            carried = folder / "lib" / gpu_machine.LOADER
            with self.assertRaisesRegex(Unavailable, "no OpenCL loader"):
                gpu_machine.loader_of(None, {}, folder, [folder])
            carried.parent.mkdir()
            carried.touch()
            self.assertEqual(gpu_machine.loader_of(None, {}, folder, [folder]),
                             {"FFWD_OPENCL_LIBRARY": str(carried)})
            self.assertEqual(gpu_machine.loader_of(None, {}, folder, [carried.parent]), {})

    def test_device(self):
        devices = [{**GPU, "backend": "cpu", "device": "cpu"}, CPU_TYPE, REFUSED, GPU]
        for selector, device in (("gpu", "1:0"), ("opencl", "0:0"), ("some", "1:0"),
                                 ("0:0", "0:0")):
            self.assertEqual(gpu_day.find_device(devices, selector)["device"], device, selector)
        with self.assertRaisesRegex(Unavailable, "no such OpenCL device; there is 0:0 pthread, "
                                                 r"2:0 Broken \(refused: wrong bits\)"):
            gpu_day.find_device([CPU_TYPE, REFUSED], "gpu")


class Cases(unittest.TestCase):
    def test_list(self):
        text = gpu_day.LIST.read_text(encoding="utf-8")
        cases = gpu_day.read_cases(text)
        self.assertEqual(len(cases), 22)
        self.assertEqual((str(cases[0]), cases[0].rows), ("2-3-2-1 step f32", 5_000_000))
        few = gpu_day.read_cases(text, ["tanh f64", "4096"], 0.1)
        self.assertEqual([case.rows for case in few], [100_000, 200, 200])

    def test_result_of_a_test(self):
        text = "figure: x\n96%: Checks: 28, Failures: 1, Errors: 0\nt.c:9:F:a:b:0: wrong\n"
        result = gpu_day.test_result("bits", 1, text, "", 2.5)
        self.assertEqual((result["status"], result["checks"]),
                         ("failed with 1", "Checks: 28, Failures: 1, Errors: 0"))
        self.assertEqual(result["failures"], ["t.c:9:F:a:b:0: wrong"])
        late = gpu_day.test_result("bits", None, "", "longer than 5 s", 5)
        self.assertEqual((late["status"], late["checks"]), ("longer than 5 s", "no summary"))

    def test_goals(self):
        run = {"mode": "resident", "limited_by": "stream"}
        self.assertEqual(gpu_summary.goal_of("2-3-2-1", run), 0.85)
        self.assertEqual(gpu_summary.goal_of("16-64-64-1", run), 0.6)
        self.assertIsNone(gpu_summary.goal_of("2-3-2-1", {"mode": "host", "limited_by": "fma"}))
        self.assertAlmostEqual(
            gpu_summary.goal_of("2-3-2-1", {"mode": "host", "limited_by": "transfer"}), 0.8696, 4)


class Arguments(unittest.TestCase):
    def refused(self, *arguments):
        parse = runpy.run_path(str(SCRIPT), run_name="gpu_day_script")["parse_arguments"]
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit):
            parse(arguments)
        return said.getvalue()

    def test_refused(self):
        self.assertIn("--times and --rounds are positive", self.refused("--times", "-1"))
        self.assertIn("--times and --rounds are positive", self.refused("--rounds", "0"))
        self.assertIn("invalid choice: 'none'", self.refused("--tests", "none"))

    def test_nothing_to_run(self):
        for arguments, text in ((["--build", "/none"], "--build /none: there is no bin/ffwd"),):
            done = subprocess.run([sys.executable, SCRIPT, *arguments], text=True, check=False,
                                  stderr=subprocess.PIPE)
            self.assertEqual((done.returncode, done.stderr), (69, f"gpu-day: {text}\n"))


class WholeDay(unittest.TestCase):
    """Every step, over programs that answer at once."""

    def test_day(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for part in ("bin", "bench", "lib"):
                (folder / part).mkdir()
            (folder / "lib" / gpu_machine.LOADER).touch()
            write_program(folder / "bin" / "ffwd", COMMAND % [CPU_TYPE, GPU])
            write_program(folder / "bin" / "test_trace", TEST)
            write_program(folder / "bin" / "test_bits", FAILING_TEST)
            done = subprocess.run(
                [sys.executable, SCRIPT, "--build", folder, "--icd", folder / "bin" / "ffwd",
                 "--out", folder / "day", "--only", "2-3-2-1", "--times", "0.0001", "--rounds", "2",
                 "--tests", "trace", "bits", "engine"],
                text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={key: value for key, value in os.environ.items() if "OPENCL" not in key})
            self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
            report = json.loads((folder / "day.json").read_text(encoding="utf-8"))
            text = (folder / "day.md").read_text(encoding="utf-8")
            self.assertTrue((folder / "day-2-3-2-1-step-f32-host.trace.json").exists())
            self.assertFalse(list(folder.glob("*.new")))
        self.assertEqual(text, gpu_summary.document(report))
        self.check(report, text)

    def check(self, report, text):
        self.assertEqual(report["schema"], "ffwd.gpu-day/1")
        self.assertEqual([test["name"] for test in report["tests"]], ["trace", "engine", "bits"])
        self.assertEqual([test["status"] for test in report["tests"]][::2],
                         ["passed", "failed with 1"])
        self.assertEqual([(one["case"][:16], one["mode"], one["trace"] is not None)
                          for one in report["profiles"]],
                         [("2-3-2-1 step f32", "host", True), ("2-3-2-1 step f64", "host", True)])
        for line in ("# Some GPU",
                     "| 2-3-2-1 step f32, 500 rows | 1 ms | fused | 0.90 stream | 0.85, reached |",
                     "| 2-3-2-1 step f32, 500 rows | 4 ms | fused | 0.50 transfer | 0.87, missed |",
                     "| 2-3-2-1 step f32, 500 rows | 4 ms | 2 ms | 250 µs | 1 ms |",
                     "- bits: failed with 1",
                     "- ffwd verify 2-3-2-1 step f64: differs",
                     "- 2-3-2-1 step f64, 500 rows, on the device: ffwd: out of memory",
                     "1 of 3 test programs passed, the bits of 1 of 2 networks",
                     "### 2-3-2-1 step f32, 500 rows, host to host: 0.50 of 0.87",
                     "| registers_f32 | 1, 2, 3 | 250 µs | 6% |"):
            self.assertTrue(any(one.startswith(line) for one in text.splitlines()),
                            f"{line}\n{text}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
