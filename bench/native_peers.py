# SPDX-License-Identifier: MIT
"""The peers that are shared objects with the functions of peers/peer.h, ffwd's library among them."""
import ctypes
from ctypes import POINTER, byref, c_char, c_char_p, c_uint32, c_uint64, c_void_p

import numpy as np

from errors import Unavailable
from networks import aligned

ACTIVATIONS = {"identity": 0, "step": 1, "relu": 2, "sigmoid": 3, "tanh": 4}


class Net(ctypes.Structure):
    """peer_net"""
    _fields_ = [("layer_count", c_uint32), ("activation", c_uint32), ("threads", c_uint32),
                ("device", c_char_p), ("widths", POINTER(c_uint64)), ("weights", POINTER(c_void_p))]


class Reason(ctypes.Structure):
    """peer_reason"""
    _fields_ = [("text", c_char * 256)]


def load(folder, name, dtype):
    """The shared object of a peer, its functions declared; NULL where it was not built."""
    path = folder / f"peer_{name}_{dtype}.so"
    if not path.exists():
        return None
    try:
        code = ctypes.CDLL(str(path))
    except OSError as error:
        raise Unavailable(str(error)) from error
    code.peer_version.restype = c_char_p
    code.peer_create.argtypes = [POINTER(Net), POINTER(Reason)]
    code.peer_create.restype = c_void_p
    code.peer_destroy.argtypes = [c_void_p]
    code.peer_time.argtypes = [c_void_p, c_void_p, c_void_p, c_uint64, c_uint64, POINTER(c_uint64)]
    return code


class NativePeer:
    """A network on a peer."""

    def __init__(self, kind, network, threads):
        code = load(kind.folder, kind.name, network.dtype)
        if code is None:
            raise Unavailable(f"{kind.label} has no {network.dtype} here")
        self.code, self.network = code, network
        self.weights = network.weights  # what the pointers point to
        layers = len(self.weights)
        self.net = Net(layers, ACTIVATIONS[network.activation], threads, kind.device.encode(),
                       (c_uint64 * (layers + 1))(*network.widths),
                       (c_void_p * layers)(*(w.ctypes.data for w in self.weights)))
        reason = Reason()
        self.peer = code.peer_create(byref(self.net), byref(reason))
        if not self.peer:
            raise Unavailable(reason.text.decode())

    def time(self, rows, repeats):
        """Nanoseconds of each of `repeats` runs over the first rows, and the last results."""
        x = self.network.x[:rows]
        y = aligned((rows, self.network.widths[-1]), x.dtype)
        y.fill(np.nan)
        spent = (c_uint64 * repeats)()
        failed = self.code.peer_time(self.peer, x.ctypes.data, y.ctypes.data, rows, repeats, spent)
        if failed:
            raise Unavailable(f"a run over {rows:,} rows failed with {failed}")
        return list(spent), y

    def close(self):
        """Destroys the peer; its threads may stay."""
        self.code.peer_destroy(self.peer)


class NativeKind:
    """One of the shared objects of a folder. Called like a class: makes a NativePeer."""

    def __init__(self, folder, name, label, package, device=""):
        self.folder, self.name, self.label = folder, name, label
        self.package, self.device = package, device
        self.key = f"{name}_{device}" if device else name

    def __call__(self, network, threads):
        return NativePeer(self, network, threads)

    def version(self):
        """Of the library behind it."""
        code = load(self.folder, self.name, "f32")
        if code is None:
            raise Unavailable(f"not built: cmake found no {self.package}")
        return code.peer_version().decode()


def native_kinds(folder):
    """All that there may be; ffwd first."""
    return [
        NativeKind(folder, "ffwd", "ffwd", "OpenMP", "cpu"),
        NativeKind(folder, "ffwd", "ffwd on OpenCL", "OpenMP", "opencl"),
        NativeKind(folder, "onednn", "oneDNN", "libdnnl-dev"),
        NativeKind(folder, "openblas", "OpenBLAS", "libopenblas-pthread-dev"),
        NativeKind(folder, "fann", "FANN", "libfann-dev"),
        NativeKind(folder, "clblast", "CLBlast", "libclblast-dev"),
        NativeKind(folder, "per_row", "plain OpenCL", "ocl-icd-opencl-dev"),
        NativeKind(folder, "naive", "C loops", "OpenMP"),
    ]
