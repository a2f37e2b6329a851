"""A configuration becomes a model: here its words turn into functions."""

import inspect

import keras

import models
from models import networks
from models.blocks.likelihoods import Bernoulli, Gaussian
from models.blocks.schedules import Cyclical, LinearWarmUp
from models.runs.saved_run import SavedRun

# bfloat16 has the range of float32: no scaling of the loss, and CPUs have it too.
MIXED = "mixed_bfloat16"
NORMALIZATIONS = {
    "none": None,
    "batch": networks.batch_normalization,
    "group": networks.group_normalization,
}
OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "muon": keras.optimizers.Muon,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
SCHEDULES = {"linear": LinearWarmUp, "cyclical": Cyclical}


def model(config, dataset, seed):
    """The variant, with the likelihood and the precision asked for, compiled."""
    before = keras.config.dtype_policy()
    if config["mixed_precision"]:
        keras.config.set_dtype_policy(MIXED)
    try:
        vae = variant_model(config, dataset, seed)
    finally:
        keras.config.set_dtype_policy(before)
    if config["weights"]:
        load_weights(vae, config["weights"])
    vae.compile(optimizer(config))
    # a model stopped before its first step must load again, optimiser and all
    vae.optimizer.build(vae.trainable_variables)
    return vae


def variant_model(config, dataset, seed):
    """The variant, with those of the options that its `build` takes."""
    build = models.VARIANTS[config["variant"]]
    taken = inspect.signature(build).parameters
    options = {
        "network": network(config),
        "kl_weight": schedule(config["kl_weight"]),
        "capacity": schedule(config["capacity"]),
        "likelihood": likelihood(config),
        "sigma": config["sigma"],
        "binarize": config["binarize"],
        "n_samples": config["n_samples"],
        "learned_prior": config["learned_prior"],
        "doubly_reparameterized": config["doubly_reparameterized"],
        "seed": seed,
    }
    if "n_labels" in taken:
        options["n_labels"] = int(dataset.labels.max()) + 1
    options = {name: value for name, value in options.items() if name in taken}
    shape = dataset.input_shape, config["latent_dim"], config["hidden_dims"] or ()
    return build(*shape, **options)


def likelihood(config):
    """p(x|z) of the variants that take one."""
    if config["likelihood"] == "gaussian":
        return Gaussian(config["sigma"])
    return Bernoulli(config["binarize"])


def load_weights(model, source):
    """Gives the model the weights of a finished run, or of a file, if shapes agree."""
    is_file = source.endswith(".keras")
    other = models.load(source) if is_file else SavedRun(source).model
    mine, its = learned(model), learned(other)
    if [w.shape for w in mine] != [w.shape for w in its]:
        raise ValueError(
            f"--weights {source}: its layers have other shapes; give the options that "
            "it was trained with (they are in its config.json)"
        )
    for weight, value in zip(mine, its, strict=True):
        weight.assign(value)


def learned(model):
    """The weights of the layers that learn; the others hold schedules and noise."""
    names = ("encoder", "posterior", "decoder", "prior", "likelihood")
    return [w for layer in model.layers if layer.name in names for w in layer.weights]


def network(config):
    """The bodies of encoder and decoder."""
    body = networks.MLP() if config["network"] == "mlp" else conv(config)
    return networks.Augmented(body) if config["shake"] else body


def conv(config):
    return networks.Conv(
        config["filters"],
        normalization=NORMALIZATIONS[config["normalization"]],
        residual=config["residual"],
    )


def optimizer(config):
    return OPTIMIZERS[config["optimizer"]](config["learning_rate"])


def schedule(text):
    """ "0.5", "linear:EPOCHS[:W]" or "cyclical:PERIOD[:W]" as a number or schedule."""
    if text is None:
        return None
    kind, _, rest = text.partition(":")
    if not rest:
        return float(text)
    return SCHEDULES[kind](*map(float, rest.split(":")))
