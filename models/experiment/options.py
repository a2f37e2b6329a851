"""The options of `python -m models.train`, and what they become."""

import argparse

from models.experiment import defaults
from models.experiment.network_options import add_network, resolve_network
from models.experiment.option_types import (
    above_zero,
    kl_weight,
    not_negative,
    sigma,
    whole,
)


def make_parser(variants):
    """The parser; every option's help is one line with its default."""
    parser = argparse.ArgumentParser(
        prog="python -m models.train",
        description="Train a VAE, sort its latents into classes with a Gaussian "
        "mixture, and leave a folder of results and pictures. With --variant serket "
        "the two teach each other for some rounds.",
    )
    add = parser.add_argument

    def add_tabled(flag, option, kind, text, **kwargs):
        text = f"{text} (default: {defaults.in_words(option)})"
        add(flag, type=kind, help=text, **kwargs)

    add(
        "--variant",
        choices=list(variants),
        default="serket",
        help="which VAE (default: serket)",
    )
    add(
        "--data",
        default="digits",
        metavar="NAME|PATH",
        help="digits, mnist, fashion_mnist, serket, or serket:PATH with a downloaded "
        "mnist.npz, or your .npz, .npy, .csv, .txt or folder of images "
        "(default: digits)",
    )
    add(
        "--labels",
        metavar="COLUMN|PATH",
        help="labels, for scores and colours only (default: those in the data)",
    )
    add(
        "--image-size",
        type=whole,
        metavar="SIDE",
        help="resize a folder's images to SIDE x SIDE (default: as they are)",
    )
    add_tabled("--latent-dim", "latent_dim", whole, "dimensions of z", metavar="N")
    add_network(add)
    add_tabled("--epochs", "epochs", whole, "epochs in each round", metavar="N")
    add_tabled("--batch-size", "batch_size", whole, "rows in a step", metavar="N")
    add_tabled("--learning-rate", "learning_rate", above_zero, "of Adam", metavar="R")
    add(
        "--likelihood",
        choices=["bernoulli", "gaussian"],
        help="p(x|z) of the variants serket and beta; the others have their own "
        "(default by data: "
        f"{defaults.in_words('likelihood')})",
    )
    add(
        "--sigma",
        type=sigma,
        default=None,
        metavar="S|learn",
        help="the standard deviation of a gaussian p(x|z); 1 is the MSE VAE "
        "(default: learn)",
    )
    add(
        "--kl-weight",
        type=kl_weight,
        metavar="W",
        help="what multiplies the KL: a number, linear:EPOCHS:W to warm up, or "
        f"cyclical:PERIOD:W (default: {defaults.in_words('kl_weight')}; --variant beta "
        f"{defaults.VARIANT['beta']['kl_weight']})",
    )
    add(
        "--capacity",
        type=kl_weight,
        metavar="C",
        help="holds the KL near C nats: a number, or linear:EPOCHS:C; --variant beta "
        "only (default: none)",
    )
    add(
        "--n-samples",
        type=whole,
        default=1,
        metavar="N",
        help="draws of z for each datum in a step (default: 1)",
    )
    add_tabled(
        "--rounds", "rounds", whole, "rounds of messages; serket only", metavar="N"
    )
    add_tabled(
        "--n-components", "n_components", whole, "number of classes", metavar="K"
    )
    add_tabled(
        "--gmm",
        "gmm",
        str,
        "how the mixture is fitted",
        choices=["em", "variational", "gibbs"],
    )
    add_tabled(
        "--message",
        "message",
        str,
        "what the mixture sends: the class mean, or the whole mixture",
        choices=["hard", "soft"],
    )
    add(
        "--seed",
        type=not_negative,
        default=0,
        metavar="N",
        help="decides weights, noise, order and starts (default: 0)",
    )
    add(
        "--out",
        metavar="FOLDER",
        help="where results go; a new or empty folder "
        "(default: runs/VARIANT-DATA-001, or the next free number)",
    )
    add(
        "--overwrite",
        action="store_true",
        help="write into --out though it holds files (default: refuse)",
    )
    return parser


def resolve(given, dataset):
    """Every option's value, given or from the table. ValueError where two clash."""
    own = {"vanilla": "gaussian", "bernoulli": "bernoulli"}.get(given.variant)
    if own and given.likelihood not in (None, own):
        raise ValueError(
            f"--likelihood {given.likelihood}: the variant {given.variant} is {own}; "
            "use --variant serket or beta, or leave --likelihood out"
        )
    if given.variant != "serket" and (given.rounds or 1) > 1:
        raise ValueError(
            f"--rounds {given.rounds}: the variant {given.variant} does not listen to "
            "messages, so it has one round; use --variant serket"
        )
    if given.capacity is not None and given.variant != "beta":
        raise ValueError(
            f"--capacity {given.capacity}: only the variant beta has a capacity, and "
            f"this one is {given.variant}; use --variant beta"
        )
    config = defaults.for_data(dataset.kind, own or given.likelihood, given.variant)
    if dataset.labels is not None and dataset.kind == "yours":
        config["n_components"] = int(dataset.labels.max()) + 1
    if given.variant != "serket":
        config["rounds"] = 1
    chosen = {name: value for name, value in vars(given).items() if value is not None}
    config |= {name: chosen[name] for name in config if name in chosen}
    if given.sigma is not None and config["likelihood"] != "gaussian":
        way_out = "add" if not own else "use --variant vanilla, or --variant serket"
        raise ValueError(
            f"--sigma {given.sigma} belongs to a gaussian likelihood, and this one is "
            f"{config['likelihood']}; {way_out} --likelihood gaussian"
        )
    nothing = dict.fromkeys(defaults.CONV)
    config |= nothing | resolve_network(given, dataset, config)
    config["sigma"] = None if given.sigma in (None, "learn") else given.sigma
    rest = ("variant", "data", "labels", "image_size", "n_samples", "seed", "capacity")
    rest += ("network",)
    return {name: getattr(given, name) for name in rest} | config


def schedule(text):
    """ "0.5", "linear:EPOCHS[:W]" or "cyclical:PERIOD[:W]" as a number or schedule."""
    if text is None:
        return None
    kind, _, rest = text.partition(":")
    if not rest:
        return float(text)
    from models.blocks.schedules import Cyclical, LinearWarmUp

    rises = {"linear": LinearWarmUp, "cyclical": Cyclical}[kind]
    return rises(*map(float, rest.split(":")))
