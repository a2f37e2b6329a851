"""python -m models.sample: new data from the model of a finished run.

z is drawn from the prior of the model; for a model that takes a message, from the
mixture that it was trained with; for a conditional one, from p(z|label).
"""

import math
import sys
from dataclasses import dataclass

from models import plotting
from models.cli import option_types as types
from models.cli import run_commands
from models.cli.command import Command

FILE_DESCRIPTIONS = {
    "samples.npz": "z, x_mean, and the labels or the classes of the mixture, if any",
    "samples.csv": "x_mean as a table with the columns of the data",
    "samples.png": "the decoded samples",
}
MAX_SHOWN = 20  # rows, and columns, of the figure


@dataclass(kw_only=True)
class Options(run_commands.OnRun):
    """Draw z from the prior, and decode it to the mean of p(x|z).

    Args:
        num_samples: the number of samples.
        label: the name or number of the label to decode (default: all of them in turn,
            one row per label).
        class_: draw from one class of the mixture, from 0; for a model that takes a
            message (default: from all, by their weights).
        seed: of the random numbers.
    """

    num_samples: types.Positive = 64
    label: types.Label | None = None
    class_: types.ClassNumber | None = None
    seed: types.Natural = 0


def run(given):
    """Draws and decodes. Raises ValueError or OSError for user errors."""
    opened = run_commands.open_run(given.run)
    labels = select_labels(opened, given)
    vae = run_commands.load_model(opened)
    mixture = find_mixture(opened, given.class_)
    with run_commands.results(opened, given, FILE_DESCRIPTIONS) as folder:
        classes = None
        if mixture is None:
            z, x_mean = vae.sample(given.num_samples, labels, given.seed)
        else:
            z, classes = draw_latents(mixture, given.num_samples, given.seed)
            x_mean = vae.decode(z, labels)
        groups = {"labels": labels, "classes": classes}
        write_samples(folder, opened, z, x_mean, groups)
        figure = plot(opened, given, x_mean, labels, mixture)
        folder.write_figure("samples.png", figure)


def write_samples(folder, opened, z, x_mean, groups):
    """Writes the samples in the user's units; of a table also with its header."""
    decided, columns, shown = opened.preprocessing, None, x_mean
    if decided is not None:
        columns, shown = decided.entries, decided.inverse(x_mean)
    folder.write_arrays("samples.npz", z=z, x_mean=shown, **groups, columns=columns)
    if decided is None or decided.columns is None:
        return
    cells, labels, classes = decided.to_cells(x_mean), *groups.values()
    if labels is not None:
        names = opened.label_names
        cells[decided.labels or "label"] = [names[code] for code in labels]
    if classes is not None:
        cells["mixture class" if "class" in cells else "class"] = classes
    run_commands.write_table(folder, "samples.csv", cells)


def select_labels(opened, given):
    """The code of the label of each sample; `None` if the model takes no label."""
    import numpy as np

    if given.label is not None:
        return np.full(given.num_samples, opened.label_code(given.label))
    if not opened.is_conditional:
        return None
    return np.sort(np.arange(given.num_samples) % len(opened.label_names))


def find_mixture(opened, k):
    """The mixture that is p(z), with class k only if given; `None` if another is."""
    import numpy as np

    from models.evaluation.scores import is_prior

    mixture = opened.mixture
    is_sampled = is_prior(mixture, opened.model)
    if k is None:
        return mixture if is_sampled else None
    if not is_sampled:
        raise ValueError(
            f"--class {k}: only a model that takes the messages of a mixture is "
            f"sampled from its classes, and that of {opened.path} is not; leave it out"
        )
    n_classes = len(mixture.weights_)
    if k >= n_classes:
        raise ValueError(
            f"--class must be a class of the mixture, 0 to {n_classes - 1}. "
            f"Received: {k}"
        )
    mixture.weights_ = np.eye(n_classes)[k]
    return mixture


def draw_latents(mixture, n, seed):
    """n samples in random order: z, (n, latent_dim), and their classes, (n,)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    mixture.random_state = int(rng.integers(2**31))
    z, classes = mixture.sample(n)  # in the order of the classes
    order = rng.permutation(n)
    return z[order], classes[order]


def plot(opened, given, x_mean, labels, mixture):
    """A row per label if all were drawn, else a square; a table by column."""
    is_image = opened.dataset.is_image
    if is_image and labels is not None and given.label is None:
        names = opened.label_names
        return plotting.plot_samples_by_label(x_mean, labels, names, MAX_SHOWN)
    source = "z ~ p(z)" if mixture is None else "z from the mixture"
    if labels is not None:
        source = f"label {given.label}" if given.label else "each label as often"
    if given.class_ is not None:
        source = f"class {given.class_} of the mixture"
    if not is_image:
        from models.cli import table_figures

        title = f"Data and {len(x_mean)} decoded samples, {source}"
        return table_figures.draw_samples(opened.dataset, x_mean, title)
    shown = x_mean[: MAX_SHOWN * MAX_SHOWN]
    first = f"The first {len(shown)} of " if len(shown) < len(x_mean) else ""
    title = f"{first}{len(x_mean)} sample{'s' * (len(x_mean) > 1)}, {source}"
    return plotting.plot_samples(shown, math.ceil(math.sqrt(len(shown))), title)


main = Command("sample", Options, run, {"--n": "--num-samples"})

if __name__ == "__main__":
    sys.exit(main())
