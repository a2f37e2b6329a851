"""Speed of `fit` beside plain Keras, JAX, torch and pythae, and of other slow tasks.

    python benchmarks/speed.py
    python benchmarks/speed.py --networks conv --kinds train --batches 128
    python benchmarks/speed.py --kinds train encode sample --baseline ../other-checkout

Each contender (`benchmarks/contenders`) is a process, with the same data, network,
batches, threads and float32. All contenders of a row are prepared first and then run
alternately; a run is one epoch, or several short ones. The median of the runs is
printed. `products` are the bare matrix products of a step, forward and backward: a
lower bound. With `--baseline` only the zoo runs, of this checkout and of another. The
data are random and have the size of MNIST. On a CPU JAX convolves slowly inside a loop,
so `conv` has no `lax.scan` and at most 1000 rows.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import numpy as np  # noqa: E402
from contenders import Task  # noqa: E402

NETWORKS = {"mlp512": (512, 2), "mlp128": (128, 18), "conv": (16, 2)}
CONTENDERS = {  # name: file of `contenders`, backend of Keras
    "fit, TensorFlow": ("ours", "tensorflow"),
    "fit, JAX": ("ours", "jax"),
    "Keras, TensorFlow": ("plain_keras", "tensorflow"),
    "Keras, JAX": ("plain_keras", "jax"),
    "JAX, lax.scan": ("plain_jax", ""),
    "torch loop": ("plain_torch", ""),
    "pythae": ("pythae_trainer", ""),
    "products, TensorFlow": ("products_tensorflow", ""),
    "products, JAX": ("products_jax", ""),
    "bridge": ("gmm_ours", ""),
    "scikit-learn EM": ("gmm_sklearn", ""),
}
GMM = ("bridge", "scikit-learn EM")
ENCODE = ("fit, TensorFlow", "fit, JAX", "torch loop")
IN_LOOPS = ("JAX, lax.scan", "products, JAX")  # seconds a step where they convolve
KINDS = {"train": tuple(CONTENDERS)[:-2], "encode": ENCODE, "sample": ENCODE}
KINDS |= {"em": GMM, "gibbs": GMM, "help": ()}
UNITS = {"train": ("step", 1e3), "encode": ("row", 1e6), "sample": ("row", 1e6)}
UNITS |= {"em": ("step", 1e3), "gibbs": ("step", 1e3)}
BARS = [  # contender, its time over that of, must be
    ("Keras, TensorFlow", "fit, TensorFlow", "at least 2.5"),
    ("pythae", "fit, TensorFlow", "at least 3"),
    ("fit, JAX", "JAX, lax.scan", "at most 1.25"),
    ("fit, TensorFlow", "products, TensorFlow", "1 is the limit"),
]


def main():
    args = parser().parse_args()
    if args.baseline:
        compare_with(args.baseline)
    names = [name for kind in args.kinds for name in KINDS[kind]]
    names = [name for name in dict.fromkeys(names) if name not in args.leave_out]
    processes = {name: Contender(name, args.threads) for name in names}
    processes = {name: p for name, p in processes.items() if p.is_ready()}
    for task in tasks(args):
        show(task, measured(task, processes, args.repeat))
    for process in processes.values():
        process.close()
    if "help" in args.kinds:
        command = [sys.executable, "-m", "models.train", "--help"]
        show_row("models.train --help", timed_runs(command, args.repeat), 1, "s")


def compare_with(checkout):
    """Leaves the zoo's own contenders, of this checkout and of the other one."""
    own = {name: CONTENDERS[name] for name in ("fit, TensorFlow", "fit, JAX")}
    CONTENDERS.clear()
    BARS.clear()
    for name, contender in own.items():
        CONTENDERS[name] = contender
        CONTENDERS[f"{name}, baseline"] = (*contender, Path(checkout).resolve())
        BARS.append((name, f"{name}, baseline", "at most 1.03"))
    for kind in ("train", "encode", "sample"):
        KINDS[kind] = tuple(CONTENDERS)


def parser():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    networks = {"nargs": "+", "choices": NETWORKS, "default": ["mlp512", "mlp128"]}
    parser.add_argument("--networks", "--network", **networks)
    parser.add_argument("--batches", nargs="+", type=int, default=[20, 128, 500])
    parser.add_argument("--rows", type=int, default=5000, help="(default: 5000)")
    parser.add_argument("--repeat", type=int, default=5, help="runs (default: 5)")
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    parser.add_argument("--threads", type=int, default=cores, help="(default: all)")
    parser.add_argument("--leave-out", nargs="+", choices=CONTENDERS, default=[])
    parser.add_argument("--baseline", metavar="FOLDER", help="another checkout")
    return parser


def tasks(args):
    """One task for each group of rows of the table."""
    for kind in args.kinds:
        if kind in ("em", "gibbs"):
            yield Task(kind, "3000 x 18, 10 classes", 0, 18, 3000, 0)
        elif kind != "help":
            for network in args.networks:
                rows = args.rows if network != "conv" else min(args.rows, 1000)
                for batch in args.batches if kind == "train" else (1024,):
                    yield Task(kind, network, *NETWORKS[network], rows, batch)


class Contender:
    """A process that runs one task after another, on request."""

    def __init__(self, name, threads):
        self.name, (file, backend, *checkout) = name, CONTENDERS[name]
        script = (checkout[0] / "benchmarks/speed.py") if checkout else __file__
        count = str(threads)
        variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), count)
        variables |= {f"TF_NUM_{i}OP_THREADS": count for i in ("INTRA", "INTER")}
        variables |= {"KERAS_BACKEND": backend} if backend else {}
        self.process = subprocess.Popen(
            [sys.executable, script, "--child", file, count],
            env=os.environ | variables | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def is_ready(self, task=None):
        """Whether it can run the task; without a task, whether its imports work."""
        reason = self.ask(task and asdict(task))
        if reason:
            print(f"{self.name}: left out, {reason}", flush=True)
        return not reason

    def ask(self, message):
        print(json.dumps(message), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline() or '"its process ended"')

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measured(task, processes, repeat):
    """Seconds of each run of each contender: name -> list."""
    able = [p for name, p in processes.items() if name in KINDS[task.kind]]
    able = [p for p in able if not (task.image and p.name in IN_LOOPS)]
    able = [process for process in able if process.is_ready(task)]
    seconds = {process.name: [] for process in able}
    for _ in range(repeat):
        for process in able:
            seconds[process.name].append(process.ask("run"))
    return seconds


def show(task, seconds):
    unit, scale = UNITS[task.kind]
    batch = f", batch {task.batch}" if task.kind == "train" else ""
    print(f"\n{task.kind}, {task.network}{batch}", flush=True)
    for name, values in seconds.items():
        prefix = {1e3: "ms", 1e6: "us"}[scale]
        show_row(name, np.array(values) * scale / task.units, 3, f"{prefix} a {unit}")
    for name, other, bar in BARS:
        if {name, other} <= set(seconds):
            ratio = np.median(seconds[name]) / np.median(seconds[other])
            print(f"    {name} / {other}: {ratio:.2f} ({bar})", flush=True)


def show_row(name, values, digits, unit):
    low, median, high = np.percentile(values, [25, 50, 75])
    quartiles = f"[{low:.{digits}f}, {high:.{digits}f}]"
    print(f"  {name:22}{median:10.{digits}f} {quartiles:20} {unit}", flush=True)


def timed_runs(command, repeat):
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(time.perf_counter() - started)
    return seconds


def child(file, threads):
    """Answers each line of standard input with None, seconds, or an error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    module, run, times = None, None, 1
    for message in map(json.loads, sys.stdin):
        answer = None
        try:
            if message is None:
                module = load(file, threads)
            elif message == "run":
                answer = seconds_of(run, times) / times
            else:
                task = Task(**message)
                run = getattr(module, task.kind)(task, task.data())
                run(1)
                times = max(1, round(0.4 / seconds_of(run, 1)))
        except Exception as error:
            answer = f"{type(error).__name__}: {error}".partition("\n")[0]
        print(json.dumps(answer), file=answers, flush=True)


def load(file, threads):
    """The contender's module, with the number of threads set in its library."""
    module = importlib.import_module(f"contenders.{file}")
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(int(threads))
    return module


def seconds_of(run, times):
    started = time.perf_counter()
    run(times)
    return time.perf_counter() - started


if __name__ == "__main__":
    child(*sys.argv[2:]) if "--child" in sys.argv else main()
