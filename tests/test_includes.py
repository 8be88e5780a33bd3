#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Includes run downwards only: reads every #include and says which one breaks the layering.

    test_includes.py SOURCE_FOLDER
"""
import collections
import pathlib
import re
import sys

# A folder of the library and the folders whose headers it may include.
LAYERS = {
    "host/base": {"base"},
    "host/model": {"base", "model"},
    "host/device": {"base", "model", "device"},
    "host/format": {"base", "model", "format"},
    "host/cpu": {"base", "model", "device", "cpu", "kernels"},
    "host/opencl": {"base", "model", "device", "opencl", "kernels"},
    "host/engine": {"base", "model", "device", "engine"},
}

# Files that may include more, and why.
EXCEPTIONS = {
    # Knows the constructors of both kinds of device.
    "host/engine/engine_devices.c": {"cpu/cpu.h", "opencl/opencl_open.h"},
    # Times the transposes by themselves.
    "bench/micro/micro_transpose_body.c": {"cpu/transpose_body.h"},
}

# See <ffwd/...> and their own folder.
OUTSIDERS = ["cli", "bench", "examples"]

# A library and the only places that know it.
LIBRARIES = {
    "pthreadpool.h": ["host/base/threads.c"],
    "CL/": ["host/opencl/", "bench/peers/", "include/ffwd/opencl.h"],
    "Random123/": ["host/base/random.c"],
    "dlfcn.h": ["host/opencl/loader.c"],
    "zip.h": ["host/format/"],
    "pb_decode.h": ["host/format/onnx_wire.c"],
    "jansson.h": ["cli/"],
    "xxhash.h": ["cli/"],
    "argp.h": ["cli/"],
}

# What a header of the tree may start with, in quotes or not: -I makes no difference between them.
OWN = {"host", "kernels", *(folder.split("/")[1] for folder in LAYERS)}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)
SUFFIXES = {".c", ".h", ".cl", ".cpp"}


def sources(root, folder):
    return sorted(path for path in (root / folder).rglob("*")
                  if path.suffix in SUFFIXES and path.is_file())


def may_include_own(name, quoted, header):
    """Whether a file of the tree may include a header of the tree."""
    folder, top = name.rsplit("/", 1)[0], name.split("/", 1)[0]
    first = header.split("/", 1)[0]
    if not quoted and first not in OWN:
        return True
    if header in EXCEPTIONS.get(name, ()):
        return True
    if folder in LAYERS:
        return first in LAYERS[folder] and "/" in header
    if top == "kernels":
        return "/" not in header
    return ".." not in header and first not in OWN


def may_include_library(name, header):
    for prefix, places in LIBRARIES.items():
        if header == prefix or (prefix.endswith("/") and header.startswith(prefix)):
            return any(name.startswith(place) for place in places)
    return True


def check_file(root, path):
    name = path.relative_to(root).as_posix()
    for kind, header in INCLUDE.findall(path.read_text(encoding="utf-8")):
        if name.startswith("kernels/") and kind == "<":
            yield f"{name} includes <{header}>: kernels compile alone"
        if not may_include_own(name, kind == '"', header):
            yield f'{name} includes "{header}", which is not below it'
        if not may_include_library(name, header):
            yield f"{name} includes <{header}>, which has a place of its own"


def check_names(paths):
    """Names of files are unique in the tree, so that one name means one thing."""
    places = collections.defaultdict(list)
    for path in paths:
        places[path.name].append(path)
    for name, found in places.items():
        if len(found) > 1:
            yield f"{name} is the name of {len(found)} files: {', '.join(map(str, found))}"


def check_exceptions(root):
    """An exception that nobody needs any more goes."""
    for name, headers in EXCEPTIONS.items():
        text = (root / name).read_text(encoding="utf-8")
        included = {header for _, header in INCLUDE.findall(text)}
        for header in sorted(headers - included):
            yield f'{name} may include "{header}", but does not'


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    unknown = [path.name for path in (root / "host").iterdir()
               if path.is_dir() and f"host/{path.name}" not in LAYERS]
    problems = [f"host/{name} has no place in the layering" for name in unknown]
    paths = [path for folder in ["host", "kernels", "include", "tests", *OUTSIDERS]
             for path in sources(root, folder)]
    for path in paths:
        if not path.is_relative_to(root / "tests"):
            problems += check_file(root, path)
    problems += check_names(path.relative_to(root) for path in paths)
    problems += check_exceptions(root)
    print(*problems, sep="\n")
    print(f"{len(paths)} files, {len(problems)} problems")
    return 1 if problems or len(paths) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
