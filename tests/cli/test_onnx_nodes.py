# SPDX-License-Identifier: MIT
"""Every test of one operator that Debian's libonnx-testdata has: it passes, or is refused with a
reason. docs/onnx_nodes.md lists both; with FFWD_WRITE_TABLE=1 it is written anew."""

import os
import re
import textwrap
import unittest
from pathlib import Path

import numpy as np

import command
import onnx_file
import onnx_testdata
from command import ffwd

FOLDERS = "node", "pytorch-converted", "pytorch-operator", "simple"
TABLE = Path(__file__).resolve().parents[2] / "docs" / "onnx_nodes.md"
WIDTH = 120

# Their results are numbers that they were given, or compare these: no rounding.
EXACT = {"Abs", "ArgMax", "Cast", "CastLike", "Clip", "Constant", "Dropout", "Flatten", "Greater",
         "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Max", "Min", "Neg", "Not", "Relu",
         "Reshape", "Sign", "Squeeze", "ThresholdedRelu", "Transpose", "Unsqueeze", "Where"}
# One or two roundings of the result.
ROUNDED = {"Add", "Sub", "Mul", "Div", "Sum", "LeakyRelu", "PRelu"}
# Roundings of ours in the worst of activations, 4 ulp, and of a formula in NumPy.
ACTIVATION_ROUNDINGS = 8 + 8


# The relative error of a rounding to an element type; bfloat16 was cut off.
UNITS = {onnx_file.BFLOAT16: 2.0**-7, 10: 2.0**-11, 1: 2.0**-24, 11: 2.0**-53}


def gamma(count, unit):
    """The relative error of `count` roundings in a row."""
    return count * unit / (1 - count * unit)


def node_bound(case, node, y, unit):
    """What two computations of a node may differ by: twice the error of each."""
    floats = [value for value in node.attributes.values() if isinstance(value, float)]
    if node.op in EXACT:
        return 0
    if node.op in ROUNDED:
        return 2 * gamma(2, unit) * np.abs(y)
    constants = [np.abs(case.constants[name].astype(np.float64)) for name in node.inputs
                 if name in case.constants and case.constants[name].dtype.kind == "f"]
    x = np.abs(case.x.astype(np.float64))
    if node.op in ("Gemm", "MatMul"):
        weights = constants[0].T if node.attributes.get("transB") else constants[0]
        size = abs(node.attributes.get("alpha", 1)) * (x @ weights)
        if len(constants) > 1:
            size = size + abs(node.attributes.get("beta", 1)) * constants[1]
        return 2 * gamma(len(weights) + 4, unit) * size.reshape(y.shape)
    if node.op == "BatchNormalization":
        scale, shift, mean, variance = (each.reshape(-1, *[1] * (x.ndim - 2)) for each in constants)
        scale = scale / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
        return 2 * gamma(8, unit) * ((x + mean) * scale + shift).reshape(y.shape)
    if node.op in ("Softmax", "LogSoftmax"):
        span = 2 * x.max() if node.op == "LogSoftmax" and x.max() < 1000 else 1
        return 2 * gamma(y.shape[1] + ACTIVATION_ROUNDINGS, unit) * (np.abs(y) + span)
    # A formula adds numbers of the size of its parameters, at least 1, where the sum is small.
    return gamma(ACTIVATION_ROUNDINGS, unit) * (np.abs(y) + np.prod([max(1, abs(f))
                                                                      for f in floats]))


def bound(case, y):
    """The data of a test was computed in, or rounded to, the coarser type of X and Y."""
    unit = max(UNITS.get(element, 2.0**-24) for element in case.elements)
    wide = np.abs(y.astype(np.float64))
    return (sum(node_bound(case, node, wide, unit) for node in case.nodes) +
            (gamma(1, unit) * wide if unit > 2.0**-24 else 0))


def refusal(text, path):
    """The reason, and the operator that it is about."""
    reason = text.removeprefix(f"ffwd: {path}: ").rstrip("\n")
    found = re.fullmatch(r"node '.*?' \((\w+)\): (.*)", reason, re.DOTALL)
    return found.groups() if found else ("model", reason)


def paragraph(text, indent=""):
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False,
                         break_long_words=False)


def table(passed, refused):
    """The document: what passes, then what is refused, by operator and reason."""
    count = sum(len(names) for names in refused.values())
    lines = ["# Node tests of ONNX", ""]
    lines += paragraph(f"Debian's `libonnx-testdata` has {len(passed) + count} tests of one or few "
                       f"operators. Here their further inputs are made initializers: {len(passed)} "
                       f"pass, {count} are refused. `tests/cli/test_onnx_nodes.py` keeps this "
                       "list; with `FFWD_WRITE_TABLE=1` it writes it anew.")
    lines += ["", f"## {len(passed)} pass", "", *paragraph(", ".join(passed)), "",
              f"## {count} are refused", ""]
    for (op, reason), names in sorted(refused.items()):
        lines += paragraph(f"- **{op}**: {reason}: {', '.join(names)}", "  ")
    return "\n".join(lines) + "\n"


@unittest.skipUnless(onnx_testdata.ROOT.exists(), f"no {onnx_testdata.ROOT}")
class Nodes(command.Case):
    def outcome(self, case):
        """None where it passes, else why it is refused."""
        (command.folder / "node.onnx").write_bytes(case.model)
        x = case.x if case.x is not None and case.x.ndim > 0 else np.zeros(1, np.float32)
        np.save(command.folder / "x.npy", x)
        done = ffwd("run", "node.onnx", "x.npy", "-o", "y.npy", "--report", "none", status=None)
        if done.returncode == 65:
            return refusal(done.stderr, "node.onnx")
        self.assertEqual(done.returncode, 0, done.stderr)
        y = np.load(command.folder / "y.npy")
        truth = case.y.reshape(y.shape)
        with np.errstate(invalid="ignore"):  # of infinities
            wrong = ~(np.abs(y.astype(np.float64) - truth) <= bound(case, truth))
        wrong &= ~(np.isnan(y) & np.isnan(truth.astype(np.float64))) & (y != truth)
        self.assertFalse(wrong.any(), f"{y[wrong]} instead of {truth[wrong]}")
        return None

    def test_nodes(self):
        passed, refused = [], {}
        for case in onnx_testdata.cases(*FOLDERS):
            with self.subTest(case.name):
                reason = self.outcome(case)
                if reason is None:
                    passed.append(case.name)
                else:
                    refused.setdefault(reason, []).append(case.name)
        made = table(passed, refused)
        if os.environ.get("FFWD_WRITE_TABLE") == "1":
            TABLE.write_text(made)
        self.assertEqual(TABLE.read_text(), made)


if __name__ == "__main__":
    unittest.main()
