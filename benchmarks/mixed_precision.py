"""Does --mixed-precision change the ELBO?

    python benchmarks/mixed_precision.py [--mnist PATH/mnist.npz]

The same short training in float32 and with --mixed-precision, over several seeds: the
Bernoulli VAE on scikit-learn's digits, of which a fifth is held out, and, with --mnist,
on MNIST's 10000 test images. Prints the ELBO of the held-out data in nats per example,
the medians, and their difference in percent. (A Gaussian p(x|z) can have an ELBO near
0, for which a percentage means nothing.)
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from models import data  # noqa: E402
from models.cli import options  # noqa: E402
from models.cli.resolve import resolve  # noqa: E402

MOST = 0.5  # percent
PRECISIONS = {"float32": [], "mixed": ["--mixed-precision"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--mnist", metavar="PATH", help="a downloaded mnist.npz (default: digits only)")
    add("--seeds", type=int, default=3, help="(default: 3)")
    add("--digits-epochs", type=int, default=100, help="(default: 100)")
    add("--mnist-epochs", type=int, default=5, help="(default: 5)")
    given = parser.parse_args()
    print(f"{'data':8}{'seed':>8}" + "".join(f"{p:>12}" for p in PRECISIONS), end="")
    print(f"{'apart':>9}{'seconds':>12}")
    apart = [compare("digits", split_digits(), given.digits_epochs, given.seeds)]
    if given.mnist:
        both = [data.load(f"mnist:{given.mnist}", split=s) for s in ("train", "test")]
        apart.append(compare("mnist", both, given.mnist_epochs, given.seeds))
    return 0 if max(apart) < MOST else 1


def split_digits():
    return data.load("digits").split(0.2, seed=0)


def compare(name, both, epochs, seeds):
    """Prints a row per seed and the medians; returns their difference in percent."""
    elbos = np.empty((seeds, len(PRECISIONS)))
    for seed in range(seeds):
        spent = []
        for column, words in enumerate(PRECISIONS.values()):
            started = time.perf_counter()
            elbos[seed, column] = held_out_elbo(*both, epochs, seed, words)
            spent.append(f"{time.perf_counter() - started:.0f}")
        row(name, seed, elbos[seed], " ".join(spent))
    return row(name, "median", np.median(elbos, axis=0))


def row(name, seed, elbos, seconds=""):
    full, mixed = elbos
    apart = 100 * abs(mixed - full) / abs(full)
    cells = f"{full:12.3f}{mixed:12.3f}{apart:8.3f}%{seconds:>12}"
    print(f"{name:8}{seed!s:>8}{cells}", flush=True)
    return apart


def held_out_elbo(train, test, epochs, seed, words):
    """Trains as the command does with these options."""
    words = ["--variant=bernoulli", f"--epochs={epochs}", f"--seed={seed}", *words]
    train, config, model = resolve(options.parse(words), train)
    model.fit(train.x, batch_size=config["batch_size"], epochs=epochs, verbose=0)
    terms = model.evaluate(test.x, batch_size=1000, verbose=0, return_dict=True)
    return terms["log_likelihood"] - terms["kl"]


if __name__ == "__main__":
    sys.exit(main())
