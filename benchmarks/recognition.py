"""Recognition of new images by a loaded loop: time, and accuracy.

    python benchmarks/recognition.py --mnist PATH/mnist.npz

Trains the loop of Serket's tutorial for each seed (five rounds on 3000 images), saves
it, and recognises 2000 new images with `srk.load(folder)`: those that follow the
tutorial's by its own rule; then MNIST's 10000 test images, from other writers. `first`
includes compilation, `again` is the second call. Accuracies are under the best matching
of the classes and labels of those images.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import serket_bridge as srk  # noqa: E402
from models import data  # noqa: E402
from models.evaluation.metrics import matching_accuracy  # noqa: E402

COLUMNS = ("load", "first", "again", "training", "next", "test set")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mnist", required=True, help="a downloaded mnist.npz")
    parser.add_argument("--seeds", type=int, default=5, help="seeds (default: 5)")
    given = parser.parse_args()
    images = data.load(f"serket:{given.mnist}")
    sets = new_images(given.mnist, images.input_shape)
    rows = np.array([run(seed, images, sets) for seed in range(given.seeds)])
    print(" " * 8 + "".join(f"{name:>10}" for name in COLUMNS))
    for name, function in (("median", np.median), ("min", np.min), ("max", np.max)):
        print(f"{name:8}" + "".join(f"{v:10.3f}" for v in function(rows, axis=0)))


def new_images(path, shape):
    """[(x, labels)]: 200 images per class, after the tutorial's 300; the test set."""
    with np.load(path) as arrays:
        pixels, labels = arrays["x_train"], arrays["y_train"]
        test = arrays["x_test"], arrays["y_test"]
    later = np.arange(len(labels)) >= 5000
    of_class = [np.flatnonzero(later & (labels == k))[300:500] for k in range(10)]
    rows = np.stack(of_class, axis=1).ravel()
    sets = ((pixels[rows], labels[rows]), test)
    return [(x.reshape(-1, *shape) / np.float32(255), y) for x, y in sets]


def run(seed, images, sets):
    """Seconds and accuracies of one trained loop, as `COLUMNS`."""
    obs = srk.Observation(images.x)
    vae = srk.VAE(18, itr=200, batch_size=500, seed=seed)
    gmm = srk.GMM(10, seed=seed)
    vae.connect(obs)
    gmm.connect(vae)
    loop = srk.MessageLoop([obs, vae, gmm])
    with tempfile.TemporaryDirectory() as folder:
        loop.run(5, images.labels, verbose=False, folder=folder)
        clock = [time.perf_counter()]
        loaded = srk.load(folder)
        clock.append(time.perf_counter())
        for x, _ in (sets[0], sets[0]):
            loaded.recognize(x)
            clock.append(time.perf_counter())
    accuracies = [matching_accuracy(y, loaded.recognize(x).classes) for x, y in sets]
    row = (*np.diff(clock), loop.rows[-1]["accuracy"], *accuracies)
    print(f"seed {seed}: " + "".join(f"{value:10.3f}" for value in row), flush=True)
    return row


if __name__ == "__main__":
    main()
