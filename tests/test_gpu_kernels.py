#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Judges the kernels for GPUs without one: compiles every program that gpu_variants lists, for AMD
with clang and for NVIDIA, where ptxas is at hand, with clang and ptxas. Scratch memory and spilled
registers fail; so does a table in docs/gpu_kernels.md that says something else. FFWD_WRITE_TABLE=1
writes it."""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
LIBRARIES = Path("/usr/lib/clc")
COMMON = ["-x", "cl", "-Xclang", "-finclude-default-header", "-O3", "-Wno-linker-warnings",
          "-Wno-unused-command-line-argument"]
# Which targets stand for an entry of the table of tiles, and what a unit of them holds.
TARGETS = {"amd": "gfx906", "nvidia": "sm_90", "gpu": "gfx906"}
SM_REGISTERS, SM_LOCAL, SM_WARPS, SM_GROUPS = 65536, 227 << 10, 64, 32


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout + done.stderr


def compile_kernel(variant, target, folder, output):
    library, machine = {
        "amdgcn": ("gfx906-amdgcn-mesa-mesa3d.bc",
                   ["-target", "amdgcn-mesa-mesa3d", "-mcpu=gfx906"]),
        "nvptx": ("nvptx64--nvidiacl.bc",
                  ["-target", "nvptx64-nvidia-nvcl", "-Xclang", "-target-cpu", "-Xclang", "sm_75"]),
    }[target]
    options = [o for o in re.findall(r"-D \S+|-cl-\S+", variant["options"])]
    options = [o.replace("-D ", "-D") for o in options]
    run(["clang-14", *machine, *COMMON, "-Xclang", "-mlink-builtin-bitcode", "-Xclang",
         LIBRARIES / library, *options, "-S", folder / variant["file"], "-o", output])


def number(pattern, text):
    return int(re.search(pattern, text).group(1))


def judge_amd(variant, folder, work):
    """Registers and scratch are comments of the assembly; occupancy is waves of a SIMD's ten."""
    output = work / "kernel.s"
    compile_kernel(variant, "amdgcn", folder, output)
    text = output.read_text()
    return {"registers": number(r"; NumVgprs: (\d+)", text),
            "scalar": number(r"; NumSgprs: (\d+)", text),
            "local": number(r"; LDSByteSize: (\d+)", text),
            "spilled": number(r"; ScratchSize: (\d+)", text),
            "code": number(r"; codeLenInByte = (\d+)", text),
            "waves": str(number(r"; Occupancy: (\d+)", text)) + " of 10"}


def warps_of(items, registers, local):
    """Warps that an SM holds at once."""
    warps = (items + 31) // 32
    of_registers = SM_REGISTERS // (-(-registers // 8) * 8 * 32) // warps
    of_local = SM_LOCAL // (local + 1024)
    return warps * min(of_registers, of_local, SM_WARPS // warps, SM_GROUPS)


def judge_nvidia(variant, folder, work):
    ptx = work / "kernel.ptx"
    compile_kernel(variant, "nvptx", folder, ptx)
    ptx.write_text(re.sub(r", *texmode_independent", "", ptx.read_text()))
    told = run(["ptxas", "-v", "-arch=sm_90", ptx, "-o", work / "kernel.cubin"])
    registers = number(r"Used (\d+) registers", told)
    shared = re.search(r"(\d+) bytes smem", told)
    local = int(shared.group(1)) if shared else 0
    warps = warps_of(variant["items"], registers, local)
    return {"registers": registers, "scalar": "", "local": local,
            "spilled": number(r"(\d+) bytes spill stores", told)
            + number(r"(\d+) bytes stack frame", told),
            "code": "", "waves": f"{warps} of {SM_WARPS}"}


def judge(variant, folder):
    with tempfile.TemporaryDirectory() as work:
        what = judge_nvidia if TARGETS[variant["tiles"]] == "sm_90" else judge_amd
        return what(variant, folder, Path(work))


def read_variants(program):
    names = "tiles", "network", "dtype", "strategy", "kernel", "items", "file", "options"
    variants = []
    for line in run([program]).splitlines():
        variant = dict(zip(names, line.split("\t")))
        variant["items"] = int(variant["items"])
        variants.append(variant)
    # A program of several networks is judged once, under the first of them.
    return list({(v["tiles"], v["file"], v["options"]): v for v in reversed(variants)}.values())[::-1]


HEAD = """| tiles | network | kernel | items | registers | scalar | local | code | waves |
|---|---|---|---|---|---|---|---|---|
"""


def row(variant, found):
    return (f"| {variant['tiles']} | {variant['network']} | {variant['kernel']} | {variant['items']} "
            f"| {found['registers']} | {found['scalar']} | {found['local']} | {found['code']} "
            f"| {found['waves']} |\n")


def told_before(page, tiles):
    """The rows of a kind of device that the page has."""
    return [line + "\n" for line in page.splitlines() if line.startswith(f"| {tiles} |")]


def check_page(path, rows, absent):
    page = path.read_text() if path.exists() else ""
    begin, end = "<!-- table -->\n", "<!-- end of table -->\n"
    for tiles in absent:
        rows[tiles] = told_before(page, tiles)
    table = HEAD + "".join("".join(rows[tiles]) for tiles in rows)
    before, _, rest = page.partition(begin)
    expected = before + begin + table + end + rest.partition(end)[2]
    if os.environ.get("FFWD_WRITE_TABLE") == "1":
        path.write_text(expected)
    elif page != expected:
        print(f"{path} does not have what was found; FFWD_WRITE_TABLE=1 writes it:\n{table}")
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variants", help="the program gpu_variants")
    parser.add_argument("project", type=Path, help="the project's root")
    arguments = parser.parse_args()
    os.environ["PATH"] += os.pathsep + "/usr/local/cuda/bin"
    if shutil.which("clang-14") is None or not LIBRARIES.is_dir():
        print("skipped: no clang-14, or no libclc-14")
        return SKIPPED
    absent = [] if shutil.which("ptxas") else ["nvidia"]
    if absent:
        print("not compiled: the kernels for NVIDIA: no ptxas")

    variants = [v for v in read_variants(arguments.variants) if v["tiles"] not in absent]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda v: judge(v, arguments.project / "kernels"), variants))
    rows = {tiles: [] for tiles in TARGETS}
    failed = 0
    for variant, facts in zip(variants, found):
        rows[variant["tiles"]].append(row(variant, facts))
        if facts["spilled"]:
            failed = 1
            print(f"{variant['tiles']}, {variant['network']}, {variant['kernel']}: "
                  f"{facts['spilled']} bytes of scratch: {variant['options']}")
    print(f"{len(variants)} programs compiled")
    return failed | check_page(arguments.project / "docs/gpu_kernels.md", rows, absent)


if __name__ == "__main__":
    sys.exit(main())
