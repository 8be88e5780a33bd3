# SPDX-License-Identifier: MIT
"""Times ffwd beside its peers: the networks of networks.txt, turn and turn about in one run.

    compare.py FFWD_COMMAND --out bench/results/NAME [--quick] [--rounds N] [--only TEXT ..]

Every round times each contender once, with the same number of threads; a contender's time is the
median over the rounds. The peers' results are checked against ffwd's while they are timed, within a
bound that follows from the rounding errors. Writes NAME.json, NAME.md and NAME.svg. Run by
`make bench`, which puts the peers into a virtual environment.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
THREADS = len(os.sched_getaffinity(0))
# Set before the libraries look for it. A processor type forced upon OpenBLAS would slow it.
os.environ.update({name: str(THREADS) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")})
for forced in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(forced, None)

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402

DTYPES = {"f32": np.float32, "f64": np.float64}
NUMPY = {"step": lambda z: (z > 0).astype(z.dtype), "relu": lambda z: np.maximum(z, 0),
         "tanh": np.tanh}
CHECKED_ROWS = 2000


class Case:
    """A network of one dtype with its rows."""

    def __init__(self, line, dtype, quick):
        self.network, self.activation, rows = line.split()
        self.dtype, self.rows = dtype, max(int(rows) // (10 if quick else 1), 1)
        widths = [int(width) for width in self.network.split("-")]
        rng = np.random.default_rng(1)
        kind = DTYPES[dtype]
        self.x = rng.uniform(-1, 1, (self.rows, widths[0])).astype(kind)
        self.weights = [(rng.uniform(-1, 1, (o, i)) / np.sqrt(i)).astype(kind)
                        for i, o in zip(widths, widths[1:])]

    def __str__(self):
        return f"{self.network} {self.activation} {self.dtype}"

    def errors(self, y):
        """How many of the first rows of y are further from the exact ones than rounding explains:
        |z - exact| <= |W| e + gamma(k) |W| |x| for errors e of x (Higham, 2002, section 3.1)."""
        unit = np.finfo(self.x.dtype).eps / 2
        rows = min(self.rows, CHECKED_ROWS)
        exact = self.x[:rows].astype(np.float64)
        error = np.zeros_like(exact)
        unsure = np.zeros(rows, bool)
        for w in (w.astype(np.float64) for w in self.weights):
            gamma = w.shape[1] * unit / (1 - w.shape[1] * unit)
            error = error @ np.abs(w).T + gamma * ((np.abs(exact) + error) @ np.abs(w).T)
            z = exact @ w.T
            exact = NUMPY[self.activation](z)
            if self.activation == "step":  # near 0 either side is right, and so is all behind it
                unsure |= (np.abs(z) <= error).any(axis=1)
                error = np.zeros_like(exact)
            elif self.activation == "tanh":
                error = error + 4 * unit
        wrong = (np.abs(y[:rows] - exact) > 2 * error).any(axis=1)
        return int((wrong & ~unsure).sum())


class Ffwd:
    """The command on one device; its time is the median of five runs."""

    def __init__(self, case, command, device, folder):
        self.name = "ffwd" if device == "cpu" else "ffwd on PoCL"
        self.case, self.result = case, None
        self.shares, self.kernels = [], []
        arrays = {f"W{i}": w for i, w in enumerate(case.weights, 1)}
        np.savez(folder / "net.npz", activations=[case.activation] * len(case.weights), **arrays)
        np.save(folder / "x.npy", case.x[:CHECKED_ROWS])
        subprocess.run([command, "run", folder / "net.npz", folder / "x.npy", "-o",
                        folder / "y.npy", "--device", device, "--report", "none"], check=True)
        self.bad = case.errors(np.load(folder / "y.npy"))
        self.line = [command, "bench", folder / "net.npz", "--rows", str(case.rows), "--device",
                     device, "--repeat", "5", "--report", "none", "--json", "-"]

    def time_ms(self):
        done = subprocess.run(self.line, check=True, stdout=subprocess.PIPE)
        self.result = json.loads(done.stdout)["results"][0]
        if self.result["of_limit"] is not None:
            self.shares.append(self.result["of_limit"])
        self.kernels.append(self.result["ms"]["kernel"])
        return self.result["ms"]["total"]["median"]

    def more(self):
        share = statistics.median(self.shares) if self.shares else None
        return {"of_limit": share, "limited_by": self.result["limited_by"],
                "limits": self.result["limits"], "gflops": self.result["gflops"],
                "gbps": self.result["gbps"], "strategy": self.result["strategy"],
                "kernel_ms": statistics.median(self.kernels),
                "bytes": self.result["bytes"], "flops": self.result["flops"]}


class Numpy:
    name = f"NumPy {np.__version__}"

    def __init__(self, case):
        self.case, self.bad = case, 0

    def time_ms(self):
        start = time.perf_counter()
        y = self.case.x
        for w in self.case.weights:
            y = NUMPY[self.case.activation](y @ w.T)
        spent = (time.perf_counter() - start) * 1e3
        self.bad = self.case.errors(y)
        return spent

    def more(self):
        return {}


class OnnxRuntime:
    name = f"ONNX Runtime {onnxruntime.__version__}"

    def __init__(self, case):
        self.case, self.bad = case, 0
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self.session = onnxruntime.InferenceSession(self.model().SerializeToString(), options,
                                                    providers=["CPUExecutionProvider"])

    def model(self):
        helper, kind = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype(self.case.x.dtype)
        nodes, constants, at = [], [], "x"
        if self.case.activation == "step":
            constants.append(onnx.numpy_helper.from_array(np.zeros((), self.case.x.dtype), "zero"))
        for i, w in enumerate(self.case.weights):
            constants.append(onnx.numpy_helper.from_array(w, f"w{i}"))
            nodes.append(helper.make_node("Gemm", [at, f"w{i}"], [f"z{i}"], transB=1))
            at = f"y{i}"
            if self.case.activation == "step":
                nodes.append(helper.make_node("Greater", [f"z{i}", "zero"], [f"g{i}"]))
                nodes.append(helper.make_node("Cast", [f"g{i}"], [at], to=kind))
            else:
                operator = {"relu": "Relu", "tanh": "Tanh"}[self.case.activation]
                nodes.append(helper.make_node(operator, [f"z{i}"], [at]))
        inputs = [helper.make_tensor_value_info("x", kind, [None, self.case.x.shape[1]])]
        outputs = [helper.make_tensor_value_info(at, kind, None)]
        graph = helper.make_graph(nodes, "net", inputs, outputs, constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def time_ms(self):
        start = time.perf_counter()
        (y,) = self.session.run(None, {"x": self.case.x})
        spent = (time.perf_counter() - start) * 1e3
        self.bad = self.case.errors(y)
        return spent

    def more(self):
        return {}


def contenders(case, command, devices, folder):
    made = []
    for device in devices:
        (folder / device).mkdir(exist_ok=True)
        made.append(Ffwd(case, command, device, folder / device))
    return [*made, Numpy(case), OnnxRuntime(case)]


def run_case(case, command, devices, rounds):
    with tempfile.TemporaryDirectory(prefix="ffwd-bench-") as name:
        racers = contenders(case, command, devices, Path(name))
        times = [[] for _ in racers]
        for turn in range(rounds + 1):
            for racer, spent in zip(racers, times):
                ms = racer.time_ms()
                if turn > 0:  # the first one warms up
                    spent.append(ms)
    entries = [{"name": racer.name, "ms": statistics.median(spent), "min_ms": min(spent),
                "wrong_rows": racer.bad, **racer.more()} for racer, spent in zip(racers, times)]
    for entry in entries:
        entry["times_slower"] = entry["ms"] / entries[0]["ms"]
    return {"network": case.network, "activation": case.activation, "dtype": case.dtype,
            "rows": case.rows, "entries": entries}


def has_opencl(command):
    done = subprocess.run([command, "devices", "--json", "-"], check=True, stdout=subprocess.PIPE)
    return any(item["backend"] == "opencl" and item["refused"] is None
               for item in json.loads(done.stdout)["devices"])


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def revision():
    done = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"],
                          stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() or "unknown"


def share(entry):
    return f"{entry['of_limit']:.2f} {entry['limited_by']}" if entry.get("of_limit") else "-"


def markdown(report):
    """The table of README and NAME.md: times of ffwd, and how many times slower the others are."""
    names = [entry["name"] for entry in report["cases"][0]["entries"]]
    lines = [f"{report['machine']}, {report['threads']} threads, {report['date']}, "
             f"{report['revision']}; medians of {report['rounds']} interleaved rounds.", "",
             "| network, rows | dtype | ffwd | of the limit | "
             + " | ".join(names[1:]) + " |", "|---" * (len(names) + 3) + "|"]
    for case in report["cases"]:
        first, *rest = case["entries"]
        cells = [f"{case['network']} {case['activation']}, {case['rows']:,}", case["dtype"],
                 f"{first['ms']:.3g} ms", share(first)]
        for entry in rest:
            cell = f"{entry['times_slower']:.3g} ×"
            cells.append(f"{cell}, {share(entry)}" if "of_limit" in entry else cell)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw(report, path):
    """A roofline: each network where its flops a byte put it, under the measured limits."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.5))
    for axis, dtype in zip(axes, DTYPES):
        firsts = [(case, case["entries"][0]) for case in report["cases"] if case["dtype"] == dtype]
        stream = statistics.median(first["limits"]["stream_gbps"] for _, first in firsts)
        fma = statistics.median(first["limits"]["fma_gflops"] for _, first in firsts)
        at = np.logspace(0, 4, 200)
        axis.loglog(at, np.minimum(at * stream, fma), "k-", linewidth=1)
        for case, first in firsts:
            axis.plot(first["flops"] / first["bytes"], first["gflops"], "o", markersize=4)
            axis.annotate(f"{case['network']} {case['activation']}", fontsize=6,
                          xy=(first["flops"] / first["bytes"], first["gflops"]),
                          xytext=(3, -8), textcoords="offset points")
        axis.set(title=f"{dtype}: {stream:.0f} GB/s, {fma:.0f} GFLOP/s", xlabel="flops a byte of X and Y",
                 ylabel="GFLOP/s", xlim=(1, 1e4))
        axis.grid(True, which="major", alpha=0.3)
    figure.tight_layout()
    figure.savefig(path)


def put_into_readme(table):
    """Replaces what stands between the two marks."""
    path = HERE.parent / "README.md"
    text = path.read_text()
    before, rest = text.split("<!-- results -->\n")
    _, after = rest.split("<!-- end of results -->\n")
    path.write_text(f"{before}<!-- results -->\n{table}<!-- end of results -->\n{after}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=[""], help="lines with one of these texts")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    given = parser.parse_args()
    lines = [line for line in (HERE / "networks.txt").read_text().splitlines()
             if line and not line.startswith("#") and any(text in line for text in given.only)]
    devices = ["cpu", "opencl"] if has_opencl(given.command) else ["cpu"]
    report = {"schema": "ffwd.compare/1", "machine": cpu_name(), "os": platform.platform(),
              "threads": THREADS, "date": datetime.date.today().isoformat(),
              "revision": revision(), "rounds": given.rounds, "cases": []}
    for line in lines:
        for dtype in DTYPES:
            case = run_case(Case(line, dtype, given.quick), given.command, devices, given.rounds)
            report["cases"].append(case)
            told = ", ".join(f"{entry['name']} {entry['ms']:.3g} ms"
                             + (f" ({share(entry)})" if "of_limit" in entry else "")
                             for entry in case["entries"])
            print(f"{case['network']} {case['activation']} {dtype}: {told}", flush=True)
            for entry in case["entries"]:
                if entry["wrong_rows"]:
                    print(f"  {entry['name']}: {entry['wrong_rows']} rows are wrong", flush=True)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    Path(f"{given.out}.json").write_text(json.dumps(report, indent=1) + "\n")
    Path(f"{given.out}.md").write_text(markdown(report))
    draw(report, f"{given.out}.svg")
    if given.readme:
        put_into_readme(markdown(report))


if __name__ == "__main__":
    main()
