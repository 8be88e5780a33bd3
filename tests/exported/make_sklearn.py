#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the models of scikit-learn by skl2onnx. It wants a Python with
scikit-learn, skl2onnx, onnx and onnxruntime; nothing is installed from here."""

import sys
import warnings

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import (LinearRegression, LogisticRegression, Perceptron,
                                  PoissonRegressor, Ridge, RidgeClassifier, SGDClassifier)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (Binarizer, MaxAbsScaler, MinMaxScaler, RobustScaler,
                                   StandardScaler)
from sklearn.svm import LinearSVC

from keep import HERE, keep, rows


THREE = object()  # values instead of a label
SEVERAL = object()  # labels of a row, each there or not
COLUMNS = {"zipmap": "columns"}  # an output for each class


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
    yield "classifier_columns", network(MLPClassifier), species, COLUMNS
    yield "classifier_two_columns", network(MLPClassifier), [0, 1, 1], COLUMNS
    yield "classifier_several", network(MLPClassifier), SEVERAL, {"zipmap": False}
    yield "classifier_several_zipmap", network(MLPClassifier), SEVERAL, None
    yield "classifier_several_columns", network(MLPClassifier), SEVERAL, COLUMNS
    yield "regressor_three", network(MLPRegressor), THREE, None
    yield "logistic", LogisticRegression(), range(3), {"zipmap": False}
    yield "logistic_zipmap", LogisticRegression(), species, None
    yield "logistic_columns", LogisticRegression(), range(3), COLUMNS
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
    yield "poisson", PoissonRegressor(), None, None
    for scaler in MinMaxScaler(), MaxAbsScaler(), RobustScaler(), StandardScaler(with_mean=False):
        yield (f"ridge_{type(scaler).__name__.lower()}", make_pipeline(scaler, Ridge()), None, None)
    yield "binarizer", make_pipeline(Binarizer(threshold=0.5), Ridge()), None, None


def truth(labels, x, kinds):
    """What is to be learnt."""
    if labels is None:
        return x[:, 0] * x[:, 1]
    if labels is THREE or labels is SEVERAL:
        return x[:, :3] if labels is THREE else (x[:, :3] > 0).astype(int)
    return np.asarray(labels)[kinds]


def main():
    warnings.filterwarnings("ignore")
    x, kinds = load_iris(return_X_y=True)
    x = x - x.mean(0)  # as are the rows of the test
    for name, model, labels, options in models():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        wanted = truth(labels, x, kinds)
        model.fit(x, np.abs(wanted) if name == "poisson" else wanted)
        path = HERE / f"sklearn_{name}.onnx"
        last = model.steps[-1][1] if hasattr(model, "steps") else model
        path.write_bytes(to_onnx(model, rows(4)[:1], target_opset={"": 18, "ai.onnx.ml": 3},
                                 options={id(last): options} if options else None)
                         .SerializeToString())
        keep(path, rows(4))


if __name__ == "__main__":
    main()
