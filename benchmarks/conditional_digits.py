"""Does a conditional VAE generate the requested digit?

    python benchmarks/conditional_digits.py RUN --mnist PATH/mnist.npz [--num-samples N]

Trains a classifier on MNIST's training images and scores it on the test images. Then it
classifies samples of the finished run RUN (`python -m models.train --variant
conditional --data mnist:PATH`), the same number for each digit. Prints the fraction
classified as the requested digit, overall and for each digit.
"""

import argparse
import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models import data  # noqa: E402
from models.runs.saved_run import SavedRun  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("run", metavar="RUN", help="folder or name of a finished run")
    add("--mnist", required=True, help="a downloaded mnist.npz")
    add("--num-samples", type=int, default=1000, help="per seed (default: 1000)")
    add("--seeds", type=int, default=3, help="number of seeds (default: 3)")
    args = parser.parse_args()
    model = SavedRun(args.run).model
    classifier = train_classifier(args.mnist)
    requested = np.arange(args.num_samples) % 10
    for seed in range(args.seeds):
        _, x_mean = model.sample(args.num_samples, requested, seed)
        found = classifier.predict(x_mean[..., None], verbose=0).argmax(axis=1)
        right = found == requested
        by_digit = " ".join(f"{right[requested == k].mean():.2f}" for k in range(10))
        print(f"seed {seed}: {right.mean():.3f} correct; by digit {by_digit}")


def train_classifier(path):
    """A classifier of two convolutions and a dense layer, trained two epochs."""
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
    print(f"accuracy of the classifier on the test images: {accuracy:.3f}")
    return classifier


if __name__ == "__main__":
    main()
