"""python -m models.sample: data that the model of a finished run makes up.

z is drawn from the prior of the model: N(0, I); for a model that listens the mixture
that it learned with; for a conditional one p(z|label).
"""

import sys

from models.cli import run_commands
from models.cli.command import finish
from models.cli.option_types import not_negative, whole

WHAT = {
    "samples.npz": "z, x_mean, and labels or the mixture's classes if there are",
    "samples.png": "the decoded draws",
}
SHOWN = 20  # most rows, and columns, of the picture


def main(arguments=None):
    """Runs the command; returns its exit code."""
    return finish(make_parser(), run, arguments)


def make_parser():
    parser = run_commands.make_parser(
        "sample", "Draw z from the prior, and decode it to the mean of p(x|z)."
    )
    add = parser.add_argument
    add("--n", type=whole, default=64, metavar="N", help="draws (default: 64)")
    run_commands.add_label(parser, "all of them in turn, a row each")
    add(
        "--class",
        type=not_negative,
        dest="class_",
        metavar="K",
        help="draw from one class of the mixture, 0 or more; for a model that listens "
        "(default: each draw from a class by its weight)",
    )
    run_commands.add_seed(parser)
    return parser


def run(given):
    """Draws and decodes. ValueError or OSError: what a user can mend."""
    opened, model = run_commands.open_run(given.run)
    labels = labels_to_draw(opened, given)
    mixture = mixture_of(opened, given.class_)
    with run_commands.results(opened, given, WHAT) as folder:
        if mixture is None:
            z, x_mean = model.sample(given.n, labels, given.seed)
            kinds = {}
        else:
            z, classes = draw(mixture, given.n, given.class_, given.seed)
            x_mean = model.decode(z, labels)
            kinds = {"classes": classes}
        kinds |= {} if labels is None else {"labels": labels}
        folder.arrays("samples.npz", z=z, x_mean=x_mean, **kinds)
        figure = picture(opened, given, x_mean, labels, mixture)
        folder.figure("samples.png", figure)


def labels_to_draw(opened, given):
    """One code a draw, of --label or of all labels; `None` if unconditional."""
    import numpy as np

    from models.runs.run_labels import code_of, names_of

    code = code_of(opened, given.label)
    if code is not None:
        return np.full(given.n, code)
    if not opened.model.is_conditional:
        return None
    return np.sort(np.arange(given.n) % len(names_of(opened)))


def mixture_of(opened, k):
    """The last round, whose mixture is the prior; `None` where the prior is another.

    A model that listens has none either if it was stopped before it heard a message.
    """
    listens = opened.model.takes_message
    last = opened.round().mixture if listens and opened.n_rounds else None
    if k is None:
        return last
    if last is None:
        raise ValueError(
            f"--class {k}: only a model that listens draws from a mixture, and the one "
            f"of {opened.path} has not listened to any; leave it out"
        )
    if k >= len(last.weights):
        raise ValueError(
            f"--class must be a class of the mixture, 0 to {len(last.weights) - 1}. "
            f"Received: {k}"
        )
    return last


def draw(mixture, n, k, seed):
    """n draws of a class by its weight, or of class k, then of its Gaussian.

    Returns z, (n, latent_dim), and the classes, (n,).
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    weights = mixture.weights / mixture.weights.sum()
    classes = rng.choice(len(weights), n, p=weights) if k is None else np.full(n, k)
    z = np.empty((n, mixture.means.shape[1]))
    for each in np.unique(classes):
        of_it = classes == each
        z[of_it] = mixture.sample(each, of_it.sum(), rng)
    return z, classes


def picture(opened, given, x_mean, labels, mixture):
    """A row a label where all labels were drawn, else a square of draws."""
    import math

    from models.plotting.image_grids import plot_samples_by_label
    from models.plotting.images import plot_samples

    if labels is not None and given.label is None:
        return plot_samples_by_label(x_mean, labels, opened.dataset.label_names, SHOWN)
    source = "z ~ N(0, I)" if mixture is None else "z of the mixture"
    source = source if given.label is None else f"label {given.label}"
    source = source if given.class_ is None else f"class {given.class_} of the mixture"
    shown = x_mean[: SHOWN * SHOWN]
    first = f"The first {len(shown)} of " if len(shown) < given.n else ""
    side = math.ceil(math.sqrt(len(shown)))
    draws = "1 draw" if given.n == 1 else f"{given.n} draws"
    return plot_samples(shown, side, f"{first}{draws}, {source}")


if __name__ == "__main__":
    sys.exit(main())
