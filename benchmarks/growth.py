"""How time and memory of a round of messages grow with rows, dimensions and classes.

    python benchmarks/growth.py [--axes rows latent classes] [--out growth.png]

A round is an epoch of the VAE (64-128-latent, batches of 500), encoding and decoding,
ten iterations of EM from one start, the backward message, and the lower bound of the
whole model. Each size runs in its own process: one round to compile, then `--rounds`
timed ones. Memory is the peak of the process minus its size before the data are made.
The exponent b of size^b is fitted to the upper half of the sizes of an axis, by least
squares of the logarithms.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

AXES = {
    "rows": [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000],
    "latent": [2, 8, 32, 64, 128, 256, 512],
    "classes": [2, 8, 32, 64, 128, 256, 500],
}
START = {"rows": 20_000, "latent": 16, "classes": 10}
PARTS = ("vae", "gmm", "round")
MB = 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES))
    parser.add_argument(
        "--rounds", type=int, default=3, help="timed rounds (default: 3)"
    )
    parser.add_argument("--most", type=int, help="largest size (default: all)")
    parser.add_argument(
        "--out", default="growth.png", help="plot (default: growth.png)"
    )
    parser.add_argument("--size", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.size:
        print(json.dumps(measure(**given.size, rounds=given.rounds)))
        return
    tables = {axis: table(axis, given) for axis in given.axes}
    plot(tables, given.out)
    print(f"the plot: {given.out}")


def table(axis, given):
    """size -> name -> value, printed as soon as it is known."""
    others = ", ".join(
        f"{value} {name}" for name, value in START.items() if name != axis
    )
    print(f"\n{axis}, with {others}: medians of {given.rounds} rounds")
    print(
        f"{axis:>10}" + "".join(f"{name + ' s':>10}" for name in PARTS) + f"{'MB':>8}"
    )
    found = {}
    for size in AXES[axis]:
        if given.most is None or size <= given.most:
            found[size] = in_a_process(START | {axis: size}, given.rounds)
            row = "".join(f"{found[size][name]:10.3f}" for name in PARTS)
            print(f"{size:10}{row}{found[size]['memory']:8.0f}", flush=True)
    row = "".join(f"{exponent(found, name):10.2f}" for name in PARTS)
    print(f"{'exponent':>10}{row}{exponent(found, 'memory'):8.2f}", flush=True)
    return found


def exponent(found, name):
    """b of value = a size^b, fitted to the upper half of the sizes."""
    sizes = list(found)[len(found) // 2 :]
    if len(sizes) < 2:
        return np.nan
    values = [found[size][name] for size in sizes]
    return np.polyfit(np.log(sizes), np.log(values), 1)[0]


def in_a_process(size, rounds):
    command = [sys.executable, __file__, "--size", json.dumps(size)]
    done = subprocess.run(
        [*command, "--rounds", str(rounds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure(rows, latent, classes, rounds):
    """Seconds of a round and of its parts, and MB, for one size, in this process."""
    import serket_bridge as srk
    from models import serket
    from serket_bridge.inference.em import EM

    before = peak()
    x = groups(rows, classes)
    vae = srk.VAE(
        model=serket.build((64,), latent, (128,), seed=0), itr=1, batch_size=500, seed=0
    )
    ten = EM(n_init=1, max_iter=10, tol=0.0)
    obs, gmm = srk.Observation(x), srk.GMM(classes, inference=ten, seed=0)
    vae.connect(obs)
    gmm.connect(vae)
    loop = srk.MessageLoop([obs, vae, gmm])
    for _ in range(1 + rounds):
        loop.run(1, verbose=False)
    seconds = {"vae": "vae.seconds", "gmm": "gmm.seconds", "round": "seconds"}
    found = {
        name: float(np.median([row[key] for row in loop.rows[1:]]))
        for name, key in seconds.items()
    }
    return found | {"memory": (peak() - before) / MB}


def groups(rows, classes):
    """Points around centres of [0, 1]^64, float32."""
    rng = np.random.default_rng(0)
    centres = rng.random((classes, 64), np.float32)
    x = rng.standard_normal((rows, 64), np.float32) * np.float32(0.1)
    return np.clip(x + centres[rng.integers(classes, size=rows)], 0, 1)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def plot(tables, path):
    """Time above, memory below, one column per axis, logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(tables), 6.5), layout="constrained")
    panels = figure.subplots(2, len(tables), squeeze=False, sharex="col")
    for (above, below), (axis, found) in zip(panels.T, tables.items(), strict=True):
        for ax, names in ((above, PARTS), (below, ("memory",))):
            for name in names:
                label = f"{name}, ~{axis}^{exponent(found, name):.2f}"
                values = [each[name] for each in found.values()]
                ax.loglog(list(found), values, marker="o", label=label)
            ax.grid(alpha=0.3)
            ax.legend()
        above.set_ylabel("seconds of a round")
        below.set_ylabel("MB beside the libraries")
        below.set_xlabel(axis)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
