"""What each latent dimension does to each entry of x."""

import numpy as np


def latent_effects(vae, z: np.ndarray, scale: np.ndarray, label=None) -> np.ndarray:
    """The change of the decoded x when z_d goes from -1 to +1 standard deviation.

    The other dimensions are at their means.

    Args:
        vae: the model.
        z: (n, latent_dim), the latents of data.
        scale: (d,), the standard deviations of x, in which the change is measured.
        label: the code that a conditional model decodes with, or `None`.

    Returns (latent_dim, d).
    """
    steps = np.diag(z.std(axis=0))
    mean = z.mean(axis=0)
    ends = vae.decode(np.concatenate([mean + steps, mean - steps]), label)
    high, low = np.split(ends, 2)
    return (high - low) / scale
