"""The files of a run of `models.train`, and the lines that it prints."""

import shutil
from functools import partial

import keras
import numpy as np

from models import plotting
from models.cli import table_figures
from models.cli.option_types import show
from models.cli.run_commands import decode_grid, figure_step, list_files
from models.evaluation.latent_statistics import latent_information
from models.evaluation.scores import is_prior
from models.runs.rounds import LATENTS, MIXTURE, round_arrays
from models.runs.run_folder import CHECKPOINT, RunFolder

FILE_DESCRIPTIONS = {
    "config.json": "the resolved configuration",
    "model.keras": "the model: models.load(path)",
    "checkpoint.keras": "the last checkpoint, for --resume",
    "history.csv": "the loss and its terms, by epoch",
    "rounds.csv": "the metrics of every round",
    "starts.csv": "the starts: seed, agreement with the others",
    "latents.npz": "",  # the names of its arrays, which `summary` knows
    "gmm.npz": "the mixture: weights, means, precisions",
    "rounds.npz": "latents, mixture and weights of every round",
    "metrics.json": "the scores of the first and the last round",
    "latent_pca.png": "the latents in the plane of their two principal axes",
    "reconstructions.png": "data and their reconstructions",
    "samples.png": "decoded samples from the prior",
    "latent_effects.png": "the change of each column along each latent",
    "pairs.png": "pairs of columns, coloured by label and class",
    "curves.png": "the loss and its terms over the epochs",
    "rounds.png": "the scores of the classes over the rounds",
    "manifold.png": "the decoded plane of the two latent dimensions",
    "model.txt": "the layers, their shapes and parameters",
    "model.png": "the layers as a diagram",
}
MIN_NATS = 1.0  # nats, fewer than tell three groups apart
MAX_GROUPS = 20  # labels or classes in a figure
N_SAMPLES = 10  # in each row of a figure
N_TABLE = 2000  # samples of a table
N_PLANE = 30  # images on each side of the decoded plane; of a table twice as many


def heading(config: dict, dataset, vae, devices=None) -> str:
    """The data, the model and the training; the devices in a line of their own."""
    given = {name: value for name, value in config.items() if value}
    kind = "augmented " * ("augment" in given) + "conv " * ("filters" in given)
    widths = given.get("filters") or given.get("hidden_dims") or ()
    epochs = f"{config['epochs']} epochs"
    length = f"{given['steps']} steps" if "steps" in given else epochs
    parts = [
        f"{config['variant']}: {type(vae.likelihood).__name__} p(x|z)",
        kind + "-".join(map(str, [*widths, config["latent_dim"]])),
        f"KL weight {show(config['kl_weight'])}",
        "capacity" in given and f"capacity {show(given['capacity'])} nats",
        f"{config['rounds']} x {length} of batches of {config['batch_size']}",
        "n_components" in given and describe_classes(given),
        f"seed {config['seed']}",
    ]
    lines = [dataset.describe(), ", ".join(filter(None, parts)), str(devices or "")]
    return "\n".join(filter(None, lines))


def describe_classes(config: dict) -> str:
    """The number of classes, what chose it, and how they are found."""
    source = config.get("n_components_source")
    source = f" ({source})" if source else ""
    number = config["n_components"]
    classes = "1 class" if number == 1 else f"{number} classes"
    return f"{classes}{source} by {config['gmm_inference']}"


def summary(folder, dataset, history, rows, rounds, seconds: float) -> str:
    """The scores of the first and the last of the rounds, and the files.

    The arguments are those of `write`, and how long the run took.
    """
    lines = []
    if rows and "accuracy" in rows[-1]:
        lines += ["", f"{'':16}{'accuracy':>10}{'ari':>10}{'nmi':>10}"]
        line = "after round {round:<4}{accuracy:10.3f}{ari:10.3f}{nmi:10.3f}"
        lines += map(line.format_map, (rows[0], rows[-1])[: len(rows)])
    latents = [name for last in rounds[-1:] for name in last.arrays(LATENTS)]
    latents += ["labels"] * (dataset.labels is not None)
    described = FILE_DESCRIPTIONS | {"latents.npz": ", ".join(latents)}
    files = list_files(folder, described)
    lines += ["", f"{seconds:.0f} s. {files}", *collapse_warning(history, rounds)]
    return "\n".join(lines)


def collapse_warning(history: dict, rounds) -> list[str]:
    """What to do if q(z|x) is nearly the same for all x."""
    nats = history.get("kl", [MIN_NATS])[-1]
    last = rounds[-1] if rounds else None
    if nats < MIN_NATS and last and last.z_log_var is not None:
        # the KL from the prior of a class is small also where the classes differ
        nats = max(nats, latent_information(last.z_mean, last.z_log_var))
    if nats >= MIN_NATS:
        return []
    return [
        f"warning: the posterior has collapsed. The latents hold {nats:.2g} nats of "
        "each row, so",
        "  reconstructions and classes hardly depend on the data. Train with a smaller "
        "--kl-weight,",
        "  with --kl-weight linear:EPOCHS:W, longer, or with --sigma none for a "
        "Gaussian p(x|z).",
    ]


def remove_former(folder: RunFolder) -> None:
    """Removes the files of an earlier run, so that none is mistaken for a new one."""
    names = [path.name for path in folder.path.glob("manifold-*.png")]
    for name in (*FILE_DESCRIPTIONS, *names):
        folder.remove(name)


def write(folder: RunFolder, vae, dataset, config, history, rows, rounds) -> None:
    """Writes the files of a run; after an interruption in round 1 those of the model.

    `vae` is trained on `dataset` with `config`; `history` has the metrics of every
    epoch, name -> list, `rows` the scores, dicts, and `rounds` the `Round` of every
    whole round.
    """
    folder.write_file("model.keras", vae.save)
    describe_model(folder, vae)
    if history:
        columns = history_columns(history, config["epochs"])
        curves = plotting.plot_training_curves(history, columns["round"])
        folder.write_csv("history.csv", columns)
        folder.write_figure("curves.png", curves)
    if not rounds:
        return
    write_rounds(folder, dataset.labels, rows, rounds)
    if dataset.is_on_disk:
        step = figure_step(dataset)
        dataset, rounds = dataset.every(step), [each.every(step) for each in rounds]
    draw_figures(folder, vae, dataset, rows, rounds)
    folder.remove(CHECKPOINT)  # the run has ended, and can be resumed until here


def history_columns(history: dict[str, list], epochs_per_round: int) -> dict:
    """The columns of history.csv: round, epoch and the metrics."""
    epochs = list(range(1, len(next(iter(history.values()))) + 1))
    rounds = [(epoch - 1) // epochs_per_round + 1 for epoch in epochs]
    return {"round": rounds, "epoch": epochs} | history


def describe_model(folder, vae):
    """Writes the layers as text and, where Graphviz is installed, as a diagram."""
    lines, options = [], {"expand_nested": True}
    vae.summary(print_fn=lines.append, line_length=100, **options)
    folder.write_text("model.txt", "\n".join(lines) + "\n")
    if shutil.which("dot"):
        options |= {"show_shapes": True, "show_layer_names": True, "dpi": 100}
        folder.write_file("model.png", partial(keras.utils.plot_model, vae, **options))


def write_rounds(folder, labels, rows, rounds):
    """Writes scores, latents and mixture of the rounds; labels are (n,) or `None`."""
    columns = {name: [row.get(name) for row in rows] for name in rows[-1]}
    folder.write_csv("rounds.csv", columns)
    folder.write_json("metrics.json", {"first": rows[0], "last": rows[-1]})
    folder.write_arrays("latents.npz", **rounds[-1].arrays(LATENTS), labels=labels)
    if mixture := rounds[-1].arrays(MIXTURE):
        folder.write_arrays("gmm.npz", **mixture)
    if len(rounds) > 1:
        folder.write_arrays("rounds.npz", **round_arrays(rounds))


def draw_figures(folder, vae, dataset, rows, rounds):
    """Draws latents, scores, and the data as images or as a table."""
    folder.write_figure("latent_pca.png", draw_latents(dataset, rounds))
    if len(rows) > 1:
        folder.write_figure("rounds.png", plotting.plot_round_scores(rows))
    draw = draw_images if dataset.is_image else draw_table
    draw(folder, vae, dataset, rounds[-1])
    if vae.latent_dim == 2:
        labels = np.unique(dataset.labels) if vae.is_conditional else [None]
        for label in labels[:MAX_GROUPS]:
            name = "manifold.png" if label is None else f"manifold-{label}.png"
            folder.write_figure(name, draw_manifold(vae, dataset, rounds[-1], label))


def draw_images(folder, vae, dataset, last):
    """Draws some images with their reconstructions, and samples."""
    shown = dataset.every(max(1, len(dataset.x) // N_SAMPLES))
    x_mean = vae.reconstruct(shown.x, shown.labels if vae.is_conditional else None)
    figure = plotting.plot_reconstructions(shown.x, x_mean, N_SAMPLES)
    folder.write_figure("reconstructions.png", figure)
    labels = dataset.labels if vae.is_conditional else None
    folder.write_figure("samples.png", draw_samples(vae, last, labels))


def draw_table(folder, vae, dataset, last):
    """Draws reconstructions, samples, effects of latents and pairs of columns."""
    labels = dataset.labels if vae.is_conditional else None
    x_mean = vae.decode(last.points, labels)
    figure = table_figures.draw_reconstructions(dataset, x_mean)
    folder.write_figure("reconstructions.png", figure)
    x_mean, title = sample_table(vae, last, labels)
    figure = table_figures.draw_samples(dataset, x_mean, title)
    folder.write_figure("samples.png", figure)
    label = None if labels is None else np.bincount(labels).argmax()
    effects = table_figures.find_effects(dataset, vae, last.points, label)
    figure = table_figures.draw_effects(dataset, effects, label)
    folder.write_figure("latent_effects.png", figure)
    pairs = table_figures.draw_pairs(dataset, last.classes, effects)
    if pairs is not None:
        folder.write_figure("pairs.png", pairs)


def draw_latents(dataset, rounds):
    """The latents of the first and the last round, coloured by label and class."""
    shown = {"latent space": rounds[0]}
    if len(rounds) > 1:
        shown = {"after round 1": rounds[0], f"after round {len(rounds)}": rounds[-1]}
    colourings = {} if dataset.labels is None else {"label": dataset.labels}
    if rounds[-1].classes is not None:
        colourings["class"] = {title: each.classes for title, each in shown.items()}
    latents = {title: each.points for title, each in shown.items()}
    names = dataset.label_names
    return plotting.plot_latent_pca(latents, colourings, label_names=names)


def sample_table(vae, last, labels):
    """Decoded samples with labels as frequent as in the data, or from p(z); a title."""
    rng = np.random.default_rng(0)
    if labels is not None:
        _, x_mean = vae.sample(N_TABLE, rng.choice(labels, N_TABLE), seed=0)
        return x_mean, "Data and decoded samples, z ~ p(z|label)"
    if is_prior(last.mixture, vae):
        mixture = last.mixture
        mixture.random_state = 0
        z, _ = mixture.sample(N_TABLE)
        return vae.decode(z), "Data and decoded samples, z from the mixture"
    return vae.sample(N_TABLE, seed=0)[1], "Data and decoded samples, z ~ p(z)"


def draw_samples(vae, last, labels):
    """Decoded samples: for each label, for each class of the prior, or from p(z)."""
    if labels is not None:
        each = np.repeat(np.unique(labels)[:MAX_GROUPS], N_SAMPLES)
        _, x_mean = vae.sample(len(each), each, seed=0)
        title = "Samples, one row per label"
    elif is_prior(last.mixture, vae):
        x_mean = vae.decode(sample_classes(last))
        title = "Samples of each class, one row per class"
    else:
        _, x_mean = vae.sample(N_SAMPLES * N_SAMPLES, seed=0)
        title = "Samples, z ~ p(z)"
    return plotting.plot_samples(x_mean, N_SAMPLES, title=title)


def sample_classes(last):
    """Samples of z from each of the largest classes, one class after the other."""
    means, covariances = last.means, last.mixture.covariances_
    shown = np.sort(np.argsort(-last.weights)[:MAX_GROUPS])
    normal = np.random.default_rng(0).multivariate_normal
    return np.concatenate([normal(means[k], covariances[k], N_SAMPLES) for k in shown])


def draw_manifold(vae, dataset, last, label):
    """The decoded plane, two standard deviations around the mean of the latents."""
    z = last.points
    low, high = (z.mean(axis=0) + side * z.std(axis=0) for side in (-2, 2))
    n = N_PLANE * (1 if dataset.is_image else 2)
    across, up = np.linspace(low, high, n).T
    grid = np.stack(np.meshgrid(across, up[::-1]), axis=-1)  # the top row is highest
    extent, x_mean = (low[0], high[0], low[1], high[1]), decode_grid(vae, grid, label)
    if dataset.is_image:
        return plotting.plot_manifold(x_mean, extent)
    return table_figures.draw_plane(dataset, x_mean, extent, z, label)
