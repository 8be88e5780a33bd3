# SPDX-License-Identifier: MIT
"""What a graph computes, in float64, and how far a computation of less precision may be from it.

A value is known as v, and any computed one lies within e + gamma(k) m of it: m is the sum of the
magnitudes that were added on the way from the last function, k the roundings of such a sum in any
order (so a scale may be folded into weights or not), and e what functions made of the error before
them: at most their slope times that."""

import math

import numpy as np

# A function that a formula of few roundings computes, each within an ulp or two.
FUNCTION_ROUNDINGS = 16
_erf = np.vectorize(math.erf, otypes=[np.float64])


def gamma(count, unit):
    """The relative error of `count` roundings in a row."""
    return count * unit / (1 - count * unit)


class Value:
    def __init__(self, v, m=None, e=0.0, k=0):
        self.v = np.asarray(v, np.float64)
        self.m = np.abs(self.v) if m is None else m
        self.e = np.broadcast_to(e, self.v.shape)
        self.k = k

    def each(self, function):
        """Moves elements."""
        return Value(function(self.v), function(self.m), function(self.e), self.k)

    def negative(self):
        return Value(-self.v, self.m, self.e, self.k)


class Evaluation:
    """The values of a graph for one X, with the unit roundoff of a computation."""

    def __init__(self, graph, x, unit):
        self.graph, self.unit = graph, unit
        self.known = {name: np.asarray(constant) for name, constant in graph.constants.items()}
        self.known[graph.x] = Value(x)
        self.makers = {name: node for node in graph.nodes for name in node.outputs}

    def value(self, name):
        """A Value, or an array where it is constant."""
        if name not in self.known:
            node = self.makers[name]
            inputs = [self.value(each) if each else None for each in node.inputs]
            if all(each is None or isinstance(each, np.ndarray) for each in inputs):
                made = np.asarray(CONSTANTS[node.op](node, *inputs))
            elif node.op == "Shape":
                made = np.array(inputs[0].v.shape)
            else:
                made = ROWS[node.op](self, node, *inputs)
            self.known[name] = made
        return self.known[name]

    def error(self, value):
        return value.e + gamma(value.k, self.unit) * value.m

    # Sums and products

    def add(self, _, *terms):
        """Operands of a sum, of which any may be constant."""
        terms = [lift(term) for term in terms]
        shape = np.broadcast_shapes(*(term.v.shape for term in terms))
        return Value(sum(term.v for term in terms), sum(term.m for term in terms),
                     sum(np.broadcast_to(term.e, shape) for term in terms),
                     max(term.k for term in terms) + len(terms))

    def aligned(self, node, left, right):
        """Before version 7 an attribute said where the right operand begins."""
        if self.graph.opset < 7 and isinstance(right, np.ndarray) and node.get("axis") is not None:
            axis = node.get("axis") % left.v.ndim
            right = right.reshape(right.shape + (1,) * (left.v.ndim - axis - right.ndim))
        return left, right

    def sum(self, node, *terms):
        return self.add(node, *self.aligned(node, *terms)) if len(terms) == 2 else \
            self.add(node, *terms)

    def difference(self, node, left, right):
        left, right = self.aligned(node, left, right)
        return self.add(node, left, lift(right).negative())

    def product(self, node, left, right):
        left, right = self.aligned(node, left, right)
        if isinstance(left, np.ndarray):
            left, right = right, left
        if isinstance(right, np.ndarray):
            size = np.abs(right.astype(np.float64))
            return Value(left.v * right, left.m * size, left.e * size, left.k + 2)
        a, b = self.error(left), self.error(right)
        return Value(left.v * right.v, None, np.abs(left.v) * b + np.abs(right.v) * a + a * b, 1)

    def quotient(self, node, left, right):
        left, right = self.aligned(node, left, right)
        if isinstance(right, np.ndarray):
            return self.product(node, left, np.asarray(1 / right.astype(np.float64)))
        return self.product(node, lift(left), self.inverse(node, right))

    def inverse(self, _, value):
        size = np.abs(value.v)
        error = self.error(value)
        return Value(1 / value.v, None, error / (size * (size - error)), 1)

    def dense(self, rows, weights, bias, alpha=1.0):
        """rows @ weights * alpha + bias."""
        weights = alpha * weights.astype(np.float64)
        size = np.abs(weights)
        made = Value(rows.v @ weights, rows.m @ size, rows.e @ size, rows.k + len(weights) + 3)
        return made if bias is None else self.add(None, made, bias)

    def gemm(self, node, rows, weights, bias=None):
        weights = weights.T if node.get("transB") else weights
        return self.dense(rows, weights,
                          None if bias is None else node.get("beta", 1.0) * bias.astype(float),
                          node.get("alpha", 1.0))

    def regressor(self, node, rows):
        weights = node.get("coefficients").reshape(node.get("targets", 1), -1).T
        return self.dense(rows, weights, node.get("intercepts"))

    def classifier(self, node, rows):
        """The scores; labels are compared elsewhere."""
        bias = node.get("intercepts")
        scores = self.dense(rows, node.get("coefficients").reshape(len(bias), -1).T, bias)
        how = node.get("post_transform", "NONE")
        return {"NONE": lambda: scores, "LOGISTIC": lambda: self.function(scores, *SIGMOID),
                "SOFTMAX": lambda: self.softmax(node, scores)}[how]()

    def normalization(self, node, rows, scale, shift, mean, variance):
        across = [-1] + [1] * (rows.v.ndim - 2)
        factor = scale / np.sqrt(variance.astype(np.float64) + node.get("epsilon", 1e-5))
        centred = self.add(node, rows, -mean.astype(np.float64).reshape(across))
        scaled = self.product(node, centred, factor.reshape(across))
        scaled.k += 4
        return self.add(node, scaled, shift.reshape(across))

    def scaler(self, node, rows):
        return self.product(node, self.add(node, rows, -node.get("offset")), node.get("scale"))

    # Functions

    def function(self, value, function, slope, floor=1.0, roundings=FUNCTION_ROUNDINGS):
        """Of a slope that is a bound, or gives one from v and its error; a formula of it may add
        numbers up to floor."""
        error = self.error(value)
        steep = slope(value.v, error) if callable(slope) else slope
        made = function(value.v)
        return Value(made, np.abs(made) + floor, steep * error, roundings)

    def exactly(self, value, function, slope=1.0):
        """A function that does not round."""
        return Value(function(value.v), None, slope * self.error(value))

    def slopes(self, node, rows, slopes):
        if self.graph.opset < 7 and slopes.ndim == 1:
            slopes = slopes.reshape(-1, *[1] * (rows.v.ndim - 2))
        bent = np.where(rows.v < 0, rows.v * slopes, rows.v)
        return Value(bent, None, np.maximum(1, np.abs(slopes)) * self.error(rows), 1)

    def jump(self, value, function, size):
        """A function that is constant but for a jump of `size` at 0."""
        near = (np.abs(value.v) <= self.error(value)) & (self.error(value) > 0)
        return Value(function(value.v), None, np.where(near, size, 0))

    def compare(self, node, left, right):
        less, equal = node.op.startswith("Less"), node.op.endswith("OrEqual")
        distance = self.difference(node, right, left) if less else \
            self.difference(node, left, right)
        return self.jump(distance, lambda d: (d >= 0 if equal else d > 0).astype(np.float64), 1)

    def equal(self, node, left, right):
        return self.jump(self.difference(node, left, right), lambda d: (d == 0).astype(float), 1)

    def where(self, node, condition, above, below):
        if isinstance(condition, np.ndarray):
            condition = Value(condition)
        above, below = lift(above), lift(below)
        chosen = np.where(condition.v != 0, above.v, below.v)
        error = np.maximum(*np.broadcast_arrays(self.error(above), self.error(below)))
        return Value(chosen, None, error + condition.e * np.abs(above.v - below.v), 1)

    def bound(self, node, *values):
        pick = np.minimum if node.op == "Min" else np.maximum
        values = [lift(value) for value in values]
        made, error = values[0].v, self.error(values[0])
        for value in values[1:]:
            made = pick(made, value.v)
            error = np.maximum(error, self.error(value))
        return Value(made, None, error)

    def clip(self, node, rows, low=None, high=None):
        low = node.get("min", -np.inf) if low is None else low
        high = node.get("max", np.inf) if high is None else high
        return self.exactly(rows, lambda v: np.minimum(np.maximum(v, low), high))

    def power(self, node, rows, power):
        n = float(power.reshape(-1)[0])
        return self.function(rows, lambda v: v**n,
                             lambda v, error: n * (np.abs(v) + error)**(n - 1), 0.0, 4)

    def columns(self, node, rows, *bounds):
        """Some of each axis: from, to, which axes, by which steps."""
        names = "starts", "ends", "axes", "steps"
        bounds = [node.get(name) for name in names] if not bounds else [*bounds, None][:4]
        first, end, axes, steps = ([None] * len(bounds[0]) if each is None else
                                   [int(number) for number in each] for each in bounds)
        where = [slice(None)] * rows.v.ndim
        for i, axis in enumerate(axes):
            where[i if axis is None else axis] = slice(first[i], end[i], steps[i])
        return rows.each(lambda v: v[tuple(where)])

    def softmax(self, node, rows):
        axis = node.get("axis", -1 if self.graph.opset >= 13 else 1)
        z = rows.v - rows.v.max(axis, keepdims=True)
        exps = np.exp(z)
        total = exps.sum(axis, keepdims=True)
        error = 2 * self.error(rows).max(axis, keepdims=True)
        roundings = z.shape[axis] + FUNCTION_ROUNDINGS
        if node.op == "LogSoftmax":
            y = z - np.log(total)
            return Value(y, np.abs(y) + np.abs(z) + 1, error, roundings)
        return Value(exps / total, None, exps / total * np.expm1(error), roundings)

    def normalizer(self, node, rows):
        """Over numbers that are not negative."""
        total = self.add(node, *(rows.each(lambda v, i=i: v[:, i:i + 1])
                                 for i in range(rows.v.shape[1])))
        return self.quotient(node, rows, total)

    def argmax(self, node, rows):
        axis = node.get("axis", 0)
        best = rows.v.argmax(axis)
        ordered = np.sort(rows.v, axis)
        near = np.diff(ordered, axis=axis).take(-1, axis) <= 2 * self.error(rows).max(axis)
        made = Value(best, None, np.where(near, rows.v.shape[axis], 0))
        return made if not node.get("keepdims", 1) else made.each(
            lambda v: np.expand_dims(v, axis))

    def concat(self, node, *values):
        axis = node.get("axis", 0)
        values = [lift(value) for value in values]
        return Value(np.concatenate([value.v for value in values], axis),
                     np.concatenate([value.m for value in values], axis),
                     np.concatenate([value.e for value in values], axis),
                     max(value.k for value in values))


def lift(value):
    return value if isinstance(value, Value) else Value(value)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def softplus(v):
    return np.maximum(v, 0) + np.log1p(np.exp(-np.abs(v)))


def gelu_tanh(v):
    return v / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))


def elu(v, alpha, gamma_=1.0):
    return gamma_ * np.where(v < 0, alpha * np.expm1(np.minimum(v, 0)), v)


SIGMOID = sigmoid, 0.25
PLAIN = {
    "Sigmoid": SIGMOID, "Tanh": (np.tanh, 1.0), "Erf": (_erf, 1.13), "Softplus": (softplus, 1.0),
    "Softsign": (lambda v: v / (1 + np.abs(v)), 1.0),
    "Mish": (lambda v: v * np.tanh(softplus(v)), 1.1), "Exp": (np.exp, lambda v, e: np.exp(v + e)),
    "Log": (np.log, lambda v, e: 1 / (v - e)),
    "HardSwish": (lambda v: v * np.clip(v / 6 + 0.5, 0, 1), 1.5),
}
WITH_PARAMETERS = {
    "Elu": lambda alpha=1.0: (lambda v: elu(v, alpha), max(1, alpha), max(1, alpha)),
    "Selu": lambda alpha=1.67326319, gamma=1.05070102:
        (lambda v: elu(v, alpha, gamma), gamma * max(1, alpha), gamma * max(1, alpha)),
    "Celu": lambda alpha=1.0: (lambda v: alpha * elu(v / alpha, 1), 1.0, max(1, alpha)),
    "HardSigmoid": lambda alpha=0.2, beta=0.5:
        (lambda v: np.clip(alpha * v + beta, 0, 1), alpha, beta),
    "LeakyRelu": lambda alpha=0.01: (lambda v: np.where(v < 0, alpha * v, v), max(1, alpha), 0, 1),
    "Gelu": lambda approximate="none": (
        gelu_tanh if approximate == "tanh" else lambda v: v / 2 * (1 + _erf(v / math.sqrt(2))),
        1.13),
}


def _plain(op):
    return lambda self, node, rows: self.function(rows, *PLAIN[op])


def _with_parameters(op):
    return lambda self, node, rows: self.function(rows, *WITH_PARAMETERS[op](**node.attributes))


def _move(how):
    """A move of elements, of rows or of constants."""
    def rows(_, node, value, *more):
        return value.each(lambda array: how(node, array, *more))
    return rows, how


def _reshape(node, array, shape):
    sizes = [array.shape[i] if size == 0 and not node.get("allowzero") else int(size)
             for i, size in enumerate(shape)]
    return array.reshape(sizes)


def _flatten(node, array):
    axis = node.get("axis", 1)
    return array.reshape(int(np.prod(array.shape[:axis])), -1)


def _axes(node, more):
    return tuple(int(axis) for axis in (more[0] if more else node.get("axes", [])))


MOVES = {
    "Reshape": _move(_reshape), "Flatten": _move(_flatten),
    "Transpose": _move(lambda node, array: array.transpose(node.get("perm"))),
    "Squeeze": _move(lambda node, array, *more: array.squeeze(_axes(node, more) or None)),
    "Unsqueeze": _move(lambda node, array, *more: np.expand_dims(array, _axes(node, more))),
    "Identity": _move(lambda node, array: array), "Cast": _move(lambda node, array: array),
    "ZipMap": _move(lambda node, array: array),
    "Dropout": _move(lambda node, array, *more: array),
}

CONSTANTS = {name: how for name, (_, how) in MOVES.items()}
CONSTANTS.update({
    "Constant": lambda node: np.array(next(iter(node.attributes.values()))),
    "Gather": lambda node, array, which: array[which],
    "Concat": lambda node, *arrays: np.concatenate(arrays, node.get("axis", 0)),
    "Slice": lambda node, array, first, end, *_: array[int(first[0]):int(end[0])],
})

ROWS = {name: rows for name, (rows, _) in MOVES.items()}
ROWS.update({op: _plain(op) for op in PLAIN})
ROWS.update({op: _with_parameters(op) for op in WITH_PARAMETERS})
ROWS.update({
    "Add": Evaluation.sum, "Sum": Evaluation.sum, "Sub": Evaluation.difference,
    "Mul": Evaluation.product, "Div": Evaluation.quotient, "Reciprocal": Evaluation.inverse,
    "Gemm": Evaluation.gemm, "LinearRegressor": Evaluation.regressor,
    "MatMul": lambda self, node, rows, weights: self.dense(rows, weights, None),
    "LinearClassifier": Evaluation.classifier, "BatchNormalization": Evaluation.normalization,
    "Scaler": Evaluation.scaler, "Normalizer": Evaluation.normalizer,
    "ArrayFeatureExtractor": lambda self, node, rows, which: rows.each(lambda v: v[:, which]),
    "Slice": Evaluation.columns,
    "Gather": lambda self, node, rows, which: rows.each(
        lambda v: np.take(v, which, node.get("axis", 0))),
    "Softmax": Evaluation.softmax, "LogSoftmax": Evaluation.softmax, "ArgMax": Evaluation.argmax,
    "Concat": Evaluation.concat, "Pow": Evaluation.power, "Clip": Evaluation.clip,
    "Min": Evaluation.bound, "Max": Evaluation.bound, "PRelu": Evaluation.slopes,
    "Where": Evaluation.where, "Equal": Evaluation.equal,
    "Greater": Evaluation.compare, "GreaterOrEqual": Evaluation.compare,
    "Less": Evaluation.compare, "LessOrEqual": Evaluation.compare,
    "Relu": lambda self, node, rows: self.exactly(rows, lambda v: np.where(v < 0, 0, v)),
    "Abs": lambda self, node, rows: self.exactly(rows, np.abs),
    "Neg": lambda self, node, rows: rows.negative(),
    "Not": lambda self, node, rows: self.exactly(rows, lambda v: 1 - v),
    "Sign": lambda self, node, rows: self.jump(rows, np.sign, 2),
    "Binarizer": lambda self, node, rows: self.jump(
        self.add(node, rows, np.array(-node.get("threshold", 0.0))),
        lambda v: (v > 0).astype(np.float64), 1),
    "ThresholdedRelu": lambda self, node, rows: self.where(
        node, self.jump(self.add(node, rows, np.array(-node.get("alpha", 1.0))),
                        lambda v: (v > 0).astype(np.float64), 1), rows, np.zeros(())),
})
