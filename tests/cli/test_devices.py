# SPDX-License-Identifier: MIT
"""Every device that the machine has, through the command."""

import unittest

import command
from command import ffwd, ffwd_json


def opencl_ids():
    report = ffwd_json("devices", env=command.with_opencl())
    return [item["device"] for item in report["devices"]
            if item["backend"] == "opencl" and item["refused"] is None]


class EveryDevice(unittest.TestCase):
    def test_bench_all(self):
        """All devices deliver the same bytes."""
        report = ffwd_json("bench", "7-33-5", "--activation", "tanh", "--rows", "1001", "--device",
                           "all", "--repeat", "2", env=command.with_opencl())
        self.assertEqual([item["device"] for item in report["results"]], ["cpu", *opencl_ids()])
        self.assertEqual(len({item["output_hash"] for item in report["results"]}), 1)

    def test_comparison(self):
        if not opencl_ids():
            self.skipTest("no OpenCL device")
        text = ffwd("bench", "--rows", "1001", "--device", "all", "--repeat", "1",
                    env=command.with_opencl()).stdout
        self.assertRegex(text, r"\n  device  name +strategy +time +rate +of limit +by +output\n")
        self.assertRegex(text, r" equal\n")

    def test_verify(self):
        for model, activation in ("2-3-2-1", "step"), ("5-40-9", "sigmoid"):
            for dtype in "f32", "f64":
                done = ffwd("verify", model, "random:999", "--activation", activation, "--dtype",
                            dtype, env=command.with_opencl())
                self.assertIn(" reference\n", done.stdout)
                self.assertIn(" equal\n", done.stdout)
                self.assertNotIn("DIFFERS", done.stdout)

    def test_verify_one_strategy(self):
        done = ffwd("verify", "5-4", "random:9", "--device", "cpu", "--strategy", "layered",
                    "--threads", "1", "--isa", "portable")
        rows = [line for line in done.stdout.splitlines() if line.startswith("  cpu ")]
        self.assertEqual(len(rows), 2)

    def test_chain(self):
        """The textbook strategy shows its kernels by name, layer by layer."""
        if not opencl_ids():
            self.skipTest("no OpenCL device")
        env = command.with_opencl()
        (result,) = ffwd_json("bench", "5-4-3", "--activation", "relu,tanh", "--rows", "100",
                              "--strategy", "chain", env=env)["results"]
        kernels = [stage["kernel"] for stage in result["stages"]]
        self.assertEqual([stage["layers"] for stage in result["stages"]], [[1], [1], [2], [2]])
        for kernel, part in zip(kernels, ("matmul", "relu", "matmul", "tanh")):
            self.assertIn(part, kernel)

    def test_selected_by_id_and_name(self):
        env = command.with_opencl()
        for item in ffwd_json("devices", env=env)["devices"]:
            if item["refused"] is None and item["backend"] == "opencl":
                for selector in item["device"], item["name"].upper()[:12]:
                    (result,) = ffwd_json("bench", "--rows", "10", "--repeat", "1", "--device",
                                          selector, env=env)["results"]
                    self.assertEqual(result["backend"], "opencl")

    def test_environment(self):
        if not opencl_ids():
            self.skipTest("no OpenCL device")
        env = {**command.with_opencl(), "FFWD_DEVICE": "opencl"}
        report = ffwd_json("bench", "--rows", "10", "--repeat", "1", env=env)
        self.assertEqual(report["results"][0]["backend"], "opencl")
        report = ffwd_json("bench", "--rows", "10", "--repeat", "1", "--device", "cpu", env=env)
        self.assertEqual(report["results"][0]["backend"], "cpu")
