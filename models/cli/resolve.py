"""The options of `python -m models.train` become a configuration, checked."""

from models.cli import defaults
from models.cli.network_options import resolve_network
from models.cli.training_options import resolve_training


def resolve(given, dataset):
    """Every option's value, given or from the table. ValueError where two clash."""
    own = {"vanilla": "gaussian", "bernoulli": "bernoulli"}.get(given.variant)
    check_variant(given, own, dataset)
    config = defaults.for_data(dataset.kind, own or given.likelihood, given.variant)
    if dataset.labels is not None and dataset.kind == "custom":
        config["n_components"] = int(dataset.labels.max()) + 1
    if given.variant != "serket":
        config["rounds"] = 1
    chosen = {name: value for name, value in vars(given).items() if value is not None}
    config |= {name: chosen[name] for name in config if name in chosen}
    check_likelihood(given, own, config["likelihood"])
    nothing = dict.fromkeys(defaults.CONV)
    config |= nothing | resolve_network(given, dataset, config)
    config |= resolve_training(given, len(dataset.x), config)
    config["sigma"] = None if given.sigma in (None, "learn") else given.sigma
    rest = ("variant", "data", "labels", "image_size", "range", "hold_out", "network")
    rest += ("weights", "seed", "capacity", "learned_prior", "doubly_reparameterized")
    rest += ("binarize", "shake", "tag", "stream", "mixed_precision")
    return {name: getattr(given, name) for name in rest} | config


def check_variant(given, own, dataset):
    """ValueError for an option that belongs to another variant."""
    name = given.variant
    if own and given.likelihood not in (None, own):
        raise ValueError(
            f"--likelihood {given.likelihood}: the variant {name} is {own}; "
            "use another variant, or leave --likelihood out"
        )
    if name != "serket" and (given.rounds or 1) > 1:
        raise ValueError(
            f"--rounds {given.rounds}: the variant {name} does not listen to "
            "messages, so it has one round; use --variant serket"
        )
    if given.capacity is not None and name != "beta":
        raise ValueError(
            f"--capacity {given.capacity}: only the variant beta has a capacity, and "
            f"this one is {name}; use --variant beta"
        )
    if given.checkpoint and name == "serket":
        raise ValueError(
            "--checkpoint: the variant serket learns in rounds, which MessageLoop.run "
            "keeps with folder= in Python; use another variant"
        )
    if given.learned_prior and name != "conditional":
        raise ValueError(
            "--learned-prior: only the variant conditional has a prior for each label, "
            f"and this one is {name}; use --variant conditional"
        )
    if given.doubly_reparameterized and name != "iwae":
        raise ValueError(
            "--doubly-reparameterized: only the variant iwae has such a gradient, and "
            f"this one is {name}; use --variant iwae"
        )
    if given.doubly_reparameterized and given.n_samples == 1:
        raise ValueError(
            "--doubly-reparameterized: with --n-samples 1 there is nothing to weigh, "
            "and the gradient would be the ELBO's; draw 2 or more"
        )
    if given.binarize and name == "conditional":
        raise ValueError("--binarize: not for the variant conditional; leave it out")
    if name == "conditional" and dataset.labels is None:
        raise ValueError(
            f"--variant conditional learns from labels, and {given.data} has none; "
            "give them with --labels, or use another variant"
        )


def check_likelihood(given, own, likelihood):
    """ValueError for an option that belongs to the other likelihood."""
    if given.sigma is not None and likelihood != "gaussian":
        way_out = "add" if not own else "use --variant vanilla, or --variant serket"
        raise ValueError(
            f"--sigma {given.sigma} belongs to a gaussian likelihood, and this one is "
            f"{likelihood}; {way_out} --likelihood gaussian"
        )
    if given.binarize and likelihood != "bernoulli":
        raise ValueError(
            f"--binarize: 0 and 1 need --likelihood bernoulli, and this one is "
            f"{likelihood}"
        )
