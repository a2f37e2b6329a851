"""One epoch from a file larger than memory may be: throughput, peak memory, a kill.

    python benchmarks/streaming.py            # 6 GB, a few minutes
    python benchmarks/streaming.py --gb 0.2   # a quick look

Structured images are written to a file in a temporary folder and dropped from the
system's cache. A model is trained for one epoch from the file; the same model on a part
in memory, before and after; and from the file again, killed with kill -9 in the middle
and started again, which must give the weights of the uninterrupted run. Each training
is its own process; peak memory is its largest resident size. Throughput counts from the
end of the first step to the end of the last one.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SHAPE = (28, 28)
MB = 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--gb", type=float, default=6.0, help="size of the file, float32 (default: 6)")
    add("--in-memory-gb", type=float, default=0.75, help="of the part (default: .75)")
    add("--uint8", action="store_true", help="store bytes, scaled while reading")
    add("--batch-size", type=int, default=256, help="(default: 256)")
    add("--hidden", type=int, default=256, help="units per layer (default: 256)")
    add("--seconds", type=float, default=5, help="between checkpoints (default: 5)")
    add("--folder", type=Path, help="folder of the file (default: temporary)")
    add("--train", choices=["memory", "file"], help=argparse.SUPPRESS)
    add("--file", type=Path, help=argparse.SUPPRESS)
    add("--run", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.train:
        return train(given)
    with tempfile.TemporaryDirectory(dir=given.folder) as home:
        given.file = Path(home) / "x.npy"
        make(given)
        return compare(given, Path(home))


def make(given):
    """Mixtures of twenty smooth images, plus noise, in [0, 1]."""
    kind = np.dtype(np.uint8 if given.uint8 else np.float32)
    n = int(given.gb * 1e9 / (kind.itemsize * np.prod(SHAPE)))
    rng, started = np.random.default_rng(0), time.perf_counter()
    waves = np.sin(np.linspace(0, 9, 28)[:, None] * rng.uniform(0.1, 1, (20, 1, 28)))
    pictures = np.abs(waves).astype(np.float32).reshape(20, -1)
    x = np.lib.format.open_memmap(given.file, "w+", kind, (n, *SHAPE))
    x.flush()
    with given.file.open("r+b") as file:
        file.seek(x.offset)
        for first in range(0, n, 20_000):
            shares = rng.dirichlet(np.full(20, 0.1), min(20_000, n - first))
            images = shares.astype(np.float32) @ pictures
            images = 0.9 * images + 0.1 * rng.random(images.shape, np.float32)
            (images * 255 if given.uint8 else images).astype(kind).tofile(file)
        file.flush()
        os.fsync(file.fileno())
    forget(given.file)
    seconds = time.perf_counter() - started
    size = given.file.stat().st_size / 1e9
    print(f"{n} images of 28 x 28, {kind}, {size:.2f} GB, made in {seconds:.0f} s")


def forget(path):
    """Asks the system to drop its copy of a file, so that it is read from the disk."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def compare(given, home):
    """Prints the table; returns the exit code."""
    print(f"{'':24}{'rows':>10}{'s':>8}{'rows/s':>10}{'peak MB':>10}", flush=True)
    before = print_row("in memory", measured(start(given, "memory")))
    forget(given.file)
    whole = print_row("from the file", measured(start(given, "file", home / "whole")))
    after = print_row("in memory again", measured(start(given, "memory")))
    forget(given.file)
    steps = kill_in_the_middle(given, home / "killed")
    print(f"killed after step {steps}, in the middle", flush=True)
    print_row("resumed", measured(start(given, "file", home / "killed")))
    same = same_weights(home / "whole", home / "killed")
    share = whole["speed"] / np.mean([before["speed"], after["speed"]])
    print(f"throughput from the file: {share:.0%} of that in memory")
    print(f"peak memory: {whole['peak']:.0f} MB, the file {size_of(given):.0f} MB")
    print("weights: " + ("the same as never killed" if same else "OTHERS"))
    return 0 if same else 1


def size_of(given):
    return given.file.stat().st_size / MB


def start(given, kind, run=None):
    command = [sys.executable, __file__, "--train", kind, "--file", given.file]
    command += ["--batch-size", str(given.batch_size), "--hidden", str(given.hidden)]
    command += ["--in-memory-gb", str(given.in_memory_gb)]
    command += ["--seconds", str(given.seconds), *(["--run", run] if run else [])]
    quiet = {"stderr": subprocess.DEVNULL, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **quiet)


def measured(process):
    """The measurements that a process prints in its last line."""
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a training ended with the code {process.returncode}")
    return json.loads(output.splitlines()[-1])


def print_row(name, result):
    numbers = "{rows:10.0f}{seconds:8.1f}{speed:10.0f}{peak:10.0f}".format(**result)
    print(f"{name:24}{numbers}", flush=True)
    return result


def kill_in_the_middle(given, run):
    """Kills a training after half of its steps; returns their number."""
    process = start(given, "file", run)
    for line in process.stdout:
        step, steps = json.loads(line)
        if step >= steps / 2:
            break
    process.kill()
    process.wait()
    process.stdout.close()
    return step


def same_weights(one, other):
    import models

    paths = [run / "checkpoint.keras" for run in (one, other)]
    weights = [models.load(path).get_weights() for path in paths]
    return all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


# --- In a process of its own ----------------------------------------------------------


def train(given):
    """Trains one epoch, reports every 50th step, and prints the measurements."""
    import keras

    import models
    from models.blocks.ondisk_array import from_memmap
    from models.runs import checkpoint

    class Clock(keras.callbacks.Callback):
        first, steps = None, 0

        def on_train_batch_end(self, batch, logs=None):
            self.last = time.perf_counter()
            self.first = self.first or self.last
            self.steps += 1
            if self.steps % 50 == 0 and given.run:
                step = self.model.steps_trained()
                print(json.dumps([step, -(-len(x) // given.batch_size)]), flush=True)

    file = np.load(given.file, mmap_mode="r")
    x = from_memmap(file, scale=255 if file.dtype == np.uint8 else None)
    model = models.vanilla.build(
        SHAPE, latent_dim=16, hidden_dims=(given.hidden,), seed=0
    )
    model.compile("adam")
    clock, settings = Clock(), {"batch_size": given.batch_size, "verbose": 0}
    if given.train == "memory":
        x = x[: int(given.in_memory_gb * 1e9 / (4 * np.prod(SHAPE)))]
        model.fit(x, epochs=1, callbacks=[clock], **settings)
    else:
        settings |= {"epochs": 1, "seconds": given.seconds, "callbacks": [clock]}
        checkpoint.fit(model, x, given.run, **settings)
    seconds = clock.last - clock.first
    rows = (clock.steps - 1) * given.batch_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB
    speed = rows / seconds
    print(json.dumps({"rows": rows, "seconds": seconds, "speed": speed, "peak": peak}))


if __name__ == "__main__":
    sys.exit(main())
