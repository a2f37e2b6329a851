"""The VAE for images of 8 bits: p(x|z) is a discretised logistic distribution.

Kingma et al. (2016), "Improving variational inference with inverse autoregressive
flow", appendix; Salimans et al. (2017), "PixelCNN++".
"""

import math

import keras
from keras import ops

from models.blocks import densities
from models.blocks.component import register
from models.blocks.likelihoods import Likelihood
from models.checks import check_integer
from models.variants.variant import Components, variant

SOURCE = "Kingma et al. 2016; Salimans et al. 2017"


@variant
def build(*, levels: int = 256) -> Components:
    """The VAE with p(x|z) over the grey levels 0, 1/255, ..., 1, its scale learned.

    Args:
        levels: the number of values that an entry of x can have, from 0 to 1.
    """
    return Components(likelihood=DiscretizedLogistic(levels))


@register
class DiscretizedLogistic(Likelihood):
    """p(x|z): logistic in `levels` from 0 to 1, its scale learned.

    The probability that a logistic variable falls into the level of x is

        P(x|z) = F((x + w/2 - mean) / s) - F((x - w/2 - mean) / s)

    with F the sigmoid, w the distance of two levels, mean = sigmoid(parameter), and s
    one learned scale. The first and the last level reach to minus and plus infinity, so
    the probabilities of all levels sum to 1. With a and b the two arguments of F,

        log(F(a) - F(b)) = log F(a) + log F(-b) + log(1 - exp(b - a)).

    Args:
        levels: the number of values that an entry of x can have, from 0 to 1.

    Raises ValueError if levels is no integer >= 2.
    """

    in_unit_interval = True

    def __init__(self, levels=256, **kwargs):
        super().__init__(**kwargs)
        self.levels = check_integer("levels", levels, at_least=2)

    def build(self, x_shape, parameters_shape=None):
        start = keras.initializers.Constant(math.log(0.1))
        self.log_scale = self.add_weight(name="log_scale", initializer=start)

    def log_prob(self, x, parameters, batch_axes=1):
        width, rate = 1.0 / (self.levels - 1), ops.exp(-self.log_scale)
        distance = x - self.mean(parameters)
        above = -densities.softplus(-(distance + width / 2) * rate)  # log F(a)
        below = -densities.softplus((distance - width / 2) * rate)  # log F(-b)
        inside = ops.log(-ops.expm1(-width * rate))
        log_p = ops.where(x < width / 2, above, above + below + inside)
        log_p = ops.where(x > 1.0 - width / 2, below, log_p)
        return densities.sum_event(log_p, batch_axes)

    def mean(self, parameters):
        return ops.sigmoid(parameters)
