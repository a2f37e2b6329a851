"""What a run leaves behind: its files, and a few lines on the screen."""

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
    network = defaults.show(config["hidden_dims"])
    return (
        f"{dataset.name}: {rows} rows of {shape}{note}\n"
        f"{config['variant']}: {config['likelihood']} p(x|z), "
        f"{network}-{config['latent_dim']}, KL weight {config['kl_weight']}, "
        f"{config['rounds']} x {config['epochs']} epochs of batches of "
        f"{config['batch_size']}, {config['n_components']} classes by {config['gmm']}, "
        f"seed {config['seed']}\n"
    )


def write(folder, loop, dataset, config, first):
    """Writes everything there is: all of it, or after Ctrl-C in round 1 the model.

    first: `z` and `classes` after round 1.
    """
    _, vae, gmm = loop.modules
    folder.model("model.keras", vae.model)
    if vae.history:
        epochs = list(range(1, vae.epochs_trained + 1))
        rounds = [(epoch - 1) // config["epochs"] + 1 for epoch in epochs]
        folder.csv("history.csv", {"round": rounds, "epoch": epochs} | vae.history)
        folder.figure("curves.png", plots.curves(vae.history, rounds))
    if not loop.rows:
        return
    columns = {name: [r.get(name) for r in loop.rows] for name in loop.rows[-1]}
    folder.csv("rounds.csv", columns)
    folder.json("metrics.json", {"first": loop.rows[0], "last": loop.rows[-1]})
    write_arrays(folder, vae, gmm, dataset)
    draw(folder, vae, gmm, loop, dataset, first)


def write_arrays(folder, vae, gmm, dataset):
    """The latents and classes of the last whole round, and the mixture."""
    labels = {} if dataset.labels is None else {"labels": dataset.labels}
    folder.arrays(
        "latents.npz",
        z_mean=vae.posterior.mean,
        z_log_var=-np.log(vae.posterior.precision),
        z=vae.forward.mean,
        classes=gmm.classes,
        responsibilities=gmm.responsibilities,
        **labels,
    )
    folder.arrays("gmm.npz", **vars(gmm.mixture))


def draw(folder, vae, gmm, loop, dataset, first):
    """The pictures."""
    last = f"after round {len(loop.rows)}"
    latents, classes = {last: vae.forward.mean}, {last: gmm.classes}
    if len(loop.rows) > 1:
        latents = {"after round 1": first["z"]} | latents
        classes = {"after round 1": first["classes"]} | classes
    colourings = {"class": classes}
    if dataset.labels is not None:
        colourings = {"label": dataset.labels} | colourings
    figure = plots.latent_pca(latents, colourings, label_names=dataset.label_names)
    folder.figure("latent_pca.png", figure)

    shown = dataset.x[:: max(1, len(dataset.x) // SAMPLES)][:SAMPLES]
    figure = pictures.reconstructions(shown, vae.model.reconstruct(shown), SAMPLES)
    folder.figure("reconstructions.png", figure)
    folder.figure("samples.png", prior_samples(vae, gmm))
    if len(loop.rows) > 1:
        folder.figure("rounds.png", plots.rounds(loop.rows))
    if vae.model.latent_dim == 2:
        folder.figure("manifold.png", manifold(vae))


def prior_samples(vae, gmm):
    """Draws of z, decoded: of each class for a model that listens, else of N(0, I)."""
    rng = np.random.default_rng(0)
    if not vae.listens:
        z = rng.standard_normal((SAMPLES * SAMPLES, vae.model.latent_dim))
        return pictures.samples(
            vae.model.decode(z), SAMPLES, title="Samples, z ~ N(0, I)"
        )
    shown = np.argsort(-gmm.mixture.weights)[:20]
    z = np.concatenate([gmm.mixture.sample(k, SAMPLES, rng) for k in np.sort(shown)])
    title = "Samples of each class, one row a class"
    return pictures.samples(vae.model.decode(z), SAMPLES, title=title)


def manifold(vae, side=20):
    """The decoded plane, two standard deviations around the latents' mean."""
    z = vae.posterior.mean
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
