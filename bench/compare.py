# SPDX-License-Identifier: MIT
"""Times ffwd beside its peers: the networks of networks.txt, turn and turn about in one run.

    compare.py BUILD --out NAME [--quick] [--rounds N] [--only TEXT ..] [--seconds N] [--resume]

BUILD is a build folder made with FFWD_BENCH=ON. Every round times each contender, with the same
number of threads and by the same clock; a contender's time is the median over the rounds. Results
are checked against exact ones while they are timed, within a bound that follows from rounding.
Writes NAME.json after each case, at the end NAME.md and the plots. Run by `make bench`.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine

THREADS = machine.thread_count()
machine.set_threads(THREADS)

import ffwd_command  # noqa: E402  (its libraries read what was set)
import plots  # noqa: E402
import tables  # noqa: E402
from lineup import Lineup  # noqa: E402
from networks import read_networks  # noqa: E402
from rounds import QUICK, Settings, time_case  # noqa: E402

SCHEMA = "ffwd.compare/2"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--out", type=Path, required=True, metavar="NAME")
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of the rows, one round, short turns")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", nargs="+", default=[""], metavar="TEXT",
                        help="networks with one of these in '28-128-128-128-2 relu f32'")
    parser.add_argument("--seconds", type=float, default=float("inf"),
                        help="begin no further case after so long; --resume goes on")
    parser.add_argument("--resume", action="store_true",
                        help="keep the cases that NAME.json has of this commit and machine")
    return parser.parse_args()


def settings_of(given):
    wanted = dict(QUICK) if given.quick else {}
    if given.rounds:
        wanted["rounds"] = given.rounds
    return Settings(THREADS, **wanted)


def check_limits(build):
    """The limit measured a second time by other code (micro/limits.c)."""
    done = subprocess.run([build / "bin" / "ffwd_micro", "limits", "--json"], check=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def begin(given, lineup):
    """A report without cases, or the unfinished one."""
    report = {"schema": SCHEMA, "machine": machine.describe(THREADS), "quick": given.quick,
              "rounds": settings_of(given).rounds, "contenders": lineup.contenders,
              "missing": lineup.missing}
    path = Path(f"{given.out}.json")
    if given.resume and path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        report["machine"]["date"] = found["machine"]["date"]
        changed = [name for name in report if found.get(name) != report[name]]
        if changed:
            sys.exit(f"compare.py: {path} cannot be resumed: another {', '.join(changed)}")
        return found
    return {**report, "limit_check": check_limits(given.build), "cases": []}


def tell(case):
    """A line for each case, and one for each contender that computed wrongly."""
    times = ", ".join(f"{entry['contender']} {entry['ms']:.3g}" for entry in case["entries"])
    shares = ", ".join(f"{command['of_limit']:.2f} on {command['device']}"
                       for command in case["commands"] if command["of_limit"])
    print(f"{tables.title(case)} {case['dtype']}, {case['rows']:,} rows: {times} ms; "
          f"{shares or 'too short'} of the limit", flush=True)
    for entry in case["entries"] + case["commands"]:
        if entry["wrong_rows"]:
            who = entry.get("contender") or f"ffwd bench --device {entry['device']}"
            print(f"  {who}: {entry['wrong_rows']} rows are wrong", flush=True)


def time_network(network, rows, lineup, command, settings):
    """One case, with the command's networks and rows in a folder for as long."""
    with tempfile.TemporaryDirectory(prefix="ffwd-bench-") as name:
        commands = []
        for device in ffwd_command.devices(command):
            folder = Path(name, device)
            folder.mkdir()
            commands.append(ffwd_command.Command(command, device, network, rows, folder,
                                                 settings.threads))
        return time_case(network, rows, lineup, commands, settings)


def save(report, path):
    """Whole or not at all."""
    aside = Path(f"{path}.new")
    aside.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    aside.replace(path)


def key(case):
    return case["network"], case["activation"], case["dtype"], case["rows"]


def measure(given, report, lineup):
    """Adds the cases that the report lacks; false where time is up before."""
    settings, command = settings_of(given), given.build / "bin" / "ffwd"
    there = {key(case) for case in report["cases"]}
    started = time.monotonic()
    for network in read_networks(given.only, given.quick):
        for rows in network.rows:
            if (network.name, network.activation, network.dtype, rows) in there:
                continue
            if time.monotonic() - started > given.seconds:
                return False
            case = time_network(network, rows, lineup, command, settings)
            report["cases"].append(case)
            save(report, Path(f"{given.out}.json"))
            tell(case)
    return True


def main():
    given = parse_arguments()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    lineup = Lineup(given.build / "bench")
    for peer in lineup.missing:
        print(f"without {peer['label']}: {peer['reason']}", flush=True)
    report = begin(given, lineup)
    if not measure(given, report, lineup):
        print("compare.py: time is up; --resume goes on", file=sys.stderr)
        return 75  # EX_TEMPFAIL
    tables.write(report, given.out)
    plots.draw(report, given.out)
    bad = tables.problems(report)
    print(*bad, sep="\n", end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
