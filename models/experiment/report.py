"""What a run leaves behind: its files, and a few lines on the screen."""

from typing import NamedTuple

import numpy as np

from models.experiment import defaults, pictures, plots

WHAT = {
    "config.json": "the resolved configuration",
    "model.keras": "the model: models.load(path)",
    "history.csv": "loss, log-likelihood and KL of every epoch",
    "rounds.csv": "the table above",
    "latents.npz": "z_mean, z_log_var, z, classes, responsibilities, labels",
    "gmm.npz": "the mixture: weights, means, precisions",
    "metrics.json": "the scores of the first and the last round",
    "latent_pca.png": "the latent space by label and by class",
    "reconstructions.png": "data, and what the model makes of them",
    "samples.png": "decoded draws from the prior",
    "curves.png": "loss, log-likelihood and KL over the epochs",
    "rounds.png": "accuracy, ARI and NMI over the rounds",
    "manifold.png": "the decoded plane of the two latent dimensions",
}
SAMPLES = 10  # drawn from each class, or in each row


def heading(config, dataset):
    """What is about to run, in two lines."""
    rows, shape = len(dataset.x), " x ".join(map(str, dataset.input_shape))
    note = f", {dataset.note}" if dataset.note else ""
    network = "conv " * (config["network"] == "conv")
    network += defaults.show(config["filters"] or config["hidden_dims"])
    capacity = f" from {config['capacity']} nats" if config["capacity"] else ""
    return (
        f"{dataset.name}: {rows} rows of {shape}{note}\n"
        f"{config['variant']}: {config['likelihood']} p(x|z), "
        f"{network}-{config['latent_dim']}, KL weight {config['kl_weight']}{capacity}, "
        f"{config['rounds']} x {config['epochs']} epochs of batches of "
        f"{config['batch_size']}, {config['n_components']} classes by {config['gmm']}, "
        f"seed {config['seed']}\n"
    )


class Round(NamedTuple):
    """What one whole round left behind."""

    z_mean: np.ndarray  # of q(z|x), (n, latent_dim)
    z_log_var: np.ndarray
    z: np.ndarray  # what the VAE sent up, (n, latent_dim)
    classes: np.ndarray  # (n,) int
    responsibilities: np.ndarray  # (n, n_components)
    mixture: object  # of the classes: weights, means, precisions


def write(folder, loop, dataset, config, rounds):
    """Writes everything there is: all of it, or after Ctrl-C in round 1 the model.

    rounds: the first `Round` and, if there were more, the last whole one.
    """
    _, vae, _ = loop.modules
    folder.model("model.keras", vae.model)
    if vae.history:
        epochs = list(range(1, vae.epochs_trained + 1))
        numbers = [(epoch - 1) // config["epochs"] + 1 for epoch in epochs]
        folder.csv("history.csv", {"round": numbers, "epoch": epochs} | vae.history)
        folder.figure("curves.png", plots.curves(vae.history, numbers))
    if not rounds:
        return
    columns = {name: [r.get(name) for r in loop.rows] for name in loop.rows[-1]}
    folder.csv("rounds.csv", columns)
    folder.json("metrics.json", {"first": loop.rows[0], "last": loop.rows[-1]})
    write_arrays(folder, rounds[-1], dataset)
    draw(folder, vae, loop, dataset, rounds)


def write_arrays(folder, last, dataset):
    """The latents and classes of the last whole round, and the mixture."""
    labels = {} if dataset.labels is None else {"labels": dataset.labels}
    arrays = last._asdict()
    mixture = arrays.pop("mixture")
    folder.arrays("latents.npz", **arrays, **labels)
    folder.arrays("gmm.npz", **vars(mixture))


def draw(folder, vae, loop, dataset, rounds):
    """The pictures."""
    numbers = (1, len(loop.rows))[-len(rounds) :]
    titles = [f"after round {number}" for number in numbers]
    latents = {title: r.z for title, r in zip(titles, rounds, strict=True)}
    classes = {title: r.classes for title, r in zip(titles, rounds, strict=True)}
    colourings = {"class": classes}
    if dataset.labels is not None:
        colourings = {"label": dataset.labels} | colourings
    figure = plots.latent_pca(latents, colourings, label_names=dataset.label_names)
    folder.figure("latent_pca.png", figure)

    shown = dataset.x[:: max(1, len(dataset.x) // SAMPLES)][:SAMPLES]
    figure = pictures.reconstructions(shown, vae.model.reconstruct(shown), SAMPLES)
    folder.figure("reconstructions.png", figure)
    folder.figure("samples.png", prior_samples(vae, rounds[-1].mixture))
    if len(loop.rows) > 1:
        folder.figure("rounds.png", plots.rounds(loop.rows))
    if vae.model.latent_dim == 2:
        folder.figure("manifold.png", manifold(vae, rounds[-1].z_mean))


def prior_samples(vae, mixture):
    """Draws of z, decoded: of each class for a model that listens, else of N(0, I)."""
    rng = np.random.default_rng(0)
    if not vae.listens:
        z = rng.standard_normal((SAMPLES * SAMPLES, vae.model.latent_dim))
        return pictures.samples(
            vae.model.decode(z), SAMPLES, title="Samples, z ~ N(0, I)"
        )
    shown = np.argsort(-mixture.weights)[:20]
    z = np.concatenate([mixture.sample(k, SAMPLES, rng) for k in np.sort(shown)])
    title = "Samples of each class, one row a class"
    return pictures.samples(vae.model.decode(z), SAMPLES, title=title)


def manifold(vae, z, side=20):
    """The decoded plane, two standard deviations around the latents' mean."""
    low, high = z.mean(axis=0) - 2 * z.std(axis=0), z.mean(axis=0) + 2 * z.std(axis=0)
    across, up = (np.linspace(low[i], high[i], side) for i in (0, 1))
    grid = np.stack(
        np.meshgrid(across, up[::-1]), axis=-1
    )  # the top row is the highest
    x_mean = vae.model.decode(grid.reshape(-1, 2))
    extent = (low[0], high[0], low[1], high[1])
    return pictures.manifold(x_mean.reshape(side, side, *x_mean.shape[1:]), extent)


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
    lines += [f"  {path.name:21}{WHAT[path.name]}" for path in folder.written]
    return "\n".join(lines)
