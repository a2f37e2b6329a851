"""The files of a run of `models.train`, and the lines that it prints."""

import shutil
from functools import partial

import keras
import numpy as np

from models import plotting
from models.cli.option_types import show
from models.evaluation.scores import is_prior
from models.runs.rounds import LATENTS, MIXTURE, Round, round_arrays
from models.runs.run_folder import CHECKPOINT, RunFolder

FILE_DESCRIPTIONS = {
    "config.json": "the resolved configuration",
    "model.keras": "the model: models.load(path)",
    "checkpoint.keras": "the last checkpoint, for --resume",
    "history.csv": "the loss and its terms, by epoch",
    "rounds.csv": "the table above",
    "latents.npz": "z, the parameters of q(z|x), classes, responsibilities, labels",
    "gmm.npz": "the mixture: weights, means, precisions",
    "rounds.npz": "latents, mixture and weights of every round",
    "metrics.json": "the scores of the first and the last round",
    "latent_pca.png": "the latent space by label and by class",
    "reconstructions.png": "data and their reconstructions",
    "samples.png": "decoded samples from the prior",
    "curves.png": "the loss and its terms over the epochs",
    "rounds.png": "accuracy, ARI and NMI over the rounds",
    "manifold.png": "the decoded plane of the two latent dimensions",
    "model.txt": "the layers, their shapes and parameters",
    "model.png": "the layers as a diagram",
}
MAX_POINTS = 20_000  # examples in a figure, of data on disk
MAX_GROUPS = 20  # labels or classes in a figure
N_SAMPLES = 10  # in each row of a figure


# --- Lines on the screen --------------------------------------------------------------


def heading(config: dict, dataset, vae, devices=None) -> str:
    """The data, the model and the training in two lines; the devices in a third."""
    shape = " x ".join(map(str, dataset.input_shape))
    note = f", {dataset.note}" if dataset.note else ""
    parts = [
        f"{config['variant']}: {type(vae.likelihood).__name__} p(x|z)",
        network_summary(config),
    ]
    if config.get("kl_weight") is not None:
        parts.append(f"KL weight {show(config['kl_weight'])}")
    if config.get("capacity"):
        parts.append(f"capacity {show(config['capacity'])} nats")
    steps = config.get("steps")
    length = f"{steps} steps" if steps else f"{config['epochs']} epochs"
    parts.append(f"{config['rounds']} x {length} of batches of {config['batch_size']}")
    if config.get("n_components"):
        parts.append(f"{config['n_components']} classes by {config['gmm_inference']}")
    parts.append(f"seed {config['seed']}")
    lines = [f"{dataset.name}: {len(dataset.x)} rows of {shape}{note}"]
    return "\n".join([*lines, ", ".join(parts), *([str(devices)] if devices else [])])


def network_summary(config: dict) -> str:
    """The kind of network and its widths: "augmented conv 32-64-10"."""
    words = ["augmented"] * bool(config.get("augment"))
    words += ["conv"] * (config.get("network") == "conv")
    widths = config.get("filters") or config.get("hidden_dims") or ()
    return " ".join([*words, "-".join(map(str, [*widths, config["latent_dim"]]))])


def summary(folder: RunFolder, rows: list[dict], seconds: float) -> str:
    """The scores of the first and the last round, and the files.

    Args:
        folder: the folder of the run.
        rows: the scores of each round.
        seconds: the duration of the run.
    """
    lines = []
    if rows and "accuracy" in rows[-1]:
        names = ("accuracy", "ari", "nmi")
        lines += ["", f"{'':16}" + "".join(f"{name:>10}" for name in names)]
        for row in (rows[0], rows[-1])[: len(rows)]:
            cells = "".join(f"{row[name]:10.3f}" for name in names)
            lines.append(f"after round {row['round']:<4}" + cells)
    lines += ["", f"{seconds:.0f} s. Written to {folder.path}:"]
    lines += [f"  {path.name:21}{describe_file(path.name)}" for path in folder.written]
    return "\n".join(lines)


def describe_file(name: str) -> str:
    """The content of a file in words."""
    stem, _, label = name.removesuffix(".png").partition("-")
    if label:
        return f"{FILE_DESCRIPTIONS[stem + '.png']}, for label {label}"
    return FILE_DESCRIPTIONS[name]


# --- Files ----------------------------------------------------------------------------


def remove_old(folder: RunFolder) -> None:
    """Removes the files of an earlier run, so that none is mistaken for a new one."""
    for name in FILE_DESCRIPTIONS:
        folder.remove(name)


def write(
    folder: RunFolder,
    vae,
    dataset,
    config: dict,
    history: dict[str, list],
    rows: list[dict],
    rounds: list[Round],
) -> None:
    """Writes the files of a run; after an interruption in round 1 those of the model.

    Args:
        folder: the folder.
        vae: the trained `models.blocks.vae.VAE`.
        dataset: its training data.
        config: the resolved configuration.
        history: the metrics of every epoch, by name.
        rows: the scores of every round.
        rounds: what every whole round left.
    """
    folder.write_model("model.keras", vae)
    describe_model(folder, vae)
    if history:
        columns = history_columns(history, config["epochs"])
        folder.write_csv("history.csv", columns)
        figure = plotting.plot_training_curves(history, columns["round"])
        folder.write_figure("curves.png", figure)
    if not rounds:
        return
    folder.remove(CHECKPOINT)  # the run has ended
    write_rounds(folder, dataset.labels, rows, rounds)
    if dataset.is_on_disk:
        step = -(-len(dataset.x) // MAX_POINTS)
        dataset, rounds = dataset.every(step), [each.every(step) for each in rounds]
    draw_figures(folder, vae, dataset, rows, rounds)


def history_columns(history: dict[str, list], epochs_per_round: int) -> dict:
    """The columns of history.csv: round, epoch and the metrics."""
    epochs = list(range(1, len(next(iter(history.values()))) + 1))
    rounds = [(epoch - 1) // epochs_per_round + 1 for epoch in epochs]
    return {"round": rounds, "epoch": epochs} | history


def describe_model(folder, vae):
    """Writes the layers as text and, where Graphviz is installed, as a diagram."""
    lines = []
    vae.summary(print_fn=lines.append, expand_nested=True, line_length=100)
    folder.write_text("model.txt", "\n".join(lines) + "\n")
    if shutil.which("dot"):
        options = {"show_shapes": True, "show_layer_names": True, "expand_nested": True}
        draw = partial(keras.utils.plot_model, vae, dpi=100, **options)
        folder.write_file("model.png", draw)


def write_rounds(folder, labels, rows, rounds):
    """Writes scores, latents and mixture of the rounds; labels are (n,) or `None`."""
    columns = {name: [row.get(name) for row in rows] for name in rows[-1]}
    folder.write_csv("rounds.csv", columns)
    folder.write_json("metrics.json", {"first": rows[0], "last": rows[-1]})
    latents = rounds[-1].arrays(LATENTS)
    folder.write_arrays(
        "latents.npz", **latents, **({} if labels is None else {"labels": labels})
    )
    if rounds[-1].mixture is not None:
        folder.write_arrays("gmm.npz", **rounds[-1].arrays(MIXTURE))
    if len(rounds) > 1:
        folder.write_arrays("rounds.npz", **round_arrays(rounds))


# --- Figures --------------------------------------------------------------------------


def draw_figures(folder, vae, dataset, rows, rounds):
    """Draws latents, reconstructions, samples and scores."""
    folder.write_figure("latent_pca.png", draw_latents(dataset, rounds))
    labels = dataset.labels if vae.is_conditional else None
    shown = slice(None, None, max(1, len(dataset.x) // N_SAMPLES))
    x_mean = vae.reconstruct(
        dataset.x[shown], None if labels is None else labels[shown]
    )
    figure = plotting.plot_reconstructions(dataset.x[shown], x_mean, N_SAMPLES)
    folder.write_figure("reconstructions.png", figure)
    folder.write_figure("samples.png", draw_samples(vae, rounds[-1], labels))
    if len(rows) > 1:
        folder.write_figure("rounds.png", plotting.plot_round_scores(rows))
    if vae.latent_dim == 2:
        draw_manifolds(folder, vae, rounds[-1].points, labels)


def draw_latents(dataset, rounds):
    """The latents of the first and the last round, coloured by label and class."""
    shown = {"latent space": rounds[0]}
    if len(rounds) > 1:
        shown = {"after round 1": rounds[0], f"after round {len(rounds)}": rounds[-1]}
    colourings = {} if dataset.labels is None else {"label": dataset.labels}
    if rounds[-1].classes is not None:
        colourings["class"] = {title: each.classes for title, each in shown.items()}
    latents = {title: each.z for title, each in shown.items()}
    names = dataset.label_names
    return plotting.plot_latent_pca(latents, colourings, label_names=names)


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
    rng = np.random.default_rng(0)
    shown = np.sort(np.argsort(-last.weights)[:MAX_GROUPS])
    covariances = last.mixture.covariances_
    samples = [
        rng.multivariate_normal(last.means[k], covariances[k], N_SAMPLES) for k in shown
    ]
    return np.concatenate(samples)


def draw_manifolds(folder, vae, z, labels):
    """The decoded plane; for a conditional model one for each of the first labels."""
    if labels is None:
        folder.write_figure("manifold.png", draw_manifold(vae, z))
        return
    for label in np.unique(labels)[:MAX_GROUPS]:
        figure = draw_manifold(vae, z, label)
        folder.write_figure(f"manifold-{label}.png", figure)


def draw_manifold(vae, z, label=None, side=30):
    """The decoded plane, two standard deviations around the mean of the latents."""
    low, high = z.mean(axis=0) - 2 * z.std(axis=0), z.mean(axis=0) + 2 * z.std(axis=0)
    across, up = (np.linspace(low[i], high[i], side) for i in (0, 1))
    grid = np.stack(np.meshgrid(across, up[::-1]), axis=-1)  # the top row is highest
    x_mean = vae.decode(grid.reshape(-1, 2), label)
    extent = (low[0], high[0], low[1], high[1])
    return plotting.plot_manifold(x_mean.reshape(side, side, *x_mean.shape[1:]), extent)
