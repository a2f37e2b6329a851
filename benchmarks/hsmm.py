"""Series cut into repeated pieces: a hidden semi-Markov model and hidden Markov models.

    python benchmarks/hsmm.py PATH/gp_hsmm_series.npz

Three sets of series. `1d` of the file: five of 140 steps. The file has no labels, but
each series is twenty pieces of seven steps, of three kinds exactly, which are taken as
the labels. `generated`: smooth movements in the plane of four kinds, 8 to 18 steps,
with noise. `2d` of the file: five recorded movements, of which nobody knows the labels;
here each seed holds one series out.

The table has medians and quartiles over the seeds: of the accuracy under the best
matching of classes and labels (the normalised Hamming distance is 1 minus it), of F1 of
the cuts, where a cut is found if it is at most one step away, and for `2d` of log p of
the series held out, nats per step. A hidden Markov model of windows reads each step
with the three steps before and after it; its density is not that of the steps.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import serket_bridge as srk  # noqa: E402
from serket_bridge.scores import matching_accuracy  # noqa: E402

SETS = ("1d", "generated", "2d")
WINDOW = np.arange(-3, 4)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", help="an .npz with series1d_0 .. 4 and series2d_0 .. 4")
    parser.add_argument("--seeds", type=int, default=10, help="seeds (default: 10)")
    parser.add_argument(
        "--sets", nargs="+", default=SETS, choices=SETS, help="of series"
    )
    given = parser.parse_args()
    with np.load(given.data) as arrays:
        line = [np.reshape(arrays[f"series1d_{i}"], (-1, 1)) for i in range(5)]
        plane = [arrays[f"series2d_{i}"] for i in range(5)]
    print(f"{'series':12}{'model':28}{'score':12}{'25%':>8}{'median':>8}{'75%':>8}")
    if "1d" in given.sets:
        compare("1d", lambda seed: in_sevens(line), given.seeds)
    if "generated" in given.sets:
        compare("generated", generate, given.seeds)
    if "2d" in given.sets:
        compare_held_out(plane, given.seeds)


def compare(name, make, n_seeds):
    for model, fit in (("HSMM", hsmm), ("HMM", hmm), ("HMM of windows", windows)):
        scores = [score(fit, *make(seed), seed) for seed in range(n_seeds)]
        for metric in scores[0]:
            report(name, model, metric, [row[metric] for row in scores])


def compare_held_out(series, n_seeds):
    for model, fit, n_classes in (("HSMM", hsmm, 5), ("HMM", hmm, 5), ("HMM", hmm, 40)):
        values = [held_out(fit, series, n_classes, seed) for seed in range(n_seeds)]
        report("2d", f"{model}, {n_classes} classes", "log p", values)


def report(name, model, metric, values):
    quartiles = np.quantile(values, (0.25, 0.5, 0.75))
    columns = "".join(f"{value:8.2f}" for value in quartiles)
    print(f"{name:12}{model:28}{metric:12}{columns}", flush=True)


# --- Series ---------------------------------------------------------------------------


def in_sevens(series):
    """(series, labels) of series that are pieces of seven steps."""
    shapes = np.unique(np.concatenate(series).reshape(-1, 7), axis=0)
    assert len(shapes) == 3, "each series must be pieces of three kinds"
    kinds = [(x.reshape(-1, 1, 7) == shapes).all(axis=2).argmax(axis=1) for x in series]
    pieces = [[(k, 7) for k in each] for each in kinds]
    return series, pieces, 3


def generate(seed, n_sequences=6, n_pieces=15, n_kinds=4, noise=0.2):
    """(series, [(kind, steps) of each piece] of each, number of kinds)."""
    rng = np.random.default_rng(seed)
    harmonics = np.arange(1, 5)
    weights = rng.normal(size=(n_kinds, 4, 2)) / harmonics[:, None]
    series, pieces = [], []
    for _ in range(n_sequences):
        kinds = rng.integers(n_kinds, size=n_pieces)
        steps = rng.integers(8, 19, size=n_pieces)
        pieces.append([*zip(kinds, steps, strict=True)])
        u = [(np.arange(d) + 0.5) / d for d in steps]
        waves = [np.sin(np.pi * np.outer(each, harmonics)) for each in u]
        x = np.concatenate([w @ weights[k] for w, k in zip(waves, kinds, strict=True)])
        series.append(x + noise * rng.normal(size=x.shape))
    return series, pieces, n_kinds


# --- Models ---------------------------------------------------------------------------


def hsmm(series, n_classes, seed):
    """A loop whose first module is the data, after one round."""
    module = srk.HSMM(n_classes, lengths=[*map(len, series)], seed=seed)
    obs = srk.Observation(np.concatenate(series))
    module.connect(obs)
    return run([obs, module], 1)


def hmm(series, n_classes, seed):
    obs, gmm = srk.Observation(np.concatenate(series)), srk.GMM(n_classes, seed=seed)
    chain = srk.Markov(lengths=[*map(len, series)], seed=seed)
    gmm.connect(obs)
    chain.connect(gmm)
    return run([obs, gmm, chain], 10)


def windows(series, n_classes, seed):
    return hmm([*map(in_windows, series)], n_classes, seed)


def in_windows(x):
    """Each step with its neighbours; the ends are repeated."""
    rows = np.clip(np.arange(len(x))[:, None] + WINDOW, 0, len(x) - 1)
    return x[rows].reshape(len(x), -1)


def run(modules, rounds):
    loop = srk.MessageLoop(modules)
    loop.run(rounds, verbose=False)
    return loop


# --- Scores ---------------------------------------------------------------------------


def score(fit, series, pieces, n_classes, seed):
    loop, pieces = fit(series, n_classes, seed), np.concatenate(pieces)
    labels, last = np.repeat(pieces[:, 0], pieces[:, 1]), np.cumsum(pieces[:, 1])
    accuracy = matching_accuracy(labels, loop.classes)
    return {"accuracy": accuracy, "F1 of cuts": f1(last[:-1], cuts(loop, series))}


def cuts(loop, series):
    """The first rows of all pieces but the first: of runs of a class in an HMM."""
    if "hsmm" in [module.name for module in loop.modules]:
        return loop["hsmm"].segments[1:, 0]
    changes = 1 + np.flatnonzero(np.diff(loop.classes))
    return np.union1d(changes, np.cumsum([*map(len, series)])[:-1])


def f1(true, found):
    """Of cuts that are at most one step from one of the other."""
    is_near = np.abs(true[:, None] - found) <= 1
    recall, precision = is_near.any(axis=1).mean(), is_near.any(axis=0).mean()
    return 2 * recall * precision / (recall + precision)


def held_out(fit, series, n_classes, seed):
    """log p of the series that the seed holds out, nats per step."""
    index = seed % len(series)
    loop = fit([*series[:index], *series[index + 1 :]], n_classes, seed)
    for module in loop.modules:
        if hasattr(module, "lengths"):
            module.lengths = None
    recognized = loop.recognize(series[index])
    return sum(module.evidence() for module in recognized.modules)


if __name__ == "__main__":
    main()
