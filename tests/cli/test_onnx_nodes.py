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
import onnx_error
import onnx_file
import onnx_testdata
from command import ffwd

FOLDERS = "node", "pytorch-converted", "pytorch-operator", "simple"
TABLE = Path(__file__).resolve().parents[2] / "docs" / "onnx_nodes.md"
WIDTH = 120

# The relative error of a rounding to an element type; bfloat16 was cut off.
UNITS = {onnx_file.BFLOAT16: 2.0**-7, 10: 2.0**-11, 1: 2.0**-24, 11: 2.0**-53}


def bound(case, y):
    """Twice the error of a computation in the coarser type of X and Y, rounded to that of Y."""
    graph = case.graph
    name, element = next(iter(graph.outputs.items()))
    given = graph.inputs[graph.x]
    unit = max(UNITS.get(each, 2.0**-24) for each in (element, given))
    evaluation = onnx_error.Evaluation(graph, case.x, unit)
    value = evaluation.value(name)
    rounded = unit * np.abs(value.v) if unit > 2.0**-24 or element != given else 0
    return (2 * evaluation.error(value) + rounded).reshape(y.shape), value.v.reshape(y.shape)


def refusal(text, path):
    """The reason, and the operator that it is about."""
    reason = text.removeprefix(f"ffwd: {path}: ").rstrip("\n").split(", known are")[0]
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
        with np.errstate(invalid="ignore", over="ignore"):  # of infinities
            allowed, computed = bound(case, truth)
            for each in truth, computed:
                wrong = ~(np.abs(y.astype(np.float64) - each) <= allowed)
                wrong &= ~(np.isnan(y) & np.isnan(each.astype(np.float64))) & (y != each)
                self.assertFalse(wrong.any(), f"{y[wrong]} instead of {each[wrong]}")
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
        self.assertTrue(TABLE.read_text() == made, f"{TABLE.name} says otherwise; "
                        "FFWD_WRITE_TABLE=1 writes it anew")


if __name__ == "__main__":
    unittest.main()
