"""Kills a run of the message loop at random moments, resumes it, compares the results.

    python benchmarks/kill_resume.py

The reference is an uninterrupted run of five rounds on scikit-learn's digits. Then,
`--kills` times: a new run, kill -9 at a random moment, and the same command again until
it ends. Its classes, weights and rows must be bit-identical to those of the reference.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
ROUNDS = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="(default: 20)")
    parser.add_argument("--epochs", type=int, default=30, help="(default: 30)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the moments (default: 0)"
    )
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        return train(given.run, given.epochs)
    with tempfile.TemporaryDirectory() as home:
        return compare(given, Path(home))


def train(folder, epochs):
    """The run, as a user writes it; it resumes from what is in the folder."""
    import serket_bridge as srk
    from models import data

    digits = data.load("digits")
    obs, vae = (
        srk.Observation(digits.x),
        srk.VAE(10, itr=epochs, batch_size=128, seed=1),
    )
    gmm = srk.GMM(10, n_init=10, seed=2)
    vae.connect(obs)
    gmm.connect(vae)
    loop = srk.MessageLoop([obs, vae, gmm])
    loop.run(ROUNDS, digits.labels, verbose=False, folder=folder)


def compare(given, home):
    """Runs and kills; returns the exit code."""
    from models import data
    from serket_bridge import load

    started = time.perf_counter()
    start(given, home / "whole").wait()
    seconds = time.perf_counter() - started
    print(f"never killed: {seconds:.1f} s")
    x = data.load("digits").x
    whole = state(load(home / "whole", x))
    same = 0
    for i, moment in enumerate(
        np.random.default_rng(given.seed).uniform(0, seconds, given.kills)
    ):
        folder = home / f"killed-{i}"
        process = start(given, folder)
        time.sleep(moment)
        process.kill()
        process.wait()
        rounds = rounds_in(folder)
        code = start(given, folder).wait()
        is_same = code == 0 and equal(whole, state(load(folder, x)))
        same += is_same
        word = "the same" if is_same else "ANOTHER"
        print(f"killed at {moment:5.1f} s, {rounds} rounds whole: {word}", flush=True)
    print(f"{same} of {given.kills} ended as the run that was never killed")
    return 0 if same == given.kills else 1


def start(given, folder):
    command = [sys.executable, __file__, "--run", folder, "--epochs", str(given.epochs)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def rounds_in(folder):
    """The number of complete rounds saved there."""
    path = folder / "loop.json"
    return len(json.loads(path.read_text())["rows"]) if path.exists() else 0


def state(loop):
    """The results to compare: rows without seconds, classes, weights, latents."""
    rows = [{k: v for k, v in r.items() if "seconds" not in k} for r in loop.rows]
    weights = [np.array(weight) for weight in loop["vae"].model.weights]
    return rows, [loop.classes, loop["vae"].forward.mean, *weights]


def equal(one, other):
    arrays = zip(one[1], other[1], strict=True)
    return one[0] == other[0] and all(np.array_equal(a, b) for a, b in arrays)


if __name__ == "__main__":
    sys.exit(main())
