"""What makes encoders and decoders: x -> features, z -> parameters of p(x|z).

A network is any object with two methods, each of which takes a `NetworkConfig`:

    encoder: a keras.Model of that name, x -> features, (batch, m). It may instead
        return a dict of the parameters of q(z|x), such as z_mean and z_log_var, each
        (batch, latent_dim) float32; then q(z|x) has no heads of its own.
    decoder: a keras.Model of that name, z -> the float32 parameters of p(x|z) for each
        entry of x, (batch, *config.output_shape).

For a conditional variant it has a third one:

    condition: (x, code, config) -> both in one tensor, which the encoder then takes for
        x; code is that of a label, (batch, code_dim).

`config.submodel` makes these models, and checks that no two layers share a name. `MLP`,
`Conv` and `FromFunctions` are networks; `Augmented` makes one of another, and so do
`Logarithmic`, for counts, and `Conditional`, for the variants that take labels.

This room knows `models.blocks.component` (seeds, registration) and nothing else of the
project.
"""

from models.networks.augmentation import Augmented
from models.networks.conditioned import Conditional
from models.networks.conv import Conv, batch_normalization, group_normalization
from models.networks.from_functions import FromFunctions
from models.networks.logarithmic import Logarithmic
from models.networks.mlp import MLP
from models.networks.network_config import NetworkConfig

__all__ = [
    "MLP",
    "Augmented",
    "Conditional",
    "Conv",
    "FromFunctions",
    "Logarithmic",
    "NetworkConfig",
    "batch_normalization",
    "group_normalization",
]
