"""The model of a configuration."""

import keras
import numpy as np

import models
from models import networks
from models.blocks.vae import VAE
from models.cli.variant_options import build_arguments
from models.runs.saved_run import SavedRun

# bfloat16 has the range of float32: the loss needs no scaling, and CPUs support it.
MIXED = "mixed_bfloat16"


def build_variant(config: dict, dataset) -> VAE:
    """What `build` of the variant returns for the arguments of a config.json.

    Raises ValueError for an argument that the variant refuses.
    """
    before = keras.config.dtype_policy()
    if config.get("mixed_precision"):
        keras.config.set_dtype_policy(MIXED)
    try:
        return models.VARIANTS[config["variant"]](
            dataset.input_shape,
            config["latent_dim"],
            tuple(config["hidden_dims"] or ()),
            network=network(config),
            seed=seeds(config)[0],
            **build_arguments(config, dataset),
        )
    finally:
        keras.config.set_dtype_policy(before)


def compile_model(vae: VAE, config: dict) -> VAE:
    """The model, with its optimiser and its first weights, new or --init-weights.

    Raises ValueError if there are no such weights, or they have other shapes.
    """
    if config.get("init_weights"):
        load_weights(vae, config["init_weights"])
    settings = {"learning_rate": config["learning_rate"]}
    chosen = {"class_name": config["optimizer"], "config": settings}
    vae.compile(keras.optimizers.get(chosen))
    # a model stopped before its first step must load again with its optimiser
    vae.optimizer.build(vae.trainable_variables)
    return vae


def seeds(config: dict) -> list[int]:
    """The seeds of the model, of the VAE's messages and of the mixture."""
    return [int(s) for s in np.random.SeedSequence(config["seed"]).generate_state(3)]


def network(config: dict):
    """What makes the encoder and the decoder."""
    inner = networks.MLP()
    if config["network"] == "conv":
        between = getattr(networks, f"{config['normalization']}_normalization", None)
        options = {"normalization": between, "residual": config["residual"]}
        inner = networks.Conv(tuple(config["filters"]), **options)
    return networks.Augmented(inner) if config.get("augment") else inner


def load_weights(vae: VAE, source: str) -> None:
    """Assigns the weights of a finished run or a .keras file, if the shapes agree."""
    is_file = source.endswith(".keras")
    other = models.load(source) if is_file else SavedRun(source).model
    weights, values = learned_weights(vae), learned_weights(other)
    if [w.shape for w in weights] != [w.shape for w in values]:
        raise ValueError(
            f"--init-weights {source}: its layers have other shapes; give the options "
            "that it was trained with (they are in its config.json)"
        )
    for weight, value in zip(weights, values, strict=True):
        weight.assign(value)


def learned_weights(vae: VAE) -> list:
    """The weights of the layers that learn; others hold schedules and random states."""
    learned = (vae.encoder, vae.posterior, vae.decoder, vae.prior, vae.likelihood)
    return [weight for layer in learned for weight in layer.weights]
