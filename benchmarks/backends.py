"""What every variant does on every backend: a table of checks.

    python benchmarks/backends.py

Each backend runs in its own process; one that is not installed is skipped with a note.
`after load` is the largest change of the evaluated loss through saving and loading,
`resumed` that of the loss of one further epoch, both in nats per example. The exit code
is 1 if a check fails or a difference is not 0.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BACKENDS = ("tensorflow", "jax", "torch")
CHECKS = ("train", "evaluate", "predict", "save", "load", "after load", "resumed")


def main():
    failed = False
    print(f"{'backend':12}{'variant':12}" + "".join(f"{c:>12}" for c in CHECKS))
    for backend in BACKENDS:
        if importlib.util.find_spec(backend) is None:
            print(f"{backend:12}not installed")
            continue
        command = [sys.executable, __file__, "--child"]
        environment = os.environ | {
            "KERAS_BACKEND": backend,
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        child = subprocess.run(command, env=environment, capture_output=True, text=True)
        if child.returncode:
            raise SystemExit(f"{backend} failed:\n{child.stderr}")
        for name, row in json.loads(child.stdout.splitlines()[-1]).items():
            failed |= "FAIL" in row or any(row[-2:])
            cells = (f"{v:12.1e}" if isinstance(v, float) else f"{v:>12}" for v in row)
            print(f"{backend:12}{name:12}" + "".join(cells), flush=True)
    return int(failed)


def child():
    """Runs every check for every variant; prints one line of JSON, name -> cells."""
    sys.path.insert(0, str(ROOT))
    import numpy as np
    from sklearn.datasets import load_digits

    import models

    digits = load_digits()
    x = (digits.images / 16).astype("float32")[:1000]
    rng = np.random.default_rng(0)
    others = {
        "label": digits.target[:1000],
        "prior_mean": rng.normal(size=(len(x), 10)),
        "prior_precision": rng.gamma(2.0, size=(len(x), 10)),
    }
    rows = {}
    for name, build in models.VARIANTS.items():
        model = build(x.shape[1:], 10, (64,), seed=0)
        inputs = {"x": x} | {k: v for k, v in others.items() if k in model.input}
        rows[name] = check(models, model, inputs)
    print(json.dumps(rows))


def check(models, model, inputs):
    """The cells of one variant: "ok", "FAIL" or a difference."""
    quiet = {"batch_size": 128, "verbose": 0}
    model.compile("adam")
    losses = model.fit(inputs, epochs=5, **quiet).history["loss"]
    cells = ["ok" if losses[-1] < losses[0] else "FAIL"]
    before = model.evaluate(inputs, return_dict=True, **quiet)["loss"]
    objective = model.predict(inputs, **quiet)["objective"]
    cells += ["ok", "ok" if abs(before + objective.mean()) < 1e-3 else "FAIL"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        again = models.load(path)
    cells += ["ok", "ok" if set(again.input) == set(model.input) else "FAIL"]
    after = again.evaluate(inputs, return_dict=True, **quiet)["loss"]
    one, two = (
        m.fit(inputs, epochs=1, **quiet).history["loss"][0] for m in (model, again)
    )
    return [*cells, abs(after - before), abs(one - two)]


if __name__ == "__main__":
    sys.exit(child() if "--child" in sys.argv else main())
