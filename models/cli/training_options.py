"""The options of the optimisation, and what they become."""

import math

from models.cli.option_types import above_zero, whole


def add_training(add, add_tabled):
    """The options of the optimisation."""
    add_tabled("--epochs", "epochs", whole, "epochs in each round", metavar="N")
    add(
        "--steps",
        type=whole,
        metavar="N",
        help="steps in each round, in place of --epochs (default: as many as the "
        "epochs have)",
    )
    add(
        "--log-every",
        type=whole,
        metavar="N",
        help="steps in a row of history.csv, and in an epoch of a schedule (default: "
        "one pass over the data, or a like part of --steps)",
    )
    add_tabled("--batch-size", "batch_size", whole, "rows in a step", metavar="N")
    add_tabled(
        "--optimizer",
        "optimizer",
        str,
        "of the weights",
        choices=["adam", "adamw", "muon", "rmsprop", "sgd"],
    )
    add_tabled(
        "--learning-rate", "learning_rate", above_zero, "of the optimizer", metavar="R"
    )
    add(
        "--weights",
        metavar="RUN|PATH",
        help="begin with the weights of a finished run, or of a model.keras "
        "(default: with new ones)",
    )


def resolve_training(given, n_rows, config):
    """epochs, steps_per_epoch and steps. ValueError where they do not fit."""
    a_pass = math.ceil(n_rows / config["batch_size"])
    if given.steps is None and given.log_every is None:
        return {"steps": None, "log_every": None}
    if given.steps is not None and given.epochs is not None:
        raise ValueError(
            f"--steps {given.steps} and --epochs {given.epochs} say the same thing: "
            "leave one out"
        )
    steps = given.steps or config["epochs"] * a_pass
    every = given.log_every or largest_part(steps, a_pass)
    if steps % every:
        near = max(steps // every, 1) * every
        raise ValueError(
            f"--log-every {every} must divide the {steps} steps of a round; "
            f"give --steps {near}, or another --log-every"
        )
    return {"steps": steps, "log_every": every, "epochs": steps // every}


def largest_part(steps, a_pass):
    """The largest divisor of `steps` that is at most a pass over the data."""
    part = max(k for k in range(1, min(steps, a_pass) + 1) if steps % k == 0)
    if part < min(steps, a_pass) / 20:
        raise ValueError(
            f"--steps {steps} has no divisor near {a_pass}, a pass over the data; give "
            "a rounder number, or --log-every"
        )
    return part


def show_training(config):
    """ "200 epochs", or "5000 steps"."""
    if config["steps"] is None:
        return f"{config['epochs']} epochs"
    return f"{config['steps']} steps"
