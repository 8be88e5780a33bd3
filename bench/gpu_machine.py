# SPDX-License-Identifier: MIT
"""A machine with a GPU: its OpenCL driver and loader, a build for it, and a build to carry there."""
import os
import shutil
import subprocess
from pathlib import Path

from errors import Unavailable

ROOT = Path(__file__).resolve().parent.parent
VENDORS = Path("/etc/OpenCL/vendors")
# Drivers that lie in a container without being registered.
DRIVERS = ("libnvidia-opencl.so.1", "libamdocl64.so", "libigdrcl.so", "libpocl.so.2")
LOADER = "libOpenCL.so.1"
FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
           "/usr/local/nvidia/lib64", "/usr/local/cuda/lib64", "/opt/rocm/lib",
           "/opt/rocm/opencl/lib", "/usr/lib/x86_64-linux-gnu/intel-opencl")
# What every machine has of its own, and has to have.
OF_THE_SYSTEM = ("libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "ld-linux")


def find_library(name, folders=FOLDERS):
    """Where a shared library lies, or None."""
    return next((Path(folder, name) for folder in folders if Path(folder, name).exists()), None)


def driver_of(given, environment, vendors=VENDORS, folders=FOLDERS):
    """What tells the loader of the driver: {} where it knows already. Raises Unavailable."""
    if given is not None:
        if not given.exists():
            raise Unavailable(f"--icd {given}: no such file")
        return {"OCL_ICD_VENDORS": str(given), "OCL_ICD_FILENAMES": str(given)}
    if "OCL_ICD_VENDORS" in environment or "OCL_ICD_FILENAMES" in environment:
        return {}
    if any(vendors.glob("*.icd")):
        return {}
    for name in DRIVERS:
        found = find_library(name, folders)
        if found:
            return {"OCL_ICD_VENDORS": str(found), "OCL_ICD_FILENAMES": str(found)}
    raise Unavailable(f"no OpenCL driver: neither {vendors}/*.icd nor {', '.join(DRIVERS)}; "
                      "--icd names one")


def loader_of(given, environment, build, folders=FOLDERS):
    """The same of the loader: the system's, else the one that came with the build."""
    if given is not None:
        if not given.exists():
            raise Unavailable(f"--loader {given}: no such file")
        return {"FFWD_OPENCL_LIBRARY": str(given)}
    if "FFWD_OPENCL_LIBRARY" in environment or find_library(LOADER, folders):
        return {}
    carried = Path(build, "lib", LOADER)
    if carried.exists():
        return {"FFWD_OPENCL_LIBRARY": str(carried)}
    raise Unavailable(f"no OpenCL loader: {LOADER} is neither in "
                      f"{', '.join(map(str, folders))} nor in "
                      f"{carried.parent}; --loader names one")


def paths_of(build, carried):
    """What programs of a build find their own parts by: where it was carried, its own libraries
    come first, and the sources may lie elsewhere than where it was made."""
    if not carried:
        return {}
    before = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    folders = [str(build / "lib"), *(one for one in before if one and one != str(build / "lib"))]
    return {"LD_LIBRARY_PATH": os.pathsep.join(folders),
            "FFWD_TESTS_LAYER": str(build / "lib" / "libffwd_test_layer.so"),
            "FFWD_PEER_KERNELS": str(ROOT / "bench" / "peers" / "peers.cl")}


def tell(command):
    print("$ " + " ".join(map(str, command)), flush=True)


def build_here():
    """Builds what the day needs, with what packages can be had; the folder."""
    for packages in ("packages.txt", "bench/packages.txt"):
        command = ["sh", ROOT / "scripts" / "install-packages", ROOT / packages]
        tell(command)
        if subprocess.run(command, check=False).returncode != 0:
            print(f"gpu-day: not all of {packages} could be installed", flush=True)
    for command in (["cmake", "--preset", "release"], ["cmake", "--build", "--preset", "release"]):
        tell(command)
        try:
            subprocess.run(command, cwd=ROOT, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(f"no build: {error}; --build takes one made elsewhere") from error
    return ROOT / "build" / "release"


def needed_libraries(file):
    """The shared libraries of a program that are not every system's."""
    done = subprocess.run(["ldd", file], stdout=subprocess.PIPE, text=True, check=True)
    words = [line.split() for line in done.stdout.splitlines() if "=> /" in line]
    return [Path(line[2]) for line in words if not line[0].startswith(OF_THE_SYSTEM)]


def pack(build, folder):
    """A build to carry: programs, peers, and the libraries that they need."""
    for part in ("bin", "bench", "lib"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    programs = [build / "bin" / "ffwd", *sorted((build / "bin").glob("test_*"))]
    peers = sorted((build / "bench").glob("peer_*.so"))
    libraries = {path.name: path for path in sorted((build / "lib").glob("*.so*"))}
    for file in [*programs, *peers]:
        libraries |= {path.name: path for path in needed_libraries(file)}
    loader = find_library(LOADER)
    if loader:
        libraries[LOADER] = loader
    for file, part in [*((p, "bin") for p in programs), *((p, "bench") for p in peers)]:
        shutil.copy2(file, folder / part)
    for name, file in libraries.items():
        shutil.copy2(file, folder / "lib" / name)
    return len(programs) + len(peers), len(libraries)
