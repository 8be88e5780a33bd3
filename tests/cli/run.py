#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the ffwd command: the transcripts in golden/, and the checks in test_*.py."""

import argparse
import signal
import sys
import unittest
from pathlib import Path

import command
import transcript

HERE = Path(__file__).resolve().parent


def heed_signals():
    """A shell ignores signals for what it starts in the background, and commands would go on doing
    so."""
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def main():
    heed_signals()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ffwd", required=True, help="the command to test")
    parser.add_argument("--data", required=True, help="folder with the trained models")
    parser.add_argument("--fault", help="library to preload that makes runs go wrong")
    parser.add_argument("--layer", help="OpenCL layer that makes calls go wrong")
    parser.add_argument("--nth-call", help="library to preload that makes one call go wrong")
    parser.add_argument("-k", dest="pattern", help="only tests whose names contain this")
    arguments = parser.parse_args()

    sys.dont_write_bytecode = True
    with command.workplace(arguments.ffwd, arguments.data, arguments.fault,
                           arguments.layer, arguments.nth_call):
        loader = unittest.TestLoader()
        if arguments.pattern:
            loader.testNamePatterns = [f"*{arguments.pattern}*"]
        tests = unittest.TestSuite()
        tests.addTests(transcript.load(HERE / "golden", arguments.pattern or ""))
        tests.addTests(loader.discover(str(HERE)))
        outcome = unittest.TextTestRunner(verbosity=1).run(tests)
    print(f"{outcome.testsRun} tests, {len(outcome.skipped)} skipped")
    for test, reason in outcome.skipped:
        print(f"skipped {test.id()}: {reason}")
    return 0 if outcome.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
