# SPDX-License-Identifier: MIT
"""What README.md and man/ffwd.1 show of `ffwd run` is what happens: their programs are run and their
commands typed, in order, in an empty folder. Of a report the times and the machine may differ."""

import importlib.util
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import command

ROOT = Path(__file__).resolve().parents[2]
TORCH = ROOT / "tests" / "exported" / "readme"  # what the programs that want PyTorch write
SECTIONS = "Ten lines", "From PyTorch, over a table", "Where it began"


def readme_blocks():
    """Kind and text of what stands between fences in the sections about files."""
    text = (ROOT / "README.md").read_text()
    for title in SECTIONS:
        section = re.search(rf"^## {title}\n(.*?)^## ", text, re.MULTILINE | re.DOTALL).group(1)
        yield from re.findall(r"^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def manual_blocks():
    text = (ROOT / "man" / "ffwd.1").read_text()
    for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", text, re.MULTILINE | re.DOTALL):
        yield "", block.replace("\\e", "\\").replace("\\-", "-").replace("\\&", "")


def typed(block):
    """The commands of a transcript, each with what it prints."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.replace("\\\n", ""), re.MULTILINE)


def known_of(report):
    """What holds on every machine: the model, the hash of the output, and what is told."""
    lines = report.splitlines()
    told = [found.group(1) for found in (re.match(r"  ([a-z]+)  ", line) for line in lines) if found]
    return [lines[0], [line for line in lines if line.startswith("  output")], told]


class Document:
    """A folder in which the blocks of one document are done."""

    def __init__(self, case, name):
        self.case, self.folder = case, command.folder / name
        self.folder.mkdir()

    def program(self, text):
        """Python, or what it would have written."""
        if "import torch" in text:
            for path in TORCH.iterdir():
                shutil.copy(path, self.folder)
        else:
            subprocess.run([sys.executable, "-c", text], cwd=self.folder, check=True)

    def prints(self, line):
        """What a command prints, with our own interpreter, which has NumPy."""
        line = re.sub("^python3 ", f"{sys.executable} ", line)
        return command.shell(f"cd {self.folder} && {{ {line}; }} 2>&1").stdout

    def type(self, line, expected):
        words = line.split()
        if words[0] == "cat" and not (self.folder / words[1]).exists():
            (self.folder / words[1]).write_text(expected)
        elif words[0] == "python3" and words[1].endswith(".py"):
            self.program((self.folder / words[1]).read_text())
        elif "import pandas" in line and importlib.util.find_spec("pandas") is None:
            self.case.skipTest("no pandas")
        elif "  time  " in expected:
            self.case.assertEqual(known_of(self.prints(line)), known_of(expected))
        else:
            self.case.assertEqual(self.prints(line), expected)

    def do(self, blocks):
        """How many commands were typed."""
        count = 0
        for kind, block in blocks:
            if kind == "python":
                self.program(block)
            for line, expected in typed(block):
                with self.case.subTest(line):
                    count += 1
                    self.type(line, expected)
        return count


class Documents(command.Case):
    def test_readme(self):
        self.assertGreater(Document(self, "readme").do(readme_blocks()), 10)

    def test_manual(self):
        self.assertGreater(Document(self, "manual").do(manual_blocks()), 5)


if __name__ == "__main__":
    unittest.main()
