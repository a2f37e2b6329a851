"""Accuracy of the message loop over seeds: after round 1, and after the last round.

    python benchmarks/serket_accuracy.py [--first-seed 0] [--seeds 10]
    python benchmarks/serket_accuracy.py --data serket        (or serket:PATH/mnist.npz)

Runs what `python -m models.train --variant serket` runs, once for each seed, with the
defaults of the data set or with any further option of that command. The labels are used
for evaluation only. Prints one row per seed, then medians and quartiles.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models import train  # noqa: E402
from models.cli import options  # noqa: E402
from models.cli.prepare_run import load_data  # noqa: E402
from models.cli.resolve import resolve  # noqa: E402
from models.suppress_output import suppress_backend_output  # noqa: E402


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], allow_abbrev=False
    )
    add = parser.add_argument
    add("--seeds", type=int, default=10, help="number of seeds (default: 10)")
    add("--first-seed", "--first", type=int, default=0, help="(default: 0)")
    ours, others = parser.parse_known_args()
    seeds = range(ours.first_seed, ours.first_seed + ours.seeds)
    rows = [run(others, seed) for seed in seeds]
    print(f"\nseeds {seeds[0]} to {seeds[-1]}")
    print(f"{'':12}{'median':>8}{'quartiles':>16}{'range':>16}")
    for name in ("first", "last", "gain", "vae_s", "gmm_s"):
        print_row(name, np.array([row[name] for row in rows]))


def run(arguments, seed):
    """Accuracies and the seconds of each module, of one run of the command's loop."""
    given = options.parse([*arguments, "--seed", str(seed)])
    dataset = load_data(given)
    started = time.perf_counter()
    with suppress_backend_output():
        dataset, config, model = resolve(given, dataset)
        loop = train.make_loop(config, dataset, model)
        rows = loop.run(config["rounds"], dataset.labels, verbose=False)
    accuracy = [row["accuracy"] for row in rows]
    row = {
        "first": accuracy[0],
        "last": accuracy[-1],
        "gain": accuracy[-1] - accuracy[0],
    }
    row |= {f"{m}_s": sum(r[f"{m}.seconds"] for r in rows) for m in ("vae", "gmm")}
    shown = " ".join(f"{a:.3f}" for a in accuracy)
    print(f"seed {seed}: {shown}   {time.perf_counter() - started:.0f} s", flush=True)
    return row


def print_row(name, values):
    """Prints median, quartiles and range over the seeds."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    quartiles, extent = (
        f"[{low:.3f}, {high:.3f}]",
        f"{values.min():.3f}-{values.max():.3f}",
    )
    print(f"{name:12}{middle:8.3f}{quartiles:>16}{extent:>16}")


if __name__ == "__main__":
    main()
