"""What a run leaves behind: its files, and a few lines on the screen."""

import shutil
from functools import partial

import keras
import numpy as np

from models.cli import defaults
from models.runs import saved_run
from models import plotting
from models.runs.run_folder import CHECKPOINT
from models.cli.training_options import show_training

WHAT = {
    "config.json": "the resolved configuration",
    "model.keras": "the model: models.load(path)",
    "checkpoint.keras": "what was saved last: --resume goes on from it",
    "history.csv": "loss, log-likelihood and KL of every epoch",
    "rounds.csv": "the table above",
    "latents.npz": "z_mean, z_log_var, z, classes, responsibilities, labels",
    "gmm.npz": "the mixture: weights, means, precisions",
    "rounds.npz": "latents, mixture and weights of every round",
    "metrics.json": "the scores of the first and the last round",
    "latent_pca.png": "the latent space by label and by class",
    "reconstructions.png": "data, and what the model makes of them",
    "samples.png": "decoded draws from the prior",
    "curves.png": "loss, log-likelihood and KL over the epochs",
    "rounds.png": "accuracy, ARI and NMI over the rounds",
    "manifold.png": "the decoded plane of the two latent dimensions",
    "model.txt": "the layers, their shapes and parameters",
    "model.png": "the layers as a diagram",
}
MOST_SHOWN = 20_000  # data in a picture, of those that stay on disk
SAMPLES = 10  # drawn from each class, or in each row


def heading(config, dataset, devices=None):
    """What is about to run, in two lines, and a third for several devices."""
    rows, shape = len(dataset.x), " x ".join(map(str, dataset.input_shape))
    note = f", {dataset.note}" if dataset.note else ""
    network = "shaken " * config["shake"] + "conv " * (config["network"] == "conv")
    network += defaults.show(config["filters"] or config["hidden_dims"])
    capacity = f" from {config['capacity']} nats" if config["capacity"] else ""
    return (
        f"{dataset.name}: {rows} rows of {shape}{note}\n"
        f"{config['variant']}: {config['likelihood']} p(x|z), "
        f"{network}-{config['latent_dim']}, KL weight {config['kl_weight']}{capacity}, "
        f"{config['rounds']} x {show_training(config)} of batches of "
        f"{config['batch_size']}, {config['n_components']} classes by {config['gmm']}, "
        f"seed {config['seed']}\n"
    ) + (f"{devices}\n" if devices else "")


def clear(folder):
    """Removes what an earlier run left in the folder, lest it pass for this one's."""
    for name in WHAT:
        folder.remove(name)


def write(folder, loop, dataset, config, rounds):
    """Writes everything there is: all of it, or after Ctrl-C in round 1 the model.

    rounds: the `Round` of every whole round.
    """
    vae = loop["vae"]
    folder.model("model.keras", vae.model)
    describe(folder, vae.model)
    if vae.history:
        columns = history(vae, config)
        folder.csv("history.csv", columns)
        folder.figure(
            "curves.png", plotting.plot_training_curves(vae.history, columns["round"])
        )
    if not rounds:
        return
    folder.remove(CHECKPOINT)  # the run has ended
    columns = {name: [r.get(name) for r in loop.rows] for name in loop.rows[-1]}
    folder.csv("rounds.csv", columns)
    folder.json("metrics.json", {"first": loop.rows[0], "last": loop.rows[-1]})
    last, labels = rounds[-1], dataset.labels
    arrays = {name: getattr(last, name) for name in saved_run.LATENTS}
    folder.arrays(
        "latents.npz", **arrays, **({} if labels is None else {"labels": labels})
    )
    mixture = {name: getattr(last, name) for name in saved_run.MIXTURE}
    folder.arrays("gmm.npz", **mixture)
    if len(rounds) > 1:
        folder.arrays("rounds.npz", **saved_run.round_arrays(rounds))
    if dataset.is_on_disk:
        step = -(-len(dataset.x) // MOST_SHOWN)
        dataset, rounds = dataset.every(step), [kept.every(step) for kept in rounds]
    draw(folder, vae, loop, dataset, rounds)


def history(vae, config):
    """The columns of history.csv."""
    epochs = list(range(1, vae.epochs_trained + 1))
    numbers = [(epoch - 1) // config["epochs"] + 1 for epoch in epochs]
    return {"round": numbers, "epoch": epochs} | vae.history


def describe(folder, model):
    """Its layers as text and, where Graphviz is installed, as a diagram."""
    lines = []
    model.summary(print_fn=lines.append, expand_nested=True, line_length=100)
    folder.text("model.txt", "\n".join(lines) + "\n")
    if shutil.which("dot"):
        folder.file("model.png", partial(diagram, model))


def diagram(model, path):
    shown = {"show_shapes": True, "show_layer_names": True, "expand_nested": True}
    keras.utils.plot_model(model, path, dpi=100, **shown)


def draw(folder, vae, loop, dataset, rounds):
    """The pictures."""
    kept = {f"after round {n}": rounds[n - 1] for n in sorted({1, len(rounds)})}
    kept = kept if len(rounds) > 1 else {"latent space": rounds[0]}
    latents = {title: each.z for title, each in kept.items()}
    classes = {title: each.classes for title, each in kept.items()}
    colourings = {"class": classes}
    if dataset.labels is not None:
        colourings = {"label": dataset.labels} | colourings
    figure = plotting.plot_latent_pca(
        latents, colourings, label_names=dataset.label_names
    )
    folder.figure("latent_pca.png", figure)

    labels = dataset.labels if vae.model.is_conditional else None
    rows = slice(None, None, max(1, len(dataset.x) // SAMPLES))
    shown, theirs = dataset.x[rows], labels if labels is None else labels[rows]
    x_mean = vae.model.reconstruct(shown, theirs)
    figure = plotting.plot_reconstructions(shown, x_mean, SAMPLES)
    folder.figure("reconstructions.png", figure)
    folder.figure("samples.png", prior_samples(vae, rounds[-1], labels))
    if len(loop.rows) > 1:
        folder.figure("rounds.png", plotting.plot_round_scores(loop.rows))
    if vae.model.latent_dim == 2:
        draw_manifolds(folder, vae.model, rounds[-1].z_mean, labels)


def prior_samples(vae, last, labels):
    """Draws of z, decoded: of each class for a model that listens, else of the prior.

    Of a conditional model one row a label.
    """
    if labels is not None:
        each = np.repeat(np.unique(labels)[:20], SAMPLES)
        _, x_mean = vae.model.sample(len(each), each, seed=0)
        return plotting.plot_samples(x_mean, SAMPLES, title="Samples, one row a label")
    if not vae.listens:
        _, x_mean = vae.model.sample(SAMPLES * SAMPLES, seed=0)
        return plotting.plot_samples(x_mean, SAMPLES, title="Samples, z ~ N(0, I)")
    rng = np.random.default_rng(0)
    shown = np.argsort(-last.weights)[:20]
    z = np.concatenate([last.mixture.sample(k, SAMPLES, rng) for k in np.sort(shown)])
    title = "Samples of each class, one row a class"
    return plotting.plot_samples(vae.model.decode(z), SAMPLES, title=title)


def draw_manifolds(folder, model, z, labels):
    """The decoded plane; of a conditional model one for each of the first 20 labels."""
    if labels is None:
        folder.figure("manifold.png", manifold(model, z))
        return
    for label in np.unique(labels)[:20]:
        figure = manifold(model, z, label)
        folder.figure(f"manifold-{label}.png", figure)


def manifold(model, z, label=None, side=30):
    """The decoded plane, two standard deviations around the latents' mean."""
    low, high = z.mean(axis=0) - 2 * z.std(axis=0), z.mean(axis=0) + 2 * z.std(axis=0)
    across, up = (np.linspace(low[i], high[i], side) for i in (0, 1))
    grid = np.stack(
        np.meshgrid(across, up[::-1]), axis=-1
    )  # the top row is the highest
    x_mean = model.decode(grid.reshape(-1, 2), label)
    extent = (low[0], high[0], low[1], high[1])
    return plotting.plot_manifold(x_mean.reshape(side, side, *x_mean.shape[1:]), extent)


def summary(folder, loop, seconds):
    """The scores, and the files written."""
    lines = []
    if loop.rows and "accuracy" in loop.rows[-1]:
        names = ("accuracy", "ari", "nmi")
        lines += ["", f"{'':16}" + "".join(f"{name:>10}" for name in names)]
        for row in (loop.rows[0], loop.rows[-1])[: len(loop.rows)]:
            cells = "".join(f"{row[name]:10.3f}" for name in names)
            lines.append(f"after round {row['round']:<4}" + cells)
    lines += ["", f"{seconds:.0f} s. Written to {folder.path}:"]
    lines += [f"  {path.name:21}{what(path.name)}" for path in folder.written]
    return "\n".join(lines)


def what(name):
    """What a file holds, in words."""
    stem, _, label = name.removesuffix(".png").partition("-")
    return f"the decoded plane, given label {label}" if label else WHAT[name]
