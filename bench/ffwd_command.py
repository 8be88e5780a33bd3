# SPDX-License-Identifier: MIT
"""The ffwd command: a run against the limit that it measures itself, in pairs."""
import json
import subprocess

import numpy as np

from answers import median
from networks import Check

PAIRS = 5  # of the limit and a run, in each turn


def ask(command, *arguments):
    """What a command that writes JSON to its standard output says."""
    done = subprocess.run([command, *map(str, arguments), "--json", "-"], check=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def devices(command):
    """The devices of the benchmark that this machine has, as --device takes them."""
    found = ask(command, "devices")["devices"]
    opencl = any(item["backend"] == "opencl" and item["refused"] is None for item in found)
    return ["cpu", "opencl"] if opencl else ["cpu"]


class Command:
    """`ffwd bench` of a network on one device, after `ffwd run` has shown that the results are
    right."""

    def __init__(self, command, device, network, rows, folder, threads):
        self.device, self.results = device, []
        where = ["--device", device, *(["--threads", str(threads)] if device == "cpu" else [])]
        net = folder / "net.npz"
        arrays = {f"W{i}": w for i, w in enumerate(network.weights, 1)}
        np.savez(net, activations=[network.activation] * len(network.weights), **arrays)
        self.wrong_rows = self.check(command, net, network, folder, where)
        self.bench = [command, "bench", net, "--rows", rows, "--repeat", PAIRS, "--report", "none",
                      *where]

    @staticmethod
    def check(command, net, network, folder, where):
        """How many of the network's first rows `ffwd run` gets wrong."""
        rows = min(network.rows[-1], 1000)
        np.save(folder / "x.npy", network.x[:rows])
        subprocess.run([command, "run", net, folder / "x.npy", "-o", folder / "y.npy", "--report",
                        "none", *where], check=True)
        return Check(network, rows).wrong_rows(np.load(folder / "y.npy"))

    def take_turn(self):
        """Measures some pairs."""
        self.results += ask(*self.bench)["results"]

    def median(self, *path):
        return median(self.results, *path)

    def entry(self):
        """For the report."""
        last = self.results[-1]
        return {"device": self.device, "name": last["name"], "isa": last["isa"],
                "strategy": last["strategy"], "kernels": [s["kernel"] for s in last["stages"]],
                "ms": self.median("ms", "total", "median"),
                "kernel_ms": self.median("ms", "kernel"), "setup_ms": self.median("ms", "setup"),
                "gflops": self.median("gflops"), "gbps": self.median("gbps"),
                "stream_gbps": self.median("limits", "stream_gbps"),
                "fma_gflops": self.median("limits", "fma_gflops"),
                "of_limit": self.median("of_limit"), "limited_by": last["limited_by"],
                "wrong_rows": self.wrong_rows}
