"""p(x|z) of counts: Poisson, negative binomial, and its zero-inflated form.

Lopez, Regier, Cole, Jordan and Yosef (2018), "Deep generative modeling for single-cell
transcriptomics" (scVI), without its size factors.
"""

import math

import numpy as np
from keras import ops

from models.blocks.component import register
from models.blocks.densities import sum_event
from models.blocks.gamma_densities import (
    negative_binomial_log_prob,
    poisson_log_prob,
    zero_inflated,
)
from models.blocks.likelihoods import Likelihood, Scale

MAX_LOG_MEAN = 24.0 * math.log(2.0)  # float32 has no larger odd integer


def bounded(log_mean):
    """At most MAX_LOG_MEAN: a first step of wide q(z|x) does not overflow."""
    return ops.minimum(log_mean, MAX_LOG_MEAN)


class CountLikelihood(Likelihood):
    """p(x|z) of integers x >= 0, whose logarithms the encoder takes."""

    is_count = True
    is_integer = True


@register
class Poisson(CountLikelihood):
    """p(x|z) = Poisson(exp(parameter)) for each entry of x, an integer >= 0.

    The log-likelihood is a log-probability, in nats; the mean is the rate.
    """

    def log_prob(self, x, log_mean, batch_axes=1):
        return sum_event(poisson_log_prob(x, bounded(log_mean)), batch_axes)

    def mean(self, log_mean):
        return ops.exp(bounded(log_mean))

    def sample(self, log_mean, seed=None):
        """Draws x from p(x|z): (..., *x.shape), NumPy, by the seed."""
        rate = ops.convert_to_numpy(self.mean(log_mean)).astype("float64")
        return np.random.default_rng(seed).poisson(rate)


@register
class NegativeBinomial(CountLikelihood):
    """p(x|z) = NB(mean exp(parameter), dispersion r) for entries of x, integers >= 0.

    Counts that vary more than Poisson's: the variance is mean + mean^2 / r.

    Args:
        dispersion: r, a number > 0, or `None` to learn one for each entry of x by
            gradient, as scVI does.

    Raises ValueError if the dispersion is neither `None` nor a number > 0.
    """

    def __init__(self, dispersion: Scale = None, **kwargs):
        super().__init__(**kwargs)
        if dispersion is not None and not dispersion > 0.0:
            raise ValueError(
                "dispersion must be a number > 0, or None to learn it. "
                f"Received: dispersion={dispersion!r}"
            )
        self.dispersion = dispersion

    def build(self, x_shape, parameters_shape=None):
        if self.dispersion is None:
            self.log_dispersion = self.add_weight(
                name="log_dispersion", shape=x_shape[1:], initializer="zeros"
            )
        else:
            self.log_dispersion = math.log(self.dispersion)

    def log_prob(self, x, log_mean, batch_axes=1):
        log_p = negative_binomial_log_prob(x, bounded(log_mean), self.log_dispersion)
        return sum_event(log_p, batch_axes)

    def mean(self, log_mean):
        return ops.exp(bounded(log_mean))

    def sample(self, log_mean, seed=None):
        """Draws x from p(x|z), Poisson of a Gamma-distributed rate."""
        random = np.random.default_rng(seed)
        mean = ops.convert_to_numpy(NegativeBinomial.mean(self, log_mean))
        r = np.exp(ops.convert_to_numpy(self.log_dispersion).astype("float64"))
        return random.poisson(random.gamma(r, mean / r))


@register
class ZeroInflatedNegativeBinomial(NegativeBinomial):
    """p(x|z) = pi [x = 0] + (1 - pi) NB(mean, dispersion r), for integers x >= 0.

    The decoder returns log mean and logit of pi for each entry of x. The mean of p(x|z)
    is (1 - pi) times that of the negative binomial.
    """

    n_parameters = 2

    def log_prob(self, x, parameters, batch_axes=1):
        log_mean, logit = parameters[..., 0], parameters[..., 1]
        log_p = negative_binomial_log_prob(x, bounded(log_mean), self.log_dispersion)
        return sum_event(zero_inflated(x, log_p, logit), batch_axes)

    def mean(self, parameters):
        return super().mean(parameters[..., 0]) * ops.sigmoid(-parameters[..., 1])

    def sample(self, parameters, seed=None):
        """Draws x from p(x|z): 0 with probability pi, else the negative binomial."""
        counts = super().sample(parameters[..., 0], seed)
        present = ops.convert_to_numpy(ops.sigmoid(-parameters[..., 1]))
        random = np.random.default_rng([1, seed] if seed is not None else None)
        return counts * (random.random(counts.shape) < present)
