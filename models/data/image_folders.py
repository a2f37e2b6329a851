"""Folders of images, read as they are needed."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from models.blocks.ondisk_array import Rows
from models.data.errors import DataError, reading

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
GREY = ("1", "L", "LA", "La")  # modes of Pillow
RESIZE = {"stretch": Image.Image.resize, "crop": ImageOps.fit, "pad": ImageOps.pad}
MAX_SHOWN = 5  # names in a message


def open_images(
    folder: Path,
    size: int | tuple[int, ...] | None = None,
    resize: str = "stretch",
    mode: str | None = None,
    decode: bool = True,
):
    """(`ImageRows` in the order of the paths, label codes, label names, notes).

    The labels are the names of the sub-folders, `None` where an image lies in none.
    Images that cannot be read are left out, if they are fewer than the others.

    Args:
        folder: of the images, which may lie in sub-folders.
        size: the side or (height, width) to resize to; `None` keeps the size.
        resize: "stretch", "crop" to the proportions of `size`, or "pad" with black.
        mode: "L" or "RGB"; `None` is RGB if an image is in colour.
        decode: whether each image is read whole now, and not only its header.
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
    size = (size,) if isinstance(size, int) else size
    if size is not None and (min(size) < 1 or len(size) > 2):
        raise DataError(
            f"--image-size: expected the side, or height and width, above 0. Received: "
            f"{' '.join(map(str, size))}"
        )
    found, errors = [], []
    for path in paths:
        try:
            found.append((path, *_inspect(path, decode)))
        except DataError as error:
            errors.append((path, error))
    if len(errors) >= len(found):
        raise errors[0][1]
    paths, modes, sizes = zip(*found, strict=True)
    if size is None and len(set(sizes)) > 1:
        i = next(i for i, each in enumerate(sizes) if each != sizes[0])
        raise DataError(
            f"{paths[i]}: is {sizes[i][0]} x {sizes[i][1]}, expected {sizes[0][0]} x "
            f"{sizes[0][1]} as in {paths[0]}; give image_size (--image-size) to resize "
            "all the images."
        )
    size = tuple(size) * (3 - len(size)) if size else sizes[0]
    mode = mode or ("L" if set(modes) <= set(GREY) else "RGB")
    names = ", ".join(path.name for path, _ in errors[:MAX_SHOWN])
    more = ", ..." * (len(errors) > MAX_SHOWN)
    notes = (f"{len(errors)} images left out, unreadable: {names}{more}",)
    rows = ImageRows(list(paths), size, resize, mode)
    return rows, *_folder_labels(folder, paths), notes * bool(errors)


def _inspect(path, decode):
    """The mode and (height, width) of an image."""
    with reading(path, "an image"), Image.open(path) as image:
        if image.mode[0] in "IF":  # Pillow clips these to 255 when it converts them
            raise DataError(
                f"{path}: expected 8-bit pixels, got mode {image.mode}; save it as "
                "an 8-bit image, or all of them as one .npy array."
            )
        if decode:
            image.load()
        return image.mode, (image.height, image.width)


class ImageRows(Rows):
    """Images that are read from their files when they are indexed, values in [0, 1].

    They are (h, w), or (h, w, 3) in the mode "RGB". Arguments as of `open_images`.
    """

    scale = 255
    raw_extremes = (0, 255)  # the range of a byte; the images need not be read

    def __init__(self, paths: list[Path], size: tuple[int, int], resize: str, mode):
        self.paths, self.size, self.mode = paths, size, mode
        self.resize = RESIZE[resize]
        self.shape = (len(paths), *size, *[3] * (mode == "RGB"))

    def read_raw(self, first, last):
        images = [self._read(path) for path in self.paths[first:last]]
        return np.array(images, np.uint8).reshape(-1, *self.shape[1:])

    def _read(self, path):
        """The pixels of one image, uint8."""
        with reading(path, "an image"), Image.open(path) as image:
            if image.mode in GREY:  # drops the alpha channel
                image = image.convert("L")
            image = image.convert(self.mode)
        if (image.height, image.width) != self.size:
            image = self.resize(image, self.size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(image)


def _folder_labels(folder, paths):
    """(codes, names) of the sub-folders, or (None, None)."""
    places = [path.relative_to(folder).parts for path in paths]
    if any(len(place) == 1 for place in places):
        return None, None
    names, codes = np.unique([place[0] for place in places], return_inverse=True)
    return codes.astype(np.int64), tuple(names.tolist())
