"""p(x|z) of real x: Student's t for outliers, continuous Bernoulli for x in [0, 1]."""

import math

import keras
import numpy as np
from keras import ops

from models.blocks.component import register
from models.blocks.densities import sum_event
from models.blocks.gamma_densities import student_t_log_prob
from models.blocks.likelihoods import Likelihood, Scale


@register
class StudentT(Likelihood):
    """p(x|z) = t(x_mean, scale, degrees of freedom) for each entry of real x.

    Heavier tails than the Gaussian's, so that a few large errors count less.

    Args:
        scale: the scale, in the units of x, or `None` to learn one for all of x.
        degrees_of_freedom: the degrees of freedom, or `None` to learn them, from 10;
            1 is the Cauchy distribution, whose median stands for its mean.

    Raises ValueError if one is neither `None` nor a number > 0.
    """

    def __init__(self, scale: Scale = None, degrees_of_freedom: Scale = None, **kwargs):
        super().__init__(**kwargs)
        self.scale, self.degrees_of_freedom = scale, degrees_of_freedom
        for name in ("scale", "degrees_of_freedom"):
            value = getattr(self, name)
            if value is not None and not value > 0.0:
                raise ValueError(
                    f"{name} must be a number > 0, or None to learn it. "
                    f"Received: {name}={value!r}"
                )

    def build(self, x_shape, parameters_shape=None):
        self.log_scale = self.given_or_learned("scale", 1.0)
        self.log_degrees = self.given_or_learned("degrees_of_freedom", 10.0)

    def given_or_learned(self, name, start):
        """The logarithm of an argument, or a weight that begins at log start."""
        if getattr(self, name) is not None:
            return math.log(getattr(self, name))
        initializer = keras.initializers.Constant(math.log(start))
        return self.add_weight(name=f"log_{name}", initializer=initializer)

    def log_prob(self, x, mean, batch_axes=1):
        log_p = student_t_log_prob(x, mean, self.log_scale, self.log_degrees)
        return sum_event(log_p, batch_axes)

    def mean(self, mean):
        return mean

    def sample(self, mean, seed=None):
        """Draws x from p(x|z): (..., *x.shape), NumPy, by the seed."""
        mean, log_scale, log_degrees = (
            ops.convert_to_numpy(each).astype("float64")
            for each in (mean, self.log_scale, self.log_degrees)
        )
        noise = np.random.default_rng(seed).standard_t(np.exp(log_degrees), mean.shape)
        return mean + np.exp(log_scale) * noise


@register
class ContinuousBernoulli(Likelihood):
    """p(x|z) = exp(logit x - A(logit)), for x in [0, 1].

    The normalised density of which `Bernoulli` has, for grey values, only the shape
    (Loaiza-Ganem and Cunningham, 2019). The mean is not sigmoid(logit), but A'(logit).
    """

    in_unit_interval = True

    def log_prob(self, x, logits, batch_axes=1):
        return sum_event(x * logits - log_normalizer(logits), batch_axes)

    def mean(self, logits):
        """A'(l) = 1 / (1 - exp(-l)) - 1 / l; near 0 1/2 + l / 12 - l^3 / 720 + ..."""
        is_near = ops.abs(logits) < NEAR
        far = ops.where(is_near, NEAR, logits)
        square = logits * logits
        series = logits * (1.0 - square * (1.0 - square / 42.0) / 60.0) / 12.0
        exact = 0.5 / ops.tanh(0.5 * far) - 1.0 / far
        return 0.5 + ops.where(is_near, series, exact)

    def sample(self, logits, seed=None):
        """Draws x from p(x|z) by its distribution function, (e^lx - 1) / (e^l - 1)."""
        logits = ops.convert_to_numpy(logits).astype("float64")
        u = np.random.default_rng(seed).random(logits.shape)
        rate = np.maximum(np.abs(logits), 1e-6)  # of x for l < 0, of 1 - x for l > 0
        distance = -np.log1p(u * np.expm1(-rate)) / rate
        return np.where(logits > 0.0, 1.0 - distance, distance)


NEAR = 0.5  # logits nearer to 0 than this take the series


def log_normalizer(logits):
    """A(l) = log of the integral of exp(l x) over [0, 1] = log((exp(l) - 1) / l).

    It is l / 2 + log(sinh(l / 2) / (l / 2)), and near 0 the logarithm is the series
    l^2 / 24 - l^4 / 2880 + l^6 / 181440.
    """
    size = ops.abs(logits)
    far, square = ops.maximum(size, NEAR), logits * logits
    series = square * (1.0 - square * (1.0 - square / 63.0) / 120.0) / 24.0
    exact = 0.5 * far + ops.log(-ops.expm1(-far) / far)
    return 0.5 * logits + ops.where(size < NEAR, series, exact)
