"""The contenders of `benchmarks/speed.py`: one file each, with one function per task.

A function takes a `Task` and the data, x (rows, 784) or images, float32, and returns a
function of n that runs the task n times and waits until it is finished. All train the
VAE with p(x|z) = N(x_mean, I) by Adam; pythae's reads the loss at each step.
"""

from dataclasses import dataclass

import numpy as np

STEPS = 10  # of EM and Gibbs in one run


@dataclass(frozen=True)
class Task:
    """A task: `kind`, a function of the contenders, and the network to use."""

    kind: str
    network: str
    hidden: int
    latent: int
    rows: int
    batch: int

    @property
    def image(self):
        return self.network == "conv"

    @property
    def units(self):
        """The number of steps or rows by which the time of a run is divided."""
        if self.kind == "train":
            return -(-self.rows // self.batch)
        return STEPS if self.kind in ("em", "gibbs") else self.rows

    def data(self):
        """x in [0, 1], (rows, 784), or (rows, 28, 28, 1) for images."""
        x = np.random.default_rng(0).random((self.rows, 784), dtype=np.float32)
        return x.reshape(-1, 28, 28, 1) if self.image else x

    def layers(self):
        """Encoder and decoder as (kind, channels in, channels out, stride) each.

        The encoder's last layer gives z_mean and z_log_var side by side.
        """
        if not self.image:
            return [
                [
                    ("dense", 784, self.hidden, 1),
                    ("dense", self.hidden, 2 * self.latent, 1),
                ],
                [
                    ("dense", self.latent, self.hidden, 1),
                    ("dense", self.hidden, 784, 1),
                ],
            ]
        down = [("conv", 1, 32, 2), ("conv", 32, 64, 2), ("dense", 3136, 16, 1)]
        up = [("dense", self.latent, 3136, 1), ("up", 64, 64, 2), ("up", 64, 32, 2)]
        return [[*down, ("dense", 16, 2 * self.latent, 1)], [*up, ("conv", 32, 1, 1)]]


def shape(kind, n_in, n_out):
    """The shape of a layer's weights: (in, out), or (3, 3, in, out)."""
    return (n_in, n_out) if kind == "dense" else (3, 3, n_in, n_out)
