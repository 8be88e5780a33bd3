# SPDX-License-Identifier: MIT
"""Every device that the machine has, through the command."""

import command
from command import ffwd, ffwd_json


class EveryDevice(command.Case):
    def test_bench_all(self):
        """All devices deliver the same bytes."""
        ids = self.opencl_ids()
        report = ffwd_json("bench", "7-33-5", "--activation", "tanh", "--rows", "1001", "--device",
                           "all", "--repeat", "2", env=command.with_opencl())
        self.assertEqual([item["device"] for item in report["results"]], ["cpu", *ids])
        self.assertEqual(len({item["output_hash"] for item in report["results"]}), 1)

    def test_comparison(self):
        self.need_opencl()
        text = ffwd("bench", "--rows", "1001", "--device", "all", "--repeat", "1",
                    env=command.with_opencl()).stderr
        self.assertRegex(text, r"\n  device  name +strategy +time +rate +of limit +by +output\n")
        self.assertRegex(text, r" equal\n")

    def test_bench_resident(self):
        """Rows on the device: the bytes of the CPU, transfers beside the time, moves as stages."""
        self.need_opencl()
        for more, kernel in (["--out-dtype", "u8"], "scatter_f32_u8"), (["--strategy", "chain"], None):
            line = "bench", "2-3-2-1", "--rows", "300001", "--repeat", "2", *more
            (expected,) = ffwd_json(*line[:-2] if kernel is None else line, "--device",
                                    "cpu")["results"]
            (result,) = ffwd_json(*line, "--resident", env=command.with_opencl())["results"]
            self.assertEqual(result["output_hash"], expected["output_hash"])
            self.assertEqual(result["bytes"], expected["bytes"])
            self.assertEqual((expected["resident"], result["resident"]), (False, True))
            self.assertEqual(result["backend"], "opencl")
            self.assertIsNone(result["overlap"])
            self.assertNotIn("transfer_ms", result["limits"])
            for name in "upload", "download", "kernel":
                self.assertGreater(result["ms"][name], 0)
            moved = [stage for stage in result["stages"] if not stage["layers"]]
            self.assertEqual([stage["kernel"] for stage in moved], [kernel] if kernel else [])
            self.assertEqual([stage["bytes"] for stage in moved], [300001 * 5] if kernel else [])

    def test_resident_in_words(self):
        self.need_opencl()
        done = ffwd("bench", "--rows", "5000", "--repeat", "1", "--device", "all", "--resident",
                    "--out-dtype", "u8", env=command.with_opencl())
        self.assertRegex(done.stderr, r"\n +rows on the device: upload \S+ \S+ before, kernel ")
        self.assertRegex(done.stderr, r"\n  scatter_f32_u8 +- +1 ")
        self.assertIn("\n  cpu  rows on the device: cpu has no OpenCL buffers\n", done.stderr)

    def test_verify(self):
        ids = self.opencl_ids()
        for model, activation in ("2-3-2-1", "step"), ("5-40-9", "sigmoid"):
            for dtype in "f32", "f64":
                done = ffwd("verify", model, "random:999", "--activation", activation, "--dtype",
                            dtype, env=command.with_opencl())
                self.assertIn(" reference\n", done.stdout)
                self.assertIn(" equal\n", done.stdout)
                self.assertNotIn("DIFFERS", done.stdout)
                for device in ids:
                    self.assertRegex(done.stdout, rf"\n  {device} .* equal\n")

    def test_verify_one_strategy(self):
        done = ffwd("verify", "5-4", "random:9", "--device", "cpu", "--strategy", "layered",
                    "--threads", "1", "--isa", "portable")
        rows = [line for line in done.stdout.splitlines() if line.startswith("  cpu ")]
        self.assertEqual(len(rows), 2)

    def test_chain(self):
        """The textbook strategy shows its kernels by name, layer by layer."""
        self.need_opencl()
        for model, activations in ("2-3-2-1", "step,step,step"), ("5-4-3", "relu,tanh"):
            (result,) = ffwd_json("bench", model, "--activation", activations, "--rows", "1000",
                                  "--strategy", "chain", "--device", "opencl",
                                  env=command.with_opencl())["results"]
            self.assert_chain(result["stages"], activations.split(","))

    def assert_chain(self, stages, activations):
        layers = [[layer] for layer in range(1, len(activations) + 1) for _ in range(2)]
        self.assertEqual([stage["layers"] for stage in stages], layers)
        parts = [part for name in activations for part in ("matmul", name)]
        for stage, part in zip(stages, parts):
            self.assertIn(part, stage["kernel"])
            self.assertGreaterEqual(stage["launches"], 1)
            if stage["ms"] is not None:  # a driver need not tell times
                self.assertGreater(stage["ms"], 0)

    def test_selected_by_id_and_name(self):
        self.need_opencl()
        env = command.with_opencl()
        for item in ffwd_json("devices", env=env)["devices"]:
            if item["refused"] is None and item["backend"] == "opencl":
                for selector in item["device"], item["name"].upper()[:12]:
                    (result,) = ffwd_json("bench", "--rows", "10", "--repeat", "1", "--device",
                                          selector, env=env)["results"]
                    self.assertEqual(result["backend"], "opencl")

    def test_environment(self):
        self.need_opencl()
        env = {**command.with_opencl(), "FFWD_DEVICE": "opencl"}
        report = ffwd_json("bench", "--rows", "10", "--repeat", "1", env=env)
        self.assertEqual(report["results"][0]["backend"], "opencl")
        report = ffwd_json("bench", "--rows", "10", "--repeat", "1", "--device", "cpu", env=env)
        self.assertEqual(report["results"][0]["backend"], "cpu")
