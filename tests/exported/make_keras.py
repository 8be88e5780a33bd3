#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the models of Keras by tf2onnx. It wants a Python with
tensorflow, tf2onnx, onnx and onnxruntime; nothing is installed from here."""

import sys

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras import layers
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidGraph

from keep import HERE, keep, rows

ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "silu", "hard_silu", "hard_sigmoid", "mish", "elu",
               "selu", "celu", "softplus", "softsign", "leaky_relu", "relu6", "exponential",
               "hard_tanh", "log_sigmoid", "softmax", "log_softmax", "linear")


def mlp(*middle, last=None):
    return keras.Sequential([keras.Input((5,)), layers.Dense(8), *middle,
                             layers.Dense(3, activation=last)])


def models():
    """Names, models, and the shape of a row."""
    for name in ACTIVATIONS:
        if "softmax" in name:
            yield name, mlp(layers.ReLU(), last=name), (5,)
        else:
            yield name, mlp(layers.Activation(name)), (5,)
    yield "gelu_tanh", mlp(layers.Activation(lambda x: keras.activations.gelu(x, True))), (5,)
    yield "gelu_erf", mlp(layers.Lambda(
        lambda x: 0.5 * x * (1 + tf.math.erf(x / np.float32(2**0.5))))), (5,)
    yield "leaky_relu_layer", mlp(layers.LeakyReLU(negative_slope=0.1)), (5,)
    yield "prelu", mlp(layers.PReLU(alpha_initializer="uniform")), (5,)
    yield "relu_bounded", mlp(layers.ReLU(max_value=2.0)), (5,)
    yield "relu_threshold", mlp(layers.ReLU(threshold=0.5)), (5,)
    yield "elu_layer", mlp(layers.ELU(alpha=0.5)), (5,)
    yield "batchnorm", mlp(layers.BatchNormalization(), layers.ReLU()), (5,)
    yield "batchnorm_behind", mlp(layers.ReLU(), layers.BatchNormalization()), (5,)
    yield "dropout", mlp(layers.ReLU(), layers.Dropout(0.3)), (5,)
    yield "step", mlp(layers.Lambda(lambda x: tf.cast(x > 0, tf.float32))), (5,)
    yield "flatten", keras.Sequential([keras.Input((2, 3)), layers.Flatten(),
                                       layers.Dense(4, activation="relu"), layers.Dense(2)]), (2, 3)
    mean, deviation = np.float32([1, -2, 0.5, 3, 0]), np.float32([2, 0.5, 1, 3, 0.75])
    yield "scaled", keras.Sequential([
        keras.Input((5,)), layers.Lambda(lambda x: (x - mean) / deviation),
        layers.Dense(4, activation="tanh"), layers.Dense(1)]), (5,)
    yield "rescaling", keras.Sequential([keras.Input((5,)), layers.Rescaling(0.25, 0.5),
                                         layers.Dense(2, activation="sigmoid")]), (5,)


def randomize(model):
    """Weights as if it had seen data: no zeros and ones."""
    rng = np.random.default_rng(1)
    for variable in model.weights:
        if variable.dtype == "float32" and "normalization" not in variable.path:
            variable.assign(rng.uniform(-0.7, 0.7, variable.shape))
        elif "batch_normalization" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))


def main():
    for name, model, shape in models():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        randomize(model)
        path = HERE / f"keras_{name}.onnx"
        given = tf.TensorSpec((None, *shape), tf.float32, name="x")
        tf2onnx.convert.from_function(tf.function(lambda x, model=model: model(x, training=False)),
                                      input_signature=[given], opset=18, output_path=str(path))
        try:
            keep(path, rows(*shape))
        except InvalidGraph as error:  # tf2onnx leaves operators in that it does not know
            print(f"keras_{name}: {error}")
            path.unlink()


if __name__ == "__main__":
    main()
