"""The defaults of the command: a table of data sets, and a rule for users' data."""

import math

from models.cli.option_types import show

# Of arguments of variants. A Gaussian takes any real values; None learns its scale.
COMMON = {"likelihood": "gaussian", "sigma": None}

PIXELS = {"likelihood": "bernoulli", "gmm_message": "class-mean"}
MNIST = PIXELS | {"hidden_dims": (256, 256), "epochs": 20, "batch_size": 256}
# the settings of Serket's own tutorial
SERKET = PIXELS | {"hidden_dims": (100,), "epochs": 200, "batch_size": 500}
DATA = {
    "digits": {"hidden_dims": (128,), "epochs": 100},
    "mnist": MNIST,
    "fashion_mnist": MNIST,
    "serket": SERKET | {"latent_dim": 18},
    # in few rows a class may collapse, and a collapsed message with it
    "custom": {"gmm_message": "class-mean"},
}
# Of a user's data, each round: as many steps, but no fewer passes.
STEPS, PASSES = 3000, 10
# Of a table; with its hidden layer the network has at most as many weights as the table
# has numbers, because a larger one makes the latents of few rows Gaussian.
MAX_LATENT, WIDTH, ROWS_PER_LATENT = 20, 256, 4
# the same in words, for `--help`
RULES = {
    "latent_dim": "table by its size",
    "hidden_dims": "table by its size",
    "epochs": f"custom {STEPS} steps, at least {PASSES} epochs",
    "rounds": "images 10, of half as many epochs",
    "n_components": "custom as many as labels, else best for held-out rows",
    "gmm_inference": "table graph; images with a message graph-classes",
}
# The 64 pixels of a digit have too few nats for a weight of 1: a Bernoulli VAE would
# leave its latents unused. A Gaussian with a learned scale needs no other weight.
KL_WEIGHT = {("digits", "Bernoulli"): 0.1}
# Of images whose mixture sends messages: the views of an image and its neighbours hold
# what the likelihood of the latents alone does not. Serket's tutorial uses neither.
IMAGES = {"gmm_inference": "graph-classes", "augment": True, "rounds": 10}
EPOCHS = 0.5  # of the usual ones in each of these rounds: the messages begin early
TUTORIALS = {"serket"}


def for_data(kind: str) -> dict:
    """The defaults of a data set that differ from those of the options."""
    return COMMON | DATA[kind]


def for_custom(shape: tuple, n_classes: int | None, batch_size: int) -> dict:
    """The defaults that follow from the shape of a user's data.

    Args:
        shape: (n, d) of a table, (n, height, width, ...) of images.
        n_classes: of a table.
        batch_size: given, or the usual one; it is at most n.
    """
    n_rows, n_columns = shape[0], math.prod(shape[1:])
    batch_size = min(batch_size, n_rows)
    epochs = math.ceil(STEPS / math.ceil(n_rows / batch_size))
    usual = {"batch_size": batch_size, "epochs": max(PASSES, epochs)}
    if len(shape) > 2:
        return usual
    latent_dim = max(2, n_rows // (ROWS_PER_LATENT * n_classes))
    latent_dim = min(n_columns, MAX_LATENT, latent_dim)
    n_weights = 2 * WIDTH * n_columns + 3 * WIDTH * latent_dim
    is_deep = n_rows * n_columns > n_weights
    usual |= {"latent_dim": latent_dim, "hidden_dims": (WIDTH,) if is_deep else ()}
    return usual | {"gmm_inference": "graph"}


def for_model(model, dataset, config: dict, given: dict) -> dict:
    """The defaults that follow from the model, the data and the options together."""
    found = {"augment": False}
    weight = KL_WEIGHT.get((dataset.kind, type(model.likelihood).__name__))
    if weight and config["kl_weight"] == 1.0:
        found["kl_weight"] = weight
    is_tutorial = not model.takes_message or dataset.kind in TUTORIALS
    if is_tutorial or not dataset.is_image:
        return found
    if not given.keys() & {"steps", "steps_per_epoch"}:
        found["epochs"] = math.ceil(EPOCHS * config["epochs"])
    return found | IMAGES


def describe(name: str, default, none: str = "none") -> str | None:
    """The default of an option in `--help`: "10; serket 18".

    `none` is the word for None, which is shown only if the table has the option.
    """
    usual = COMMON.get(name, default)
    rows = {kind: for_data(kind).get(name, default) for kind in DATA}
    others = [f"{kind} {show(v)}" for kind, v in rows.items() if v != usual]
    others += [RULES[name]] if name in RULES else []
    if name == "kl_weight" and default == 1.0:
        others = [f"{' with '.join(key)} {w:g}" for key, w in KL_WEIGHT.items()]
    is_word = isinstance(usual, int | float | str | tuple) and usual is not False
    if not (is_word or others or name in COMMON):
        return None
    return "; ".join([none if usual is None else show(usual), *others])
