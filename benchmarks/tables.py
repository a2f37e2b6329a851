"""Classes of tables by defaults, beside scikit-learn's on the standardised table.

    python benchmarks/tables.py [--tables iris wine] [--seeds 10] [--first-seed 0]

For each table and seed: what `python -m models.train --data FILE --labels label` runs,
and k-means, a full-covariance mixture and spectral clustering. The made tables are
drawn anew from each seed. Accuracy is under the best one-to-one matching; the labels
score, and nothing else. Prints medians [quartiles], and the median of the last round
as a share of that of the best of the three.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas
from sklearn import datasets
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.mixture import GaussianMixture

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serket_accuracy import run  # noqa: E402
from models import data  # noqa: E402
from models.evaluation.metrics import clustering_scores  # noqa: E402

REAL = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
}
MADE = {
    "unequal": dict(sizes=(300, 180, 90, 30), dim=8, separation=1.15),
    "correlated": dict(sizes=(200, 200, 200), dim=10, separation=0.5, factors=3),
    "scales": dict(sizes=(150,) * 5, dim=12, separation=0.95, decades=3.0),
    "noise": dict(sizes=(150, 150, 150), dim=6, separation=1.3, n_noise=14),
}
PEERS = {
    "k-means": lambda k, seed: KMeans(k, random_state=seed),
    "mixture": lambda k, seed: GaussianMixture(k, random_state=seed),
    "spectral": lambda k, seed: SpectralClustering(
        k, affinity="nearest_neighbors", random_state=seed
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = [*REAL, *MADE]
    parser.add_argument("--tables", nargs="+", default=names, choices=names)
    parser.add_argument("--seeds", type=int, default=10, help="(default: 10)")
    parser.add_argument("--first-seed", type=int, default=0, help="(default: 0)")
    given, options = parser.parse_known_args()
    warnings.simplefilter("ignore", UserWarning)  # of graphs of several parts
    for name in given.tables:
        scores, started = {}, time.perf_counter()
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            with TemporaryDirectory() as folder:
                path = Path(folder) / f"{name}.csv"
                write_table(path, name, seed)
                found = score(path, seed, options)
            for method, accuracy in found.items():
                scores.setdefault(method, []).append(accuracy)
        print_scores(name, scores, (time.perf_counter() - started) / given.seeds)


def write_table(path, name, seed):
    """The table of this name as a CSV file, its labels in the column "label"."""
    if name in REAL:
        x, labels = REAL[name](return_X_y=True)
    else:
        place = list(MADE).index(name)
        x, labels = make_table(np.random.default_rng([seed, place]), **MADE[name])
    frame = pandas.DataFrame(x).add_prefix("x")
    frame.assign(label=labels).to_csv(path, index=False)


def make_table(
    rng, sizes, dim, separation, factors=0, noise=0.3, n_noise=0, decades=0.0
):
    """Rows of Gaussian classes, shuffled, and their labels.

    sizes: rows of each class; dim: columns with information; separation: the standard
    deviation of the means of the classes, in those of a class. factors: the columns of
    a class are correlated by that many factors, and have this noise; n_noise: further
    columns of N(0, 1); decades: columns are multiplied by 10^U(-decades, decades).
    """
    labels = np.repeat(np.arange(len(sizes)), sizes)
    means = separation * rng.standard_normal((len(sizes), dim))
    x, common = np.empty((len(labels), dim)), rng.standard_normal((factors, dim))
    for k, size in enumerate(sizes):
        if factors:
            loadings = common + 0.5 * rng.standard_normal((factors, dim))
            part = rng.standard_normal((size, factors)) @ loadings
            part += noise * rng.standard_normal((size, dim))
        else:
            part = rng.standard_normal((size, dim)) * rng.uniform(0.6, 1.4, dim)
        x[labels == k] = means[k] + part
    x = np.hstack([x, rng.standard_normal((len(x), n_noise))])
    x *= 10 ** rng.uniform(-decades, decades, x.shape[1])
    order = rng.permutation(len(x))
    return x[order], labels[order]


def score(path, seed, options):
    """The accuracy of each peer, and of the first and the last round."""
    table = data.load(path)
    x, n_classes = table.x.astype(np.float64), len(table.label_names)
    found = {}
    for name, make in PEERS.items():
        classes = make(n_classes, seed).fit_predict(x)
        found[name] = clustering_scores(table.labels, classes)["accuracy"]
    ours = run(["--data", str(path), *options], seed)
    return found | {"round 1": ours["first"], "last round": ours["last"]}


def print_scores(name, scores, seconds):
    """Medians and quartiles of a table, in a line for each method."""
    print(f"\n{name}, {len(scores['last round'])} seeds, {seconds:.0f} s each")
    for method, values in scores.items():
        low, median, high = np.percentile(values, (25, 50, 75))
        print(f"  {method:12}{median:.3f} [{low:.3f}, {high:.3f}]")
    best = max(np.median(scores[peer]) for peer in PEERS)
    share = np.median(scores["last round"]) / best
    print(f"  {'of the best':12}{share:.3f}", flush=True)


if __name__ == "__main__":
    main()
