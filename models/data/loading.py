"""`load`: a data set by its name, or from a file or folder of the user."""

import difflib
from pathlib import Path

import numpy as np

from models.blocks.ondisk_array import from_memmap
from models.data import builtin_datasets, files
from models.data.builtin_datasets import NAMES
from models.data.dataset import Dataset
from models.data.errors import DataError, reading
from models.data.image_folders import open_images
from models.data.values import as_float32, as_images, check_shape

LIMIT = 2**30  # bytes; a larger .npy file stays on disk


def load(
    source: str | Path,
    labels: str | Path | None = None,
    image_size: int | tuple[int, int] | None = None,
    split: str = "train",
    stream: bool | None = None,
    image_shape: tuple[int, ...] | None = None,
) -> Dataset:
    """Reads the data that `source` names, as float32.

    Integers 0..255 (0..16 of the digits) become 0..1; other values stay as they are.

    Args:
        source: digits, mnist, fashion_mnist or serket; or NAME:PATH, the same from a
            downloaded mnist.npz; or the path of an .npz, .npy, .csv, .txt or .parquet
            file or of a folder of images.
        labels: the column of a table, or the key of an .npz, with the labels; or the
            path of a file with one label for each row. `None` is a column or key with a
            usual name, or the sub-folders of a folder of images.
        image_size: the side, or (height, width), to resize a folder of images to.
        split: "train", or "test" for the test images of MNIST and Fashion-MNIST.
        stream: whether an .npy file or a folder of images stays on disk and is read as
            it is needed; `None` leaves .npy files of more than a GiB there.
        image_shape: (height, width) or (height, width, channels) of images that are
            stored as rows of columns: (16, 16) for 256 columns.

    Raises:
        DataError: the data are missing, damaged or not numbers that a network can learn
            from, or an argument does not fit them. The message says what to change.
    """
    kind, path = _resolve_source(str(source))
    label_name, label_file = _resolve_labels(labels)
    stream = _stays_on_disk(path if kind == "custom" else None, stream)
    if kind in NAMES:
        files.refuse_label_name(kind, label_name)
        files.refuse_image_size(kind, image_size)
        x, codes, label_names = builtin_datasets.read_builtin(kind, path, split)
    elif split == "test":
        raise builtin_datasets.no_test_split(source)
    else:
        x, codes, label_names = _read(path, label_name, image_size, stream)
    if label_file is not None:
        codes, label_names = files.read_labels(label_file)
    check_shape(x, source)
    if codes is not None and len(codes) != len(x):
        raise DataError(
            f"{label_file or source}: expected one label for each of the {len(x)} "
            f"rows, got {len(codes)} labels; give labels and data of the same length."
        )
    dtype = x.dtype
    x = from_memmap(x) if isinstance(x, np.memmap) else x
    x = as_images(x, image_shape, source)
    white = 16 if kind == "digits" else 255
    x, note, extremes = as_float32(x, dtype, white, source)
    name = kind if kind in NAMES else _stem(path)
    return Dataset(name, kind, x, codes, label_names, note, extremes)


def _resolve_source(source):
    """(the kind of data, the path to read or None); mnist.npz is the data set mnist."""
    if source in NAMES:
        return source, None
    name, colon, rest = source.partition(":")
    if colon and name in NAMES:
        return name, builtin_datasets.path_after_colon(name, rest)
    path = Path(source).expanduser()
    if not path.exists():
        near = difflib.get_close_matches(name.lower(), NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "check the path."
        raise DataError(
            f"{source}: expected a file, a folder or one of {', '.join(NAMES)}, but "
            f"there is nothing of that name; {hint}"
        )
    return "mnist" if path.name == "mnist.npz" else "custom", path


def _resolve_labels(labels):
    """(the name of a column or key, the path of a file); a path ends in a suffix."""
    if labels is None or Path(labels).suffix.lower() not in files.SUFFIXES:
        return None if labels is None else str(labels), None
    return None, Path(labels).expanduser()


def _stays_on_disk(path, stream):
    """Whether the data stay on disk; `stream` None decides by size."""
    is_npy = path is not None and path.is_file() and path.suffix.lower() == ".npy"
    if stream and not is_npy and not (path and path.is_dir()):
        raise DataError(
            "--stream is for an .npy file or a folder of images; others are read into "
            f"memory. Received: {path or 'a built-in data set'}. Leave it out, or save "
            "the numbers as .npy."
        )
    return is_npy and path.stat().st_size > LIMIT if stream is None else stream


def _read(path, label_name, image_size, stream):
    """(an array, a memory map or `Rows` (n, ...), label codes, label names)."""
    if path.is_dir():
        files.refuse_label_name(path, label_name)
        rows, *labels = open_images(path, image_size)
        return rows if stream else rows.read_raw(0, len(rows)), *labels
    files.refuse_image_size(path, image_size)
    if not stream:
        return files.read(path, label_name)
    files.refuse_label_name(path, label_name)
    with reading(path, "an .npy file of plain numbers"):
        return np.load(path, mmap_mode="r", allow_pickle=False), None, None


def _stem(path):
    path = path.resolve()
    return path.name if path.is_dir() else path.stem
