"""Clustering images without labels: what each part of the message loop adds.

    python benchmarks/clustering.py --mnist PATH/mnist.npz [SETS] [--parts PARTS]

    digits      the 1797 digits of 8 x 8
    subsets     ten random subsets of 3000 of MNIST's images, `default_rng(100 .. 109)`;
                a subset has the seed of its place
    serket      Serket's tutorial images, with --serket PATH/serket_digits.npz
    mnist       all 70000, training and test together, as DEC and VaDE use them

Every part is a run of `python -m models.train` with its options. The accuracy is that
of the best one-to-one matching of classes and labels, which serve nothing else. The
last lines say how well the agreement of the classes with those of the other seeds, a
sign without labels, and the bounds of the model rank the seeds. A result that is in
--out already is not computed again.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.names import add_names  # noqa: E402
from models import data, train  # noqa: E402
from models.atomic_files import write_atomically  # noqa: E402
from models.cli import options  # noqa: E402
from models.cli.prepare_run import load_data  # noqa: E402
from models.cli.resolve import resolve  # noqa: E402
from models.evaluation.metrics import clustering_scores, mean_agreement  # noqa: E402
from models.runs.run_folder import save_json  # noqa: E402
from models.suppress_output import suppress_backend_output  # noqa: E402
from serket_bridge.inference.neighbor_graph import (  # noqa: E402
    graph_classes,
    neighbor_graph,
)
from serket_bridge.table import format_table  # noqa: E402

K, SUBSETS, SUBSET_ROWS = 10, range(100, 110), 3000
MNIST = "--likelihood bernoulli --hidden-dims 512 512 --batch-size 250 --epochs 10"
SETS = {"digits": [], "subsets": [], "serket": []}
SETS |= {"mnist": [*MNIST.split(), "--rounds", "10"]}
EM = ["--gmm-inference", "em"]


def main():
    args = parse()
    for name in args.names or SETS:
        print(f"{name}\n{'':16}{'median':>8}{'quartiles':>15}{'lowest':>8}", end="")
        print(f"{'mean':>8}{'sd':>7}{'seconds':>9}")
        for part in args.parts:
            runs = [result(name, part, seed, args) for seed in seeds(args)]
            for row in runs[0]:
                print_row(row, [run[row] for run in runs])
        if "loop" in args.parts and name != "subsets" and len(runs) > 4:
            print_signs([result(name, "loop", s, args)["loop"] for s in seeds(args)])


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_names(parser, SETS)
    add = parser.add_argument
    add("--mnist", required=True, help="a downloaded mnist.npz")
    add("--serket", help="Serket's serket_digits.npz")
    add("--parts", nargs="+", default=[*PARTS], choices=PARTS, metavar="PART")
    add("--seeds", type=int, default=10, help="number of seeds (default: 10)")
    add("--first-seed", type=int, default=0, metavar="N", help="(default: 0)")
    add("--out", default="runs/clustering", help="folder that keeps the results")
    return parser.parse_args()


def seeds(args):
    return range(args.first_seed, args.first_seed + args.seeds)


def print_row(row, results):
    accuracy = np.array([each["accuracy"] for each in results])
    seconds = np.median([each["seconds"] for each in results])
    low, median, high = np.quantile(accuracy, (0.25, 0.5, 0.75))
    sd = accuracy.std(ddof=1) if len(results) > 1 else np.nan
    print(
        f"{row:16}{median:8.3f}{f'[{low:.3f}, {high:.3f}]':>15}{accuracy.min():8.3f}"
        f"{accuracy.mean():8.3f}{sd:7.3f}{seconds:9.0f}",
        flush=True,
    )


def print_signs(results):
    """How the signs without labels rank the runs of one set."""
    accuracy = np.array([each["accuracy"] for each in results])
    signs = {key: [each[key] for each in results] for key in ("elbo", "bound")}
    classes = [np.array(each["classes"]) for each in results]
    signs = {"agreement": mean_agreement(classes)} | signs
    third = len(results) // 3
    for name, sign in signs.items():
        best = accuracy[np.argsort(sign)[-third:]]
        correlation = spearmanr(sign, accuracy).statistic
        print(
            f"by {name:12} rank correlation {correlation:5.2f}, best {third}: median "
            f"{np.median(best):.3f} of all {np.median(accuracy):.3f}"
        )


# --- The data -------------------------------------------------------------------------


def source(name, seed, args):
    """What --data names: the digits, or a file of images and labels in --out."""
    if name == "digits":
        return name
    number = f"-{SUBSETS[seed % len(SUBSETS)]}" if name == "subsets" else ""
    path = Path(args.out) / f"{name}{number}.npz"
    if not path.exists():
        x, y = images(name, seed, args)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda part: save_images(part, x, y))
    return str(path)


def save_images(path, x, y):
    with open(path, "wb") as file:
        np.savez_compressed(file, x=x, y=y)


def images(name, seed, args):
    """Images, (n, 28, 28) of 0 to 255, and labels."""
    if name == "serket":
        stored = np.load(args.serket)
        return stored["image"].reshape(-1, 28, 28), stored["label"]
    parts = [data.load(f"mnist:{args.mnist}", split=s) for s in ("train", "test")]
    x = np.concatenate([np.round(255 * part.x).astype("uint8") for part in parts])
    y = np.concatenate([part.labels for part in parts])
    if name == "mnist":
        return x, y
    rng = np.random.default_rng(SUBSETS[seed % len(SUBSETS)])
    rows = rng.choice(len(x), SUBSET_ROWS, replace=False)
    return x[rows], y[rows]


# --- The parts ------------------------------------------------------------------------


def result(name, part, seed, args):
    """The scores of each row of a part, for one seed: a dict of dicts."""
    path = Path(args.out) / f"{name}-{part}-{seed}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        given = ["--variant", "serket", "--seed", str(seed), *SETS[name]]
        given += ["--data", source(name, seed, args)]
        scores = PARTS[part](given, seed)
        write_atomically(path, lambda temporary: save_json(temporary, scores))
    return json.loads(path.read_text(encoding="utf-8"))


def start(given, **changed):
    """The data and the message loop of a command."""
    given = options.parse(given) | changed
    dataset = load_data(given)
    with suppress_backend_output():
        dataset, config, model = resolve(given, dataset)
        return dataset, config, train.make_loop(config, dataset, model)


def run(given, first, last, **changed):
    """Scores after the first and after the last round, under these names."""
    dataset, config, loop = start(given, **changed)

    def note(loop):
        print(f"{format_table(loop.rows[-1:])}\n", file=sys.stderr, flush=True)

    loop.run(config["rounds"], dataset.labels, verbose=False, after_round=note)
    seconds = np.cumsum([row["seconds"] for row in loop.rows])
    scores = {}
    for row, i in ((first, 0), (last, -1)):
        shown = {k: loop.rows[i][k] for k in ("accuracy", "ari", "nmi", "elbo")}
        shown |= {"bound": loop.rows[i]["gmm.bound"], "seconds": seconds[i]}
        scores[row] = shown
    scores[last]["classes"] = loop.classes.tolist()
    return scores


def timed(labels, find):
    """The scores of the classes that a function finds."""
    started = time.perf_counter()
    classes = find()
    seconds = time.perf_counter() - started
    return clustering_scores(labels, classes) | {"seconds": seconds}


def pixels(given, seed):
    """k-means of the pixels, and the classes of their graph of neighbours."""
    dataset = load_data(options.parse(given))
    x, rng = dataset.x.reshape(len(dataset.x), -1), np.random.default_rng(seed)
    k_means = KMeans(K, n_init=5, random_state=seed)
    graph = timed(dataset.labels, lambda: graph_classes(neighbor_graph(x, 10), K, rng))
    means = timed(dataset.labels, lambda: k_means.fit_predict(x))
    return {"pixels, k-means": means, "pixels, graph": graph}


def em(given, seed):
    """EM of the latents, and rounds of messages."""
    return run([*given, *EM, "--no-augment"], "vae, EM", "  + messages")


def views(given, seed):
    """The same with images that are moved before they are encoded."""
    return run([*given, *EM, "--augment"], "views, EM", "  + messages ")


def loop(given, seed):
    """The defaults: moved images, the graph of the latents, and messages."""
    return run(given, "views, graph", "loop")


def control(given, seed):
    """As many epochs without a message; the classes of the graph, and of UMAP."""
    _, config, _ = start(given)
    epochs = config["rounds"] * config["epochs"]
    dataset, _, message_loop = start(given, rounds=1, epochs=epochs)
    message_loop.run(1, dataset.labels, verbose=False)
    row = message_loop.rows[0]
    kept = {k: row[k] for k in ("accuracy", "ari", "nmi", "seconds")}
    z = message_loop["vae"].posterior.mean
    mixed = timed(dataset.labels, lambda: umap_mixture(z, seed))
    mixed["seconds"] += row["seconds"]
    return {"no messages": kept, "no messages, UMAP": mixed}


def umap_mixture(z, seed):
    """Classes of a Gaussian mixture of the latents' UMAP, as McConville et al. 2020."""
    from umap import UMAP

    flat = UMAP(n_neighbors=10, n_components=K, min_dist=0, random_state=seed)
    mixture = GaussianMixture(K, n_init=5, random_state=seed)
    return mixture.fit_predict(flat.fit_transform(z))


PARTS = {"pixels": pixels, "em": em, "views": views, "loop": loop, "control": control}


if __name__ == "__main__":
    main()
