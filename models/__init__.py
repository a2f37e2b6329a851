"""A zoo of variational autoencoders in Keras 3, one file a variant.

The contract of a variant is `build(input_shape, latent_dim, ...) -> keras.Model`, a
functional model of the class `models.blocks.vae.VAE` with

* layers named `encoder` (x -> z_mean, z_log_var), `z` (Sampling), `decoder` (z -> the
  parameters of p(x|z)), `x_mean` (those -> the mean of p(x|z)), `log_likelihood`, `kl`
  and `elbo`; of a conditional model the encoder takes [x, label] and the decoder
  [z, label], and a learned prior is the layer `prior`; every layer name is unique in
  the whole model;
* inputs: a dict with `x`, `label` if it is conditional, and `prior_mean` and
  `prior_precision` if it listens;
* outputs: a dict with `elbo`, `log_likelihood`, `kl` (nats per datum, (batch,)),
  `x_mean`, `z_mean`, `z_log_var` and `z`;
* `compile(optimizer)` without a loss; `loss`, `log_likelihood` and `kl` in the history;
* `model.save("x.keras")`, and `keras.saving.load_model("x.keras")` without
  `custom_objects`.

Arguments that every `build` takes:

    input_shape: the shape of one datum: (d,), or an image's (h, w) or (h, w, c).
    latent_dim: the number of dimensions of z.
    hidden_dims: the widths of the encoder's hidden layers; the decoder mirrors them.
    network: the bodies of encoder and decoder, an object of `models.networks`:
        `MLP()`, dense layers whose decoder may have widths of its own and whose
        weights may begin as Serket's; `Conv()`, convolutions for images of any size;
        `FromFunctions(build_encoder, build_decoder)`, any layers of Keras; or one of
        your own with the methods written there.
    activation: of the hidden layers; a name or function Keras knows.
    kl_weight: what multiplies the KL (Serket's alpha, the beta of the beta-VAE): a
        number, or a schedule by epoch from `models.blocks.schedules`.
    n_samples: draws of z for each datum in one training step.
    seed: decides initial weights, noise and the order of the data. `None` takes one
        from Python's `random`, which `keras.utils.set_random_seed` seeds.

    Raises ValueError, naming the argument, what was expected and what came.

A new variant is one file with a `build`, and its name in `VARIANTS`.
"""

from collections.abc import Mapping
from importlib import import_module
from zipfile import BadZipFile

from models import deprecated  # noqa: F401, which finds modules of former names
from models.suppress_output import import_keras


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
    from models.networks.augmentation import RandomAffine

    for name in VARIANTS:  # registers the classes that files name
        VARIANTS[name]
    try:
        model = legacy.load(path, {"vaezoo>Shake": RandomAffine})
        model = model or keras.saving.load_model(path)
    except (OSError, ValueError, TypeError, KeyError, BadZipFile) as error:
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
