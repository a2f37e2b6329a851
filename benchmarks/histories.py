"""Training histories of the six first variants on the digits, to compare two commits.

    python benchmarks/histories.py --save before.json     # in a checkout of one commit
    python benchmarks/histories.py --compare before.json  # in a checkout of the other

Each variant trains 20 epochs from the same seed; `--compare` prints the largest
difference between the losses of an epoch, relative to the loss. KERAS_BACKEND chooses
the backend.
"""

import argparse
import json
import sys
from pathlib import Path

import keras
from sklearn.datasets import load_digits

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import models  # noqa: E402

NAMES = ("vanilla", "bernoulli", "beta", "iwae", "conditional", "serket")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--save", metavar="FILE", type=Path)
    parser.add_argument("--compare", metavar="FILE", type=Path)
    parser.add_argument("--epochs", type=int, default=20, help="(default: 20)")
    given = parser.parse_args()
    histories = {name: history(name, given.epochs) for name in NAMES}
    if given.save:
        given.save.write_text(json.dumps(histories))
    if given.compare:
        before = json.loads(given.compare.read_text())
        print(f"{keras.backend.backend()}: largest relative difference, by variant")
        for name in NAMES:
            print(f"  {name:12} {difference(before[name], histories[name]):.1e}")


def history(name, epochs):
    """The history of one training, name -> list; the message of serket is N(1, 1/2)."""
    digits = load_digits()
    x = (digits.images / 16).astype("float32")
    model = models.VARIANTS[name](x.shape[1:], 10, (64,), seed=0)
    model.compile(keras.optimizers.Adam(1e-3))
    inputs = {"x": x}
    if "label" in model.input:
        inputs["label"] = digits.target.astype("float32")
    if "prior_mean" in model.input:
        one = keras.ops.convert_to_numpy(keras.ops.ones((len(x), 10)))
        inputs |= {"prior_mean": one, "prior_precision": 2 * one}
    fitted = model.fit(inputs, epochs=epochs, batch_size=128, verbose=0)
    return {k: [float(v) for v in values] for k, values in fitted.history.items()}


def difference(before, after):
    pairs = zip(before["loss"], after["loss"], strict=True)
    return max(abs(a - b) / abs(a) for a, b in pairs)


if __name__ == "__main__":
    main()
