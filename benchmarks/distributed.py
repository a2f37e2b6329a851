"""The same training on one device, on two, and in two processes, one of them killed.

    python benchmarks/distributed.py

Runs the command of docs/large_data_and_many_devices.md with JAX: (a) one process with
one device; (b) one process with two devices, into which JAX splits the CPU; (c) two
processes with one device each, on 127.0.0.1. Their losses are printed side by side.
Then (d): as (c), but the second process is killed in the middle; both are started again
with --resume, and the result is compared with that of the uninterrupted run.
"""

import argparse
import csv
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
TOLERANCE = 1e-4  # of the loss; float32 itself holds seven digits
KILLED = -9


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--variant", default="iwae", help="any variant except serket (default: iwae)")
    add("--epochs", type=int, default=20, help="(default: 20)")
    add("--batch-size", type=int, default=128, help="(default: 128)")
    given = parser.parse_args()
    words = [f"--variant={given.variant}", f"--epochs={given.epochs}"]
    words.append(f"--batch-size={given.batch_size}")
    with tempfile.TemporaryDirectory() as home:
        home = Path(home)
        equal = compare(home, words)
        equal &= kill_and_resume(home, words, given.epochs // 2)
    return 0 if equal else 1


def compare(home, words):
    """Runs a, b and c and prints their losses; returns whether they are equal."""
    print("a: one process, one device; b: two devices; c: two processes\n")
    curves = {}
    for name, run in (("a", alone), ("b", two_devices), ("c", two_processes)):
        started = time.perf_counter()
        check(run(*words, "--out", home / name))
        seconds = time.perf_counter() - started
        curves[name] = losses(home / name)
        print(f"{name}: {seconds:.0f} s, {len(curves[name])} epochs", flush=True)
    a, b, c = curves.values()
    print(f"\nepoch{'a':>14}{'b':>14}{'c':>14}{'b - a':>11}{'c - a':>11}")
    for epoch in shown(len(a)):
        cells = "".join(f"{x[epoch]:14.6f}" for x in (a, b, c))
        apart = "".join(f"{x[epoch] - a[epoch]:11.1e}" for x in (b, c))
        print(f"{epoch + 1:5}{cells}{apart}")
    return tell(b, c, its=a)


def kill_and_resume(home, words, after):
    """Kills one of two processes, resumes; returns whether the result is the same."""
    folder = home / "d"
    first, second = pair = two_processes(*words, "--out", folder)
    while len(losses(folder)) < after and first.poll() is None:
        time.sleep(0.01)
    second.kill()
    codes = wait(pair)
    if codes != [2, KILLED]:
        raise SystemExit(f"the processes ended with {codes} before one could be killed")
    said = (home / "d-0.log").read_text().splitlines()[-1]
    kept = ", ".join(sorted(path.name for path in folder.iterdir()))
    print(f"d: the second process killed in epoch {len(losses(folder)) + 1}; the first")
    print(f"ends with exit code {codes[0]} and says\n  {said}")
    print(f"kept: {len(losses(folder))} epochs in {kept}")
    check(two_processes("--resume", folder))
    print("resumed to the end, and compared with c, which was never stopped")
    return tell(losses(folder), its=losses(home / "c"))


# --- Processes ------------------------------------------------------------------------


def alone(*words):
    return [start(*words)]


def two_devices(*words):
    flag = "--xla_force_host_platform_device_count=2"
    return [start(*words, "--distribute", XLA_FLAGS=flag)]


def two_processes(*words):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    name = "KERAS_DISTRIBUTION_"
    both = {f"{name}JOB_ADDRESSES": address, f"{name}NUM_PROCESSES": "2"}
    each = [both | {f"{name}PROCESS_ID": number} for number in "01"]
    return [start(*words, "--distribute", **variables) for variables in each]


def start(*words, **variables):
    """Starts the command as a process; its output goes into a file."""
    number = variables.get("KERAS_DISTRIBUTION_PROCESS_ID", "0")
    folder = Path(words[-1] if "--distribute" not in words else words[-2])
    with folder.with_name(f"{folder.name}-{number}.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "models.train", *map(str, words)],
            cwd=ROOT,
            env=os.environ | {"KERAS_BACKEND": "jax"} | variables,
            stdout=log,
            stderr=log,
        )


def wait(processes):
    """The exit codes of the processes."""
    try:
        return [process.wait(timeout=1800) for process in processes]
    finally:
        for process in processes:
            process.kill()


def check(processes):
    codes = wait(processes)
    if any(codes):
        raise SystemExit(f"{processes[0].args} ended with {codes}")


# --- What a run leaves ----------------------------------------------------------------


def losses(folder):
    """The losses of all epochs so far, nats per example."""
    path = folder / "history.csv"
    if not path.exists():
        return np.empty(0)
    with path.open(newline="") as file:
        return np.array([float(row["loss"]) for row in csv.DictReader(file)])


def tell(*ours, its):
    """Prints the largest difference between losses; returns whether it is small."""
    if any(len(curve) != len(its) for curve in ours):
        raise SystemExit("the runs do not have the same number of epochs")
    apart = max(np.abs(curve - its).max() for curve in ours)
    part = max(np.abs(curve / its - 1).max() for curve in ours)
    print(f"largest difference of a loss: {apart:.1e} nats, {part:.1e} of it\n")
    return part <= TOLERANCE


def shown(n, most=10):
    """The first and the last of n epochs, and some in between."""
    return sorted({*range(0, n, max(1, n // most)), n - 1})


if __name__ == "__main__":
    sys.exit(main())
