# SPDX-License-Identifier: MIT
"""The results of compare.py as plots: rows a second against rows, the distance to the limit, and a
roofline with every network on it.

    plots.py RESULTS.json NAME [png]    NAME-rows-f32.svg and the like
"""
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np  # noqa: E402
from matplotlib import pyplot  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter  # noqa: E402

from tables import command_of, heading, is_in, largest, read, title  # noqa: E402

STYLE = {
    "font.size": 9, "axes.titlesize": 9, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.alpha": 0.25, "grid.linewidth": 0.6, "legend.frameon": False,
    "axes.axisbelow": True, "figure.constrained_layout.use": True, "svg.hashsalt": "ffwd",
}
INK = "#333333"
# One colour and marker each, in the order of the tables; ffwd's two are the strong ones.
LOOKS = {
    "ffwd_cpu": ("#c8102e", "o"), "ffwd_opencl": ("#f28e2b", "s"), "numpy": ("#4e79a7", "v"),
    "onnxruntime": ("#1b3a6b", "D"), "pytorch": ("#7b5ea7", "^"), "onednn": ("#2a9d8f", "P"),
    "openblas": ("#59a14f", "X"), "fann": ("#b07aa1", "<"), "clblast": ("#9c755f", ">"),
    "per_row": ("#edc948", "d"), "naive": ("#8c8c8c", "p"), "python": ("#bab0ac", "h"),
}
DTYPES = {"f32": "float32", "f64": "float64"}
DEVICES = {"cpu": ("ffwd", "ffwd_cpu"), "opencl": ("ffwd on OpenCL", "ffwd_opencl")}


def si(value, _=None):
    """1e6 as 1 M."""
    for factor, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= factor:
            return f"{value / factor:g}{letter}"
    return f"{value:g}"


def save(figure, out, what, kind):
    """Without a date, so that the same results make the same file."""
    metadata = {"Date": None} if kind == "svg" else None
    figure.savefig(f"{out}-{what}.{kind}", dpi=120, metadata=metadata)
    pyplot.close(figure)


def names(cases):
    """The networks, in order."""
    return list(dict.fromkeys(title(case) for case in cases))


def draw_rows(report, dtype):
    """A panel a network: rows a second of each contender against rows."""
    cases = [case for case in report["cases"] if case["dtype"] == dtype]
    networks = names(cases)
    across = min(4, len(networks))
    down = -(-len(networks) // across)
    figure, axes = pyplot.subplots(down, across, figsize=(3.1 * across, 2.5 * down + 0.9),
                                   squeeze=False)
    for axis, network in zip(axes.flat, networks):
        for contender in report["contenders"]:
            points = [(case["rows"], entry["rows_per_s"]) for case in cases
                      if title(case) == network for entry in case["entries"]
                      if entry["contender"] == contender["key"]]
            colour, marker = LOOKS[contender["key"]]
            ours = contender["key"].startswith("ffwd")
            axis.loglog(*zip(*points) if points else ([], []), color=colour, marker=marker,
                        markersize=4 if ours else 3, linewidth=1.8 if ours else 1,
                        zorder=3 if ours else 2, label=contender["label"])
        axis.set_title(network)
        axis.xaxis.set_major_formatter(FuncFormatter(si))
        axis.yaxis.set_major_formatter(FuncFormatter(si))
        axis.minorticks_off()
    for axis in axes.flat[len(networks):]:
        axis.set_axis_off()
    for axis in axes.flat[max(len(networks) - across, 0):len(networks)]:
        axis.set_xlabel("rows")
    for axis in axes[:, 0]:
        axis.set_ylabel("rows a second")
    figure.suptitle(f"{DTYPES[dtype]} — {heading(report).strip()}", fontsize=9, color=INK)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(6, len(labels)))
    return figure


def draw_limit(report):
    """A row a network: the share of the limit at its most rows, by device and dtype."""
    cases = largest(report["cases"])
    networks = names(cases)
    figure, axis = pyplot.subplots(figsize=(8, 0.55 * len(networks) + 1.6))
    for device, (label, key) in DEVICES.items():
        if not is_in(report, key):
            continue
        colour = LOOKS[key][0]
        for dtype, name in DTYPES.items():
            found = [(command_of(case, device)["of_limit"], networks.index(title(case)))
                     for case in cases if case["dtype"] == dtype and command_of(case, device)]
            found = [(share, at) for share, at in found if share is not None]
            shift = (-0.24 if dtype == "f32" else 0.08) + (0 if device == "cpu" else 0.16)
            axis.scatter([share for share, _ in found], [at + shift for _, at in found], s=36,
                         marker="o" if dtype == "f32" else "D", zorder=3, edgecolor=colour,
                         facecolor=colour if device == "cpu" else "white", linewidth=1.4,
                         label=f"{label}, {name}")
    axis.axvline(1, color=INK, linewidth=1)
    axis.set_yticks(range(len(networks)), networks)
    axis.set_ylim(len(networks) - 0.5, -0.5)
    axis.set_xlim(0, max(1.05, axis.get_xlim()[1]))
    axis.xaxis.set_major_formatter(PercentFormatter(1))
    axis.set_xlabel("of the limit: memory or multiply-adds, measured in the same run")
    axis.set_title(heading(report).strip(), color=INK)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def draw_roof(axis, commands):
    """The measured limits: their medians over the networks; of memory over those that it limits."""
    limited = [command for command in commands if command["limited_by"] == "stream"]
    stream = np.median([command["stream_gbps"] for command in limited or commands])
    fma = np.median([command["fma_gflops"] for command in commands])
    at = np.geomspace(0.5, 5e3, 400)
    axis.plot(at, np.minimum(at * stream, fma), color=INK, linewidth=1.4)
    axis.text(0.97, 0.05, f"{stream:.0f} GB/s, {fma:.0f} GFLOP/s", transform=axis.transAxes,
              ha="right", color=INK)


def draw_roofline(report):
    """A panel a dtype: each network at its flops for a byte of rows, under the limits."""
    cases = largest(report["cases"])
    networks = names(cases)
    colours = dict(zip(networks, pyplot.get_cmap("tab20").colors))
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.6), sharey=True)
    for axis, (dtype, name) in zip(axes, DTYPES.items()):
        some = [case for case in cases if case["dtype"] == dtype and case["commands"]]
        if not some:
            axis.set_axis_off()
            continue
        axis.set(xscale="log", yscale="log", title=name, xlabel="flops for each byte of X and Y")
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_formatter(FuncFormatter(si))
            side.set_minor_formatter(NullFormatter())
        draw_roof(axis, [command_of(case, "cpu") for case in some])
        for case in some:
            for device, (_, key) in DEVICES.items():
                command = command_of(case, device)
                if command is not None:
                    colour = colours[title(case)]
                    axis.plot(case["flops"] / case["bytes"], command["gflops"],
                              marker=LOOKS[key][1], markersize=7, linestyle="", color=colour,
                              zorder=3, markerfacecolor=colour if device == "cpu" else "none")
    axes[0].set_ylabel("GFLOP/s")
    marks = [pyplot.Line2D([], [], linestyle="", marker="o", color=colours[network])
             for network in networks]
    marks += [pyplot.Line2D([], [], linestyle="", marker=LOOKS[key][1], color=INK,
                            markerfacecolor=INK if device == "cpu" else "none")
              for device, (_, key) in DEVICES.items()]
    labels = networks + [label for label, _ in DEVICES.values()]
    figure.legend(marks, labels, loc="outside right center")
    figure.suptitle(heading(report).strip(), fontsize=9, color=INK)
    return figure


def draw(report, out, kind="svg"):
    """All plots, as files whose names begin with `out`."""
    with pyplot.rc_context(STYLE):
        for dtype in DTYPES:
            if any(case["dtype"] == dtype for case in report["cases"]):
                save(draw_rows(report, dtype), out, f"rows-{dtype}", kind)
        save(draw_limit(report), out, "limit", kind)
        save(draw_roofline(report), out, "roofline", kind)


if __name__ == "__main__":
    draw(read(Path(sys.argv[1])), sys.argv[2], *sys.argv[3:])
