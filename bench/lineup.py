# SPDX-License-Identifier: MIT
"""Who takes part in the benchmark, and why the others do not.

A kind has `key`, `label`, `version()`; called with a network and a number of threads it makes a
peer with `time(rows, repeats)` and `close()`. Whoever cannot raises Unavailable with the reason.
"""
from errors import Unavailable
from native_peers import native_kinds
from python_peers import Numpy, OnnxRuntime, PlainPython, PyTorch


def known_kinds(folder):
    """Everybody, in the order of the tables; ffwd first."""
    ffwd, ffwd_on_opencl, *native = native_kinds(folder)
    return [ffwd, ffwd_on_opencl, Numpy, OnnxRuntime, PyTorch, *native, PlainPython]


class Lineup:
    """Those that are here, `kinds`, and the reports on all."""

    def __init__(self, folder):
        self.kinds, self.contenders, self.missing = [], [], []
        for kind in known_kinds(folder):
            try:
                self.contenders.append(
                    {"key": kind.key, "label": kind.label, "version": kind.version()})
                self.kinds.append(kind)
            except Unavailable as reason:
                self.missing.append({"label": kind.label, "reason": str(reason)})

    def take(self, network, threads):
        """Their peers for a network, {key: peer}, and [{contender, reason}] for the others."""
        peers, unavailable = {}, []
        for kind in self.kinds:
            try:
                peers[kind.key] = kind(network, threads)
            except Unavailable as reason:
                unavailable.append({"contender": kind.key, "reason": str(reason)})
        return peers, unavailable
