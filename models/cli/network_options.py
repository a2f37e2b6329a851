"""The options of encoder and decoder, and what they become."""

from models.cli import defaults
from models.cli.option_types import whole


def add_network(add, add_tabled):
    """The options of encoder and decoder."""
    add(
        "--network",
        choices=["mlp", "conv"],
        default="mlp",
        help="encoder and decoder: dense layers, or convolutions for images "
        "(default: mlp)",
    )
    add_tabled(
        "--hidden-dims",
        "hidden_dims",
        whole,
        "mlp: widths of the encoder's hidden layers, mirrored in the decoder",
        nargs="+",
        metavar="N",
    )
    add(
        "--filters",
        type=whole,
        nargs="+",
        metavar="N",
        help="conv: channels of the encoder's convolutions, each halves the sides "
        f"(default: {defaults.show(defaults.CONV['filters'])})",
    )
    add(
        "--normalization",
        choices=["none", "batch", "group"],
        help="conv: what follows each convolution "
        f"(default: {defaults.CONV['normalization']})",
    )
    add(
        "--residual",
        action="store_const",
        const=True,
        help="conv: with residual blocks (default: without)",
    )
    add(
        "--shake",
        action="store_true",
        help="encode images shifted, turned and scaled a little, anew in every step, "
        "and decode them as they were: better classes (default: as they are)",
    )


def resolve_network(given, dataset, config):
    """The network's settings. ValueError where they are another network's."""
    others = ["hidden_dims"] if given.network == "conv" else list(defaults.CONV)
    for name in others:
        if getattr(given, name) is not None:
            raise ValueError(
                f"--{name.replace('_', '-')} is no option of --network {given.network}"
            )
    is_image = len(dataset.input_shape) in (2, 3)
    if given.shake and (given.variant == "conditional" or not is_image):
        raise ValueError(
            "--shake is for images, and not for the variant conditional; each datum of "
            f"{given.data} has the shape {dataset.input_shape}, and the variant is "
            f"{given.variant}; leave it out"
        )
    if given.network == "mlp":
        return {"hidden_dims": tuple(config["hidden_dims"])}
    if not is_image:
        raise ValueError(
            "--network conv needs images, and each datum of "
            f"{given.data} has the shape {dataset.input_shape}; use --network mlp"
        )
    chosen = {name: getattr(given, name) for name in defaults.CONV}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    row = defaults.CONV | chosen
    return row | {"filters": tuple(row["filters"]), "hidden_dims": None}
