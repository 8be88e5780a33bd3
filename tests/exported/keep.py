# SPDX-License-Identifier: MIT
"""Keeps a model that an exporter wrote, with what ONNX Runtime makes of it.

Each NAME.onnx has its Y in NAME_Y.npy, and where it gives labels, those in NAME_labels.npy. X is
x5.npy for rows of 5 values, x2x3.npy for rows of 2 x 3, and so on: one for all models of a shape."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime

HERE = Path(__file__).resolve().parent
ROWS = 17


def rows(*shape):
    """X for rows of a shape, which is written if it is not there."""
    path = HERE / f"x{'x'.join(map(str, shape))}.npy"
    if not path.exists():
        rng = np.random.default_rng(len(shape) + sum(shape))
        np.save(path, (2 * rng.standard_normal((ROWS, *shape))).astype(np.float32))
    return np.load(path)


def strip(model):
    """Takes away what says where and how a model was made: stack traces, names of files."""
    def clear(message):
        for field in "metadata_props", "doc_string":
            if field in message.DESCRIPTOR.fields_by_name:
                message.ClearField(field)
        for field, value in message.ListFields():
            if field.message_type is not None:
                for each in value if hasattr(value, "__len__") else [value]:
                    clear(each)
    clear(model)


def outputs(path, x):
    """The scores and the labels of a model; None where it has none. Scores may be an output each."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    kind = {"tensor(float)": np.float32, "tensor(double)": np.float64,
            "tensor(float16)": np.float16}[given.type]
    made = session.run(None, {given.name: x.astype(kind)})
    scores, labels = [], None
    for output in made:
        if isinstance(output, list):  # of a ZipMap: one dictionary a row
            output = np.array([list(row.values()) for row in output], np.float32)
        if output.dtype.kind == "f":
            scores.append(output)
        else:
            labels = output
    several = len(scores) > 1 and all(output.ndim == 1 for output in scores)
    return np.column_stack(scores) if several else next(iter(scores), None), labels


def keep(path, x):
    """Strips the model at `path`, which is in this folder, and writes what it makes of x."""
    path = Path(path)
    model = onnx.load(path, load_external_data=False)
    strip(model)
    path.write_bytes(model.SerializeToString())
    scores, labels = outputs(path, x)
    name = path.with_suffix("").name
    if scores is not None:
        np.save(HERE / f"{name}_Y.npy", scores.reshape(len(x), -1))
    if labels is not None:
        kind = np.int64 if labels.dtype.kind in "iu" else str
        several = labels.size > len(x)
        np.save(HERE / f"{name}_labels.npy",
                labels.reshape((len(x), -1) if several else -1).astype(kind))
    operators = [node.op_type for node in model.graph.node]
    print(f"{name}: {path.stat().st_size} bytes: {' '.join(operators)}", flush=True)
    return operators


def forget(name):
    """Takes a model away that shows nothing new."""
    for suffix in ".onnx", "_Y.npy", "_labels.npy":
        (HERE / f"{name}{suffix}").unlink(missing_ok=True)
