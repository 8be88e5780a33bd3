# SPDX-License-Identifier: MIT
"""The steps of a GPU day, each of which adds to its report; see docs/gpu_day.md."""
import json
import re
import subprocess
import time
from pathlib import Path

from answers import median
from errors import Unavailable
from gpu_summary import below_goal, document, title

LIST = Path(__file__).with_name("networks.txt")
SCHEMA = "ffwd.gpu-day/1"
# The test programs that meet a device, the short ones first; some hold back what is timed too long.
SHORT_TESTS = ("opencl_states", "trace", "examples", "engine", "lifetime", "fallback", "threads",
               "memory", "program_cache", "predict", "row_operations", "opencl_resident",
               "opencl_gather", "opencl_pipeline", "opencl_faults")
LONG_TESTS = ("driver_faults", "opencl", "bits")
TESTS = SHORT_TESTS + LONG_TESTS
QUICK_TESTS = TESTS[:3]
TEST_TIMEOUT_S, RUN_TIMEOUT_S = 3600, 900
VERIFIED_ROWS = 1000


class Case:
    """A network of the benchmark's list, of one dtype, with the most rows of its line."""

    def __init__(self, network, activation, dtype, rows):
        self.network, self.activation, self.dtype, self.rows = network, activation, dtype, rows

    def __str__(self):
        return f"{self.network} {self.activation} {self.dtype}"

    def arguments(self):
        """As the command takes it."""
        return [self.network, "--activation", self.activation, "--dtype", self.dtype]

    def entry(self):
        """For the report, without results."""
        return {"network": self.network, "activation": self.activation, "dtype": self.dtype,
                "rows": self.rows, "runs": [], "peers": [], "failed": [], "unavailable": []}


def read_cases(text, only=("",), factor=1.0):
    """The cases of networks.txt's text that have one of the texts `only`, with so many times the
    rows."""
    cases = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, activation, dtypes, *rows = line.split()
            most = max(int(max(map(int, rows)) * factor), 1)
            cases += [Case(name, activation, dtype, most) for dtype in dtypes.split(",")]
    return [case for case in cases if any(part in str(case) for part in only)]


class Day:
    """The command in a build, a device, and where what it says goes."""

    def __init__(self, build, environment, device, out):
        self.build, self.environment, self.device, self.out = build, environment, device, out
        self.command = build / "bin" / "ffwd"

    def call(self, *command, timeout=RUN_TIMEOUT_S, **more):
        """Runs a program of the build; its exit status, output and last line of errors."""
        try:
            done = subprocess.run([str(part) for part in command], text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                                  env={**self.environment, **more}, errors="replace")
        except subprocess.TimeoutExpired:
            return None, "", f"longer than {timeout} s"
        lines = done.stderr.strip().splitlines()
        return done.returncode, done.stdout, lines[-1] if lines else f"exit {done.returncode}"

    def ask(self, *arguments):
        """What the command says in JSON. Raises Unavailable with its error."""
        status, text, reason = self.call(self.command, *arguments, "--json", "-")
        if status != 0:
            raise Unavailable(reason)
        return json.loads(text)

    def offers(self, option):
        """Whether `ffwd bench` has an option."""
        return f"{option}" in self.call(self.command, "bench", "--help")[1]

    def save(self, report):
        """JSON and summary, each whole or not at all."""
        report["seconds"] = time.monotonic() - report["began"]
        for suffix, text in ((".json", json.dumps(report, indent=1) + "\n"),
                             (".md", document(report))):
            aside = Path(f"{self.out}{suffix}.new")
            aside.write_text(text, encoding="utf-8")
            aside.replace(f"{self.out}{suffix}")


def find_device(devices, selector):
    """The device that a selector names first: `gpu`, `opencl`, P:D, or part of a name. Raises
    Unavailable, saying what there is."""
    for one in devices:
        named = selector in ("opencl", one["device"]) or selector.lower() in one["name"].lower() \
            or selector == one["type"].lower()
        if one["backend"] == "opencl" and one["refused"] is None and named:
            return one
    there = [f"{one['device']} {one['name']}" + (f" (refused: {one['refused']})" if one["refused"]
                                                 else "")
             for one in devices if one["backend"] == "opencl"]
    raise Unavailable(f"--device {selector}: no such OpenCL device; there is "
                      f"{', '.join(there) or 'none'}")


def test_result(name, status, text, reason, seconds):
    """What a test program said, by Check's last summary."""
    counts = re.findall(r"^\d+%: (Checks: .*)$", text, re.MULTILINE)
    failures = re.findall(r"^.*:[FE]:.*$", text, re.MULTILINE)
    told = "passed" if status == 0 else reason if status is None else f"failed with {status}"
    return {"name": name, "status": told, "seconds": seconds,
            "checks": counts[-1] if counts else "no summary", "failures": failures[:20]}


def run_tests(day, names, report):
    """Every test program, on the device's own kernels."""
    for name in names:
        program = day.build / "bin" / f"test_{name}"
        started = time.monotonic()
        if not program.exists():
            result = test_result(name, None, "", f"{program} was not built", 0)
        else:
            done = day.call(program, timeout=TEST_TIMEOUT_S, FFWD_TESTS_NEED_OPENCL="1")
            result = test_result(name, *done, time.monotonic() - started)
        report["tests"].append(result)
        print(f"test {name}: {result['status']}, {result['checks']}", flush=True)
        day.save(report)


def verify(day, cases, report):
    """Few rows of each network through every strategy, by bits."""
    for case in cases:
        status, _, reason = day.call(day.command, "verify", *case.arguments(),
                                     f"random:{min(case.rows, VERIFIED_ROWS)}", "--device",
                                     day.device["device"])
        told = "equal" if status == 0 else "differs" if status == 1 else reason
        report["verify"].append({"network": f"{case.network} {case.activation}",
                                 "dtype": case.dtype, "status": told})
        print(f"verify {case}: {told}", flush=True)
    day.save(report)


class Bench:
    """`ffwd bench` of a case in a mode, and what it said in each round."""

    def __init__(self, day, case, mode, repeats):
        self.day, self.mode, self.results = day, mode, []
        self.arguments = ["bench", *case.arguments(), "--rows", case.rows, "--repeat", repeats,
                          "--report", "none", "--device", day.device["device"], "--no-fallback",
                          *(["--resident"] if mode == "resident" else [])]
        self.rows = case.rows

    def take_turn(self):
        """Raises Unavailable."""
        answer = self.day.ask(*self.arguments)
        if not answer["results"]:
            raise Unavailable(answer["skipped"][0]["reason"] if answer["skipped"] else "no result")
        self.results.append(answer["results"][0])

    def median(self, *path):
        return median(self.results, *path)

    def entry(self):
        """For the report."""
        last = self.results[-1]
        return {"mode": self.mode, "rows": self.rows, "strategy": last["strategy"],
                "ms": self.median("ms", "total", "median"), "setup_ms": self.median("ms", "setup"),
                "upload_ms": self.median("ms", "upload"), "kernel_ms": self.median("ms", "kernel"),
                "download_ms": self.median("ms", "download"),
                "rows_per_s": self.median("rows_per_s"), "gbps": self.median("gbps"),
                "gflops": self.median("gflops"), "limits": last["limits"],
                "of_limit": self.median("of_limit"), "limited_by": last["limited_by"],
                "stages": last["stages"], "output_hash": last["output_hash"]}


class Peers:
    """Those beside ffwd on the card, where NumPy, by which results are checked, is there."""

    def __init__(self, folder, report, quick):
        self.kinds, self.rounds, self.settings = [], None, None
        try:
            import gpu_peers  # needs NumPy
            import networks
            import rounds
        except ImportError as error:
            report["missing"].append({"label": "all peers", "reason": str(error)})
            return
        self.network_of, self.rounds = networks.Network, rounds
        self.settings = rounds.Settings(1, **(rounds.QUICK if quick else {}))
        for kind in gpu_peers.known_kinds(folder):
            try:
                version = kind.version()
            except Unavailable as reason:
                said = {"label": kind.label, "reason": str(reason)}
                report["missing"] += [said] if said not in report["missing"] else []
                continue
            self.kinds.append(kind)
            report["contenders"].append({"key": kind.key, "label": kind.label, "mode": kind.mode,
                                         "version": version})

    def racers(self, case, entry):
        """Ready to take turns; the others say why not."""
        racers = []
        network = self.network_of(case.network, case.activation, case.dtype, [case.rows]) \
            if self.kinds else None
        for kind in self.kinds:
            try:
                racers.append(self.rounds.Racer(kind.key, kind(network, 1), case.rows,
                                                self.settings))
            except Unavailable as reason:
                entry["unavailable"].append({"contender": kind.key, "reason": str(reason)})
        return racers


def take_turns(benches, racers, rounds, entry):
    """Turn and turn about; who fails drops out."""
    for _ in range(rounds):
        for one in [*benches]:
            try:
                one.take_turn()
            except Unavailable as reason:
                entry["failed"].append({"mode": one.mode, "reason": str(reason)})
                benches.remove(one)
        for racer in [*racers]:
            try:
                racer.take_turn()
            except Unavailable as reason:
                entry["unavailable"].append({"contender": racer.key, "reason": str(reason)})
                racers.remove(racer)


def benchmark(day, cases, peers, report, repeats):
    """Every case, resident where the command can, and host to host."""
    modes = ["resident", "host"] if day.offers("--resident") else ["host"]
    if "resident" not in modes:
        report["missing"].append({"label": "ffwd, rows on the device",
                                  "reason": "this ffwd bench has no --resident"})
    for case in cases:
        entry = case.entry()
        benches = [Bench(day, case, mode, repeats) for mode in modes]
        racers = peers.racers(case, entry)
        take_turns(benches, racers, report["rounds"], entry)
        entry["runs"] = [one.entry() for one in benches]
        entry["peers"] = [racer.entry() for racer in racers]
        for racer in racers:
            racer.peer.close()
        report["cases"].append(entry)
        for run in entry["runs"]:
            print(f"{title(entry)}, {run['mode']}: {run['ms']:.4g} ms, {run['of_limit']} of "
                  f"{run['limited_by']}", flush=True)
        day.save(report)


def profile(day, report):
    """A timeline, and the kernels, of every run below its goal."""
    for case, run, goal in below_goal(report):
        one = Case(case["network"], case["activation"], case["dtype"], case["rows"])
        name = "-".join([case["network"], case["activation"], case["dtype"], run["mode"]])
        trace = Path(f"{day.out}-{name}.trace.json")
        bench = Bench(day, one, run["mode"], 1)
        status, _, reason = day.call(day.command, *bench.arguments, "--trace", trace)
        _, plan, _ = day.call(day.command, "info", *one.arguments(), "--device",
                              day.device["device"])
        report["profiles"].append({
            "case": title(case), "mode": run["mode"], "goal": goal, "of_limit": run["of_limit"],
            "ms": run["ms"], "stages": run["stages"], "plan": plan.splitlines(),
            "trace": trace.name if status == 0 else None,
            "reason": None if status == 0 else reason})
        day.save(report)
