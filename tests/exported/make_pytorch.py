#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the models of PyTorch's two exporters. It wants a Python with
torch, onnx, onnxruntime and onnxscript; nothing is installed from here."""

import os
import re
import sys
import warnings
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from torch import nn

from keep import HERE, forget, keep, rows, strip

ACTIVATIONS = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"), "silu": nn.SiLU,
    "hardswish": nn.Hardswish, "hardsigmoid": nn.Hardsigmoid, "mish": nn.Mish,
    "elu": lambda: nn.ELU(0.5), "selu": nn.SELU, "celu": lambda: nn.CELU(0.5),
    "softplus": nn.Softplus, "softplus_beta": lambda: nn.Softplus(beta=2),
    "softsign": nn.Softsign, "leaky_relu": lambda: nn.LeakyReLU(0.1), "prelu": nn.PReLU,
    "prelu_each": lambda: nn.PReLU(8), "relu6": nn.ReLU6, "hardtanh": lambda: nn.Hardtanh(-2, 1),
    "threshold": lambda: nn.Threshold(0.5, 0), "logsigmoid": nn.LogSigmoid,
}


def each(function):
    """A module of a function."""
    class Module(nn.Module):
        def forward(self, x):
            return function(x)
    return Module()


def normalization(width):
    """One that has seen data."""
    module = nn.BatchNorm1d(width)
    for part in module.weight, module.bias, module.running_mean:
        nn.init.uniform_(part, -1, 1)
    nn.init.uniform_(module.running_var, 0.5, 2)
    return module


class Scaled(nn.Module):
    """Scales X, as people do it by hand, and takes Y back."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([1.0, -2, 0.5, 3, 0]))
        self.register_buffer("deviation", torch.tensor([2.0, 0.5, 1, 3, 0.25]))
        self.body = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, x):
        return self.body((x - self.mean) / self.deviation) * 12.5 + 40


class Products(nn.Module):
    """Layers without nn.Linear."""

    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(torch.randn(5, 8))
        self.second = nn.Parameter(torch.randn(3, 8))
        self.bias = nn.Parameter(torch.randn(3))

    def forward(self, x):
        return torch.addmm(self.bias, torch.relu(x @ self.first), self.second.T)


def mlp(activation, *more):
    return nn.Sequential(nn.Linear(5, 8), activation, nn.Linear(8, 3), *more)


def models():
    """Names, modules, and the shape of a row."""
    for name, activation in ACTIVATIONS.items():
        yield name, mlp(activation()), (5,)
    yield "step", mlp(each(lambda x: (x > 0).float())), (5,)
    yield "step_where", mlp(each(lambda x: torch.where(x > 0, 1.0, 0.0))), (5,)
    yield "step_heaviside", mlp(each(lambda x: torch.heaviside(x, torch.tensor(0.0)))), (5,)
    yield "sign", mlp(each(torch.sign)), (5,)
    yield "abs", mlp(each(torch.abs)), (5,)
    yield "clamp", mlp(each(lambda x: x.clamp(min=-0.5))), (5,)
    yield "softmax", mlp(nn.ReLU(), nn.Softmax(dim=1)), (5,)
    yield "softmax_last", mlp(nn.ReLU(), nn.Softmax(dim=-1)), (5,)
    yield "log_softmax", mlp(nn.ReLU(), nn.LogSoftmax(dim=1)), (5,)
    yield "argmax", mlp(nn.ReLU(), each(lambda x: x.argmax(1))), (5,)
    yield "squeezed", nn.Sequential(nn.Linear(5, 1), each(lambda x: x.squeeze(1))), (5,)
    yield "batchnorm", nn.Sequential(nn.Linear(5, 8), normalization(8), nn.ReLU(),
                                     nn.Linear(8, 3)), (5,)
    yield "batchnorm_behind", nn.Sequential(nn.Linear(5, 8), nn.ReLU(), normalization(8),
                                            nn.Linear(8, 3)), (5,)
    yield "batchnorm_first", nn.Sequential(normalization(5), nn.Linear(5, 3), nn.Tanh()), (5,)
    yield "dropout", nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.3),
                                   nn.Linear(8, 3)), (5,)
    yield "flatten", nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.ReLU(),
                                   nn.Linear(4, 2)), (2, 3)
    yield "view", nn.Sequential(each(lambda x: x.view(x.size(0), -1)), nn.Linear(6, 2)), (2, 3)
    yield "scaled", Scaled(), (5,)
    yield "products", Products(), (5,)
    yield "no_bias", nn.Sequential(nn.Linear(5, 8, bias=False), nn.Sigmoid(),
                                   nn.Linear(8, 3, bias=False)), (5,)
    yield "double", mlp(nn.Tanh()).double(), (5,)
    yield "half", mlp(nn.ReLU()).half(), (5,)
    yield "glu_less", nn.Sequential(nn.Linear(5, 8), each(lambda x: x * torch.sigmoid(1.702 * x)),
                                    nn.Linear(8, 3)), (5,)
    yield "gelu_by_hand", mlp(each(lambda x: 0.5 * x * (1 + torch.erf(x / 2**0.5)))), (5,)
    yield "swish_by_hand", mlp(each(lambda x: x / (1 + torch.exp(-x)))), (5,)
    yield "mish_by_hand", mlp(each(lambda x: x * torch.tanh(F.softplus(x)))), (5,)


def seeded(made):
    """The same weights, whichever models are made."""
    while True:
        torch.manual_seed(1)
        try:
            yield next(made)
        except StopIteration:
            return


def export(name, module, x, **how):
    """The operators of the exporter's model; None where it does not know the module's."""
    path = HERE / f"{name}.onnx"
    try:
        torch.onnx.export(module.eval(), (x,), path, **how)
    except torch.onnx.OnnxExporterError as error:
        print(f"{name}: {str(error).splitlines()[0]}")
        path.unlink(missing_ok=True)
        return None
    return keep(path, x.numpy())


def of_readme():
    """What the README's program with PyTorch writes, in a folder of its own."""
    text = (HERE.parents[1] / "README.md").read_text()
    program = next(block for block in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
                   if "import torch" in block)
    folder = HERE / "readme"
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    exec(program, {})
    model = onnx.load("net.onnx", load_external_data=False)
    strip(model)
    Path("net.onnx").write_bytes(model.SerializeToString())
    if Path("net.onnx.data").stat().st_size == 0:  # the weights are in the model
        Path("net.onnx.data").unlink()


def main():
    warnings.filterwarnings("ignore")
    if sys.argv[1:] in ([], ["readme"]):
        of_readme()
    for name, module, shape in seeded(models()):
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        kind = next((p.dtype for p in module.parameters()), torch.float32)
        x = torch.from_numpy(rows(*shape)).to(kind)
        named = {"input_names": ["x"], "dynamic_axes": {"x": {0: "rows"}}, "dynamo": False}
        new = export(f"script18_{name}", module, x, opset_version=18, **named)
        if export(f"script9_{name}", module, x, opset_version=9, **named) == new:
            forget(f"script9_{name}")
        export(f"dynamo_{name}", module, x, dynamo=True, external_data=name == "relu",
               dynamic_shapes=({0: torch.export.Dim("rows")},), verbose=False)


if __name__ == "__main__":
    main()
