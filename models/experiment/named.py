"""The named data sets: digits, mnist, fashion_mnist, serket."""

from pathlib import Path

import numpy as np

from models.experiment import files
from models.experiment.errors import DataError
from models.experiment.quiet import quiet_backend

NAMES = ("digits", "mnist", "fashion_mnist", "serket")

_DIGITS = tuple("0123456789")
_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat")
_CLOTHES += ("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def read(name: str, path: Path | None) -> files.Columns:
    """The images as they are stored, their classes, and what the classes are called."""
    if name == "digits":
        return _digits()
    images, labels = _download(name) if path is None else _mnist_file(name, path)
    if name == "serket":
        rows = _serket_rows(labels)
        images, labels = images[rows], labels[rows]
    names = _CLOTHES if name == "fashion_mnist" else _DIGITS
    return images, labels.astype(np.int64), names


def path_after_colon(name: str, rest: str) -> Path:
    """The path in NAME:PATH, of a downloaded mnist.npz."""
    path = Path(rest).expanduser()
    if name == "digits":
        raise DataError(f"digits:{rest}: comes with scikit-learn; leave out the path.")
    if not path.is_file():
        raise DataError(
            f"{name}:{rest}: there is no such file; give the path of a downloaded "
            "mnist.npz after the colon."
        )
    return path


def refuse_options(name: str, label_name: str | None, image_size) -> None:
    """Refuses the options of `load` that only files and folders take."""
    if label_name is not None:
        raise DataError(
            f"--labels {label_name}: the data set {name!r} has no named columns or "
            "keys; give the path of a file of labels, or nothing for its own."
        )
    if image_size is not None:
        raise DataError(
            f"--image-size is for a folder of images, and the data set {name!r} is "
            "not one; leave it out."
        )


def _digits() -> files.Columns:
    """The 1797 handwritten digits of scikit-learn, (8, 8) integers 0..16."""
    from sklearn.datasets import load_digits  # slow to import

    digits = load_digits()
    return digits.images.astype(np.uint8), digits.target, _DIGITS


def _mnist_file(name: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The training images and labels of a downloaded mnist.npz, or one like it."""
    images, labels, names = files.read(path)
    if images.shape[1:] != (28, 28) or names != _DIGITS or len(images) != len(labels):
        raise DataError(
            f"{name}:{path}: expected images (n, 28, 28) with labels 0..9, as x_train "
            f"and y_train of mnist.npz, got {images.shape} with labels {names}; give "
            "the path of another kind of file without the name."
        )
    return images, labels


def _download(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The training images and labels that Keras offers under this name."""
    with quiet_backend():
        import keras  # slow to import

    datasets = keras.datasets
    source = datasets.fashion_mnist if name == "fashion_mnist" else datasets.mnist
    try:
        (images, labels), _ = source.load_data()
    except Exception as error:  # Keras raises a bare Exception where the network fails
        raise DataError(
            f"{name}: the download failed ({error}); check the network, or give "
            f"{name}:PATH, where PATH is an .npz file with x_train and y_train, like "
            "a downloaded mnist.npz."
        ) from error
    return images, labels


def _serket_rows(labels: np.ndarray) -> np.ndarray:
    """The rows of Serket's tutorial: 300 of each class, from 5000 on, in turn."""
    rows = [5000 + np.flatnonzero(labels[5000:] == digit)[:300] for digit in range(10)]
    if min(map(len, rows)) < 300:
        raise DataError(
            "serket: expected 300 images of each class from row 5000 on, got "
            f"{[len(found) for found in rows]}; give the whole mnist.npz."
        )
    return np.stack(rows, axis=1).ravel()
