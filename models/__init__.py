"""A zoo of variational autoencoders in Keras 3: one file for each variant.

    model = models.vanilla.build((28, 28), latent_dim=10)
    model.compile("adam")
    model.fit(x, epochs=50)
    model.encode(x), model.decode(z), model.reconstruct(x), model.sample(64)

The contract of a variant is `build(input_shape, latent_dim, ...) -> VAE`: a functional
Keras model, `models.blocks.vae.VAE`, assembled from a posterior q(z|x), a prior p(z), a
likelihood p(x|z) and an objective. `model.replace(prior=...)` gives the same model with
another component. A new variant is one file in `models/variants` with a `build`, and
its name in `VARIANTS`; the options of `python -m models.train --variant NAME` are the
arguments of its `build`, which `help(models.vanilla.build)` describes.

Rooms: variants (one file each), blocks (components and the model class), networks,
training, data, evaluation, plotting, runs, cli, explorer; the other files here are the
commands `python -m models.NAME`. `tests/test_structure.py` has what may import what.
"""

from collections.abc import Mapping
from importlib import import_module

from models import deprecated  # noqa: F401, which finds modules of former names
from models.suppress_output import import_keras

__version__ = "0.2.0"


class Variants(Mapping):
    """name -> `build` of the module `models.variants.<name>`, imported when it is used.

    Names are known before Keras is imported, so that a command's `--help` is instant.
    """

    def __init__(self, *names, default):
        self.names, self.default = names, default  # of the command

    def __getitem__(self, name):
        if name not in self.names:
            raise KeyError(f"{name!r} is no variant. Known: {', '.join(self.names)}")
        import_keras()
        return import_module(f"models.variants.{name}").build

    def __iter__(self):
        return iter(self.names)

    def __len__(self):
        return len(self.names)


VARIANTS = Variants(
    "vanilla",
    "bernoulli",
    "beta",
    "iwae",
    "conditional",
    "serket",
    "vampprior",
    "iaf",
    "logistic",
    "beta_tc",
    "iwae_planar",
    "multinomial",
    default="serket",
)


def load(path):
    """A saved model of the zoo, compiled as it was, optimiser state included.

    Nothing in the file is run: Keras's safe mode stays on.
    Raises ValueError if the file is missing, damaged, or no model of the zoo.
    """
    import_keras()
    import keras

    from models.blocks import legacy
    from models.blocks.vae import VAE
    from models.checks import check_unpacked
    from models.networks.augmentation import RandomAffine

    check_unpacked(path)
    for name in VARIANTS:  # registers the classes that files name
        VARIANTS[name]
    try:
        model = legacy.load(path, {"vaezoo>Shake": RandomAffine})
        model = model or keras.saving.load_model(path)
    except Exception as error:  # of Keras, h5py, zipfile and zlib
        reason = str(error).partition("\n")[0][:200]
        raise ValueError(f"path {path}: no model could be loaded: {reason}") from error
    if not isinstance(model, VAE):
        raise ValueError(
            f"path {path}: expected a VAE. Received: a {type(model).__name__}"
        )
    return model


def __getattr__(name):
    """`models.vanilla` and its siblings, without an import of their own."""
    if name in VARIANTS:
        import_keras()
        return import_module(f"models.variants.{name}")
    raise AttributeError(f"module 'models' has no attribute {name!r}")
