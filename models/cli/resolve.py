"""What was given becomes a configuration, the content of config.json, and a model."""

import math

from models import VARIANTS, data
from models.blocks.count_likelihoods import CountLikelihood
from models.cli import defaults
from models.cli.build_model import build_variant, compile_model
from models.cli.common_options import CONFIG
from models.cli.signatures import flag_of
from models.cli.variant_options import common_defaults, resolve_variant
from models.evaluation.data_mixture import choose_n_components

# network -> options of the other ones
UNUSED = {"mlp": ("filters", "normalization", "residual"), "conv": ("hidden_dims",)}
MIXTURE = ("n_components", "gmm_inference", "gmm_message")


def resolve(given: dict, dataset) -> tuple:
    """The data, the configuration, option -> value, and the compiled model of a run.

    Raises ValueError for options that do not fit each other, the variant or the data.
    """
    variant = given.get("variant", VARIANTS.default)
    usual = defaults.for_data(dataset.kind)
    if dataset.kind == "custom":
        usual |= custom_defaults(given, dataset)
    chosen = common_defaults(variant) | usual | given
    config = {key: chosen.get(key, option.default) for key, option in CONFIG.items()}
    config |= resolve_network(given, dataset, config)
    config |= resolve_training(given, len(dataset.x), config)
    config |= resolve_variant(variant, given, usual)
    model = build_variant(config, dataset)
    further = defaults.for_model(model, dataset, config, given)
    further = {k: v for k, v in further.items() if k not in given and v != config[k]}
    if further:
        config |= further
        model = build_variant(config, dataset)
    config |= resolve_mixture(given, model.takes_message)
    check_starts(given, config)
    config |= resolve_classes(given, dataset, config, model.takes_message)
    data.check_enough_rows(dataset, config["batch_size"], config["n_components"] or 1)
    likelihood = model.likelihood
    is_as_given = likelihood.is_count or likelihood.in_unit_interval
    if is_as_given and "standardize" not in given:
        dataset = dataset.unstandardized()
    if likelihood.in_unit_interval:
        data.check_unit_interval(dataset)
    elif isinstance(likelihood, CountLikelihood):
        data.check_counts(dataset)
    config["preprocessing"] = dataset.preprocessing.to_json()
    return dataset, config, compile_model(model, config)


def check_starts(given: dict, config: dict) -> None:
    """Raises ValueError if starts cannot be compared, or one cannot be continued."""
    starts = config["starts"]
    if starts == 2:
        raise ValueError(
            "--starts 2: the start is kept that agrees most with the others, and two "
            "agree equally; give 3 or more"
        )
    if starts > 1 and config["n_components"] is None:
        raise ValueError(
            f"--starts {starts} compares classes, and this variant is trained without "
            "a mixture; add --n-components, or leave it out"
        )
    for key in ("checkpoint", "distribute"):
        if starts > 1 and key in given:
            raise ValueError(f"--starts {starts} does not go with {flag_of(key)}")


def custom_defaults(given: dict, dataset) -> dict:
    """The defaults of a user's data: the number of classes, and what follows from it.

    Of images without labels it is `None`, because their model does not depend on it.
    """
    number = given.get("n_components")
    if number is None and dataset.labels is not None:
        number = int(dataset.labels.max()) + 1
    elif number is None and not dataset.is_image:
        number = choose_classes(given, dataset)
    shape = len(dataset.x), *dataset.input_shape
    batch_size = given.get("batch_size", CONFIG["batch_size"].default)
    sizes = defaults.for_custom(shape, number, batch_size)
    return sizes | {"n_components": number}


def choose_classes(given: dict, dataset) -> int:
    """The number of classes whose mixture explains held-out rows best."""
    return choose_n_components(dataset.x, given.get("seed", CONFIG["seed"].default))


def resolve_classes(given: dict, dataset, config: dict, takes_message: bool) -> dict:
    """The number of classes of a user's data, and what chose it."""
    if dataset.kind != "custom" or "n_components" in given or not takes_message:
        return {}
    if dataset.labels is not None:
        return {"n_components_source": "as many as labels"}
    number = config["n_components"] or choose_classes(given, dataset)
    return {"n_components": number, "n_components_source": "best for held-out rows"}


def resolve_network(given: dict, dataset, config: dict) -> dict:
    """The options of the other network, which are None, if they were not given."""
    name, shape = config["network"], dataset.input_shape
    for key in set(UNUSED[name]) & set(given):
        raise ValueError(f"{flag_of(key)} is no option of --network {name}")
    needs_image = "--augment" if config["augment"] else "--network conv"
    if (config["augment"] or name == "conv") and len(shape) not in (2, 3):
        raise ValueError(
            f"{needs_image} is for images, and the rows of {config['data']} have the "
            f"shape {shape}; use --image-shape if they are images, or leave it out"
        )
    return dict.fromkeys(UNUSED[name])


def resolve_training(given: dict, n_rows: int, config: dict) -> dict:
    """epochs, steps_per_epoch and steps of a round, if they fit each other."""
    steps, per_epoch = config["steps"], config["steps_per_epoch"]
    if steps is None and per_epoch is None:
        return {}
    if steps is not None and "epochs" in given:
        both = f"--steps {steps} and --epochs {given['epochs']}"
        raise ValueError(f"{both} set the same: leave one out")
    one_pass = math.ceil(n_rows / config["batch_size"])
    steps = steps or config["epochs"] * one_pass
    per_epoch = per_epoch or largest_divisor(steps, one_pass)
    if steps % per_epoch:
        near = max(steps // per_epoch, 1) * per_epoch
        raise ValueError(
            f"--steps-per-epoch {per_epoch} must divide the {steps} steps of a round; "
            f"give --steps {near}, or another --steps-per-epoch"
        )
    return {"steps": steps, "steps_per_epoch": per_epoch, "epochs": steps // per_epoch}


def largest_divisor(steps: int, one_pass: int) -> int:
    """The largest divisor of `steps` that is at most a pass over the data."""
    most = min(steps, one_pass)
    divisor = max(k for k in range(1, most + 1) if steps % k == 0)
    if divisor < most / 20:
        raise ValueError(
            f"--steps {steps} has no divisor near {one_pass}, a pass over the data; "
            "give a rounder number, or --steps-per-epoch"
        )
    return divisor


def resolve_mixture(given: dict, takes_message: bool) -> dict:
    """Without a message one round, and no mixture but with --n-components."""
    if takes_message:
        if given.get("checkpoint"):
            raise ValueError(
                "--checkpoint: this variant takes messages and is trained in rounds, "
                "which MessageLoop.run saves with folder= in Python; leave it out"
            )
        return {}
    for key in ("gmm_message", "rounds"):
        if given.get(key, 1) != 1:
            raise ValueError(
                f"{flag_of(key)} {given[key]}: this variant takes no message, so it is "
                "trained in one round; use another variant, or leave it out"
            )
    if "n_components" in given:
        return {"rounds": 1, "gmm_message": None}
    if "gmm_inference" in given:
        raise ValueError(
            "--gmm-inference: this variant is trained without a mixture; add "
            "--n-components, or leave it out"
        )
    return {"rounds": 1, **dict.fromkeys(MIXTURE)}
