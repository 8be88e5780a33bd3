# SPDX-License-Identifier: MIT
"""The results of compare.py as Markdown, and README's table of them.

    tables.py RESULTS.json    puts the table of these results into README.md
    tables.py --check         fails where README.md's table is not that of the results it names
"""
import json
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- results: {} -->\n", "<!-- end of results -->\n"
NAMED_NETWORKS = 4  # more are counted
AGREEMENT = 0.03  # of the two measurements of the limit


def title(case):
    return f"{case['network']} {case['activation']}"


def entry_of(case, key):
    """What a contender has achieved in a case, or None."""
    return next((entry for entry in case["entries"] if entry["contender"] == key), None)


def command_of(case, device):
    return next((entry for entry in case["commands"] if entry["device"] == device), None)


def largest(cases):
    """The cases with the most rows of their network and dtype."""
    most = {}
    for case in cases:
        at = (title(case), case["dtype"])
        if at not in most or case["rows"] > most[at]["rows"]:
            most[at] = case
    return list(most.values())


def duration(ms):
    for unit, factor in (("s", 1e-3), ("ms", 1), ("µs", 1e3), ("ns", 1e6)):
        if ms * factor >= 1 or unit == "ns":
            value = ms * factor
            return f"{value:.0f} {unit}" if value >= 99.5 else f"{value:.3g} {unit}"
    return None


def time_of(case, entry):
    """Of all rows of the case, by the rate where fewer were timed."""
    if entry["rows"] == case["rows"]:
        return duration(entry["ms"])
    return "~" + duration(case["rows"] / entry["rows_per_s"] * 1e3)


def times(ratio):
    return f"{ratio:,.0f} ×" if ratio >= 99.5 else f"{ratio:.2g} ×" if ratio < 10 \
        else f"{ratio:.3g} ×"


def share(command):
    if command is None or command["of_limit"] is None:
        return "–"
    return f"{command['of_limit']:.2f} {command['limited_by']}"


def comparison(rows, rows_per_s, entry):
    """How many times longer than ffwd, which took so many rows at that rate, a contender takes for a
    row; `~`: timed over fewer rows."""
    if entry is None:
        return "–"
    if entry["wrong_rows"]:
        return "wrong"
    return ("~" if entry["rows"] < rows else "") + times(rows_per_s / entry["rows_per_s"])


def is_in(report, key):
    """Whether a contender could take any of the cases."""
    return any(entry_of(case, key) for case in report["cases"])


def rows_of_table(report, cases):
    """A line a case: ffwd's time and share of the limit, the others as multiples of the time."""
    others = [c for c in report["contenders"]
              if c["key"] not in ("ffwd_cpu", "ffwd_opencl") and is_in(report, c["key"])]
    opencl = is_in(report, "ffwd_opencl")
    head = ["network, rows", "dtype", "ffwd", "of the limit"]
    head += ["ffwd on OpenCL", "of the limit"] if opencl else []
    yield head + [other["label"] for other in others]
    for case in cases:
        first = entry_of(case, "ffwd_cpu")
        cells = [f"{title(case)}, {case['rows']:,}", case["dtype"], time_of(case, first),
                 share(command_of(case, "cpu"))]
        ours = case["rows"], first["rows_per_s"]
        if opencl:
            cells += [comparison(*ours, entry_of(case, "ffwd_opencl")),
                      share(command_of(case, "opencl"))]
        yield cells + [comparison(*ours, entry_of(case, other["key"])) for other in others]


def markdown_table(lines):
    head, *rest = lines
    texts = ["| " + " | ".join(cells) + " |" for cells in [head, *rest]]
    return "\n".join([texts[0], "|---|---" + "|--:" * (len(head) - 2) + "|", *texts[1:]]) + "\n"


def versions(report):
    return ", ".join(f"{c['label']} {c['version']}" for c in report["contenders"] if c["version"])


def heading(report):
    of = report["machine"]
    return (f"{of['cpu']}, {of['threads']} threads, {of['date']}, commit {of['commit']}; medians "
            f"of {report['rounds']} interleaved rounds.\n")


def summary(report):
    """README's table: each network at its most rows."""
    return f"{heading(report)}\n{markdown_table(rows_of_table(report, largest(report['cases'])))}"


def latency(report):
    """Times of one row."""
    cases = [case for case in report["cases"] if case["rows"] == 1]
    if not cases:
        return ""
    contenders = [c for c in report["contenders"] if is_in(report, c["key"])]
    lines = [["network", "dtype", *(c["label"] for c in contenders)]]
    for case in cases:
        found = [entry_of(case, c["key"]) for c in contenders]
        lines.append([title(case), case["dtype"],
                      *("–" if entry is None else duration(entry["ms"]) for entry in found)])
    return f"## One row\n\n{markdown_table(lines)}\n"


def absences(report):
    """Who is missing, where and why."""
    labels = {c["key"]: c["label"] for c in report["contenders"]}
    where = defaultdict(set)
    for case in report["cases"]:
        for one in case["unavailable"]:
            where[labels[one["contender"]], one["reason"]].add(f"{title(case)} {case['dtype']}")
    lines = [f"- {one['label']}: {one['reason']}" for one in report["missing"]]
    for (label, reason), nets in where.items():
        told = ", ".join(sorted(nets)) if len(nets) <= NAMED_NETWORKS else f"{len(nets)} networks"
        lines.append(f"- {label}: {reason} ({told})")
    return "## Who is missing where\n\n" + "\n".join(lines) + "\n" if lines else ""


def limit_lines(report):
    """The two measurements of the limit."""
    lines = [f"- {one['name']}: {one['ffwd']:.4g} and {one['second']:.4g} {one['unit']}, "
             f"{abs(one['ratio'] - 1):.1%} apart" for one in report["limit_check"]]
    return "## The limit, measured by ffwd and by other code\n\n" + "\n".join(lines) + "\n\n"


def document(report, name):
    """All of it, for NAME.md."""
    return f"""# ffwd beside its peers

{summary(report)}
{report['machine']['os']}; {versions(report)}. The others' times are multiples of ffwd's; `~` marks
one that was timed on fewer rows, because it is slow. `–`: not possible, see below, or too short to
tell.

![distance to the limit]({name}-limit.svg)
![roofline]({name}-roofline.svg)
![rows a second, float32]({name}-rows-f32.svg)
![rows a second, float64]({name}-rows-f64.svg)

{latency(report)}{limit_lines(report)}{absences(report)}"""


def write(report, out):
    Path(f"{out}.md").write_text(document(report, out.name), encoding="utf-8")


def problems(report):
    """What is wrong with the results: a sentence each."""
    found = [f"the two measurements of {one['name']} are {abs(one['ratio'] - 1):.1%} apart"
             for one in report["limit_check"] if abs(one["ratio"] - 1) > AGREEMENT]
    for case in report["cases"]:
        for entry in case["entries"] + case["commands"]:
            if entry["wrong_rows"]:
                who = entry.get("contender", "the command")
                found.append(f"{title(case)} {case['dtype']}, {case['rows']:,} rows: "
                             f"{entry['wrong_rows']} rows of {who} are wrong")
    return found


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def readme_with(text, name, table):
    """README's text with a table, and the name of its results, between the marks."""
    before, rest = text.split(BEGIN.split("{", maxsplit=1)[0], 1)
    after = rest.split(END, 1)[1]
    return f"{before}{BEGIN.format(name)}{table}{END}{after}"


def main():
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    if sys.argv[1:] == ["--check"]:
        mark = BEGIN.split("{", maxsplit=1)[0]
        name = text.split(mark, 1)[1].split(" -->", 1)[0]
        if readme_with(text, name, summary(read(ROOT / name))) != text:
            sys.exit(f"README.md's table is not that of {name}: bench/tables.py {name} mends it")
        return
    path = Path(sys.argv[1]).resolve()
    name = path.relative_to(ROOT).as_posix()
    readme.write_text(readme_with(text, name, summary(read(path))), encoding="utf-8")


if __name__ == "__main__":
    main()
