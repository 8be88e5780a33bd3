# SPDX-License-Identifier: MIT
"""Who multiplies on the same card as ffwd: CLBlast, PyTorch and CuPy, each with its rows on the device
and in the host's memory. float32 is float32: TF32 is off."""
import os

from errors import Unavailable
from native_peers import NativeKind
from python_peers import PythonPeer, import_peer


class OnCard(PythonPeer):
    """A peer that is called from Python; resident: rows are brought to the card before the clock
    starts, and results fetched after it has stopped."""

    def __init__(self, network, threads, resident):
        super().__init__(network, threads)
        self.resident = resident

    def upload(self, x):
        raise NotImplementedError

    def download(self, y):
        raise NotImplementedError

    def layers(self, x):
        """Y on the card, complete."""
        raise NotImplementedError

    def prepare(self, x):
        return self.upload(x) if self.resident else x

    def compute(self, x):
        return self.layers(x) if self.resident else self.download(self.layers(self.upload(x)))

    def finish(self, y):
        return self.download(y) if self.resident else y


class PyTorch(OnCard):
    """torch.nn.functional on the first device of CUDA or ROCm."""
    key, label = "pytorch", "PyTorch"

    @staticmethod
    def version():
        torch = import_peer("torch")
        if not torch.cuda.is_available():
            raise Unavailable(f"PyTorch {torch.__version__} sees no GPU here")
        return torch.__version__

    def __init__(self, network, threads, resident):
        super().__init__(network, threads, resident)
        self.torch = torch = import_peer("torch")
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.set_float32_matmul_precision("highest")
        self.weights = [self.upload(w) for w in network.weights]
        self.activation = {"relu": torch.relu_, "tanh": torch.tanh_, "sigmoid": torch.sigmoid_,
                           "step": lambda z: (z > 0).to(z.dtype)}[network.activation]

    def upload(self, x):
        return self.torch.from_numpy(x).to("cuda")

    def download(self, y):
        return y.cpu().numpy()

    def layers(self, x):
        with self.torch.inference_mode():
            for w in self.weights:
                x = self.activation(self.torch.nn.functional.linear(x, w))
        self.torch.cuda.synchronize()
        return x


class CuPy(OnCard):
    """A product and an activation a layer."""
    key, label = "cupy", "CuPy"

    @staticmethod
    def version():
        os.environ["CUPY_TF32"] = "0"
        cupy = import_peer("cupy")
        try:
            cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise Unavailable(f"CuPy {cupy.__version__} sees no GPU here: {error}") from error
        return cupy.__version__

    def __init__(self, network, threads, resident):
        super().__init__(network, threads, resident)
        self.cupy = cupy = import_peer("cupy")
        self.weights = [cupy.asarray(w).T for w in network.weights]
        self.activation = {"relu": lambda z: cupy.maximum(z, 0, out=z),
                           "tanh": lambda z: cupy.tanh(z, out=z),
                           "sigmoid": lambda z: 1 / (1 + cupy.exp(-z)),
                           "step": lambda z: (z > 0).astype(z.dtype)}[network.activation]

    def upload(self, x):
        return self.cupy.asarray(x)

    def download(self, y):
        return self.cupy.asnumpy(y)

    def layers(self, x):
        for w in self.weights:
            x = self.activation(x @ w)
        self.cupy.cuda.runtime.deviceSynchronize()
        return x


class Kind:
    """A peer in a mode; called with a network and a number of threads it makes one."""

    def __init__(self, peer, mode):
        self.peer, self.mode = peer, mode
        self.key, self.label, self.version = f"{peer.key}_{mode}", peer.label, peer.version

    def __call__(self, network, threads):
        return self.peer(network, threads, self.mode == "resident")


class NativeInMode(NativeKind):
    """One in C, which is told its mode as its device."""

    def __init__(self, folder, name, label, package, mode):
        super().__init__(folder, name, label, package, mode)
        self.mode = mode


def known_kinds(folder):
    """In the order of the tables."""
    return [kind for mode in ("resident", "host")
            for kind in (NativeInMode(folder, "clblast", "CLBlast", "libclblast-dev", mode),
                         Kind(PyTorch, mode), Kind(CuPy, mode))]
