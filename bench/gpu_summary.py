# SPDX-License-Identifier: MIT
"""What a GPU day found, in Markdown: made of its JSON alone.

    gpu_summary.py DAY.json    prints the summary
"""
import json
import sys
from pathlib import Path

from tables import comparison, duration, markdown_table, share

CANONICAL = "2-3-2-1"
# Of the device's limit: of its own copy rate where the rows are on the device and the network is the
# canonical one, else of the longer of copying and multiplying. Rows of the host cost their transfers.
RESIDENT_CANONICAL, RESIDENT_OTHERS, TRANSFERS = 0.85, 0.6, 1 / 1.15
MODES = {"resident": "on the device", "host": "host to host"}


def title(case):
    return f"{case['network']} {case['activation']} {case['dtype']}, {case['rows']:,} rows"


def goal_of(network, run):
    """The share of its limit that a run is to reach; None where there is no goal."""
    if run["mode"] == "host":
        return TRANSFERS if run["limited_by"] == "transfer" else None
    return RESIDENT_CANONICAL if network == CANONICAL else RESIDENT_OTHERS


def below_goal(report):
    """(case, run, goal) of every run that is known to miss its goal."""
    found = []
    for case in report["cases"]:
        for run in case["runs"]:
            goal = goal_of(case["network"], run)
            if None not in (goal, run["of_limit"]) and run["of_limit"] < goal:
                found.append((case, run, goal))
    return found


def problems(report):
    """What is wrong, a sentence each: not what is slow."""
    found = [f"{test['name']}: {test['status']}" for test in report["tests"]
             if test["status"] != "passed"]
    found += [f"ffwd verify {check['network']} {check['dtype']}: {check['status']}"
              for check in report["verify"] if check["status"] != "equal"]
    for case in report["cases"]:
        found += [f"{title(case)}: {entry['wrong_rows']} rows of {entry['contender']} are wrong"
                  for entry in case["peers"] if entry["wrong_rows"]]
        found += [f"{title(case)}, {MODES[one['mode']]}: {one['reason']}"
                  for one in case["failed"]]
    return found


def judgement(network, run):
    """The goal, and whether it was reached."""
    goal = goal_of(network, run)
    if goal is None or run["of_limit"] is None:
        return "–"
    return f"{goal:.2f}, {'reached' if run['of_limit'] >= goal else 'missed'}"


def table_of(report, mode):
    """A line for each case that ran in a mode."""
    peers = [peer for peer in report["contenders"] if peer["mode"] == mode]
    lines = [["network, rows", "ffwd", "strategy", "of the limit", "goal",
              *(peer["label"] for peer in peers)]]
    for case in report["cases"]:
        entries = {entry["contender"]: entry for entry in case["peers"]}
        for run in (run for run in case["runs"] if run["mode"] == mode):
            lines.append([title(case), duration(run["ms"]), run["strategy"], share(run),
                          judgement(case["network"], run),
                          *(comparison(run["rows"], run["rows_per_s"], entries.get(peer["key"]))
                            for peer in peers)])
    if len(lines) == 1:
        return f"## Rows {MODES[mode]}\n\nNot timed.\n"
    return f"## Rows {MODES[mode]}\n\n{markdown_table(lines)}"


def copies(report):
    """Where the time of rows of the host went."""
    lines = [["network, rows", "all", "upload", "kernels", "download"]]
    for case in report["cases"]:
        lines += [[title(case), duration(run["ms"]), duration(run["upload_ms"]),
                   duration(run["kernel_ms"]), duration(run["download_ms"])]
                  for run in case["runs"] if run["mode"] == "host"]
    return f"## Where the time goes, host to host\n\n{markdown_table(lines)}" if lines[1:] else ""


def tests(report):
    done = [test for test in report["tests"] if test["status"] == "passed"]
    equal = [check for check in report["verify"] if check["status"] == "equal"]
    told = (f"{len(done)} of {len(report['tests'])} test programs passed, the bits of "
            f"{len(equal)} of {len(report['verify'])} networks are those of the portable code.\n")
    lines = [f"- {test['name']}: {test['checks']}\n" for test in report["tests"]]
    return f"## Tests on the device\n\n{told}" + "\n" * bool(lines) + "".join(lines)


def profiles(report):
    """What is below its goal, by kernels; the trace tells more."""
    parts = []
    for one in report["profiles"]:
        lines = [["kernel", "layers", "time", "of the run"]]
        for stage in one["stages"]:
            lines.append([stage["kernel"], ", ".join(map(str, stage["layers"])),
                          duration(stage["ms"]), f"{stage['ms'] / one['ms']:.0%}"])
        trace = f"; timeline: `{one['trace']}`" if one["trace"] else ""
        parts.append(f"### {one['case']}, {MODES[one['mode']]}: {one['of_limit']:.2f} of "
                     f"{one['goal']:.2f}\n\n{markdown_table(lines)}{trace.lstrip('; ')}\n")
    return "## Below the goal\n\n" + "\n".join(parts) if parts else ""


def absences(report):
    lines = [f"- {one['label']}: {one['reason']}" for one in report["missing"]]
    return "## Who is missing\n\n" + "\n".join(lines) + "\n" if lines else ""


def heading(report):
    device, of = report["device"], report["machine"]
    quick = "; **quick: too short to judge speed by**" if report["quick"] else ""
    return (f"# {device['name']}\n\n{device['platform']}, driver {device['driver']}; {of['cpu']}, "
            f"{of['os']}; {of['date']}, commit {of['commit']}; medians of {report['rounds']} "
            f"rounds{quick}.\n")


def document(report):
    """All of it."""
    wrong = problems(report)
    told = "## Wrong\n\n" + "\n".join(f"- {one}" for one in wrong) + "\n" if wrong else ""
    notes = ("The peers' times are multiples of ffwd's, in float32 without TF32, or in float64; `~` "
             "marks one that was\ntimed over fewer rows.\n")
    parts = [heading(report), told, notes, table_of(report, "resident"), table_of(report, "host"),
             copies(report), profiles(report), tests(report), absences(report)]
    return "\n".join(part for part in parts if part)


def main():
    print(document(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), end="")


if __name__ == "__main__":
    main()
