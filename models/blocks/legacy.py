"""Opens `.keras` files that were written before a VAE was made of four components.

Such a file has layers `z`, `kl`, `log_likelihood` and `elbo`, and the heads of q(z|x)
in its encoder. Its configuration says which components they are; its weights and the
state of its optimiser are read by their positions in the archive.
"""

import io
import json
import zipfile

import h5py
import keras
import numpy as np

from models.blocks.component import Binarize
from models.blocks.likelihoods import Bernoulli, Gaussian
from models.blocks.objectives import ELBO, ImportanceWeighted
from models.blocks.posteriors import DiagonalGaussian
from models.blocks.priors import LabelGaussian, StandardNormal
from models.blocks.vae import VAE, connect

HEADS = ("z_mean", "z_log_var")


def load(path) -> VAE | None:
    """The model in an old file, compiled as it was; `None` for any other file."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        layers = {layer["name"]: layer for layer in config["config"].get("layers", ())}
        if not {"z", "elbo", "log_likelihood"} <= set(layers):
            return None
        file = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(file) as weights:
        return OldModel(config, layers, weights).upgrade()


class OldModel:
    """The layers of an old file, with their weights.

    Args:
        config: what config.json says of the model.
        layers: the configurations of its layers, by name.
        weights: the open file of its weights.

    Attributes:
        weights: name of a layer -> its values; of a submodel, by path of the weight.
    """

    def __init__(self, config, layers, weights):
        self.config, self.layers = config, layers
        submodels = {
            name: keras.saving.deserialize_keras_object(layer)
            for name, layer in layers.items()
            if layer["class_name"] == "Functional"
        }
        self.submodels = submodels
        old = [submodels.get(name, layer["class_name"]) for name, layer in layers.items()]
        self.values, self.trainable = {}, []
        for (name, group), layer in zip(groups(old, layers), old, strict=True):
            if isinstance(layer, keras.Model):
                assign(layer, weights[f"layers/{group}"])
                self.trainable += [v.path for v in layer.trainable_variables]
            elif f"layers/{group}/vars" in weights:
                stored = weights[f"layers/{group}/vars"]
                self.values[name] = {key: np.array(stored[key]) for key in stored}
                if name == "log_likelihood":
                    self.trainable.append("log_sigma")
        names = weights["optimizer/vars"] if "optimizer" in weights else ()
        self.optimizer = [np.array(names[str(i)]) for i in range(len(names))]

    def settings(self, name):
        """The configuration of a layer."""
        return self.layers[name]["config"]

    def upgrade(self):
        """The same model, of four components."""
        encoder, heads = without_heads(self.submodels["encoder"])
        posterior = DiagonalGaussian(
            self.settings("z")["n_samples"],
            encoder.output_shape[-1] if heads is None else heads[0].units,
            self.settings("z")["seed"],
        )
        vae = connect(
            encoder,
            self.submodels["decoder"],
            posterior,
            self.prior(posterior.latent_dim),
            self.likelihood(),
            self.objective(),
            self.observation(),
            takes_message="prior_mean" in self.layers,
            name=self.config["config"]["name"],
        )
        return vae
