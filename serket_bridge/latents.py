"""What a VAE says of its data: latents go up, what they decode to goes down.

What goes up is made of q(z|x) by a function (posterior, rng) -> message, `sample`,
`mean` or `moments`. Data on disk are encoded part by part, and decoded where they are
read.
"""

import numpy as np

from models.blocks.ondisk_array import Rows
from serket_bridge.messages import Gaussian
from serket_bridge.partwise import kept, parts


def sample(posterior, rng):
    """Sends one draw of q(z|x): its scatter carries the posterior's variance up."""
    return Gaussian.point(posterior.sample(rng))


def mean(posterior, rng):
    """Sends the mean of q(z|x), as if it were certain."""
    return Gaussian.point(posterior.mean)


def moments(posterior, rng):
    """Sends q(z|x) itself, mean and precision."""
    return posterior


def encoded(model, x, label, message, rng):
    """q(z|x) and the message up, two `Gaussian`s.

    label: `None` for a model that is not conditional.
    """

    def say(x, label):
        """Mean and precision of both; no precision of a point."""
        z_mean, z_log_var = model.encode(x, label)
        q = Gaussian(z_mean, np.exp(-z_log_var))
        up = message(q, rng)
        is_point = np.isinf(up.precision).all()
        return q.mean, q.precision, up.mean, None if is_point else up.precision

    said = (say(x[rows], label if label is None else label[rows]) for rows in parts(x))
    z_mean, z_precision, value, precision = kept(said, isinstance(x, Rows))
    is_point = precision is None
    up = Gaussian.point(value) if is_point else Gaussian(value, precision)
    return Gaussian(z_mean, z_precision), up


def decoded(model, z, label):
    """The mean of p(x|z); of latents on disk decoded where it is read."""
    return Decoded(model, z, label) if isinstance(z, Rows) else model.decode(z, label)


class Decoded(Rows):
    """The mean of p(x|z) of latents on disk, by the model as it is when it is read."""

    def __init__(self, model, z, label):
        self.model, self.z, self.label = model, z, label
        self.shape = (len(z), *model.input["x"].shape[1:])

    def read_raw(self, first, last):
        label = self.label if self.label is None else self.label[first:last]
        return self.model.decode(self.z[first:last], label)
