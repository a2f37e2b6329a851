"""Clusters of MNIST without labels: k-means, a VAE and a mixture, the message loop.

    python benchmarks/clustering.py --mnist PATH/mnist.npz [--rows 70000] [--seeds 10]

All 70000 images, training and test together, as DEC and VaDE have it; accuracy is that
of the best one-to-one matching of ten classes and ten labels, which serve for nothing
else. Each line adds one thing to the line above it:

    pixels     k-means on the pixels
    vae        k-means' place is taken by a mixture of the latents of a VAE (round 1)
    loop       the mixture's message is the VAE's prior, for some rounds
    shaken     the encoder sees each image shifted, turned and scaled a little, anew in
               every step, while the decoder draws it as it was: the message then asks
               all these views of one image into one class (as DEC-DA, Guo et al. 2018)

A seed whose result is in --out already is not made again.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers
from sklearn.cluster import KMeans

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import serket_bridge as srk  # noqa: E402
from benchmarks.names import add_names  # noqa: E402
from models import (  # noqa: E402
    bernoulli,
    data,  # noqa: E402
    networks,  # noqa: E402
    serket,
)
from models.evaluation.metrics import clustering_scores  # noqa: E402
from models.networks.augmentation import Shake  # noqa: E402
from models.runs.run_folder import save_json, write_whole  # noqa: E402

WIDTHS = (256, 256)


def main():
    given = parse()
    x, labels = images(given.mnist, given.rows)
    print(f"{len(x)} images, {given.seeds} seeds: mean and sd over seeds")
    print(f"{'':10}{'accuracy':>10}{'sd':>7}{'ARI':>7}{'NMI':>7}{'seconds':>9}")
    for name in given.names or RECIPES:
        rows = [result(name, seed, x, labels, given) for seed in range(given.seeds)]
        for part in rows[0]:
            show(part, [row[part] for row in rows])


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_names(parser, RECIPES)
    parser.add_argument("--mnist", required=True, help="a downloaded mnist.npz")
    parser.add_argument("--rows", type=int, default=70_000, help="images (70000)")
    parser.add_argument("--seeds", type=int, default=10, help="trainings (10)")
    parser.add_argument("--epochs", type=int, default=12, help="of round 1 (12)")
    parser.add_argument("--more", type=int, default=6, help="of each round after (6)")
    parser.add_argument("--rounds", type=int, default=6, help="of messages (6)")
    parser.add_argument(
        "--out", default="runs/clustering", help="where results are kept"
    )
    return parser.parse_args()


def images(path, rows):
    """The first so many of training and test images, (n, 28, 28), and their labels."""
    parts = [data.load(f"mnist:{path}", split=split) for split in ("train", "test")]
    x = np.concatenate([part.x for part in parts])[:rows]
    return x, np.concatenate([part.labels for part in parts])[:rows]


def result(name, seed, x, labels, given):
    """part of the recipe -> its scores and seconds, of one seed."""
    settings = f"{len(x)}-{given.epochs}-{given.more}-{given.rounds}"
    path = Path(given.out) / f"{name}-{settings}-{seed}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        scores = RECIPES[name](x, labels, seed, given)
        write_whole(path, lambda part: save_json(part, scores))
    return json.loads(path.read_text())


def show(name, scores):
    """One line."""
    names = ("accuracy", "ari", "nmi", "seconds")
    columns = {k: np.array([each[k] for each in scores]) for k in names}
    sd = columns["accuracy"].std(ddof=1) if len(scores) > 1 else np.nan
    accuracy, ari, nmi, seconds = (columns[k].mean() for k in names)
    print(
        f"{name:10}{accuracy:10.3f}{sd:7.3f}{ari:7.3f}{nmi:7.3f}{seconds:9.0f}",
        flush=True,
    )


def pixels(x, labels, seed, given):
    started = time.perf_counter()
    classes = KMeans(10, n_init=5, random_state=seed).fit_predict(x.reshape(len(x), -1))
    seconds = time.perf_counter() - started
    return {"pixels": clustering_scores(labels, classes) | {"seconds": seconds}}


def loop(x, labels, seed, given):
    """Round 1 is the VAE and a mixture of its latents; the last one the loop."""
    return messages(networks.MLP(), ("vae", "loop"), x, labels, seed, given)


def shaken(x, labels, seed, given):
    network = networks.FromFunctions(shaken_encoder, mirrored_decoder)
    return messages(network, ("vae shaken", "shaken"), x, labels, seed, given)


def messages(network, names, x, labels, seed, given):
    keras.utils.set_random_seed(seed)
    model = bernoulli.build(x.shape[1:], 10, WIDTHS, network=network, seed=seed)
    obs = srk.Observation(x)
    vae = srk.VAE(
        model=serket.listen(model), itr=given.epochs, batch_size=250, seed=seed
    )
    gmm = srk.GMM(10, seed=seed)
    vae.connect(obs)
    gmm.connect(vae)
    rounds = srk.MessageLoop([obs, vae, gmm])
    scores = {}
    started = time.perf_counter()
    for name, epochs, n in zip(
        names, (given.epochs, given.more), (1, given.rounds - 1), strict=True
    ):
        vae.itr = epochs
        rounds.run(n, verbose=False)
        seconds = time.perf_counter() - started
        scores[name] = clustering_scores(labels, gmm.classes) | {"seconds": seconds}
    return scores


def shaken_encoder(x, latent_dim):
    h = layers.Flatten()(Shake()(x))
    for width in WIDTHS:
        h = layers.Dense(width, activation="relu")(h)
    return layers.Dense(latent_dim)(h), layers.Dense(latent_dim)(h)


def mirrored_decoder(z):
    h = z
    for width in reversed(WIDTHS):
        h = layers.Dense(width, activation="relu")(h)
    return layers.Dense(784)(h)


RECIPES = {"pixels": pixels, "loop": loop, "shaken": shaken}


if __name__ == "__main__":
    main()
