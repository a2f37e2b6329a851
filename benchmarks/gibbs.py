"""Time of one round of Gibbs sampling: the first, and one that continues from it.

    python benchmarks/gibbs.py

The default size is that of the tutorial: 3000 x 18, ten classes. One thread, as in GMM.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from serket_bridge.inference.gibbs import Gibbs  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="runs (default: 5)")
    parser.add_argument("--data", type=int, default=3000, help="rows (default: 3000)")
    parser.add_argument("--dim", type=int, default=18, help="(default: 18)")
    parser.add_argument("--classes", type=int, default=10, help="(default: 10)")
    parser.add_argument("--sweeps", type=int, default=100, help="(default: 100)")
    args = parser.parse_args()
    with threadpool_limits(1):
        seconds = np.array([run(args, seed) for seed in range(args.runs)])
    print(f"{'seconds':10}{'median':>8}{'min':>8}{'max':>8}")
    for name, values in zip(("first", "continued"), seconds.T, strict=True):
        row = (np.median(values), values.min(), values.max())
        print(f"{name:10}" + "".join(f"{value:8.2f}" for value in row))


def run(args, seed):
    """Seconds of a first round and of the next."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((args.classes, args.dim))
    labels = rng.integers(args.classes, size=args.data)
    z = centres[labels] + rng.standard_normal((args.data, args.dim))
    log_prior, state, seconds = np.zeros((args.data, args.classes)), None, []
    for _ in range(2):
        started = time.perf_counter()
        fit = Gibbs(args.sweeps)(z, log_prior, args.classes, state, rng)
        seconds.append(time.perf_counter() - started)
        state = fit.state
    return seconds


if __name__ == "__main__":
    main()
