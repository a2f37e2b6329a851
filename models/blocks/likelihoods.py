"""p(x|z): the density of x given what the decoder returns, and its mean."""

import math
from typing import Annotated

from keras import ops

from models.blocks import densities
from models.blocks.component import Binarize, Component, register

# A standard deviation, or None to learn it: the word "learn" on the command line.
Scale = Annotated[float | None, "learn"]


class Likelihood(Component):
    """p(x|z), a layer: (x, parameters) -> {"log_px": (S, B), "x_mean": (B, ...)}.

    Subclasses give `log_prob` and `mean`, and say how many parameters the decoder
    returns for an entry of x and which values x may have.

    Input: x, (B, ...); the output of the decoder, (S B, ...), with a last axis of
    `n_parameters` where there are several. Output: log p(x|z) in nats, and the mean of
    p(x|z) at the first sample of z.
    """

    role = "likelihood"
    n_parameters = 1  # for an entry of x
    in_unit_interval = False  # whether x must lie in [0, 1]
    is_count = False  # whether x must be >= 0

    def log_prob(self, x, parameters, batch_axes=1):
        """log p(x|z), summed over all but the first axes: (B, ...) -> (B,), nats."""
        raise NotImplementedError

    def mean(self, parameters):
        """The mean of p(x|z), (..., *x.shape)."""
        raise NotImplementedError

    def observation(self):
        """A layer x -> what p(x|z) is the density of, or `None` for x itself."""
        return None

    def call(self, x, parameters):
        x = ops.cast(x, self.compute_dtype)
        by_sample = ops.reshape(
            parameters, (-1, ops.shape(x)[0], *ops.shape(parameters)[1:])
        )
        log_px = self.log_prob(x[None], by_sample, batch_axes=2)
        return {"log_px": log_px, "x_mean": self.mean(by_sample[0])}

    def compute_output_spec(self, x, parameters):
        return {"log_px": self.spec(None, x.shape[0]), "x_mean": self.spec(*x.shape)}


@register
class Bernoulli(Likelihood):
    """p(x|z) = Bernoulli(sigmoid(logits)), for x in [0, 1] (Kingma and Welling, 2014).

    Args:
        binarize: whether each entry of x is drawn as 0 or 1 with probability x, again
            in every training step; else grey values enter the cross-entropy.
    """

    in_unit_interval = True

    def __init__(self, binarize: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.binarize = bool(binarize)

    def log_prob(self, x, logits, batch_axes=1):
        return densities.bernoulli_log_likelihood(x, logits, batch_axes)

    def mean(self, logits):
        return ops.sigmoid(logits)

    def observation(self):
        return Binarize(name="observation") if self.binarize else None


@register
class Gaussian(Likelihood):
    """p(x|z) = N(x_mean, sigma^2 I), for real x.

    Args:
        sigma: the standard deviation, in the units of x. 1 is the "MSE" VAE of
            textbooks; `None` learns one scale for all of x by gradient (the sigma-VAE
            of Rybkin et al., 2021), and the KL needs no weight of its own.

    Raises ValueError if sigma is neither `None` nor a number > 0.
    """

    def __init__(self, sigma: Scale = 1.0, **kwargs):
        super().__init__(**kwargs)
        if sigma is not None and not sigma > 0.0:
            raise ValueError(
                f"sigma must be a number > 0, or None to learn it. "
                f"Received: sigma={sigma!r}"
            )
        self.sigma = sigma

    def build(self, x_shape, parameters_shape=None):
        if self.sigma is None:
            self.log_sigma = self.add_weight(name="log_sigma", initializer="zeros")
        else:
            self.log_sigma = math.log(self.sigma)

    def log_prob(self, x, mean, batch_axes=1):
        return densities.gaussian_log_likelihood(x, mean, self.log_sigma, batch_axes)

    def mean(self, mean):
        return mean
