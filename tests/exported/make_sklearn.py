#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the models of scikit-learn by skl2onnx. It wants a Python with
scikit-learn, skl2onnx, onnx and onnxruntime; nothing is installed from here."""

import sys
import warnings

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import (LinearRegression, LogisticRegression, Perceptron, Ridge,
                                  RidgeClassifier, SGDClassifier)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (Binarizer, MaxAbsScaler, MinMaxScaler, RobustScaler,
                                   StandardScaler)
from sklearn.svm import LinearSVC

from keep import HERE, keep, rows


THREE = object()  # values instead of a label


def network(kind, activation="relu", **more):
    return kind(hidden_layer_sizes=(6,), activation=activation, max_iter=60, random_state=1, **more)


def models():
    """Names, estimators, whether they classify, labels, options of the conversion."""
    species = np.array(["setosa", "versicolor", "virginica"])
    for activation in "relu", "tanh", "logistic", "identity":
        yield (f"classifier_{activation}", make_pipeline(
            StandardScaler(), network(MLPClassifier, activation)), range(3), {"zipmap": False})
        yield (f"regressor_{activation}", make_pipeline(
            StandardScaler(), network(MLPRegressor, activation)), None, None)
    yield "classifier_zipmap", network(MLPClassifier), range(3), None
    yield "classifier_text", network(MLPClassifier), species, {"zipmap": False}
    yield "classifier_two", network(MLPClassifier), [0, 1, 1], {"zipmap": False}
    yield "classifier_two_zipmap", network(MLPClassifier), [3, 5, 5], None
    yield "regressor_three", network(MLPRegressor), THREE, None
    yield "logistic", LogisticRegression(), range(3), {"zipmap": False}
    yield "logistic_zipmap", LogisticRegression(), species, None
    yield "logistic_two", LogisticRegression(), [0, 1, 1], {"zipmap": False}
    yield ("logistic_scaled", make_pipeline(StandardScaler(), LogisticRegression()), range(3),
           {"zipmap": False})
    yield "logistic_raw", LogisticRegression(), range(3), {"zipmap": False, "raw_scores": True}
    yield "perceptron", Perceptron(), [0, 1, 1], {"zipmap": False}
    yield "svm", LinearSVC(), range(3), None
    yield "svm_two", LinearSVC(), [0, 1, 1], None
    yield "ridge_classifier", RidgeClassifier(), range(3), {"zipmap": False}
    yield "sgd", SGDClassifier(random_state=1), range(3), {"zipmap": False}
    yield "linear", LinearRegression(), None, None
    yield "linear_three", LinearRegression(), THREE, None
    for scaler in MinMaxScaler(), MaxAbsScaler(), RobustScaler(), StandardScaler(with_mean=False):
        yield (f"ridge_{type(scaler).__name__.lower()}", make_pipeline(scaler, Ridge()), None, None)
    yield "binarizer", make_pipeline(Binarizer(threshold=0.5), Ridge()), None, None


def main():
    warnings.filterwarnings("ignore")
    x, kinds = load_iris(return_X_y=True)
    x = x - x.mean(0)  # as are the rows of the test
    for name, model, labels, options in models():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        if labels is None:
            truth = x[:, 0] * x[:, 1]
        else:
            truth = x @ np.eye(4)[:, :3] if labels is THREE else np.asarray(labels)[kinds]
        model.fit(x, truth)
        path = HERE / f"sklearn_{name}.onnx"
        last = model.steps[-1][1] if hasattr(model, "steps") else model
        path.write_bytes(to_onnx(model, rows(4)[:1], target_opset={"": 18, "ai.onnx.ml": 3},
                                 options={id(last): options} if options else None)
                         .SerializeToString())
        keep(path, rows(4))


if __name__ == "__main__":
    main()
