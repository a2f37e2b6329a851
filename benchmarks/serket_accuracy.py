"""Accuracy of the message loop over seeds: after round 1, and after the last.

    python benchmarks/serket_accuracy.py
    python benchmarks/serket_accuracy.py --data serket        (or serket:PATH/mnist.npz)

Runs what `python -m models.train --variant serket` runs, with the defaults of the data
set or with any further option of that command, once for each seed. Labels are for
scoring only. Prints one line a seed, then medians and quartiles.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models import (  # noqa: E402
    VARIANTS,
    data,  # noqa: E402
    train,
)
from models.cli import options  # noqa: E402
from models.cli.resolve import resolve  # noqa: E402
from models.suppress_output import quiet_backend  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--first", type=int, default=0, help="the first (default: 0)")
    ours, rest = parser.parse_known_args()
    seeds = range(ours.first, ours.first + ours.seeds)
    rows = [run(rest, seed) for seed in seeds]
    print(f"\n{'':12}{'median':>8}{'quartiles':>16}{'range':>16}")
    for name in ("first", "last", "gain", "vae_s", "gmm_s"):
        show(name, np.array([row[name] for row in rows]))


def run(arguments, seed):
    """One run of the command's loop: accuracies, and seconds by module."""
    given = options.make_parser(VARIANTS).parse_args([*arguments, "--seed", str(seed)])
    dataset = data.load(given.data, given.labels, given.image_size)
    config = resolve(given, dataset)
    started = time.perf_counter()
    with quiet_backend():
        loop = train.make_loop(config, dataset)
        rows = loop.run(config["rounds"], dataset.labels, verbose=False)
    accuracy = [row["accuracy"] for row in rows]
    row = {
        "first": accuracy[0],
        "last": accuracy[-1],
        "gain": accuracy[-1] - accuracy[0],
    }
    row |= {f"{m}_s": sum(r[f"seconds_{m}"] for r in rows) for m in ("vae", "gmm")}
    shown = " ".join(f"{a:.3f}" for a in accuracy)
    print(f"seed {seed}: {shown}   {time.perf_counter() - started:.0f} s", flush=True)
    return row


def show(name, values):
    low, middle, high = np.percentile(values, [25, 50, 75])
    quartiles, extent = (
        f"[{low:.3f}, {high:.3f}]",
        f"{values.min():.3f}-{values.max():.3f}",
    )
    print(f"{name:12}{middle:8.3f}{quartiles:>16}{extent:>16}")


if __name__ == "__main__":
    main()
