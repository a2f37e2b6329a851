"""The bodies of encoders and decoders.

A network is any object with two methods, each of which takes `Settings`:

    encoder: a keras.Model of that name, x -> {"z_mean", "z_log_var"}, each
        (batch, latent_dim) float32.
    decoder: a keras.Model of that name, z -> one float32 parameter of p(x|z) for each
        entry of x, (batch, *input_shape).

For a conditional variant it has a third one:

    join: (x, code, settings) -> both in one tensor, which the encoder then takes for
        x; code is a label's, (batch, code_dim). See `models.networks.conditioned`.

`settings.half` makes these models, and sees to it that no two layers share a name.
`MLP`, `Conv` and `FromFunctions` are networks; `Shaken` makes one of another.
"""

from models.blocks.layers import Sampling
from models.networks.augmentation import Shaken
from models.networks.conv import Conv, batch_normalization, group_normalization
from models.networks.from_functions import FromFunctions
from models.networks.mlp import MLP
from models.networks.network_config import Settings

__all__ = [
    "MLP",
    "Conv",
    "FromFunctions",
    "Settings",
    "Shaken",
    "batch_normalization",
    "gaussian_posterior",
    "group_normalization",
]


def gaussian_posterior(x, settings, n_samples):
    """q(z|x) = N(z_mean, diag exp(z_log_var)), and a z drawn from it."""
    q = settings.network.encoder(settings)(x)
    sampling = Sampling(n_samples, next(settings.seeds), name="z")
    return {**q, "z": sampling(q["z_mean"], q["z_log_var"])}
