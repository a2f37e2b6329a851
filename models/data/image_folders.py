"""Folders of images, read as they are needed."""

from collections import Counter
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from models.blocks.ondisk_array import Rows
from models.data.errors import DataError, join_names, reading

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

    The labels are the names of the sub-folders, `None` where an image lies in none or
    all lie in one. Images that cannot be read are left out, if they are fewer than the
    others.

    Args:
        folder: of the images, which may lie in sub-folders.
        size: the side or (height, width) to resize to; `None` keeps the size.
        resize: "stretch", "crop" to the proportions of `size`, or "pad" with black.
        mode: "L" or "RGB"; `None` is RGB if an image is in colour.
        decode: whether each image is read whole now, and not only its header.

    Raises:
        DataError: there are no images, most cannot be read, or they differ in size.
    """
    paths, notes = _find_images(folder)
    size = _both_sides(size)
    found, errors = {}, {}
    for path in paths:
        try:
            found[path] = _inspect(path, decode)
        except DataError as error:
            errors[path] = error
    if len(errors) >= len(found):
        raise next(iter(errors.values()))
    if errors:
        shown = join_names(errors.values(), MAX_SHOWN)
        notes.append(f"{len(errors)} images left out: {shown}")
    sizes = {path: each for path, (_, each, _) in found.items()}
    size, more = _common_size(sizes, size, resize)
    notes += more
    n_frames = sum(is_animated for _, _, is_animated in found.values())
    if n_frames:
        notes.append(f"{n_frames} images of several frames: the first one is read")
    modes = {each for each, _, _ in found.values()}
    mode = mode or ("L" if modes <= set(GREY) else "RGB")
    if mode == "RGB" and modes & set(GREY):
        notes.append("images in grey and in colour: all are read in colour")
    codes, names, more = _folder_labels(folder, list(found))
    return ImageRows(list(found), size, resize, mode), codes, names, (*notes, *more)


def _find_images(folder):
    """(the paths of the images of a folder, sorted; notes on other files)."""
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    paths = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES]
    others = [path.name for path in files if path.suffix.lower() not in IMAGE_SUFFIXES]
    if not paths:
        there = f" It holds {join_names(others, MAX_SHOWN)}." if others else ""
        raise DataError(
            f"{folder}: no images in this folder; expected files that end in "
            f"{', '.join(IMAGE_SUFFIXES)}.{there}"
        )
    return paths, [f"files that are no images: {join_names(others, MAX_SHOWN)}"] * bool(
        others
    )


def _both_sides(size):
    """(height, width) of --image-size; `None` for `None`."""
    if size is None:
        return None
    size = (size,) if isinstance(size, int) else tuple(size)
    if min(size) < 1 or len(size) > 2:
        raise DataError(
            f"--image-size: expected the side, or height and width, above 0. Received: "
            f"{' '.join(map(str, size))}"
        )
    return size * (3 - len(size))


def _common_size(sizes, size, resize):
    """((height, width) of all images, notes)."""
    counts = Counter(sizes.values())
    usual = counts.most_common(1)[0][0]
    if size is None and len(counts) > 1:
        path = next(path for path, each in sizes.items() if each != usual)
        raise DataError(
            f"{path}: is {sizes[path][0]} x {sizes[path][1]}, expected {usual[0]} x "
            f"{usual[1]} as in most images; give image_size (--image-size) to resize "
            "all the images."
        )
    if size in (None, usual) and len(counts) == 1:
        return usual, ()
    before = f"{usual[0]} x {usual[1]}" if len(counts) == 1 else f"{len(counts)} sizes"
    return size, (f"resized from {before} to {size[0]} x {size[1]} ({resize})",)


def _inspect(path, decode):
    """(the mode, (height, width), whether there are several frames) of an image."""
    with reading(path, "an image"), Image.open(path) as image:
        if image.mode[0] in "IF":  # Pillow clips these to 255 when it converts them
            raise DataError(
                f"{path}: expected 8-bit pixels, got mode {image.mode}; save it as "
                "an 8-bit image, or all of them as one .npy array."
            )
        if decode:
            image.load()
        size = (image.height, image.width)
        is_known = image.format != "PNG" or decode or "exif" in image.info
        exif = image.getexif() if is_known else {}  # Pillow decodes a PNG for it
        is_turned = exif.get(ExifTags.Base.Orientation, 1) > 4
        is_animated = getattr(image, "n_frames", 1) > 1
        return image.mode, size[::-1] if is_turned else size, is_animated


class ImageRows(Rows):
    """Images that are read from their files when they are indexed, values in [0, 1].

    They are (h, w), or (h, w, 3) in the mode "RGB". Arguments as of `open_images`.
    """

    white = scale = 255
    raw_extremes = (0, 255)  # the range of a byte; the images need not be read

    def __init__(self, paths: list[Path], size: tuple[int, int], resize: str, mode):
        self.paths, self.size, self.mode = paths, size, mode
        self.resize = RESIZE[resize]
        self.shape = (len(paths), *size, *[3] * (mode == "RGB"))

    def read_raw(self, first, last):
        images = [self._read(path) for path in self.paths[first:last]]
        return np.array(images, np.uint8).reshape(-1, *self.shape[1:])

    def _read(self, path):
        """The pixels of one image, uint8, turned as its EXIF data say."""
        with reading(path, "an image"), Image.open(path) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode in GREY:  # drops the alpha channel
                image = image.convert("L")
            image = image.convert(self.mode)
        if (image.height, image.width) != self.size:
            image = self.resize(image, self.size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(image)


def _folder_labels(folder, paths):
    """(codes, names, notes) of the sub-folders; (None, None, notes) without."""
    places = [path.relative_to(folder).parts for path in paths]
    outside = [place[-1] for place in places if len(place) == 1]
    names, codes = np.unique([place[0] for place in places], return_inverse=True)
    if outside:
        is_mixed = len(outside) < len(places)
        note = (
            f"sub-folders are no labels: {join_names(outside, MAX_SHOWN)} lie in none"
        )
        return None, None, (note,) * is_mixed
    if len(names) == 1:
        return None, None, (f"no labels: all images lie in {names[0]}",)
    return codes.astype(np.int64), tuple(names.tolist()), ()
