"""The built-in data sets: digits, mnist, fashion_mnist, serket."""

from pathlib import Path

import numpy as np

from models.data.errors import DataError
from models.data.files import encode_labels, read_arrays
from models.suppress_output import import_keras

WITH_TEST_DATA = ("mnist", "fashion_mnist", "serket")
NAMES = ("digits", *WITH_TEST_DATA)

_DIGITS = tuple("0123456789")
_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat")
_CLOTHES += ("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def read_builtin(
    name: str, path: Path | None, split: str = "train"
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """(images (n, h, w) of integers, labels (n,), the names of the classes).

    name: one of `NAMES`; serket is the 3000 images of MNIST in Serket's tutorial.
    path: a downloaded mnist.npz; `None` downloads it. split: "train" or "test".
    """
    if name == "digits":
        from sklearn.datasets import load_digits  # slow to import

        digits = load_digits()  # (1797, 8, 8), 0..16
        return digits.images.astype(np.uint8), digits.target.astype(np.int64), _DIGITS
    images, labels = _mnist_file(name, path, split) if path else _download(name, split)
    if name == "serket" and split == "train":
        rows = _serket_rows(labels)
        images, labels = images[rows], labels[rows]
    names = _CLOTHES if name == "fashion_mnist" else _DIGITS
    return images, labels.astype(np.int64), names


def _mnist_file(name, path, split):
    """Images and labels of a downloaded mnist.npz, or of a file with the same keys."""
    keys = ("y_test", "x_test") if split == "test" else (None, None)
    images, labels, _ = read_arrays(path, *keys)
    labels, names = encode_labels(labels, path)
    if images.shape[1:] != (28, 28) or names != _DIGITS or len(images) != len(labels):
        raise DataError(
            f"{name}:{path}: expected images (n, 28, 28) with labels 0..9, as x_train "
            f"and y_train of mnist.npz, got {images.shape} with labels {names}; give "
            "the path of another kind of file without the name."
        )
    return images, labels


def _download(name, split):
    """The images and labels that Keras downloads for this name."""
    import_keras()
    import keras  # slow to import

    source = getattr(keras.datasets, "mnist" if name == "serket" else name)
    try:
        train, test = source.load_data()
    except Exception as error:  # Keras raises a bare Exception where the network fails
        raise DataError(
            f"{name}: the download failed ({error}); check the network, or give "
            f"{name}:PATH, where PATH is an .npz file with the keys of mnist.npz."
        ) from error
    return test if split == "test" else train


def _serket_rows(labels):
    """300 rows of each class from row 5000 on, the classes alternating."""
    rows = [5000 + np.flatnonzero(labels[5000:] == digit)[:300] for digit in range(10)]
    if min(map(len, rows)) < 300:
        raise DataError(
            "serket: expected 300 images of each class from row 5000 on, got "
            f"{[len(found) for found in rows]}; give the whole mnist.npz."
        )
    return np.stack(rows, axis=1).ravel()
