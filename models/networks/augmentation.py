"""Images moved before they are encoded, so that latents describe what, and not where.

The decoder reconstructs each image as it was, from a z encoded from a shifted, rotated
and scaled copy: still a lower bound of log p(x), with q(z | moved x). z keeps what all
views of an image have in common, and a message about z is one about all of them. The
same augmentation serves deep clustering: Guo et al. (2018), "Deep embedded clustering
with data augmentation".
"""

import math
from dataclasses import dataclass
from numbers import Real

import keras
from keras import ops

from models.blocks.component import RandomComponent, register
from models.networks.mlp import MLP


@register
class RandomAffine(RandomComponent):
    """In training, moves each image by an affine map drawn for it.

    Args:
        most: the largest rotation (degrees), scaling, and shift across and down (as a
            part of the sides); each is drawn from the uniform distribution -most ..
            most. Pixels from outside the image have the colour of its edge.
        seed: of the stream of random numbers.

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
        seed, shape = self.call_seed(training), (ops.shape(x)[0], 4)
        u = keras.random.uniform(shape, -1, 1, dtype="float32", seed=seed)
        angle, zoom, across, down = ops.unstack(u * ops.array(most, "float32"), axis=1)
        c, s = (1 + zoom) * ops.cos(angle), (1 + zoom) * ops.sin(angle)
        mid_x, mid_y = (w - 1) / 2, (h - 1) / 2  # the fixed point but for the shift
        rows = [c, -s, mid_x - c * mid_x + s * mid_y + w * across]
        rows += [s, c, mid_y - s * mid_x - c * mid_y + h * down]
        maps = ops.stack([*rows, 0 * c, 0 * c], axis=1)
        images = x if len(x.shape) == 4 else x[..., None]
        moved = ops.image.affine_transform(images, maps, fill_mode="nearest")
        return ops.reshape(moved, ops.shape(x))

    def compute_output_shape(self, x_shape):
        return x_shape


@dataclass(frozen=True)
class Augmented:
    """A network whose encoder is trained on moved images, (h, w) or (h, w, channels).

    Args:
        network: the network, which is not that of a conditional model.
        rotation: the largest rotation either way, degrees.
        zoom: the largest change of size, as a part of it.
        shift: the largest shift each way, as a part of the sides.

    Raises:
        ValueError: one of the arguments, with what was expected and received.
    """

    network: object = MLP()
    rotation: float = 10.0
    zoom: float = 0.1
    shift: float = 0.08

    def __post_init__(self):
        for name in ("rotation", "zoom", "shift"):
            value, most = getattr(self, name), 180 if name == "rotation" else 1
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not is_number or not 0 <= value < most:
                raise ValueError(
                    f"{name} must be a number >= 0 and below {most}. "
                    f"Received: {name}={value!r}"
                )

    def encoder(self, config):
        """x -> features of the moved image, (batch, m)."""
        if len(config.input_shape) not in (2, 3):
            raise ValueError(
                "networks.Augmented needs images, (h, w) or (h, w, channels), of a "
                "model that is not conditional. "
                f"Received: the shape {config.input_shape}"
            )
        x = keras.Input(config.input_shape, name="augmentation_input")
        most = self.rotation, self.zoom, self.shift, self.shift
        moved = RandomAffine(most, next(config.seeds), name="augmentation")(x)
        body = self.network.encoder(config.replace(suffix="_body"))
        return keras.Model(x, body(moved), name="encoder")

    def decoder(self, config):
        """z -> the float32 parameters of p(x|z) for each entry of x."""
        return self.network.decoder(config)
