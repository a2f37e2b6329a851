"""Folders of images, read as they are needed."""

from pathlib import Path

import numpy as np
from PIL import Image

from models.blocks.ondisk_array import Rows
from models.data.errors import DataError, reading

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
GREY = ("1", "L", "LA", "La")  # modes of Pillow


def open_images(folder: Path, size: int | tuple[int, int] | None = None):
    """(`ImageRows` in the order of the paths, label codes, label names) of a folder.

    The labels are the names of the sub-folders, `None` where an image lies in none.
    size: the side or (height, width) to resize to; `None` keeps the size.
    """
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not paths:
        raise DataError(
            f"{folder}: no images in this folder; expected files that end in "
            f"{', '.join(IMAGE_SUFFIXES)}."
        )
    size = (size, size) if isinstance(size, int) else size
    if size is not None and min(size) < 1:
        raise DataError(f"--image-size {size}: expected a height and width above 0.")
    return ImageRows(paths, size), *_folder_labels(folder, paths)


class ImageRows(Rows):
    """Images that are read from their files when they are indexed, values in [0, 1].

    They are (h, w), or (h, w, 3) if one of them is in colour. size: (height, width) to
    resize to; `None` keeps the size.
    """

    scale = 255
    raw_extremes = (0, 255)  # the range of a byte; the images need not be read

    def __init__(self, paths: list[Path], size: tuple[int, int] | None):
        self.paths, self.resize, self.mode = paths, size, "L"
        first = self._read(paths[0]).shape
        for path in paths:
            with reading(path, "an image"), Image.open(path) as image:
                self.mode = self.mode if image.mode in GREY else "RGB"
                if size is None and image.size[::-1] != first:
                    raise DataError(
                        f"{path}: is {image.height} x {image.width}, expected "
                        f"{first[0]} x {first[1]} as in {paths[0]}; give image_size "
                        "(--image-size) to resize all the images."
                    )
        self.shape = (len(paths), *self._read(paths[0]).shape)

    def read_raw(self, first, last):
        images = [self._read(path) for path in self.paths[first:last]]
        return np.array(images, np.uint8).reshape(-1, *self.shape[1:])

    def _read(self, path):
        """The pixels of one image, uint8."""
        with reading(path, "an image"), Image.open(path) as image:
            if image.mode[0] in "IF":  # Pillow clips these to 255 when it converts them
                raise DataError(
                    f"{path}: expected 8-bit pixels, got mode {image.mode}; save it as "
                    "an 8-bit image, or all of them as one .npy array."
                )
            if image.mode in GREY:  # drops the alpha channel
                image = image.convert("L")
            image = image.convert(self.mode)
        if self.resize is not None:
            image = image.resize(self.resize[::-1], Image.Resampling.BILINEAR)
        return np.asarray(image)


def _folder_labels(folder, paths):
    """(codes, names) of the sub-folders, or (None, None)."""
    places = [path.relative_to(folder).parts for path in paths]
    if any(len(place) == 1 for place in places):
        return None, None
    names, codes = np.unique([place[0] for place in places], return_inverse=True)
    return codes.astype(np.int64), tuple(names.tolist())
