# SPDX-License-Identifier: MIT
"""Transcripts: a command line, and what it must print.

    # a comment
    $ ffwd run net.npz x.npy     a line of shell
    > y1                         a line of standard output
    ! ffwd: ...                  a line of standard error
    ? 64                         the exit status; 0 where it is not said

In expected lines <n> stands for a number, <word> for anything without blanks, <any> for anything;
a line that is only <lines> stands for any lines, none included.
"""

import re

import command

PLACEHOLDERS = {"<n>": r"[0-9][0-9.,]*", "<word>": r"\S+", "<any>": r".*"}


def pattern_of(lines):
    """One regular expression for all lines of a stream."""
    pattern = ""
    for line in lines:
        if line == "<lines>":
            pattern += r"(?:.*\n)*?"
            continue
        parts = re.split(r"(<n>|<word>|<any>)", line)
        pattern += "".join(PLACEHOLDERS.get(part, re.escape(part)) for part in parts) + r"\n"
    return re.compile(pattern)


class Transcript(command.Case):
    """One command of a file."""

    def __init__(self, place, line):
        super().__init__("run_line")
        self.place, self.line = place, line
        self.status, self.out, self.err = 0, [], []

    def id(self):
        return f"{self.place} {self.line}"

    __str__ = id

    def check(self, name, lines, text):
        if not pattern_of(lines).fullmatch(text):
            wanted = "\n".join(lines)
            self.fail(f"{name} should be\n{wanted}\nbut is\n{text}")

    def run_line(self):
        done = command.shell(self.line)
        self.check("standard error", self.err, done.stderr)
        self.check("standard output", self.out, done.stdout)
        self.assertEqual(done.returncode, self.status)


def read(path):
    """The commands of a file."""
    found = []
    for number, text in enumerate(path.read_text().splitlines(), 1):
        mark, rest = text[:2].strip(), text[2:]
        if mark == "$":
            found.append(Transcript(f"{path.name}:{number}", rest))
        elif mark == ">":
            found[-1].out.append(rest)
        elif mark == "!":
            found[-1].err.append(rest)
        elif mark == "?":
            found[-1].status = int(rest)
        elif mark and not text.startswith("#"):
            raise ValueError(f"{path}:{number}: {text}")
    return found


def load(folder, pattern):
    """All commands of all files whose place or line contains the pattern."""
    paths = sorted(folder.glob("*.txt"))
    return [case for path in paths for case in read(path) if pattern in case.id()]
