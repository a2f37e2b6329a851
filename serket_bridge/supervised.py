"""Modules with a density p(y|x) of a target y given their input x."""

from collections.abc import Iterator

import numpy as np
from scipy.special import logsumexp, softmax

from serket_bridge.checks import require
from serket_bridge.inference import cubature
from serket_bridge.inference.output_densities import (
    Normal,
    Softmax,
    expected_rows,
    residual_variance,
)
from serket_bridge.messages import Categorical, Gaussian
from serket_bridge.module import Module
from serket_bridge.targets import as_classes, as_values

CHUNK = 2**24  # numbers computed at once
WEAK = 1e-3  # the precision of a message about x where the target says nothing
SMALLEST_VARIANCE = 1e-6


class Supervised(Module):
    """A function f between modules: p(y|x) = Categorical(softmax f(x)) or N(f(x), s^2).

    The input x is real, or a class, which is summed out: with e_k the rows of the
    identity matrix, p(y_n) = sum_k p(x_n = k) p(y_n | x = e_k). The target y is the
    input `target`, or, if that is not connected, what the modules above send.

    It sends p(y_n | x_n) forward, without the target, and backward p(y_n | x), as a
    distribution of x: of classes exactly; of a real x as a Gaussian that is close to it
    (`serket_bridge.inference.cubature`), times N(0, I) if no other module has a density
    of x.

    A subclass has the attributes `output`, the kind of y, `Gaussian` or `Categorical`,
    and `output_size`, `None` while it is not known; and the methods `prepare`, `fit`
    and `outputs`.

    Attributes:
        variance: s^2, of a `Gaussian` output.
        prior: the last backward message that was sent.
    """

    ports = {"x": Gaussian | Categorical, "target": Gaussian | Categorical}
    given_inputs, optional_inputs = ("x",), ("target",)
    variance, prior = 1.0, None

    def prepare(self, input_shape: tuple, output_size: int | None) -> None:
        """Makes f, if that was not done before; the size is `None` without a target."""
        raise NotImplementedError

    def fit(self, x, y, weights, progress) -> None:
        """Fits f to x, (n, ...), and y, (n, output_size), with weights, (n,)."""
        raise NotImplementedError

    def outputs(self, points) -> np.ndarray:
        """f at points of x, (P, n, ...): (P, n, output_size)."""
        raise NotImplementedError

    @property
    def output_message(self) -> type:
        """The kind of y."""
        return self.output

    @property
    def uses_backward_message(self) -> bool:
        """Whether the target comes from the modules above."""
        return "target" not in self.connections

    @property
    def density(self) -> Softmax | Normal:
        """p(y|x), as a function of f(x)."""
        return Softmax() if self.output is Categorical else Normal(self.variance)

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class, (n,) int, or the mean of y, (n, output_size)."""
        is_class = self.output is Categorical
        return self.forward.prob.argmax(axis=1) if is_class else self.forward.mean

    # --- What is known of x and y -----------------------------------------------------

    def inputs(self) -> list:
        """The messages of x and, if it is connected, of the target."""
        is_found = not self.connections or "x" in self.connections
        require(is_found, f"{self.name} needs a module as its input x", error=TypeError)
        found = super().inputs()
        return [m.in_memory() if isinstance(m, Gaussian) else m for m in found]

    @property
    def x(self) -> Gaussian | Categorical:
        """q of a real input, or the probabilities of its classes."""
        x, parent = self.inputs()[0], self.connections["x"]
        return x if isinstance(x, Categorical) else parent.posterior.in_memory()

    def target(self) -> np.ndarray | None:
        """What is known of y: log t(y) of classes, or y, (n, output_size)."""
        x, *given = self.inputs()
        if given:
            name = f"{self.name}: the target from {self.connections['target'].name}"
            return self.convert_target(given[0], name)
        if not self._backward:
            return None
        size = len(x), self.output_size
        if self.output is Categorical:
            return self.backward_message(Categorical.uniform(*size)).log_prob
        return np.float64(self.backward_message(Gaussian.standard(*size)).mean)

    def convert_target(self, message, name: str) -> np.ndarray:
        """A target as an array; name: of the target, for error messages."""
        convert = as_classes if self.output is Categorical else as_values
        return convert(message, self.output_size, name)

    def log_joint(self, outputs, weights, target) -> np.ndarray:
        """log w_p p(y | f_p), (P, n), of outputs f_p at points of the weights w_p."""
        log_p = [self.density.log_likelihood(each, target) for each in outputs]
        with np.errstate(divide="ignore"):  # a class that is impossible
            return np.log(weights) + np.stack(log_p)

    # --- Learning ---------------------------------------------------------------------

    def learn(self, progress) -> None:
        """One step of EM, with the mean of a real x as its only point."""
        x, target = self.inputs()[0], self.target()
        points, weights = points_of(x)
        self.prepare(points.shape[2:], None if target is None else target.shape[1])
        if target is None:
            return
        is_first = not self.metrics
        no_outputs = np.zeros((*points.shape[:2], target.shape[1]))
        outputs = no_outputs if is_first else self.outputs(points)
        r = softmax(self.log_joint(outputs, weights, target), axis=0)
        r *= self.density.is_known(target)
        self.fit(*expected_rows(self.density, points, outputs, r, target), progress)
        outputs = self.outputs(points)
        if self.output is Gaussian:
            variance = residual_variance(outputs, r, target)
            self.variance = max(variance, SMALLEST_VARIANCE)
        log_p = logsumexp(self.log_joint(outputs, weights, target), axis=0)
        self.metrics = {"log_likelihood": float(log_p.mean())}

    # --- Messages ---------------------------------------------------------------------

    def parts(self) -> Iterator[tuple]:
        """(rows, outputs at points of x, their weights), some examples at a time."""
        x = self.x
        if isinstance(x, Categorical) or x.is_point:
            points, weights = points_of(x)
            yield slice(None), self.outputs(points), weights
            return
        deviation = x.precision**-0.5
        n_rows = max(1, CHUNK // (2 * x.dim * max(self.output_size, x.dim)))
        for first in range(0, len(x), n_rows):
            rows = slice(first, first + n_rows)
            points = cubature.points(x.mean[rows], deviation[rows])
            weights = np.full(points.shape[:2], 1 / len(points))
            yield rows, self.outputs(points), weights

    def send(self) -> None:
        x, target, parent = self.x, self.target(), self.connections["x"]
        is_sent = target is not None and parent.uses_backward_message
        is_sent &= isinstance(x, Categorical) or not x.is_point
        predicted, messages = [], []
        for rows, outputs, weights in self.parts():
            predicted.append(self.density.mixture(outputs, weights))
            if is_sent:
                messages.append(self.likelihood_of_x(x, rows, outputs, target[rows]))
        self.forward = join(predicted)
        if is_sent:
            self.prior = join(messages)
            self.send_backward(parent, self.prior)

    def likelihood_of_x(self, x, rows, outputs, target):
        """p(y|x) as a distribution of x: log_prob, or mean and precision."""
        if isinstance(x, Categorical):
            return self.log_joint(outputs, 1.0, target).T
        mean, deviation = x.mean[rows], x.precision[rows] ** -0.5
        centre, jacobian = cubature.linear_fit(outputs, deviation)
        curvature = self.density.curvature(centre, target, jacobian)
        gradient = self.density.gradient(centre, target)
        gradient = np.einsum("nm,nmd->nd", gradient, jacobian)
        prior = (0.0, 1.0) if self.sends_prior else (mean, WEAK)
        return cubature.gaussian_message(mean, curvature, gradient, *prior)

    @property
    def sends_prior(self) -> bool:
        """Whether N(0, I) is part of its message, because nothing else is a prior."""
        parent, kind = self.connections["x"], Supervised
        siblings = [child for child in parent.children if isinstance(child, kind)]
        first = min(siblings, key=lambda child: child._creation_index)
        return first is self and not parent.modelled_by and not isinstance(parent, kind)

    def evidence(self) -> float | None:
        """log sum_k p(x = e_k) p(y | e_k) where x is a class, else E_q[log p(y|x)].

        `None` if a module above has a density of the target too, or of a real y.
        """
        x, target, is_given = self.x, self.target(), not self.uses_backward_message
        if self.modelled_by and (is_given or self.output is Gaussian):
            return None
        if target is None:
            return 0.0
        is_class, terms = isinstance(x, Categorical), []
        for rows, outputs, weights in self.parts():
            log_p = self.log_joint(outputs, weights if is_class else 1.0, target[rows])
            log_p = logsumexp(log_p, axis=0) if is_class else log_p.mean(axis=0)
            terms.append(log_p if is_given else log_p + np.log(self.output_size))
        total = np.concatenate(terms)
        if is_class and self.prior is not None:
            total -= x.log_overlap(self.prior)
        elif self.prior is not None and self.sends_prior:
            # the module below has the message as its prior, instead of N(0, I)
            message = self.connections["x"].backward_message(self.prior)
            standard = Gaussian.standard(*x.mean.shape)
            total += x.expected_log_prob(standard) - x.expected_log_prob(message)
        return float(total.mean())

    # --- Predictions ------------------------------------------------------------------

    def predict(self, value):
        """The data expected for the class of x that explains given targets best.

        Args:
            value: targets, as the input `target` has them.

        Raises:
            ValueError: x is real, so that f would have to be inverted.
        """
        parent = self.connections["x"]
        is_class = issubclass(parent.output_message, Categorical)
        rule = f"{self.name} predicts a class of x from a target, and {parent.name} "
        require(is_class, f"{rule}sends real values")
        message = Gaussian.point(np.asarray(value, np.float64))
        target = self.convert_target(message, f"{self.name}: the target")
        outputs = self.outputs(np.eye(parent.forward.dim)[:, None])
        return parent.predict(self.log_joint(outputs, 1.0, target).argmax(axis=0))

    def predict_target(self, value) -> np.ndarray:
        """The probabilities or the mean of y, (n, output_size), given x, (n, ...).

        Where x is a class, value has its probabilities, (n, K).
        """
        value = np.asarray(value, np.float64)
        is_class = issubclass(self.connections["x"].output_message, Categorical)
        with np.errstate(divide="ignore"):
            x = Categorical(np.log(value)) if is_class else Gaussian.point(value)
        points, weights = points_of(x)
        predicted = join([self.density.mixture(self.outputs(points), weights)])
        return predicted.prob if self.output is Categorical else predicted.mean


def points_of(x) -> tuple:
    """Points of x and their weights: all classes, or the mean.

    (K, 1, K) and (K, n) of a `Categorical`, (1, n, ...) and (1, n) of a `Gaussian`.
    """
    if isinstance(x, Categorical):
        return np.eye(x.dim)[:, None], x.prob.T
    return x.mean[None], np.ones((1, len(x)))


def join(parts: list) -> Gaussian | Categorical:
    """One message of parts of its examples: log_prob, or (mean, precision), each."""
    if isinstance(parts[0], tuple):
        return Gaussian(*map(np.concatenate, zip(*parts, strict=True)))
    return Categorical(np.concatenate(parts))
