"""Folders of images."""

from pathlib import Path

import numpy as np
from PIL import Image

from models.blocks.ondisk_array import Rows
from models.data.errors import DataError, reading

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
GREY = ("1", "L", "LA", "La")  # modes of Pillow


def read_images(folder: Path, size: int | tuple[int, int] | None = None):
    """Reads a folder of images in sorted order: (n, h, w), or (n, h, w, 3) in colour.

    The names of its sub-folders are the labels if every image lies in one. Returns
    (images, codes, names), the last two None without labels.
    """
    paths, size = _found(folder, size)
    images = [_read_image(path, size) for path in paths]
    _check_same_size(paths, images)
    if any(image.ndim == 3 for image in images):
        images = [image if image.ndim == 3 else _coloured(image) for image in images]
    return np.stack(images), *_folder_labels(folder, paths)


def open_images(folder: Path, size: int | tuple[int, int] | None = None):
    """As `read_images`, with `ImageRows` in place of the images."""
    paths, size = _found(folder, size)
    return ImageRows(paths, size), *_folder_labels(folder, paths)


class ImageRows(Rows):
    """Images that are read from their files when they are asked for, in 0..1."""

    scale = 255
    extremes = (0.0, 1.0)  # all that a byte can be; no need to read them

    def __init__(self, paths, size):
        self.paths, self.resize = paths, size
        first = _read_image(paths[0], size).shape[:2]
        modes = set()
        for path in paths:
            with reading(path, "an image"), Image.open(path) as image:
                modes.add("grey" if image.mode in GREY else "colour")
                if size is None:
                    _check_size(path, image.size[::-1], paths[0], first)
        self.is_grey = modes == {"grey"}
        self.shape = (len(paths), *first, *(() if self.is_grey else (3,)))

    def read_raw(self, first, last):
        images = [_read_image(path, self.resize) for path in self.paths[first:last]]
        if not self.is_grey:
            images = [i if i.ndim == 3 else _coloured(i) for i in images]
        return np.array(images, np.uint8).reshape(-1, *self.shape[1:])


def _found(folder, size):
    """The paths of a folder's images, and the size as (height, width)."""
    paths = _image_paths(folder)
    if not paths:
        raise DataError(
            f"{folder}: no images in this folder; expected files that end in "
            f"{', '.join(IMAGE_SUFFIXES)}."
        )
    size = (size, size) if isinstance(size, int) else size
    if size is not None and min(size) < 1:
        raise DataError(f"--image-size {size}: expected a height and width above 0.")
    return paths, size


def _image_paths(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _folder_labels(folder: Path, paths: list[Path]):
    places = [path.relative_to(folder).parts for path in paths]
    if any(len(place) == 1 for place in places):
        return None, None
    names, codes = np.unique([place[0] for place in places], return_inverse=True)
    return codes.astype(np.int64), tuple(names.tolist())


def _read_image(path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """One image as bytes: (h, w) if it is grey, (h, w, 3) if it is in colour."""
    with reading(path, "an image"), Image.open(path) as image:
        if image.mode[0] in "IF":  # which Pillow clips to 255 when it converts them
            raise DataError(
                f"{path}: expected 8-bit pixels, got mode {image.mode}; save it as an "
                "8-bit image, or all of them as one .npy array."
            )
        image = image.convert("L" if image.mode in GREY else "RGB")
    if size is not None:
        image = image.resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(image)


def _coloured(image: np.ndarray) -> np.ndarray:
    return np.repeat(image[..., np.newaxis], 3, axis=2)


def _check_same_size(paths: list[Path], images: list[np.ndarray]) -> None:
    for path, image in zip(paths, images, strict=True):
        _check_size(path, image.shape[:2], paths[0], images[0].shape[:2])


def _check_size(path: Path, size, first: Path, expected) -> None:
    if tuple(size) != tuple(expected):
        raise DataError(
            f"{path}: is {size[0]} x {size[1]}, expected {expected[0]} x {expected[1]} "
            f"as in {first}; give image_size (--image-size) to resize all the images."
        )
