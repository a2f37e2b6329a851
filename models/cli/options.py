"""The options of `python -m models.train`; what they become is in `resolve`."""

import argparse

from models.cli import defaults
from models.cli.device_options import add_devices
from models.cli.network_options import add_network
from models.cli.option_types import (
    above_zero_or_learn,
    fraction,
    kl_weight,
    not_negative,
    row_range,
    tag,
    whole,
)
from models.cli.training_options import add_training


def make_parser(variants):
    """The parser; every option's help is one line with its default."""
    parser = argparse.ArgumentParser(
        prog="python -m models.train",
        description="Train a VAE, sort its latents into classes with a Gaussian "
        "mixture, and leave a folder of results and pictures. With --variant serket "
        "the two teach each other for some rounds.",
    )

    def group(title):
        """`add` of a group of options, and `add` that tells the default by data."""
        add = parser.add_argument_group(title).add_argument

        def add_tabled(flag, option, kind, text, **kwargs):
            text = f"{text} (default: {defaults.in_words(option)})"
            add(flag, type=kind, help=text, **kwargs)

        return add, add_tabled

    add_data(*group("data"))
    add_model(*group("model"), variants)
    add_network(*group("encoder and decoder"))
    add_training(*group("training"))
    add_devices(*group("machines"))
    add_mixture(*group("classes"))
    add_results(*group("results"))
    return parser


def add_data(add, add_tabled):
    add(
        "--data",
        default="digits",
        metavar="NAME|PATH",
        help="digits, mnist, fashion_mnist, serket, or serket:PATH with a downloaded "
        "mnist.npz, or your .npz, .npy, .csv, .txt, .parquet or folder of images "
        "(default: digits)",
    )
    add(
        "--labels",
        metavar="COLUMN|PATH",
        help="labels, for scores and colours only, but for --variant conditional "
        "(default: those in the data)",
    )
    add(
        "--image-size",
        type=whole,
        metavar="SIDE",
        help="resize a folder's images to SIDE x SIDE (default: as they are)",
    )
    add(
        "--stream",
        action="store_const",
        const=True,
        help="leave an .npy, a .parquet or a folder of images on disk, and read it as "
        "it is needed (default: numbers of more than a GiB)",
    )
    add(
        "--range",
        type=row_range,
        metavar="FIRST,LAST",
        help="only these rows, counted from 0, both included (default: all)",
    )
    add(
        "--hold-out",
        type=fraction,
        metavar="F",
        help="keep this fraction of the rows, drawn by --seed, for models.evaluate "
        "(default: train on all)",
    )


def add_model(add, add_tabled, variants):
    add(
        "--variant",
        choices=list(variants),
        default="serket",
        help="which VAE (default: serket)",
    )
    add_tabled("--latent-dim", "latent_dim", whole, "dimensions of z", metavar="N")
    add_likelihood(add)
    add_objective(add)


def add_likelihood(add):
    """p(x|z)."""
    add(
        "--likelihood",
        choices=["bernoulli", "gaussian"],
        help="p(x|z) of all variants but vanilla and bernoulli, which have "
        f"their own (default by data: {defaults.in_words('likelihood')})",
    )
    add(
        "--sigma",
        type=above_zero_or_learn,
        metavar="S|learn",
        help="the standard deviation of a gaussian p(x|z); 1 is the MSE VAE "
        "(default: learn)",
    )
    add(
        "--binarize",
        action="store_true",
        help="draw each pixel as 0 or 1 anew in every step, as papers on MNIST do; "
        "bernoulli likelihood, not --variant conditional (default: as they are)",
    )


def add_objective(add):
    """The weight of the KL, the prior, and how many z the expectation is taken over."""
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
        "--learned-prior",
        action="store_true",
        help="a Gaussian p(z|label) for each label; --variant conditional only "
        "(default: N(0, I))",
    )
    add(
        "--n-samples",
        type=whole,
        metavar="N",
        help="draws of z for each datum in a step (default: 1; --variant iwae 5)",
    )
    add(
        "--doubly-reparameterized",
        action="store_true",
        help="the encoder's gradient of Tucker et al. (2019), which does not drown in "
        "noise as --n-samples grows; --variant iwae only (default: Burda's)",
    )


def add_mixture(add, add_tabled):
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


def add_results(add, add_tabled):
    add(
        "--seed",
        type=not_negative,
        default=0,
        metavar="N",
        help="decides weights, noise, order and starts (default: 0)",
    )
    add(
        "--tag",
        type=tag,
        metavar="NAME",
        help="a name to find the run by, as RUN of the other commands: results go to "
        "runs/NAME (default: none)",
    )
    add(
        "--out",
        metavar="FOLDER",
        help="where results go; a new or empty folder "
        "(default: runs/VARIANT-DATA-001, or the next free number)",
    )
    add(
        "--explore",
        action="store_true",
        help="end with the page of models.explore on the run (default: end)",
    )
    add(
        "--overwrite",
        action="store_true",
        help="write into the folder though it holds files (default: refuse)",
    )
