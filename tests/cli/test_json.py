# SPDX-License-Identifier: MIT
"""The JSON that programs rely on."""

import json
import math

import command
import fixtures
from command import ffwd, ffwd_json

NUMBER = (int, float)
TEXT = str
OPTIONAL_TEXT = (str, type(None))

TOP = {"schema": TEXT, "version": TEXT, "arithmetic": int, "model": dict, "rows": int, "seed": int,
       "machine": dict, "results": list, "skipped": list}
MODEL = {"widths": list, "activations": list, "dtype": TEXT, "parameters": int}
RESULT = {"device": TEXT, "backend": TEXT, "name": OPTIONAL_TEXT, "isa": OPTIONAL_TEXT,
          "threads": int, "strategy": TEXT, "why": OPTIONAL_TEXT, "repeats": int, "ms": dict,
          "stages": list, "bytes": int, "flops": int, "rows_per_s": NUMBER, "gbps": NUMBER,
          "gflops": NUMBER, "output_hash": TEXT, "overlap": (int, float, type(None))}
MS = {"total": dict, "setup": NUMBER, "upload": NUMBER, "kernel": NUMBER, "download": NUMBER,
      "hidden": NUMBER}
TOTAL = {"median": NUMBER, "p10": NUMBER, "p90": NUMBER, "min": NUMBER}
STAGE = {"kernel": TEXT, "layers": list, "ms": NUMBER}
LIMITED = {"limits": dict, "limited_by": TEXT, "of_limit": (int, float, type(None))}


class Schema(command.Case):
    def assert_fields(self, found, fields):
        for name, kind in fields.items():
            self.assertIn(name, found)
            self.assertIsInstance(found[name], kind, name)

    def assert_report(self, report, schema):
        self.assert_fields(report, TOP)
        self.assertEqual(report["schema"], schema)
        self.assert_fields(report["model"], MODEL)
        self.assert_fields(report["machine"], {"cpu": OPTIONAL_TEXT, "os": OPTIONAL_TEXT})
        for result in report["results"]:
            self.assert_fields(result, RESULT)
            self.assertRegex(result["output_hash"], "^[0-9a-f]{16}$")
            self.assert_fields(result["ms"], MS)
            self.assert_fields(result["ms"]["total"], TOTAL)
            for stage in result["stages"]:
                self.assert_fields(stage, STAGE)
        for item in report["skipped"]:
            self.assert_fields(item, {"device": TEXT, "reason": TEXT})

    def test_bench(self):
        report = ffwd_json("bench", "--rows", "400000", "--device", "cpu", "--repeat", "3")
        self.assert_report(report, "ffwd.bench/1")
        self.assertEqual(report["model"]["widths"], [2, 3, 2, 1])
        self.assertEqual(report["model"]["activations"], ["step"] * 3)
        self.assertEqual(report["model"]["parameters"], 14)
        self.assertEqual((report["rows"], report["seed"]), (400000, 1))
        (result,) = report["results"]
        self.assert_fields(result, LIMITED)
        self.assert_fields(result["limits"], {"stream_gbps": NUMBER, "fma_gflops": NUMBER})
        self.assertEqual(result["repeats"], 3)
        self.assertEqual(result["bytes"], 400000 * 12)
        self.assertEqual(result["flops"], 400000 * (12 if result["strategy"] == "table" else 28))
        median = result["ms"]["total"]["median"]
        self.assertTrue(math.isclose(result["rows_per_s"], 400000 / median * 1e3, rel_tol=1e-4))
        self.assertTrue(math.isclose(result["gbps"], result["bytes"] / median * 1e-6,
                                     rel_tol=1e-4))
        total = result["ms"]["total"]
        self.assertTrue(total["min"] <= total["p10"] <= total["median"] <= total["p90"])
        covered = sorted(layer for stage in result["stages"] for layer in stage["layers"])
        self.assertEqual(covered, [1, 2, 3])

    def test_few_rows(self):
        (result,) = ffwd_json("bench", "--rows", "1", "--repeat", "100")["results"]
        self.assertEqual(result["limited_by"], "latency")
        self.assertIsNone(result["of_limit"])
        self.assertGreater(result["ms"]["total"]["median"], 0)

    def test_forced_isa(self):
        (result,) = ffwd_json("bench", "--rows", "1000", "--isa", "portable")["results"]
        self.assertEqual(result["isa"], "portable")
        self.assertGreater(result["limits"]["isa_fma_gflops"], 0)

    def test_bench_u8(self):
        (result,) = ffwd_json("bench", "--rows", "1000", "--out-dtype", "u8")["results"]
        self.assertEqual(result["bytes"], 1000 * 9)

    def test_short_numbers(self):
        text = ffwd("bench", "--rows", "1000", "--json", "-").stdout
        numbers = []
        json.loads(text, parse_float=lambda digits: numbers.append(digits) or float(digits))
        for digits in numbers:
            mantissa = digits.split("e")[0].replace(".", "").lstrip("0")
            self.assertLessEqual(len(mantissa.rstrip("0")), 6, digits)

    def test_run(self):
        done = ffwd("run", "2-3-2-1", "random:1000", "-o", "y.npy", "--json", "-")
        report = json.loads(done.stdout)
        self.assert_report(report, "ffwd.run/1")
        (result,) = report["results"]
        self.assertNotIn("limits", result)
        self.assert_fields(result["ms"], {"read": NUMBER, "write": NUMBER})
        self.assertEqual(result["bytes"], 12000)

    def test_run_and_bench_agree(self):
        run = ffwd_json("run", "5-4-3", "random:777", "-o", "y.npy", "--activation", "tanh",
                        "--memory", "10K")
        bench = ffwd_json("bench", "5-4-3", "--rows", "777", "--activation", "tanh")
        self.assertEqual(run["results"][0]["output_hash"], bench["results"][0]["output_hash"])

    def test_run_without_rows(self):
        report = ffwd_json("run", "w3.npz", "x_empty.npy", "-o", "y.npy")
        self.assertIn(report["results"][0]["rows_per_s"], (0, None))

    def test_foreign_bytes(self):
        """Names that are not UTF-8 are told as far as they can be."""
        name = "caf\udce9-é.npz"
        fixtures.model(command.folder / name, [[0.2, -0.3, -0.1]])
        report = ffwd_json("run", name, "x3.npy", "-o", "y.npy", "--report", "none")
        self.assertEqual(report["model"]["source"], "caf?-é.npz")

    def test_file_and_text(self):
        done = ffwd("bench", "--rows", "1000", "--repeat", "1", "--json", "r.json")
        self.assertIn("XXH3-64 of Y", done.stderr)
        self.assert_report(json.loads((command.folder / "r.json").read_text()), "ffwd.bench/1")
        self.assertEqual(list(command.folder.glob("r.json.*")), [])

    def test_text_beside_json(self):
        done = ffwd("bench", "--rows", "10", "--repeat", "1", "--json", "-")
        self.assert_report(json.loads(done.stdout), "ffwd.bench/1")
        self.assertIn("XXH3-64 of Y", done.stderr)

    def test_report_json(self):
        done = ffwd("bench", "--rows", "10", "--repeat", "1", "--report", "json")
        self.assert_report(json.loads(done.stderr), "ffwd.bench/1")
        self.assertEqual(done.stdout, "")
        done = ffwd("run", "2-1", "random:3", "--report", "json")
        self.assert_report(json.loads(done.stderr), "ffwd.run/1")
        self.assertEqual(done.stdout.splitlines()[0], "y1")

    def test_opencl_is_skipped_with_a_reason(self):
        environments = ({**command.environment, "FFWD_OPENCL_LIBRARY": "none"},
                        command.with_opencl(platforms=False))
        for env in environments:
            report = ffwd_json("bench", "--rows", "1000", "--repeat", "1", env=env)
            self.assertEqual([result["device"] for result in report["results"]], ["cpu"])
            self.assertEqual([item["device"] for item in report["skipped"]], ["opencl"])
            self.assertTrue(report["skipped"][0]["reason"])

    def test_overlap(self):
        """What is hidden is a share of what is moved; where rows stay in place nothing is."""
        self.need_opencl()
        line = "bench", "8-16-4", "--rows", "300000", "--repeat", "2", "--device", "opencl"
        for copy in "01":
            env = {**command.with_opencl(), "FFWD_OPENCL_COPY": copy}
            done = ffwd(*line, "--json", "-", env=env)
            (result,) = json.loads(done.stdout)["results"]
            self.assertEqual("hidden behind kernels" in done.stderr, copy == "1")
            if copy == "0":
                self.assertEqual((result["ms"]["hidden"], result["overlap"]), (0, None))
            else:
                self.assertGreater(result["chunks"], 1)
                self.assertTrue(0 <= result["overlap"] <= 1, result["overlap"])

    def test_devices(self):
        report = ffwd_json("devices")
        self.assertEqual(report["schema"], "ffwd.devices/1")
        self.assertEqual(report["devices"][0]["device"], "cpu")
        self.assertIn({"isa": "portable", "available": True}, report["isas"])
        self.assertTrue(report["note"])

    def test_long_shape(self):
        """A shape that does not fit ends between two widths."""
        text = ffwd("info", "-".join(["10"] * 100), "--device", "cpu").stdout
        self.assertRegex(text, r"^(10-)+10\.\.\., f32, ")

    def test_info(self):
        report = ffwd_json("info", "layer7.npz")
        self.assertEqual(report["schema"], "ffwd.info/1")
        self.assertEqual(report["operations"], [{"kind": "dense", "neurons": 7, "inputs": 3,
                                                 "bias": True, "activation": "sigmoid",
                                                 "parameters": 28, "flops": 42}])
        self.assertEqual(report["row_flops"], 42)
        self.assertEqual(report["plans"][0]["device"], "cpu")
        self.assertEqual(report["auto"]["device"], "cpu")
