"""Does a conditional VAE draw the digit it was asked for?

    python benchmarks/conditional_digits.py RUN --mnist PATH/mnist.npz [--n 1000]

A classifier learns MNIST's training images and is scored on its test images; then it
names n draws of the finished run RUN (`python -m models.train --variant conditional
--data mnist:PATH`), as many of each digit. Printed are the shares it names as they were
asked for, of all and of each digit.
"""

import argparse
import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models import data  # noqa: E402
from models.runs.saved_run import Run  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", metavar="RUN", help="folder or tag of a finished run")
    parser.add_argument("--mnist", required=True, help="a downloaded mnist.npz")
    parser.add_argument("--n", type=int, default=1000, help="draws (default: 1000)")
    parser.add_argument("--seeds", type=int, default=3, help="how often (default: 3)")
    given = parser.parse_args()
    model = Run(given.run).model
    classifier = train_classifier(given.mnist)
    asked = np.arange(given.n) % 10
    for seed in range(given.seeds):
        _, drawn = model.sample(given.n, asked, seed)
        right = classifier.predict(drawn[..., None], verbose=0).argmax(axis=1) == asked
        each = " ".join(f"{right[asked == digit].mean():.2f}" for digit in range(10))
        print(
            f"seed {seed}: {right.mean():.3f} of {given.n} draws; of each digit {each}"
        )


def train_classifier(path):
    """Two convolutions and a dense layer, two epochs."""
    keras.utils.set_random_seed(0)
    train, test = (data.load(f"mnist:{path}", split=s) for s in ("train", "test"))
    classifier = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, 2, activation="relu"),
            layers.Conv2D(32, 3, 2, activation="relu"),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile("adam", loss, metrics=["accuracy"])
    classifier.fit(
        train.x[..., None], train.labels, batch_size=128, epochs=2, verbose=0
    )
    _, accuracy = classifier.evaluate(test.x[..., None], test.labels, verbose=0)
    print(f"the classifier names {accuracy:.3f} of the test images")
    return classifier


if __name__ == "__main__":
    main()
