# SPDX-License-Identifier: MIT
"""The peers that Python calls: NumPy, ONNX Runtime, PyTorch, and Python itself."""
import importlib
import math
import sys
import time

import numpy as np

from networks import ACTIVATIONS
from errors import Unavailable


def import_peer(module):
    """The module, or the reason why there is none."""
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:
        raise Unavailable(f"{error}; scripts/install-peers installs it") from error


class PythonPeer:
    """A peer with a function from rows to results."""

    def __init__(self, network, threads):
        """Threads of NumPy and of Python are set for the process, or none."""
        del threads
        self.network = network

    def compute(self, x):
        raise NotImplementedError

    def time(self, rows, repeats):
        """Nanoseconds of each of `repeats` runs over the first rows, and the last results."""
        x, spent, y = self.prepare(self.network.x[:rows]), [], None
        for _ in range(repeats):
            start = time.perf_counter_ns()
            y = self.compute(x)
            spent.append(time.perf_counter_ns() - start)
        return spent, self.finish(y)

    def prepare(self, x):
        """X as the peer takes it; not timed."""
        return x

    def finish(self, y):
        """Y as an array; not timed."""
        return y

    def close(self):
        """Gives back what Python does not."""


class Numpy(PythonPeer):
    """One product and one activation a layer, over all rows."""
    key, label = "numpy", "NumPy"

    @staticmethod
    def version():
        return np.__version__

    def compute(self, x):
        for w in self.network.weights:
            x = ACTIVATIONS[self.network.activation](x @ w.T)
        return x


class OnnxRuntime(PythonPeer):
    """A session over the network as an ONNX graph of Gemm and activation nodes."""
    key, label = "onnxruntime", "ONNX Runtime"

    @staticmethod
    def version():
        import_peer("onnx")
        return import_peer("onnxruntime").__version__

    def __init__(self, network, threads):
        super().__init__(network, threads)
        runtime = import_peer("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        self.session = runtime.InferenceSession(self.graph().SerializeToString(), options,
                                                providers=["CPUExecutionProvider"])

    def activation(self, layer, kind):
        """The nodes from z to y of a layer; ONNX has no step."""
        make = import_peer("onnx").helper.make_node
        if self.network.activation == "step":
            return [make("Greater", [f"z{layer}", "zero"], [f"above{layer}"]),
                    make("Cast", [f"above{layer}"], [f"y{layer}"], to=kind)]
        operator = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}[self.network.activation]
        return [make(operator, [f"z{layer}"], [f"y{layer}"])]

    def graph(self):
        """The network as an ONNX model."""
        onnx = import_peer("onnx")
        helper, of_array = onnx.helper, onnx.numpy_helper.from_array
        dtype = self.network.weights[0].dtype
        kind = helper.np_dtype_to_tensor_dtype(dtype)
        nodes, constants, at = [], [], "x"
        if self.network.activation == "step":
            constants.append(of_array(np.zeros((), dtype), "zero"))
        for i, w in enumerate(self.network.weights):
            constants.append(of_array(w, f"w{i}"))
            nodes.append(helper.make_node("Gemm", [at, f"w{i}"], [f"z{i}"], transB=1))
            nodes += self.activation(i, kind)
            at = f"y{i}"
        inputs = [helper.make_tensor_value_info("x", kind, [None, self.network.widths[0]])]
        outputs = [helper.make_tensor_value_info(at, kind, None)]
        graph = helper.make_graph(nodes, "net", inputs, outputs, constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def compute(self, x):
        return self.session.run(None, {"x": x})[0]


class PyTorch(PythonPeer):
    """torch.nn.functional in inference mode."""
    key, label = "pytorch", "PyTorch"

    @staticmethod
    def version():
        return import_peer("torch").__version__

    def __init__(self, network, threads):
        super().__init__(network, threads)
        self.torch = import_peer("torch")
        self.torch.set_num_threads(threads)
        self.weights = [self.torch.from_numpy(w) for w in network.weights]
        self.activation = {"relu": self.torch.relu_, "tanh": self.torch.tanh_,
                           "sigmoid": self.torch.sigmoid_,
                           "step": lambda z: (z > 0).to(z.dtype)}[network.activation]

    def prepare(self, x):
        return self.torch.from_numpy(x)

    def compute(self, x):
        with self.torch.inference_mode():
            for w in self.weights:
                x = self.activation(self.torch.nn.functional.linear(x, w))
            return x

    def finish(self, y):
        return y.numpy()


class PlainPython(PythonPeer):
    """Lists and loops, one thread."""
    key, label = "python", "Python"
    ACTIVATIONS = {"step": lambda z: 1.0 if z > 0 else 0.0, "relu": lambda z: max(z, 0.0),
                   "tanh": math.tanh, "sigmoid": lambda z: 1 / (1 + math.exp(-z))}

    def __init__(self, network, threads):
        super().__init__(network, threads)
        self.weights = [w.tolist() for w in network.weights]

    @staticmethod
    def version():
        return ".".join(str(part) for part in sys.version_info[:3])

    def prepare(self, x):
        return x.tolist()

    def compute(self, x):
        activation = self.ACTIVATIONS[self.network.activation]
        results = []
        for row in x:
            for layer in self.weights:
                row = [activation(sum(w * v for w, v in zip(neuron, row))) for neuron in layer]
            results.append(row)
        return results

    def finish(self, y):
        return np.array(y)
