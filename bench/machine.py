# SPDX-License-Identifier: MIT
"""The machine, the day and the commit of a measurement."""
import datetime
import os
import platform
import subprocess
from pathlib import Path


def thread_count():
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def set_threads(count):
    """Before any library looks; without a processor type forced upon OpenBLAS, which would slow it."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POCL_MAX_PTHREAD_COUNT"):
        os.environ[name] = str(count)
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)


def processor():
    """Its name, as Linux tells it."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def system():
    """The distribution and the kernel."""
    release = platform.freedesktop_os_release()
    return f"{release['PRETTY_NAME']}, {platform.system()} {platform.release()}"


def commit():
    """Of the source folder; ends in "-dirty" where files were changed."""
    done = subprocess.run(["git", "-C", Path(__file__).parent, "describe", "--always", "--dirty"],
                          stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() or "unknown"


def describe(threads):
    """For the report."""
    return {"cpu": processor(), "os": system(), "threads": threads,
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
            "date": datetime.date.today().isoformat(), "commit": commit()}
