"""Opens `.keras` files that were written before a VAE was made of four components.

Such a file has layers `z`, `kl`, `log_likelihood` and `elbo`, and the heads of q(z|x)
in its encoder. Its configuration says which components these are; weights and the state
of the optimiser are read from the archive by their positions.
"""

import io
import json
import re
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras

from models.blocks.component import Binarize
from models.blocks.likelihoods import Bernoulli, Gaussian
from models.blocks.objectives import ELBO, ImportanceWeighted
from models.blocks.posteriors import DiagonalGaussian
from models.blocks.priors import LabelGaussian, StandardNormal
from models.blocks.vae import VAE, connect

HEADS = {"z_mean", "z_log_var"}


def load(path, renamed) -> VAE | None:
    """The model in an old file, compiled as it was; `None` for any other file.

    Args:
        path: of the file.
        renamed: registered name in the file -> the class that it is now.
    """
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        found = config["config"].get("layers", ())
        layers = {layer.get("name"): layer for layer in found}
        if not {"z", "elbo", "log_likelihood"} <= set(layers):
            return None
        file = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(file) as weights, keras.saving.custom_object_scope(renamed):
        return upgrade(config, layers, weights)


def upgrade(config, layers, weights) -> VAE:
    """The model of four components.

    Args:
        config: what config.json says of the model.
        layers: the configurations of its layers, by name, in their order.
        weights: the file of weights, open.
    """
    groups = group_names(layer["class_name"] for layer in layers.values())
    groups = (weights.get(f"layers/{group}") for group in groups)
    stored = dict(zip(layers, groups, strict=True))
    old = {
        name: load_submodel(layer, stored[name])
        for name, layer in layers.items()
        if layer["class_name"] == "Functional"
    }
    encoder, heads = without_heads(old["encoder"])
    settings = {name: layer["config"] for name, layer in layers.items()}
    dim = old["encoder"].output["z_mean"].shape[-1]
    components = [
        DiagonalGaussian(settings["z"]["n_samples"], dim, settings["z"]["seed"]),
        make_prior(old, dim),
        make_likelihood(settings),
        make_objective(layers["elbo"]),
    ]
    vae = connect(
        encoder,
        old["decoder"],
        components,
        takes_message="prior_mean" in layers,
        observation=make_observation(settings),
        name=config["config"]["name"],
    )
    copies = copy_variables(vae, heads, old)
    read_own_values(vae, stored)
    if config.get("compile_config"):
        vae.compile_from_config(config["compile_config"])
        trained = trained_variables(vae, layers, old, copies)
        read_optimizer(vae.optimizer, trained, weights["optimizer/vars"])
    return vae


def group_names(class_names):
    """What Keras calls layers of these classes in a file of weights."""
    seen = {}
    for name in class_names:
        name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
        name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
        seen[name] = seen.get(name, -1) + 1
        yield f"{name}_{seen[name]}" if seen[name] else name


def load_submodel(layer, group):
    """The submodel of a configuration, with its weights."""
    model = keras.saving.deserialize_keras_object(layer)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "submodel.weights.h5"
        with h5py.File(path, "w") as file:
            for key in group or ():
                group.copy(key, file)
            if "layers/shake" in file:  # the class that is now RandomAffine
                file.move("layers/shake", "layers/random_affine")
        model.load_weights(path)
    return model


def without_heads(encoder):
    """The encoder x -> features, and the dense layers of z_mean and z_log_var."""
    names = {layer.name for layer in encoder.layers}
    if names >= HEADS:
        heads = {name: encoder.get_layer(name) for name in HEADS}
        if not all(isinstance(head, keras.layers.Dense) for head in heads.values()):
            return encoder, {}  # functions of the user, whose results are the heads
        features = heads["z_mean"].input
        return keras.Model(encoder.inputs, features, name=encoder.name), heads
    body = encoder.get_layer("encoder_body")
    features, heads = without_heads(body)
    (joined,) = body._inbound_nodes[-1].input_tensors
    return keras.Model(encoder.inputs, features(joined), name=encoder.name), heads


def make_prior(old, dim):
    """p(z): N(0, I), or the Gaussian of each label."""
    if "prior" not in old:
        return StandardNormal(dim)
    (label,) = old["prior"].inputs
    label_dim = label.shape[1] if len(label.shape) > 1 else None
    code = old["prior"].get_layer("label_prior_mean").kernel.shape[0]
    return LabelGaussian(code, label_dim, latent_dim=dim)


def make_likelihood(settings):
    """p(x|z)."""
    own = settings["log_likelihood"]
    if "sigma" in own:
        return Gaussian(own["sigma"])
    return Bernoulli(binarize="binarize" in settings)


def make_objective(layer):
    """The objective of the layer `elbo`."""
    own, kind = layer["config"], layer["class_name"]
    schedules = own.get("kl_weight"), own.get("capacity")
    if kind == "ELBO":
        return ELBO(*schedules)
    return ImportanceWeighted(*schedules, kind == "DoublyReparameterizedELBO")


def make_observation(settings):
    """The layer that binarises x, or `None`."""
    if "binarize" not in settings:
        return None
    return Binarize(settings["binarize"]["seed"], name="observation")


def copy_variables(vae, heads, old):
    """Copies the heads and the prior; id of an old variable -> the new one."""
    pairs = [(heads[name], vae.posterior.heads[name]) for name in heads]
    if "prior" in old:
        for name in ("mean", "precision"):
            layer = old["prior"].get_layer(f"label_prior_{name}")
            pairs.append((layer, getattr(vae.prior, name)))
    copies = {}
    for layer, new in pairs:
        new.set_weights(layer.get_weights())
        copies |= zip(map(id, layer.weights), new.weights, strict=True)
    return copies


def read_own_values(vae, stored):
    """Schedules, noise and the learned scale, which lie in layers of their own."""
    for name, layer in (("z", vae.posterior), ("binarize", vae.observation)):
        if layer is not None:
            layer.seed_generator.state.assign(stored[name]["vars/seed_state"][()])
    for i, variable in enumerate(vae.objective.scheduled.values()):
        variable.assign(stored["elbo"][f"vars/{i}"][()])
    for variable in vae.likelihood.trainable_variables:
        variable.assign(stored["log_likelihood"]["vars/0"][()])


def trained_variables(vae, layers, old, copies):
    """The trainable variables of the model in the order of the old one."""
    trained = []
    for name in layers:
        if name == "log_likelihood":
            trained += vae.likelihood.trainable_variables
        elif name in old:
            trained += [copies.get(id(v), v) for v in old[name].trainable_variables]
    return trained


def read_optimizer(optimizer, trained, stored):
    """The optimiser's variables: some of its own, then those of each weight in turn."""
    new = {id(v): i for i, v in enumerate(optimizer._trainable_variables)}
    slots, own = divmod(len(optimizer.variables), len(trained))
    for i in range(own):
        optimizer.variables[i].assign(stored[str(i)][()])
    for i, variable in enumerate(trained):
        for slot in range(slots):
            value = stored[str(own + i * slots + slot)][()]
            optimizer.variables[own + new[id(variable)] * slots + slot].assign(value)
