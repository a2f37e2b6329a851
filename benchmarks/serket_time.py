"""Wall time of the whole command on Serket's tutorial: imports, five rounds, pictures.

    python benchmarks/serket_time.py --data serket:PATH/mnist.npz

Further options are passed to `python -m models.train --variant serket`. Each run is its
own process; `vae` and `gmm` are the times of the two modules, summed over all rounds.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="runs (default: 5)")
    ours, rest = parser.parse_known_args()
    runs = np.array([run(rest, seed) for seed in range(ours.runs)])
    print(f"\n{'seconds':10}{'median':>8}{'min':>8}{'max':>8}")
    for name, values in zip(("command", "vae", "gmm"), runs.T, strict=True):
        row = (np.median(values), values.min(), values.max())
        print(f"{name:10}" + "".join(f"{value:8.1f}" for value in row))


def run(arguments, seed):
    """Seconds of one run: of the command, the VAE and the mixture."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "models.train", "--variant", "serket"]
        command += [*arguments, "--seed", str(seed), "--out", str(out)]
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        seconds = time.perf_counter() - started
        rows = list(csv.DictReader((out / "rounds.csv").open()))
    modules = [sum(float(r[f"{m}.seconds"]) for r in rows) for m in ("vae", "gmm")]
    print(f"seed {seed}: {seconds:.1f} s, vae {modules[0]:.1f}, gmm {modules[1]:.1f}")
    return seconds, *modules


if __name__ == "__main__":
    main()
