"""Time and memory of EM for a Gaussian mixture: in chunks, and scikit-learn's.

    python benchmarks/em.py

Both fit the same rows from the same start, alternately, each in its own process that
maps the rows from a file. The time of an iteration is that of a fit, minus that of a
fit with one iteration, divided by the number of iterations in between, so that setup is
not counted. Memory is the peak of the process minus its size before the fit, including
the pages of the file in memory. scikit-learn's matrix products use one thread, which is
faster on a busy machine; `--threads` changes that.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

NAMES = ("chunks", "scikit-learn")
MB = 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--data", type=int, default=1_000_000, help="rows (default: 10^6)"
    )
    parser.add_argument("--dim", type=int, default=16, help="(default: 16)")
    parser.add_argument("--classes", type=int, default=20, help="(default: 20)")
    parser.add_argument("--iterations", type=int, default=3, help="(default: 3)")
    parser.add_argument("--turns", type=int, default=3, help="fits (default: 3)")
    parser.add_argument("--threads", type=int, default=1, help="(default: 1)")
    parser.add_argument("--fit", choices=NAMES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.fit:
        print(json.dumps(measure(given)))
        return
    with tempfile.TemporaryDirectory() as home:
        given.file = Path(home) / "z.npy"
        make(given)
        compare(given)


def make(given):
    """Rows of `classes` overlapping Gaussians, float64."""
    rng = np.random.default_rng(0)
    centres = 1.5 * rng.standard_normal((given.classes, given.dim))
    shape = (given.data, given.dim)
    z = np.lib.format.open_memmap(given.file, "w+", np.float64, shape)
    for first in range(0, given.data, 100_000):
        part = z[first : first + 100_000]
        labels = rng.integers(given.classes, size=len(part))
        part[:] = centres[labels] + rng.standard_normal(part.shape)


def compare(given):
    print(f"{given.data} x {given.dim}, {given.classes} classes, float64")
    print(f"{'':14}{'turn':>6}{'s/iteration':>13}{'MB':>8}{'bound':>14}", flush=True)
    results = {name: [] for name in NAMES}
    for turn in range(1, given.turns + 1):
        for name in NAMES:
            values = in_a_process(given, name)
            results[name].append(values)
            seconds, memory, bound = values
            row = f"{turn:6}{seconds:13.3f}{memory:8.0f}{bound:14.8f}"
            print(f"{name:14}{row}", flush=True)
    ours, theirs = (np.median(results[name], axis=0) for name in NAMES)
    print(
        f"medians: {ours[0]:.3f} s and {theirs[0]:.3f} s an iteration, "
        f"{theirs[0] / ours[0]:.1f} times; {ours[1]:.0f} MB and {theirs[1]:.0f} MB"
    )


def in_a_process(given, name):
    command = [sys.executable, __file__, "--fit", name, "--file", given.file]
    for option in ("data", "dim", "classes", "iterations", "threads"):
        command += [f"--{option}", str(getattr(given, option))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(given):
    """(seconds per iteration, MB, the bound) of one of the two, in this process."""
    fit = {"chunks": in_chunks, "scikit-learn": scikit_learn}[given.fit]
    z = np.load(given.file, mmap_mode="r")
    start = (np.full(given.classes, 1 / given.classes), np.array(z[: given.classes]))
    start += (np.stack([np.eye(given.dim)] * given.classes),)
    fit(z[:1000], start, 1)  # imports
    before, seconds = resident(), []
    for iterations in (1, 1 + given.iterations):
        began = time.perf_counter()
        with threadpool_limits(given.threads):
            bound = fit(z, start, iterations)
        seconds.append(time.perf_counter() - began)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    return (seconds[1] - seconds[0]) / given.iterations, memory / MB, bound


def resident():
    """Bytes of memory this process uses now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def in_chunks(z, start, iterations):
    from serket_bridge.inference.chunked_em import fit_em
    from serket_bridge.inference.gaussian_mixture import GaussianMixture

    uniform = np.broadcast_to(0.0, (len(z), len(start[0])))
    start = GaussianMixture(*start)
    return fit_em(z, uniform, start, iterations, 0.0, 1e-6)[1]


def scikit_learn(z, start, iterations):
    from sklearn.mixture import GaussianMixture

    names = ("weights_init", "means_init", "precisions_init")
    settings = dict(zip(names, start, strict=True)) | {"max_iter": iterations}
    settings |= {"tol": 0.0, "init_params": "random_from_data"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return GaussianMixture(len(start[0]), **settings).fit(z).lower_bound_


if __name__ == "__main__":
    main()
