"""Images shaken before they are encoded, so that latents say what, and not where.

The decoder draws each image as it was, from a z that was read off a shifted, turned and
scaled one: still a lower bound of log p(x), with q(z | shaken x). What all views of an
image have in common is what z can hold, and a message about z is one for all of them.
As augmentation in deep clustering: Guo et al. (2018), "Deep embedded clustering with
data augmentation".
"""

import math
from dataclasses import dataclass
from numbers import Real

import keras
from keras import ops

from models.blocks.layers import Noisy
from models.blocks.schedules import PACKAGE
from models.networks.mlp import MLP


@keras.saving.register_keras_serializable(PACKAGE)
class Shake(Noisy):
    """In training, each image moved by an affine map drawn for it; else as it is.

    Args:
        most: the most that it is turned (degrees), scaled, and shifted across and down
            (of its sides); each is drawn from the uniform distribution -most .. most.
            What comes in over an edge is the edge's own colour.

    Input and output: (batch, h, w) or (batch, h, w, channels).
    """

    def __init__(self, most=(10.0, 0.1, 0.08, 0.08), seed=0, **kwargs):
        super().__init__(seed, **kwargs)
        self.most = tuple(most)
        # TensorFlow's affine maps are not among the operations that XLA has
        self.supports_jit = keras.backend.backend() != "tensorflow"

    def call(self, x, training=False):
        if not training:
            return x
        h, w = x.shape[1:3]
        most = (math.radians(self.most[0]), *self.most[1:])
        seed, shape = self.noise(training), (ops.shape(x)[0], 4)
        u = keras.random.uniform(shape, -1, 1, dtype="float32", seed=seed)
        angle, zoom, across, down = ops.unstack(u * ops.array(most, "float32"), axis=1)
        c, s = (1 + zoom) * ops.cos(angle), (1 + zoom) * ops.sin(angle)
        mid_x, mid_y = (w - 1) / 2, (h - 1) / 2  # stays where it is but for the shift
        rows = [c, -s, mid_x - c * mid_x + s * mid_y + w * across]
        rows += [s, c, mid_y - s * mid_x - c * mid_y + h * down]
        maps = ops.stack([*rows, 0 * c, 0 * c], axis=1)
        images = x if len(x.shape) == 4 else x[..., None]
        moved = ops.image.affine_transform(images, maps, fill_mode="nearest")
        return ops.reshape(moved, ops.shape(x))

    def compute_output_shape(self, x_shape):
        return x_shape

    def get_config(self):
        return {**super().get_config(), "most": self.most}


@dataclass(frozen=True)
class Shaken:
    """A network whose encoder is trained on shaken images, of (h, w) or (h, w, c).

    Args:
        network: the network, which is not that of a conditional model.
        turn: the most that an image is turned either way, degrees.
        zoom: the most that it is scaled, of its size.
        shift: the most that it is shifted each way, of its sides.

    Raises ValueError, naming the argument, what was expected and what came.
    """

    network: object = MLP()
    turn: float = 10.0
    zoom: float = 0.1
    shift: float = 0.08

    def __post_init__(self):
        for name in ("turn", "zoom", "shift"):
            value, most = getattr(self, name), 180 if name == "turn" else 1
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not is_number or not 0 <= value < most:
                raise ValueError(
                    f"{name} must be a number >= 0 and below {most}. "
                    f"Received: {name}={value!r}"
                )

    def encoder(self, settings):
        """x -> z_mean and z_log_var, each (batch, latent_dim), float32."""
        if len(settings.input_shape) not in (2, 3):
            raise ValueError(
                "networks.Shaken needs images, (h, w) or (h, w, channels), of a model "
                f"that is not conditional. Received: the shape {settings.input_shape}"
            )
        x = keras.Input(settings.input_shape, name="shaken_input")
        most = self.turn, self.zoom, self.shift, self.shift
        seen = Shake(most, next(settings.seeds), name="shake")(x)
        body = self.network.encoder(settings.replace(suffix="_body"))
        return keras.Model(x, body(seen), name="encoder")

    def decoder(self, settings):
        """z -> one float32 parameter of p(x|z) for each entry of x."""
        return self.network.decoder(settings)
