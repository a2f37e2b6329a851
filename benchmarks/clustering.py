"""Clustering MNIST without labels: k-means, a VAE with a mixture, the message loop.

    python benchmarks/clustering.py --mnist PATH/mnist.npz [--first-seed 0] [--seeds 10]

Uses all 70000 images, training and test together, as DEC and VaDE do. The accuracy is
that of the best one-to-one matching of ten classes and ten labels; the labels are used
for nothing else. Each row of the table adds one thing to a row above it:

    pixels           k-means on the pixels
    vae              a Gaussian mixture of the latents of a VAE (round 1 of the loop)
    loop             further rounds, in which the mixture's message is the VAE's prior
    vae augmented    as `vae`, but the encoder sees each image shifted, rotated and
                     scaled at random at every step, and the decoder reconstructs the
                     original (as DEC-DA, Guo et al. 2018)
    augmented        further rounds with that VAE: the message is the same for all views
                     of an image, which keeps them in one class

A result that is in --out already is not computed again.
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
from models import bernoulli, data, networks, serket  # noqa: E402
from models.atomic_files import write_atomically  # noqa: E402
from models.evaluation.metrics import clustering_scores  # noqa: E402
from models.networks.augmentation import RandomAffine  # noqa: E402
from models.runs.run_folder import save_json  # noqa: E402

WIDTHS = (256, 256)


def main():
    args = parse()
    x, labels = images(args.mnist, args.rows)
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    print(f"{len(x)} images, seeds {seeds[0]} to {seeds[-1]}: mean and sd over seeds")
    print(f"{'':15}{'accuracy':>10}{'sd':>7}{'ARI':>7}{'NMI':>7}{'seconds':>9}")
    for name in args.names or RECIPES:
        results = [result(name, seed, x, labels, args) for seed in seeds]
        for row in results[0]:
            print_row(row, [scores[row] for scores in results])


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_names(parser, RECIPES)
    add = parser.add_argument
    add("--mnist", required=True, help="a downloaded mnist.npz")
    add("--rows", type=int, default=70_000, help="number of images (default: 70000)")
    add("--seeds", type=int, default=10, help="number of seeds (default: 10)")
    add("--first-seed", type=int, default=0, metavar="N", help="(default: 0)")
    add("--epochs", type=int, default=12, help="epochs of round 1 (default: 12)")
    add("--later-epochs", type=int, default=6, help="of each later round (default: 6)")
    add("--rounds", type=int, default=6, help="number of rounds (default: 6)")
    add("--out", default="runs/clustering", help="folder that keeps the results")
    return parser.parse_args()


def images(path, rows):
    """The first `rows` of the training and test images, (n, 28, 28), and labels."""
    parts = [data.load(f"mnist:{path}", split=split) for split in ("train", "test")]
    x = np.concatenate([part.x for part in parts])[:rows]
    return x, np.concatenate([part.labels for part in parts])[:rows]


def result(name, seed, x, labels, args):
    """Scores and seconds of each row of a recipe, for one seed: a dict of dicts."""
    settings = f"{len(x)}-{args.epochs}-{args.later_epochs}-{args.rounds}"
    path = Path(args.out) / f"{name}-{settings}-{seed}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        scores = RECIPES[name](x, labels, seed, args)
        write_atomically(path, lambda part: save_json(part, scores))
    return json.loads(path.read_text())


def print_row(name, results):
    """Prints the means over the results of all seeds."""
    names = ("accuracy", "ari", "nmi", "seconds")
    columns = {k: np.array([scores[k] for scores in results]) for k in names}
    sd = columns["accuracy"].std(ddof=1) if len(results) > 1 else np.nan
    accuracy, ari, nmi, seconds = (columns[k].mean() for k in names)
    print(
        f"{name:15}{accuracy:10.3f}{sd:7.3f}{ari:7.3f}{nmi:7.3f}{seconds:9.0f}",
        flush=True,
    )


def pixels(x, labels, seed, args):
    """k-means on the pixels."""
    started = time.perf_counter()
    classes = KMeans(10, n_init=5, random_state=seed).fit_predict(x.reshape(len(x), -1))
    seconds = time.perf_counter() - started
    return {"pixels": clustering_scores(labels, classes) | {"seconds": seconds}}


def loop(x, labels, seed, args):
    """The VAE and the mixture: after round 1, and after the last round."""
    return run_loop(networks.MLP(), ("vae", "loop"), x, labels, seed, args)


def augmented(x, labels, seed, args):
    """The same, with an augmented encoder."""
    network = networks.FromFunctions(augmented_encoder, mirrored_decoder)
    return run_loop(network, ("vae augmented", "augmented"), x, labels, seed, args)


def run_loop(network, names, x, labels, seed, args):
    """Scores after round 1 and after the last round, under these names."""
    keras.utils.set_random_seed(seed)
    model = bernoulli.build(x.shape[1:], 10, WIDTHS, network=network, seed=seed)
    obs = srk.Observation(x)
    vae = srk.VAE(
        model=serket.with_prior_message(model),
        itr=args.epochs,
        batch_size=250,
        seed=seed,
    )
    gmm = srk.GMM(10, seed=seed)
    vae.connect(obs)
    gmm.connect(vae)
    message_loop = srk.MessageLoop([obs, vae, gmm])
    scores = {}
    started = time.perf_counter()
    for name, epochs, n in zip(
        names, (args.epochs, args.later_epochs), (1, args.rounds - 1), strict=True
    ):
        vae.itr = epochs
        message_loop.run(n, verbose=False)
        seconds = time.perf_counter() - started
        scores[name] = clustering_scores(labels, gmm.classes) | {"seconds": seconds}
    return scores


def augmented_encoder(x, latent_dim):
    h = layers.Flatten()(RandomAffine()(x))
    for width in WIDTHS:
        h = layers.Dense(width, activation="relu")(h)
    return layers.Dense(latent_dim)(h), layers.Dense(latent_dim)(h)


def mirrored_decoder(z):
    h = z
    for width in reversed(WIDTHS):
        h = layers.Dense(width, activation="relu")(h)
    return layers.Dense(784)(h)


RECIPES = {"pixels": pixels, "loop": loop, "augmented": augmented}


if __name__ == "__main__":
    main()
