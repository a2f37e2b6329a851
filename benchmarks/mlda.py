"""Accuracy of Serket's mMLDA example over seeds, and the time of its rounds.

    python benchmarks/mlda.py PATH/serket_mmlda.npz [--inference variational]

Two MLDAs, of objects (vision, audio, tactile) and of motions (angle), below a third one
that connects them: the accuracy of both after round 1 and after the last round, with
median and quartiles over the seeds. The labels are used for evaluation only.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import serket_bridge as srk  # noqa: E402
from serket_bridge.inference.lda_gibbs import CollapsedGibbs  # noqa: E402
from serket_bridge.inference.lda_variational import VariationalLDA  # noqa: E402
from serket_bridge.scores import matching_accuracy  # noqa: E402

INFERENCES = {"gibbs": CollapsedGibbs, "variational": VariationalLDA}
SENSES = ("vision", "audio", "tactile", "angle")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("path", type=Path, help="serket_mmlda.npz")
    add("--inference", choices=INFERENCES, default="gibbs", help="(default: gibbs)")
    add("--seeds", type=int, default=10, help="number of seeds (default: 10)")
    add("--rounds", type=int, default=5, help="(default: 5)")
    add("--itr", type=int, default=50, help="sweeps in a round (default: 50)")
    args = parser.parse_args()
    with np.load(args.path) as file:
        data = dict(file)
    rows = [run(data, args, seed) for seed in range(args.seeds)]
    print(f"{'':16}{'median':>8}{'quartiles':>18}{'range':>16}")
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        low, middle, high = np.percentile(values, [25, 50, 75])
        extent = f"{values.min():.2f}-{values.max():.2f}"
        print(f"{name:16}{middle:8.3f}{f'[{low:.3f}, {high:.3f}]':>18}{extent:>16}")


def run(data, args, seed):
    """Accuracies after the first and the last round, and seconds, of one seed."""
    loop = make_loop(data, INFERENCES[args.inference], args.itr, seed)
    categories = {"object": "object_category", "motion": "motion_category"}
    row, started = {}, time.perf_counter()
    for number in range(args.rounds):
        loop.run(1, verbose=False)
        for name, category in categories.items():
            accuracy = matching_accuracy(data[category], loop[name].classes)
            if number == 0:
                row[f"{name} round 1"] = accuracy
            row[f"{name} last"] = accuracy
    row["seconds"] = time.perf_counter() - started
    shown = "  ".join(f"{name} {value:.2f}" for name, value in row.items())
    print(f"seed {seed}: {shown}", flush=True)
    return row


def make_loop(data, inference, itr, seed):
    """The example's three modules over four observations."""
    senses = [srk.Observation(data[name], name) for name in SENSES]
    settings = {"itr": itr, "inference": inference}
    lower = [
        srk.MLDA(10, [200, 200, 100], name="object", seed=seed, **settings),
        srk.MLDA(10, [200], name="motion", seed=seed + 100, **settings),
    ]
    top = srk.MLDA(10, [100, 100], name="top", seed=seed + 200, **settings)
    lower[0].connect(*senses[:3])
    lower[1].connect(senses[3])
    top.connect(*lower)
    return srk.MessageLoop([*senses, *lower, top])


if __name__ == "__main__":
    main()
