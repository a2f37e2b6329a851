"""p(y | outputs of a network): densities, and their derivatives in these outputs.

`outputs` are (n, m), or (1, m) for all examples; `target` has what is known of y,
(n, m). All values are in nats.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, logsumexp, softmax


@dataclass(frozen=True)
class Softmax:
    """p(y = j) = softmax(outputs)_j. The target is log t, (n, m), a message about y.

    The log-likelihood is log sum_j p_j t_j. With r_j = p_j t_j / sum_i p_i t_i it has
    the gradient r - p in the outputs, and the Hessian H(r) - H(p), where H(p) is
    diag(p) - p p'. Of a known y, t and r are one-hot, and H(r) is 0.
    """

    def is_known(self, target):
        """Whether the target says anything about y, (n,)."""
        return target.max(axis=1) > target.min(axis=1)

    def log_likelihood(self, outputs, target):
        """log sum_j p_j t_j, (n,)."""
        return logsumexp(log_softmax(outputs, axis=-1) + target, axis=-1)

    def expected_target(self, outputs, target):
        """r, the probabilities of y given the target too, (n, m)."""
        return softmax(log_softmax(outputs, axis=-1) + target, axis=-1)

    def gradient(self, outputs, target):
        """r - p, (n, m)."""
        return self.expected_target(outputs, target) - softmax(outputs, axis=-1)

    def curvature(self, outputs, target, jacobian):
        """A' (H(p) - H(r)) A of the Jacobians A, (n, m, D): (n, D, D)."""
        p, r = softmax(outputs, axis=-1), self.expected_target(outputs, target)
        square = np.swapaxes(jacobian, 1, 2) @ ((p - r)[..., None] * jacobian)
        p, r = (np.einsum("nm,nmd->nd", each, jacobian) for each in (p, r))
        return square - p[:, :, None] * p[:, None] + r[:, :, None] * r[:, None]

    def mixture(self, outputs, weights):
        """log sum_p w_p softmax(outputs_p), (n, m).

        outputs: (P, n, m) or (P, 1, m); weights: (P, n), which sum to 1.
        """
        prob = np.einsum("pn,pnm->nm", weights, softmax(outputs, axis=-1))
        with np.errstate(divide="ignore"):
            return np.log(prob)


@dataclass(frozen=True)
class Normal:
    """y ~ N(outputs, variance I). The target is y, (n, m).

    Args:
        variance: a number > 0.
    """

    variance: float

    def is_known(self, target):
        """Whether the target says anything about y, (n,)."""
        return np.ones(len(target), bool)

    def log_likelihood(self, outputs, target):
        """log N(y; outputs, variance I), (n,)."""
        squares = np.square(target - outputs).sum(axis=-1) / self.variance
        return -0.5 * (squares + target.shape[-1] * np.log(2 * np.pi * self.variance))

    def expected_target(self, outputs, target):
        """y, (n, m)."""
        return target

    def gradient(self, outputs, target):
        """(y - outputs) / variance, (n, m)."""
        return (target - outputs) / self.variance

    def curvature(self, outputs, target, jacobian):
        """A' A / variance of the Jacobians A, (n, m, D): (n, D, D)."""
        return np.swapaxes(jacobian, 1, 2) @ jacobian / self.variance

    def mixture(self, outputs, weights):
        """Mean and precision of sum_p w_p N(outputs_p, variance I), (n, m) each.

        outputs: (P, n, m) or (P, 1, m); weights: (P, n), which sum to 1.
        """
        mean = np.einsum("pn,pnm->nm", weights, outputs)
        square = np.einsum("pn,pnm->nm", weights, np.square(outputs))
        spread = np.maximum(square - np.square(mean), 0)
        return mean, 1 / (spread + self.variance)


def residual_variance(outputs, weights, target) -> float:
    """The mean of (y - outputs_p)^2 over entries and points of the weights, (P, n)."""
    squares = [w @ np.square(target - o) for w, o in zip(weights, outputs, strict=True)]
    return float(np.sum(squares) / (weights.sum() * target.shape[1]))


def expected_rows(density, points, outputs, weights, target) -> tuple:
    """(x, E[y], weight) of the rows that a function of x is fitted to.

    The loss of each row is linear in y, so all examples at one point become one row.

    Args:
        density: a `Softmax` or a `Normal`.
        points: of x, one for each example, (1, n, ...), or common ones, (P, 1, ...).
        outputs: of the function before the fit, (1, n, m) or (P, 1, m).
        weights: (P, n).
        target: (n, m).
    """
    y = [density.expected_target(each, target) for each in outputs]
    if points.shape[:2] == (1, len(target)):
        return points[0], y[0], weights[0]
    total = np.maximum(weights.sum(axis=1), np.finfo(float).tiny)
    y = np.stack([w @ each for w, each in zip(weights, y, strict=True)])
    return points[:, 0], y / total[:, None], total / total.mean()
